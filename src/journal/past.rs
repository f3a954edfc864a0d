//! What earlier runs wrote in a journal. Of a million keys it keeps 16 bytes each.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Read};

use serde::Deserialize;

use super::{Before, FORM, Head};
use crate::ident::{AccessKeyId, UserName};
use crate::word::Word;

/// What every journal begins with.
const HEAD: &[u8] = b"{\"Journal\":";

/// The longest record, in bytes.
const LONGEST: u64 = 1 << 16;

/// What is known of the keys of a journal.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Where the last whole record ends, in bytes.
    pub(super) length: u64,
    digest: Digest,
    settled: Vec<u128>,
    /// With whose they were taken for; `None`: nobody was named, which is the user whose key signed.
    begun: HashMap<u128, Vec<Option<UserName>>>,
}

/// Two independent hashes of an ID: no two IDs of any account share both.
#[derive(Debug, Default)]
struct Digest([RandomState; 2]);

impl Digest {
    fn of(&self, id: &str) -> u128 {
        let [high, low] = &self.0;
        u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id))
    }
}

/// A record of a key: an intent, or a result.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "AccessKeyId")]
    id: String,
    #[serde(rename = "UserName")]
    user_name: Option<String>,
    #[serde(rename = "Intent")]
    intent: Option<String>,
    #[serde(rename = "Outcome")]
    outcome: Option<String>,
}

impl Past {
    /// What the records say of a key.
    pub(super) fn before(&self, id: &AccessKeyId) -> Before {
        let digest = self.digest.of(id.as_str());
        if self.settled.binary_search(&digest).is_ok() {
            Before::Settled
        } else if self.begun.contains_key(&digest) {
            Before::Begun
        } else {
            Before::Nothing
        }
    }

    /// Whose a key that was begun was taken for.
    pub(super) fn owners(&self, id: &AccessKeyId) -> &[Option<UserName>] {
        let begun = self.begun.get(&self.digest.of(id.as_str()));
        begun.map_or(&[], Vec::as_slice)
    }

    fn take(&mut self, record: Record) -> Result<(), String> {
        let digest = self.digest.of(&record.id);
        let word = record.outcome.as_deref().map(Word::read);
        match (word, &record.intent) {
            (Some(Some(word)), _) if word.is_settled() => {
                self.begun.remove(&digest);
                self.settled.push(digest);
            }
            // It was begun, and nobody knows (yet) how it ended.
            (None, Some(_)) | (Some(Some(Word::Unknown)), _) => {
                let owner = record.user_name.and_then(|name| name.try_into().ok());
                self.begun.entry(digest).or_default().push(owner);
            }
            (Some(_), _) => {
                self.begun.remove(&digest);
            }
            (None, None) => return Err("neither an intent nor a result".to_owned()),
        }
        Ok(())
    }
}

/// Reads a journal. An empty file is a new one.
///
/// # Errors
///
/// A fragment that says why it is no journal, or which record is broken.
pub(super) fn read(file: &mut impl Read) -> Result<(Option<Head>, Past), String> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut past = Past::default();
    let mut head = None;
    let mut record = Vec::new();
    for number in 1_u64.. {
        record.clear();
        let read = (&mut reader)
            .take(LONGEST)
            .read_until(b'\n', &mut record)
            .map_err(|error| error.to_string())?;
        let is_whole = record.last() == Some(&b'\n');
        let is_cut_head = !is_whole && HEAD.starts_with(&record);
        if number == 1 && !record.starts_with(HEAD) && !is_cut_head {
            return Err("it is no journal of this program, and is left as it is".to_owned());
        }
        if read as u64 == LONGEST && !is_whole {
            return Err(format!("record {number} is longer than {LONGEST} bytes"));
        }
        // The last record of a run that was killed may be cut off: it was not acted on.
        if !is_whole {
            break;
        }
        let broken = |error: String| format!("record {number} is broken: {error}");
        // Of what it passes over, the JSON reader does not ask that it is text.
        let text = std::str::from_utf8(&record).map_err(|error| broken(error.to_string()))?;
        if number == 1 {
            let first: Head =
                serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
            if first.form != FORM {
                return Err(format!(
                    "its form is {}, and this program's is {FORM}",
                    first.form
                ));
            }
            head = Some(first);
        } else {
            let entry = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
            past.take(entry).map_err(broken)?;
        }
        past.length += read as u64;
    }
    past.settled.sort_unstable();
    Ok((head, past))
}
