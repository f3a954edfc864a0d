//! Which rows of a list repeat a key. Memory stays bounded however long the list is: digests of the keys are sorted in
//! pieces, which are written to a temporary file and merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use crate::request::Key;

/// How many entries are sorted in memory: 1 MB of them.
const PIECE: usize = 1 << 15;
/// How many entries of each piece are in memory while the pieces are merged.
const READ_AHEAD: u64 = 1 << 7;
/// The length of a written entry, in bytes.
const LENGTH: usize = 16 + 8 + 4;

/// A row: digests of its key and of the key's owner, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    id: u128,
    row: u32,
    owner: u64,
}

/// Collects the rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// Two independent hashes make a digest: no two IDs share both. The keys are random, so nobody can choose such IDs.
    hashers: [RandomState; 2],
    /// How many rows there are.
    count: u32,
    /// Those that are not yet written.
    piece: Vec<Entry>,
    file: Option<File>,
}

/// Which rows repeat a key.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// One bit for each row.
    bits: Vec<u64>,
    /// How many there are.
    pub(super) count: u64,
    /// The first row whose key has another owner than in an earlier row, and that row.
    pub(super) conflict: Option<Conflict>,
}

/// Two rows of one key with different owners.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conflict {
    pub(super) first: u32,
    pub(super) second: u32,
}

impl Rows {
    /// No rows.
    pub(super) fn new() -> Self {
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            count: 0,
            piece: Vec::new(),
            file: None,
        }
    }

    /// Adds the next row.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be written.
    pub(super) fn push(&mut self, key: &Key) -> io::Result<()> {
        if self.piece.len() == PIECE {
            self.write_piece()?;
        }
        let id = key.id.as_str();
        let [high, low] = &self.hashers;
        // IAM compares names without case.
        let owner = key.user_name.as_ref();
        let owner = owner.map(|name| name.as_str().to_ascii_lowercase());
        self.piece.push(Entry {
            id: u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id)),
            row: self.count,
            owner: high.hash_one(owner),
        });
        self.count += 1;
        Ok(())
    }

    /// Finds the rows that repeat a key.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be written or read.
    pub(super) fn repeated(mut self) -> io::Result<Repeated> {
        let mut found = Repeated {
            bits: vec![0; (self.count as usize).div_ceil(64)],
            ..Repeated::default()
        };
        let mut first = None;
        let mut take = |entry: Entry| match first {
            Some(Entry { id, row, owner }) if id == entry.id => {
                found.add(entry.row);
                if owner != entry.owner {
                    found.disagree(row, entry.row);
                }
            }
            _ => first = Some(entry),
        };
        if self.file.is_none() {
            self.piece.sort_unstable();
            self.piece.into_iter().for_each(take);
            return Ok(found);
        }
        self.write_piece()?;
        let Some(file) = self.file else {
            return Ok(found);
        };
        let mut pieces = pieces(u64::from(self.count));
        let mut heap = BinaryHeap::new();
        for (number, piece) in pieces.iter_mut().enumerate() {
            heap.extend(piece.next(&file)?.map(|entry| Reverse((entry, number))));
        }
        while let Some(Reverse((entry, number))) = heap.pop() {
            take(entry);
            let next = pieces[number].next(&file)?;
            heap.extend(next.map(|entry| Reverse((entry, number))));
        }
        Ok(found)
    }

    fn write_piece(&mut self) -> io::Result<()> {
        self.piece.sort_unstable();
        let mut bytes = Vec::with_capacity(self.piece.len() * LENGTH);
        for entry in self.piece.drain(..) {
            bytes.extend(entry.id.to_ne_bytes());
            bytes.extend(entry.owner.to_ne_bytes());
            bytes.extend(entry.row.to_ne_bytes());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.write_all(&bytes)
    }
}

impl Repeated {
    /// Whether a row repeats a key.
    pub(super) fn has(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64).ok();
        let word = word.and_then(|word| self.bits.get(word));
        word.is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    fn add(&mut self, row: u32) {
        self.bits[row as usize / 64] |= 1 << (row % 64);
        self.count += 1;
    }

