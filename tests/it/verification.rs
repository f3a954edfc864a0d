//! No more is said than is known: a signal lets nothing new out, a list that cannot hold the key proves nothing, and
//! what IAM leaves out is not made up.

use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};
use crate::dialogue::Dialogue;
use crate::many::{from_stdin, outcomes};
use crate::streams::interrupted;

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn throttled() -> What {
    What::error(400, "Throttling", "Rate exceeded")
}

pub(crate) const NEVER: &str =
    "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>";

/// IAM's answer about a key of `owner`, with `used` for its last use.
pub(crate) fn last_use(owner: &str, used: &str) -> What {
    let page = format!(
        "<GetAccessKeyLastUsedResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <GetAccessKeyLastUsedResult><UserName>{owner}</UserName>{used}</GetAccessKeyLastUsedResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetAccessKeyLastUsedResponse>"
    );
    What::page(200, "text/xml", page)
}

#[test]
fn f61_a_signal_before_a_retry_lets_no_further_request_out() {
    let sandbox = documented();
    sandbox.fault(Fault::new(throttled()).on("DeleteAccessKey"));
    let _ = interrupted(&sandbox)
        .exits(130)
        .prints_outcome("Failed")
        .says(&["interrupted"])
        .ends_with("not deleted: IAM refused the request");
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f61_a_signal_is_130_although_a_missing_key_is_wanted() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.fault(Fault::new(What::Delay(Duration::from_millis(300))).on("DeleteAccessKey"));
    let running = Case::documented(&sandbox, &["--ignore-missing"]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("TERM");
    let _ = running
        .end()
        .exits(143)
        .prints_outcome("Failed")
        .says(&["interrupted"])
        .ends_with("not deleted: IAM found no such key for this user");
}

#[test]
fn f61_of_many_keys_one_that_was_gone_already_stays_that() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.fault(Fault::new(What::Delay(Duration::from_millis(300))).on("DeleteAccessKey"));
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let running = from_stdin(&sandbox, &list, &["--ignore-missing", "--jobs", "1"]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("INT");
    let printed = running.end().exits(130);
    let output = printed.output().to_owned();
    let expected = [("Missing".to_owned(), 1), ("NotTried".to_owned(), 1)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says(&["interrupted"])
        .ends_with("2 keys: 1 already gone, 1 not tried");
    assert!(sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn f61_another_accounts_key_is_unknown_after_a_signal() {
    let sandbox = documented();
    let key = nth_key_id("999999999999", 1);
    sandbox.fault(Fault::new(What::SilenceBeforeActing).on("DeleteAccessKey"));
    let running = Case::at(&sandbox, ["--access-key-id", &key, "--user-name", "Bob"]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("INT");
    let _ = running
        .end()
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["interrupted"])
        .ends_with("unknown: ");
}

#[test]
fn a_user_who_never_was_does_not_prove_a_key_gone() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name",
        "Bbo",
        "--timeout",
        "4",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&[
            "no usable response",
            // A list of the keys of that user says no more.
            "hint: check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run",
        ])
        .ends_with("unknown: ");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f55_access_denied_after_a_lost_answer_is_looked_into() {
    for (code, status) in [("AccessDenied", 403), ("LimitExceeded", 409)] {
        let sandbox = documented();
        sandbox.fault(Fault::new(What::ResetAfterActing).on("DeleteAccessKey"));
        sandbox.fault(Fault::new(What::error(status, code, "no")).on("DeleteAccessKey"));
        // Only the command says whose it was.
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(10)
            .prints_outcome("Unknown")
            .says(&[&format!("({code})")])
            .ends_with(
                "the response to an earlier attempt was lost; IAM does not list the key for Bob",
            );
        assert!(!sandbox.has_key(BOBS_KEY), "{code}");
        // IAM says so too.
        let sandbox = documented();
        sandbox.fault(Fault::new(What::ResetAfterActing).on("DeleteAccessKey"));
        sandbox.fault(Fault::new(What::error(status, code, "no")).on("DeleteAccessKey"));
        let bobs = Fault::new(last_use("Bob", NEVER)).on("GetAccessKeyLastUsed");
        sandbox.fault(bobs.always());
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED)
            .says(&["the response to an earlier attempt was lost; IAM no longer lists the key, but still names Bob as its owner\n"])
            .ends_with("deleted: ");
    }
}

#[test]
fn f52_throttled_until_the_time_is_up_is_8() {
    let sandbox = documented();
    sandbox.fault(Fault::new(throttled()).always());
    let _ = Case::documented(&sandbox, &["--timeout", "2"])
        .env("AWS_MAX_ATTEMPTS", "50")
        .run()
        .exits(8)
        .prints_outcome("Failed")
        .says(&["(Throttling)"])
        .ends_with("not deleted: IAM refused the request")
        .within(SOON);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f52_a_lost_answer_and_then_throttled_is_unknown_where_nobody_may_look() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox.deny("iam:ListAccessKeys");
    sandbox.fault(Fault::new(What::ResetAfterActing).on("DeleteAccessKey"));
    sandbox.fault(Fault::new(throttled()).on("DeleteAccessKey").always());
    let _ = Case::documented(&sandbox, &["--timeout", "4"])
        .env("AWS_MAX_ATTEMPTS", "2")
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(Throttling)", "hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n"])
        .ends_with(
            "unknown: the response to an earlier attempt was lost; there is no permission to check the key",
        );
}

#[test]
fn ignore_missing_needs_an_answer_that_the_key_is_gone() {
    let lost = || {
        Fault::new(What::ResetBeforeActing)
            .on("GetAccessKeyLastUsed")
            .always()
    };
    // IAM says "no such key", and then nobody can say whose it is.
    let sandbox = documented();
    sandbox.fault(lost());
    let args = [
        "--access-key-id",
        ALICE_KEY_ID,
        "--user-name",
        "Bob",
        "--ignore-missing",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["(NoSuchEntity)"])
        .ends_with("not deleted: IAM found no such key for this user");
    // The same where a condition reads first.
    let _ = Case::at(&sandbox, args)
        .args(["--only-inactive"])
        .run()
        .exits(9)
        .prints_outcome("Failed")
        .says(&["could not reach IAM"])
        .ends_with("not deleted");
    // A name that is misspelt is no key that is gone.
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    for more in [
        &["--ignore-missing"][..],
        &["--ignore-missing", "--only-inactive"],
    ] {
        let _ = Case::at(
            &sandbox,
            ["--access-key-id", BOBS_KEY, "--user-name", "Bbo"],
        )
        .args(more.iter().copied())
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["The user with name Bbo cannot be found"])
        .ends_with("not deleted");
    }
    assert!(sandbox.has_key(BOBS_KEY));
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn a_user_who_does_not_exist_is_not_said_to_lack_the_key() {
    for more in [&[][..], &["--deactivate"]] {
        let sandbox = documented();
        let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bbo"];
        let case = Case::at(&sandbox, args).args(more.iter().copied());
        let _ = case
            .run()
            .exits(3)
            .prints_outcome("Failed")
            .says(&["The user with name Bbo cannot be found."])
            .ends_with(": IAM found no such user");
    }
    // A signal comes while the key is verified.
    let sandbox = documented();
    let reads = Fault::new(What::SilenceBeforeActing).on("GetAccessKeyLastUsed");
    sandbox.fault(reads.always());
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bbo"];
    let running = Case::at(&sandbox, args).args(["--ignore-missing"]).start();
    assert!(sandbox.wait_for_requests(2, SOON));
    running.signal("INT");
    let _ = running
        .end()
        .exits(130)
        .prints_outcome("Failed")
        .says(&["interrupted"])
        .ends_with("not deleted: IAM found no such user");
}

#[test]
fn an_owner_that_iam_cannot_look_up_is_not_called_denied() {
    for (status, code) in [
        (400, "ValidationError"),
        (400, "InvalidInput"),
        (500, "ServiceFailure"),
        (403, "InvalidClientTokenId"),
        (400, "Strange"),
    ] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let what = What::error(status, code, "no");
        sandbox.fault(Fault::new(what).on("GetAccessKeyLastUsed").always());
        let case = Case::documented(&sandbox, &["--ignore-missing"]);
        let case = case.env("AWS_MAX_ATTEMPTS", "1");
        let said = case.run().exits(3).prints_outcome("Failed");
        assert!(!said.messages().contains("denied"), "{}", said.messages());
        let _ = said.says(&["NoSuchEntity"]).ends_with(
            "not deleted: IAM found no such key for this user, and checking the key failed",
        );
    }
}

#[test]
fn a_list_that_iam_cannot_read_is_not_called_denied() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let what = What::error(400, "ValidationError", "no");
    sandbox.fault(Fault::new(what).on("ListAccessKeys").always());
    sandbox.fault(Fault::new(What::ResetAfterActing).on("DeleteAccessKey"));
    let said = Case::documented(&sandbox, &[])
        .run()
        .exits(10)
        .prints_outcome("Unknown");
    let messages = said.messages();
    assert!(
        !messages.contains("not allowed") && !messages.contains("permission"),
        "{messages}"
    );
    let _ = said
        .says(&["hint: check with: aws iam list-access-keys --user-name=Bob"])
        .ends_with("checking the key failed");
}

