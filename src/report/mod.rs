//! Reports results on standard output and messages on standard error. Nothing else in the program writes to standard
//! output.

mod advice;
mod after_change;
mod call_error;
mod columns;
pub(crate) mod command;
mod denial;
pub(crate) mod destination;
mod explain;
mod fit;
mod hint;
mod many;
pub(crate) mod message;
mod output;
mod progress;
mod question;
mod record;
mod result;
pub(crate) mod stream;
mod table;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

use crate::error::Exit;
use crate::ident::AccountId;
use crate::outcome::{KeyResult, KeyState, Outcome, OutcomeKind};
use crate::request::{Format, Key, Mode, Request};
use crate::sanitize::SafeText;
use crate::summary::Summary;
use after_change::{Deactivated, OpenSessions};
pub(crate) use call_error::run_error;
use command::Commands;
pub(crate) use explain::{AS_REPORTED, Explanation};
use hint::About;
pub(crate) use many::{Resume, print_root_key};
use message::{Level, Messages};
use output::Output;
pub(crate) use progress::Bar;
pub(crate) use question::question;
use record::is_query_error;
pub(crate) use record::try_query;
use result::format_of;
use table::Table;
pub(crate) use table::show_targets;

/// How a later run can prove that this run changed a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// IAM listed the key before the change. Its absence from the list, or its status, proves the change.
    Listed,
    /// A later run cannot prove the change.
    None,
}

/// Prints results.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    request: &'a Request,
    messages: Messages,
    commands: Commands,
    /// The state of the run's only key, once it was printed. It is printed again after a later error, so that it is
    /// the last line.
    single_key: Option<Explanation>,
    /// The progress bar. It shows the keys that were tried.
    pub(crate) bar: Bar,
    /// The format of results.
    pub(crate) format: Format,
    /// The account for the heading of a table, if STS returned it.
    pub(crate) account: Option<AccountId>,
    /// The table, once its heading was printed.
    table: Option<Table>,
    /// The number of keys that were not tried and are not in the table yet.
    not_tried: u64,
    /// Hints to print at the end, each once.
    final_lines: Vec<(Level, String)>,
    /// The number of keys that a sweep found, and of those among them that are inactive already although they were to
    /// be deactivated.
    pub(crate) found: (u64, u64),
    /// The keys that the run deactivated.
    deactivated: Deactivated,
    /// The changed keys whose sessions may still be valid.
    open_sessions: OpenSessions,
    /// Whether the query failed on a result.
    needs_other_query: bool,
    /// Whether the user did not confirm.
    pub(crate) is_not_confirmed: bool,
    /// The results that are being written.
    pub(crate) output: Output,
}

impl<'a> Report<'a> {
    /// Creates a report in the format that `request` selects.
    pub(crate) fn new(request: &'a Request) -> Self {
        Self {
            request,
            messages: Messages::of(request),
            commands: Commands::new(&request.connection),
            single_key: None,
            bar: Bar::new(request),
            format: format_of(request),
            account: None,
            table: None,
            not_tried: 0,
            final_lines: Vec::new(),
            found: (0, 0),
            deactivated: Deactivated::default(),
            open_sessions: OpenSessions::default(),
            needs_other_query: false,
            is_not_confirmed: false,
            output: Output::default(),
        }
    }

    /// Prints the result of a key: for people on standard error, for programs on standard output.
    ///
    /// # Errors
    ///
    /// The result cannot be written. The message on standard error is printed anyway.
    pub(crate) fn print_result(&mut self, result: &KeyResult, summary: &Summary) -> io::Result<()> {
        self.update_progress(result, summary);
        let written = self.write(result);
        self.print_explanation(result);
        written
    }

    /// Prints the result of a key that the journal could not record. If the key was changed and IAM had listed it
    /// before, only standard error reports it: the next run with this journal proves the change and prints the result,
    /// which must not be printed twice.
    ///
    /// # Errors
    ///
    /// The result cannot be written. The message on standard error is printed anyway.
    pub(crate) fn print_unrecorded(
        &mut self,
        result: &KeyResult,
        proof: Proof,
        summary: &Summary,
    ) -> io::Result<()> {
        if !result.is_changed() {
            return self.print_result(result, summary);
        }
        // The run fails, so a caller who deletes a single key expects nothing on standard output.
        let prints_nothing = self.request.deletes_one() && self.request.output.is_none();
        let (written, next) = match proof {
            Proof::None if !prints_nothing => (
                self.print_result(result, summary),
                "cannot confirm it: IAM did not list the key before",
            ),
            Proof::None | Proof::Listed => {
                self.update_progress(result, summary);
                self.print_explanation(result);
                (Ok(()), "verifies and reports it")
            }
        };
        if self.request.single().is_none() {
            let (key, done) = (&result.key.id, result.action.done());
            self.messages.warning(&format!(
                "{key}: {done}, but the journal does not record it; the next run with this journal {next}"
            ));
        }
        written
    }

