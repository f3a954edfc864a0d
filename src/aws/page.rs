//! The pages of a list, one after another to its end.

use std::collections::HashSet;

use super::attempts::{Answer, Record};
use super::call::unusable;
use crate::error::CallError;

/// The most pages of a list. A page has up to 1,000 items, 100 by default, and may have fewer: at 100 each, the 5,000 users
/// that an account may have by default are 50 pages.
const MOST_PAGES: usize = 1000;

/// The longest marker, in characters.
const LONGEST_MARKER: usize = 4096;

/// Where a list goes on. A list that does not say where, or goes in a circle, is an error and never a short list.
#[derive(Debug, Default)]
pub(super) struct Pages {
    marker: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// Where the page to ask for begins; `None` for the first.
    pub(super) fn marker(&self) -> Option<String> {
        self.marker.clone()
    }

    /// Turns to the next page; false where there is none.
    pub(super) fn turn(
        &mut self,
        marker: Option<&str>,
        record: &Record,
    ) -> Result<bool, CallError> {
        // The SDK takes a list that does not say so for one that has ended.
        let is_truncated = match record.last().map(|attempt| attempt.answer) {
            Some(Answer::Expected { is_truncated, .. }) => is_truncated,
            _ => None,
        };
        let wrong = match (is_truncated, marker) {
            (Some(false), _) => return Ok(false),
            (None, _) => "it does not say whether the list continues (IsTruncated is missing)",
            (_, None) => "it says that its list goes on, but not where",
            (_, Some(next)) if next.len() > LONGEST_MARKER => {
                "it has a marker of more than 4,096 characters"
            }
            _ if self.seen.len() + 1 >= MOST_PAGES => "the list has more than 1,000 pages",
            (_, Some(next)) if self.seen.insert(next.to_owned()) => {
                self.marker = Some(next.to_owned());
                return Ok(true);
            }
            _ => "it says a list that goes in a circle",
        };
        Err(unusable(record, wrong))
    }
}
