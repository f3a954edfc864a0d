//! Many keys as people are told of them: what went wrong with each, and at the end each hint once, how many ended how,
//! and how to do the rest.

use super::hint::{About, hints};
use super::progress::Bar;
use super::table::Row;
use super::tell::{contradicted, sentence, unchecked};
use super::{Report, Told};
use crate::outcome::{Known, Outcome, Refusal, Settled};
use crate::request::{Action, Mode, Request, Selection};
use crate::tally::Tally;
use crate::word::Word;

/// How many rows a table has at most; a longer list is several tables, so that it need not be in memory.
const ROWS: usize = 500;

/// How many hints are remembered: what goes beyond tells nobody anything.
const HINTS: usize = 20;

/// What is remembered between the keys.
#[derive(Debug)]
pub(super) struct Many {
    bar: Bar,
    /// Whether the keys are named, rather than found.
    is_named: bool,
    rows: Vec<Row>,
    /// What is known of the keys of these rows that were changed.
    known: Vec<String>,
    /// What to run next, once each, for the end.
    hints: Vec<String>,
    /// How many keys a sweep found, and how many of them are inactive already and were to be made so.
    found: (u64, u64),
}

/// How a run that left keys can be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It has a journal.
    Journal,
    /// It has none, but its results can be read again.
    Results,
    /// Neither: what was printed is not the whole of each result.
    Again,
}

impl Many {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            bar: Bar::new(request),
            is_named: matches!(
                request.selection,
                Selection::Named(_) | Selection::Listed { .. }
            ),
            rows: Vec::new(),
            known: Vec::new(),
            hints: Vec::new(),
            found: (0, 0),
        }
    }

    /// Moves the bar on.
    pub(super) fn counted(&self, tally: &Tally) {
        self.bar.at(tally);
    }

    /// Keeps a row until a table is full, and what is known of its key if it was changed.
    pub(super) fn gather(&mut self, row: Row, known: Vec<String>) {
        self.rows.push(row);
        self.known.extend(known);
    }

    pub(super) fn has_full_table(&self) -> bool {
        self.rows.len() >= ROWS
    }

    /// The rows that were gathered, and what is known of their keys.
    pub(super) fn take_rows(&mut self) -> (Vec<Row>, Vec<String>) {
        let known = std::mem::take(&mut self.known);
        (std::mem::take(&mut self.rows), known)
    }

    pub(super) fn clear(&self) {
        self.bar.clear();
    }
}

impl Report {
    /// The bar of a run over so many keys.
    pub(crate) fn expect(&self, keys: u64) {
        if let Told::Many(many) = &self.told {
            many.bar.expect(keys);
        }
    }

    /// How many keys a sweep found, and how many of them are inactive already and were to be made so.
    pub(crate) fn found(&mut self, keys: u64, already_inactive: u64) {
        if let Told::Many(many) = &mut self.told {
            many.found = (keys, already_inactive);
        }
    }

    /// Tells people what became of one key of many, where they have to know.
    pub(super) fn tell_one_of_many(&mut self, settled: &Settled) {
        let key = &settled.key.id;
        let done = settled.action.done();
        match &settled.outcome {
            Outcome::Done {
                evidence: Some(evidence),
                ..
            } => {
                self.messages
                    .warning(&format!("{key} is presumed {done}: {evidence}"));
            }
            Outcome::Refused(Refusal::SigningKey) => {
                let verb = settled.action.verb();
                self.messages.warning(&format!(
                    "{key} signs the requests of this run: to {verb} it would lock you out"
                ));
            }
            Outcome::Failed { failure, known } => {
                let sentence = sentence(failure, "IAM");
                let sentence = sentence.trim_end_matches('.');
                let known_of_it = known.told(settled.action);
                self.messages
                    .error(&format!("{key}: {sentence}; {known_of_it}"));
                self.hint_to_check(settled, known);
                let what = if failure.is_no_such_entity() {
                    "NoSuchEntity: "
                } else {
                    ""
                };
                for hint in hints(About::OneOfMany(&settled.key), failure, &self.commands) {
                    self.hint_at_the_end(format!("{what}{hint}"));
                }
            }
            Outcome::LeftInDoubt { why, .. } => {
                let known = Known::begun();
                self.messages
                    .error(&format!("{key}: {why}; {}", known.told(settled.action)));
                self.hint_to_check(settled, &known);
            }
            // It is told as one of those that were not tried.
            Outcome::Stopped {
                known: Known::NotDone(_),
                ..
            } if settled.attempts == 0 => {}
            Outcome::Stopped { known, .. } => {
                self.messages.error(&format!(
                    "{key}: interrupted; {}",
                    known.told(settled.action)
                ));
                self.hint_to_check(settled, known);
            }
            Outcome::Missing(failure) => {
                if let Some(what) = contradicted(settled, failure) {
                    self.messages.warning(&what);
                } else if let Some([_, what]) = unchecked(failure) {
                    self.hint_at_the_end(what.to_owned());
                }
            }
            Outcome::Done { evidence: None, .. }
            | Outcome::Would(_)
            | Outcome::Skipped(_)
            | Outcome::AlreadyInactive
            | Outcome::Refused(Refusal::Declined)
            | Outcome::NotTried { .. } => {}
        }
    }

