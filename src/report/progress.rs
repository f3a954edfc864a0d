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
use crate::terminal;

/// A run that ends sooner has no bar.
const DELAY: Duration = Duration::from_secs(1);

/// The width of the bar without the text next to it.
const BAR_WIDTH: usize = 16;

/// Begins the line again, which is empty then.
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// How far the run is.
#[derive(Clone, Debug)]
struct Progress {
    done: u64,
    /// How much of that earlier runs did.
    earlier: u64,
    /// What is counted.
    what: String,
    /// What the owners of keys wait for.
    index: Option<String>,
}

type SharedProgress = Arc<Mutex<Progress>>;

impl Progress {
    fn new(done: u64, earlier: u64, what: &str) -> Self {
        Self {
            done,
            earlier,
            what: what.to_owned(),
            index: None,
        }
    }
}

/// The bar, or nothing if it would not be visible, and whether it is colored. The thread that writes standard error draws it.
#[derive(Clone, Debug)]
pub(crate) struct Bar(Option<(bool, SharedProgress)>);

impl Bar {
    /// Creates a bar that is not shown yet.
    pub(crate) fn new(request: &Request) -> Self {
        let messages = Messages::of(request);
        let is_hidden = messages.is_json()
            || messages.is_quiet
            || !io::stderr().is_terminal()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let start = Progress::new(0, 0, "keys");
        Self((!is_hidden).then(|| (messages.colored, Arc::new(Mutex::new(start)))))
    }

    /// Shows the bar for this number of keys. `None`: how much there is to do is unknown, so the time is shown.
    pub(crate) fn expect(&self, count: Option<u64>) {
        if let Some((is_colored, state)) = &self.0 {
            stream::draw(Job::Show(Some(DrawnBar {
                is_colored: *is_colored,
                count,
                state: Arc::clone(state),
                worked_before: worked(&lock(state)),
                start: Instant::now(),
                is_drawn: Cell::new(false),
            })));
        }
    }

    /// Advances the bar to the number of counted keys, without those that were not tried.
    pub(super) fn update(&self, summary: &Summary) {
        let counts = [OutcomeKind::Failed, OutcomeKind::Unknown].map(|kind| summary.count_of(kind));
        let counts = counts.into_iter().zip(["failed", "unknown"]);
        let counts = counts.filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!(", {count} {what}"));
        let counts = counts.collect::<Vec<String>>().concat();
        let done = summary.total() - summary.count_of(OutcomeKind::NotTried);
        self.set(done, summary.finished_earlier, format!("keys{counts}"));
    }

    /// Advances the bar to the number of keys that were checked.
    pub(crate) fn check(&self, done: u64) {
        self.set(done, 0, "keys checked".to_owned());
    }

    /// Advances the bar to `done` of `all` other items.
    pub(crate) fn step(&self, what: &'static str, done: usize, all: usize) {
        self.set(done as u64, 0, what.to_owned());
        if done <= 1 {
            self.expect(Some(all as u64));
        }
    }

    /// Shows what is waited for.
    pub(crate) fn wait(&self, what: &'static str) {
        self.set(0, 0, what.to_owned());
        self.expect(None);
    }

    /// Shows what the owners of keys wait for, next to the number of keys. `None`: nothing.
    pub(crate) fn index(&self, what: Option<String>) {
        if let Some((_, state)) = &self.0 {
            lock(state).index = what;
        }
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if self.0.is_some() {
            stream::draw(Job::Show(None));
        }
    }

    fn set(&self, done: u64, earlier: u64, what: String) {
        if let Some((_, state)) = &self.0 {
            let mut state = lock(state);
            (state.done, state.earlier, state.what) = (done, earlier, what);
        }
    }
}

/// The bar on the terminal.
#[derive(Debug)]
pub(super) struct DrawnBar {
    is_colored: bool,
    count: Option<u64>,
    state: SharedProgress,
    /// What this run did before the bar was shown, which does not count for the rate.
    worked_before: u64,
    start: Instant,
    is_drawn: Cell<bool>,
}

