//! A run that has ended, and its three outputs that are always compared: exit status, standard output, standard error. They must
//! contain nothing that a case does not expect.

use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

use crate::case::{BOBS_KEY, DELETED};
use crate::many::outcomes;
use crate::secret::{Secrets, logs_everything};

/// A run that has ended. Call `exits`, `prints` and `says` in this order; each is required.
#[must_use]
pub(crate) struct Ended {
    shown: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
    /// Standard error, including the lines of a run that must log everything.
    all_told: String,
    pub(crate) took: Duration,
}

impl Ended {
    /// A run with this end.
    pub(crate) fn new(
        shown: String,
        status: ExitStatus,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        took: Duration,
        secrets: &Secrets,
    ) -> Self {
        let all_told = String::from_utf8(stderr).expect("standard error is UTF-8");
        let stderr = if logs_everything() {
            secrets.without_forced_lines(&all_told)
        } else {
            all_told.clone()
        };
        let ended = Self {
            shown,
            status,
            stdout: String::from_utf8(stdout).expect("standard output is UTF-8"),
            stderr,
            all_told,
            took,
        };
        let found = secrets.found_in(&[&ended.stdout, &ended.all_told]);
        assert!(found.is_none(), "{found:?} was written: {}", ended.all());
        ended
    }

    /// The complete output, for a person.
    pub(crate) fn all(&self) -> String {
        format!(
            "\n--- arguments: {}\n--- status: {}\n--- standard output:\n{}--- standard error:\n{}---",
            self.shown, self.status, self.stdout, self.all_told
        )
    }

    pub(crate) fn known(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// Whether the exit status is 0.
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    /// Compares the exit status with several acceptable ones.
    pub(crate) fn exits_with_one_of(self, statuses: &[i32]) -> Printed {
        let status = self.status.code().unwrap_or(-1);
        assert!(statuses.contains(&status), "{}", self.all());
        Printed(self)
    }

    pub(crate) fn exits(self, status: i32) -> Printed {
        assert_eq!(self.status.code(), Some(status), "{}", self.all());
        Printed(self)
    }
}

/// A run whose exit status was compared.
#[must_use]
pub(crate) struct Printed(Ended);

impl Printed {
    pub(crate) fn prints(self, expected: &str) -> Said {
        assert_eq!(self.0.stdout, expected, "{}", self.0.all());
        Said(self.0)
    }

    pub(crate) fn prints_nothing(self) -> Said {
        self.prints("")
    }

    /// Standard output is checked elsewhere, or not at all.
    pub(crate) fn prints_anything(self) -> Said {
        Said(self.0)
    }

    /// Standard output has this number of rows with each `Outcome`.
    pub(crate) fn prints_outcomes(self, expected: &[(&str, usize)]) -> Said {
        let counted = outcomes(&self.0.stdout);
        let counted: Vec<_> = counted
            .iter()
            .map(|(name, n)| (name.as_str(), *n))
            .collect();
        assert_eq!(counted, expected, "{}", self.0.all());
        Said(self.0)
    }

    /// One JSON object on one line of standard output, with this `Outcome`.
    pub(crate) fn prints_outcome(self, outcome: &str) -> Said {
        let object = self.object();
        assert_eq!(object["Outcome"], outcome, "{}", self.0.all());
        Said(self.0)
    }

    /// The JSON object on standard output.
    pub(crate) fn object(&self) -> Value {
        assert_eq!(self.0.stdout.lines().count(), 1, "{}", self.0.all());
        assert!(self.0.stdout.ends_with('\n'), "{}", self.0.all());
        serde_json::from_str(&self.0.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.0.all()))
    }

    /// All of standard output, for the test's own check.
    pub(crate) fn output(&self) -> &str {
        &self.0.stdout
    }
}

/// A run whose exit status and standard output were compared.
#[must_use]
pub(crate) struct Said(Ended);

impl Said {
    pub(crate) fn says_nothing(self) -> Ended {
        assert_eq!(self.0.stderr, "", "{}", self.0.all());
        self.0
    }

    pub(crate) fn says_exactly(self, expected: &str) -> Ended {
        assert_eq!(self.0.stderr, expected, "{}", self.0.all());
        self.0
    }

    /// Each of these on standard error.
    pub(crate) fn says(self, expected: &[&str]) -> Ended {
        assert!(
            !expected.is_empty(),
            "a case must say what standard error contains"
        );
        for text in expected {
            assert!(
                self.0.all_told.contains(text),
                "missing on standard error: {text}{}",
                self.0.all()
            );
        }
        self.0
    }

    pub(crate) fn says_no_error(&self) -> bool {
        !self.0.stderr.contains("error:")
    }

    /// All of standard error, for the test's own check.
    pub(crate) fn messages(&self) -> &str {
        &self.0.stderr
    }
}

impl Ended {
    /// The last line of standard error is the result. It ends with the known state of the key: the whole line, or the text after
    /// a mark.
    pub(crate) fn ends_with(self, known: &str) -> Self {
        let last = self.known();
        let result = last.strip_prefix("result: ");
        let before = result.and_then(|result| result.strip_suffix(known));
        let is_whole = |before: &str| {
            before.is_empty() || [": ", ", ", "; "].iter().any(|mark| before.ends_with(mark))
        };
        assert!(
            before.is_some_and(is_whole),
            "the last line is {last:?}, not {known:?}{}",
            self.all()
        );
        self
    }

    /// The run took less than this. This limit only detects a hang; it has much room and is never a measurement.
    pub(crate) fn within(self, limit: Duration) -> Self {
        assert!(self.took < limit, "took {:?}{}", self.took, self.all());
        self
    }

    /// The result of one key: the exit status, the `Outcome`, and what standard error and its last line say.
    pub(crate) fn ends_as(self, status: i32, outcome: &str, says: &[&str], known: &str) {
        let said = self.exits(status).prints_outcome(outcome);
        let _ = said.says(says).ends_with(known);
    }

    /// The result of one key: the exit status, the `Outcome`, and standard error.
    pub(crate) fn ends_exactly(self, status: i32, outcome: &str, says: &str) {
        let said = self.exits(status).prints_outcome(outcome);
        let _ = said.says_exactly(says);
    }

    /// The run ends without a result: the exit status, and what standard error says.
    pub(crate) fn stops(self, status: i32, says: &[&str]) {
        let _ = self.exits(status).prints_nothing().says(says);
    }

    /// The same, and the last line says this.
    pub(crate) fn stops_as(self, status: i32, says: &[&str], known: &str) {
        let said = self.exits(status).prints_nothing();
        let _ = said.says(says).ends_with(known);
    }

    /// The run ends without a result, and this is standard error.
    pub(crate) fn stops_exactly(self, status: i32, says: &str) {
        let _ = self.exits(status).prints_nothing().says_exactly(says);
    }

    /// Bob's key is deleted, and standard error says why the deletion is presumed.
    pub(crate) fn deletes(self, why: &str) {
        let says = format!(
            "iam-del-key: warning: {BOBS_KEY} is presumed deleted: {why}\nresult: {BOBS_KEY}: deleted: {why}\n"
        );
        let _ = self.exits(0).prints(DELETED).says_exactly(&says);
    }

    /// One key is deleted, and there are no messages.
    pub(crate) fn deletes_quietly(self) {
        let _ = self.exits(0).prints(DELETED).says_nothing();
    }
}