#[test]
fn ignore_missing_takes_a_key_for_gone_that_was_deleted_a_moment_ago() {
    // IAM's list has no such key any more, and its last use is still remembered.
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.fault(
        Fault::new(last_use("Bob", NEVER))
            .on("GetAccessKeyLastUsed")
            .always(),
    );
    let contradiction = "GetAccessKeyLastUsed still names Bob as its owner: IAM's responses contradict each other, which can happen \
                         for a few seconds after a change";
    for more in [
        &["--ignore-missing"][..],
        &["--ignore-missing", "--only-inactive"],
    ] {
        let printed = Case::documented(&sandbox, more).run().exits(0);
        assert_eq!(
            printed.object()["Reason"],
            "IAM still names Bob as its owner"
        );
        let _ = printed.prints_outcome("Missing").says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is missing, but {contradiction}\n"
        ));
        let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
        let printed = from_stdin(&sandbox, &list, more).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is missing, but {contradiction}\n\
             result: 1 key: 1 already gone\n"
        ));
    }
    // Where that is not wanted either.
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
    // The reply is lost, and the retry finds no key; lists and last use lag behind.
    let sandbox = iam_sandbox::Sandbox::documented().list_lag(50).start();
    let own = nth_key_id("123456789012", 5);
    sandbox.add_key(iam_sandbox::KeySeed::new("admin", &own));
    sandbox.fault(Fault::new(What::ResetAfterActing).on("DeleteAccessKey"));
    sandbox.fault(
        Fault::new(last_use("admin", NEVER))
            .on("GetAccessKeyLastUsed")
            .always(),
    );
    let _ = Case::at(&sandbox, ["--access-key-id", &own])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(NoSuchEntity)"])
        .ends_with("IAM still lists the key");
    assert!(!sandbox.has_key(&own));
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn a_last_use_that_is_left_out_is_not_never() {
    let replies = [
        "",
        "<AccessKeyLastUsed><ServiceName>s3</ServiceName><Region>eu-west-1</Region></AccessKeyLastUsed>",
    ];
    for used in replies {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(last_use("Alice", used))
                .on("GetAccessKeyLastUsed")
                .always(),
        );
        let args = [
            "--access-key-id",
            ALICE_OLD_KEY_ID,
            "--user-name",
            "Alice",
            "--unused-for",
            "90d",
        ];
        let _ = Case::at(&sandbox, args)
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says(&["unusable response from IAM"])
            .ends_with("not deleted");
        assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
    }
}

#[test]
fn f64_what_was_typed_before_the_question_is_no_answer() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::Delay(Duration::from_millis(500))).on("ListAccessKeys"));
    let case = Case::documented(&sandbox, &["--interactive"]);
    let dialogue = Dialogue::start(case)
        .types(b"y\n")
        .shows("[y/N] ")
        .types(b"\n");
    let _ = dialogue
        .end()
        .exits(11)
        .prints_nothing()
        .says(&["not confirmed: this run changed nothing\n"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f64_a_condition_is_judged_again_after_the_answer() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, iam_sandbox::Status::Inactive);
    let case = Case::documented(&sandbox, &["--interactive", "--only-inactive"]);
    let dialogue = Dialogue::start(case).shows("[y/N] ");
    sandbox.set_status(BOBS_KEY, iam_sandbox::Status::Active);
    let _ = dialogue
        .types(b"yes\n")
        .end()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&["is not deleted: its status is Active\n"]);
    assert!(sandbox.has_key(BOBS_KEY));
}
