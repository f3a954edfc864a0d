//! The end of a run: the results of the remaining keys, the exit status, and the summary.

use std::io;

use super::abort::AbortReason;
use super::{Run, matching};
use crate::error::Exit;
use crate::log::Log;
use crate::metadata::Target;
use crate::outcome::{Outcome, OutcomeKind};
use crate::report::Resume;
use crate::report::destination::resume_from_output;
use crate::report::message::Messages;
use crate::request::Format;
use crate::signal;
use crate::spill::SpillReader;

impl Run<'_> {
    /// Ends the run early: reports the remaining keys, and returns the exit status.
    pub(super) async fn abort(&mut self, mut reason: AbortReason) -> Exit {
        let report = &mut self.report;
        report.bar.clear();
        match &reason {
            AbortReason::Unreachable { keys, why } => {
                let why = format!("{why} for {keys} keys in a row");
                report.print_stop("Unreachable", &why, Exit::Unreachable, &[]);
            }
            AbortReason::NotRenewed(stop) => {
                if stop.exit == Exit::Refused {
                    report.continue_as = self.work.iam.began_as();
                }
                report.print_stop(&stop.code, &stop.message, stop.exit, &stop.hints);
            }
            AbortReason::NotConfirmed(exit) => report.print_not_confirmed(*exit),
            _ => {}
        }
        // A signal may have come while the keys in flight finished.
        if let AbortReason::KeyFailed { .. }
        | AbortReason::NotRenewed(_)
        | AbortReason::Unreachable { .. } = reason
            && let Some(exit) = self.work.signals.first()
        {
            reason = AbortReason::Signal(exit);
        }
        if let AbortReason::Signal(exit) = reason {
            report.print_stop("Interrupted", "interrupted", exit, &[]);
        }
        let written = self.report_remaining(&reason).await;
        match (reason, written) {
            (AbortReason::OutputFailed(error), _) => {
                self.write_failure(&error, self.report.summary.exit()).await
            }
            (AbortReason::NotConfirmed(exit), Err(error)) => self.write_failure(&error, exit).await,
            (AbortReason::NotConfirmed(exit), Ok(())) | (AbortReason::Signal(exit), _) => exit,
            (AbortReason::NotRenewed(stop), _) if stop.exit == Exit::Refused => Exit::Refused,
            (AbortReason::JournalChanged, _) => Exit::Other,
            (AbortReason::StorageFailed(error), _) => {
                // A signal may have ended the wait for the journal's disk.
                let exit = self.work.signals.first().unwrap_or(Exit::Other);
                self.report.print_broken_run(&error, exit);
                exit
            }
            (
                AbortReason::KeyFailed { .. }
                | AbortReason::NotRenewed(_)
                | AbortReason::Unreachable { .. }
                | AbortReason::Fatal(_),
                _,
            ) => self.report.summary.exit(),
        }
    }

    /// Reports that a result could not be written. A terminal that is closed also sends SIGHUP.
    async fn write_failure(&mut self, error: &io::Error, exit: Exit) -> Exit {
        let exit = self.work.signals.first_by_now().await.unwrap_or(exit);
        self.report.print_write_failure(error, exit)
    }

    /// Reports each remaining key as not tried, or as finished by an earlier run, and counts it.
    ///
    /// # Errors
    ///
    /// A result cannot be written. The results after it are only counted.
    async fn report_remaining(&mut self, reason: &AbortReason) -> io::Result<()> {
        let work = self.work;
        let mut written = Ok(());
        while let Some(target) = self.keys.next() {
            let Ok(target) = target else { continue };
            if work.prior_state(&target).is_finished() {
                self.report.summary.count_finished_earlier();
                continue;
            }
            let result = work.unchanged(target, work.remaining_outcome(reason));
            let _ = work.record_listing(&result).await;
            let is_untouched =
                matches!(result.kind(), OutcomeKind::Refused | OutcomeKind::NotTried);
            let is_declined = is_untouched && self.report.is_not_confirmed;
            // After a signal, the run does not wait for readers.
            if !is_declined
                && written.is_ok()
                && let Err(AbortReason::OutputFailed(error)) = self.wait_for_readers().await
            {
                written = Err(error);
            }
            if is_declined || written.is_err() || self.report.output.gave_up() {
                self.report.summary.count(&result, work.request);
                continue;
            }
            written = self.report_result(&result);
        }
        written.and_then(|()| self.report.write_not_tried())
    }

    /// Reports those of the chosen keys that an earlier run started to change, if --max-keys keeps this run from changing any.
    pub(super) async fn report_unfinished(
        &mut self,
        keys: &mut SpillReader<Target>,
    ) -> Result<(), AbortReason> {
        let not_tried = |target| {
            let why = "more keys match than --max-keys allows";
            *self
                .work
                .unchanged(target, Outcome::not_tried(Exit::Refused, why))
        };
        let results = keys.filter_map(Result::ok).map(not_tried);
        let unknown = results.filter(|result| result.kind() == OutcomeKind::Unknown);
        self.report_kept(unknown.collect()).await
    }

    /// Waits until the results are written, and prints the summary. Returns the exit status, which so far is `exit`.
    pub(super) async fn finish(mut self, exit: Exit) -> Exit {
        let (work, request) = (self.work, self.work.request);
        if request.single().is_none() {
            Log::of(request).verbose(|| describe_requests(&work.iam.requests()));
        }
        let mut exit = match self.flush_output().await {
            Err(AbortReason::OutputFailed(error)) => self.write_failure(&error, exit).await,
            Err(AbortReason::Signal(exit)) => exit,
            _ => exit,
        };
        if self.report.output.gave_up() {
            let message =
                "interrupted: not every result could be written to standard output in time";
            self.report.print_end("NotWritten", message, exit);
        }
        let would_change = [
            OutcomeKind::WouldDelete,
            OutcomeKind::WouldDeactivate,
            OutcomeKind::WouldReactivate,
        ];
        // Without conditions and --find-user, a run counts the keys of a list before it learns that some are missing or cannot be
        // changed.
        let cannot_change = [OutcomeKind::Missing, OutcomeKind::Failed];
        let is_counted_unread = request.conditions.all.is_empty() && !request.find_user;
        let cannot_change = cannot_change.into_iter().filter(|_| is_counted_unread);
        let counted = would_change.into_iter().chain(cannot_change);
        let count = counted.map(|kind| self.report.summary.count_of(kind)).sum();
        if let Some(limit) = request.max_keys.filter(|limit| count > *limit) {
            Messages::of(request).warning(&format!(
                "{}, more than --max-keys {limit} allows: without --dry-run, nothing would be changed",
                matching(count)
            ));
        }
        let change = work.journal.changed_elsewhere();
        let change = match work.signals.bound(signal::CHECK, change).await {
            Ok(change) => change,
            // Where a record could not be written, that was reported.
            Err(interrupted) if exit == interrupted => None,
            Err(interrupted) => {
                exit = interrupted;
                let message = "interrupted: the journal's disk is not responding";
                self.report.print_end("Interrupted", message, exit);
                None
            }
        };
        let resume = self.resume(request.journal.is_some() && change.is_none());
        if let Some(change) = change {
            // A later run cannot know what this run did.
            exit = exit.or_other();
            self.report.print_end("JournalLost", change, exit);
        } else if self.report.is_not_confirmed {
            let removed = work.journal.remove_unused();
            let _ = work.signals.bound(signal::CHECK, removed).await;
        }
        self.report.finish(resume);
        exit
    }

    /// Returns what a later run can continue or undo this run from.
    pub(super) fn resume(&self, has_journal: bool) -> Resume {
        let request = self.work.request;
        // A list of keys contains no keys of the root user, and without a yes, the results lack the remaining keys.
        let has_results = request.query.is_none()
            && self.report.format == Format::Json
            && request.connection.target_principal.is_none()
            && !self.report.output.is_closed()
            && !self.report.is_not_confirmed;
        match resume_from_output() {
            _ if has_journal => Resume::Journal,
            _ if !has_results => Resume::Again,
            Resume::File if self.report.shares_file => Resume::Results,
            from_output => from_output,
        }
    }
}

/// Says how many requests the run took.
fn describe_requests(counts: &[(&str, usize)]) -> String {
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    let each = counts
        .iter()
        .map(|(operation, count)| format!("{count} {operation}"));
    let each = each.collect::<Vec<String>>().join(", ");
    match all {
        0 => "0 requests to IAM".to_owned(),
        1 => format!("1 request to IAM: {each}"),
        _ => format!("{all} requests to IAM: {each}"),
    }
}
