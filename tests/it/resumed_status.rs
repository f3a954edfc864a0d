//! Changes of a status that a run made before it was killed, and that no record says: the next run finds the status, and its
//! journal has a result.

use iam_sandbox::{Sandbox, Status};

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::journal::{ACCOUNT, Kept};
use crate::many::outcomes;
use crate::masked::PLAIN_SECRET;
use crate::reactivate::{inactive, status};
use crate::undo::{row, undo};
use crate::undone::INTENT;

/// A journal of `--deactivate` with this record of Bob's key.
fn begun(record: &str) -> Kept {
    let kept = Kept::new("");
    let head = format!("{{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":\"{ACCOUNT}\"}}\n");
    std::fs::write(kept.path(), head + &row(BOBS_KEY, record)).expect("a journal");
    kept
}

/// The user may have been renamed, and another one may have the name.
#[test]
fn that_a_later_run_does_not_find_the_key_leaves_a_begun_deactivation_unknown() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = begun(INTENT);
    let case = Case::documented(&sandbox, &["--deactivate", "--ignore-missing", "--journal"]);
    let ended = case.args([kept.path()]).run().exits(0);
    let _ = ended.prints_outcome("Missing").says_nothing();
    assert_eq!(kept.results()[BOBS_KEY], "Missing");
    let sandbox = inactive();
    let printed = undo(&sandbox, &kept.path()).run().exits(10);
    let _ = printed
        .prints_outcomes(&[("Unknown", 1)])
        .says(&["this run did not change it: it is unknown whether an earlier run deactivated it"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

/// IAM allows names that look like secrets, and other lists do not.
#[test]
fn the_keys_of_a_user_whose_name_looks_like_a_secret_are_reactivated() {
    let id = "AKIAQAAAAAAAUKRH4J5A";
    let sandbox = Sandbox::builder().user_key(PLAIN_SECRET, id).start();
    let kept = Kept::new(id);
    let printed = kept.case(&sandbox, &["--find-user", "--deactivate"]).run();
    let _ = printed
        .exits(0)
        .prints_outcomes(&[("Deactivated", 1)])
        .says(&["result: "]);
    let journal = kept.journal();
    assert!(journal.contains(PLAIN_SECRET));
    let printed = undo(&sandbox, &kept.path()).run().exits(0);
    assert_eq!(outcomes(printed.output()), [("Reactivated".to_owned(), 1)]);
    let said = printed.prints_anything();
    assert!(!said.messages().contains(PLAIN_SECRET));
    assert_eq!(status(&sandbox, id), Some(Status::Active));
    // Not even there is it a name.
    each(["x/y", "a b", ""], |name| {
        std::fs::write(kept.path(), journal.replace(PLAIN_SECRET, name)).expect("a journal");
        undo(&sandbox, &kept.path())
            .run()
            .stops(2, &["is not a user name"]);
    });
}
