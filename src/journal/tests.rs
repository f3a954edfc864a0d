//! A journal from its first record to a later run that reads it, on a real file.

mod records;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;
use crate::metadata::{Status, Target};
use crate::outcome::{KeyResult, KeyState, Outcome, tests::result};

const AT: SystemTime = SystemTime::UNIX_EPOCH;
const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];

/// A folder for a journal.
struct Folder {
    path: PathBuf,
    _folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("folder").join("journal");
        fs::create_dir(path.with_file_name("")).expect("a folder");
        Self {
            path,
            _folder: folder,
        }
    }

    fn containing(text: &str) -> Self {
        let folder = Self::new();
        fs::write(&folder.path, text).expect("a file");
        folder
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).expect("a journal")
    }

    fn open(&self, action: Action, mode: Mode) -> Result<Journal, Unusable> {
        Journal::new(action, Principal::Caller).open(&self.path, mode, &[])
    }

    fn start(&self, action: Action) -> Journal {
        let journal = self.open(action, Mode::Change).expect("a journal");
        journal.start(&self.path).expect("a journal")
    }

    /// Ends a run, and waits until its thread has closed the journal.
    fn end(&self, journal: Journal) {
        drop(journal);
        let file = File::open(&self.path).expect("a journal");
        file.lock().expect("a lock");
    }

    /// Returns what a message says after the name of the journal.
    fn after_name(&self, error: &RunError) -> String {
        let name = format!("cannot use the journal {}: ", escape_path(&self.path));
        let message = error.message.strip_prefix(&name);
        message.expect("the name of the journal").to_owned()
    }
}

fn account(id: &str) -> AccountId {
    id.parse().expect("an account")
}

