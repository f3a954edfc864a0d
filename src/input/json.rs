//! Reads JSON: the output of `aws iam list-access-keys`, and objects in sequence as this program prints them. The text
//! is streamed, so at most one of its strings is in memory.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::csv::{is_same_name, meaning};
use super::line::Lines;
use super::unread::Unread;
use super::{Entry, InputError, KeyCollector, Position, plain};
use crate::ident::AccountId;
use crate::journal::FORMAT_VERSION;
use crate::journal::read::WholeRecords;
use crate::outcome::OutcomeKind;
use crate::request::Action;

/// The maximum length of a string, in bytes.
const MAX_STRING: usize = 1 << 20;

/// Further members that `--reactivate` reads.
const UNDO_MEMBERS: [&str; 5] = ["Intent", "AccountId", "Status", "Attempts", "Reason"];

/// The members that are read.
const KNOWN_MEMBERS: [&str; 10] = [
    "AccessKeyId",
    "UserName",
    "Outcome",
    "OwnerUnchecked",
    "Unfinished",
    "Action",
    "PreviousStatus",
    "AccessKeyMetadata",
    "AccessKey",
    "Journal",
];

/// Reads the values of a text in order.
pub(super) fn read(lines: Lines, keys: &mut KeyCollector<'_>) -> Result<(), InputError> {
    let Lines { source, number } = lines;
    let start = Position {
        line: number + 1,
        column: 0,
    };
    let places = Rc::new(Cell::new(Places {
        read: start,
        string: start,
    }));
    let counter = LineCounter {
        source: WholeRecords::new(source),
        places: Rc::clone(&places),
        length: 0,
        is_escaped: false,
        is_line_over: false,
    };
    let mut json = serde_json::Deserializer::from_reader(counter);
    let mut found = Objects {
        keys,
        places: &places,
        is_journal: false,
        depth: 0,
        unlike_id: None,
        problem: None,
    };
    while json.end().is_err() {
        let start = places.get().read.line;
        let result = (&mut found).deserialize(&mut json);
        if let Some(problem) = found.problem.take() {
            return Err(problem);
        }
        result.map_err(|error| Objects::malformed(&error, number, start))?;
    }
    Ok(())
}

/// Finds the objects at any depth.
struct Objects<'a, 'k> {
    keys: &'a mut KeyCollector<'k>,
    places: &'a Cell<Places>,
    /// Whether a journal has started.
    is_journal: bool,
    /// The number of lists around the current value.
    depth: usize,
    /// The position of a string in the current list that is accepted as an ID, but does not have the form of AWS.
    unlike_id: Option<Position>,
    /// The error after which the rest is not worth reading.
    problem: Option<InputError>,
}

