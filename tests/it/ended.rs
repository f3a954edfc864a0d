//! A run that has ended, and the three things that are always compared: exit status, standard output, standard error.
//! What a case does not expect must not be there.

use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

use crate::case::{BOBS_KEY, DELETED};
use crate::many::outcomes;
use crate::secret::{Secrets, tells_all};

/// A run that has ended. Ask it with `exits`, `prints` and `says`, in this order; each is compulsory.
#[must_use]
pub(crate) struct Ended {
    shown: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
    /// Standard error with what was told because all was to be told.
    all_told: String,
    /// How long the run took.
    pub(crate) took: Duration,
}

impl Ended {
    /// A run that ended so.
    pub(crate) fn new(
        shown: String,
        status: ExitStatus,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        took: Duration,
        secrets: &Secrets,
    ) -> Self {
        let all_told = String::from_utf8(stderr).expect("standard error is UTF-8");
        let stderr = if tells_all() {
            secrets.without_unasked(&all_told)
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

    /// Everything about the run, for a person to read.
    pub(crate) fn all(&self) -> String {
        format!(
            "\n--- arguments: {}\n--- status: {}\n--- standard output:\n{}--- standard error:\n{}---",
            self.shown, self.status, self.stdout, self.all_told
        )
    }

    /// The last line of standard error.
    pub(crate) fn known(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// The exit status is that of success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    /// Compares the exit status with several that are as good.
    pub(crate) fn exits_with_one_of(self, statuses: &[i32]) -> Printed {
        let status = self.status.code().unwrap_or(-1);
        assert!(statuses.contains(&status), "{}", self.all());
        Printed(self)
    }

    /// Compares the exit status.
    pub(crate) fn exits(self, status: i32) -> Printed {
        assert_eq!(self.status.code(), Some(status), "{}", self.all());
        Printed(self)
    }
}

/// A run whose exit status was compared.
#[must_use]
pub(crate) struct Printed(Ended);

impl Printed {
    /// Compares standard output.
    pub(crate) fn prints(self, expected: &str) -> Said {
        assert_eq!(self.0.stdout, expected, "{}", self.0.all());
        Said(self.0)
    }

    /// Nothing on standard output.
    pub(crate) fn prints_nothing(self) -> Said {
        self.prints("")
    }

    /// Standard output is looked at elsewhere, or not at all.
    pub(crate) fn prints_anything(self) -> Said {
        Said(self.0)
    }

    /// So many rows of standard output have each `Outcome`.
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

    /// All of standard output, for a look of the test's own.
    pub(crate) fn output(&self) -> &str {
        &self.0.stdout
    }
}

/// A run whose exit status and standard output were compared.
#[must_use]
pub(crate) struct Said(Ended);

impl Said {
    /// Nothing on standard error.
    pub(crate) fn says_nothing(self) -> Ended {
        assert_eq!(self.0.stderr, "", "{}", self.0.all());
        self.0
    }

    /// Exactly this on standard error.
    pub(crate) fn says_exactly(self, expected: &str) -> Ended {
        assert_eq!(self.0.stderr, expected, "{}", self.0.all());
        self.0
    }

    /// Each of these on standard error.
    pub(crate) fn says(self, expected: &[&str]) -> Ended {
        assert!(
            !expected.is_empty(),
            "a case says what standard error holds"
        );
        for text in expected {
            assert!(
                self.0.all_told.contains(text),
                "not said: {text}{}",
                self.0.all()
            );
        }
        self.0
    }

    /// Whether standard error has no error.
    pub(crate) fn says_no_error(&self) -> bool {
        !self.0.stderr.contains("error:")
    }

    /// All of standard error, for a look of the test's own.
    pub(crate) fn messages(&self) -> &str {
        &self.0.stderr
    }
}

impl Ended {
    /// The last line of standard error is the result, and its end is what is known of the key: all of it, or what follows a mark.
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

    /// It took less than this. A bound against hanging, with much room; never a measurement.
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

    /// The same, and its last line says this.
    pub(crate) fn stops_as(self, status: i32, says: &[&str], known: &str) {
        let said = self.exits(status).prints_nothing();
        let _ = said.says(says).ends_with(known);
    }

    /// The run ends without a result, and this is standard error.
    pub(crate) fn stops_exactly(self, status: i32, says: &str) {
        let _ = self.exits(status).prints_nothing().says_exactly(says);
    }

    /// Bob's key is deleted, and standard error says why that is presumed.
    pub(crate) fn deletes(self, why: &str) {
        let says = format!(
            "iam-del-key: warning: {BOBS_KEY} is presumed deleted: {why}\nresult: {BOBS_KEY}: deleted: {why}\n"
        );
        let _ = self.exits(0).prints(DELETED).says_exactly(&says);
    }

    /// One key is deleted, and nothing else is to be said.
    pub(crate) fn deletes_quietly(self) {
        let _ = self.exits(0).prints(DELETED).says_nothing();
    }
}
