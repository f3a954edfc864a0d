//! The keys that earlier runs finished, and the owners for whom IAM listed keys, in 16 bytes each: a journal may have a
//! million of them.

use std::hash::{BuildHasher as _, RandomState};

use super::owner::Owner;
use crate::ident::{AccessKeyId, UserName};

/// The finished keys. Each record is a hash of the ID, a hash of the owner, and the end.
#[derive(Debug, Default)]
pub(super) struct FinishedKeys {
    /// Two for the ID, so that no two IDs of an account have the same hash, and one for the owner.
    hashers: [RandomState; 3],
    records: Vec<u128>,
}

/// The bits of a record that do not belong to the ID.
const OWNER_BITS: u32 = 48;
/// The bits of the end.
const END: u128 = 0b111;
/// The bits of the owner.
const OWNER: u128 = ((1 << OWNER_BITS) - 1) & !END;
/// The bit that says that the owner is known.
const NAMED: u128 = 0b1000;

/// How a key ended according to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done = 0,
    Missing = 1,
    /// The key was not changed, so earlier records no longer count.
    NotFinished = 2,
    /// The key was inactive before the first run with `--deactivate`.
    AlreadyInactive = 3,
    /// No end: IAM listed the key among this owner's keys. So it is missing for nobody: names can move.
    Listed = 4,
    /// No end: IAM named this owner.
    Reported = 5,
    /// No end: IAM did not confirm this owner, and another user may have the name.
    Unconfirmed = 6,
}

/// The bit of an end that says who owns the key.
const ABOUT_OWNER: u128 = 0b100;

impl FinishedKeys {
    fn record(&self, id: &AccessKeyId, owner: &Owner, end: End) -> u128 {
        let [high, low, third] = &self.hashers;
        let id = id.as_str();
        let hash = u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id));
        let name = owner
            .user()
            .map(UserName::as_str)
            .map(str::to_ascii_lowercase);
        let owner = match owner {
            Owner::Unknown => 0,
            Owner::User(_) | Owner::RootUser => u128::from(third.hash_one(name)) | NAMED,
        };
        hash >> OWNER_BITS << OWNER_BITS | owner & OWNER | end as u128
    }

    /// Adds a record. The order of records counts. That an owner whom nobody names does not have the key says nothing.
    pub(super) fn add(&mut self, id: &AccessKeyId, owner: &Owner, end: End) {
        let is_about_nobody = *owner == Owner::Unknown && end == End::Missing;
        if !is_about_nobody {
            self.records.push(self.record(id, owner, end));
        }
    }

    /// Sorts the records and removes those that no longer count: of keys that were not changed later, unless the two records
    /// name different owners, of missing keys that IAM showed later for anybody, and of owners before the one for whom IAM
    /// showed the key last.
    pub(super) fn sort(&mut self) {
        let is_end = |record: u128, end: End| record & END == end as u128;
        let counts_before =
            |record: &u128| is_end(*record, End::NotFinished) || is_about_owner(*record);
        if self.records.iter().any(counts_before) {
            // A stable sort keeps the order of a key's records.
            self.records.sort_by_key(|record| record >> OWNER_BITS);
            let mut finished = Vec::new();
            for of_key in self.records.chunk_by(|one, other| is_same_id(*one, *other)) {
                let mut left = Vec::new();
                for record in of_key {
                    if is_end(*record, End::NotFinished) {
                        left.retain(|earlier| {
                            is_about_owner(*earlier) || names_another_owner(*earlier, *record)
                        });
                        continue;
                    }
                    if is_end(*record, End::Listed) || is_end(*record, End::Reported) {
                        left.retain(|earlier| {
                            let is_same = !names_another_owner(*earlier, *record);
                            let is_listed = is_end(*earlier, End::Listed) && is_same;
                            let is_outdated = is_about_owner(*earlier) && !is_listed;
                            !is_outdated && !is_end(*earlier, End::Missing)
                        });
                    }
                    left.push(*record);
                }
                finished.extend(left);
            }
            self.records = finished;
        }
        self.records.sort_unstable();
        self.records.dedup();
    }

    /// Whether the key ended so for this owner.
    pub(super) fn contains(&self, id: &AccessKeyId, owner: &Owner, end: End) -> bool {
        let wanted = self.record(id, owner, end);
        self.records.binary_search(&wanted).is_ok()
    }

    /// Whether IAM showed the key for another user since it showed it for this owner, or did not confirm this owner.
    pub(super) fn has_moved(&self, id: &AccessKeyId, owner: &Owner) -> bool {
        let is = |end| self.contains(id, owner, end);
        if is(End::Listed) || is(End::Reported) {
            return is(End::Unconfirmed);
        }
        let is_shown = self.contains_id(id, End::Listed) || self.contains_id(id, End::Reported);
        is_shown && !self.contains(id, &Owner::RootUser, End::Listed)
    }

    /// Whether the key ended so, whoever owned it then: a deleted key never exists again, and a user who is renamed keeps
    /// the key with its status.
    pub(super) fn contains_id(&self, id: &AccessKeyId, end: End) -> bool {
        let id = self.record(id, &Owner::Unknown, End::Done);
        let first = self.records.partition_point(|record| *record < id);
        let mut of_key = self.records[first..]
            .iter()
            .take_while(|record| is_same_id(**record, id));
        of_key.any(|record| record & END == end as u128)
    }
}

fn is_same_id(one: u128, other: u128) -> bool {
    one >> OWNER_BITS == other >> OWNER_BITS
}

fn is_about_owner(record: u128) -> bool {
    record & ABOUT_OWNER != 0
}

/// Whether two records name different owners.
fn names_another_owner(one: u128, other: u128) -> bool {
    let [one, other] = [one, other].map(|record| record & OWNER);
    one != 0 && other != 0 && one != other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_an_id_has_no_bit_that_is_always_the_same() {
        const ALL: u128 = u128::MAX >> OWNER_BITS;
        let finished = FinishedKeys::default();
        let records = (0..200).map(|number| {
            let id = AccessKeyId::try_from(format!("AKIA{number:016}"));
            finished.record(&id.expect("an ID"), &Owner::Unknown, End::Done)
        });
        let of_ids: Vec<u128> = records.map(|record| record >> OWNER_BITS).collect();
        assert_eq!(of_ids.iter().fold(0, |bits, id| bits | id), ALL);
        assert_eq!(of_ids.iter().fold(ALL, |bits, id| bits & id), 0);
    }
}
