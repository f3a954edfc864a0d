//! The question before keys are changed, and the keys it is about.

use super::{message, table};
use crate::candidate::Candidate;
use crate::escape::field;
use crate::ident::AccountId;
use crate::request::Action;
use crate::shown::Shown;

/// The question before keys are changed, after they were shown: in which account, as STS says, and with which profile.
pub(crate) fn question(
    count: u64,
    action: Action,
    account: Option<&AccountId>,
    profile: Option<&str>,
) -> Shown {
    let (verb, warning) = match action {
        Action::Delete => ("Delete", "cannot be undone"),
        Action::Deactivate => ("Deactivate", "can be undone"),
    };
    let keys = match count {
        1 => "this key".to_owned(),
        _ => format!("these {count} keys"),
    };
    let account = match account {
        Some(account) => format!("account {account}"),
        None => "an unknown account".to_owned(),
    };
    let profile = profile.map(|name| format!(" with profile {}", field(name)));
    let profile = profile.unwrap_or_default();
    Shown::page(&format!(
        "\n{verb} {keys} in {account}{profile}? It {warning}. [y/N] "
    ))
}

/// Shows keys that are asked about, on standard error.
pub(crate) fn show(candidates: &[Candidate]) {
    message::line(&table::of_candidates(candidates));
}