impl<'de> DeserializeSeed<'de> for &mut Objects<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Objects<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with AccessKeyId, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let outer = self.unlike_id.take();
        let mut count = 0;
        self.depth += 1;
        while list.next_element_seed(&mut *self)?.is_some() {
            count += 1;
            // A user name may look like an ID, as on a line with several words.
            if let (2.., Some(at)) = (count, self.unlike_id) {
                return self.refuse(InputError::no_members(at));
            }
        }
        self.depth -= 1;
        self.unlike_id = outer;
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let at = self.places.get().string;
        // The strings of a list in a list are the columns of a row, and no header names them.
        if self.depth > 1 {
            return self.refuse(InputError::no_members(at));
        }
        let id = plain::id(text).map_err(|reason| self.wrong_string(reason));
        if id.is_ok() && !plain::has_aws_id_form(text) {
            self.unlike_id = Some(at);
        }
        self.found(id.map(|id| Entry::with_id(id, at)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let at = self.places.get().read;
        let (mut id, mut user_name) = (None, None);
        let [mut outcome, mut action, mut intent] = [const { None::<String> }; 3];
        let [mut account, mut status, mut reason] = [const { None::<String> }; 3];
        let (mut previous_status, mut is_owner_unchecked) = (None, false);
        let (mut unfinished, mut attempts) = (0_usize, 0_usize);
        let is_undo = self.keys.is_undo();
        let further = if is_undo { &UNDO_MEMBERS[..] } else { &[] };
        let (mut is_list, mut is_report, mut is_head) = (false, false, false);
        let (mut is_message, mut is_truncated, mut is_printed) = (false, false, false);
        let mut seen = Vec::new();
        // What is wrong with this object. The objects that follow it are read anyway.
        let mut wrong = None;
        while let Some(name) = object.next_key::<String>()? {
            let known = KNOWN_MEMBERS.into_iter().chain(further.iter().copied());
            let member = meaning(&name, known);
            if let Err(reason) = check_member(&name, member, &mut seen) {
                wrong.get_or_insert_with(|| self.wrong_string(reason));
            }
            match member.unwrap_or(&name) {
                "AccessKeyId" => match plain::id(&object.next_value::<String>()?) {
                    Ok(found) => id = Some(found),
                    Err(reason) => _ = wrong.get_or_insert_with(|| self.wrong_string(reason)),
                },
                "UserName" => {
                    let name = object.next_value::<Option<String>>()?;
                    match self.keys.user_name(name.as_deref()) {
                        Ok(name) => user_name = name,
                        Err(reason) => _ = wrong.get_or_insert_with(|| self.wrong_string(reason)),
                    }
                }
                "Outcome" => (is_printed, outcome) = (name == "Outcome", object.next_value()?),
                "OwnerUnchecked" => is_owner_unchecked = object.next_value()?,
                "Action" => action = object.next_value()?,
                "AccessKeyMetadata" | "AccessKey" => {
                    is_list = true;
                    object.next_value_seed(&mut *self)?;
                }
                // The AWS CLI writes the first with --no-paginate, and the second with --max-items.
                "IsTruncated" => is_truncated |= object.next_value::<Option<bool>>()? == Some(true),
                "NextToken" => is_truncated |= object.next_value::<Option<String>>()?.is_some(),
                "Journal" if is_undo => {
                    check_version(object.next_value()?).map_err(A::Error::custom)?;
                    is_head = true;
                }
                "Intent" if is_undo => intent = object.next_value()?,
                "Unfinished" => unfinished = object.next_value()?,
                "AccountId" if is_undo => account = object.next_value()?,
                "Status" if is_undo => status = object.next_value()?,
                "Attempts" if is_undo => attempts = object.next_value()?,
                "Reason" if is_undo => reason = object.next_value()?,
                "PreviousStatus" => previous_status = object.next_value()?,
                "Journal" => return self.refuse(InputError::journal(at)),
                other => {
                    is_report |= other == "ReportFormat";
                    is_message |= is_same_name(other, "ExitCode");
                    if let Some(at) = object.next_value_seed(Unread(self.places))? {
                        return self.refuse(InputError::unread_key(at, other));
                    }
                }
            }
        }
        let is_of_key =
            id.is_some() || user_name.is_some() || outcome.is_some() || action.is_some();
        let is_journal_head = is_head && action.as_deref() == Some(Action::Deactivate.verb());
        let is_intent_and_result = !is_journal_head && intent.is_some() && outcome.is_some();
        let contradiction = contradiction(at, is_list && is_of_key, is_intent_and_result);
        if let Some(error) = wrong.or(contradiction) {
            return self.found(Err(error));
        }
        if is_journal_head {
            self.is_journal = true;
            return self.of_account(account.as_deref());
        }
        // A change that was started, by this run or an earlier one: how it ended may not be recorded.
        if self.is_journal && (intent.is_some() || unfinished > 0) {
            action = intent;
            outcome = Some(OutcomeKind::Unknown.as_str().to_owned());
        }
        match id {
            Some(_) if is_message => self.refuse(InputError::error_message(at)),
            Some(id) => self.found(Ok(Entry {
                user_name,
                outcome,
                action,
                previous_status,
                status,
                unfinished,
                // What only reads show has a reason.
                attempts: attempts.min(usize::from(reason.is_none())),
                is_printed,
                is_owner_unchecked,
                is_record: self.is_journal,
                ..Entry::with_id(id, at)
            })),
            None if is_list => {
                let first = self.keys.truncated_at;
                self.keys.truncated_at = first.or(is_truncated.then_some(at.line));
                Ok(())
            }
            None if is_undo => self.refuse(InputError::not_undoable(at)),
            None if is_report => self.refuse(InputError::credential_report(at)),
            None => self.found(Err(InputError::of(at, "an object without AccessKeyId"))),
        }
    }
}

/// Returns what does not fit together in an object.
fn contradiction(
    at: Position,
    is_list_and_key: bool,
    is_intent_and_result: bool,
) -> Option<InputError> {
    let reason = if is_list_and_key {
        // Otherwise members that describe the whole list would be ignored.
        "an object has a list of keys and members of a single key"
    } else if is_intent_and_result {
        "an object has both an Intent and an Outcome"
    } else {
        return None;
    };
    Some(InputError::of(at, reason))
}

