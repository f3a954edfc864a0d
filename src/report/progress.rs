//! A bar on standard error while many keys are under way, where that is a terminal.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::batch::Tally;
use crate::request::{Color, ErrorFormat, Request};

/// How often it moves although nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// The bar; nothing where nobody sees it.
#[derive(Clone, Debug)]
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar that is not shown yet.
    pub(crate) fn new(request: &Request) -> Self {
        if request.error_format == ErrorFormat::Json
            || !io::stderr().is_terminal()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
        {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template = match request.color {
            Color::Off => "{msg} {bar:24} {pos}/{len}, {per_sec}, {eta} left",
            Color::On | Color::Auto => "{msg} {bar:24.green} {pos}/{len}, {per_sec}, {eta} left",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("##-"));
        }
        Self(Some(bar))
    }

    /// Shows it, for so many.
    pub(crate) fn expect(&self, count: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(count);
            bar.reset();
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    }

    /// Moves it to what was counted.
    pub(super) fn at(&self, tally: &Tally) {
        if let Some(bar) = &self.0 {
            bar.set_position(tally.total());
            let failed = tally.of("Failed") + tally.of("Unknown");
            bar.set_message(format!("failed {failed}"));
        }
    }

    /// Moves it to `done` of `all` of something else.
    pub(crate) fn step(&self, what: &'static str, done: usize, all: usize) {
        if let Some(bar) = &self.0 {
            if done <= 1 {
                self.expect(all as u64);
                bar.set_message(what);
            }
            bar.set_position(done as u64);
        }
    }

    /// Writes lines beside it.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes it away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
