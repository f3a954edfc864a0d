//! A run reports only what it knows: after a signal it sends no new request, a list that cannot have the key proves nothing, and
//! it does not invent what IAM omits.

use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, actions, always, documented, each, faulty, once};
use crate::dialogue::Dialogue;
use crate::many::from_stdin;
use crate::running::Running;
use crate::streams::interrupted;

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn throttled() -> What {
    What::error(400, "Throttling", "Rate exceeded")
}

pub(crate) const NEVER: &str =
    "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>";

/// IAM's response about a key of `owner`, with `used` as its last use.
pub(crate) fn last_use(owner: &str, used: &str) -> What {
    let page = format!(
        "<GetAccessKeyLastUsedResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <GetAccessKeyLastUsedResult><UserName>{owner}</UserName>{used}</GetAccessKeyLastUsedResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetAccessKeyLastUsedResponse>"
    );
    What::page(200, "text/xml", page)
}

/// Sends the signal as soon as this many requests have arrived.
fn signal_after(running: Running, sandbox: &Sandbox, requests: usize, name: &str) -> Running {
    assert!(sandbox.wait_for_requests(requests, SOON));
    running.signal(name);
    running
}

/// The response to a deletion comes a little later.
fn slow() -> Fault {
    once("DeleteAccessKey", What::Delay(Duration::from_millis(300)))
}

/// The first deletion acts, and its response is lost.
fn lost() -> Fault {
    once("DeleteAccessKey", What::ResetAfterActing)
}

/// IAM still names the owner of the key.
fn still_bobs() -> Fault {
    always("GetAccessKeyLastUsed", last_use("Bob", NEVER))
}

/// A key of Bob with a misspelled user name.
const BBO: [&str; 4] = ["--access-key-id", BOBS_KEY, "--user-name", "Bbo"];

