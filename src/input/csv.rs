//! Reads columns below a header, in any order and among other columns, as saved by spreadsheets, the AWS console or a
//! query. A field never continues on the next line.

use std::rc::Rc;

use csv::StringRecord;

use super::line::{Lines, begins_like_comment, column, without_comment};
use super::plain::{begins_table, has_aws_id_form};
use super::{Entry, InputError, KeyCollector, Position, plain};
use crate::csv_line::CsvLines;
use crate::sanitize::escape_field;

/// The positions of the columns to read.
#[derive(Debug)]
pub(super) struct Header {
    delimiter: u8,
    /// The names of the columns, for messages.
    names: Vec<Rc<str>>,
    /// The number of columns that have a name.
    width: usize,
    id: usize,
    user_name: Option<usize>,
    outcome: Option<usize>,
    owner_unchecked: Option<usize>,
    unfinished: Option<usize>,
    action: Option<usize>,
}

impl Header {
    /// Parses a header. `None`: the line is not a header.
    pub(super) fn of(first: &str, number: u64) -> Result<Option<Self>, InputError> {
        let text = without_comment(first);
        let delimiter = [b',', b'\t', b';']
            .into_iter()
            .find(|delimiter| text.trim().as_bytes().contains(delimiter));
        let delimiter_or_comma = delimiter.unwrap_or(b',');
        let names = cells(&mut CsvLines::new(delimiter_or_comma), text, number)?;
        let place = |meant: &'static str| {
            let is_one = |name: &str| meaning(name, [meant]).is_some();
            let mut found = names.iter().enumerate().filter(|(_, name)| is_one(name));
            match (found.next(), found.next()) {
                (Some((_, one)), Some((_, other))) => {
                    let (one, other) = (one.trim(), other.trim());
                    let reason =
                        format!("two columns have the same meaning: `{one}` and `{other}`");
                    Err(InputError::new(number, 1, reason))
                }
                (found, _) => Ok(found.map(|(place, _)| place)),
            }
        };
        let has = |name: &str| names.iter().any(|field| is_same_name(field, name));
        match (place("AccessKeyId")?, delimiter) {
            (Some(id), _) => Ok(Some(Self {
                delimiter: delimiter_or_comma,
                names: names
                    .iter()
                    .map(|name| escape_field(name.trim()).into())
                    .collect(),
                width: filled(&names),
                id,
                user_name: place("UserName")?,
                outcome: place("Outcome")?,
                owner_unchecked: place("OwnerUnchecked")?,
                unfinished: place("Unfinished")?,
                action: place("Action")?,
            })),
            (None, _)
                if has("arn") && (has("user_creation_time") || has("access_key_1_active")) =>
            {
                Err(InputError::credential_report(Position::line(number)))
            }
            (None, Some(_)) if begins_table(text) => Err(InputError::no_header(number, 1, true)),
            (None, Some(_)) if !names.iter().any(|name| has_aws_id_form(name.trim())) => {
                Err(InputError::no_key_column(number, &names))
            }
            (None, Some(b',' | b';')) => Err(InputError::no_header(number, 1, false)),
            (None, _) => Ok(None),
        }
    }

    /// Reads the fields of a line below the header.
    fn entry(&self, csv_lines: &mut CsvLines, text: &str, line: u64) -> Result<Entry, InputError> {
        let fields = cells(csv_lines, text, line)?;
        self.check_width(&fields, line)?;
        let field = |place: usize| fields.get(place).map(str::trim);
        let filled = |place: Option<usize>| place.and_then(field).filter(|field| !field.is_empty());
        let wrong = |place: usize, reason| InputError::new(line, &self.names[place], reason);
        let id = plain::id(field(self.id).unwrap_or_default());
        let id = id.map_err(|reason| wrong(self.id, reason))?;
        let mut entry = Entry {
            outcome: filled(self.outcome).map(str::to_owned),
            action: filled(self.action).map(str::to_owned),
            ..Entry::with_id(id, Position::line(line))
        };
        if let Some(place) = self.owner_unchecked
            && let Some(text) = filled(Some(place))
        {
            let value = text.to_ascii_lowercase().parse();
            let reason = format!("unknown value `{text}`: it must be true or false");
            entry.is_owner_unchecked = value.map_err(|_| wrong(place, reason))?;
        }
        if let Some(place) = self.unfinished
            && let Some(text) = filled(Some(place))
        {
            let reason = format!("unknown value `{text}`: it must be a number");
            entry.unfinished = text.parse().map_err(|_| wrong(place, reason))?;
        }
        if let Some(place) = self.user_name {
            match filled(Some(place)).map(plain::user_name) {
                Some(name) => {
                    entry.user_name =
                        Some(name.map_err(|reason| self.not_owner(line, place, reason))?);
                }
                None => entry.missing_owner_column = Some(Rc::clone(&self.names[place])),
            }
        }
        Ok(entry)
    }

    /// Whether a line has an ID in the column for it, even if the line is not valid CSV.
    fn finds_id(&self, csv_lines: &mut CsvLines, text: &str) -> bool {
        let is_id =
            |field: Option<&str>| field.is_some_and(|field| plain::id(field.trim()).is_ok());
        match csv_lines.fields(text) {
            Ok(fields) => is_id(fields.get(self.id)),
            Err(_) => is_id(text.split(char::from(self.delimiter)).nth(self.id)),
        }
    }

    /// Reports what is not a user name. A column `User` or `Owner` may have been meant for something else.
    fn not_owner(&self, line: u64, place: usize, reason: String) -> InputError {
        let column = &self.names[place];
        let error = InputError::new(line, column, reason);
        if is_same_name(column, "UserName") {
            return error;
        }
        error.other_cause(format!(
            "the column {column} is read as the owner; rename it if it is something else"
        ))
    }

    /// Checks the number of fields. Otherwise a value could be in the wrong column. Extra fields must be empty, and
    /// required fields must exist.
    fn check_width(&self, fields: &StringRecord, line: u64) -> Result<(), InputError> {
        let count = filled(fields);
        let needed = [
            Some(self.id),
            self.outcome,
            self.owner_unchecked,
            self.unfinished,
            self.action,
        ];
        let is_cut = needed
            .into_iter()
            .flatten()
            .any(|place| place >= fields.len());
        if count <= self.width && !is_cut {
            return Ok(());
        }
        let fields = if count == 1 { "field" } else { "fields" };
        let reason = format!("has {count} {fields}, but the header has {}", self.width);
        Err(InputError::at(Some(format!("line {line}")), reason))
    }
}

