//! Reports results on standard output and messages on standard error. Nothing else in the program writes to standard
//! output.

mod after_change;
mod columns;
pub(crate) mod command;
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

use std::io;

use crate::error::{Exit, Hint, RunError, raise_file_size};
use crate::guard::SigningKeys;
use crate::ident::{AccessKeyId, AccountId};
use crate::lock::lock;
use crate::outcome::{KeyResult, KeyState, Outcome, OutcomeKind};
use crate::request::{Format, Key, Mode, Request};
use crate::sanitize::SafeText;
use crate::summary::Summary;
use after_change::{Deactivated, OpenSessions};
use command::Commands;
pub(crate) use explain::{AS_REPORTED, Explanation};
use hint::{FIX_FIRST, fix_first};
use many::stays_unknown;
pub(crate) use many::{Resume, print_root_key};
use message::{Level, Messages};
use output::Output;
pub(crate) use progress::Bar;
pub(crate) use question::question;
pub(crate) use record::try_query;
use result::format_of;
use table::Table;
pub(crate) use table::show_targets;

/// Prints results.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    request: &'a Request,
    messages: Messages,
    /// What users run next: with other credentials, once a key that signs the requests is, or may be, deleted or deactivated.
    pub(crate) commands: Commands,
    /// The state of the run's only key, once it was printed. It is printed again after a later error, so that it is the
    /// last line.
    state: Option<Explanation>,
    /// The progress bar. It shows the keys that were tried.
    pub(crate) bar: Bar,
    pub(crate) summary: Summary,
    /// The format of results.
    pub(crate) format: Format,
    /// The account for the heading of a table, if STS returned it.
    pub(crate) account: Option<AccountId>,
    /// The keys that sign the requests.
    pub(crate) signing_keys: SigningKeys,
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
    /// The principal whose credentials are needed to continue, if the renewed ones belong to another.
    pub(crate) continue_as: Option<String>,
    /// Whether the user did not confirm.
    pub(crate) is_not_confirmed: bool,
    /// The number of unknown keys that the same command would not know more about.
    settled: u64,
    /// The number of keys that were not changed for a reason that concerns every key.
    not_reached: u64,
    /// How the hint to continue begins.
    lead: String,
    /// Whether standard output is a file with earlier content, which a later run may not be able to read.
    pub(crate) shares_file: bool,
    /// The results that are being written.
    pub(crate) output: Output,
}

impl<'a> Report<'a> {
    /// Creates a report in the format that `request` selects.
    pub(crate) fn new(request: &'a Request, bar: Bar) -> Self {
        Self {
            request,
            messages: Messages::of(request),
            commands: Commands::new(&request.connection),
            state: None,
            bar,
            summary: Summary::default(),
            format: format_of(request),
            account: None,
            signing_keys: SigningKeys::default(),
            table: None,
            not_tried: 0,
            final_lines: Vec::new(),
            found: (0, 0),
            deactivated: Deactivated::default(),
            open_sessions: OpenSessions::default(),
            needs_other_query: false,
            continue_as: None,
            is_not_confirmed: false,
            settled: 0,
            not_reached: 0,
            lead: "to continue, ".to_owned(),
            shares_file: destination::has_content(),
            output: Output::default(),
        }
    }

    /// Counts the result of a key and prints it: for people on standard error, for programs on standard output.
    ///
    /// # Errors
    ///
    /// The result cannot be written. The message on standard error is printed anyway.
    pub(crate) fn print_result(&mut self, result: &KeyResult) -> io::Result<()> {
        self.count(result);
        let written = self.write(result);
        self.print_explanation(result);
        written
    }

