//! What earlier runs wrote in a journal. Of a million keys it keeps 16 bytes each.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read, Seek};
use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;
use serde::Deserialize;

use super::{Before, FORM, Head};
use crate::escape::field;
use crate::fact::Status;
use crate::ident::{AccessKeyId, UserName};
use crate::request::{Action, Key};
use crate::word::Word;

/// What every journal begins with.
const HEAD: &[u8] = b"{\"Journal\":";

/// The longest record, in bytes.
const LONGEST: u64 = 1 << 16;

/// How long a signed request is valid, with as much for clocks that disagree.
const VALID: Duration = Duration::from_mins(30);

/// What is known of the keys of a journal.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Where the last whole record ends, in bytes.
    pub(super) length: u64,
    digest: Digest,
    settled: Vec<u128>,
    begun: HashMap<u128, Vec<EarlierAttempt>>,
}

/// A change that an earlier run started. How it ended is not recorded.
#[derive(Clone, Debug)]
pub(crate) struct EarlierAttempt {
    id: AccessKeyId,
    /// The user it was sent for; `None`: the calling user.
    pub(crate) owner: Option<UserName>,
    was_listed: bool,
    was_active: bool,
    at: Option<SystemTime>,
}

impl EarlierAttempt {
    /// The owner, where IAM listed the key among that user's keys.
    pub(crate) fn listed_owner(&self) -> Option<&UserName> {
        self.owner.as_ref().filter(|_| self.was_listed)
    }

    /// Whether the key was active before, where the run was to make it inactive.
    pub(crate) fn was_active(&self) -> bool {
        self.was_active
    }

    /// Whether no request of it can act any more.
    pub(crate) fn has_expired(&self) -> bool {
        self.at
            .and_then(|at| SystemTime::now().duration_since(at).ok())
            .is_some_and(|age| age > VALID)
    }
}

/// Two independent hashes of an ID, and one of an owner. No two IDs of any account share both of the first.
#[derive(Debug, Default)]
struct Digest([RandomState; 3]);

/// The bits of a digest that the owner and the kind of the record have; the others are the ID's.
const OWNER_BITS: u32 = 48;

impl Digest {
    fn of(&self, id: &str) -> u128 {
        let [high, low, _] = &self.0;
        let hash = u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id));
        hash >> OWNER_BITS << OWNER_BITS
    }

    /// The same with the owner. Whether the key was deleted or only missing is the last bit.
    fn settled(&self, id: &str, owner: Option<&UserName>, is_missing: bool) -> u128 {
        let [_, _, state] = &self.0;
        let owner = owner.map_or(0, |owner| {
            u128::from(state.hash_one(owner.as_str().to_ascii_lowercase())) | 2
        });
        let owner = owner & ((1 << OWNER_BITS) - 2);
        self.of(id) | owner | u128::from(is_missing)
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
    #[serde(rename = "Status")]
    status: Option<String>,
    #[serde(rename = "PreviousStatus")]
    previous_status: Option<String>,
    #[serde(rename = "Time")]
    time: Option<String>,
}

impl Past {
    /// What the records say of a key.
    pub(super) fn before(&self, key: &Key, action: Action) -> Before {
        let digest = self.digest.of(key.id.as_str());
        let is_begun = self.begun.contains_key(&digest);
        match action {
            // It was begun after whatever settled it.
            Action::Delete | Action::Deactivate if is_begun => Before::Begun,
            Action::Delete if self.is_settled(key, digest, &[false, true]) => Before::Settled,
            Action::Deactivate if self.is_settled(key, digest, &[false]) => Before::Deactivated,
            Action::Delete | Action::Deactivate => Before::Nothing,
        }
    }

    /// Whether a record of this kind, done or missing, counts for this key and this owner. A deleted key is deleted
    /// whoever is named now, unless two different users are; a missing one is missing only where it was looked for.
    fn is_settled(&self, key: &Key, digest: u128, missing: &[bool]) -> bool {
        let owner = key.user_name.as_ref();
        let whole = |is_missing| self.digest.settled(key.id.as_str(), owner, is_missing);
        let first = self.settled.partition_point(|known| *known < digest);
        let records = self.settled[first..].iter();
        let mut of_key = records.take_while(|known| *known >> OWNER_BITS == digest >> OWNER_BITS);
        of_key.any(|known| {
            let names_nobody = known & ((1 << OWNER_BITS) - 2) == 0;
            let is_missing = known & 1 == 1;
            let is_same = *known == whole(is_missing);
            missing.contains(&is_missing)
                && (is_same || !is_missing && (owner.is_none() || names_nobody))
        })
    }

    /// What was started for a key, and not finished.
    pub(super) fn attempts(&self, id: &AccessKeyId) -> &[EarlierAttempt] {
        let begun = self.begun.get(&self.digest.of(id.as_str()));
        begun.map_or(&[], Vec::as_slice)
    }

    /// The keys that earlier runs started to change and did not finish, each with the user it was sent for.
    pub(super) fn in_progress(&self) -> Vec<Key> {
        let last = self.begun.values().filter_map(|attempts| attempts.last());
        let mut keys: Vec<Key> = last
            .map(|attempt| Key {
                id: attempt.id.clone(),
                user_name: attempt.owner.clone(),
            })
            .collect();
        keys.sort_unstable_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        keys
    }

