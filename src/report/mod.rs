//! Outcomes made visible: results on standard output, which is written here only, and on standard error what
//! people need to know.

mod command;
pub(crate) mod escape;
pub(crate) mod hint;
pub(crate) mod message;
mod row;
mod table;
mod tell;

use std::io::{self, Write};

use serde_json::json;

use crate::outcome::{Known, Outcome, Settled};
use crate::request::{Action, Format, Metadata, Mode, Request, SigningKey};
use crate::select::Candidate;
use command::Commands;
use escape::escape_json;
use message::Messages;
pub(crate) use tell::sentence;

/// How outcomes are told.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    mode: Mode,
    signing_key: SigningKey,
    messages: Messages,
    commands: Commands,
}

impl Report {
    /// Tells outcomes as `request` wants them told.
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            format: request.format,
            mode: request.mode,
            signing_key: request.signing_key,
            messages: Messages::new(request.color),
            commands: Commands::new(&request.connection),
        }
    }

    /// Tells what became of a key: to people on standard error, to programs on standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written. People have been told by then.
    pub(crate) fn settled(&self, settled: &Settled) -> io::Result<()> {
        let written = self.write(settled, &mut io::stdout().lock());
        self.tell(settled);
        written
    }

    fn write(&self, settled: &Settled, out: &mut impl Write) -> io::Result<()> {
        let text = match self.format {
            Format::Off => return Ok(()),
            Format::Text => row::columns(settled),
            Format::Table => table::of(&[settled], self.messages.paints_results()),
            Format::Json(metadata) => escape_json(&result(settled, metadata).to_string()),
        };
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }
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

/// The question before a key is changed: what would go, and what is known of it.
pub(crate) fn question(candidate: &Candidate, action: Action) -> String {
    let (verb, warning) = match action {
        Action::Delete => ("Delete", "cannot be undone"),
        Action::Deactivate => ("Deactivate", "can be undone"),
    };
    let rows = table::of_candidate(candidate);
    format!("{rows}\n{verb} this key? It {warning}. [y/N] ")
}

/// A bug of this program or of a library, after a panic: one sentence and what is known.
pub(crate) fn bug(place: &str, request: &Request, sent: bool, messages: Messages) {
    messages.error(&format!(
        "broken off at {place}: a bug, or too little memory or too few threads"
    ));
    let known = if sent {
        let check = Commands::new(&request.connection).list(&request.key);
        Known::Unknown(format!(
            "the request may have been sent; check with: {check}"
        ))
    } else {
        Known::NotDone("nothing was sent to IAM".to_owned())
    };
    messages.known(&format!(
        "{}: {}",
        request.key.id,
        known.told(request.action)
    ));
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
