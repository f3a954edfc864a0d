//! A key that was chosen: what is deleted, asked about, or shown by a dry run.

use serde::{Deserialize, Serialize};

use crate::fact::Facts;
use crate::request::Key;

/// A key that nothing speaks against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Candidate {
    /// The key; with its owner, where that was looked up.
    pub(crate) key: Key,
    /// What IAM says of it, as far as it was asked.
    pub(crate) facts: Facts,
}
