//! Reads columns below a header, in any order and among other columns, as saved by spreadsheets, the AWS console or a
//! query. A field never continues on the next line.

use csv::StringRecord;

use super::line::{Line, Lines, column, without_comment};
use super::{Entry, InputError, Visit, plain};
use crate::csv_line::CsvLines;

/// The positions of the columns to read.
#[derive(Debug)]
pub(super) struct Header {
    delimiter: u8,
    /// The number of columns that have a name.
    width: usize,
    id: usize,
    user_name: Option<usize>,
    outcome: Option<usize>,
    action: Option<usize>,
}

impl Header {
    /// Parses a header. `None`: the line is not a header.
    pub(super) fn of(first: &Line) -> Result<Option<Self>, InputError> {
        let text = without_comment(&first.text);
        let delimiter = [b',', b'\t', b';']
            .into_iter()
            .find(|delimiter| text.trim().as_bytes().contains(delimiter));
        let delimiter_or_comma = delimiter.unwrap_or(b',');
        let names = cells(&mut CsvLines::new(delimiter_or_comma), text, first.number)?;
        let place = |spellings: &[&str]| {
            let is_one = |name: &str| {
                spellings
                    .iter()
                    .any(|spelling| is_same_name(name, spelling))
            };
            let mut found = names.iter().enumerate().filter(|(_, name)| is_one(name));
            match (found.next(), found.next()) {
                (Some((_, one)), Some((_, other))) => {
                    let (one, other) = (one.trim(), other.trim());
                    let reason =
                        format!("two columns have the same meaning: `{one}` and `{other}`");
                    Err(InputError::new(first.number, 1, reason))
                }
                (found, _) => Ok(found.map(|(place, _)| place)),
            }
        };
        let has = |name: &str| names.iter().any(|field| is_same_name(field, name));
        match (place(&["AccessKeyId", "KeyId"])?, delimiter) {
            (Some(id), _) => Ok(Some(Self {
                delimiter: delimiter_or_comma,
                width: filled(&names),
                id,
                user_name: place(&["UserName", "User", "Owner"])?,
                outcome: place(&["Outcome"])?,
                action: place(&["Action"])?,
            })),
            (None, _)
                if has("arn") && (has("user_creation_time") || has("access_key_1_active")) =>
            {
                Err(InputError::credential_report(first.number))
            }
            (None, Some(b',' | b';')) => Err(InputError::no_header(first.number, 1, false)),
            (None, _) => Ok(None),
        }
    }

    /// Returns the column where a field starts in its line. If the line is too short, returns the length of the line.
    fn column(&self, text: &str, place: usize) -> usize {
        let (mut quoted, mut separators) = (false, 0);
        for (index, character) in text.chars().enumerate() {
            if separators == place {
                return index + 1;
            }
            quoted ^= character == '"';
            separators += usize::from(!quoted && character == char::from(self.delimiter));
        }
        text.chars().count()
    }

    /// Checks the number of fields. Otherwise a value could be in the wrong column. Extra fields must be empty, and
    /// required fields must exist.
    fn check_width(&self, fields: &StringRecord, line: u64) -> Result<(), InputError> {
        let count = filled(fields);
        let needed = [Some(self.id), self.outcome, self.action];
        let is_cut = needed
            .into_iter()
            .flatten()
            .any(|place| place >= fields.len());
        if count <= self.width && !is_cut {
            return Ok(());
        }
        let fields = if count == 1 { "field" } else { "fields" };
        let reason = format!("has {count} {fields}, the header has {}", self.width);
        Err(InputError::at(Some(format!(": line {line}")), reason))
    }
}

/// Reads the lines below a header.
pub(super) fn read(
    header: &Header,
    mut lines: Lines,
    visit: &mut Visit<'_>,
) -> Result<(), InputError> {
    let mut csv_lines = CsvLines::new(header.delimiter);
    while let Some(line) = lines.next()? {
        let (text, number) = (&line.text, line.number);
        let fields = cells(&mut csv_lines, text, number)?;
        let field = |place: usize| fields.get(place).map(str::trim);
        let filled = |place: Option<usize>| place.and_then(field).filter(|field| !field.is_empty());
        header.check_width(&fields, number)?;
        let wrong = |place: usize, reason: String| {
            InputError::new(number, header.column(text, place), reason)
        };
        let user_name = header.user_name.unwrap_or_default();
        let id = plain::id(field(header.id).unwrap_or_default())
            .map_err(|reason| wrong(header.id, reason))?;
        visit(Entry {
            user_name: filled(header.user_name)
                .map(plain::user_name)
                .transpose()
                .map_err(|reason| wrong(user_name, reason))?,
            outcome: filled(header.outcome).map(str::to_owned),
            action: filled(header.action).map(str::to_owned),
            missing_owner_column: header
                .user_name
                .filter(|place| filled(Some(*place)).is_none())
                .map(|place| header.column(text, place)),
            ..Entry::with_id(id, number)
        })?;
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

/// Whether a column or member has this name. `Access key ID`, `AccessKeyId` and `access_key_id` are the same name.
pub(super) fn is_same_name(name: &str, spelling: &str) -> bool {
    normalized(name).eq(normalized(spelling))
}

fn normalized(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase())
}
