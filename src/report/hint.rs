//! Hints for the error of a key. Each hint is a command or the one thing to do.

use super::Report;
use super::advice::advice;
use super::command::Commands;
use super::explain::Explanation;
use crate::conclude::Response;
use crate::error::{CallError, Context, ErrorKind, Exit, Hint, NamedBy, Next, SearchScope};
use crate::ident::AccountId;
use crate::outcome::{Check, KeyResult, KeyState, Outcome, OutcomeKind};
use crate::request::{Action, Key, Mode, Request, Selection};

/// The key that a hint concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    /// The only key of the run. Commands include its ID.
    One(&'a Key),
    /// One of many keys of this run. A hint applies to all keys with the same error and is printed once.
    OneOfMany(&'a Key, &'a Request),
}

impl About<'_> {
    fn key(&self) -> &Key {
        let (Self::One(key) | Self::OneOfMany(key, _)) = self;
        key
    }

    fn has_owner(&self) -> bool {
        self.key().user_name.is_some()
    }

    /// Whether a list names the owner of the key, and --find-user does not change that.
    fn is_owner_of_list(&self) -> bool {
        let Self::OneOfMany(key, request) = self else {
            return false;
        };
        let names_none = matches!(
            &request.selection,
            Selection::Listed {
                user_name: None,
                ..
            }
        );
        names_none && key.user_name.is_some() && request.action != Action::Reactivate
    }

    /// Returns how this run looks up the owner of each key itself, if an option is enough for that.
    fn lookup_option(&self) -> Option<&'static str> {
        let Self::OneOfMany(key, request) = self else {
            return None;
        };
        Some(match (&request.selection, &key.user_name) {
            (Selection::User(_) | Selection::Root | Selection::Account, _) => return None,
            _ if self.is_owner_of_list() => {
                "remove the owners from the list and use --find-user to look them up"
            }
            (
                Selection::Named(_)
                | Selection::Listed {
                    user_name: Some(_), ..
                },
                Some(_),
            ) => "use --find-user instead of --user-name to look up the owner of each key",
            (Selection::Named(_) | Selection::Listed { .. }, _) => {
                "add --find-user to look up the owner of each key"
            }
        })
    }
}

impl Report<'_> {
    /// Words a hint, with the option that the next run needs if this one deleted keys, or may have.
    pub(super) fn for_next_run(&self, hint: &Hint, is_unknown: bool) -> String {
        let request = self.request;
        let may_be_gone = request.action == Action::Delete
            && request.mode == Mode::Change
            && (is_unknown || request.single().is_none());
        // With a journal, the next run skips finished keys.
        let is_ignored = !request.fails_on_missing() || request.journal.is_some();
        match hint.next {
            Next::Again if may_be_gone && !is_ignored => format!("{hint} with --ignore-missing"),
            _ => hint.to_string(),
        }
    }
}

/// Returns the hints for a key that was not changed or whose state is unknown.
pub(crate) fn hints(about: About<'_>, failure: &CallError, commands: &Commands) -> Vec<Hint> {
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
    if !failure.is_no_such_entity() {
        return match failure {
            CallError::Service(error)
                if error.kind() == ErrorKind::Validation
                    && error.message.contains("Must specify userName") =>
            {
                let why = "these credentials do not belong to an IAM user: add --user-name NAME; ";
                vec![owner_hint(about, failure.context(), commands).after(why)]
            }
            _ => call_hints(failure),
        };
    }
    let context = failure.context();
    let mut hints = match failure {
        _ if let Some(hint) = other_owner_hint(about, context, commands) => vec![hint],
        CallError::NotFound {
            scope: SearchScope::Account,
            ..
        } => {
            vec!["the key does not exist, or it is the root user's or another account's".into()]
        }
        CallError::Service(error) if error.is_about_user() && context.named_by == NamedBy::Iam => {
            vec![Hint::again(
                "the user was renamed or deleted after IAM reported it as the owner: ",
            )]
        }
        CallError::Service(error) if error.is_about_user() => {
            vec![owner_hint(about, context, commands).after("check the user name; ")]
        }
        _ => no_such_entity_hints(about, context, commands),
    };
    if let About::OneOfMany(..) = about {
        let which = match context.owner {
            Some(_) => "for keys that belong to other users: ",
            None => "for keys that were not found: ",
        };
        hints = hints.into_iter().map(|hint| hint.after(which)).collect();
    }
    hints
}

/// Whether the same command cannot determine the state of the key either: it needs other options or permissions.
pub(super) fn stays_unknown(result: &KeyResult) -> bool {
    match &result.outcome {
        Outcome::Failed {
            failure,
            known: KeyState::Unknown { check, .. },
        } => *check != Check::List && failure.context().named_by == NamedBy::Caller,
        Outcome::LeftUnverified { check, .. } => *check != Check::List,
        _ => false,
    }
}

/// How the hint to continue begins if an error must be fixed before.
pub(super) const FIX_FIRST: &str = "to continue, fix the error, and then ";

