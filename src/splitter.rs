//! CSV, line by line: a field never goes on in the next one.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Takes lines apart. What it is made of is as long as many lines, so it is made once.
pub(crate) struct Splitter {
    reader: Reader,
    delimiter: u8,
    field: Vec<u8>,
}

impl Splitter {
    /// Lines whose fields have this between them.
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            field: Vec::new(),
        }
    }

    /// The fields of a line; or what is wrong with its quotes, and at which byte.
    pub(crate) fn fields(&mut self, text: &str) -> Result<Vec<String>, (usize, &'static str)> {
        check_quotes(text, char::from(self.delimiter))?;
        self.reader.reset();
        self.field.resize(self.field.len().max(text.len() + 1), 0);
        let mut fields = Vec::new();
        let mut input = text.as_bytes();
        let mut written = 0;
        loop {
            let (result, read, wrote) = self.reader.read_field(input, &mut self.field[written..]);
            input = &input[read..];
            written += wrote;
            match result {
                ReadFieldResult::Field { record_end } => {
                    fields.push(String::from_utf8_lossy(&self.field[..written]).into_owned());
                    written = 0;
                    if record_end {
                        return Ok(fields);
                    }
                }
                // All was read; asked once more, the reader gives the last field.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull | ReadFieldResult::End => return Ok(fields),
            }
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
