//! What the records of a journal prove about keys.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;

use super::PriorState;
use super::finished::{End, FinishedKeys};
use super::read::Record;
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::OutcomeKind;
use crate::request::{Action, Key};
use crate::sanitize::escape_field;

/// How long a signed request is valid: 15 minutes, and as much for clocks that differ.
const VALID: Duration = Duration::from_mins(30);

/// What the records say about keys.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The end of the last whole record, in bytes.
    pub(super) length: u64,
    pub(super) finished: FinishedKeys,
    unfinished: HashMap<AccessKeyId, Vec<EarlierAttempt>>,
}

/// A change that an earlier run started. The journal does not record how it ended.
#[derive(Clone, Debug)]
pub(crate) struct EarlierAttempt {
    /// The user it was sent for. `None`: the calling user.
    pub(crate) owner: Option<UserName>,
    was_listed: bool,
    at: Option<SystemTime>,
}

impl EarlierAttempt {
    /// Returns the owner if IAM listed the key among that user's keys.
    pub(crate) fn listed_owner(&self) -> Option<&UserName> {
        self.owner.as_ref().filter(|_| self.was_listed)
    }

    /// Whether its requests can no longer take effect.
    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.at
            .and_then(|at| now.duration_since(at).ok())
            .is_some_and(|age| age > VALID)
    }
}

impl Replay {
    /// Returns what the records say about a key.
    pub(super) fn prior_state(&self, key: &Key, action: Action) -> PriorState {
        // A change that is unfinished was started after the run that finished the key.
        if self.unfinished.contains_key(&key.id) {
            return PriorState::InProgress;
        }
        match action {
            Action::Delete if self.finished.contains(key, End::Done) => PriorState::Done,
            Action::Delete if self.finished.contains(key, End::Missing) => PriorState::Missing,
            Action::Deactivate | Action::Reactivate if self.finished.contains_id(&key.id) => {
                PriorState::ChangedBefore(action)
            }
            Action::Delete | Action::Deactivate | Action::Reactivate => PriorState::None,
        }
    }

    /// Returns the changes of a key that were started and not finished.
    pub(super) fn attempts(&self, id: &AccessKeyId) -> &[EarlierAttempt] {
        self.unfinished.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the keys whose change was started and not finished, each with the user the last attempt was sent for.
    pub(super) fn unfinished(&self) -> Vec<Key> {
        let keys = self.unfinished.iter().map(|(id, attempts)| Key {
            id: id.clone(),
            user_name: attempts.last().and_then(|last| last.owner.clone()),
        });
        let mut keys: Vec<Key> = keys.collect();
        keys.sort_unstable_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        keys
    }

    /// Adds a record of a journal of this action.
    ///
    /// # Errors
    ///
    /// This program does not write such a record, so the journal cannot be trusted. A fragment says why.
    pub(super) fn add(&mut self, record: Record, action: &str) -> Result<(), String> {
        let id = AccessKeyId::try_from(record.id).map_err(|invalid| invalid.to_string())?;
        let owner = record.user_name.map(UserName::try_from).transpose();
        let owner = owner.map_err(|invalid| invalid.to_string())?;
        let kind = match (record.intent, record.outcome) {
            (None, None) => return Err("neither an intent nor a result".to_owned()),
            (Some(_), Some(_)) => return Err("both an intent and a result".to_owned()),
            (Some(intent), None) if intent == action => None,
            (Some(intent), None) => {
                return Err(format!("unexpected intent \"{}\"", escape_field(&intent)));
            }
            (None, Some(outcome)) => {
                let kind = OutcomeKind::parse(&outcome).filter(|kind| is_recorded(*kind, action));
                let unexpected = || format!("unexpected result \"{}\"", escape_field(&outcome));
                Some(kind.ok_or_else(unexpected)?)
            }
        };
        let end = match kind {
            // The change was started, and its result is not known (yet).
            None | Some(OutcomeKind::Unknown) => {
                let at = record.time.and_then(|time| parse_rfc3339(&time).ok());
                self.unfinished.entry(id).or_default().push(EarlierAttempt {
                    owner,
                    was_listed: record.status.is_some(),
                    at,
                });
                return Ok(());
            }
            Some(OutcomeKind::Missing) => End::Missing,
            Some(_) if record.is_owner_unchecked => End::Missing,
            Some(kind) if kind.is_complete() => End::Done,
            Some(_) => End::NotFinished,
        };
        self.unfinished.remove(&id);
        // A failure does not undo an earlier change of the status.
        if end != End::NotFinished || action == Action::Delete.verb() {
            self.finished.add(&id, owner.as_ref(), end);
        }
        Ok(())
    }
}

/// Whether a run of this action records such a result.
fn is_recorded(kind: OutcomeKind, action: &str) -> bool {
    match kind {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::read::read;

    const ID: &str = "AKIDPMS9RO4H3FEXAMPLE";
    const DELETED: &str = "\"Outcome\":\"Deleted\"";
    const UNCHECKED: &str = "\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true";
    const MISSING: &str = "\"Outcome\":\"Missing\"";
    const FAILED: &str = "\"Outcome\":\"Failed\"";
    const INTENT: &str = "\"Intent\":\"delete\"";

    /// Reads a journal with these records of one key, each with its owner. An empty owner is none.
    fn replay(action: &str, records: &[(&str, &str)]) -> Replay {
        let head = format!("{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":null}}\n");
        let records = records.iter().map(|(owner, record)| {
            let owner = match *owner {
                "" => "null".to_owned(),
                owner => format!("\"{owner}\""),
            };
            // Another key does not count.
            let other = "{\"AccessKeyId\":\"AKIAAAAAAAAAAAAAAAAA\",\"Outcome\":\"Failed\"}";
            format!("{other}\n{{\"AccessKeyId\":\"{ID}\",\"UserName\":{owner},{record}}}\n")
        });
        let text = head + &records.collect::<String>();
        read(&mut text.as_bytes()).expect("a journal").1
    }

    /// Returns a letter for the prior state of the key under this owner.
    fn letter(replay: &Replay, user_name: &str, action: Action) -> char {
        let key = Key {
            id: AccessKeyId::try_from(ID.to_owned()).expect("an ID"),
            user_name: user_name.parse().ok(),
        };
        match replay.prior_state(&key, action) {
            PriorState::Done => 'S',
            PriorState::Missing => 'M',
            PriorState::InProgress => 'B',
            PriorState::ChangedBefore(_) => 'D',
            PriorState::None => '-',
        }
    }

    /// Checks the states of the key under each owner that this run may name, or none.
    fn check(records: &[(&str, &str)], expected: &str) {
        let replay = replay("delete", records);
        let now = ["Bob", "BOB", "Alice", ""];
        let found = now.map(|name| letter(&replay, name, Action::Delete));
        assert_eq!(String::from_iter(found), expected, "{records:?}");
    }

    #[test]
    fn c66_a_record_counts_for_its_key_and_its_owner() {
        for (owner, record, expected) in [
            ("Bob", DELETED, "SS-S"),
            ("", DELETED, "SSSS"),
            ("Bob", UNCHECKED, "MM--"),
            ("", UNCHECKED, "---M"),
            ("Bob", MISSING, "MM--"),
            ("", MISSING, "---M"),
            ("Bob", FAILED, "----"),
            ("Bob", "\"Outcome\":\"Skipped\"", "----"),
            ("Bob", "\"Outcome\":\"Unknown\"", "BBBB"),
            ("Bob", INTENT, "BBBB"),
            ("Bob", "\"Outcome\":\"Refused\"", "----"),
            ("Bob", "\"Outcome\":\"NotTried\"", "----"),
        ] {
            check(&[(owner, record)], expected);
        }
    }

    #[test]
    fn c66_a_later_result_counts_unless_it_is_of_another_owner() {
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
            check(records, expected);
        }
    }