fn target() -> Target {
    result(Action::Delete, Outcome::OwnKey).key.into()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn what_a_run_records_is_what_a_later_run_reads() {
    let folder = Folder::new();
    let key = target().key;
    let journal = folder.start(Action::Delete);
    assert_eq!(journal.name(), escape_path(&folder.path));
    assert_eq!(journal.prior_state(&key), PriorState::None);
    wait(async {
        let begun = journal.begin_run(Some(&account(ACCOUNTS[0]))).await;
        begun.expect("a record");
        let recorded = journal.record_intent(&target(), None, AT).await;
        recorded.expect("a record");
    });
    assert!(folder.text().starts_with(
        "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"111111111111\"}\n\
         {\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":null,\"Intent\":\"delete\",\"Time\":"
    ));
    folder.end(journal);

    let journal = folder.start(Action::Delete);
    assert_eq!(journal.prior_state(&key), PriorState::InProgress);
    assert_eq!(journal.attempts(&key.id).len(), 1);
    assert_eq!(journal.unfinished().len(), 1);
    wait(async {
        // There is one first record.
        journal.begin_run(None).await.expect("nothing to do");
        let outcome = Outcome::Done {
            response: Some(crate::outcome::ResponseMetadata::default()),
            evidence: None,
            failure: None,
        };
        let done = result(Action::Delete, outcome);
        let recorded = journal.record_result(&done, None, AT).await;
        recorded.expect("a record");
    });
    assert_eq!(folder.text().lines().count(), 3);
    assert!(
        folder
            .text()
            .contains("\"Outcome\":\"Deleted\",\"Result\":\"deleted\",")
    );
    folder.end(journal);

    let journal = folder
        .open(Action::Delete, Mode::DryRun)
        .expect("a journal");
    assert_eq!(journal.prior_state(&key), PriorState::Done);
    assert!(journal.attempts(&key.id).is_empty());
    assert!(journal.unfinished().is_empty());
    // A dry run writes nothing.
    wait(journal.record_intent(&target(), None, AT)).expect("nothing to do");
    assert_eq!(folder.text().lines().count(), 3);
}

#[test]
fn the_status_before_a_change_is_recorded_if_it_is_known() {
    let name = |name: &str| name.parse().expect("a name");
    for (action, owner, status, expected) in [
        (
            Action::Deactivate,
            Some("Bob"),
            true,
            "\"Status\":\"Active\",\"PreviousStatus\":\"Active\"}",
        ),
        (
            Action::Deactivate,
            None,
            true,
            "\"PreviousStatus\":\"Active\"}",
        ),
        (Action::Delete, Some("Bob"), true, "\"Status\":\"Active\"}"),
        (Action::Delete, Some("Bob"), false, "Z\"}"),
    ] {
        let folder = Folder::new();
        let journal = folder.start(action);
        let mut target = target();
        target.metadata.owner = owner.map(name);
        target.metadata.status = status.then_some(Status::Active);
        wait(journal.record_intent(&target, None, AT)).expect("a record");
        let text = folder.text();
        let end = text.split_once("\"Time\":\"").expect("a time").1;
        let end = end
            .split_once("Z\"")
            .map_or(end, |_| &end["2026-01-01T00:00:00".len()..]);
        let end = end.trim_end();
        assert_eq!(end.strip_prefix("Z\",").unwrap_or(end), expected, "{text}");
        let named = owner.map_or("null".to_owned(), |owner| format!("\"{owner}\""));
        assert!(text.contains(&format!("\"UserName\":{named}")), "{text}");
    }
}

#[test]
fn only_a_journal_of_this_action_and_account_is_used() {
    let head = |action: &str, account: &str| {
        format!("{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":{account}}}\n")
    };
    let expected = [account(ACCOUNTS[0])];
    let both = ACCOUNTS.map(account);
    for (text, expected, is_journal, message) in [
        (String::new(), &expected[..], true, ""),
        (head("delete", "null"), &expected[..], true, ""),
        (head("delete", "\"111111111111\""), &expected[..], true, ""),
        (head("delete", "\"222222222222\""), &both[..], true, ""),
        (head("delete", "\"222222222222\""), &[], true, ""),
        (
            head("delete", "\"222222222222\""),
            &expected[..],
            true,
            "it is for account 222222222222, but --expect-account is 111111111111",
        ),
        (
            head("deactivate", "null"),
            &[],
            true,
            "it was created to deactivate keys, but this run deletes keys",
        ),
        (
            "AKIDPMS9RO4H3FEXAMPLE".to_owned(),
            &[],
            false,
            "it is not an iam-del-key journal",
        ),
    ] {
        for mode in [Mode::Change, Mode::DryRun] {
            let folder = Folder::containing(&text);
            let opened =
                Journal::new(Action::Delete, Principal::Caller).open(&folder.path, mode, expected);
            match opened {
                Ok(_) => assert_eq!(message, "", "{text}"),
                Err(unusable) => {
                    assert_eq!(folder.after_name(&unusable.error), message, "{text}");
                    assert_eq!(unusable.is_journal, is_journal, "{text}");
                }
            }
            assert_eq!(folder.text(), text);
        }
    }
    let folder = Folder::containing(&head("delete", "\"222222222222\""));
    let journal = folder
        .open(Action::Delete, Mode::Change)
        .expect("a journal");
    assert!(journal.check_account(None).is_ok());
    assert!(journal.check_account(Some(&account(ACCOUNTS[1]))).is_ok());
    let error = journal.check_account(Some(&account(ACCOUNTS[0])));
    assert_eq!(
        folder.after_name(&error.expect_err("another account")),
        "it is for account 222222222222, but the credentials belong to account 111111111111"
    );
}

#[test]
fn a_journal_that_cannot_be_looked_for_is_not_taken_for_a_new_one() {
    let folder = Folder::containing("");
    let path = folder.path.join("journal");
    let opened = Journal::new(Action::Delete, Principal::Caller).open(&path, Mode::Change, &[]);
    let error = opened.expect_err("a file is no folder").error;
    let name = escape_path(&path);
    assert_eq!(
        error.message,
        format!("cannot use the journal {name}: Not a directory (os error 20)")
    );
}

#[test]
fn no_two_runs_write_the_same_journal() {
    let folder = Folder::new();
    let in_use = format!(
        "another run is using the journal {}",
        escape_path(&folder.path)
    );
    let first = folder.start(Action::Delete);
    let second = folder.open(Action::Delete, Mode::Change);
    assert_eq!(second.expect_err("it is locked").error.message, in_use);
    // A dry run only reads.
    assert!(folder.open(Action::Delete, Mode::DryRun).is_ok());
    folder.end(first);

    // Another run may have written the journal since this one saw that there is none.
    for (text, is_used) in [("", false), ("a record\n", true)] {
        let folder = Folder::new();
        let journal = folder.open(Action::Delete, Mode::Change);
        fs::write(&folder.path, text).expect("a file");
        let started = journal.expect("no journal").start(&folder.path);
        assert_eq!(started.is_err(), is_used);
    }
}

