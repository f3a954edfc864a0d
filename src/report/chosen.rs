//! What `--query` makes of a result, and whether it works at all.

use std::fmt;
use std::io;

use super::result;
use crate::candidate::Candidate;
use crate::outcome::{Outcome, Reply, Settled};
use crate::query;
use crate::request::{Action, Format, Metadata, Request};
use crate::shown::{Shown, mask_strings};

/// The query does not work on a result.
#[derive(Debug)]
pub(super) struct QueryFailed(String);

impl fmt::Display for QueryFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--query: {}", self.0)
    }
}

impl std::error::Error for QueryFailed {}

/// Whether an error is that the query does not work.
pub(super) fn is_of_query(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<QueryFailed>())
        .is_some()
}

/// The result of a key, or what the query makes of it, as a line.
pub(super) fn chosen(settled: &Settled, request: &Request) -> io::Result<Shown> {
    let mut object = result(settled, request);
    let Some(query) = &request.query else {
        return Ok(Shown::json(&object));
    };
    // A query can cut a secret into parts that are not recognized.
    mask_strings(&mut object);
    let found = query
        .of(&object)
        .map_err(|what| io::Error::other(QueryFailed(what)))?;
    Ok(match request.format {
        Format::Text => Shown::page(&query::columns(&found)),
        Format::Json | Format::Table | Format::Off => Shown::json(&found),
    })
}

/// Tries the query on the result that a key will have once it is changed.
///
/// # Errors
///
/// The query does not work on it.
pub(crate) fn try_query(request: &Request, candidate: &Candidate) -> io::Result<()> {
    if request.query.is_none() || !matches!(request.format, Format::Json | Format::Text) {
        return Ok(());
    }
    if request.single().is_some()
        && request.action == Action::Delete
        && request.metadata == Metadata::Filled
    {
        // Only IAM's response has what the query asks for.
        return Ok(());
    }
    let reply = Reply {
        request_id: Some("request-id".to_owned()),
        status: 200,
        headers: Vec::new(),
    };
    let outcome = Outcome::Done {
        reply: Some(reply),
        evidence: None,
    };
    let mut settled = Settled::untouched(candidate.clone(), request.action, outcome);
    settled.attempts = 1;
    chosen(&settled, request).map(drop)
}
