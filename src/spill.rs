//! A list that is longer than memory should be: it is written down while it is collected, and read from the start
//! when it is worked on. A short one stays in memory.

use std::io::{self, BufRead, BufReader, BufWriter, Cursor, Read as _, Seek as _, Write as _};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::SpooledTempFile;

/// What is kept in memory, in bytes; more goes to a file without a name in the folder for temporary files.
pub(crate) const IN_MEMORY: usize = 1 << 20;

/// The list while it is collected.
#[derive(Debug)]
pub(crate) struct SpillFile<T> {
    file: BufWriter<SpooledTempFile>,
    len: u64,
    kind: PhantomData<T>,
}

/// The list while it is read.
#[derive(Debug)]
pub(crate) struct SpillReader<T> {
    file: BufReader<SpooledTempFile>,
    /// What comes after the file: where the disk is full, it stays in memory.
    rest: Cursor<Vec<u8>>,
    line: Vec<u8>,
    is_broken: bool,
    kind: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> SpillFile<T> {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self::within(IN_MEMORY)
    }

    /// An empty list, of which so many bytes are kept in memory.
    pub(crate) fn within(in_memory: usize) -> Self {
        Self {
            file: BufWriter::new(SpooledTempFile::new(in_memory)),
            len: 0,
            kind: PhantomData,
        }
    }

    /// Adds to the end.
    ///
    /// # Errors
    ///
    /// The folder for temporary files cannot be written or is full: the item is not in the list, those before are.
    pub(crate) fn push(&mut self, item: &T) -> io::Result<()> {
        // In one piece, so that there is never a part of an item.
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.len += 1;
        Ok(())
    }

    /// How many were added.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Reads it, first to last.
    ///
    /// # Errors
    ///
    /// The start cannot be found again.
    pub(crate) fn read(mut self) -> io::Result<SpillReader<T>> {
        // What cannot be written stays where it is.
        let _ = self.file.flush();
        let (mut file, rest) = self.file.into_parts();
        file.rewind()?;
        Ok(SpillReader {
            file: BufReader::new(file),
            rest: Cursor::new(rest.unwrap_or_default()),
            line: Vec::new(),
            is_broken: false,
            kind: PhantomData,
        })
    }
}

impl<T: DeserializeOwned> Iterator for SpillReader<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        if self.is_broken {
            return None;
        }
        self.line.clear();
        let item = match (&mut self.file)
            .chain(&mut self.rest)
            .read_until(b'\n', &mut self.line)
        {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&self.line).map_err(io::Error::from)),
            Err(error) => Some(Err(error)),
        };
        self.is_broken = matches!(item, Some(Err(_)));
        item
    }
}

impl<T> SpillReader<T> {
    /// Goes back to the start.
    ///
    /// # Errors
    ///
    /// The file cannot be read any more.
    pub(crate) fn rewind(&mut self) -> io::Result<()> {
        self.rest.set_position(0);
        self.file.rewind()
    }
}

#[cfg(test)]
mod tests {
    use super::SpillFile;

    #[test]
    fn a_long_list_comes_back_as_it_was_and_again() {
        let mut spill = SpillFile::new();
        for number in 0..300_000_u32 {
            spill.push(&number).expect("room");
        }
        assert_eq!(spill.len(), 300_000);
        let mut list = spill.read().expect("a start");
        for _ in 0..2 {
            let read: Result<Vec<u32>, _> = list.by_ref().collect();
            assert!(read.expect("a list").into_iter().eq(0..300_000));
            list.rewind().expect("a start");
        }
    }
}
