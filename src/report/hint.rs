//! Hints for the error of a key. Each hint is a command or the one thing to do.

use std::str::FromStr as _;

use super::Report;
use super::command::Commands;
use super::explain::Explanation;
use crate::conclude::Response;
use crate::error::{
    CallError, Context, CredentialKind, ErrorKind, Exit, Hint, NamedBy, ROOT_KEY, SearchScope,
    ServiceError, call_hints, without_suffix,
};
use crate::guard::other_credentials;
use crate::ident::{AccountId, UserName};
use crate::outcome::{Check, KeyResult, KeyState, Outcome, OutcomeKind};
use crate::request::{Action, Key, Mode, Request, Selection};

impl Report<'_> {
    /// Returns the hints for a key in this state after a failure. What helps to find a user's key does not help to find the
    /// root user's.
    pub(super) fn failure_hints(
        &self,
        result: &KeyResult,
        failure: &CallError,
        known: &KeyState,
    ) -> Vec<Hint> {
        if let KeyState::Unknown { check, .. } = known
            && *check == Check::RootUser
            && failure.is_no_such_entity()
        {
            return Vec::new();
        }
        let mut hints = self.hints(&result.key, failure);
        hints.extend(option_hint(result, self.request));
        hints
    }

    /// Returns the hints for a key that was not changed or whose state is unknown.
    pub(super) fn hints(&self, key: &Key, failure: &CallError) -> Vec<Hint> {
        let commands = &self.commands;
        if let Some((theirs, ours)) = &failure.context().sts_accounts {
            let option = commands.role_option();
            return vec![format!(
                "the key belongs to account {theirs}, but your credentials belong to account {ours}: use a role of account \
                 {theirs} ({option}), or a profile of that account (--profile NAME)"
            ).into()];
        }
        if let (Some(account), true) = (&commands.root, failure.is_no_such_entity()) {
            return root_hints(account, failure.context(), commands);
        }
        if rejects_signer(failure) && self.is_own(&key.id) {
            let commands = commands.with_other_credentials();
            let check = commands.check(key, &KeyState::unknown(""));
            let why = "AWS rejects a key that was deleted or is inactive, and this key signs the requests; ";
            let check = check.map(|check| check.after(why));
            let region = failure.service().and_then(ServiceError::region_hint);
            return region.into_iter().chain(check).collect();
        }
        if !failure.is_no_such_entity() {
            return match failure {
                CallError::Service(error)
                    if error.kind() == ErrorKind::Validation
                        && error.message.contains("Must specify userName") =>
                {
                    let why =
                        "these credentials do not belong to an IAM user: add --user-name NAME; ";
                    vec![self.owner_hint(key, failure.context()).after(why)]
                }
                CallError::NotSent(error) | CallError::NoResponse(error) if error.is_own_key => {
                    vec![other_credentials(self.request).into()]
                }
                _ => {
                    let context = failure.context();
                    let other = context.owner.is_some() && failure.is_denied();
                    let other = other.then(|| self.other_owner_hint(key, context));
                    let other = other.flatten().into_iter();
                    other.chain(call_hints(failure)).collect()
                }
            };
        }
        let context = failure.context();
        let mut hints = match failure {
            _ if let Some(hint) = self.other_owner_hint(key, context) => vec![hint],
            CallError::NotFound {
                scope: SearchScope::Account,
                ..
            } => {
                vec!["the key does not exist, or it is the root user's or another account's".into()]
            }
            CallError::Service(error)
                if error.is_about_user() && context.named_by == NamedBy::Iam =>
            {
                let again = "the user was recently renamed or deleted: ";
                let is_root = |name: &UserName| {
                    name.as_str() == "root" || AccountId::from_str(name.as_str()).is_ok()
                };
                let root = key.user_name.as_ref().filter(|name| is_root(name));
                let root = root.map(|_| ROOT_KEY.into());
                [Hint::again(again)].into_iter().chain(root).collect()
            }
            CallError::Service(error) if error.is_about_user() => {
                let why = if context.was_shown {
                    "the user was recently renamed or deleted; "
                } else {
                    "check the user name; "
                };
                vec![self.owner_hint(key, context).after(why)]
            }
            _ => self.no_such_entity_hints(key, context),
        };
        if self.is_one_of_many() {
            let which = match context.owner {
                Some(_) => "for keys that belong to other users: ",
                None => "for keys that were not found: ",
            };
            hints = hints.into_iter().map(|hint| hint.after(which)).collect();
        }
        hints
    }

    /// Whether a person reads about one of many keys: a single line, and each hint once, for all keys with the same error.
    pub(super) fn is_one_of_many(&self) -> bool {
        self.request.single().is_none() && !self.messages.is_json()
    }

    /// Whether the keys are in a list, and no option names their owner.
    fn lists_owners(&self) -> bool {
        matches!(
            self.request.selection,
            Selection::Listed {
                user_name: None,
                ..
            }
        )
    }

    /// Whether a list names the owner of the key, and --find-user does not change that.
    fn is_owner_of_list(&self, key: &Key) -> bool {
        self.lists_owners() && key.user_name.is_some() && self.request.action != Action::Reactivate
    }

    /// Returns how to look up the owner of a key: an option, if that is enough for each of many keys, or else a command.
    fn owner_hint(&self, key: &Key, context: &Context) -> Hint {
        if context.lookup_denied {
            return "ask for the permission iam:GetAccessKeyLastUsed on * to find the key's owner"
                .into();
        }
        if !self.request.names_keys() || !self.is_one_of_many() {
            let command = self.commands.find_owner(key.id.as_str());
            return Hint::command("to find the key's owner", command);
        }
        if self.is_owner_of_list(key) {
            "remove the owners from the list and use --find-user to look them up"
        } else if key.user_name.is_some() && !self.lists_owners() {
            match self.request.selection {
                Selection::Listed { .. } => {
                    "remove any owners from the list, and use --find-user instead of --user-name to look up the owner of each key"
                }
                _ => "use --find-user instead of --user-name to look up the owner of each key",
            }
        } else {
            "add --find-user to look up the owner of each key"
        }
        .into()
    }

    /// Returns the hint for a key that is known to belong to another user or account.
    fn other_owner_hint(&self, key: &Key, context: &Context) -> Option<Hint> {
        match &context.owner {
            Some(_) if context.named_by == NamedBy::Iam => Some(Hint::again(
                "the user was renamed after IAM reported it as the owner: ",
            )),
            Some(owner) if !self.is_one_of_many() => {
                // A dry run of another action may refuse a key that this one does not.
                let options = match self.request.action {
                    Action::Delete if self.request.allow_self => "--allow-self --dry-run",
                    Action::Delete => "--dry-run",
                    Action::Deactivate if self.request.allow_self => {
                        "--allow-self --deactivate --dry-run"
                    }
                    Action::Deactivate => "--deactivate --dry-run",
                    Action::Reactivate => "--reactivate --dry-run",
                };
                let command = self
                    .commands
                    .show_key(key.id.as_str(), Some(owner), options);
                Some(Hint::command("review it first", command))
            }
            Some(_) if self.is_owner_of_list(key) && context.named_by == NamedBy::Caller => {
                Some("correct the owner of the key in the list".into())
            }
            Some(_) => Some(self.owner_hint(key, context)),
            None => {
                let (theirs, ours) = context.accounts.as_ref()?;
                Some(format!(
                    "the key's ID encodes account {theirs}, but the credentials belong to account {ours}: \
                     use a profile of account {theirs} (--profile NAME)"
                ).into())
            }
        }
    }

    fn no_such_entity_hints(&self, key: &Key, context: &Context) -> Vec<Hint> {
        if context.is_listed || context.still_reported_owner.is_some() {
            return vec![Hint::again(
                "IAM's responses contradict each other, which can happen for a few seconds after a change: ",
            )];
        }
        if context.named_by != NamedBy::Caller || context.was_shown {
            // The same command would select the keys of whoever has that name now.
            if let Selection::User(_) = self.request.selection {
                let why = "the key was deleted or the user renamed since IAM listed it; ";
                return vec![self.owner_hint(key, context).after(why)];
            }
            let why = "IAM reported its owner during this run, so the key was deleted or the user renamed since then, or IAM's \
                       responses contradict each other: ";
            if context.named_by == NamedBy::Iam || key.user_name.is_none() {
                return vec![Hint::again(why)];
            }
            let instead = if self.is_owner_of_list(key) {
                "remove the owners from the list and use --find-user to look them up"
            } else if self.lists_owners() {
                "run the same command again with --find-user"
            } else {
                "run the same command again with --find-user instead of --user-name"
            };
            return vec![format!("{why}{instead}").into()];
        }
        if context.owner_unchecked && key.user_name.is_none() {
            let lookup = if context.lookup_denied {
                ""
            } else {
                ", or add --find-user"
            };
            let unless_roots = if self.commands.is_of_root(key) {
                "if it is not the root user's key, "
            } else {
                ""
            };
            return vec![format!(
                "whether another user owns it could not be checked: {unless_roots}name its owner with --user-name NAME{lookup}; then \
                 --ignore-missing counts a missing key as success"
            ).into()];
        }
        let elsewhere = if key.user_name.is_some() {
            "belongs to another user"
        } else {
            "does not belong to the calling user"
        };
        let why = format!("the key does not exist, or {elsewhere}; ");
        let mut hints = vec![self.owner_hint(key, context).after(&why)];
        if context.owner_unchecked && context.is_ignorable && !self.request.ignore_missing {
            let gone = if self.is_one_of_many() {
                "if they belonged to the named users, and no user was renamed, they are already gone; add --ignore-missing to count that as success"
            } else {
                "if it was the named user's key, and the user was not renamed, it is already gone: --ignore-missing counts that as success"
            };
            hints.push(gone.into());
        }
        hints
    }

    /// Words a hint, with the option that the next run needs if this one deleted keys, or may have.
    pub(super) fn for_next_run(&self, hint: &Hint, is_unknown: bool) -> String {
        let request = self.request;
        let may_be_gone = request.action == Action::Delete
            && request.mode == Mode::Change
            && (is_unknown || request.single().is_none());
        // With a journal, the next run skips finished keys.
        let is_ignored = !request.fails_on_missing() || request.journal.is_some();
        match hint {
            Hint::Again(_) if may_be_gone && !is_ignored => format!("{hint} with --ignore-missing"),
            _ => hint.to_string(),
        }
    }
}

