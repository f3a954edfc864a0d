//! Reads the records of a journal.

use std::io::{self, BufRead, BufReader, Read, Seek};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::replay::Replay;
use super::{FORMAT_VERSION, Head};

/// The start of every journal.
const HEAD: &[u8] = b"{\"Journal\":";

/// The maximum length of a record, in bytes.
const MAX_LENGTH: u64 = 1 << 16;

/// A record of a key: an intent, or a result.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    #[serde(rename = "AccessKeyId")]
    pub(super) id: String,
    #[serde(rename = "UserName")]
    pub(super) user_name: Option<String>,
    #[serde(rename = "Intent")]
    pub(super) intent: Option<String>,
    #[serde(rename = "Outcome")]
    pub(super) outcome: Option<String>,
    #[serde(rename = "Result")]
    pub(super) result: Option<String>,
    /// The status with which IAM listed the key for this owner.
    #[serde(rename = "Status")]
    pub(super) status: Option<String>,
    /// The user whom IAM named as the owner, if that is another one.
    #[serde(rename = "ReportedOwner")]
    pub(super) reported_owner: Option<String>,
    /// Whether the owner is the root user. Without a user name and this, nobody named the owner.
    #[serde(rename = "RootUser", default)]
    pub(super) is_root_users: bool,
    #[serde(rename = "Time")]
    pub(super) time: Option<String>,
    /// Whether another user may own the key: it is only presumed to be deleted, or its state is unknown.
    #[serde(rename = "OwnerUnchecked", default)]
    pub(super) is_owner_unchecked: bool,
    /// Whether IAM answered each request of the run, so that only earlier ones may still act.
    #[serde(rename = "Answered", default)]
    pub(super) is_answered: bool,
    /// How many of the changes that earlier runs started may still have been made.
    #[serde(rename = "Unfinished", default)]
    pub(super) unfinished: usize,
}

/// The start of every other record.
const RECORD: &[u8] = b"{\"AccessKeyId\":";

/// Whether a file is empty, starts like a journal, or may be one that has lost its first record. Rewinds the file.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn is_journal(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref()
        .take(RECORD.len() as u64)
        .read_to_end(&mut start)?;
    file.rewind()?;
    Ok(HEAD.starts_with(&start) || start.starts_with(HEAD) || start == RECORD)
}

/// Reads a journal. An empty file is a new one.
///
/// # Errors
///
/// A fragment that says why the file is not a journal, or which record is invalid.
pub(super) fn read(file: &mut impl Read) -> Result<(Option<Head>, Replay), String> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut replay = Replay::default();
    let mut head: Option<Head> = None;
    let mut record = Vec::new();
    for number in 1_u64.. {
        let is_last = !next_record(&mut reader, &mut record).map_err(|error| error.to_string())?;
        let is_cut_head = is_last && HEAD.starts_with(&record);
        if number == 1 && !record.starts_with(HEAD) && !is_cut_head {
            return Err("it is not an iam-del-key journal".to_owned());
        }
        if is_last {
            break;
        }
        if record.last() != Some(&b'\n') {
            return Err(format!("record {number} is longer than {MAX_LENGTH} bytes"));
        }
        let invalid = |error: String| format!("record {number} is invalid: {error}");
        if let Some(head) = &head {
            let added = parse(&record).and_then(|record| replay.add(record, &head.action));
            added.map_err(invalid)?;
        } else {
            let Head { form, .. } = head.insert(parse(&record).map_err(invalid)?);
            if *form != FORMAT_VERSION {
                return Err(format!(
                    "it has format version {form}, but this program reads version {FORMAT_VERSION}"
                ));
            }
        }
        replay.length += record.len() as u64;
    }
    replay.finish();
    Ok((head, replay))
}

/// Reads the next record with its line break, or the start of one that is too long. Returns whether there is one. What follows
/// the last line break is not a record: a killed run may leave a partial record there, and a power failure NUL bytes. No run
/// acted on it.
fn next_record(source: &mut impl BufRead, record: &mut Vec<u8>) -> io::Result<bool> {
    record.clear();
    let length = source.take(MAX_LENGTH).read_until(b'\n', record)?;
    Ok(record.last() == Some(&b'\n') || length as u64 == MAX_LENGTH)
}

/// Reads a text, but omits what follows the last whole record of a journal.
#[derive(Debug)]
pub(crate) struct WholeRecords<R> {
    source: R,
    /// The current line, or a part of it, and how many bytes of it were read.
    line: Vec<u8>,
    read: usize,
    /// Whether a journal has started.
    is_journal: bool,
}

impl<R> WholeRecords<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            line: Vec::new(),
            read: 0,
            is_journal: false,
        }
    }
}

impl<R: BufRead> Read for WholeRecords<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            self.read = 0;
            let is_record = next_record(&mut self.source, &mut self.line)?;
            self.is_journal |= is_record && self.line.starts_with(HEAD);
            if self.is_journal && !is_record {
                self.line.clear();
            }
        }
        let count = (&self.line[self.read..]).read(buffer)?;
        self.read += count;
        Ok(count)
    }
}

/// Parses a record. The JSON reader does not check the encoding of what it ignores.
fn parse<T: DeserializeOwned>(record: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(record).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_starts_with_any_record_may_be_a_journal() {
        for (text, expected) in [
            ("", true),
            ("{\"Jour", true),
            ("{\"Journal\":1,", true),
            ("{\"AccessKeyId\":\"AKIA", true),
            ("{\"AccessKey", false),
            ("{\"Journey\":1,", false),
            ("AKIA", false),
        ] {
            let found = is_journal(&mut io::Cursor::new(text));
            assert_eq!(found.ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn only_the_last_record_may_be_cut_off() {
        let head = "{\"Journal\":1,\"Action\":\"delete\"}\n";
        let record = |length: usize| {
            let start =
                "{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"Intent\":\"delete\",\"Time\":\"";
            let fill = "x".repeat(length - start.len() - "\"}\n".len());
            format!("{start}{fill}\"}}\n")
        };
        let whole = record(1 << 16);
        let long = record((1 << 16) + 1);
        let read = |text: &str| match read(&mut text.as_bytes()) {
            Ok((_, replay)) => Ok(replay.length),
            Err(error) => Err(error),
        };
        let length = |text: &str| Ok(text.len() as u64);
        assert_eq!(
            read(&(head.to_owned() + &whole)),
            length(&(head.to_owned() + &whole))
        );
        assert_eq!(read(&(head.to_owned() + &whole[..100])), length(head));
        assert_eq!(read(&head[..5]), Ok(0));
        assert_eq!(read(""), Ok(0));
        let too_long = "record 2 is longer than 65536 bytes";
        assert_eq!(read(&(head.to_owned() + &long)), Err(too_long.to_owned()));
        for other in ["AKIA", "AKIA\n", "{\"Journal\"\n"] {
            let error = "it is not an iam-del-key journal".to_owned();
            assert_eq!(read(other), Err(error), "{other}");
        }
    }
}