    /// Prints the result of a key that the journal could not record. If the key was changed and `is_provable`, only standard
    /// error reports it: the next run with this journal proves the change and prints the result, which must not be printed twice.
    ///
    /// # Errors
    ///
    /// The result cannot be written. The message on standard error is printed anyway.
    pub(crate) fn print_unrecorded(
        &mut self,
        result: &KeyResult,
        is_provable: bool,
    ) -> io::Result<()> {
        if !result.is_changed() {
            return self.print_result(result);
        }
        self.deactivated.unrecorded.push(result.key.clone());
        // The run fails, so a caller who deletes a single key expects nothing on standard output.
        let prints_nothing = self.request.deletes_one() && self.request.output.is_none();
        let (written, next) = if is_provable || prints_nothing {
            self.count(result);
            self.print_explanation(result);
            (Ok(()), "verifies and reports it")
        } else {
            (
                self.print_result(result),
                "cannot confirm it: IAM did not list the key before",
            )
        };
        if self.request.single().is_none() {
            let (key, done) = (&result.key.id, result.action.done());
            self.messages.warning(&format!(
                "{key}: {done}, but the journal may not record it; if it does not, the next run with this journal {next}"
            ));
        }
        written
    }

    /// Whether this key signs the requests. Once it is changed, only other credentials can check it.
    fn is_own(&self, id: &AccessKeyId) -> bool {
        lock(&self.signing_keys)
            .iter()
            .any(|own| own == id.as_str())
    }

    fn count(&mut self, result: &KeyResult) {
        self.summary.count(result, self.request);
        self.bar.update(&self.summary);
        self.add_changed(result);
    }

    fn print_explanation(&mut self, result: &KeyResult) {
        let mut explanation = self.explain(result);
        self.settled += u64::from(stays_unknown(result));
        // The cause is not specific to this key, so another run may change it.
        if let Outcome::Failed { failure, .. } = &result.outcome
            && result.kind() == OutcomeKind::Failed
            && failure.concerns_every_key()
        {
            self.not_reached += 1;
        }
        if let Some(first) = fix_first(result, self.request, &explanation) {
            self.lead = first;
        }
        match self.request.single() {
            Some(key) => {
                let none = RunError::new(Exit::Success, "", "");
                let now = Explanation::of(none, result.result_member());
                self.state = Some(Explanation {
                    attempts: result.attempts,
                    ..now.about(Some(key), describe_key(result))
                });
                self.print_single(result, &explanation);
            }
            None if self.messages.is_json() => {
                // The command to undo is printed once at the end.
                if explanation.error.exit == Exit::Success {
                    explanation.error.hints.clear();
                }
                self.messages.explain(&explanation);
            }
            None => self.print_one_of_many(result, explanation),
        }
    }

    /// Prints an error that ended the run, with the state of the run's only key if that was printed before.
    pub(crate) fn print_end(&self, code: &str, message: impl Into<String>, exit: Exit) {
        self.explain_end(RunError::new(exit, code, message));
    }

    fn explain_end(&self, error: RunError) {
        let error = match self.state.clone() {
            Some(state) => Explanation { error, ..state },
            None => Explanation::of(error, AS_REPORTED),
        };
        self.messages.explain(&error);
    }

    /// Reports why no more keys are tried. For a single key, its result says so. People read the hints at the end.
    pub(crate) fn print_stop(&mut self, code: &str, why: &str, exit: Exit, hints: &[Hint]) {
        if self.request.single().is_some() {
            return;
        }
        let message = format!("{}: no more keys are tried", why.trim_end_matches('.'));
        let mut error = RunError::new(exit, code, message);
        if self.messages.is_json() {
            let hints = hints.iter();
            let hints = hints.map(|hint| self.for_next_run(hint, false).into());
            error.hints = hints.collect();
        }
        self.messages.explain(&Explanation::of(error, AS_REPORTED));
        if self.messages.is_json() {
            return;
        }
        if !hints.is_empty() {
            FIX_FIRST.clone_into(&mut self.lead);
        }
        for hint in hints {
            match hint {
                Hint::Again(lead) if self.request.mode == Mode::Change => {
                    self.lead.clone_from(lead);
                }
                _ => self.add_final(Level::Hint, hint.to_string()),
            }
        }
    }

    /// Reports that a result could not be written. The exit status is never success because a pipeline did not get the
    /// result.
    pub(crate) fn print_write_failure(&mut self, error: &io::Error, exit: Exit) -> Exit {
        self.prepare_resume(error, "free disk space or write the results elsewhere");
        let exit = match self.request.single() {
            None if !exit.is_signal() => Exit::Other,
            _ => exit.or_other(),
        };
        let message = format!("could not write the result to standard output: {error}");
        self.print_end("NotWritten", message, exit);
        exit
    }

