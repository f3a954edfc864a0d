//! A progress bar on standard error, for many keys and only on a terminal.

use std::cell::Cell;
use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anstyle::AnsiColor;

use super::fit::fit_start;
use super::message::Messages;
use super::stream::{self, Job, Stream};
use super::table::width;
use crate::lock::lock;
use crate::outcome::OutcomeKind;
use crate::request::Request;
use crate::summary::Summary;

/// A run that ends sooner has no bar.
const DELAY: Duration = Duration::from_secs(1);

/// The width of the bar without the text next to it.
const BAR_WIDTH: usize = 16;

/// Begins the line again, which is empty then.
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// How much is done, and of what.
type Progress = Arc<Mutex<(u64, String)>>;

/// The bar, or nothing if it would not be visible, and whether it is colored. The thread that writes standard error draws it.
#[derive(Clone, Debug)]
pub(crate) struct Bar(Option<(bool, Progress)>);

impl Bar {
    /// Creates a bar that is not shown yet.
    pub(crate) fn new(request: &Request) -> Self {
        let messages = Messages::of(request);
        let is_hidden = messages.is_json()
            || messages.is_quiet
            || !io::stderr().is_terminal()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let state = || Arc::new(Mutex::new((0, "keys".to_owned())));
        Self((!is_hidden).then(|| (messages.colored, state())))
    }

    /// Shows the bar for this number of keys. `None`: how much there is to do is unknown, so the time is shown.
    pub(super) fn expect(&self, count: Option<u64>) {
        if let Some((is_colored, state)) = &self.0 {
            stream::draw(Job::Show(DrawnBar {
                is_colored: *is_colored,
                count,
                state: Arc::clone(state),
                done_before: lock(state).0,
                start: Instant::now(),
                is_drawn: Cell::new(false),
            }));
        }
    }

    /// Advances the bar to the number of counted keys, without those that were not tried.
    pub(super) fn update(&self, summary: &Summary) {
        let failed = summary.count_of(OutcomeKind::Failed) + summary.count_of(OutcomeKind::Unknown);
        let what = match failed {
            0 => "keys".to_owned(),
            _ => format!("keys, {failed} failed"),
        };
        let done = summary.total() - summary.count_of(OutcomeKind::NotTried);
        self.set(done, what);
    }

    /// Advances the bar to `done` of `all` other items.
    pub(crate) fn step(&self, what: &'static str, done: usize, all: usize) {
        self.set(done as u64, what.to_owned());
        if done <= 1 {
            self.expect(Some(all as u64));
        }
    }

    /// Shows what is waited for.
    pub(crate) fn wait(&self, what: &'static str) {
        self.set(0, what.to_owned());
        self.expect(None);
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if self.0.is_some() {
            stream::draw(Job::Clear);
        }
    }

    fn set(&self, done: u64, what: String) {
        if let Some((_, state)) = &self.0 {
            *lock(state) = (done, what);
        }
    }
}

/// The bar on the terminal.
#[derive(Debug)]
pub(super) struct DrawnBar {
    is_colored: bool,
    count: Option<u64>,
    state: Progress,
    /// What was done before the bar was shown, which does not count for the rate.
    done_before: u64,
    start: Instant,
    is_drawn: Cell<bool>,
}

impl DrawnBar {
    /// Draws the current state, unless the run may still end soon.
    pub(super) fn draw(&self) {
        if self.start.elapsed() < DELAY {
            return;
        }
        // A full line could wrap.
        let width = width(io::stderr()).saturating_sub(1);
        let mut line = fit_start(&self.text(), width);
        if self.is_colored
            && self.count.is_some()
            && let Some((bar, text)) = line.split_at_checked(BAR_WIDTH)
        {
            let green = AnsiColor::Green.on_default();
            line = format!("{green}{bar}{green:#}{text}");
        }
        put(&format!("{CLEAR_LINE}{line}"));
        self.is_drawn.set(true);
    }

    fn text(&self) -> String {
        // The lock is released first because writing to the terminal may block.
        let (done, what) = lock(&self.state).clone();
        let elapsed = self.start.elapsed();
        let Some(count) = self.count else {
            return format!("{what}: {}", format_duration(elapsed));
        };
        let bar = (0_u64..).take(BAR_WIDTH).map(|place| {
            let is_filled = done.saturating_mul(BAR_WIDTH as u64) > place.saturating_mul(count);
            if is_filled { '#' } else { '-' }
        });
        let bar: String = bar.collect();
        let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let rate = number(done.saturating_sub(self.done_before)) / elapsed.as_secs_f64();
        let left = Duration::try_from_secs_f64(number(count.saturating_sub(done)) / rate);
        let pace = rate_and_eta(done, rate, left.unwrap_or_default());
        format!("{bar} {done}/{count} {what}{pace}")
    }

    /// Writes lines above the bar.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.clear();
        let written = write();
        self.draw();
        written
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        if self.is_drawn.take() {
            put(CLEAR_LINE);
        }
    }
}

fn put(text: &str) {
    let _ = stream::write(Stream::Messages, text.as_bytes());
}

/// Returns the rate and the remaining time, or nothing before the first key is done.
fn rate_and_eta(done: u64, per_second: f64, left: Duration) -> String {
    if done == 0 || per_second <= 0.0 {
        return String::new();
    }
    let rate = if per_second < 9.95 {
        format!("{per_second:.1}")
    } else {
        format!("{per_second:.0}")
    };
    format!(", {rate}/s, {} left", format_duration(left))
}

/// Formats a duration with its two largest units.
fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::rate_and_eta;

    #[test]
    fn a_pace_is_rounded_as_people_say_it() {
        for (rate, seconds, expected) in [
            (386.5846, 2.4, ", 387/s, 2 s left"),
            (9.96, 59.6, ", 10/s, 1 min 0 s left"),
            (0.333, 754.0, ", 0.3/s, 12 min 34 s left"),
            (20.0, 50_000.0, ", 20/s, 13 h 53 min left"),
        ] {
            assert_eq!(
                rate_and_eta(1, rate, Duration::from_secs_f64(seconds)),
                expected
            );
        }
        assert_eq!(rate_and_eta(0, 0.0, Duration::ZERO), "");
        assert_eq!(rate_and_eta(3, 0.0, Duration::ZERO), "");
    }
}
