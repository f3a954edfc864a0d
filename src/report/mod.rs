//! Outcomes made visible: results on standard output, which is written here only, and on standard error what
//! people need to know.

mod advice;
mod bug;
mod chosen;
mod command;
mod denial;
mod fit;
mod hint;
mod many;
pub(crate) mod message;
mod progress;
mod question;
mod row;
pub(crate) mod stream;
mod structured;
mod table;
mod tell;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::outcome::{Outcome, Settled};
use crate::query::Query;
use crate::request::{Action, Format, Key, Metadata, Mode, Request, SigningKey};
use crate::shown::Shown;
use crate::tally::Tally;
pub(crate) use bug::bug;
pub(crate) use chosen::try_query;
use chosen::{chosen, is_of_query};
use command::Commands;
use many::Many;
pub(crate) use many::Resume;
use message::Messages;
pub(crate) use progress::Bar;
pub(crate) use question::{question, show};
use stream::Output;
pub(crate) use structured::{Failed, KnownWord, stop};

/// What proves to a later run that this one changed a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// IAM listed it before: its absence there, or its status.
    Listed,
    /// Nothing.
    None,
}

/// How outcomes are told.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    metadata: Metadata,
    query: Option<Query>,
    mode: Mode,
    action: Action,
    signing_key: SigningKey,
    messages: Messages,
    commands: Commands,
    told: Told,
    /// The query does not work on a result.
    needs_other_query: bool,
    /// The results on their way.
    pub(crate) output: Output,
}

/// What was told so far.
#[derive(Debug)]
enum Told {
    /// The run is about one key: what is known of it, once that was told. It is told again after what goes wrong then, so
    /// that it is the last line.
    One(Key, Option<Ended>),
    /// It is about many.
    Many(Many),
}

/// What became of the one key that the run is about.
#[derive(Debug)]
struct Ended {
    known: KnownWord,
    /// The same for people.
    told: String,
    /// How many requests were to change it.
    attempts: usize,
}

impl Ended {
    /// What failed after it, with what became of the key.
    fn told_with<'a>(&self, key: &'a Key, failed: Failed<'a>) -> Failed<'a> {
        Failed {
            key: Some(key),
            told: Some(self.told.clone()),
            attempts: self.attempts,
            ..failed
        }
    }
}

