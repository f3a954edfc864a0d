//! Reads CSV line by line. A field never continues on the next line.

use std::collections::VecDeque;

use csv::{Reader, ReaderBuilder, StringRecord, Terminator};

/// Splits lines into fields. Creating a `csv` reader takes longer than reading a line, so one reader is used for all
/// lines.
pub(crate) struct CsvLines {
    reader: Reader<VecDeque<u8>>,
    delimiter: u8,
}

impl CsvLines {
    /// Creates a reader for this delimiter.
    pub(crate) fn new(delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        // By default, a carriage return also ends a record, and the next line would be read as what follows it.
        let terminator = Terminator::Any(b'\n');
        builder
            .has_headers(false)
            .flexible(true)
            .terminator(terminator);
        Self {
            reader: builder.delimiter(delimiter).from_reader(VecDeque::new()),
            delimiter,
        }
    }

    /// Splits a line into fields. The error is a description and the offset of the problem in bytes.
    pub(crate) fn fields(&mut self, text: &str) -> Result<StringRecord, (usize, &'static str)> {
        check_quotes(text, char::from(self.delimiter))?;
        let mut record = StringRecord::new();
        // All quotes are closed within the line, so the record ends there too.
        self.reader.get_mut().extend(text.as_bytes());
        self.reader.get_mut().push_back(b'\n');
        match self.reader.read_record(&mut record) {
            Ok(true) => Ok(record),
            Ok(false) | Err(_) => Err((0, "the line is not valid CSV")),
        }
    }
}

/// Checks that each quoted field is closed within the line and that no text follows it. The `csv` crate would append
/// such text to the field.
fn check_quotes(text: &str, delimiter: char) -> Result<(), (usize, &'static str)> {
    if text.matches('"').count() % 2 == 1 {
        let last = text.rfind('"').unwrap_or_default();
        return Err((last, "a quoted field is not closed on its line"));
    }
    let mut is_quoted = false;
    let mut previous = delimiter;
    let mut closed = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if is_quoted => (is_quoted, closed) = (false, true),
            // Two quotes in a quoted field stand for one quote.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_record_whatever_is_in_it() {
        let mut lines = CsvLines::new(b',');
        for (line, expected) in [
            ("a,b", &["a", "b"][..]),
            ("a\rb,c\r", &["a\rb", "c\r"]),
            ("\r", &["\r"]),
            ("\"x\ry\",\"\"\"\"", &["x\ry", "\""]),
            ("d", &["d"]),
        ] {
            let fields = lines.fields(line).expect("fields");
            assert!(
                fields.iter().eq(expected.iter().copied()),
                "{line:?}: {fields:?}"
            );
        }
    }
}