    /// A deactivated key may be active again, and vice versa. So it is changed again, and never called unchanged.
    #[test]
    fn c66_a_change_of_status_is_not_finished_and_not_forgotten() {
        for (action, kind, verb) in [
            (Action::Deactivate, "Deactivated", "deactivate"),
            (Action::Reactivate, "Reactivated", "reactivate"),
        ] {
            let done = format!("\"Outcome\":\"{kind}\"");
            let intent = format!("\"Intent\":\"{verb}\"");
            for (records, expected) in [
                (&[done.as_str()][..], 'D'),
                (&[&done, FAILED], 'D'),
                (&[&done, &intent], 'B'),
                (&[&intent, &done], 'D'),
                (&[MISSING], '-'),
            ] {
                let records: Vec<_> = records.iter().map(|record| ("Bob", *record)).collect();
                let found = letter(&replay(verb, &records), "Bob", action);
                assert_eq!(found, expected, "{action:?} {records:?}");
            }
        }
    }

    #[test]
    fn an_attempt_says_where_iam_listed_the_key_and_expires() {
        let at = "2026-01-01T00:00:00Z";
        let time = format!("{INTENT},\"Time\":\"{at}\"");
        let listed = format!("{time},\"Status\":\"Active\"");
        for (owner, record, has_time, listed_owner) in [
            ("Bob", listed.as_str(), true, Some("Bob")),
            ("", &listed, true, None),
            ("Bob", &time, true, None),
            ("Bob", INTENT, false, None),
        ] {
            let replay = replay("delete", &[(owner, record)]);
            let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
            let [attempt] = replay.attempts(&id) else {
                panic!("one attempt");
            };
            assert_eq!(attempt.listed_owner().map(UserName::as_str), listed_owner);
            let at = parse_rfc3339(at).expect("a time");
            let second = Duration::from_secs(1);
            for (now, expected) in [
                (at - second, false),
                (at + VALID, false),
                (at + VALID + second, has_time),
            ] {
                assert_eq!(attempt.has_expired(now), expected, "{record}");
            }
        }
    }

    #[test]
    fn a_record_that_this_program_does_not_write_is_an_error() {
        let error = |fields: &str| {
            let head = "{\"Journal\":1,\"Action\":\"delete\"}\n";
            let text = format!("{head}{{\"AccessKeyId\":\"{ID}\"{fields}}}\n");
            read(&mut text.as_bytes()).err().unwrap_or_default()
        };
        for (fields, expected) in [
            ("", "neither an intent nor a result"),
            (
                ",\"Intent\":\"delete\",\"Outcome\":\"Failed\"",
                "both an intent and a result",
            ),
            (
                ",\"Intent\":\"deactivate\"",
                "unexpected intent \"deactivate\"",
            ),
            (
                ",\"Outcome\":\"Deactivated\"",
                "unexpected result \"Deactivated\"",
            ),
            (
                ",\"Outcome\":\"WouldDelete\"",
                "unexpected result \"WouldDelete\"",
            ),
            (",\"Outcome\":\"Done\"", "unexpected result \"Done\""),
        ] {
            let expected = format!("record 2 is invalid: {expected}");
            assert_eq!(error(fields), expected, "{fields}");
        }
        for recorded in [
            "Deleted", "Missing", "Skipped", "Refused", "Failed", "Unknown", "NotTried",
        ] {
            assert_eq!(error(&format!(",\"Outcome\":\"{recorded}\"")), "");
        }
    }
}
