//! What earlier runs wrote in a journal. Of a million keys it keeps 16 bytes each.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read, Seek};
use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;
use serde::Deserialize;

use super::{FORMAT_VERSION, Head, PriorState};
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::OutcomeKind;
use crate::request::{Action, Key};
use crate::sanitize::escape_field;

/// What every journal begins with.
const HEAD: &[u8] = b"{\"Journal\":";

/// The longest record, in bytes.
const LONGEST: u64 = 1 << 16;

/// How long a signed request is valid, with as much for clocks that disagree.
const VALID: Duration = Duration::from_mins(30);

/// What is known of the keys of a journal.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Where the last whole record ends, in bytes.
    pub(super) length: u64,
    digest: Digest,
    finished: Vec<u128>,
    unfinished: HashMap<u128, Vec<EarlierAttempt>>,
}

/// A change that an earlier run started. How it ended is not recorded.
#[derive(Clone, Debug)]
pub(crate) struct EarlierAttempt {
    id: AccessKeyId,
    /// The user it was sent for; `None`: the calling user.
    pub(crate) owner: Option<UserName>,
    was_listed: bool,
    at: Option<SystemTime>,
}

impl EarlierAttempt {
    /// The owner, where IAM listed the key among that user's keys.
    pub(crate) fn listed_owner(&self) -> Option<&UserName> {
        self.owner.as_ref().filter(|_| self.was_listed)
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

/// The bits of a digest that the owner and the end of the key have; the others are the ID's.
const OWNER_BITS: u32 = 48;
/// The end.
const END: u128 = 0b11;
/// The owner, and the bit that says that there is one.
const OWNER: u128 = ((1 << OWNER_BITS) - 1) & !END;
const NAMED: u128 = 0b100;

/// How a key ended, by one record.
#[derive(Clone, Copy, Debug)]
enum End {
    Done = 0,
    Missing = 1,
    /// In another way: what an earlier record says is no longer believed.
    NotFinished = 2,
}

impl Digest {
    fn of(&self, id: &str) -> u128 {
        let [high, low, _] = &self.0;
        let hash = u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id));
        hash >> OWNER_BITS << OWNER_BITS
    }

    /// The same with the owner, and how the key ended.
    fn ended(&self, id: &str, owner: Option<&UserName>, end: End) -> u128 {
        let [_, _, state] = &self.0;
        let owner = owner.map_or(0, |owner| {
            u128::from(state.hash_one(owner.as_str().to_ascii_lowercase())) << 2 | NAMED
        });
        self.of(id) | owner & OWNER | end as u128
    }
}

/// Whether two records name two different owners.
fn differ(one: u128, other: u128) -> bool {
    let [one, other] = [one, other].map(|record| record & OWNER);
    one != 0 && other != 0 && one != other
}

/// What is left of the records, in the order of the keys: a key that was not finished later is not, unless under the name
/// of another owner.
fn still_finished(mut ended: Vec<u128>) -> Vec<u128> {
    let is_finished = |record: &u128| record & END != End::NotFinished as u128;
    if ended.iter().all(is_finished) {
        ended.sort_unstable();
        ended.dedup();
        return ended;
    }
    // The order of a key's records counts.
    ended.sort_by_key(|record| record >> OWNER_BITS);
    let mut finished = Vec::new();
    for of_key in ended.chunk_by(|one, other| one >> OWNER_BITS == other >> OWNER_BITS) {
        let mut left = Vec::new();
        for record in of_key {
            if is_finished(record) {
                left.push(*record);
            } else {
                left.retain(|earlier| differ(*earlier, *record));
            }
        }
        left.sort_unstable();
        left.dedup();
        finished.extend(left);
    }
    finished
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
    #[serde(rename = "Time")]
    time: Option<String>,
}

