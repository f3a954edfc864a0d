//! What `--verbose` and `--debug` tell on standard error. Only what this program says of itself: the
//! SDK's own log is never printed, since it holds secrets at its lower levels.

use crate::report::escape::excerpt;
use crate::request::Verbosity;

/// Writes lines about the way there, as far as they were asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log(Verbosity);

impl Log {
    /// A log that tells as much as `verbosity` says.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self(verbosity)
    }

    /// A line for `--verbose`.
    pub(crate) fn verbose(self, line: impl FnOnce() -> String) {
        self.write(Verbosity::Verbose, "info", line);
    }

    /// Lines for `--debug`.
    pub(crate) fn debug(self, line: impl FnOnce() -> String) {
        self.write(Verbosity::Debug, "debug", line);
    }

    fn write(self, level: Verbosity, label: &str, line: impl FnOnce() -> String) {
        if self.0 < level {
            return;
        }
        for line in line().lines() {
            crate::report::message::line(&format!("{label}: {}", excerpt(line)));
        }
    }
}
