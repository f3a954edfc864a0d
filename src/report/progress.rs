//! A progress bar on standard error, for many keys and only on a terminal.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use super::stream::{self, Job, Stream};
use super::table::width;
use crate::lock::lock;
use crate::outcome::OutcomeKind;
use crate::request::{Color, ErrorFormat, Request, Verbosity};
use crate::summary::Summary;

/// A run that ends sooner has no bar.
const DELAY: Duration = Duration::from_secs(1);

/// The bar, or nothing if it would not be visible. The thread that writes standard error draws it.
#[derive(Clone, Debug)]
pub(crate) struct Bar(Option<(Color, Arc<Mutex<BarState>>)>);

/// What the bar shows the next time it is drawn.
#[derive(Debug)]
struct BarState {
    done: u64,
    message: String,
}

impl Default for BarState {
    fn default() -> Self {
        let message = "keys".to_owned();
        Self { done: 0, message }
    }
}

impl Bar {
    /// Creates a bar that is not shown yet.
    pub(crate) fn new(request: &Request) -> Self {
        if request.error_format == ErrorFormat::Json
            || request.verbosity == Verbosity::Quiet
            || !io::stderr().is_terminal()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
        {
            return Self(None);
        }
        Self(Some((request.color, Arc::default())))
    }

    /// Shows the bar for this number of keys. `None`: how much there is to do is unknown, so the time is shown.
    pub(super) fn expect(&self, count: Option<u64>) {
        if let Some((color, state)) = &self.0 {
            stream::draw(Job::Show(DrawnBar::new(*color, count, state)));
        }
    }

    /// Advances the bar to the number of counted keys, without those that were not tried.
    pub(super) fn update(&self, summary: &Summary) {
        let failed = summary.count_of(OutcomeKind::Failed) + summary.count_of(OutcomeKind::Unknown);
        let message = match failed {
            0 => "keys".to_owned(),
            _ => format!("keys, {failed} failed"),
        };
        let done = summary.total() - summary.count_of(OutcomeKind::NotTried);
        self.set(done, &message);
    }

    /// Advances the bar to `done` of `all` other items.
    pub(crate) fn step(&self, what: &'static str, done: usize, all: usize) {
        self.set(done as u64, what);
        if done <= 1 {
            self.expect(Some(all as u64));
        }
    }

    /// Shows what is waited for.
    pub(crate) fn wait(&self, what: &'static str) {
        self.set(0, what);
        self.expect(None);
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if self.0.is_some() {
            stream::draw(Job::Clear);
        }
    }

    fn set(&self, done: u64, message: &str) {
        if let Some((_, state)) = &self.0 {
            let mut state = lock(state);
            state.done = done;
            message.clone_into(&mut state.message);
        }
    }
}

/// The bar as `indicatif` draws it.
#[derive(Debug)]
pub(super) struct DrawnBar {
    bar: ProgressBar,
    visible_from: Instant,
    state: Arc<Mutex<BarState>>,
}

impl DrawnBar {
    fn new(color: Color, count: Option<u64>, state: &Arc<Mutex<BarState>>) -> Self {
        let message = lock(state).message.clone();
        let bar = ProgressBar::with_draw_target(
            count,
            ProgressDrawTarget::term_like(Box::<Line>::default()),
        )
        .with_message(message);
        let template = match color {
            _ if count.is_none() => "{msg}: {time}",
            Color::Off => "{bar:16} {pos}/{len} {msg}{pace}",
            Color::On | Color::Auto => "{bar:16.green} {pos}/{len} {msg}{pace}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate_and_eta = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(
                    out,
                    "{}",
                    rate_and_eta(state.pos(), state.per_sec(), state.eta())
                );
            };
            let time = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{}", format_duration(state.elapsed()));
            };
            let style = style.with_key("pace", rate_and_eta).with_key("time", time);
            bar.set_style(style.progress_chars("##-"));
        }
        Self {
            bar,
            visible_from: Instant::now() + DELAY,
            state: Arc::clone(state),
        }
    }

    fn is_visible(&self) -> bool {
        Instant::now() >= self.visible_from
    }

    /// Draws the current state, unless the run may still end soon.
    pub(super) fn draw(&self) {
        if !self.is_visible() {
            return;
        }
        // The lock is released first because writing to the terminal may block.
        let (done, message) = {
            let state = lock(&self.state);
            (state.done, state.message.clone())
        };
        // Each setter would draw: the new message with the old position.
        let bar = self.bar.clone().with_message(message);
        bar.with_position(done).tick();
    }

    /// Writes lines above the bar.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        // `indicatif` would draw the bar.
        if !self.is_visible() {
            return write();
        }
        let written = self.bar.suspend(write);
        self.draw();
        written
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The line of standard error on which the bar is drawn. What `indicatif` has for this fills the line with spaces. Then what a
/// terminal shows of Ctrl-C begins another line, and the bar is shown twice.
#[derive(Debug, Default)]
struct Line(Mutex<String>);

impl Line {
    fn put(&self, text: &str) {
        lock(&self.0).push_str(text);
    }

    fn move_cursor(&self, count: usize, direction: char) {
        if count > 0 {
            self.put(&format!("\u{1b}[{count}{direction}"));
        }
    }
}

impl TermLike for Line {
    fn width(&self) -> u16 {
        u16::try_from(width(io::stderr())).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(text);
        self.put("\n");
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text.trim_end_matches(' '));
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\u{1b}[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *lock(&self.0));
        stream::write(Stream::Messages, text.as_bytes())
    }
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
