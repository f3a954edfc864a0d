//! Journals: whatever was cut off, what is left is read, and no key counts as done that has no such result.

use serde_json::Value;

use super::read::read;
use super::replay::Replay;
use super::{Head, Owner};
use crate::ident::AccessKeyId;
use crate::request::Action;

/// A key, and whose a record says that it is.
type Key = (AccessKeyId, Owner);

type Journal = Result<(Option<Head>, Replay), String>;

fn of(mut bytes: &[u8]) -> Journal {
    read(&mut bytes)
}

/// What a record says of its key.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Done,
    Missing,
    /// That it was started, or that nobody knows.
    InProgress,
    NotFinished,
}

/// The keys that records are about, what they say, how many changes may still have been made that were started before, and
/// whether IAM listed the key.
fn keys(bytes: &[u8]) -> Vec<(Key, Said, usize, bool)> {
    // The first says what the journal is of, and speaks of no key.
    let records = bytes.split(|byte| *byte == b'\n').skip(1);
    let records = records.filter_map(|record| serde_json::from_slice::<Value>(record).ok());
    records
        .filter_map(|record| {
            let id = record["AccessKeyId"].as_str()?.to_owned();
            let outcome = record["Outcome"].as_str().unwrap_or_default();
            let is_presumed = record["OwnerUnchecked"] == true;
            let unfinished = record["Unfinished"].as_u64().unwrap_or(0);
            let unfinished = usize::try_from(unfinished).expect("a count");
            let said = match outcome {
                "Deleted" | "Deactivated" if is_presumed => Said::Missing,
                "Deleted" | "Deactivated" => Said::Done,
                "Missing" => Said::Missing,
                "" | "Unknown" => Said::InProgress,
                _ => Said::NotFinished,
            };
            let user_name = record["UserName"].as_str();
            let owner = match user_name.and_then(|name| name.parse().ok()) {
                Some(name) => Owner::User(name),
                None if record["RootUser"] == true => Owner::RootUser,
                None => Owner::Unknown,
            };
            let is_listed = record["Status"].is_string() && owner != Owner::Unknown;
            let key = (AccessKeyId::try_from(id).ok()?, owner);
            let left = if is_presumed { usize::MAX } else { unfinished };
            Some((key, said, left, is_listed))
        })
        .collect()
}

pub(crate) fn check(bytes: &[u8]) {
    let Ok((head, past)) = of(bytes) else {
        return;
    };
    let length = length_of(&past);
    assert!(length <= bytes.len() && bytes[..length].last().is_none_or(|byte| *byte == b'\n'));
    assert_eq!(head.is_some(), length > 0, "records without a head");
    let whole = &bytes[..length];
    check_results(head.as_ref(), &past, whole);
    check_same(&past, whole);
    // Cut off anywhere, it is read as far as it goes.
    for eighth in 1..8 {
        let cut = &bytes[..bytes.len() * eighth / 8];
        let (head, left) = of(cut).expect("a part of a journal is a journal");
        assert!(left.length <= past.length);
        check_results(head.as_ref(), &left, &cut[..length_of(&left)]);
    }
}

fn length_of(past: &Replay) -> usize {
    usize::try_from(past.length).expect("a length")
}

/// What counts as done has a result that says so, and no later one that does not; what was said to be done counts as it,
/// unless it was started again.
fn check_results(head: Option<&Head>, past: &Replay, records: &[u8]) {
    let undoes = head.is_some_and(|head| head.action == Action::Delete.verb());
    let keys = keys(records);
    for (key, ..) in &keys {
        let mut finished: Vec<(&Key, Said)> = Vec::new();
        // Whether each unfinished change is followed by a record that the key was missing.
        let mut unfinished: Vec<bool> = Vec::new();
        for (other, said, left, is_listed) in keys.iter().filter(|(other, ..)| other.0 == key.0) {
            finished.retain(|(_, said)| *said != Said::Missing || !is_listed);
            match said {
                Said::InProgress => {
                    unfinished.push(false);
                    continue;
                }
                Said::Done | Said::Missing => finished.push((other, *said)),
                Said::NotFinished if undoes => {
                    finished.retain(|(earlier, _)| !is_listed && differ(earlier, other));
                }
                Said::NotFinished => {}
            }
            unfinished.truncate(*left);
            let is_missing = *said == Said::Missing;
            for was_missing in &mut unfinished {
                *was_missing |= is_missing;
            }
        }
        let is_done = finished.iter().any(|(_, said)| *said == Said::Done);
        let is_missing = finished.iter().any(|(other, said)| {
            *said == Said::Missing && key.1 == other.1 && key.1 != Owner::Unknown
        });
        let expected = match unfinished.last() {
            None => is_done || is_missing,
            Some(was_missing) => is_missing && *was_missing,
        };
        assert_eq!(
            past.prior_state(&key.0, &key.1, Action::Delete)
                .is_finished(),
            expected,
            "{key:?}"
        );
        assert_eq!(past.attempts(&key.0).len(), unfinished.len());
    }
}