impl Replay {
    /// What the records say of a key.
    pub(super) fn before(&self, key: &Key, action: Action) -> PriorState {
        let digest = self.digest.of(key.id.as_str());
        let is_unfinished = self.unfinished.contains_key(&digest);
        match action {
            // It was started after the run that finished it.
            _ if is_unfinished => PriorState::InProgress,
            Action::Delete if self.is_finished(key, digest, End::Done) => PriorState::Done,
            Action::Delete if self.is_finished(key, digest, End::Missing) => PriorState::Missing,
            Action::Deactivate | Action::Reactivate if self.is_finished(key, digest, End::Done) => {
                PriorState::StatusSet(action)
            }
            Action::Delete | Action::Deactivate | Action::Reactivate => PriorState::None,
        }
    }

    /// Whether a record of such an end counts for this key and this owner. A deleted key is deleted whoever is named now,
    /// unless two different users are; a missing one is missing only where it was looked for.
    fn is_finished(&self, key: &Key, digest: u128, end: End) -> bool {
        let (id, owner) = (key.id.as_str(), key.user_name.as_ref());
        let first = self.finished.partition_point(|known| *known < digest);
        let records = self.finished[first..].iter();
        let mut of_key = records.take_while(|known| *known >> OWNER_BITS == digest >> OWNER_BITS);
        let now = self.digest.ended(id, owner, end);
        of_key.any(|known| match end {
            _ if known & END != end as u128 => false,
            End::Done => !differ(*known, now),
            End::Missing | End::NotFinished => *known == now,
        })
    }

    /// What was started for a key, and not finished.
    pub(super) fn attempts(&self, id: &AccessKeyId) -> &[EarlierAttempt] {
        let unfinished = self.unfinished.get(&self.digest.of(id.as_str()));
        unfinished.map_or(&[], Vec::as_slice)
    }

    /// The keys that earlier runs started to change and did not finish, each with the user it was sent for.
    pub(super) fn unfinished(&self) -> Vec<Key> {
        let last = self
            .unfinished
            .values()
            .filter_map(|attempts| attempts.last());
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
                return Err(format!("unexpected intent \"{}\"", escape_field(&intent)));
            }
            (None, Some(outcome)) => Some(
                OutcomeKind::parse(&outcome)
                    .filter(|word| is_recorded(*word, action))
                    .ok_or_else(|| format!("unexpected result \"{}\"", escape_field(&outcome)))?,
            ),
        };
        match word {
            Some(word) if word.is_complete() => {
                self.unfinished.remove(&digest);
                let end = match word {
                    OutcomeKind::Missing => End::Missing,
                    _ => End::Done,
                };
                let ended = self.digest.ended(id.as_str(), owner.as_ref(), end);
                self.finished.push(ended);
            }
            // It was started, and its result is not known (yet).
            None | Some(OutcomeKind::Unknown) => {
                let at = record.time.and_then(|time| parse_rfc3339(&time).ok());
                self.unfinished
                    .entry(digest)
                    .or_default()
                    .push(EarlierAttempt {
                        id,
                        owner,
                        was_listed: record.status.is_some(),
                        at,
                    });
            }
            Some(_) => {
                self.unfinished.remove(&digest);
                // That a key got another status is not forgotten.
                if action == Action::Delete.verb() {
                    let end = End::NotFinished;
                    let ended = self.digest.ended(id.as_str(), owner.as_ref(), end);
                    self.finished.push(ended);
                }
            }
        }
        Ok(())
    }
}

