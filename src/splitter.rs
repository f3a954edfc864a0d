//! CSV, line by line: a field never goes on in the next one.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Takes lines apart. What it is made of is as long as many lines, so it is made once.
pub(crate) struct Splitter {
    reader: Reader,
    field: Vec<u8>,
}

impl Splitter {
    /// Lines whose fields have this between them.
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            field: Vec::new(),
        }
    }

    /// The fields of a line; or the byte at which a quote begins that is not closed in it.
    pub(crate) fn fields(&mut self, text: &str) -> Result<Vec<String>, usize> {
        if is_open(text) {
            return Err(text.rfind('"').unwrap_or_default());
        }
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

/// Whether a quote is open at the end of a line: in pairs they are closed, doubled ones too.
fn is_open(text: &str) -> bool {
    text.matches('"').count() % 2 == 1
}