    /// Takes a record of a journal of this action. One that this program does not write says nothing that can be relied on.
    fn take(&mut self, record: Record, action: &str) -> Result<(), String> {
        let digest = self.digest.of(&record.id);
        let id = AccessKeyId::try_from(record.id).map_err(|invalid| invalid.to_string())?;
        let owner: Option<UserName> = record
            .user_name
            .map(UserName::try_from)
            .transpose()
            .map_err(|invalid| invalid.to_string())?;
        let word = match (record.intent, record.outcome) {
            (None, None) => return Err("neither an intent nor a result".to_owned()),
            (Some(_), Some(_)) => return Err("both an intent and a result".to_owned()),
            (Some(intent), None) if intent == action => None,
            (Some(intent), None) => {
                return Err(format!("unexpected intent \"{}\"", field(&intent)));
            }
            (None, Some(outcome)) => Some(
                Word::read(&outcome)
                    .filter(|word| is_recorded(*word, action))
                    .ok_or_else(|| format!("unexpected result \"{}\"", field(&outcome)))?,
            ),
        };
        match word {
            Some(word) if word.is_settled() => {
                self.begun.remove(&digest);
                let is_missing = word == Word::Missing;
                let settled = self.digest.settled(id.as_str(), owner.as_ref(), is_missing);
                self.settled.push(settled);
            }
            // It was begun, and nobody knows (yet) how it ended.
            None | Some(Word::Unknown) => {
                let at = record.time.and_then(|time| parse_rfc3339(&time).ok());
                self.begun.entry(digest).or_default().push(EarlierAttempt {
                    id,
                    owner,
                    was_listed: record.status.is_some(),
                    was_active: record.previous_status.as_deref() == Some(Status::Active.as_str()),
                    at,
                });
            }
            Some(_) => {
                self.begun.remove(&digest);
            }
        }
        Ok(())
    }
}

/// Whether a run of this action records such a result.
fn is_recorded(word: Word, action: &str) -> bool {
    match word {
        Word::Deleted => action == Action::Delete.verb(),
        Word::Deactivated => action == Action::Deactivate.verb(),
        Word::WouldDelete | Word::WouldDeactivate => false,
        Word::Missing
        | Word::Skipped
        | Word::Refused
        | Word::Failed
        | Word::Unknown
        | Word::NotTried => true,
    }
}

/// Whether a file starts as a journal does, or is empty. It is read again from its start afterwards.
///
/// # Errors
///
/// It cannot be read.
pub(super) fn is_journal(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref()
        .take(HEAD.len() as u64)
        .read_to_end(&mut start)?;
    file.rewind()?;
    Ok(HEAD.starts_with(&start))
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
            return Err("it is not an iam-del-key journal".to_owned());
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
            let action = head.as_ref().map_or("", |head: &Head| &head.action);
            past.take(entry, action).map_err(broken)?;
        }
        past.length += read as u64;
    }
    past.settled.sort_unstable();
    past.settled.dedup();
    Ok((head, past))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user_name: &str) -> Key {
        Key {
            id: AccessKeyId::try_from("AKIDPMS9RO4H3FEXAMPLE".to_owned()).expect("an ID"),
            user_name: user_name.parse().ok(),
        }
    }

    /// What a record says of the same key under the owner that is named now; an empty name is none.
    #[test]
    fn c66_a_record_counts_for_its_key_and_its_owner() {
        let now = ["Bob", "BOB", "Alice", ""];
        for (owner, end, expected) in [
            ("\"Bob\"", "\"Outcome\":\"Deleted\"", "SS-S"),
            ("null", "\"Outcome\":\"Deleted\"", "SSSS"),
            ("\"Bob\"", "\"Outcome\":\"Missing\"", "SS--"),
            ("null", "\"Outcome\":\"Missing\"", "---S"),
            ("\"Bob\"", "\"Outcome\":\"Failed\"", "----"),
            ("\"Bob\"", "\"Outcome\":\"Skipped\"", "----"),
            ("\"Bob\"", "\"Outcome\":\"Unknown\"", "BBBB"),
            ("\"Bob\"", "\"Intent\":\"delete\"", "BBBB"),
            ("\"Bob\"", "\"Outcome\":\"Refused\"", "----"),
            ("\"Bob\"", "\"Outcome\":\"NotTried\"", "----"),
        ] {
            let text = format!(
                "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}}\n\
                 {{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":{owner},{end}}}\n"
            );
            let (_, past) = read(&mut text.as_bytes()).expect("a journal");
            let found = now.map(|name| letter(past.before(&key(name), Action::Delete)));
            assert_eq!(String::from_iter(found), expected, "{owner} {end}");
        }
    }

    fn letter(before: Before) -> char {
        match before {
            Before::Settled => 'S',
            Before::Begun => 'B',
            Before::Deactivated => 'D',
            Before::Nothing => '-',
        }
    }

    /// A deactivated key can be active again: it is tried again, and it is not called unchanged.
    #[test]
    fn c66_a_deactivation_is_not_finished_and_not_forgotten() {
        for (records, expected) in [
            (&["\"Outcome\":\"Deactivated\""][..], 'D'),
            (
                &["\"Outcome\":\"Deactivated\"", "\"Outcome\":\"Failed\""],
                'D',
            ),
            (
                &["\"Outcome\":\"Deactivated\"", "\"Intent\":\"deactivate\""],
                'B',
            ),
            (
                &["\"Intent\":\"deactivate\"", "\"Outcome\":\"Deactivated\""],
                'D',
            ),
            (&["\"Outcome\":\"Missing\""], '-'),
        ] {
            let head = "{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":null}\n".to_owned();
            let text = records.iter().fold(head, |text, record| {
                format!("{text}{{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":\"Bob\",{record}}}\n")
            });
            let (_, past) = read(&mut text.as_bytes()).expect("a journal");
            let found = letter(past.before(&key("Bob"), Action::Deactivate));
            assert_eq!(found, expected, "{records:?}");
        }
    }
}
