//! Writes records to the disk. Waiting records are written and flushed together, so that keys share the cost of a flush.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::fs::fsync;
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::file::{Changed, Written};

/// The thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    records: Sender<Record>,
}

#[derive(Debug)]
struct Record {
    text: String,
    kind: Kind,
    written: oneshot::Sender<io::Result<()>>,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key is about to be changed. It must not be changed if another process has changed the journal. An empty record
    /// only checks that.
    Intent,
    Other,
    /// No record: the file is removed, if this run has written nothing but the first record.
    Removal,
}

impl Writer {
    /// Starts to write to the end of `file`, which stays locked meanwhile. Before the first record, a partial record of a
    /// run that was killed is removed.
    pub(super) fn start(file: File, written: Written) -> io::Result<Self> {
        let (records, waiting) = channel();
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(file, written, &waiting))?;
        Ok(Self { records })
    }

    /// Writes a record. Returns when it is on the disk.
    pub(super) async fn write(&self, kind: Kind, text: String) -> io::Result<()> {
        let ended = || io::Error::other("the journal's thread has ended");
        let (written, done) = oneshot::channel();
        let record = Record {
            text,
            kind,
            written,
        };
        self.records.send(record).map_err(|_| ended())?;
        done.await.map_err(|_| ended())?
    }
}

fn write_all(mut file: File, mut written: Written, waiting: &Receiver<Record>) {
    let (mut result, mut count) = (Ok(()), 0);
    while let Ok(first) = waiting.recv() {
        let mut records: Vec<Record> = std::iter::once(first).chain(waiting.try_iter()).collect();
        if records.iter().any(is_intent)
            && let Some(change) = written.change()
        {
            refuse_intents(&mut records, || io::Error::other(Changed(change)));
        }
        let text = text_of(&records);
        // After a failure, the file may end with a partial record. Nothing is written after it: all callers get the error,
        // except for results that are complete on the disk.
        let mut whole = 0;
        if result.is_ok() && !text.is_empty() {
            (whole, result) = append(&mut file, &written, &text);
            written.has_partial = result.is_err();
            if let Err(error) = &result {
                // Nobody acts on these intents, so a later run must not find them.
                refuse_intents(&mut records, || copy(error));
                let results = append(&mut file, &written, &text_of(&records));
                (whole, written.has_partial) = (results.0, results.1.is_err());
            }
            written.length += whole as u64;
        }
        count += records
            .iter()
            .filter(|record| !record.text.is_empty())
            .count();
        let is_removal = |record: &Record| record.kind == Kind::Removal;
        if result.is_ok() && count <= 1 && records.iter().any(is_removal) {
            // A journal that stays has no effect.
            let _ = written.remove(&file);
        }
        answer(records, whole, &result);
    }
}

fn is_intent(record: &Record) -> bool {
    record.kind == Kind::Intent
}

fn text_of(records: &[Record]) -> String {
    records.iter().map(|record| record.text.as_str()).collect()
}

/// Removes the intents, and sends them this error.
fn refuse_intents(records: &mut Vec<Record>, error: impl Fn() -> io::Error) {
    for intent in records.extract_if(.., |record| is_intent(record)) {
        let _ = intent.written.send(Err(error()));
    }
}

fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// Sends the result of writing these records. The first `whole` bytes of them are on the disk: they are complete records.
fn answer(records: Vec<Record>, whole: usize, result: &io::Result<()>) {
    let mut end = 0;
    for record in records {
        end += record.text.len();
        let is_result_on_disk = record.kind == Kind::Other && end <= whole;
        let copy = match result {
            Err(error) if !is_result_on_disk => Err(copy(error)),
            _ => Ok(()),
        };
        let _ = record.written.send(copy);
    }
}

/// Writes records after the last whole one, to the disk. Returns the number of bytes of those that are complete there.
fn append(file: &mut File, written: &Written, records: &str) -> (usize, io::Result<()>) {
    if written.has_partial
        && let Err(error) = file.set_len(written.length)
    {
        return (0, Err(error));
    }
    let (whole, result) = write_whole(&mut *file, records);
    match or_fsync(file.sync_data(), &*file) {
        Ok(()) => (whole, result),
        Err(error) => (0, result.and(Err(error))),
    }
}