/// Whether they name two different owners.
fn differ(one: &Key, other: &Key) -> bool {
    one.1 != other.1 && ![&one.1, &other.1].contains(&&Owner::Unknown)
}

/// To take away what was cut off changes nothing.
fn check_same(past: &Replay, whole: &[u8]) {
    let (_, again) = of(whole).expect("a journal");
    assert_eq!(again.length, past.length);
    for ((id, owner), ..) in keys(whole) {
        for action in [Action::Delete, Action::Deactivate] {
            assert_eq!(
                again.prior_state(&id, &owner, action),
                past.prior_state(&id, &owner, action)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use proptest::sample::{Index, select};

    use super::{check, of};
    use crate::fuzz::tests::cases;
    use crate::ident::AccessKeyId;
    use crate::journal::{Owner, PriorState};
    use crate::request::Action;

    const HEAD: &str = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}\n";
    const ENDS: [&str; 11] = [
        "\"Intent\":\"delete\",\"Status\":\"Active\"",
        "\"Outcome\":\"Skipped\",\"Status\":\"Active\"",
        "\"Intent\":\"delete\"",
        "\"Outcome\":\"Deleted\"",
        "\"Outcome\":\"Missing\"",
        "\"Outcome\":\"Failed\"",
        "\"Outcome\":\"Unknown\"",
        "\"Outcome\":\"Refused\"",
        "\"Outcome\":\"Skipped\"",
        "\"Outcome\":\"Missing\",\"Unfinished\":1",
        "\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true",
    ];

    proptest! {
        #![proptest_config(cases(2_000))]

        /// Killed at any byte: what was started and has no result never counts as done or as not started.
        #[test]
        fn a_journal_that_was_cut_off_says_what_its_records_say(
            records in vec((0..6_u32, select(&ENDS[..])), 0..30),
            cut in any::<Index>(),
        ) {
            let lines = records.iter().map(|(key, end)| {
                format!("{{\"AccessKeyId\":\"AKIAAAAAAAAAAAAAAAA{key}\",\"RootUser\":true,{end}}}\n")
            });
            let text: String = std::iter::once(HEAD.to_owned()).chain(lines).collect();
            let text = &text[..cut.index(text.len() + 1)];
            check(text.as_bytes());
            let (_, past) = of(text.as_bytes()).expect("a journal");
            for key in 0..6 {
                let id = format!("AKIAAAAAAAAAAAAAAAA{key}");
                let of_it = text.split_inclusive('\n').skip(1);
                let of_it: Vec<&str> = of_it
                    .filter(|record| record.contains(&id) && record.ends_with('\n'))
                    .collect();
                let is_done = |record: &str| record.contains("Deleted") || record.contains("Missing");
                let expected = match of_it.last() {
                    Some(last) if last.contains("Intent") || last.contains("Unknown") => PriorState::InProgress,
                    Some(last) if is_done(last) => PriorState::Done,
                    _ => PriorState::None,
                };
                let id = AccessKeyId::try_from(id).expect("an ID");
                let found = match past.prior_state(&id, &Owner::RootUser, Action::Delete) {
                    PriorState::Missing => PriorState::Done,
                    found => found,
                };
                assert_eq!(found, expected, "{text}");
            }
        }
    }
}
