//! Outcomes made visible: results on standard output, which is written here only, and on standard error what
//! people need to know.

mod command;
pub(crate) mod escape;
pub(crate) mod hint;
mod many;
pub(crate) mod message;
mod progress;
mod row;
mod table;
mod tell;

use std::io::{self, Write};

use serde_json::json;

use crate::batch::Tally;
use crate::exit::Exit;
use crate::outcome::{Known, Outcome, Settled};
use crate::request::{Action, Format, Key, Metadata, Mode, Request, SigningKey};
use crate::select::Candidate;
use command::Commands;
use escape::escape_json;
use many::Many;
pub(crate) use many::Resume;
use message::Messages;
pub(crate) use progress::Bar;
pub(crate) use tell::sentence;

/// How outcomes are told.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    mode: Mode,
    action: Action,
    signing_key: SigningKey,
    messages: Messages,
    commands: Commands,
    told: Told,
}

/// What was told so far.
#[derive(Debug)]
enum Told {
    /// The run is about one key: what is known of it, once that was told.
    One(Option<String>),
    /// It is about many.
    Many(Many),
}

impl Report {
    /// Tells outcomes as `request` wants them told.
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            format: request.format,
            mode: request.mode,
            action: request.action,
            signing_key: request.signing_key,
            messages: Messages::new(request.color),
            commands: Commands::new(&request.connection),
            told: match request.single() {
                Some(_) => Told::One(None),
                None => Told::Many(Many::new(request)),
            },
        }
    }

    /// Tells what became of a key: to people on standard error, to programs on standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written. People have been told by then.
    pub(crate) fn settled(&mut self, settled: &Settled, tally: &Tally) -> io::Result<()> {
        let told = match &mut self.told {
            Told::One(known) => {
                *known = Some(format!("{}: {}", settled.key.id, settled.known()));
                None
            }
            Told::Many(many) => Some(many.counted(tally)),
        };
        let Some(bar) = told else {
            let written = self.write(settled, &mut io::stdout().lock());
            self.tell(settled);
            return written;
        };
        bar.aside(|| {
            let written = self.write(settled, &mut io::stdout().lock());
            self.tell_one_of_many(settled);
            written
        })
    }

    /// The result could not be written, so that a pipeline did not get it: never success.
    pub(crate) fn unwritten(&self, error: &io::Error, exit: Exit) -> Exit {
        self.messages.error(&format!(
            "could not write the result to standard output: {error}"
        ));
        match &self.told {
            Told::One(_) if exit != Exit::Success => return exit,
            Told::One(Some(known)) => self.messages.known(known),
            Told::One(None) | Told::Many(_) => {}
        }
        Exit::Other
    }

    /// The run cannot go on: its list of keys or its journal cannot be read or written.
    pub(crate) fn broken(&self, error: &io::Error) {
        self.messages.error(&format!("the run broke off: {error}"));
        if let Told::One(None) = &self.told {
            self.messages
                .known("nothing was sent to IAM that changes the key");
        }
    }

    fn write(&mut self, settled: &Settled, out: &mut impl Write) -> io::Result<()> {
        let text = match (self.format, &mut self.told) {
            (Format::Off, _) => return Ok(()),
            (Format::Text, _) => row::columns(settled),
            (Format::Table, Told::One(_)) => {
                table::of(&[table::row(settled)], self.messages.paints_results())
            }
            (Format::Table, Told::Many(many)) => match many.gathered(table::row(settled)) {
                Some(rows) => table::of(&rows, self.messages.paints_results()),
                None => return Ok(()),
            },
            (Format::Json(metadata), Told::One(_)) => {
                escape_json(&result(settled, metadata).to_string())
            }
            (Format::Json(_), Told::Many(_)) => escape_json(&row::object(settled).to_string()),
        };
        write_line(&text, out)
    }

    /// Ends the report of a run over many keys: what is left of a table, and how many ended how.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written. People have been told by then.
    pub(crate) fn end(&mut self, tally: &Tally, can_resume: Resume) -> io::Result<()> {
        let Told::Many(many) = &mut self.told else {
            return Ok(());
        };
        many.clear();
        let rows = many.rest();
        let written = if rows.is_empty() {
            Ok(())
        } else {
            let text = table::of(&rows, self.messages.paints_results());
            write_line(&text, &mut io::stdout().lock())
        };
        self.sum_up(tally, can_resume);
        written
    }
}

fn write_line(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// A key that is really deleted prints what boto3 returns for it; everything else prints the key's object.
fn result(settled: &Settled, metadata: Metadata) -> serde_json::Value {
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

/// The question before keys are changed, after they were shown.
pub(crate) fn question(count: u64, action: Action) -> String {
    let (verb, warning) = match action {
        Action::Delete => ("Delete", "cannot be undone"),
        Action::Deactivate => ("Deactivate", "can be undone"),
    };
    match count {
        1 => format!("\n{verb} this key? It {warning}. [y/N] "),
        _ => format!("\n{verb} these {count} keys? It {warning}. [y/N] "),
    }
}

/// Shows keys that are asked about, on standard error.
pub(crate) fn show(candidates: &[Candidate]) {
    message::line(&table::of_candidates(candidates));
}

/// A bug of this program or of a library, after a panic: one sentence and what is known.
pub(crate) fn bug(place: &str, request: &Request, in_doubt: &[Key], messages: Messages) {
    messages.error(&format!(
        "broken off at {place}: a bug, or too little memory or too few threads"
    ));
    let commands = Commands::new(&request.connection);
    for key in in_doubt {
        let check = commands.list(key);
        let known = Known::Unknown(format!(
            "the request may have been sent; check with: {check}"
        ));
        messages.known(&format!("{}: {}", key.id, known.told(request.action)));
    }
    match request.single() {
        Some(_) if !in_doubt.is_empty() => {}
        Some(key) => {
            let known = Known::NotDone("nothing was sent to IAM".to_owned());
            messages.known(&format!("{}: {}", key.id, known.told(request.action)));
        }
        None => messages.known(
            "the keys told of on standard output are as it says, and no other was changed but those \
             above that are unknown",
        ),
    }
}

/// The texts of `--help` and `--version`, on standard output.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn page(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}