impl Report {
    /// Tells outcomes as `request` wants them told.
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            format: request.format,
            metadata: request.metadata,
            query: request.query.clone(),
            mode: request.mode,
            action: request.action,
            signing_key: request.signing_key,
            messages: Messages::of(request),
            commands: Commands::new(&request.connection),
            told: match request.single() {
                Some(key) => Told::One(key.clone(), None),
                None => Told::Many(Many::new(request)),
            },
            needs_other_query: false,
            output: Output::default(),
        }
    }

    /// Tells what became of a key: to people on standard error, to programs on standard output.
    ///
    /// # Errors
    ///
    /// The result cannot be written. People are told all the same.
    pub(crate) fn settled(&mut self, settled: &Settled, tally: &Tally) -> io::Result<()> {
        self.count(settled, tally);
        let written = self.write(settled);
        self.tell_people(settled);
        written
    }

    /// Tells of a key whose result the journal could not record. If it was changed, and IAM had listed it before, only
    /// people are told: the next run with this journal can prove it, and prints a result that must not be printed twice.
    ///
    /// # Errors
    ///
    /// The result cannot be written. People are told all the same.
    pub(crate) fn unrecorded(
        &mut self,
        settled: &Settled,
        proof: Proof,
        tally: &Tally,
    ) -> io::Result<()> {
        let is_proved_later = proof == Proof::Listed;
        let written = if settled.is_changed() && is_proved_later {
            self.count(settled, tally);
            self.tell_people(settled);
            Ok(())
        } else {
            self.settled(settled, tally)
        };
        if settled.is_changed()
            && let Told::Many(_) = &self.told
        {
            let (key, done) = (&settled.key.id, settled.action.done());
            let next = if is_proved_later {
                "checks and prints it"
            } else {
                "cannot confirm it: IAM did not list the key before"
            };
            self.messages.warning(&format!(
                "{key}: {done}, but the journal does not record it; the next run with this journal {next}"
            ));
        }
        written
    }

    fn count(&mut self, settled: &Settled, tally: &Tally) {
        match &mut self.told {
            Told::One(_, ended) => {
                *ended = Some(Ended {
                    known: KnownWord::of(settled),
                    told: known_of(settled),
                    attempts: settled.attempts,
                });
            }
            Told::Many(many) => many.counted(tally),
        }
    }

    fn tell_people(&mut self, settled: &Settled) {
        match &self.told {
            _ if self.messages.is_json() => self.tell_json(settled),
            Told::One(..) => self.tell(settled),
            Told::Many(_) => self.tell_one_of_many(settled),
        }
    }

    fn tell_json(&self, settled: &Settled) {
        let exit = settled.exit(self.mode);
        let mut said = self.said(settled);
        // Of many keys how to undo it is said once, at the end.
        if exit == Exit::Success && matches!(self.told, Told::Many(_)) {
            said.hints.clear();
        }
        structured::tell(self.messages, settled, said, exit);
    }

    /// The result could not be written, so that a pipeline did not get it: never success.
    pub(crate) fn unwritten(&mut self, error: &io::Error, exit: Exit) -> Exit {
        self.needs_other_query |= is_of_query(error);
        let failed = |exit, known| {
            let message = format!("could not write the result to standard output: {error}");
            Failed::new("NotWritten", message, exit, known)
        };
        let failed = match &self.told {
            Told::One(key, Some(ended)) => {
                let exit = match exit {
                    Exit::Success => Exit::Other,
                    exit => exit,
                };
                ended.told_with(key, failed(exit, ended.known))
            }
            Told::One(key, None) => Failed {
                key: Some(key),
                ..failed(Exit::Other, KnownWord::Unknown)
            },
            Told::Many(_) => failed(Exit::Other, KnownWord::AsTold),
        };
        self.messages.failed(&failed);
        failed.exit
    }

    /// A signal ended the run. Where it is about one key, that is told with the key.
    pub(crate) fn interrupted(&self, exit: Exit) {
        if let Told::Many(_) = &self.told {
            self.messages.failed(&Failed::new(
                "Interrupted",
                "interrupted: no further key is begun".to_owned(),
                exit,
                KnownWord::AsTold,
            ));
        }
    }

    /// IAM did not answer so many keys in a row: the others are not tried.
    pub(crate) fn gone(&self, keys: usize) {
        self.messages.failed(&Failed::new(
            "Unreachable",
            format!("IAM did not answer for {keys} keys in a row: no further key is tried"),
            Exit::Unreachable,
            KnownWord::AsTold,
        ));
    }

    /// The run cannot go on for this reason: the others are not tried.
    pub(crate) fn ended(&self, why: &str) {
        let message = format!("{why}: no further key is tried");
        let exit = Exit::Refused;
        self.messages
            .failed(&Failed::new("Refused", message, exit, KnownWord::AsTold));
    }

    /// A signal ended the run before its results were written, mostly since nobody reads them.
    pub(crate) fn unread(&self, exit: Exit) {
        let failed = |known| {
            let message =
                "interrupted: not every result could be written to standard output in time";
            Failed::new("NotWritten", message.to_owned(), exit, known)
        };
        self.messages.failed(&match &self.told {
            Told::One(key, Some(ended)) => ended.told_with(key, failed(ended.known)),
            Told::One(..) | Told::Many(_) => failed(KnownWord::AsTold),
        });
    }

    /// Somebody else changed the journal, so that a later run does not know what this one did: never success.
    pub(crate) fn incomplete(&self, harm: String, exit: Exit) -> Exit {
        let exit = match exit {
            Exit::Success => Exit::Other,
            exit => exit,
        };
        let failed = |known| Failed::new("JournalLost", harm, exit, known);
        self.messages.failed(&match &self.told {
            Told::One(key, Some(ended)) => ended.told_with(key, failed(ended.known)),
            Told::One(..) | Told::Many(_) => failed(KnownWord::AsTold),
        });
        exit
    }

    /// The run cannot go on: its list of keys or its journal cannot be read or written.
    pub(crate) fn broken(&mut self, error: &io::Error, exit: Exit) {
        self.needs_other_query |= is_of_query(error);
        let failed = |known| {
            let message = format!("the run broke off: {error}");
            Failed::new("BrokenOff", message, exit, known)
        };
        self.messages.failed(&match &self.told {
            Told::One(key, Some(ended)) => ended.told_with(key, failed(ended.known)),
            Told::One(key, None) => Failed {
                key: Some(key),
                told: Some("nothing was sent to IAM that changes the key".to_owned()),
                ..failed(KnownWord::not_done(self.action))
            },
            Told::Many(_) => failed(KnownWord::AsTold),
        });
    }

    fn write(&mut self, settled: &Settled) -> io::Result<()> {
        let mut known = Vec::new();
        if let Told::Many(_) = &self.told
            && settled.is_changed()
        {
            known.push(known_of(settled));
        }
        let text = match (self.format, &mut self.told) {
            (Format::Off, _) => return Ok(()),
            (Format::Text, _) if self.query.is_none() => row::columns(settled),
            (Format::Table, Told::One(..)) => {
                table::of(&[table::row(settled)], self.messages.paints_results())
            }
            (Format::Table, Told::Many(many)) => {
                many.gather(table::row(settled), known);
                let is_full = many.has_full_table();
                return if is_full { self.write_table() } else { Ok(()) };
            }
            (Format::Json | Format::Text, told) => {
                let object = match told {
                    Told::One(..) => result(settled, self.metadata),
                    Told::Many(_) => row::object(settled),
                };
                match chosen(object, self.query.as_ref(), self.format) {
                    Ok(text) => text,
                    Err(error) => {
                        self.output.lose(known);
                        return Err(error);
                    }
                }
            }
        };
        self.output.put(&text, known)
    }

    /// Writes the rows that were gathered as a table.
    ///
    /// # Errors
    ///
    /// They cannot be written.
    pub(crate) fn write_table(&mut self) -> io::Result<()> {
        let Told::Many(many) = &mut self.told else {
            return Ok(());
        };
        let (rows, known) = many.take_rows();
        if rows.is_empty() {
            return Ok(());
        }
        let text = table::of(&rows, self.messages.paints_results());
        self.output.put(&text, known)
    }

    /// Ends the report of a run over many keys: those that were changed and whose results were not written, and how many
    /// ended how.
    pub(crate) fn end(&mut self, tally: &Tally, can_resume: Resume) {
        let Told::Many(many) = &self.told else {
            return;
        };
        many.clear();
        for known in self.output.take_lost() {
            self.messages.known(&known);
        }
        self.sum_up(tally, can_resume);
    }
}

/// The key and what is known of it.
fn known_of(settled: &Settled) -> String {
    format!("{}: {}", settled.key.id, settled.known())
}

/// A key that is really deleted prints what boto3 returns for it; everything else prints the key's object.
fn result(settled: &Settled, metadata: Metadata) -> Value {
    match (&settled.outcome, settled.action) {
        (Outcome::Done { reply, .. }, Action::Delete) => {
            let filled = reply.as_ref().filter(|_| metadata == Metadata::Filled);
            let metadata = filled.map_or_else(
                || json!({}),
                |reply| row::response_metadata(reply, settled.attempts),
            );
            json!({ "ResponseMetadata": metadata })
        }
        _ => row::object(settled),
    }
}

/// A text that was asked for instead of a run, such as that of `--help`, on standard output.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn page(text: &str) -> io::Result<()> {
    match text.trim_end() {
        "" => Ok(()),
        text => {
            // The library's own writer takes a stream that cannot be written for one that was written.
            let out = io::stdout().as_fd().try_clone_to_owned()?;
            writeln!(File::from(out), "{}", Shown::page(text))
        }
    }
}
