//! Removes repeated keys from a list of any length with bounded memory. The key decides in which of several files a
//! row is stored, and one file is compared at a time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::io;

use super::error::InputError;
use super::{Earlier, Origin, Row};
use crate::ident::AccessKeyId;
use crate::metadata::{Deactivation, Target};
use crate::spill::{IN_MEMORY, SpillFile, SpillReader};

/// The number of files.
const FILE_COUNT: u8 = 64;
/// Marks a row that is omitted, because another one counts for its key.
const REPEATED: u8 = 1 << 7;
/// Marks a row that reports a deactivation which later rows make uncertain.
const DOUBTED: u8 = 1 << 6;

/// The rows that are being collected.
#[derive(Debug)]
pub(super) struct RowFiles {
    /// Randomly keyed, so nobody can choose IDs that all end up in one file.
    hasher: RandomState,
    files: Vec<SpillFile<Row>>,
    /// The file of each row.
    places: Vec<u8>,
}

/// The keys that need the action, each once and in the order of the input.
#[derive(Debug)]
pub(crate) struct List {
    files: Vec<SpillReader<Row>>,
    places: std::vec::IntoIter<u8>,
    pub(crate) len: u64,
    /// The number of rows that repeat a key which needs the action.
    pub(crate) repeated: u64,
    /// The number of rows whose key needs no action.
    pub(crate) already_done: u64,
    /// The number of rows that say that a key needs no action, before another row says that it does.
    pub(crate) superseded: u64,
    /// The journal that `--reactivate` undoes, if its account is known.
    pub(crate) origin: Option<Origin>,
    /// Why keys may be missing, as a sentence.
    pub(crate) incomplete: Option<String>,
}

/// The row that counts for a key.
struct Counting {
    row: Row,
    /// The number of rows of the key, without those of a journal that say that a change was started.
    rows: u64,
    /// The number of rows that repeat that the key needs the action.
    repeated: u64,
    /// Whether a later row says that the key is finished for the owner in `row`, which may not be that of another row.
    is_finished: bool,
    /// Whether a later row makes the deactivation uncertain.
    is_doubted: bool,
}