    fn update_progress(&mut self, result: &KeyResult, summary: &Summary) {
        self.bar.update(summary);
        self.deactivated.add(result);
        self.open_sessions.add(result);
        self.single_key = self.request.single().map(|key| Explanation {
            attempts: result.attempts,
            ..Explanation::error("", "", Exit::Success, result.result_member())
                .about(Some(key), describe_key(result))
        });
    }

    fn print_explanation(&mut self, result: &KeyResult) {
        if self.request.single().is_none() && !self.messages.is_json() {
            return self.print_one_of_many(result);
        }
        // The error that ended the run is printed next, with the state of the key.
        let is_single = self.request.single().is_some();
        if is_single && matches!(result.outcome, Outcome::NotTried { .. }) {
            return;
        }
        if self.request.deletes_one() {
            self.print_deletion(result);
        }
        if is_single
            && self.request.mode == Mode::DryRun
            && let Some(table) = &self.table
            && let Some(left_out) = table.left_out_use(&result.key, &result.metadata)
        {
            self.messages.note(&left_out);
        }
        let mut explanation = self.explain(result, About::One(&result.key));
        // With many keys, the command to undo is printed once at the end.
        if self.request.single().is_none() && explanation.exit == Exit::Success {
            explanation.hints.clear();
        }
        self.messages.explain(&explanation);
    }

    /// Prints an error that ended the run and does not concern a single key.
    fn print_error(&self, code: &str, message: impl Into<String>, exit: Exit) {
        let error = Explanation::error(code, message, exit, AS_REPORTED);
        self.messages.explain(&error);
    }

    /// Prints the same error with the state of the run's only key.
    fn print_error_with_key(&self, code: &str, message: String, exit: Exit) {
        let code = code.to_owned();
        match self.single_key.clone() {
            Some(single_key) => self.messages.explain(&Explanation {
                code,
                message,
                exit,
                ..single_key
            }),
            None => self.print_error(&code, message, exit),
        }
    }

    /// Reports that a result could not be written. The exit status is never success because a pipeline did not get the
    /// result.
    pub(crate) fn print_write_failure(&mut self, error: &io::Error, exit: Exit) -> Exit {
        self.needs_other_query |= is_query_error(error);
        let exit = match self.request.single() {
            Some(_) => exit.or_other(),
            None if exit.is_signal() => exit,
            None => Exit::Other,
        };
        let message = format!("could not write the result to standard output: {error}");
        self.print_error_with_key("NotWritten", message, exit);
        exit
    }

    /// Reports that the user did not confirm, or that a signal came instead. The keys have no messages of their own.
    pub(crate) fn print_not_confirmed(&mut self, exit: Exit) {
        self.is_not_confirmed = true;
        let (code, what) = match exit {
            Exit::Refused => ("Declined", "not confirmed"),
            _ => ("Interrupted", "interrupted"),
        };
        if exit != Exit::Refused {
            message::end_line();
        }
        self.print_error(code, format!("{what}: this run changed nothing"), exit);
    }

    /// Reports that a signal ended the run. For a single key, its result says so.
    pub(crate) fn print_interruption(&self, exit: Exit) {
        if self.request.single().is_none() {
            self.print_error("Interrupted", "interrupted: no more keys are tried", exit);
        }
    }

    /// Reports that IAM did not respond for this number of consecutive keys, so the remaining keys are not tried.
    pub(crate) fn print_unreachable(&self, keys: usize) {
        let message =
            format!("IAM did not respond for {keys} keys in a row: no more keys are tried");
        self.print_error("Unreachable", message, Exit::Unreachable);
    }

    /// Reports why the run ended before the remaining keys.
    pub(crate) fn print_stop(&self, why: &str) {
        let message = format!("{why}: no more keys are tried");
        self.print_error("Refused", message, Exit::Refused);
    }

    /// Reports that a signal ended the run before all results were written, usually because nobody reads them.
    pub(crate) fn print_unread_output(&self, exit: Exit) {
        let message = "interrupted: not every result could be written to standard output in time";
        self.print_error_with_key("NotWritten", message.to_owned(), exit);
    }

