//! The journal: whatever happens to a run, the next run with the same journal finishes the work. No key is lost, and none is
//! reported twice.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use iam_sandbox::{Fault, Sandbox, What, nth_key_id};
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::Value;

use crate::assume_root::identity;
use crate::case::{BOBS_KEY, Case, DELETED, actions, documented, each, each_at_once, once};
use crate::dialogue::Dialogue;
use crate::many::{crowd, outcomes, rows, summary};
use crate::streams::wait_for;

pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const ACCOUNT: &str = "123456789012";

/// A folder for a journal and a list, which several runs use.
pub(crate) struct Kept {
    pub(crate) folder: tempfile::TempDir,
}

impl Kept {
    pub(crate) fn new(list: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("list.csv"), list).expect("a list");
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("done.jsonl")
    }

    pub(crate) fn journal(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// Another list.
    pub(crate) fn list(&self, list: &str) {
        std::fs::write(self.folder.path().join("list.csv"), list).expect("a list");
    }

    pub(crate) fn case(&self, sandbox: &Sandbox, more: &[&str]) -> Case {
        Case::at(sandbox, ["--from"])
            .args([self.folder.path().join("list.csv")])
            .args(["--journal"])
            .args([self.path()])
            .args(more.iter().copied())
    }

    /// Runs with the list and the journal. Standard error ends with this, whatever the results are.
    pub(crate) fn ends(
        &self,
        sandbox: &Sandbox,
        more: &[&str],
        status: i32,
        says: &str,
        known: &str,
    ) {
        let printed = self.case(sandbox, more).run().exits(status);
        let _ = printed.prints_anything().says(&[says]).ends_with(known);
    }

    /// The last result of each key.
    pub(crate) fn results(&self) -> BTreeMap<String, String> {
        let mut results = BTreeMap::new();
        for row in self.journal().lines().skip(1) {
            let row: Value = serde_json::from_str(row).expect("a whole record");
            if let Some(outcome) = row["Outcome"].as_str() {
                let id = row["AccessKeyId"].as_str().expect("an ID");
                results.insert(id.to_owned(), outcome.to_owned());
            }
        }
        results
    }
}

#[test]
fn each_step_is_recorded_and_a_second_run_repeats_nothing() {
    let (sandbox, list) = crowd(20);
    let kept = Kept::new(&list);
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 20)]);
    let _ = printed
        .prints_anything()
        .says_exactly("result: 20 keys: 20 deleted\n");
    let journal = kept.journal();
    assert_eq!(journal.lines().count(), 41);
    assert!(
        journal
            .starts_with("{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"123456789012\"}\n")
    );
    assert_eq!(journal.matches("\"Intent\":\"delete\"").count(), 20);
    assert_eq!(kept.results().len(), 20);
    kept.case(&sandbox, &[]).run().stops_as(
        0,
        &["result: "],
        "20 keys: 20 finished by an earlier run",
    );
    // Each run verifies the account of the journal.
    let expected = [
        &["GetCallerIdentity"][..],
        &["DeleteAccessKey"; 20],
        &["GetCallerIdentity"],
    ];
    assert_eq!(actions(&sandbox), expected.concat());
}

#[test]
fn failed_keys_are_retried_and_finished_keys_are_not() {
    let (sandbox, list) = crowd(20);
    let kept = Kept::new(&list);
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").skip(12).always());
    let printed = kept.case(&sandbox, &["--jobs", "1"]).run().exits(12);
    let _ = printed
        .prints_anything()
        .says(&["AccessDenied"])
        .ends_with("20 keys: 12 deleted, 8 failed and not changed");
    sandbox.clear_faults();
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 8)]);
    let _ = printed
        .prints_anything()
        .says_exactly("result: 20 keys: 8 deleted, 12 finished by an earlier run\n");
    assert!(kept.results().values().all(|outcome| outcome == "Deleted"));
}