/// Returns how the hint to continue begins if the error of a key must be fixed before.
pub(super) fn fix_first(
    result: &KeyResult,
    request: &Request,
    explanation: &Explanation,
) -> Option<&'static str> {
    let is_rejected = matches!(
        &result.outcome,
        Outcome::Failed { failure, .. } if failure.kind() == Some(ErrorKind::Credentials)
    );
    if is_rejected && !explanation.hints.is_empty() {
        return Some(FIX_FIRST);
    }
    let ends_again = request.fail_fast && explanation.exit != Exit::Success && fails_again(result);
    ends_again.then_some("to continue, fix the error or omit --fail-fast, and then ")
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
pub(super) fn option_hint(result: &KeyResult, request: &Request) -> Option<Hint> {
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
            "remove the owner from the list, and add"
        }
        (true, false) if is_about_user => "use --find-user instead of the owner's name, with",
        _ => return None,
    };
    Some(format!(
        "{with} --ignore-missing to treat the key as already gone if no user in the account has it"
    ).into())
}

/// Returns the hints for a key that the root user of an account does not have.
fn root_hints(account: &AccountId, context: &Context, commands: &Commands) -> Vec<Hint> {
    match &context.accounts {
        Some((theirs, _)) => vec![format!(
            "the key's ID encodes account {theirs}: use --target-principal {theirs} if its root user has the key"
        ).into()],
        None => vec![
            format!(
                "the key does not exist, or belongs to a user: the root user of account {account} does not have it"
            ).into(),
            Hint::command("to see the root user's keys", commands.list_root()),
        ],
    }
}

/// Returns the hints for a call that does not concern a single key.
pub(crate) fn call_hints(failure: &CallError) -> Vec<Hint> {
    match failure {
        CallError::Service(error) => match (&error.context.clocks, error.kind()) {
            (Some((ours, theirs)), ErrorKind::Credentials) => vec![format!(
                "this machine's clock says {ours}, IAM's says {theirs}: set the clock (timedatectl set-ntp true)"
            ).into()],
            _ => advice(error),
        },
        CallError::NotFound { .. } => Vec::new(),
        CallError::NotSent(error) | CallError::NoResponse(error) | CallError::Incomplete(error) => {
            error.hint.iter().cloned().collect()
        }
    }
}

fn owner_hint(about: About<'_>, context: &Context, commands: &Commands) -> Hint {
    if context.lookup_denied {
        return "ask for the permission iam:GetAccessKeyLastUsed on * to find the key's owner"
            .into();
    }
    let find = || commands.find_owner(about.key().id.as_str());
    about.lookup_option().map_or_else(
        || Hint::command("to find the key's owner", find()),
        Hint::from,
    )
}

/// Returns the hint for a key that is known to belong to another user or account.
fn other_owner_hint(about: About<'_>, context: &Context, commands: &Commands) -> Option<Hint> {
    match (&context.owner, about) {
        (Some(_), _) if context.named_by == NamedBy::Iam => Some(Hint::again(
            "the user was renamed after IAM reported it as the owner: ",
        )),
        (Some(owner), About::One(key)) => {
            let command = commands.show_key(key.id.as_str(), Some(owner));
            Some(Hint::command("review it first", command))
        }
        (Some(_), About::OneOfMany(..))
            if about.is_owner_of_list() && context.named_by == NamedBy::Caller =>
        {
            Some("correct the owner of the key in the list".into())
        }
        (Some(_), About::OneOfMany(..)) => Some(owner_hint(about, context, commands)),
        (None, _) => {
            let (theirs, ours) = context.accounts.as_ref()?;
            Some(format!(
                "the key's ID encodes account {theirs}, but the credentials belong to account {ours}: \
                 use a profile of account {theirs} (--profile NAME)"
            ).into())
        }
    }
}

fn no_such_entity_hints(about: About<'_>, context: &Context, commands: &Commands) -> Vec<Hint> {
    if context.is_listed || context.still_reported_owner.is_some() {
        return vec![Hint::again(
            "IAM's responses contradict each other, which can happen for a few seconds after a change: ",
        )];
    }
    if context.named_by != NamedBy::Caller {
        return vec![Hint::again(
            "IAM reported its owner during this run, so the key was deleted or the user renamed since then, or IAM's responses \
             contradict each other: ",
        )];
    }
    if context.owner_unchecked && !about.has_owner() {
        let lookup = if context.lookup_denied {
            ""
        } else {
            ", or add --find-user"
        };
        return vec![format!(
            "whether another user owns it could not be checked: name its owner with --user-name NAME{lookup}; then \
             --ignore-missing counts a missing key as success"
        ).into()];
    }
    let elsewhere = if about.has_owner() {
        "belongs to another user"
    } else {
        "does not belong to the calling user"
    };
    let why = format!("the key does not exist, or {elsewhere}; ");
    let mut hints = vec![owner_hint(about, context, commands).after(&why)];
    if context.owner_unchecked {
        let gone = match about {
            About::One(_) => {
                "if it was the named user's key, it is already gone: --ignore-missing counts that as success"
            }
            About::OneOfMany(..) => {
                "if they belonged to the named users, they are already gone; add --ignore-missing to count that as success"
            }
        };
        hints.push(gone.into());
    }
    hints
}
