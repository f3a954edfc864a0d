//! What standard output gets for a result, and what a person reads in addition about a single deletion.

use std::io::{self, IsTerminal as _};
use std::mem;

use super::columns::result_columns;
use super::explain::Explanation;
use super::record::{self, query_result};
use super::table::{Table, width};
use super::{Report, describe_key};
use crate::error::Exit;
use crate::outcome::{KeyResult, Outcome, OutcomeKind};
use crate::request::{Format, Mode, Request};
use crate::sanitize::SafeText;

/// Returns the format of results: the one that the caller chose, or a table for a person and JSON for a program. A single
/// deletion prints the same for both.
pub(super) fn format_of(request: &Request) -> Format {
    let is_table = !request.deletes_one() && request.query.is_none() && io::stdout().is_terminal();
    let default = if is_table {
        Format::Table
    } else {
        Format::Json
    };
    request.output.unwrap_or(default)
}

impl Report<'_> {
    /// Writes a result to standard output.
    pub(super) fn write(&mut self, result: &KeyResult) -> io::Result<()> {
        let request = self.request;
        // The caller of a single deletion expects an object only if it succeeded.
        let is_failure = request.deletes_one() && result.exit(request) != Exit::Success;
        if self.format == Format::Off || request.output.is_none() && is_failure {
            return Ok(());
        }
        let is_not_tried = result.kind() == OutcomeKind::NotTried;
        if is_not_tried && self.format == Format::Table && request.single().is_none() {
            self.not_tried += 1;
            return Ok(());
        }
        let is_known = result.is_changed();
        let known = is_known.then(|| describe_key(result)).into_iter().collect();
        let text = match self.format {
            Format::Table => self.row(|table| table.row(result)),
            Format::Text if request.query.is_none() => record::columns(result),
            _ => match query_result(result, request) {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.output.unwritten.extend(known);
                    return Err(error);
                }
            },
        };
        self.output.put(&text, known)
    }

    /// Writes one row for all keys of a table that were not tried. A row for each would bury the others.
    ///
    /// # Errors
    ///
    /// The row cannot be written.
    pub(crate) fn write_not_tried(&mut self) -> io::Result<()> {
        match mem::take(&mut self.not_tried) {
            0 => Ok(()),
            count => {
                let text = self.row(|table| table.row_of_not_tried(count));
                self.output.put(&text, Vec::new())
            }
        }
    }

    /// Renders a row, and in front of the first one what is above the table.
    fn row(&mut self, row: impl FnOnce(&Table) -> String) -> SafeText {
        let mut text = String::new();
        let table = self.table.get_or_insert_with(|| {
            let columns = result_columns(self.request, width(io::stdout()));
            let table = Table::new(columns, self.messages.paints_results);
            text = if self.request.asks() {
                // The question has already shown the heading.
                table.header() + "\n"
            } else {
                table.head(self.request, self.account.as_ref())
            };
            table
        });
        text.push_str(&row(table));
        SafeText::page(&text)
    }

    /// Prints the message about the run's only key.
    pub(super) fn print_single(&self, result: &KeyResult, explanation: &Explanation) {
        // The error that ended the run is printed next, with the state of the key.
        if let Outcome::NotTried { .. } = result.outcome {
            return;
        }
        if self.request.deletes_one() {
            self.print_deletion(result);
        }
        if self.request.mode == Mode::DryRun
            && let Some(table) = &self.table
            && let Some(left_out) = table.left_out_use(&result.key, &result.metadata)
        {
            self.messages.note(&left_out);
        }
        self.messages.explain(explanation);
    }

    /// Prints what standard output does not say about a key that is deleted alone: on a terminal, that it was deleted, and
    /// elsewhere its owner, if the run looked that up.
    fn print_deletion(&self, result: &KeyResult) {
        let key = &result.key.id;
        let is_terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        let has_row = matches!(self.format, Format::Text | Format::Table);
        let is_deleted = matches!(result.outcome, Outcome::Done { evidence: None, .. });
        if is_deleted && is_terminal && !has_row && !self.messages.is_json() {
            let owner = match (result.owner(), &self.request.connection.target_principal) {
                (_, Some(account)) => format!("the root user of account {account}"),
                (Some(owner), None) => format!("user {owner}"),
                (None, None) => "the calling user".to_owned(),
            };
            let text = format!("deleted access key {key} of {owner}");
            self.messages.note(&text);
        } else if let Some(owner) = &result.metadata.owner
            && self.request.find_user
            && result.metadata.has_owner_of_iam()
        {
            let text = format!("{key} belongs to the user {owner}");
            self.messages.note(&text);
        }
    }
}
