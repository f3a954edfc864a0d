//! The pages of a list, one after another to its end.

use std::collections::HashSet;

use super::attempts::Record;
use super::call::unread;
use crate::failure::Failure;

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
        is_truncated: bool,
        marker: Option<&str>,
        record: &Record,
    ) -> Result<bool, Failure> {
        if !is_truncated {
            return Ok(false);
        }
        match marker {
            Some(next) if self.seen.insert(next.to_owned()) => {
                self.marker = Some(next.to_owned());
                Ok(true)
            }
            Some(_) => Err(unread(record, "a list that goes in a circle")),
            None => Err(unread(record, "that its list goes on, but not where")),
        }
    }
}
