//! Reads the lines of any text: UTF-8, with bounded length and line numbers.

use std::io::{self, BufRead, Read as _};

use super::InputError;

/// The maximum length of a line, in bytes. The AWS CLI prints all IDs of an account on one line. JSON may have longer
/// lines.
const MAX_LINE: u64 = 1 << 20;

/// The lines of a text.
pub(super) struct Lines {
    /// The unread text.
    pub(super) source: Box<dyn BufRead>,
    /// The number of the last line that was read.
    pub(super) number: u64,
}

impl Lines {
    /// Starts at the first line. A byte order mark is skipped.
    pub(super) fn new(mut source: Box<dyn BufRead>) -> Result<Self, InputError> {
        let start = source.fill_buf().map_err(|error| read_failure(0, &error))?;
        let encoding = match start {
            // A text in UTF-16 does not begin with a NUL.
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
            _ => None,
        };
        if let Some(encoding) = encoding {
            let hint =
                format!("save the list as UTF-8, or convert it: iconv -f {encoding} -t UTF-8");
            return Err(InputError::new(1, 1, format!("this is {encoding}")).hint(hint));
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            source.consume(3);
        }
        Ok(Self { source, number: 0 })
    }

    /// Skips blank lines and comments, and returns the next byte without consuming it.
    pub(super) fn first(&mut self) -> Result<Option<u8>, InputError> {
        loop {
            match self.peek()? {
                Some(b'\n') => {
                    self.number += 1;
                    self.source.consume(1);
                }
                Some(b' ' | b'\t' | b'\r') => self.source.consume(1),
                Some(b'#') => self.skip_comment()?,
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, InputError> {
        match self.source.fill_buf() {
            Ok(buffer) => Ok(buffer.first().copied()),
            Err(error) => Err(read_failure(self.number, &error)),
        }
    }

    /// Skips a comment of any length, to the end of its line.
    fn skip_comment(&mut self) -> Result<(), InputError> {
        let mut carriage_return = None;
        for column in 1.. {
            match (self.peek()?, carriage_return) {
                (None | Some(b'\n'), _) => break,
                (Some(_), Some(column)) => {
                    return Err(InputError::carriage_return(self.number + 1, column));
                }
                (Some(byte), None) => carriage_return = (byte == b'\r').then_some(column),
            }
            self.source.consume(1);
        }
        Ok(())
    }

    /// Returns the next line, without its line break, that is neither blank nor a comment.
    pub(super) fn next(&mut self) -> Result<Option<String>, InputError> {
        loop {
            match self.next_filled()? {
                Some(text) if begins_like_comment(&text) => {}
                next => return Ok(next),
            }
        }
    }

    /// Returns the next line, without its line break, that is not blank. Rows of empty fields, which spreadsheets add, are
    /// blank.
    pub(super) fn next_filled(&mut self) -> Result<Option<String>, InputError> {
        loop {
            let mut bytes = Vec::new();
            let count = (&mut self.source)
                .take(MAX_LINE)
                .read_until(b'\n', &mut bytes)
                .map_err(|error| read_failure(self.number, &error))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            } else if count as u64 == MAX_LINE {
                // The limit may split a character.
                if let Err(error) = std::str::from_utf8(&bytes)
                    && error.error_len().is_none()
                {
                    bytes.truncate(error.valid_up_to());
                }
                self.text(bytes)?;
                return Err(InputError::new(
                    self.number,
                    1,
                    format!("the line is longer than {MAX_LINE} bytes"),
                ));
            }
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
            if let Some(position) = bytes.iter().position(|byte| *byte == b'\r') {
                return Err(InputError::carriage_return(self.number, position + 1));
            }
            let text = self.text(bytes)?;
            let is_blank = text
                .replace("\"\"", "")
                .chars()
                .all(|character| matches!(character, ',' | ';') || character.is_whitespace());
            if !is_blank {
                return Ok(Some(text));
            }
        }
    }

    fn text(&self, bytes: Vec<u8>) -> Result<String, InputError> {
        if let Some(position) = bytes.iter().position(|byte| *byte == 0) {
            return Err(InputError::new(
                self.number,
                position + 1,
                "a NUL byte: this is not a list of keys",
            ));
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            InputError::new(self.number, valid + 1, "this is not UTF-8").hint(
                "save the list as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 (if that is its encoding)",
            )
        })
    }
}

fn read_failure(lines_read: u64, error: &io::Error) -> InputError {
    match error.kind() {
        io::ErrorKind::IsADirectory => InputError::at(None, "it is a folder"),
        _ if lines_read == 0 => InputError::at(None, error.to_string()),
        _ => InputError::at(None, format!("after line {lines_read}: {error}")),
    }
}

/// Returns the position of the character at a byte offset, starting at 1.
pub(super) fn column(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}

/// Whether a line is a comment, or a row of CSV whose first field begins with a `#`.
pub(super) fn begins_like_comment(text: &str) -> bool {
    text.trim_start().starts_with('#')
}

/// Removes the comment from a line. It starts with a `#` that is not in quotes, at the start of the line or after
/// whitespace.
pub(super) fn without_comment(text: &str) -> &str {
    let (mut is_quoted, mut is_start) = (false, true);
    for (at, character) in text.char_indices() {
        if character == '#' && is_start && !is_quoted {
            return &text[..at];
        }
        is_quoted ^= character == '"';
        is_start = character.is_whitespace();
    }
    text
}
