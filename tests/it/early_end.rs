//! A run that ends early says which keys earlier runs left unknown, not only what it changed itself.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Sandbox, What};

use crate::assume_root::identity;
use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, always, documented, each_at_once, faulty};
use crate::intent::started;
use crate::journal::{Kept, SOON, UNREAD};

const ONE: &str =
    "result: this run changed no key; 1 key that earlier runs started to change is still unknown\n";
const BOTH: &str = "result: this run changed no key; 2 keys that earlier runs started to change are still unknown\n";

/// A journal in which a change of Bob's and Alice's keys was started, and a list with Bob's key.
fn both_started() -> Kept {
    let kept = started();
    let journal = kept.journal();
    let bobs = journal.lines().last().expect("a record");
    let alices = bobs.replace(BOBS_KEY, ALICE_KEY_ID).replace("Bob", "Alice");
    std::fs::write(kept.path(), format!("{journal}{alices}\n")).expect("a journal");
    kept
}

/// A run over keys that are not from a list.
fn over(sandbox: &Sandbox, kept: &Kept, args: &[&str]) -> Case {
    let case = Case::at(sandbox, args.iter().copied());
    case.args(["--yes", "--journal"]).args([kept.path()])
}

#[test]
fn a_signal_before_the_first_key() {
    let other = "AKIAAAAAAAAAAAAAAAAA";
    each_at_once(0..6, |number| {
        let sandbox = faulty([always("GetCallerIdentity", What::SilenceBeforeActing)]);
        let kept = both_started();
        let of_two = |one| ["--access-key-id", one, "--access-key-id", other];
        let all = [
            "--whole-account",
            "--only-inactive",
            "--expect-account",
            "123456789012",
        ];
        let (case, result) = match number {
            0 => (kept.case(&sandbox, &[]), ONE),
            1 => (kept.case(&sandbox, &["--dry-run"]), ONE),
            2 => (over(&sandbox, &kept, &of_two(ALICE_KEY_ID)), ONE),
            3 => (
                over(&sandbox, &kept, &["--user-name", "bob", "--all-keys"]),
                ONE,
            ),
            4 => (over(&sandbox, &kept, &all), BOTH),
            _ => (
                over(&sandbox, &kept, &of_two("AKIABBBBBBBBBBBBBBBB")),
                "result: no key was changed\n",
            ),
        };
        let hint = match number {
            1 | 5 => "",
            _ => "hint: to continue, run the same command again\n",
        };
        let running = case.start();
        assert!(sandbox.wait_for_requests(1, SOON));
        interrupt(running, "INT").stops_exactly(
            130,
            &format!("iam-del-key: error: interrupted\n{hint}{result}"),
        );
    });
}

#[test]
fn an_account_that_cannot_be_read_or_is_another_one() {
    let denied = What::error(403, "AccessDenied", "no");
    let other = identity("arn:aws:iam::999999999999:user/admin", "999999999999");
    let expected = ["--expect-account", "123456789012"];
    let silent = What::ResetBeforeActing;
    let again = format!("hint: to continue, run the same command again\n{ONE}");
    for (what, more, status, result) in [
        (denied, &[][..], 6, ONE),
        (silent, &[], 9, &again),
        (other.clone(), &expected, 11, ONE),
        // The journal also belongs to another account.
        (other, &[], 2, UNREAD),
    ] {
        let sandbox = faulty([always("GetCallerIdentity", what)]);
        let kept = both_started();
        kept.case(&sandbox, more).run().stops(status, &[result]);
    }
}

#[test]
fn a_list_that_cannot_be_read_may_have_any_of_the_keys() {
    let kept = both_started();
    kept.list("AccessKeyId,UserName\nnothing,Bob\n");
    let printed = kept.case(&documented(), &[]).run().exits(2);
    let _ = printed.prints_nothing().says(&["nothing", BOTH]);
}

/// This run finds out that Bob's key is deleted, and ends before it changes the others.
#[test]
fn what_this_run_finds_out_is_not_unknown() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = both_started();
    kept.list(&format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n{BOB_SECOND_KEY_ID},Bob\n"
    ));
    let printed = kept.case(&sandbox, &["--max-keys", "1"]).run().exits(11);
    let said = printed.prints_outcomes(&[("Deleted", 1), ("Unknown", 1)]);
    let _ = said.says(&["error: 2 keys match, more than --max-keys 1 allows\n", ONE]);
}

#[test]
fn a_signal_during_the_reads_of_the_only_key() {
    each_at_once([true, false], |is_started| {
        let kept = if is_started { started() } else { Kept::new("") };
        let sandbox = faulty([always("GetAccessKeyLastUsed", What::SilenceBeforeActing)]);
        let args = ["--access-key-id", BOBS_KEY, "--find-user", "--journal"];
        let running = Case::at(&sandbox, args).args([kept.path()]).start();
        assert!(sandbox.wait_for_requests(2, SOON));
        let says = if is_started {
            "hint: to continue, run the same command again\n\
             hint: check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run\n\
             result: AKIDPMS9RO4H3FEXAMPLE: unknown: an earlier run started to change it, and the result is unknown\n"
        } else {
            "result: AKIDPMS9RO4H3FEXAMPLE: not deleted: no request to change it was sent\n"
        };
        let printed = interrupt(running, "INT").exits(130).prints_anything();
        let _ = printed.says_exactly(&format!("iam-del-key: error: interrupted\n{says}"));
    });
}
