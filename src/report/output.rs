//! The results on their way to standard output, and the changed keys that it does not receive.

use std::collections::VecDeque;
use std::io;

use tokio::sync::oneshot;

use super::stream;
use crate::sanitize::SafeText;

/// The results that are being written to standard output.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Each with the state of its keys that this run changed.
    waiting: VecDeque<(oneshot::Receiver<io::Result<()>>, Vec<String>)>,
    /// The keys to report on standard error because standard output did not receive them.
    pub(super) unwritten: Vec<String>,
    /// Nothing is written after an error, because the output may end with an incomplete result.
    is_closed: bool,
    /// Whether results were discarded because nobody read them.
    gave_up: bool,
}

impl Output {
    /// Writes a result as lines. `known` describes the keys in it that this run changed.
    ///
    /// # Errors
    ///
    /// There is no thread and the result cannot be written.
    pub(super) fn put(&mut self, text: &SafeText, known: Vec<String>) -> io::Result<()> {
        if self.is_closed {
            self.unwritten.extend(known);
            return Ok(());
        }
        match stream::write_result(text) {
            Ok(written) => {
                self.waiting.extend(written.map(|written| (written, known)));
                Ok(())
            }
            Err(error) => {
                self.unwritten.extend(known);
                self.close();
                Err(error)
            }
        }
    }

    /// Returns the number of unwritten results.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Waits until the next result is written.
    ///
    /// # Errors
    ///
    /// The result cannot be written. No further result will be.
    pub(crate) async fn next(&mut self) -> io::Result<()> {
        let Some((written, _)) = self.waiting.front_mut() else {
            return std::future::pending().await;
        };
        let written = written.await;
        let written = written.unwrap_or_else(|_| Err(stream::closed_error()));
        match written {
            Ok(()) => drop(self.waiting.pop_front()),
            Err(_) => self.close(),
        }
        written
    }

    /// Discards the unwritten results and all later ones.
    pub(crate) fn give_up(&mut self) {
        self.close();
        self.gave_up = true;
    }

    /// Whether results were discarded for any reason.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether results were discarded because nobody read them.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    fn close(&mut self) {
        self.is_closed = true;
        let waiting = self.waiting.drain(..);
        self.unwritten.extend(waiting.flat_map(|(_, known)| known));
    }
}