    /// Reports that the user did not confirm, or that a signal came instead. The keys have no messages of their own.
    pub(crate) fn print_not_confirmed(&mut self, exit: Exit) {
        self.is_not_confirmed = true;
        let (code, what) = match exit {
            Exit::Refused => ("Declined", "not confirmed"),
            _ => ("Interrupted", "interrupted"),
        };
        self.print_end(code, format!("{what}: this run changed nothing"), exit);
    }

    /// Reports that the list of keys or the journal cannot be read or written.
    pub(crate) fn print_broken_run(&mut self, error: &io::Error, exit: Exit) {
        self.prepare_resume(error, "free disk space");
        if let (Some(key), None) = (self.request.single(), &self.state) {
            let known = KeyState::NotDone(String::new()).result_member(self.request.action);
            let result_text = "no request to change the key was sent to IAM".to_owned();
            let untouched = Explanation::of(RunError::new(exit, "", ""), known);
            self.state = Some(untouched.about(Some(key), result_text));
        }
        let mut end = RunError::new(exit, "BrokenOff", format!("the run was aborted: {error}"));
        if self.request.single().is_some() {
            end.hints.extend(raise_file_size(error).map(Hint::from));
        }
        self.explain_end(end);
    }

    /// Starts the progress bar for this number of keys. A single key has no bar.
    pub(crate) fn start_bar(&self, keys: u64) {
        if self.request.single().is_none() {
            self.bar.update(&self.summary);
            self.bar.expect(Some(keys));
        }
    }

    /// Finishes the report of a run over many keys: prints the changed keys whose results were not written, and the
    /// summary.
    pub(crate) fn finish(&mut self, resume: Resume) {
        if self.request.single().is_some() {
            return;
        }
        self.bar.clear();
        for known in std::mem::take(&mut self.output.unwritten) {
            self.messages.print(Level::Result, &known);
        }
        // One sentence has reported that nothing was changed.
        let count = |kind| self.summary.count_of(kind);
        let untouched = count(OutcomeKind::Refused) + count(OutcomeKind::NotTried);
        if !self.is_not_confirmed || untouched != self.summary.total() {
            self.print_summary(resume);
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
            let text = format!("{}\n", SafeText::page(text));
            stream::write(stream::Stream::Results, text.as_bytes())
        }
    }
}

/// Reports a panic: a sentence and the state of the keys. `single` is the run's only key with its state, and
/// `unknown_keys` are those whose state is unknown.
pub(crate) fn print_panic(
    place: &str,
    request: &Request,
    single: Option<(&Key, KeyState)>,
    unknown_keys: Vec<Key>,
) -> Exit {
    let is_reported =
        request.output != Some(Format::Off) || single.is_some() || request.mode == Mode::DryRun;
    let exit = if unknown_keys.is_empty() && is_reported {
        Exit::Other
    } else {
        Exit::Unknown
    };
    let (messages, commands) = (Messages::of(request), Commands::new(&request.connection));
    let message = format!("aborted at {place}: a bug, or not enough memory or threads");
    let error = RunError::new(exit, "BrokenOff", message);
    let error = |known| Explanation::of(error.clone(), known);
    let print_key = |key: &Key, known: &KeyState| {
        let check = commands.check(key, known).map(|check| format!("; {check}"));
        let (result_text, check) = (known.describe(request.action), check.unwrap_or_default());
        let result_text = format!("{}: {result_text}{check}", key.id);
        let error = error(known.result_member(request.action));
        messages.explain(&error.about(Some(key), result_text));
    };
    if let Some((key, known)) = single {
        print_key(key, &known);
        return exit;
    }
    let others = if is_reported {
        "the results on standard output are correct, and this run changed no other keys, except possibly those below whose state is unknown"
    } else {
        "it is unknown which keys were changed: check with `aws iam list-access-keys`, or the journal"
    };
    messages.explain(&error(AS_REPORTED).about(None, others.to_owned()));
    for key in unknown_keys {
        print_key(&key, &KeyState::unknown("the request may have been sent"));
    }
    exit
}
