//! `--deactivate`: the same truth as a deletion, and the command that undoes it.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, ALICE_KEY_ID};
use iam_sandbox::{Certificate, Fault, Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, actions, documented};

const UNDO: &str = "hint: to undo it: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --reactivate";

fn status(sandbox: &Sandbox, id: &str) -> Option<Status> {
    sandbox.key(id).map(|key| key.status)
}

fn deactivate(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::documented(sandbox, &["--deactivate"]).args(more)
}

#[test]
fn the_status_is_read_and_the_command_that_undoes_it_is_printed() {
    let sandbox = documented();
    let printed = deactivate(&sandbox, &[]).run().exits(0);
    let created = sandbox.key(BOBS_KEY).expect("a key").created;
    assert_eq!(
        printed.object(),
        serde_json::json!({
            "AccessKeyId": BOBS_KEY,
            "UserName": "Bob",
            "Outcome": "Deactivated",
            "Status": "Inactive",
            "PreviousStatus": "Active",
            "CreateDate": humantime::format_rfc3339_seconds(created).to_string(),
            "Attempts": 1,
            "RequestId": printed.object()["RequestId"],
        })
    );
    assert!(printed.object()["RequestId"].is_string());
    let _ = printed.prints_outcome("Deactivated").says(&[UNDO]);
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "UpdateAccessKey"]);
    assert_eq!(sandbox.requests()[1].param("Status"), Some("Inactive"));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

#[test]
fn the_status_is_the_one_it_has_then() {
    for (format, holds) in [
        (
            "json",
            "\"Outcome\":\"Deactivated\",\"Status\":\"Inactive\",\"PreviousStatus\":\"Active\",",
        ),
        ("text", "\tDeactivated\t\tInactive\t"),
        ("table", "  Inactive  "),
    ] {
        let sandbox = documented();
        // The condition needs the status from before, which is Active.
        let more = ["--older-than", "1d", "--output", format];
        let printed = deactivate(&sandbox, &more).run().exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains(holds), "{output}");
        let now = output.replace("\"PreviousStatus\":\"Active\"", "");
        assert!(!now.contains("Active"), "{output}");
        let _ = printed.prints(&output).says(&[UNDO]);
    }
}

#[test]
fn the_undo_goes_the_same_way_as_the_run() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let config = format!(
        "[profile ops]\naws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n"
    );
    let (url, roots) = (sandbox.url(), sandbox.ca_pem().expect("an authority"));
    let case = deactivate(&sandbox, &["--profile", "ops", "--endpoint-url", &url])
        .without("AWS_CA_BUNDLE")
        .file(".aws/config", config)
        .file("the roots.pem", roots);
    let bundle = case.path("the roots.pem").display().to_string();
    let _ = case
        .args(["--ca-bundle", &bundle])
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says(&[&format!(
            "{UNDO} --profile ops --endpoint-url {url} --ca-bundle '{bundle}'\n"
        )]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

#[test]
fn a_lost_answer_is_tried_again_and_changes_nothing_more() {
    for what in [
        What::ResetAfterActing,
        What::CloseAfterActing,
        What::TruncateBody,
    ] {
        let sandbox = documented();
        sandbox.fault(Fault::new(what).on("UpdateAccessKey"));
        let _ = deactivate(&sandbox, &[])
            .run()
            .exits(0)
            .prints_outcome("Deactivated")
            .says(&[UNDO]);
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
    }
}

#[test]
fn an_answer_that_never_comes_is_settled_by_reading() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("UpdateAccessKey")
            .always(),
    );
    let _ = deactivate(&sandbox, &["--timeout", "4"])
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says(&[
            "is presumed deactivated",
            "IAM now lists the key as Inactive",
            UNDO,
        ])
        .ends_with(&format!("{BOBS_KEY}: deactivated"));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));

    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("UpdateAccessKey")
            .always(),
    );
    let _ = deactivate(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM"])
        .ends_with("unknown: the request was sent and no usable response arrived; IAM still lists the key as Active");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn an_answer_that_never_comes_and_may_not_be_read_is_unknown() {
    let sandbox = Sandbox::documented()
        .deny("iam:ListAccessKeys")
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("UpdateAccessKey")
            .always(),
    );
    let _ = deactivate(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["check with: aws iam list-access-keys --user-name=Bob"])
        .ends_with("unknown: ");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

#[test]
fn a_page_that_is_not_iams_is_never_success() {
    let sandbox = documented();
    let page = What::page(200, "text/html", "<html><body>Sign in</body></html>");
    sandbox.fault(Fault::new(page).on("UpdateAccessKey").always());
    let _ = deactivate(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["it is an HTML page"])
        .ends_with("IAM still lists the key as Active");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn errors_have_the_status_they_have_for_a_deletion() {
    for (code, http, expected) in [
        ("NoSuchEntity", 404, 3),
        ("LimitExceeded", 409, 4),
        ("ServiceFailure", 500, 5),
        ("AccessDenied", 403, 6),
        ("InvalidClientTokenId", 403, 7),
        ("Throttling", 400, 8),
        ("ValidationError", 400, 2),
    ] {
        let sandbox = documented();
        let message = format!("The Access Key with id {BOBS_KEY} cannot be found.");
        let error = What::error(http, code, message);
        sandbox.fault(Fault::new(error).on("UpdateAccessKey").always());
        let (outcome, known) = match expected {
            5 => (
                "Unknown",
                "unknown: IAM returned an error, but may still make the change; IAM still lists the key as Active",
            ),
            _ => ("Failed", "not deactivated"),
        };
        let _ = deactivate(&sandbox, &[])
            .run()
            .exits(expected)
            .prints_outcome(outcome)
            .says(&[&format!(
                "An error occurred ({code}) when calling the UpdateAccessKey operation"
            )])
            .ends_with(known);
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active), "{code}");
    }
}

#[test]
fn the_signing_key_is_not_switched_off_by_accident() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ADMIN_KEY_ID,
        "--user-name",
        "admin",
        "--deactivate",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(11)
        .prints_outcome("Refused")
        .says(&["you would lock yourself out", "--allow-self"])
        .ends_with("not deactivated: nothing was sent to IAM");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn conditions_hold_for_a_deactivation_too() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ALICE_KEY_ID,
        "--find-user",
        "--deactivate",
    ];
    let _ = Case::at(&sandbox, args)
        .args(["--unused-for", "45d"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&[&format!(
            "{ALICE_KEY_ID} is not deactivated: it was used 1 day ago"
        )]);
    assert_eq!(status(&sandbox, ALICE_KEY_ID), Some(Status::Active));
}