    /// Keeps the conflict that comes first in the list.
    fn disagree(&mut self, first: u32, second: u32) {
        if self.conflict.is_none_or(|known| second < known.second) {
            self.conflict = Some(Conflict { first, second });
        }
    }
}

/// A sorted piece of the file.
struct Piece {
    /// The entries that are not yet read.
    unread: std::ops::Range<u64>,
    /// The next entries, last to first.
    ahead: Vec<Entry>,
}

/// The pieces of a file of so many entries.
fn pieces(count: u64) -> Vec<Piece> {
    let starts = (0..count).step_by(PIECE);
    let unread = starts.map(|start| start..count.min(start + PIECE as u64));
    let pieces = unread.map(|unread| Piece {
        unread,
        ahead: Vec::new(),
    });
    pieces.collect()
}

impl Piece {
    fn next(&mut self, file: &File) -> io::Result<Option<Entry>> {
        if self.ahead.is_empty() {
            let end = self.unread.end.min(self.unread.start + READ_AHEAD);
            let read = self.unread.start..end;
            let mut bytes = vec![0; usize::try_from(end - read.start).unwrap_or(0) * LENGTH];
            file.read_exact_at(&mut bytes, read.start * LENGTH as u64)?;
            self.ahead
                .extend(bytes.chunks_exact(LENGTH).rev().map(entry));
            self.unread.start = end;
        }
        Ok(self.ahead.pop())
    }
}

/// The entry that was written as these bytes.
fn entry(bytes: &[u8]) -> Entry {
    let (mut id, mut owner, mut row) = ([0; 16], [0; 8], [0; 4]);
    id.copy_from_slice(&bytes[..16]);
    owner.copy_from_slice(&bytes[16..24]);
    row.copy_from_slice(&bytes[24..]);
    Entry {
        id: u128::from_ne_bytes(id),
        owner: u64::from_ne_bytes(owner),
        row: u32::from_ne_bytes(row),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsStr;

    use super::{PIECE, Rows};
    use crate::ident::AccessKeyId;
    use crate::request::Key;

    fn key(number: usize, owner: Option<&str>) -> Key {
        let id = format!("AKIAAAAAAAAAA{number:07}");
        Key {
            id: AccessKeyId::parse(OsStr::new(&id)).expect("an ID"),
            user_name: owner.map(|name| name.parse().expect("a name")),
        }
    }

    /// Compares with a table that has all keys in memory.
    fn check(numbers: impl Iterator<Item = usize>) {
        let (mut rows, mut seen) = (Rows::new(), HashMap::new());
        let mut expected = Vec::new();
        for (row, number) in (0_u64..).zip(numbers) {
            rows.push(&key(number, Some("Bob"))).expect("room");
            expected.push(seen.insert(number, row).is_some());
        }
        let repeated = rows.repeated().expect("a file to read");
        let count = expected.iter().filter(|is_repeated| **is_repeated).count();
        assert_eq!(repeated.count, count as u64);
        assert!(repeated.conflict.is_none());
        for (row, expected) in (0..).zip(&expected) {
            assert_eq!(repeated.has(row), *expected, "row {row}");
        }
    }

    #[test]
    fn the_rows_that_repeat_a_key_are_found() {
        check(0..0);
        check([1, 2, 1, 1, 3].into_iter());
        for length in [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            check(0..length);
            check((0..length).map(|row| row % 1_000));
            check((0..length).map(|row| row / 3));
            check((0..length).map(|row| row % (length / 2 + 1)));
        }
    }

    #[test]
    fn the_first_conflict_of_owners_is_found() {
        for between in [0, PIECE, 2 * PIECE + 5] {
            let mut rows = Rows::new();
            let mut push = |number, owner| rows.push(&key(number, owner)).expect("room");
            push(1, Some("Bob"));
            push(2, None);
            for number in 0..between {
                push(10 + number, Some("Alice"));
            }
            push(1, Some("BOB"));
            push(2, Some("Bob"));
            push(1, Some("Alice"));
            let conflict = rows.repeated().expect("a file to read").conflict;
            let conflict = conflict.expect("a conflict");
            let second = u32::try_from(between).expect("a row") + 3;
            assert_eq!((conflict.first, conflict.second), (1, second));
        }
    }
}
