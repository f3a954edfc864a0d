//! The question before keys are changed, and the keys it is about.

use super::{message, table};
use crate::candidate::Candidate;
use crate::escape::field;
use crate::request::Action;
use crate::shown::Shown;
use crate::signer::Signer;

/// The question before keys are changed, after they were shown: where, and as whom.
pub(crate) fn question(count: u64, action: Action, signer: &Signer) -> Shown {
    let (verb, warning) = match action {
        Action::Delete => ("Delete", "cannot be undone"),
        Action::Deactivate => ("Deactivate", "can be undone"),
    };
    let keys = match count {
        1 => "this key".to_owned(),
        _ => format!("these {count} keys"),
    };
    let account = signer.account.as_ref();
    let account = account.map(|account| format!(" in account {account}"));
    let profile = signer.profile.as_deref();
    let profile = profile.map(|name| format!(" with profile {}", field(name)));
    let place = account.unwrap_or_default() + &profile.unwrap_or_default();
    Shown::page(&format!("\n{verb} {keys}{place}? It {warning}. [y/N] "))
}

/// Shows keys that are asked about, on standard error.
pub(crate) fn show(candidates: &[Candidate]) {
    message::line(&table::of_candidates(candidates));
}
