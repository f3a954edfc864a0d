//! A list that may be larger than memory. Items are written to a temporary file while the list is collected, and read
//! from its start afterwards. A short list stays in memory.

use std::io::{self, BufRead, BufReader, BufWriter, Cursor, Read as _, Seek as _, Write as _};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::SpooledTempFile;

/// The size up to which a list stays in memory, in bytes. A longer one goes to an unnamed file in the directory for
/// temporary files.
pub(crate) const IN_MEMORY: usize = 1 << 20;

/// A list that is being collected.
#[derive(Debug)]
pub(crate) struct SpillFile<T> {
    file: BufWriter<SpooledTempFile>,
    len: u64,
    kind: PhantomData<T>,
}

/// A list that is being read.
#[derive(Debug)]
pub(crate) struct SpillReader<T> {
    file: BufReader<SpooledTempFile>,
    /// The items after the end of the file. They stay in memory if the disk is full.
    rest: Cursor<Vec<u8>>,
    line: Vec<u8>,
    is_broken: bool,
    kind: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> SpillFile<T> {
    /// Creates an empty list.
    pub(crate) fn new() -> Self {
        Self::within(IN_MEMORY)
    }

    /// Creates an empty list that keeps up to this many bytes in memory.
    pub(crate) fn within(in_memory: usize) -> Self {
        Self {
            file: BufWriter::new(SpooledTempFile::new(in_memory)),
            len: 0,
            kind: PhantomData,
        }
    }

    /// Appends an item.
    ///
    /// # Errors
    ///
    /// The directory for temporary files is full or not writable. The list contains all earlier items but not this
    /// one.
    pub(crate) fn push(&mut self, item: &T) -> io::Result<()> {
        // Written in one piece, so the file never contains a partial item.
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.len += 1;
        Ok(())
    }

    /// Returns the number of items.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Returns a reader for all items in order.
    ///
    /// # Errors
    ///
    /// The file cannot be rewound.
    pub(crate) fn read(mut self) -> io::Result<SpillReader<T>> {
        // Unwritten items stay in the buffer and are read from there.
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
    /// Restarts at the first item.
    ///
    /// # Errors
    ///
    /// The file cannot be rewound.
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
