//! Which rows of a list repeat a key. Memory stays bounded however long the list is: rows go to one of several files by their
//! key, and one file is compared at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};
use std::io;

use super::Row;
use crate::spool::{IN_MEMORY, Spool};

/// How many files there are, unless the list is short.
const FILES: usize = 64;

/// Collects the rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// Its key is random, so nobody can choose IDs that all go to one file.
    hasher: RandomState,
    files: Vec<Spool<Row>>,
}

/// Which rows repeat a key.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// Whether a row does, by its number.
    rows: Vec<bool>,
    /// How many there are.
    pub(super) count: u64,
    /// The first row whose key has another owner than in an earlier row, after that row.
    pub(super) conflict: Option<[Row; 2]>,
}

impl Rows {
    /// No rows.
    pub(super) fn new() -> Self {
        let files = (0..FILES).map(|_| Spool::within(IN_MEMORY / FILES));
        Self {
            hasher: RandomState::new(),
            files: files.collect(),
        }
    }

    /// Adds the next row.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be written.
    pub(super) fn push(&mut self, row: &Row) -> io::Result<()> {
        let digest = self.hasher.hash_one(&row.key.id).to_ne_bytes();
        self.files[usize::from(digest[0]) % FILES].push(row)
    }

    /// Finds the rows that repeat a key.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be read.
    pub(super) fn repeated(self) -> io::Result<Repeated> {
        let mut found = Repeated::default();
        for file in self.files {
            let mut firsts = HashMap::new();
            for row in file.read()? {
                let row = row?;
                match firsts.entry(row.key.id.clone()) {
                    Entry::Vacant(first) => _ = first.insert(row),
                    Entry::Occupied(first) => found.add(first.get(), row),
                }
            }
        }
        Ok(found)
    }
}

impl Repeated {
    /// Whether a row repeats a key.
    pub(super) fn has(&self, row: &Row) -> bool {
        self.rows.get(row.number).is_some_and(|repeats| *repeats)
    }

    fn add(&mut self, first: &Row, row: Row) {
        self.rows.resize(self.rows.len().max(row.number + 1), false);
        self.rows[row.number] = true;
        self.count += 1;
        let is_first = |known: &[Row; 2]| row.number < known[1].number;
        if first.key.user_name != row.key.user_name && self.conflict.as_ref().is_none_or(is_first) {
            self.conflict = Some([first.clone(), row]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsStr;

    use super::super::Row;
    use super::Rows;
    use crate::ident::AccessKeyId;
    use crate::request::Key;

    fn row(number: usize, key: usize, owner: Option<&str>) -> Row {
        let id = format!("AKIAAAAAAAAAA{key:07}");
        let key = Key {
            id: AccessKeyId::parse(OsStr::new(&id)).expect("an ID"),
            user_name: owner.map(|name| name.parse().expect("a name")),
        };
        let line = number as u64 + 1;
        Row { key, line, number }
    }

    /// Compares with a table that has all keys in memory.
    fn check(keys: impl Iterator<Item = usize>) {
        let (mut rows, mut seen) = (Rows::new(), HashMap::new());
        let mut expected = Vec::new();
        for (number, key) in keys.enumerate() {
            rows.push(&row(number, key, Some("Bob"))).expect("room");
            expected.push(seen.insert(key, number).is_some());
        }
        let repeated = rows.repeated().expect("files to read");
        let count = expected.iter().filter(|is_repeated| **is_repeated).count();
        assert_eq!(repeated.count, count as u64);
        assert!(repeated.conflict.is_none());
        for (number, expected) in expected.into_iter().enumerate() {
            let row = row(number, 0, None);
            assert_eq!(repeated.has(&row), expected, "row {number}");
        }
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
            let (mut rows, mut count) = (Rows::new(), 0);
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
            let conflict = rows.repeated().expect("files to read").conflict;
            let [first, second] = conflict.expect("a conflict");
            assert_eq!((first.number, second.number), (1, between + 3));
        }
    }
}
