//! What `--reactivate` does not undo: what somebody else may have done, and what does not fit together.

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Fault, Status, What};

use crate::case::{BOBS_KEY, Case, documented};
use crate::many::{from_stdin, outcomes};
use crate::reactivate::{inactive, row, status, undo};

const HEAD: &str = "{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":\"123456789012\"}\n";
const INTENT: &str =
    "\"Intent\":\"deactivate\",\"Status\":\"Active\",\"PreviousStatus\":\"Active\"";

/// The run was killed before its request left, and then a person deactivated the key.
#[test]
fn f104_a_deactivation_that_is_only_concluded_is_not_undone() {
    let sandbox = inactive();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("done.jsonl");
    std::fs::write(&path, HEAD.to_owned() + &row(BOBS_KEY, INTENT)).expect("a journal");
    let list = format!("{BOBS_KEY}\n{BOB_SECOND_KEY_ID}\n");
    let printed = from_stdin(&sandbox, &list, &["--user-name", "Bob", "--deactivate"])
        .args(["--journal"])
        .args([&path])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&[&format!("warning: {BOBS_KEY} is presumed deactivated")]);
    for undone in [
        undo(&sandbox, &path),
        from_stdin(&sandbox, &output, &["--reactivate", "--yes"]),
    ] {
        sandbox.set_status(BOB_SECOND_KEY_ID, Status::Inactive);
        let printed = undone.run().exits(12);
        let output = printed.output().to_owned();
        let expected = [("Reactivated".to_owned(), 1), ("Refused".to_owned(), 1)];
        assert_eq!(outcomes(&output), expected);
        let _ = printed
            .prints(&output)
            .says(&[&format!(
                "{BOBS_KEY}: it is not known whether it was active before"
            )])
            .ends_with("2 keys: 1 reactivated, 1 refused");
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
        assert_eq!(status(&sandbox, BOB_SECOND_KEY_ID), Some(Status::Active));
    }
}

/// This run listed the key as active and sent the request: that the response was lost does not keep it from being undone.
#[test]
fn f104_a_deactivation_of_this_run_is_undone_although_its_response_was_lost() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("UpdateAccessKey")
            .always(),
    );
    let printed = Case::documented(&sandbox, &["--deactivate", "--timeout", "4"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    sandbox.clear_faults();
    let said = from_stdin(&sandbox, &output, &["--reactivate", "--yes"])
        .run()
        .exits(0);
    let _ = said.prints_outcome("Reactivated").says(&["1 reactivated"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}