/// Checks the version of a journal.
fn check_version(version: u32) -> Result<(), String> {
    if version == FORMAT_VERSION {
        return Ok(());
    }
    Err(format!(
        "the journal has format version {version}, but this program reads version {FORMAT_VERSION}"
    ))
}

/// Checks that no two members mean `member`. They could contradict each other.
fn check_member(
    name: &str,
    member: Option<&'static str>,
    seen: &mut Vec<(&'static str, String)>,
) -> Result<(), String> {
    let Some(member) = member else {
        return Ok(());
    };
    if let Some((_, other)) = seen.iter().find(|(earlier, _)| *earlier == member) {
        return Err(format!(
            "two members have the same meaning: `{other}` and `{name}`"
        ));
    }
    seen.push((member, name.to_owned()));
    Ok(())
}

impl Objects<'_, '_> {
    fn found<E: serde::de::Error>(&mut self, found: Result<Entry, InputError>) -> Result<(), E> {
        self.keys
            .take(found)
            .or_else(|problem| self.refuse(problem))
    }

    /// Creates an error for the string that was just read.
    fn wrong_string(&self, reason: String) -> InputError {
        InputError::of(self.places.get().string, reason)
    }

    /// Creates an error for what is not JSON, in a value that starts on the line `start`.
    fn malformed(error: &serde_json::Error, lines_read: u64, start: u64) -> InputError {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = error.to_string();
        let mut reason = reason.strip_suffix(&place).unwrap_or(&reason).to_owned();
        let line = lines_read + error.line() as u64;
        // A line break counts as the start of the next line, but belongs to the line that it ends.
        let is_line_break = error.column() == 0 && line > start;
        let line = line - u64::from(is_line_break);
        if line > start {
            // The value may be cut off there, and what follows is the next one.
            reason = format!("{reason}, in the value that starts on line {start}");
        }
        if is_line_break {
            return InputError::at(Some(format!("line {line}:")), reason);
        }
        InputError::new(line, error.column().max(1), reason)
    }

    /// The head of a journal names the account of its keys.
    fn of_account<E: serde::de::Error>(&mut self, account: Option<&str>) -> Result<(), E> {
        let Some(account) = account else {
            return Ok(());
        };
        let account = account.parse::<AccountId>().map_err(E::custom)?;
        match &self.keys.account {
            Some(other) if *other != account => Err(E::custom(format!(
                "this journal is for account {account}, but the one before is for account {other}"
            ))),
            _ => {
                self.keys.account = Some(account);
                Ok(())
            }
        }
    }

    fn refuse<E: serde::de::Error>(&mut self, problem: InputError) -> Result<(), E> {
        self.problem = Some(problem);
        Err(E::custom("refused"))
    }
}

/// Where the text was read last, and where the last string starts. Columns count characters.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) read: Position,
    pub(super) string: Position,
}

/// Tracks the place in a text while it is read, and fails if a string is too long.
struct LineCounter<R> {
    source: R,
    places: Rc<Cell<Places>>,
    /// The length of the current string with its opening quote, or 0 outside of strings.
    length: usize,
    is_escaped: bool,
    /// Whether the last byte was a line break. It belongs to the line that it ends.
    is_line_over: bool,
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        for byte in &buffer[..count] {
            let Places {
                read: mut place,
                mut string,
            } = self.places.get();
            if self.is_line_over {
                place.line += 1;
                place.column = 0;
            }
            self.is_line_over = *byte == b'\n';
            let is_continuation = byte & 0xc0 == 0x80;
            place.column += u64::from(!is_continuation);
            let is_quote = *byte == b'"' && !self.is_escaped;
            self.length = match self.length {
                0 if is_quote => {
                    string = place;
                    1
                }
                0 => 0,
                _ if is_quote => 0,
                length => length + 1,
            };
            self.places.set(Places {
                read: place,
                string,
            });
            self.is_escaped = self.length > 0 && *byte == b'\\' && !self.is_escaped;
            if self.length > MAX_STRING + 1 {
                return Err(io::Error::other(format!(
                    "a string is longer than {MAX_STRING} bytes"
                )));
            }
        }
        Ok(count)
    }
}