/// Reads the lines below a header.
pub(super) fn read(
    header: &Header,
    mut lines: Lines,
    keys: &mut KeyCollector<'_>,
) -> Result<(), InputError> {
    let mut csv_lines = CsvLines::new(header.delimiter);
    while let Some(text) = lines.next_filled()? {
        if begins_like_comment(&text) && !header.finds_id(&mut csv_lines, &text) {
            continue;
        }
        keys.take(header.entry(&mut csv_lines, &text, lines.number))?;
    }
    Ok(())
}

/// Returns the number of fields without the empty ones at the end.
fn filled(fields: &StringRecord) -> usize {
    let mut places = 0..fields.len();
    let last = places.rfind(|place| !fields[*place].trim().is_empty());
    last.map_or(0, |last| last + 1)
}

fn cells(csv_lines: &mut CsvLines, text: &str, line: u64) -> Result<StringRecord, InputError> {
    csv_lines
        .fields(text)
        .map_err(|(at, reason)| InputError::new(line, column(text, at), reason))
}

/// Other names of columns and members, and what they mean.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("KeyId", "AccessKeyId"),
    ("User", "UserName"),
    ("Owner", "UserName"),
];

/// Returns that of the names `known` which a column or member of this name means.
pub(super) fn meaning(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    let mut others = OTHER_NAMES.into_iter();
    let meant = others.find(|(other, _)| is_same_name(name, other));
    let name = meant.map_or(name, |(_, meant)| meant);
    known.into_iter().find(|known| is_same_name(name, known))
}

/// Whether a column or member has this name. `Access key ID`, `AccessKeyId` and `access_key_id` are the same name.
pub(super) fn is_same_name(name: &str, spelling: &str) -> bool {
    normalized(name).eq(normalized(spelling))
}

fn normalized(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase())
}