/// How the hint to continue begins if an error must be fixed before.
pub(super) const FIX_FIRST: &str = "to continue, fix the error, and then ";

/// Returns how the hint to continue begins if the error of a key must be fixed before.
pub(super) fn fix_first(
    result: &KeyResult,
    request: &Request,
    explanation: &Explanation,
) -> Option<String> {
    let is_rejected = matches!(
        &result.outcome,
        Outcome::Failed { failure, .. } if failure.kind() == Some(ErrorKind::Credentials)
    );
    if is_rejected && !explanation.error.hints.is_empty() {
        return Some(FIX_FIRST.to_owned());
    }
    if let Selection::User(name) = &request.selection
        && may_have_moved(result)
    {
        return Some(format!(
            "to continue, make sure that {name} is still the same user, and then "
        ));
    }
    let ends_again =
        request.fail_fast && explanation.error.exit != Exit::Success && fails_again(result);
    let lead = "to continue, fix the error or omit --fail-fast, and then ";
    ends_again.then(|| lead.to_owned())
}

/// Whether the key may not be that user's whose keys IAM listed.
fn may_have_moved(result: &KeyResult) -> bool {
    let is_elsewhere =
        |failure: &CallError| failure.is_no_such_entity() || failure.context().owner.is_some();
    let failed =
        matches!(&result.outcome, Outcome::Failed { failure, .. } if is_elsewhere(failure));
    failed || result.needs_owner()
}