impl RowFiles {
    /// Creates an empty list.
    pub(super) fn new() -> Self {
        let files = (0..FILE_COUNT).map(|_| SpillFile::within(IN_MEMORY / usize::from(FILE_COUNT)));
        Self {
            hasher: RandomState::new(),
            files: files.collect(),
            places: Vec::new(),
        }
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be written.
    pub(super) fn push(&mut self, row: &Row) -> io::Result<()> {
        let [digest, ..] = self.hasher.hash_one(&row.key.id).to_ne_bytes();
        let place = digest % FILE_COUNT;
        self.places.push(place);
        self.files[usize::from(place)].push(row)
    }

    /// Omits the rows that repeat a key, and the keys that need no action.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be read, or two rows give a key different owners.
    pub(super) fn distinct(mut self) -> Result<List, InputError> {
        let spill = |error: io::Error| InputError::spill(&error);
        let mut files = Vec::new();
        let (mut repeated, mut already_done, mut superseded) = (0, 0, 0);
        // The second is the first such row in the list.
        let mut conflict = None::<[Row; 2]>;
        for file in self.files {
            let mut rows = file.read().map_err(spill)?;
            // Boxed, because a growing table holds many empty entries.
            let mut firsts = HashMap::new();
            for row in rows.by_ref() {
                let row = row.map_err(spill)?;
                // The others were counted when they were read.
                let is_doubt = row.earlier == Earlier::IsUncertain;
                let is_counted = row.is_record || !is_doubt;
                let counts = row.deactivation <= Some(Deactivation::NotDone) && is_counted;
                let counts = u64::from(counts);
                let counting: &mut Box<Counting> = match firsts.entry(row.key.id.clone()) {
                    Entry::Vacant(first) => {
                        let (rows, repeated) = (counts, 0);
                        first.insert(Box::new(Counting {
                            row,
                            rows,
                            repeated,
                            is_finished: false,
                            is_doubted: false,
                        }));
                        continue;
                    }
                    Entry::Occupied(first) => first.into_mut(),
                };
                let first = &mut counting.row;
                counting.rows += counts;
                if row.deactivation.is_none() && first.deactivation.is_none() {
                    counting.repeated += 1;
                }
                let is_later = |known: &[Row; 2]| known[1].number < row.number;
                if row.contradicts(first) && !conflict.as_ref().is_some_and(is_later) {
                    conflict = Some([Row::clone(first), row.clone()]);
                }
                if row.is_only_for_its_owner() && first.deactivation.is_none() {
                    if row.key.user_name == first.key.user_name {
                        counting.is_finished = true;
                    } else {
                        counting.repeated += 1;
                    }
                    self.places[row.number] |= REPEATED;
                    continue;
                }
                counting.is_finished = false;
                counting.is_doubted |= is_doubt;
                if row.supersedes(first) {
                    counting.is_doubted &= row.deactivation != Some(Deactivation::OfActive);
                    self.places[first.number] |= REPEATED;
                    *first = row;
                    continue;
                }
                self.places[row.number] |= REPEATED;
            }
            for counting in firsts.into_values() {
                if counting.is_doubted {
                    self.places[counting.row.number] |= DOUBTED;
                }
                match counting.row.deactivation {
                    None if !counting.is_finished => {
                        repeated += counting.repeated;
                        superseded += counting.rows - 1 - counting.repeated;
                    }
                    None | Some(Deactivation::NotDone) => {
                        self.places[counting.row.number] |= REPEATED;
                        already_done += counting.rows;
                    }
                    Some(_) => {}
                }
            }
            rows.rewind().map_err(spill)?;
            files.push(rows);
        }
        if let Some(conflict) = &conflict {
            return Err(owner_conflict(conflict));
        }
        let is_left = |place: &&u8| **place & REPEATED == 0;
        Ok(List {
            files,
            len: self.places.iter().filter(is_left).count() as u64,
            places: self.places.into_iter(),
            repeated,
            already_done,
            superseded,
            origin: None,
            incomplete: None,
        })
    }
}

impl List {
    /// Returns those of these keys that are in the list.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be read.
    pub(crate) fn among(&mut self, ids: &HashSet<AccessKeyId>) -> io::Result<HashSet<AccessKeyId>> {
        let places = self.places.clone();
        let listed = self.by_ref().map(|target| Ok(target?.key.id));
        let among = listed.filter(|id| id.as_ref().map_or(true, |id| ids.contains(id)));
        let among = among.collect::<io::Result<_>>()?;
        self.places = places;
        self.files.iter_mut().try_for_each(SpillReader::rewind)?;
        Ok(among)
    }
}

impl Row {
    /// Whether the key needs no action, but only for the owner whom the row names.
    fn is_only_for_its_owner(&self) -> bool {
        self.deactivation == Some(Deactivation::NotDone) && self.key.user_name.is_some()
    }

    /// Whether this row and `earlier` give a key different owners. For `--reactivate`, only rows that report a deactivation
    /// count: an earlier run may have had a wrong owner. The owner of a key that needs no action does not matter, nor does one
    /// for whom the key is gone if the command is about another. Between two records of a journal, the owner may have been
    /// renamed.
    fn contradicts(&self, earlier: &Self) -> bool {
        let (owner, other) = (&self.key.user_name, &earlier.key.user_name);
        let is_done = |row: &Self| row.deactivation >= Some(Deactivation::OfUnknownStatus);
        owner != other
            && !(self.is_record && earlier.is_record)
            && !(self.is_of_another_owner || earlier.is_of_another_owner)
            && match self.deactivation {
                None => earlier.deactivation.is_none(),
                Some(_) => owner.is_some() && other.is_some() && is_done(self) && is_done(earlier),
            }
    }

