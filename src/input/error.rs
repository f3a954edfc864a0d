//! What is wrong with a list: the position and the reason of each error, and the one error that ends the run.

use std::fmt::{self, Display};
use std::io;

use super::Position;
use crate::error::RunError;
use crate::sanitize::{escape_field, truncate_escaped};

/// How many errors are shown.
const MAX_SHOWN: usize = 10;
/// How many columns of a header are shown.
const MAX_COLUMNS: usize = 6;
/// How many errors are counted. A text with more is not a list of keys, and need not end.
const MAX_COUNTED: usize = 1000;

/// An error in the input and its position.
#[derive(Debug)]
pub(super) struct InputError {
    /// The position. Lines and columns start at 1, and a column may have a name. `None`: the input cannot be read.
    place: Option<String>,
    reason: String,
    /// What to do about it. `None`: to correct the line.
    hint: Option<String>,
    /// What else the cause can be, if it concerns only its line.
    other_cause: Option<String>,
    /// Creates the error that ends the run.
    run_error: fn(String) -> RunError,
}

impl InputError {
    pub(super) fn at(place: Option<String>, reason: impl Into<String>) -> Self {
        Self {
            place,
            reason: reason.into(),
            hint: None,
            other_cause: None,
            run_error: RunError::usage,
        }
    }

    pub(super) fn new(line: u64, column: impl Display, reason: impl Into<String>) -> Self {
        let place = format!("line {line}, column {column}:");
        Self::at(Some(place), reason)
    }

    pub(super) fn of(at: Position, reason: impl Into<String>) -> Self {
        Self::new(at.line, at.column, reason)
    }

    /// Creates the error that ends the run if there is no other.
    fn alone(&self, name: &str) -> RunError {
        let message = match self.place {
            None => format!("cannot read {name}: {self}"),
            Some(_) => format!("{name}, {self}"),
        };
        (self.run_error)(message)
    }

    /// Whether it concerns only its line, so that the other lines are worth reading.
    fn is_of_line(&self) -> bool {
        self.hint.is_none() && self.place.is_some()
    }

    /// Adds what to do about it, if correcting the line is not enough.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Adds what else than its line can be wrong.
    pub(super) fn other_cause(self, cause: String) -> Self {
        Self {
            other_cause: Some(cause),
            ..self
        }
    }

    /// Reports that the list cannot be stored.
    pub(super) fn spill(error: &io::Error) -> Self {
        let folder = std::env::temp_dir();
        let reason = format!("cannot store the list in {}: {error}", folder.display());
        Self {
            run_error: RunError::other,
            ..Self::at(None, reason)
        }
    }

    /// Reports several words on a line without a header that explains them. `is_printed`: the AWS CLI or this program
    /// printed the list for people.
    pub(super) fn no_header(line: u64, column: usize, is_printed: bool) -> Self {
        let reason = "several columns need a header that names them: AccessKeyId, and UserName for the owner";
        let error = Self::new(line, column, reason);
        if is_printed {
            error.hint("for a list printed by the AWS CLI or iam-del-key, use --output json")
        } else {
            error
        }
    }

    /// Reports strings in a JSON list that may be columns of a row, so it is unclear which of them are IDs.
    pub(super) fn no_members(at: Position) -> Self {
        let reason = "it is unclear which of these strings are access key IDs";
        Self::of(at, reason).hint(
            "use objects with AccessKeyId, and UserName for the owner (in a query for the AWS CLI: \
             {AccessKeyId: AccessKeyId, UserName: UserName} instead of [AccessKeyId, UserName])",
        )
    }

    /// Reports a key in a place that is not read. It would be skipped silently.
    pub(super) fn unread_key(at: Position, member: &str) -> Self {
        let member = escape_field(member);
        let reason = format!("a key inside `{member}` would be ignored");
        Self::of(at, reason)
            .hint("put all keys in one list of objects with AccessKeyId and UserName")
    }