    /// Reports that a signal ended the wait for the journal's disk, after the last record was written.
    pub(crate) fn print_unchecked_journal(&self, exit: Exit) {
        let message = "interrupted: the journal's disk is not responding";
        self.print_error_with_key("Interrupted", message.to_owned(), exit);
    }

    /// Reports that another process changed the journal. The exit status is never success because a later run cannot
    /// know what this run did.
    pub(crate) fn print_lost_journal(&self, reason: String, exit: Exit) -> Exit {
        let exit = exit.or_other();
        self.print_error_with_key("JournalLost", reason, exit);
        exit
    }

    /// Reports that the list of keys or the journal cannot be read or written.
    pub(crate) fn print_broken_run(&mut self, error: &io::Error, exit: Exit) {
        self.needs_other_query |= is_query_error(error);
        if self.single_key.is_none() && self.request.single().is_some() {
            let known = KeyState::NotDone(String::new()).result_member(self.request.action);
            let result_text = "no request to change the key was sent to IAM".to_owned();
            let untouched = Explanation::error("", "", exit, known);
            self.single_key = Some(untouched.about(self.request.single(), result_text));
        }
        self.print_error_with_key("BrokenOff", format!("the run was aborted: {error}"), exit);
    }

    /// Starts the progress bar for this number of keys.
    pub(crate) fn start_bar(&self, keys: u64) {
        self.bar.expect(Some(keys));
    }

    /// Finishes the report of a run over many keys: prints the changed keys whose results were not written, and the
    /// summary.
    pub(crate) fn finish(&mut self, summary: &Summary, resume: Resume) {
        if self.request.single().is_some() {
            return;
        }
        self.bar.clear();
        for known in self.output.take_unwritten() {
            self.messages.print(Level::Result, &known);
        }
        // One sentence has reported that nothing was changed.
        let is_said =
            self.is_not_confirmed && summary.count_of(OutcomeKind::Refused) == summary.total();
        if !is_said {
            self.print_summary(summary, resume);
        }
    }
}

fn describe_key(result: &KeyResult) -> String {
    format!("{}: {}", result.key.id, result.describe_state())
}

/// Prints text that was requested instead of a run, such as `--help`, on standard output.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn page(text: &str) -> io::Result<()> {
    match text.trim_end() {
        "" => Ok(()),
        text => {
            // The standard library reports success if standard output is closed.
            let out = io::stdout().as_fd().try_clone_to_owned()?;
            writeln!(File::from(out), "{}", SafeText::page(text))
        }
    }
}

/// Reports a panic: a sentence and the state of the keys. `known` is the state of the run's only key if a request for
/// it was started, and `unknown_keys` are those among many keys whose state is unknown.
pub(crate) fn print_panic(
    place: &str,
    request: &Request,
    known: Option<KeyState>,
    unknown_keys: &[Key],
    messages: Messages,
) -> Exit {
    let is_reported = request.output != Some(Format::Off)
        || request.single().is_some()
        || request.mode == Mode::DryRun;
    let exit = if unknown_keys.is_empty() && is_reported {
        Exit::Other
    } else {
        Exit::Unknown
    };
    let message = format!("aborted at {place}: a bug, or not enough memory or threads");
    let print = |key: Option<&Key>, known, result_text| {
        let error = Explanation::error("BrokenOff", message.clone(), exit, known);
        messages.explain(&error.about(key, result_text));
    };
    let commands = Commands::new(&request.connection);
    let print_key = |key: &Key, known: &KeyState| {
        let check = commands.check(key, known).map(|check| format!("; {check}"));
        let (result_text, check) = (known.describe(request.action), check.unwrap_or_default());
        let result_text = format!("{}: {result_text}{check}", key.id);
        print(Some(key), known.result_member(request.action), result_text);
    };
    if let Some(key) = request.single() {
        let nothing = || KeyState::NotDone("nothing was sent to IAM".to_owned());
        print_key(key, &known.unwrap_or_else(nothing));
        return exit;
    }
    let others = if is_reported {
        "the results on standard output are correct, and this run changed no other keys, except possibly those below whose state is unknown"
    } else {
        "which keys were changed was not reported: check with `aws iam list-access-keys`, or the journal"
    };
    print(None, AS_REPORTED, others.to_owned());
    for key in unknown_keys {
        print_key(key, &KeyState::unknown("the request may have been sent"));
    }
    exit
}
