//! When a fault happens: for which connection or request, and how often.

use crate::disruption::What;
use crate::storm::{Storm, Weather};
use std::time::{Duration, Instant};

/// A fault and when it happens. By default it happens once, with the first request for any action.
#[derive(Debug, Clone)]
pub struct Fault {
    what: What,
    action: Option<String>,
    user: Option<String>,
    skip: u64,
    /// `None` means no limit.
    times: Option<u64>,
    lasts: Option<Duration>,
    ends: Option<Instant>,
}

impl Fault {
    /// Happens once, with the next request (or the next connection, for `ResetOnAccept` and `SilenceOnAccept`).
    #[must_use]
    pub const fn new(what: What) -> Self {
        Self {
            what,
            action: None,
            user: None,
            skip: 0,
            times: Some(1),
            lasts: None,
            ends: None,
        }
    }

    /// Limits the fault to requests for this action, such as `DeleteAccessKey`. Does not apply to connection faults.
    #[must_use]
    pub fn on(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }

    /// Limits the fault to requests that name this user.
    #[must_use]
    pub fn of_user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// Skips the first `n` matching requests.
    #[must_use]
    pub const fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Happens `n` times.
    #[must_use]
    pub const fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Happens every time.
    #[must_use]
    pub const fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Happens every time until `time` has passed since the first time.
    #[must_use]
    pub const fn lasts(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self.always()
    }

    /// Happens every time until `end`.
    #[must_use]
    pub const fn until(mut self, end: Instant) -> Self {
        self.ends = Some(end);
        self.lasts(Duration::ZERO)
    }

    /// Whether the fault happens now. Counts this request.
    fn applies(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(time) = self.lasts {
            let now = Instant::now();
            return now < *self.ends.get_or_insert(now + time);
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// The pending faults, in the order they were added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    queue: Vec<Fault>,
    weather: Option<Weather>,
}

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.queue.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.weather = None;
    }

    /// Starts a storm of random faults.
    pub(crate) fn begin(&mut self, storm: Storm) {
        self.weather = Some(Weather::new(storm));
    }

    /// How many faults can still happen. A fault without a limit counts until it is cleared.
    pub(crate) fn left(&self) -> usize {
        self.queue.len()
    }

    /// The fault for a new connection.
    pub(crate) fn on_accept(&mut self) -> Option<What> {
        let what = self.first(|fault| fault.what.is_on_accept());
        what.or_else(|| {
            let reset = self.weather.as_mut()?.resets_connection();
            reset.then_some(What::ResetOnAccept)
        })
    }

    /// The fault for a request, and how long to delay its response.
    pub(crate) fn on_request(
        &mut self,
        action: &str,
        params: &[(String, String)],
    ) -> (Option<What>, Duration) {
        let mut delay = Duration::ZERO;
        let user = params.iter().find(|(name, _)| name == "UserName");
        let named = |fault: &Fault| {
            fault.action.as_deref().is_none_or(|name| name == action)
                && (fault.user.is_none() || fault.user.as_ref() == user.map(|(_, value)| value))
        };
        let is_delay = |fault: &Fault| matches!(fault.what, What::Delay(_));
        if let Some(What::Delay(time)) = self.first(|fault| is_delay(fault) && named(fault)) {
            delay = time;
        }
        let what =
            self.first(|fault| !fault.what.is_on_accept() && !is_delay(fault) && named(fault));
        match &mut self.weather {
            Some(weather) if what.is_none() && delay == Duration::ZERO => {
                weather.on_request(&subject(params))
            }
            _ => (what, delay),
        }
    }

    fn first(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<What> {
        let mut matching = self.queue.iter_mut().filter(|fault| matches(fault));
        let what = matching.find_map(|fault| fault.applies().then(|| fault.what.clone()));
        self.queue.retain(|fault| fault.times != Some(0));
        what
    }
}

/// The parameters of a request as one string.
fn subject(params: &[(String, String)]) -> String {
    let each = params.iter().map(|(name, value)| format!("{name}={value}"));
    each.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};
    use crate::disruption::What;
    use std::time::Duration;

    fn faults(list: impl IntoIterator<Item = Fault>) -> Faults {
        Faults {
            queue: list.into_iter().collect(),
            weather: None,
        }
    }

    #[test]
    fn a_fault_skips_requests_and_then_happens_the_requested_number_of_times() {
        let mut faults = faults([Fault::new(What::CutChunk)
            .on("DeleteAccessKey")
            .skip(1)
            .times(2)]);
        assert_eq!(faults.on_request("ListUsers", &[]).0, None);
        let happened: Vec<bool> = (0..5)
            .map(|_| faults.on_request("DeleteAccessKey", &[]).0.is_some())
            .collect();
        assert_eq!(happened, [false, true, true, false, false]);
        assert_eq!(faults.left(), 0);
    }

    #[test]
    fn faults_happen_in_the_order_they_were_set() {
        let mut faults = faults([
            Fault::new(What::TruncateHead),
            Fault::new(What::TruncateBody).always(),
        ]);
        assert_eq!(faults.on_request("A", &[]).0, Some(What::TruncateHead));
        assert_eq!(faults.on_request("A", &[]).0, Some(What::TruncateBody));
        assert_eq!(faults.on_request("A", &[]).0, Some(What::TruncateBody));
        assert_eq!(faults.left(), 1);
    }

    #[test]
    fn connections_and_requests_have_separate_faults() {
        let mut faults = faults([
            Fault::new(What::ResetOnAccept),
            Fault::new(What::EndlessBody),
        ]);
        assert_eq!(faults.on_request("A", &[]).0, Some(What::EndlessBody));
        assert_eq!(faults.on_accept(), Some(What::ResetOnAccept));
        assert_eq!(faults.on_accept(), None);
    }

    #[test]
    fn a_delay_combines_with_another_fault() {
        let second = Duration::from_secs(1);
        let mut faults = faults([
            Fault::new(What::Delay(second)),
            Fault::new(What::EndlessBody),
        ]);
        assert_eq!(
            faults.on_request("A", &[]),
            (Some(What::EndlessBody), second)
        );
        assert_eq!(faults.on_request("A", &[]), (None, Duration::ZERO));
    }
}
