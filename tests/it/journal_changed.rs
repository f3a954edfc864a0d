//! A journal that another process changes during a run: the run changes no more keys, and does not succeed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use iam_sandbox::What;

use crate::case::{BOBS_KEY, Case, actions, documented, each, each_at_once, once};
use crate::journal::Kept;
use crate::many::{crowd, outcomes};

const SOON: Duration = Duration::from_secs(20);

/// The change that another process makes to a journal.
type Harm = fn(&std::path::Path);

/// The change, and the run's message about it.
const HARMS: [(&str, Harm); 4] = [
    ("it was removed during the run", |path| {
        std::fs::remove_file(path).expect("a journal");
    }),
    ("it was truncated during the run", |path| {
        std::fs::write(path, "").expect("a journal");
    }),
    ("it was replaced by another file during the run", |path| {
        let other = path.with_extension("other");
        std::fs::copy(path, &other).expect("a journal");
        std::fs::rename(other, path).expect("a journal");
    }),
    ("another process wrote to it during the run", |path| {
        let file = OpenOptions::new().append(true).open(path);
        file.and_then(|mut file| file.write_all(b"garbage\n"))
            .expect("a journal");
    }),
];

#[test]
fn f85_no_key_is_changed_after_another_process_changes_the_journal() {
    each_at_once(HARMS, |(harm, change)| {
        let (sandbox, list) = crowd(5);
        sandbox.fault(once("DeleteAccessKey", What::Delay(Duration::from_secs(2))));
        let kept = Kept::new(&list);
        let running = kept.case(&sandbox, &["--jobs", "1"]).start();
        assert!(sandbox.wait_for_requests(2, SOON));
        change(&kept.path());
        let printed = running.end().exits(1);
        let output = printed.output().to_owned();
        let expected = [("Deleted", 1), ("NotTried", 4)].map(|(name, n)| (name.to_owned(), n));
        assert_eq!(outcomes(&output), expected);
        // A later run cannot use the journal.
        let _ = printed.prints(&output).says_exactly(&format!(
            "iam-del-key: error: the journal {} cannot be relied on: {harm}\n\
             hint: to continue, run the same command again with --ignore-missing; use a new file as --journal\n\
             result: 5 keys: 1 deleted, 4 not tried\n",
            kept.path().display()
        ));
        let sent = ["GetCallerIdentity", "DeleteAccessKey"];
        assert_eq!(actions(&sandbox), sent, "{harm}");
        // The hint helps.
        let other = kept.folder.path().join("new.jsonl");
        let again = Case::at(&sandbox, ["--from"]).args([kept.folder.path().join("list.csv")]);
        let again = again.args(["--ignore-missing", "--journal"]).args([other]);
        let _ = again
            .run()
            .exits(0)
            .prints_outcomes(&[("Deleted", 4), ("Missing", 1)])
            .says(&["result: "])
            .ends_with("5 keys: 4 deleted, 1 already gone");
    });
}

#[test]
fn f85_a_run_is_not_a_success_if_another_process_changes_its_journal() {
    for (harm, change) in HARMS {
        each([false, true], |many| {
            let sandbox = documented();
            // The deletion gets no response until the journal has been changed.
            sandbox.fault(once("DeleteAccessKey", What::Delay(Duration::from_secs(2))));
            let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
            let case = if many {
                kept.case(&sandbox, &[])
            } else {
                Case::documented(&sandbox, &["--journal"]).args([kept.path()])
            };
            let running = case.start();
            assert!(sandbox.wait_for_requests(2, SOON));
            change(&kept.path());
            let name = kept.path();
            let told = if many { "1 key: 1 deleted" } else { "deleted" };
            let printed = running.end().exits(1);
            let _ = printed
                .prints_anything()
                .says(&[&format!(
                    "iam-del-key: error: the journal {} cannot be relied on: {harm}\n",
                    name.display()
                )])
                .ends_with(told);
            assert!(!sandbox.has_key(BOBS_KEY));
        });
    }
}