#[test]
fn f61_a_signal_before_a_retry_lets_no_further_request_out() {
    for delay in [None, Some(slow())] {
        let sandbox = faulty([once("DeleteAccessKey", throttled())]);
        if let Some(delay) = delay {
            sandbox.fault(delay);
        }
        let says = "iam-del-key: error: interrupted; before that: An error occurred (Throttling) when calling the \
                    DeleteAccessKey operation: Rate exceeded\n\
                    result: AKIDPMS9RO4H3FEXAMPLE: not deleted: IAM refused the request\n";
        interrupted(&sandbox).ends_exactly(130, "Failed", says);
        assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f61_a_signal_exits_130_even_with_ignore_missing() {
    let sandbox = faulty([slow()]);
    sandbox.remove_key(BOBS_KEY);
    let running = Case::documented(&sandbox, &["--ignore-missing"]).start();
    let known = "not deleted: IAM found no such key for this user";
    let ended = signal_after(running, &sandbox, 1, "TERM").end();
    ended.ends_as(143, "Failed", &["interrupted"], known);
}

#[test]
fn f61_a_key_that_was_already_gone_keeps_that_result_after_a_signal() {
    let sandbox = faulty([slow()]);
    sandbox.remove_key(BOBS_KEY);
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let running = from_stdin(&sandbox, &list, &["--ignore-missing", "--jobs", "1"]).start();
    let ended = signal_after(running, &sandbox, 1, "INT").end();
    let printed = ended.exits(130);
    let expected = [("Missing", 1), ("NotTried", 1)];
    let _ = printed
        .prints_outcomes(&expected)
        .says(&["interrupted"])
        .ends_with("2 keys: 1 already gone, 1 not tried");
    assert!(sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn f61_another_accounts_key_is_unknown_after_a_signal() {
    let sandbox = faulty([once("DeleteAccessKey", What::SilenceBeforeActing)]);
    let key = nth_key_id("999999999999", 1);
    let running = Case::at(&sandbox, ["--access-key-id", &key, "--user-name", "Bob"]).start();
    let ended = signal_after(running, &sandbox, 1, "INT").end();
    ended.ends_as(
        130,
        "Unknown",
        &["interrupted"],
        "unknown: the request was sent and no usable response arrived; the key's ID encodes account 999999999999, which \
         the credentials of account 123456789012 cannot check",
    );
}

#[test]
fn a_user_who_never_existed_does_not_prove_a_key_gone() {
    let sandbox = faulty([lost().always()]);
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let says = &[
        "no usable response",
        // A list of that user's keys proves nothing more.
        "hint: check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run",
    ];
    let case = Case::at(&sandbox, BBO).args(["--timeout", "4"]);
    case.run().ends_as(10, "Unknown", says, "unknown: the request was sent and no usable response arrived; the user does not exist, and IAM does not report who owns the key");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f55_access_denied_after_a_lost_response_is_verified() {
    each(
        [("AccessDenied", 403), ("LimitExceeded", 409)],
        |(code, status)| {
            let error = || once("DeleteAccessKey", What::error(status, code, "no"));
            // Only the command names the owner.
            let sandbox = faulty([lost(), error()]);
            let known = "unknown: the response to an earlier attempt was lost; IAM does not list the key for Bob, and does not confirm its owner";
            let ended = Case::documented(&sandbox, &[]).run();
            ended.ends_as(10, "Unknown", &[&format!("({code})")], known);
            assert!(!sandbox.has_key(BOBS_KEY));
            // IAM names the same owner.
            let sandbox = faulty([lost(), error(), still_bobs()]);
            Case::documented(&sandbox, &[]).run().deletes(
                "the response to an earlier attempt was lost; IAM does not list the key for Bob, whom it named as the owner",
            );
        },
    );
}

#[test]
fn f52_throttling_until_the_time_limit_exits_8() {
    let sandbox = faulty([Fault::new(throttled()).always()]);
    let case = Case::documented(&sandbox, &["--timeout", "2"]).env("AWS_MAX_ATTEMPTS", "50");
    let says = "iam-del-key: error: An error occurred (Throttling) when calling the DeleteAccessKey operation: Rate exceeded\n\
                hint: IAM limits requests per account: wait a moment, and run fewer commands at once\n\
                result: AKIDPMS9RO4H3FEXAMPLE: not deleted: IAM refused the request\n";
    let ended = case.run().within(SOON);
    ended.ends_exactly(8, "Failed", says);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f52_throttling_after_a_lost_response_is_unknown_if_reads_are_denied() {
    let sandbox = faulty([lost(), always("DeleteAccessKey", throttled())]);
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox.deny("iam:ListAccessKeys");
    let case = Case::documented(&sandbox, &["--timeout", "4"]).env("AWS_MAX_ATTEMPTS", "2");
    case.run().ends_as(
        10,
        "Unknown",
        &["(Throttling)", "hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n"],
        "unknown: the response to an earlier attempt was lost; there is no permission to check the key",
    );
}

/// IAM names the owner and denies that user's list. The hint must not say to read that list without the permission.
#[test]
fn f52_if_only_the_list_is_denied_the_hint_names_that_permission() {
    let denied = || What::error(403, "AccessDenied", "no");
    for is_interrupted in [false, true] {
        let sandbox = faulty([
            always("DeleteAccessKey", What::SilenceBeforeActing),
            always("ListAccessKeys", denied()),
        ]);
        let running = Case::documented(&sandbox, &["--timeout", "4"]).start();
        assert!(sandbox.wait_for_requests(1, SOON));
        let printed = if is_interrupted {
            interrupt(running, "INT").exits(130)
        } else {
            running.end().exits(10)
        };
        let _ = printed.prints_outcome("Unknown").says(&[&format!(
            "hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived; there is no permission to list \
             the user's keys\n"
        )]);
    }
}

#[test]
fn ignore_missing_needs_proof_that_the_key_is_gone() {
    // IAM returns NoSuchEntity, and then does not name an owner.
    let sandbox = faulty([always("GetAccessKeyLastUsed", What::ResetBeforeActing)]);
    let bobs = ["--access-key-id", ALICE_KEY_ID, "--user-name", "Bob"];
    let case = || Case::at(&sandbox, bobs).args(["--ignore-missing"]);
    let known = "not deleted: IAM found no such key for this user, and checking the key failed";
    case()
        .run()
        .ends_as(3, "Failed", &["(NoSuchEntity)"], known);
    // The same if a condition needs a read first.
    let ended = case().args(["--only-inactive"]).run();
    ended.ends_as(
        9,
        "Failed",
        &["no usable response from IAM"],
        "not deleted: no request to change it was sent to IAM",
    );
    assert!(sandbox.has_key(ALICE_KEY_ID));
    // A misspelled name does not mean that the key is gone.
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let cases = [
        (&[][..], "not deleted: IAM found no such user"),
        (
            &["--only-inactive"],
            "not deleted: no request to change it was sent to IAM",
        ),
    ];
    each(cases, |(more, known)| {
        let case = Case::at(&sandbox, BBO)
            .args(["--ignore-missing"])
            .args(more);
        let says = &["The user with name Bbo cannot be found"];
        case.run().ends_as(3, "Failed", says, known);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn a_user_who_does_not_exist_is_not_said_to_lack_the_key() {
    each(
        [(&[][..], "deleted"), (&["--deactivate"], "deactivated")],
        |(more, done)| {
            let sandbox = documented();
            let case = Case::at(&sandbox, BBO).args(more);
            let says = &["The user with name Bbo cannot be found."];
            let known = format!("not {done}: IAM found no such user");
            case.run().ends_as(3, "Failed", says, &known);
        },
    );
    // A signal comes while the key is verified.
    let sandbox = faulty([always("GetAccessKeyLastUsed", What::SilenceBeforeActing)]);
    let running = Case::at(&sandbox, BBO).args(["--ignore-missing"]).start();
    let known = "not deleted: IAM found no such user";
    let ended = signal_after(running, &sandbox, 2, "INT").end();
    ended.ends_as(130, "Failed", &["interrupted"], known);
}

#[test]
fn an_owner_that_iam_cannot_look_up_is_not_called_denied() {
    let errors = [
        (400, "ValidationError"),
        (400, "InvalidInput"),
        (500, "ServiceFailure"),
        (403, "InvalidClientTokenId"),
        (400, "Strange"),
    ];
    each(errors, |(status, code)| {
        let what = What::error(status, code, "no");
        let sandbox = faulty([always("GetAccessKeyLastUsed", what)]);
        sandbox.remove_key(BOBS_KEY);
        let case = Case::documented(&sandbox, &["--ignore-missing"]).env("AWS_MAX_ATTEMPTS", "1");
        let says = "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The \
                    Access Key with id AKIDPMS9RO4H3FEXAMPLE cannot be found.\n\
                    hint: the key does not exist, or belongs to another user; to find the key's owner: iam-del-key \
                    --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run\n\
                    result: AKIDPMS9RO4H3FEXAMPLE: not deleted: IAM found no such key for this user, and checking the key \
                    failed\n";
        case.run().ends_exactly(3, "Failed", says);
    });
}

#[test]
fn a_list_that_iam_cannot_read_is_not_called_denied() {
    let what = What::error(400, "ValidationError", "no");
    let sandbox = faulty([always("ListAccessKeys", what), lost()]);
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let printed = Case::documented(&sandbox, &[]).run().exits(10);
    let said = printed.prints_outcome("Unknown");
    let messages = said.messages();
    let denied = messages.contains("not allowed") || messages.contains("permission");
    assert!(!denied, "{messages}");
    let _ = said
        .says(&["hint: check with: aws iam list-access-keys --user-name=Bob"])
        .ends_with("checking the key failed");
}

#[test]
fn ignore_missing_accepts_a_key_that_was_just_deleted() {
    // IAM's list no longer has the key, and its last use is still available.
    let sandbox = faulty([still_bobs()]);
    sandbox.remove_key(BOBS_KEY);
    let contradiction = "GetAccessKeyLastUsed named Bob as its owner: IAM's responses contradict each other, which can happen \
                         for a few seconds after a change";
    let conditions = [
        &["--ignore-missing"][..],
        &["--ignore-missing", "--only-inactive"],
    ];
    each(conditions, |more| {
        let warning = format!("iam-del-key: warning: {BOBS_KEY} is missing, but {contradiction}\n");
        let printed = Case::documented(&sandbox, more).run().exits(0);
        let reason = &printed.object()["Reason"];
        assert_eq!(reason, "IAM named Bob as its owner");
        let _ = printed.prints_outcome("Missing").says_exactly(&warning);
        let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
        let printed = from_stdin(&sandbox, &list, more).run().exits(0);
        let both = warning + "result: 1 key: 1 already gone\n";
        let _ = printed.prints_anything().says_exactly(&both);
    });
    // The same without --ignore-missing.
    let _ = Case::documented(&sandbox, &["--only-inactive"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: error: IAM lists no such key for the user Bob\n\
             hint: IAM's responses contradict each other, which can happen for a few seconds after a change: run the same command again\n\
             result: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
        ));
}

#[test]
fn the_signers_own_key_is_not_called_another_users() {
    // The response is lost, and the retry finds no key; lists and last use lag behind.
    let sandbox = Sandbox::documented().list_lag(50).start();
    let own = nth_key_id("123456789012", 5);
    sandbox.add_key(KeySeed::new("admin", &own));
    sandbox.fault(lost());
    sandbox.fault(always("GetAccessKeyLastUsed", last_use("admin", NEVER)));
    let ended = Case::at(&sandbox, ["--access-key-id", &own]).run();
    ended.ends_as(
        10,
        "Unknown",
        &["(NoSuchEntity)"],
        "IAM still lists the key",
    );
    assert!(!sandbox.has_key(&own));
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn an_omitted_last_use_does_not_mean_never() {
    let no_date = "<AccessKeyLastUsed><ServiceName>s3</ServiceName><Region>eu-west-1</Region></AccessKeyLastUsed>";
    each(["", no_date], |used| {
        let sandbox = faulty([always("GetAccessKeyLastUsed", last_use("Alice", used))]);
        let args = ["--access-key-id", ALICE_OLD_KEY_ID, "--user-name", "Alice"];
        let case = Case::at(&sandbox, args).args(["--unused-for", "90d"]);
        let says = &["unusable response from IAM"];
        case.run().ends_as(
            1,
            "Failed",
            says,
            "not deleted: no request to change it was sent to IAM",
        );
        assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
    });
}

#[test]
fn f64_input_typed_before_the_question_is_not_an_answer() {
    let delay = What::Delay(Duration::from_millis(500));
    let sandbox = faulty([once("ListAccessKeys", delay)]);
    let case = Case::documented(&sandbox, &["--interactive"]);
    let dialogue = Dialogue::start(case)
        .types(b"y\n")
        .shows("[y/N] ")
        .types(b"\n");
    dialogue
        .end()
        .stops(11, &["not confirmed: this run changed nothing\n"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f64_a_condition_is_checked_again_after_the_answer() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let case = Case::documented(&sandbox, &["--interactive", "--only-inactive"]);
    let dialogue = Dialogue::start(case).shows("[y/N] ");
    sandbox.set_status(BOBS_KEY, Status::Active);
    let _ = dialogue
        .types(b"yes\n")
        .end()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&["is not deleted: its status is Active\n"]);
    assert!(sandbox.has_key(BOBS_KEY));
}