#[test]
fn a_journal_that_another_process_changes_stops_the_run() {
    type Change = fn(&Folder);
    const CHANGES: [(&str, Change); 5] = [
        ("another process wrote to it during the run", |folder| {
            let file = OpenOptions::new().append(true).open(&folder.path);
            file.expect("a journal").write_all(b"more").expect("more");
        }),
        ("it can no longer be found", |folder| {
            let parent = folder.path.parent().expect("a folder");
            fs::rename(parent, parent.with_extension("other")).expect("it is renamed");
            fs::write(parent, "").expect("a file");
        }),
        ("it was removed during the run", |folder| {
            fs::remove_file(&folder.path).expect("a journal");
        }),
        ("it was truncated during the run", |folder| {
            let file = OpenOptions::new().write(true).open(&folder.path);
            file.expect("a journal").set_len(3).expect("it is shorter");
        }),
        ("it was replaced by another file during the run", |folder| {
            let other = folder.path.with_extension("other");
            fs::copy(&folder.path, &other).expect("a copy");
            fs::rename(&other, &folder.path).expect("it is replaced");
        }),
    ];
    for (what, change) in CHANGES {
        let folder = Folder::new();
        let journal = folder.start(Action::Delete);
        wait(async {
            journal.begin_run(None).await.expect("a record");
            assert_eq!(journal.changed_elsewhere().await, None);
            change(&folder);
            let error = journal.record_intent(&target(), None, AT).await;
            let error = error.expect_err(what);
            assert!(is_changed_elsewhere(&error));
            assert_eq!(error.to_string(), what);
            let sentence = format!(
                "the journal {} cannot be relied on: {what}",
                escape_path(&folder.path)
            );
            assert_eq!(journal.changed_elsewhere().await, Some(sentence));
            // What was done is recorded all the same.
            let unknown = result(Action::Delete, Outcome::OwnKey);
            assert!(journal.record_result(&unknown, None, AT).await.is_ok());
        });
    }
    assert!(!is_changed_elsewhere(&io::Error::other("a full disk")));
    assert!(!is_changed_elsewhere(&io::ErrorKind::StorageFull.into()));
}

#[test]
fn what_is_left_of_a_killed_run_is_removed_before_the_next_record() {
    let head = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}\n";
    let folder = Folder::containing(&format!("{head}{{\"AccessKeyId\":\"AKI"));
    let journal = folder.start(Action::Delete);
    assert_eq!(wait(journal.changed_elsewhere()), None);
    assert!(folder.text().ends_with("AKI"));
    wait(journal.record_intent(&target(), None, AT)).expect("a record");
    let text = folder.text();
    let record = text.strip_prefix(head).expect("the head");
    assert!(
        record.starts_with("{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\","),
        "{text}"
    );
}

#[test]
fn only_an_unused_journal_of_this_run_is_removed() {
    type Use = fn(&Folder, &Journal);
    let nothing: Use = |_, _| {};
    let records: Use = |_, journal| {
        wait(journal.record_intent(&target(), None, AT)).expect("a record");
    };
    let others: Use = |folder, _| {
        let file = OpenOptions::new().append(true).open(&folder.path);
        file.expect("a journal").write_all(b"more").expect("more");
    };
    let replaced: Use = |folder, _| {
        let other = folder.path.with_extension("other");
        fs::copy(&folder.path, &other).expect("a copy");
        fs::rename(&other, &folder.path).expect("it is replaced");
    };
    for (existed, used, expected) in [
        (false, nothing, false),
        (false, records, true),
        (false, others, true),
        (false, replaced, true),
        (true, nothing, true),
    ] {
        let folder = if existed {
            Folder::containing("")
        } else {
            Folder::new()
        };
        let journal = folder.start(Action::Delete);
        wait(journal.begin_run(None)).expect("a record");
        used(&folder, &journal);
        wait(journal.remove_unused());
        assert_eq!(folder.path.exists(), expected);
    }
}

#[test]
fn what_earlier_runs_did_is_known_and_finished_or_not() {
    let started = KeyState::started_earlier();
    let set = KeyState::changed_before(Action::Deactivate);
    let done = |why: &str| KeyState::Done(why.to_owned());
    for (prior, is_finished, known) in [
        (PriorState::None, false, None),
        (PriorState::InProgress, false, Some(started)),
        (
            PriorState::ChangedBefore(Action::Deactivate),
            false,
            Some(set),
        ),
        (
            PriorState::Missing,
            true,
            Some(done("an earlier run did not find it")),
        ),
        (
            PriorState::Done,
            true,
            Some(done("an earlier run finished it")),
        ),
    ] {
        assert_eq!(prior.is_finished(), is_finished, "{prior:?}");
        assert_eq!(prior.known(), known, "{prior:?}");
    }
}