/// Writes records. Returns the number of bytes of those that were written completely.
fn write_whole(mut file: impl Write, records: &str) -> (usize, io::Result<()>) {
    let bytes = records.as_bytes();
    let mut count = 0;
    let result = loop {
        if count == bytes.len() {
            break Ok(());
        }
        match file.write(&bytes[count..]) {
            Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    let end = bytes[..count].iter().rposition(|byte| *byte == b'\n');
    (end.map_or(0, |end| end + 1), result)
}

/// Returns the result of a `sync_data` or `sync_all` of this file, or of `fsync` if the file system supports no more. On
/// macOS, the standard library uses `F_FULLFSYNC`, which network shares, for example, do not support.
pub(super) fn or_fsync(synced: io::Result<()>, file: impl AsFd) -> io::Result<()> {
    match synced {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOTSUP) => Ok(fsync(file)?),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use rustix::io::Errno;
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::{Kind, Record, Writer, answer, or_fsync, write_whole};
    use crate::error::Exit;
    use crate::signal::Signals;

    #[test]
    fn a_flush_that_a_file_system_does_not_support_is_done_by_fsync() {
        let file = tempfile::tempfile().expect("a file");
        // `fsync` fails on it.
        let (pipe, _writes) = io::pipe().expect("a pipe");
        let result = |errno: Option<Errno>| errno.map_or(Ok(()), |errno| Err(errno.into()));
        for (synced, is_pipe, expected) in [
            (None, true, None),
            (Some(Errno::NOTSUP), false, None),
            (Some(Errno::NOTSUP), true, Some(Errno::INVAL)),
            (Some(Errno::IO), false, Some(Errno::IO)),
        ] {
            let done = if is_pipe {
                or_fsync(result(synced), &pipe)
            } else {
                or_fsync(result(synced), &file)
            };
            let errno = done.err().as_ref().and_then(Errno::from_io_error);
            assert_eq!(errno, expected, "{synced:?}");
        }
    }

    #[test]
    fn records_that_fit_on_a_full_disk_are_told_from_the_others() {
        for (room, whole) in [(0, 0), (3, 0), (4, 4), (6, 4), (8, 8), (11, 8), (12, 12)] {
            let mut disk = [0; 12];
            let (found, result) = write_whole(&mut disk[..room], "abc\ndef\nghi\n");
            assert_eq!((found, result.is_ok()), (whole, room == 12), "{room}");
        }
    }

    #[test]
    fn after_a_failure_only_results_on_the_disk_are_recorded() {
        let full = || Err(io::ErrorKind::StorageFull.into());
        for (whole, result, expected) in [
            (0, full(), [false; 4]),
            (4, full(), [true, false, false, false]),
            (7, full(), [true, false, false, false]),
            (8, full(), [true, false, false, false]),
            (12, full(), [true, false, true, false]),
            (12, Ok(()), [true; 4]),
        ] {
            let (mut records, mut answers) = (Vec::new(), Vec::new());
            for (text, kind) in [
                ("abc\n", Kind::Other),
                // A key is not changed after a failure, even if its intent is on the disk.
                ("def\n", Kind::Intent),
                ("ghi\n", Kind::Other),
                ("", Kind::Removal),
            ] {
                let (written, answer) = oneshot::channel();
                let text = text.to_owned();
                records.push(Record {
                    text,
                    kind,
                    written,
                });
                answers.push(answer);
            }
            answer(records, whole, &result);
            let found = answers.iter_mut().map(oneshot::Receiver::try_recv);
            let found: Vec<bool> = found
                .map(|answer| answer.expect("an answer").is_ok())
                .collect();
            assert_eq!(found, expected, "{whole} {result:?}");
        }
    }

    #[test]
    fn an_interrupted_write_is_repeated_and_a_failed_one_is_not() {
        struct Failing(Vec<io::ErrorKind>);

        impl io::Write for Failing {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                match self.0.pop() {
                    Some(kind) => Err(kind.into()),
                    None => Ok(bytes.len()),
                }
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        for (kind, expected) in [
            (io::ErrorKind::Interrupted, Ok(4)),
            (io::ErrorKind::StorageFull, Err(io::ErrorKind::StorageFull)),
        ] {
            let (whole, result) = write_whole(Failing(vec![kind]), "abc\n");
            let found = result.map(|()| whole).map_err(|error| error.kind());
            assert_eq!(found, expected);
        }
        assert!(matches!(write_whole(io::sink(), ""), (0, Ok(()))));
    }

    /// A disk that does not answer cannot be had without the rights of root: here nobody takes the records.
    #[test]
    fn a_signal_ends_the_wait_for_a_disk_that_does_not_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        for exit in [Exit::HungUp, Exit::Interrupted, Exit::Terminated] {
            let (records, _nobody) = channel();
            let writer = Writer { records };
            let (sender, signals) = Signals::by_hand();
            let patience = [Duration::from_millis(50), Duration::ZERO];
            let ended = runtime.block_on(async {
                let recorded =
                    signals.bound(patience, writer.write(Kind::Other, "record".to_owned()));
                tokio::pin!(recorded);
                // Without a signal it is waited for.
                tokio::select! {
                    biased;
                    _ = &mut recorded => panic!("nobody recorded it"),
                    () = tokio::task::yield_now() => {}
                }
                sender.send_modify(|seen| seen.push((exit, Instant::now())));
                recorded.await
            });
            assert!(matches!(ended, Err(seen) if seen == exit));
        }
    }
}
