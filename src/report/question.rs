//! The question before keys are changed.

use super::Resume;
use super::after_change::MAX_UNDO_KEYS;
use crate::guard::{Principal, Signer};
use crate::ident::AccountId;
use crate::request::{Action, Request};
use crate::sanitize::{SafeText, escape_field};

/// Asks for confirmation after the keys were shown. Names the account, which STS returned, and the profile that signs.
pub(crate) fn question(
    count: u64,
    request: &Request,
    resume: Resume,
    account: Option<&AccountId>,
    signer: &Signer,
) -> SafeText {
    let verb = match request.action {
        Action::Delete => "Delete",
        Action::Deactivate => "Deactivate",
        Action::Reactivate => "Reactivate",
    };
    let warning = match request.action {
        // What this run prints is no list that --reactivate reads.
        Action::Deactivate if resume == Resume::Again && count > MAX_UNDO_KEYS => {
            "can be undone if you name the keys with --access-key-id, and add --find-user --reactivate; with --journal FILE, \
             one short command undoes it"
        }
        action => action.undoing(),
    };
    let keys = match count {
        1 => "this key".to_owned(),
        _ => format!("these {count} keys"),
    };
    let account = match account {
        Some(account) => format!("account {account}"),
        None => "an unknown account".to_owned(),
    };
    let place = match signer.principal {
        Principal::Caller => format!("in {account}"),
        Principal::RootUser => format!("of the root user of {account}"),
    };
    let profile = signer
        .profile
        .as_ref()
        .map(|name| format!(" with profile {}", escape_field(name)));
    let profile = profile.unwrap_or_default();
    let scope = if request.is_whole_account() {
        " Root user keys are not included."
    } else {
        ""
    };
    SafeText::page(&format!(
        "\n{verb} {keys} {place}{profile}?{scope} It {warning}. [y/N] "
    ))
}
