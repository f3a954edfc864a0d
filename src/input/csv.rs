//! Columns under a header, in any order and with others among them: what a spreadsheet, the AWS console or a query
//! saves. A field never goes on in the next line.

use super::line::{Line, Lines, column};
use super::{Found, Problem, Visit, plain};
use crate::splitter::Splitter;

/// Which columns are read.
#[derive(Debug)]
pub(super) struct Head {
    delimiter: u8,
    id: usize,
    user_name: Option<usize>,
    outcome: Option<usize>,
    action: Option<usize>,
}

impl Head {
    /// The header that a line is; `None` where it is none.
    pub(super) fn of(first: &Line) -> Result<Option<Self>, Problem> {
        let delimiter = [b',', b'\t', b';']
            .into_iter()
            .find(|delimiter| first.text.trim().as_bytes().contains(delimiter));
        let delimiter_or_comma = delimiter.unwrap_or(b',');
        let names = cells(&mut Splitter::new(delimiter_or_comma), first)?;
        let place = |name: &str| names.iter().position(|field| folded(field) == name);
        let id = place("accesskeyid").or_else(|| place("keyid"));
        match (id, delimiter) {
            (Some(id), _) => Ok(Some(Self {
                delimiter: delimiter_or_comma,
                id,
                user_name: place("username").or_else(|| place("user")),
                outcome: place("outcome"),
                action: place("action"),
            })),
            (None, Some(_)) => Err(Problem::new(
                first.number,
                1,
                "columns need a header that names them: AccessKeyId, and UserName for the owner",
            )),
            (None, None) => Ok(None),
        }
    }
}

impl Head {
    /// Where the field begins in its line, or, where the line is too short, after which character it is missing.
    fn column(&self, text: &str, place: usize) -> usize {
        let (mut quoted, mut behind) = (false, 0);
        for (index, character) in text.chars().enumerate() {
            if behind == place {
                return index + 1;
            }
            quoted ^= character == '"';
            behind += usize::from(!quoted && character == char::from(self.delimiter));
        }
        text.chars().count()
    }
}

/// Reads the lines under a header.
pub(super) fn read(head: &Head, mut lines: Lines, visit: &mut Visit<'_>) -> Result<(), Problem> {
    let mut splitter = Splitter::new(head.delimiter);
    while let Some(line) = lines.next()? {
        let fields = cells(&mut splitter, &line)?;
        let (text, number) = (&line.text, line.number);
        let field = |place: usize| fields.get(place).map(|field| field.trim());
        let filled = |place: Option<usize>| place.and_then(field).filter(|field| !field.is_empty());
        let Some(id) = field(head.id) else {
            let what = format!(
                "the line has {} fields, and the ID is field {}",
                fields.len(),
                head.id + 1
            );
            return Err(Problem::new(number, text.chars().count(), what));
        };
        visit(Found {
            id: plain::id(text, id, number)?,
            user_name: filled(head.user_name)
                .map(|name| plain::user_name(text, name, number))
                .transpose()?,
            outcome: filled(head.outcome).map(str::to_owned),
            action: filled(head.action).map(str::to_owned),
            line: number,
            gap: head
                .user_name
                .filter(|place| filled(Some(*place)).is_none())
                .map(|place| head.column(text, place)),
        })?;
    }
    Ok(())
}

fn cells(splitter: &mut Splitter, line: &Line) -> Result<Vec<String>, Problem> {
    splitter.fields(&line.text).map_err(|at| {
        let column = column(&line.text, at);
        Problem::new(line.number, column, "the quote is not closed in its line")
    })
}

/// The name of a column as it is compared: `Access key ID` is `AccessKeyId` and `access_key_id`.
fn folded(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