/// Whether a run of this action records such a result.
fn is_recorded(word: OutcomeKind, action: &str) -> bool {
    match word {
        OutcomeKind::Deleted => action == Action::Delete.verb(),
        OutcomeKind::Deactivated => action == Action::Deactivate.verb(),
        OutcomeKind::Reactivated => action == Action::Reactivate.verb(),
        OutcomeKind::WouldDelete | OutcomeKind::WouldDeactivate | OutcomeKind::WouldReactivate => {
            false
        }
        OutcomeKind::Missing
        | OutcomeKind::Skipped
        | OutcomeKind::Refused
        | OutcomeKind::Failed
        | OutcomeKind::Unknown
        | OutcomeKind::NotTried => true,
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
pub(super) fn read(file: &mut impl Read) -> Result<(Option<Head>, Replay), String> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut past = Replay::default();
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
        let broken = |error: String| format!("record {number} is invalid: {error}");
        // Of what it passes over, the JSON reader does not ask that it is text.
        let text = std::str::from_utf8(&record).map_err(|error| broken(error.to_string()))?;
        if number == 1 {
            let first: Head =
                serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
            if first.form != FORMAT_VERSION {
                return Err(format!(
                    "it has format version {}, but this program reads version {FORMAT_VERSION}",
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
    past.finished = still_finished(past.finished);
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
            ("\"Bob\"", "\"Outcome\":\"Missing\"", "MM--"),
            ("null", "\"Outcome\":\"Missing\"", "---M"),
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

    /// What the records of one key say together, under the owner that is named now.
    #[test]
    fn c66_a_later_result_counts_unless_it_is_of_another_owner() {
        const DELETED: &str = "\"Outcome\":\"Deleted\"";
        const MISSING: &str = "\"Outcome\":\"Missing\"";
        const FAILED: &str = "\"Outcome\":\"Failed\"";
        const INTENT: &str = "\"Intent\":\"delete\"";
        let now = ["Bob", "BOB", "Alice", ""];
        for (records, expected) in [
            (&[("Bob", DELETED), ("Bob", INTENT)][..], "BBBB"),
            (
                &[("Bob", DELETED), ("Bob", INTENT), ("bob", FAILED)],
                "----",
            ),
            (&[("Bob", MISSING), ("Bob", FAILED)], "----"),
            (&[("", DELETED), ("", FAILED)], "----"),
            (&[("", DELETED), ("Bob", FAILED)], "----"),
            (&[("Bob", DELETED), ("", FAILED)], "----"),
            // It was deleted as Bob's, and is not Alice's.
            (
                &[("Bob", DELETED), ("Alice", INTENT), ("Alice", FAILED)],
                "SS-S",
            ),
            (&[("Bob", FAILED), ("Bob", DELETED)], "SS-S"),
            (
                &[("Bob", DELETED), ("Bob", FAILED), ("Bob", DELETED)],
                "SS-S",
            ),
            (
                &[("Bob", DELETED), ("Alice", MISSING), ("Bob", FAILED)],
                "--M-",
            ),
        ] {
            let head = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}\n".to_owned();
            let text = records.iter().fold(head, |text, (owner, end)| {
                let owner = if owner.is_empty() {
                    "null".to_owned()
                } else {
                    format!("\"{owner}\"")
                };
                // Another key does not count.
                let other = "{\"AccessKeyId\":\"AKIAAAAAAAAAAAAAAAAA\",\"Outcome\":\"Failed\"}";
                format!(
                    "{text}{other}\n{{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":{owner},{end}}}\n"
                )
            });
            let (_, past) = read(&mut text.as_bytes()).expect("a journal");
            let found = now.map(|name| letter(past.before(&key(name), Action::Delete)));
            assert_eq!(String::from_iter(found), expected, "{records:?}");
        }
    }

    fn letter(before: PriorState) -> char {
        match before {
            PriorState::Done => 'S',
            PriorState::Missing => 'M',
            PriorState::InProgress => 'B',
            PriorState::StatusSet(_) => 'D',
            PriorState::None => '-',
        }
    }

    /// A deactivated key can be active again, and the other way round: it is tried again, and it is not called unchanged.
    #[test]
    fn c66_a_change_of_status_is_not_finished_and_not_forgotten() {
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
            let again = text
                .replace("deactivate", "reactivate")
                .replace("Deactivated", "Reactivated");
            for (text, action) in [(text, Action::Deactivate), (again, Action::Reactivate)] {
                let (_, past) = read(&mut text.as_bytes()).expect("a journal");
                let found = letter(past.before(&key("Bob"), action));
                assert_eq!(found, expected, "{action:?} {records:?}");
            }
        }
    }
}