/// Whether the same command fails with this key again, and `--fail-fast` would end it there.
fn fails_again(result: &KeyResult) -> bool {
    match &result.outcome {
        Outcome::Failed { failure, .. } => !matches!(
            failure.kind(),
            None | Some(ErrorKind::ServiceFailure | ErrorKind::Throttling | ErrorKind::Credentials)
        ),
        Outcome::Skipped(_) | Outcome::Refused(_) | Outcome::LeftUnverified { .. } => true,
        _ => false,
    }
}

/// Returns how to determine the state of a key that an earlier run started to change. Another run cannot find out more.
fn option_hint(result: &KeyResult, request: &Request) -> Option<Hint> {
    let Outcome::Failed { failure, .. } = &result.outcome else {
        return None;
    };
    let is_open = result.metadata.started_earlier && result.kind() == OutcomeKind::Unknown;
    // The next run looks up an owner that only IAM named again.
    let is_about_user =
        Response::of(failure) == Response::NoSuchUser && failure.context().named_by != NamedBy::Iam;
    let with = match (is_open, failure.is_in_no_list()) {
        (true, true) => "add",
        (true, false) if is_about_user && request.find_user => {
            "remove the owner from the list, and use"
        }
        (true, false) if is_about_user => "use --find-user instead of the owner's name, with",
        _ => return None,
    };
    Some(format!(
        "{with} --ignore-missing to treat the key as already gone if no user in the account has it"
    ).into())
}

/// Whether AWS does not know the key that signs the request, or calls it inactive.
fn rejects_signer(failure: &CallError) -> bool {
    failure.service().is_some_and(|error| {
        let code = error.code.as_deref().map_or("", without_suffix);
        matches!(code, "InvalidClientTokenId" | "UnrecognizedClient")
            && matches!(
                error.context.credentials,
                CredentialKind::LongTerm | CredentialKind::Unknown
            )
    })
}

/// Returns the hints for a key that the root user of an account does not have.
fn root_hints(account: &AccountId, context: &Context, commands: &Commands) -> Vec<Hint> {
    match &context.accounts {
        Some((theirs, _)) => vec![format!(
            "the key's ID encodes account {theirs}: use --target-principal {theirs} if its root user has the key"
        ).into()],
        None if context.was_shown => vec![Hint::again(
            "IAM listed the key for the root user during this run, so it was deleted since then, or IAM's responses contradict \
             each other: ",
        )],
        None => vec![
            format!(
                "the key does not exist, or belongs to a user: the root user of account {account} does not have it"
            ).into(),
            Hint::command("to see the root user's keys", commands.list_root()),
        ],
    }
}
