//! Common behavior of `--deactivate` and `--reactivate`: reads settle lost responses, and errors have the same exit status as
//! for a deletion.

use iam_sandbox::{Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, always, documented, each, each_at_once, once};
use crate::deactivate::UNDO;
use crate::reactivate::status;

/// One of the two actions.
#[derive(Debug, Clone, Copy)]
struct Action {
    name: &'static str,
    /// The `Outcome` of a key that is changed.
    outcome: &'static str,
    before: Status,
    after: Status,
    /// The known state of a key that is changed.
    hint: &'static str,
}

const ACTIONS: [Action; 2] = [
    Action {
        name: "deactivate",
        outcome: "Deactivated",
        before: Status::Active,
        after: Status::Inactive,
        hint: UNDO,
    },
    Action {
        name: "reactivate",
        outcome: "Reactivated",
        before: Status::Inactive,
        after: Status::Active,
        hint: "",
    },
];

impl Action {
    /// Every case for both actions.
    fn with<C: Clone>(cases: &[C]) -> impl Iterator<Item = (Self, C)> {
        let all = |action| cases.iter().map(move |case| (action, case.clone()));
        ACTIONS.into_iter().flat_map(all)
    }

    fn sandbox(self) -> Sandbox {
        let sandbox = documented();
        sandbox.set_status(BOBS_KEY, self.before);
        sandbox
    }

    fn case(self, sandbox: &Sandbox) -> Case {
        let case = Case::documented(sandbox, &["--yes"]);
        case.args([format!("--{}", self.name)])
    }
}

#[test]
fn a_request_with_a_lost_response_is_retried_and_changes_nothing_more() {
    let faults = [
        What::ResetAfterActing,
        What::CloseAfterActing,
        What::TruncateBody,
    ];
    each(Action::with(&faults), |(action, what)| {
        let sandbox = action.sandbox();
        sandbox.fault(once("UpdateAccessKey", what));
        let said = action.case(&sandbox).run().exits(0);
        let said = said.prints_outcome(action.outcome);
        assert_eq!(said.messages().trim_end(), action.hint);
        assert_eq!(status(&sandbox, BOBS_KEY), Some(action.after));
    });
}

#[test]
fn a_missing_response_is_settled_by_reading() {
    let portal = "<html><body>Sign in</body></html>";
    let faults = [
        (What::ResetAfterActing, 0, "is presumed "),
        (What::ResetBeforeActing, 10, "the connection was reset"),
        (
            What::page(200, "text/html", portal),
            10,
            "it is an HTML page",
        ),
    ];
    each_at_once(Action::with(&faults), |(action, (what, exits, says))| {
        let sandbox = action.sandbox();
        sandbox.fault(always("UpdateAccessKey", what));
        let ended = action.case(&sandbox).args(["--timeout", "4"]).run();
        if exits == 0 {
            let done = action.outcome.to_lowercase();
            let presumed = format!("{says}{done}");
            let found = format!("IAM now lists the key as {:?}", action.after);
            let says = [&presumed, &found, action.hint];
            let known =
                format!("{done}: the request was sent and no usable response arrived; {found}");
            ended.ends_as(0, action.outcome, &says, &known);
            assert_eq!(status(&sandbox, BOBS_KEY), Some(action.after));
        } else {
            let known = format!(
                "unknown: the request was sent and no usable response arrived; IAM still lists the key as {:?}",
                action.before
            );
            let says = ["no usable response from IAM", says];
            ended.ends_as(exits, "Unknown", &says, &known);
            assert_eq!(status(&sandbox, BOBS_KEY), Some(action.before));
        }
    });
}

#[test]
fn a_missing_response_without_read_permission_leaves_the_key_unknown() {
    each_at_once(ACTIONS, |action| {
        let sandbox = action.sandbox();
        sandbox.deny("iam:ListAccessKeys");
        sandbox.deny("iam:GetAccessKeyLastUsed");
        sandbox.fault(always("UpdateAccessKey", What::ResetAfterActing));
        let ended = action.case(&sandbox).args(["--timeout", "4"]).run();
        let says = &["check with: aws iam list-access-keys --user-name=Bob"];
        ended.ends_as(10, "Unknown", says, "unknown: the request was sent and no usable response arrived; there is no permission to check the key");
        assert_eq!(status(&sandbox, BOBS_KEY), Some(action.after));
    });
}

#[test]
fn errors_have_the_same_exit_status_as_for_a_deletion() {
    let errors = [
        ("NoSuchEntity", 404, 3),
        ("LimitExceeded", 409, 4),
        ("ServiceFailure", 500, 5),
        ("AccessDenied", 403, 6),
        ("InvalidClientTokenId", 403, 7),
        ("Throttling", 400, 8),
        ("ValidationError", 400, 2),
    ];
    each(Action::with(&errors), |(action, (code, http, exits))| {
        let sandbox = action.sandbox();
        let message = format!("The Access Key with id {BOBS_KEY} cannot be found.");
        let error = What::error(http, code, message);
        sandbox.fault(always("UpdateAccessKey", error));
        let (outcome, known) = if exits == 5 {
            let still = format!("IAM still lists the key as {:?}", action.before);
            let failed =
                "unknown: the last response was an error, but IAM may still make the change";
            ("Unknown", format!("{failed}; {still}"))
        } else {
            let why = match exits {
                3 => "found no such key for this user",
                _ => "refused the request",
            };
            ("Failed", format!("not {}d: IAM {why}", action.name))
        };
        let printed = action.case(&sandbox).run().exits(exits);
        assert_eq!(printed.object()["Action"], action.name);
        let says = format!("An error occurred ({code}) when calling the UpdateAccessKey operation");
        let said = printed.prints_outcome(outcome).says(&[&says]);
        let _ = said.ends_with(&known);
        assert_eq!(status(&sandbox, BOBS_KEY), Some(action.before));
    });
}