    /// Reports a header without a column for the IDs.
    pub(super) fn no_key_column(line: u64, names: &csv::StringRecord) -> Self {
        let names = names.iter().map(str::trim).filter(|name| !name.is_empty());
        let mut shown: Vec<String> = names.map(escape_field).collect();
        if shown.len() > MAX_COLUMNS {
            shown.truncate(MAX_COLUMNS);
            shown.push("...".to_owned());
        }
        let columns = match shown.as_slice() {
            [column] => format!("the only column is {column}"),
            columns => format!("the columns are: {}", columns.join(", ")),
        };
        Self::new(line, 1, format!("no AccessKeyId column; {columns}")).hint(
            "name the columns in the first line: AccessKeyId for the key IDs, and UserName for their owners",
        )
    }

    /// Reports a carriage return that does not end a line. What follows it could be lost in a comment.
    pub(super) fn carriage_return(line: u64, column: usize) -> Self {
        Self::new(line, column, "a carriage return inside the line")
            .hint("save the list with LF or CRLF line endings")
    }

    /// Reports an error message where a list of keys is expected. It has no outcome, so it could select a key that was not
    /// to be deleted.
    pub(super) fn error_message(at: Position) -> Self {
        let reason = "this is an error message of iam-del-key, not a result";
        Self::of(at, reason).hint("use the JSON results that the run printed on standard output")
    }

    /// Reports a journal where a list of keys is expected.
    pub(super) fn journal(at: Position) -> Self {
        Self::of(at, "this is a journal, not a list of keys")
            .hint("pass it with --journal, together with its list")
    }

    /// Reports a line that is not what `--reactivate` can undo.
    pub(super) fn not_undoable(at: Position) -> Self {
        let reason = "with --reactivate, --from accepts only the journal or the JSON results of a run with --deactivate";
        Self::of(at, reason).hint("use one of these, or name the keys with --access-key-id")
    }

    /// Reports a credential report, which is easily mistaken for a list of keys.
    pub(super) fn credential_report(at: Position) -> Self {
        let reason = "this is a credential report, which has no access key IDs";
        Self::of(at, reason).hint(
            "to find the unused keys of the account, use --whole-account --unused-for AGE (such as 90d) and --dry-run instead of --from",
        )
    }
}

impl Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.iter().map(|place| format!("{place} "));
        let place: String = place.collect();
        write!(f, "{place}{}", truncate_escaped(&self.reason))
    }
}

/// The errors in a list: the first ones, and how many there are.
#[derive(Debug, Default)]
pub(super) struct InputErrors {
    shown: Vec<InputError>,
    count: usize,
}

impl InputErrors {
    /// Adds an error.
    ///
    /// # Errors
    ///
    /// The rest of the list is not worth reading. The error is returned and not added.
    pub(super) fn add(&mut self, error: InputError) -> Result<(), InputError> {
        if !error.is_of_line() || self.count + 1 == MAX_COUNTED {
            return Err(error);
        }
        self.add_last(error);
        Ok(())
    }

    /// Adds the error after which reading stopped.
    pub(super) fn add_last(&mut self, error: InputError) {
        self.count += 1;
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(error);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Creates the error that ends the run. It calls the input `name`.
    pub(super) fn run_error(self, name: &str) -> RunError {
        let (stop, lines) = match self.shown.as_slice() {
            [error] => (error.alone(name), "line"),
            _ => (self.of_several(name), "lines"),
        };
        let correct = format!("correct the {lines} and run the same command again");
        let of_line = self.shown.iter().any(InputError::is_of_line);
        let own = self.shown.iter().filter_map(|error| error.hint.clone());
        // Each is about the same column.
        let other = self
            .shown
            .iter()
            .find_map(|error| error.other_cause.clone());
        let hints = own.chain(of_line.then_some(correct)).chain(other);
        hints.fold(stop, RunError::hint)
    }

    fn of_several(&self, name: &str) -> RunError {
        let at_least = if self.count == MAX_COUNTED {
            "at least "
        } else {
            ""
        };
        let shown = self.shown.iter().map(ToString::to_string);
        let more = self.count - self.shown.len();
        let more = (more > 0).then(|| format!("and {at_least}{more} more"));
        RunError {
            details: shown.chain(more).collect(),
            ..RunError::usage(format!("{name} has {at_least}{} errors", self.count))
        }
    }
}