#[test]
fn f85_a_second_run_on_a_journal_in_use_is_refused() {
    let (sandbox, list) = crowd(5);
    let kept = Kept::new(&list);
    sandbox.fault(once("DeleteAccessKey", What::SilenceBeforeActing));
    let first = kept.case(&sandbox, &["--jobs", "1"]).start();
    wait_for(|| actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    kept.case(&sandbox, &[])
        .run()
        .stops_as(11, &["another run is using the journal"], UNREAD);
    first.signal("INT");
    let printed = first.end().exits(130);
    let _ = printed
        .prints_anything()
        .says(&["interrupted"])
        .ends_with("5 keys: 1 unknown, 4 not tried");
}

#[test]
fn a_question_covers_only_keys_that_the_journal_has_not_settled() {
    let (sandbox, list) = crowd(6);
    let kept = Kept::new(&list);
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").skip(4).always());
    let first = kept.case(&sandbox, &["--jobs", "1", "--output", "off"]);
    first.run().stops(12, &["AccessDenied"]);
    sandbox.clear_faults();
    let dialogue = Dialogue::start(kept.case(&sandbox, &["--interactive"]));
    let printed = dialogue
        .shows("Delete these 2 keys in account 123456789012?")
        .types(b"yes\n")
        .end()
        .exits(0);
    let _ = printed
        .prints_outcomes(&[("Deleted", 2)])
        .says(&["[y/N]"])
        .ends_with("2 deleted, 4 finished by an earlier run");
}

const NO_JOURNAL: &str = "it is not an iam-del-key journal";

/// The last line of a run whose journal is not read.
pub(crate) const UNREAD: &str = "this run changed no key; what earlier runs changed is unknown";

#[test]
fn a_file_that_is_not_a_journal_is_left_unchanged() {
    let (sandbox, list) = crowd(2);
    let head = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"123456789012\"}\n";
    let cases = [
        ("hello\n".to_owned(), NO_JOURNAL),
        (list.clone(), NO_JOURNAL),
        (
            "{\"Journal\":9,\"Action\":\"delete\",\"AccountId\":null}\n".to_owned(),
            "it has format version 9",
        ),
        (
            head.replace("delete", "deactivate"),
            "it was created to deactivate keys, but this run deletes keys\nhint: use a separate journal for each action (--journal FILE)\n",
        ),
        (
            head.replace("123456789012", "999999999999"),
            "it is for account 999999999999",
        ),
        (format!("{head}hello\n{head}"), "record 2 is invalid"),
        (
            format!("{head}{{\"AccessKeyId\":\"{BOBS_KEY}\"}}\n"),
            "record 2 is invalid: neither an intent nor a result",
        ),
    ];
    each(cases, |(contents, says)| {
        let kept = Kept::new(&list);
        std::fs::write(kept.path(), &contents).expect("a file");
        let known = if says == NO_JOURNAL {
            "no key was changed"
        } else {
            UNREAD
        };
        let says = ["cannot use the journal", says];
        kept.case(&sandbox, &[]).run().stops_as(2, &says, known);
        assert_eq!(kept.journal(), contents);
    });
    // The account is the one that STS returns, not account 123456789012, which the key ID encodes.
    let elsewhere = || {
        let page = identity("arn:aws:iam::999999999999:user/admin", "999999999999");
        sandbox.fault(Fault::new(page).on("GetCallerIdentity"));
    };
    elsewhere();
    let kept = Kept::new(&list);
    std::fs::write(kept.path(), head).expect("a file");
    kept.case(&sandbox, &[]).run().stops_as(
        2,
        &["it is for account 123456789012, but the credentials belong to account 999999999999"],
        UNREAD,
    );
    elsewhere();
    let kept = Kept::new(&list);
    std::fs::write(kept.path(), head.replace("123456789012", "999999999999")).expect("a file");
    let _ = kept
        .case(&sandbox, &["--dry-run"])
        .run()
        .exits(0)
        .prints_outcomes(&[("WouldDelete", 2)])
        .says(&["2 keys"]);
    // Only a run that is accepted removes an incomplete last record.
    let torn = format!(
        "{}{{\"AccessKeyId\":\"AKID",
        head.replace("123456789012", "999999999999")
    );
    let kept = Kept::new(&list);
    std::fs::write(kept.path(), &torn).expect("a file");
    kept.case(&sandbox, &[])
        .run()
        .stops_as(2, &["it is for account 999999999999"], UNREAD);
    assert_eq!(kept.journal(), torn);
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}

#[test]
fn a_dry_run_reads_a_journal_and_writes_none() {
    let (sandbox, list) = crowd(6);
    let kept = Kept::new(&list);
    let printed = kept.case(&sandbox, &["--dry-run"]).run().exits(0);
    let _ = printed
        .prints_anything()
        .says_exactly("result: 6 keys: 6 would be deleted; this was a dry run\n");
    assert!(!kept.path().exists());
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").skip(4).always());
    kept.case(&sandbox, &["--jobs", "1", "--output", "off"])
        .run()
        .stops(12, &["result: "]);
    let before = kept.journal();
    let printed = kept.case(&sandbox, &["--dry-run"]).run().exits(0);
    assert_eq!(outcomes(printed.output()), [("WouldDelete".to_owned(), 2)]);
    let _ = printed.prints_anything().says_exactly(
        "result: 6 keys: 2 would be deleted, 4 finished by an earlier run; this was a dry run\n",
    );
    assert_eq!(kept.journal(), before);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn a_journal_that_cannot_be_written_stops_before_the_deletion() {
    let (sandbox, list) = crowd(3);
    let kept = Kept::new(&list);
    let case = Case::at(&sandbox, ["--from"]).args([kept.folder.path().join("list.csv")]);
    case.args(["--journal", "/dev/full"]).run().stops_as(
        2,
        &["cannot use the journal"],
        "no key was changed",
    );
    assert!(actions(&sandbox).is_empty());
}

#[test]
fn f85_runs_killed_at_200_moments_lose_no_key_and_report_none_twice() {
    each_at_once(0..8, killed);
}

fn killed(seed: u8) {
    const KEYS: usize = 400;
    const KILLS: usize = 25;
    let (sandbox, list) = crowd(KEYS);
    let kept = Kept::new(&list);
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut hear = |output: &str| {
        // The last line may be incomplete.
        for row in output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            assert_eq!(row["Outcome"], "Deleted", "{row}");
            *told
                .entry(row["AccessKeyId"].as_str().expect("an ID").to_owned())
                .or_default() += 1;
        }
    };
    // IAM lists each key before its deletion, so its later absence proves the deletion.
    let more = ["--older-than", "1d"];
    for _ in 0..KILLS {
        let before = sandbox.requests().len();
        let running = kept.case(&sandbox, &more).args(["--jobs", "4"]).start();
        // The kill comes some requests later, plus some microseconds.
        let requests = 1 + below(&mut random, 40);
        assert!(sandbox.wait_for_requests(before + requests, SOON));
        std::thread::sleep(Duration::from_micros(below(&mut random, 3_000) as u64));
        hear(&running.kill());
    }
    let printed = kept.case(&sandbox, &more).run().exits(0);
    let output = printed.output().to_owned();
    hear(&output);
    let _ = printed
        .prints(&output)
        .says(&["finished by an earlier run"])
        .ends_with(&format!(
            "{KEYS} keys: {}, {} finished by an earlier run",
            summary(&output),
            KEYS - output.lines().count()
        ));
    assert!((0..KEYS).all(|n| !sandbox.has_key(&nth_key_id(ACCOUNT, n))));
    let results = kept.results();
    assert_eq!(results.len(), KEYS, "the journal has every key");
    assert!(results.values().all(|outcome| outcome == "Deleted"));
    assert!(
        told.values().all(|times| *times == 1),
        "a key was reported twice"
    );
    let settled = kept
        .journal()
        .lines()
        .filter(|line| line.contains("\"Outcome\":"))
        .count();
    assert_eq!(settled, KEYS, "a key was settled twice");
    assert_eq!(rows(&output).len(), output.lines().count());
}

fn below(random: &mut TestRng, most: usize) -> usize {
    use proptest::prelude::Rng as _;
    random.next_u32() as usize % most
}

/// Whatever the umask, only its owner and group can write a new journal, and its owner can read it.
#[test]
fn a_new_journal_is_readable_and_writable_by_its_owner_whatever_the_umask() {
    let umasks = [("0", 0o664), ("077", 0o600), ("277", 0o600), ("777", 0o600)];
    each(umasks, |(umask, expected)| {
        let sandbox = documented();
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("done.jsonl");
        let case = Case::documented(&sandbox, &["--journal"]).args([&journal]);
        let umask = format!("umask {umask}; exec \"$0\" \"$@\"");
        let ended = case.start_under(Some(&["sh", "-c", &umask])).end();
        let _ = ended.exits(0).prints(DELETED).says_nothing();
        let mode = std::fs::metadata(&journal)
            .expect("a journal")
            .permissions();
        assert_eq!(mode.mode() & 0o777, expected);
    });
}
