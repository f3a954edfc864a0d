//! CSV, line by line: a field never goes on in the next one.

use std::collections::VecDeque;

use csv::{Reader, ReaderBuilder, StringRecord};

/// Takes lines apart. To make a reader takes longer than to read a line, so there is one for all.
pub(crate) struct CsvLines {
    reader: Reader<VecDeque<u8>>,
    delimiter: u8,
}

impl CsvLines {
    /// Lines whose fields have this between them.
    pub(crate) fn new(delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true);
        Self {
            reader: builder.delimiter(delimiter).from_reader(VecDeque::new()),
            delimiter,
        }
    }

    /// The fields of a line; or what is wrong with it, and at which byte.
    pub(crate) fn fields(&mut self, text: &str) -> Result<StringRecord, (usize, &'static str)> {
        check_quotes(text, char::from(self.delimiter))?;
        let mut record = StringRecord::new();
        // Its quotes end in the line, so that the record does too.
        self.reader.get_mut().extend(text.as_bytes());
        self.reader.get_mut().push_back(b'\n');
        match self.reader.read_record(&mut record) {
            Ok(true) => Ok(record),
            Ok(false) | Err(_) => Err((0, "the line is not CSV")),
        }
    }
}

/// Checks that each quoted field ends in its line and that nothing follows it: the reader would append that to the field.
fn check_quotes(text: &str, delimiter: char) -> Result<(), (usize, &'static str)> {
    if text.matches('"').count() % 2 == 1 {
        let last = text.rfind('"').unwrap_or_default();
        return Err((last, "the quote is not closed in its line"));
    }
    let mut is_quoted = false;
    let mut previous = delimiter;
    let mut closed = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if is_quoted => (is_quoted, closed) = (false, true),
            // The second of two quotes is a quote in the field.
            '"' if closed && previous == '"' => (is_quoted, closed) = (true, false),
            '"' if previous == delimiter => is_quoted = true,
            _ if is_quoted => {}
            _ if character == delimiter => closed = false,
            _ if closed && !character.is_whitespace() => {
                return Err((at, "text follows a closing quote"));
            }
            _ => {}
        }
        previous = character;
    }
    Ok(())
}