impl DrawnBar {
    /// Draws the current state, unless the run may still end soon, or the line on the screen is another job's.
    pub(super) fn draw(&self) {
        if self.start.elapsed() < DELAY || terminal::is_of_another_job(&io::stderr()) {
            return;
        }
        // A full line could wrap, and so could the `^C` after it.
        let width = width(io::stderr()).saturating_sub(3);
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
        let state = lock(&self.state).clone();
        let worked = worked(&state).saturating_sub(self.worked_before);
        let (done, what) = (state.done, state.what);
        let elapsed = self.start.elapsed();
        let Some(count) = self.count else {
            let what = state.index.unwrap_or(what);
            return format!("{what}: {}", format_duration(elapsed));
        };
        let bar = bar(done, count);
        if let Some(index) = state.index {
            return format!("{bar} {done}/{count} {what}, {index}");
        }
        let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let rate = number(worked) / elapsed.as_secs_f64();
        let left = Duration::try_from_secs_f64(number(count.saturating_sub(done)) / rate);
        let pace = rate_and_eta(rate, left.unwrap_or_default());
        format!("{bar} {done}/{count} {what}{pace}")
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        if self.is_drawn.take() && !terminal::is_of_another_job(&io::stderr()) {
            put(CLEAR_LINE);
        }
    }
}

fn put(text: &str) {
    let _ = stream::write(Stream::Messages, text.as_bytes());
}

/// Returns how much this run did.
fn worked(state: &Progress) -> u64 {
    state.done.saturating_sub(state.earlier)
}

/// Returns the bar itself, which is full only at the end.
fn bar(done: u64, count: u64) -> String {
    let is_filled =
        |place: u64| done.saturating_mul(BAR_WIDTH as u64) >= place.saturating_mul(count);
    let places = (1..).take(BAR_WIDTH);
    let bar = places.map(|place| if is_filled(place) { '#' } else { '-' });
    bar.collect()
}

/// Returns the rate and the remaining time, or nothing before the first key is done.
fn rate_and_eta(per_second: f64, left: Duration) -> String {
    if per_second <= 0.0 {
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
    use super::*;

    #[test]
    fn a_pace_is_rounded_as_people_say_it() {
        for (rate, seconds, expected) in [
            (386.5846, 2.4, ", 387/s, 2 s left"),
            (9.96, 59.6, ", 10/s, 1 min 0 s left"),
            (0.333, 754.0, ", 0.3/s, 12 min 34 s left"),
            (20.0, 50_000.0, ", 20/s, 13 h 53 min left"),
        ] {
            assert_eq!(
                rate_and_eta(rate, Duration::from_secs_f64(seconds)),
                expected
            );
        }
        assert_eq!(rate_and_eta(0.0, Duration::ZERO), "");
    }

    #[test]
    fn a_bar_is_full_at_the_end_and_not_before() {
        for (done, count, filled) in [
            (0, 100, 0),
            (6, 100, 0),
            (7, 100, 1),
            (94, 100, 15),
            (99, 100, 15),
            (100, 100, 16),
        ] {
            let expected = format!("{}{}", "#".repeat(filled), "-".repeat(16 - filled));
            assert_eq!(bar(done, count), expected, "{done}/{count}");
        }
    }

    /// What an earlier run finished is done, and took this one no time.
    #[test]
    fn only_what_this_run_did_counts_for_the_pace() {
        let start = Instant::now().checked_sub(Duration::from_secs(10));
        let drawn = |done, earlier| DrawnBar {
            is_colored: false,
            count: Some(450),
            state: Arc::new(Mutex::new(Progress::new(done, earlier, "keys"))),
            worked_before: 0,
            start: start.expect("a machine that is up for seconds"),
            is_drawn: Cell::new(false),
        };
        let ended = |text: &str, end: &str| assert!(text.ends_with(end), "{text}");
        ended(&drawn(400, 400).text(), " 400/450 keys");
        ended(&drawn(440, 400).text(), " 440/450 keys, 4.0/s, 3 s left");
    }
}