    fn hint_to_check(&self, settled: &Settled, known: &Known) {
        if let Some(hint) = self.check(settled, known) {
            self.messages.hint(&hint);
        }
    }

    fn hint_at_the_end(&mut self, hint: String) {
        if let Told::Many(many) = &mut self.told
            && many.hints.len() < HINTS
            && !many.hints.contains(&hint)
        {
            many.hints.push(hint);
        }
    }

    /// How many keys ended how, and how to do the rest.
    pub(super) fn sum_up(&self, tally: &Tally, resume: Resume) {
        if let Told::Many(many) = &self.told {
            for hint in &many.hints {
                self.messages.hint(hint);
            }
        }
        if self.mode == Mode::Change && tally.of(Word::NotTried) + tally.of(Word::Unknown) > 0 {
            self.messages.hint(match resume {
                _ if self.needs_other_query => match resume {
                    Resume::Journal => {
                        "to do the rest: the same command again with another --query or none; what the journal has \
                         settled is skipped"
                    }
                    Resume::Results | Resume::Again => {
                        "to do the rest: the same command again with another --query or none, and with \
                         --ignore-missing"
                    }
                },
                Resume::Journal => {
                    "to do the rest: the same command again; what the journal has settled is skipped"
                }
                Resume::Results => {
                    "to do the rest: save what standard output got, and give it with --from; what is settled in it \
                     is left out"
                }
                Resume::Again => "to do the rest: the same command again, with --ignore-missing",
            });
        }
        if self.action == Action::Deactivate && tally.of(Word::Deactivated) > 0 {
            let command = self.commands.activate_any();
            self.messages
                .hint(&format!("to undo it for a key: {command}"));
        }
        let total = tally.total();
        if total == 0 {
            let why = match &self.told {
                Told::Many(Many { is_named: true, .. }) => {
                    "the list names no key that is to be changed".to_owned()
                }
                Told::Many(Many {
                    found: (keys, already_inactive),
                    ..
                }) => nothing_chosen(*keys, *already_inactive),
                Told::One(..) => nothing_chosen(0, 0),
            };
            self.messages.note(&format!("nothing to do: {why}"));
        }
        let keys = if total == 1 { "key" } else { "keys" };
        let dry = match self.mode {
            Mode::DryRun => "; this was a dry run",
            Mode::Change => "",
        };
        self.messages
            .known(&format!("{total} {keys}: {}{dry}", tally.told()));
    }
}

/// Why a sweep that found so many keys chose none of them.
fn nothing_chosen(keys: u64, already_inactive: u64) -> String {
    match (keys, keys.saturating_sub(already_inactive)) {
        _ if already_inactive == 0 => {
            "there is no key, or none satisfies the conditions".to_owned()
        }
        (1, 0) => "1 key, already inactive".to_owned(),
        (2, 0) => "2 keys, both already inactive".to_owned(),
        (_, 0) => format!("{keys} keys, all already inactive"),
        (_, 1) => format!(
            "{keys} keys: {already_inactive} already inactive, and the other does not satisfy the conditions"
        ),
        _ => format!(
            "{keys} keys: {already_inactive} already inactive, and none of the others satisfies the conditions"
        ),
    }
}