    /// Whether this row decides whether a key still needs the action, rather than `earlier`. A row that reports a
    /// deactivation is never replaced by one that does not, and an unknown change stays unknown.
    fn supersedes(&self, earlier: &Self) -> bool {
        match self.deactivation {
            None => {
                earlier.deactivation.is_some()
                    || self.is_unverified && !earlier.is_unverified
                    // It says more about the owner.
                    || earlier.is_of_another_owner
                        && !self.is_of_another_owner
                        && self.is_unverified == earlier.is_unverified
            }
            done => {
                self.is_record && earlier.deactivation < Some(Deactivation::OfUnknownStatus)
                    || done >= earlier.deactivation
            }
        }
    }
}

/// Reports a key that two lines list with different owners.
fn owner_conflict([first, second]: &[Row; 2]) -> InputError {
    let owner = |row: &Row| match &row.key.user_name {
        Some(name) => format!("the owner {name}"),
        None => "no owner".to_owned(),
    };
    let reason = format!(
        "{} has {} here, but {} in line {}: a key has only one owner",
        second.key.id,
        owner(second),
        owner(first),
        first.at.line
    );
    InputError::of(second.at, reason)
}

impl Iterator for List {
    type Item = io::Result<Target>;

    fn next(&mut self) -> Option<io::Result<Target>> {
        loop {
            let place = self.places.next()?;
            let row = self.files[usize::from(place & (DOUBTED - 1))].next();
            let row = row.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
            if row.is_err() || place & REPEATED == 0 {
                return Some(row.map(|row| {
                    let mut target = Target::from(row.key);
                    // Rows that say less count as they are.
                    let certain = match row.deactivation {
                        Some(Deactivation::OfActive) if place & DOUBTED > 0 => {
                            Some(Deactivation::OfUnknownStatus)
                        }
                        other => other,
                    };
                    target.metadata.deactivation = certain;
                    target.metadata.started_earlier = row.is_unverified;
                    target
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::ffi::OsStr;

    use super::super::{Earlier, Position, Row};
    use super::RowFiles;
    use crate::ident::AccessKeyId;
    use crate::request::Key;

    fn row(number: usize, key: usize, owner: Option<&str>) -> Row {
        let id = format!("AKIAAAAAAAAAA{key:07}");
        let key = Key {
            id: AccessKeyId::parse(OsStr::new(&id)).expect("an ID"),
            user_name: owner.map(|name| name.parse().expect("a name")),
        };
        let at = Position::line(number as u64 + 1);
        Row {
            key,
            deactivation: None,
            is_unverified: false,
            is_record: false,
            earlier: Earlier::Nothing,
            is_of_another_owner: false,
            at,
            number,
        }
    }

    /// Compares the result with a map of all keys in memory.
    fn check(keys: impl Iterator<Item = usize>) {
        let (mut rows, mut seen) = (RowFiles::new(), HashSet::new());
        let (mut expected, mut repeated) = (Vec::new(), 0);
        for (number, key) in keys.enumerate() {
            let row = row(number, key, Some("Bob"));
            rows.push(&row).expect("room");
            if seen.insert(key) {
                expected.push(row.key.id);
            } else {
                repeated += 1;
            }
        }
        let list = rows.distinct().expect("files to read");
        assert_eq!(list.repeated, repeated);
        let ids = list.map(|target| target.expect("a row").key.id);
        assert!(ids.eq(expected));
    }

    #[test]
    fn the_rows_that_repeat_a_key_are_found() {
        check(0..0);
        check([1, 2, 1, 1, 3].into_iter());
        // In memory, partly in memory, and in files.
        for length in [1_000, 15_000, 70_000] {
            check(0..length);
            check((0..length).map(|row| row % 1_000));
            check((0..length).map(|row| row / 3));
            check((0..length).map(|row| row % (length / 2 + 1)));
        }
    }

    #[test]
    fn the_first_conflict_of_owners_is_found() {
        for between in [0, 15_000, 70_000] {
            let (mut rows, mut count) = (RowFiles::new(), 0);
            let mut push = |key, owner| {
                rows.push(&row(count, key, owner)).expect("room");
                count += 1;
            };
            push(1, Some("Bob"));
            push(2, None);
            for key in 0..between {
                push(10 + key, Some("Alice"));
            }
            push(1, Some("BOB"));
            push(2, Some("Bob"));
            push(1, Some("Alice"));
            let conflict = rows.distinct().expect_err("a conflict");
            let expected = format!(
                "line {}, column 1: AKIAAAAAAAAAA0000002 has the owner Bob here, but no owner in line 2: a key has only one owner",
                between + 4
            );
            assert_eq!(conflict.to_string(), expected);
        }
    }
}
