//! Ages: an accepted age is a whole number of hours within limits, and a longer age stays longer.

use std::time::{Duration, SystemTime};

use super::check_message;
use crate::age::{Age, relative_time};
use crate::aws::timestamp;

const HOUR: u64 = 3_600;

pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let age: Age = match text.parse() {
        Ok(age) => age,
        Err(invalid) => {
            check_message(&format!("{invalid}{}", invalid.value), 800);
            return;
        }
    };
    let seconds = age.length().as_secs();
    assert!(seconds > 0 && seconds.is_multiple_of(HOUR) && age.length().subsec_nanos() == 0);
    assert!(seconds <= 36_500 * 24 * HOUR);
    assert_eq!(age.to_string(), text);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let mut was_old_enough = true;
    // From long before the age to the future.
    for step in 0..40 {
        let before = age.length() * 2;
        let at = now - before + age.length() * step / 16;
        let is_old_enough = age.has_passed_since(at, now);
        assert!(was_old_enough || !is_old_enough, "a younger key is older");
        assert_eq!(is_old_enough, step <= 16);
        was_old_enough = is_old_enough;
        check_message(&relative_time(at, now), 40);
        check_message(&timestamp(at), 40);
    }
}
