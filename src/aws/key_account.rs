//! Looks up the account of keys with STS, and the role of `--role-name` in that account.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::attempt::Attempts;
use super::error::incomplete_response;
use super::sts::{Caller, UNKNOWN_CALLER};
use crate::confirm;
use crate::error::{CallError, Operation, RunError, run_error};
use crate::guard;
use crate::ident::{AccessKeyId, AccountId, RoleArn, RoleName};
use crate::sanitize::SafeText;
use crate::terminal;

/// The number of concurrent calls.
const MAX_CALLS: usize = 8;
/// How many keys are listed if they belong to several accounts.
const MAX_LISTED: usize = 1_000;
/// The maximum length of a line with keys, in bytes. A longer line would be cut.
const MAX_LINE: usize = 900;

/// The keys whose account is looked up.
pub(crate) struct NamedKeys<'a> {
    pub(crate) ids: &'a mut dyn Iterator<Item = io::Result<AccessKeyId>>,
    /// The option for one key, with a space at its end. Empty for keys from a file.
    pub(crate) option: &'static str,
    /// Whether a person may be asked to confirm the account.
    pub(crate) may_ask: bool,
    /// What is done in the account, as the end of that question.
    pub(crate) done_there: String,
}

/// The keys of each account, in order: at least one of each account, and at most `MAX_LISTED` others.
type Accounts = BTreeMap<AccountId, Vec<AccessKeyId>>;

/// Adds a key, which `count` others came before.
fn add(accounts: &mut Accounts, count: usize, account: AccountId, id: AccessKeyId) {
    let keys = accounts.entry(account).or_default();
    if count < MAX_LISTED || keys.is_empty() {
        keys.push(id);
    }
}

/// Returns the account of all `count` keys. `None`: there are no keys.
///
/// # Errors
///
/// The keys belong to several accounts. The details list the keys of each account.
fn only(mut accounts: Accounts, count: usize, option: &str) -> Result<Option<AccountId>, RunError> {
    if accounts.len() <= 1 {
        return Ok(accounts.pop_first().map(|(account, _)| account));
    }
    let mut stop = RunError::refused(format!(
        "the keys belong to {} accounts, but a run acts in only one",
        accounts.len()
    ));
    let lines = accounts
        .iter()
        .flat_map(|(account, keys)| lines(account, keys, option));
    stop.details = lines.collect();
    let listed: usize = accounts.values().map(Vec::len).sum();
    if count > listed {
        let more = count - listed;
        stop.details.push(format!("{more} more keys are not shown"));
    }
    Err(stop.hint(match option {
        "" => {
            "split the list, and run one command for each account that is yours, with --expect-account"
        }
        _ => "run one command for each account that is yours, with its line in place of the keys",
    }))
}

/// Formats the keys of an account on as few lines as possible.
fn lines(account: &AccountId, keys: &[AccessKeyId], option: &str) -> Vec<String> {
    let head = match option {
        "" => format!("account {account}:"),
        _ => format!("--expect-account {account}"),
    };
    let mut lines = vec![head.clone()];
    for id in keys {
        let key = format!(" {option}{id}");
        match lines.last_mut() {
            Some(line) if line.len() + key.len() <= MAX_LINE => line.push_str(&key),
            _ => lines.push(format!("{head}{key}")),
        }
    }
    lines
}

impl Caller {
    /// Calls `GetAccessKeyInfo`. STS returns the account of a key whatever its state is.
    ///
    /// # Errors
    ///
    /// STS does not return an account within `limit`.
    pub(crate) async fn account_of(
        &self,
        id: &AccessKeyId,
        limit: Duration,
    ) -> Result<AccountId, CallError> {
        let attempts = Attempts::of(Operation::Sts("GetAccessKeyInfo"));
        let client = self.client(self.credentials());
        let client = client.map_err(|stop| incomplete_response(&attempts, stop.message))?;
        let call = client.get_access_key_info().access_key_id(id.as_str());
        let output = self.read(&attempts, limit, async |recorder| {
            call.customize().interceptor(recorder).send().await
        });
        let output = output.await?;
        let account = output.account().map(str::trim);
        let account = account.and_then(|account| account.parse().ok());
        account.ok_or_else(|| incomplete_response(&attempts, "it has no account"))
    }

    /// Returns the role of this name in the account of the keys. `None`: there are no keys. Whoever sent a key ID may
    /// control its account, so the account must be the caller's, or be expected, or be confirmed by a person.
    ///
    /// # Errors
    ///
    /// STS does not return the account of a key, the keys belong to several accounts, or the account is not confirmed.
    pub(super) async fn role_of(
        &self,
        name: &RoleName,
        keys: NamedKeys<'_>,
        expected: &[AccountId],
    ) -> Result<Option<RoleArn>, RunError> {
        let caller = self.identity(UNKNOWN_CALLER).await?;
        let (mut accounts, mut count) = (Accounts::new(), 0);
        let ids = stream::iter(keys.ids).map(async |id| {
            let id = id.map_err(|error| RunError::other(format!("the list of keys: {error}")))?;
            match self.account_of(&id, self.limit).await {
                Ok(account) => Ok((account, id)),
                Err(failure) => Err(self.unknown(&id, &failure)),
            }
        });
        let mut ids = ids.buffered(MAX_CALLS);
        while let Some(known) = ids.next().await {
            let (account, id) = known?;
            add(&mut accounts, count, account, id);
            count += 1;
        }
        let Some(account) = only(accounts, count, keys.option)? else {
            return Ok(None);
        };
        let keys_belong = if count == 1 {
            "the key belongs"
        } else {
            "the keys belong"
        };
        self.settings
            .log
            .verbose(|| format!("{keys_belong} to account {account}"));
        let role = name.arn(caller.partition(), &account);
        if expected.contains(&account) || expected.is_empty() && account == caller.account {
            return Ok(Some(role));
        }
        let (differs, may_ask) = match expected {
            [] => (
                format!("your credentials belong to account {}", caller.account),
                keys.may_ask && !self.settings.log.is_json(),
            ),
            _ => (
                format!("--expect-account allows only {}", guard::list(expected)),
                false,
            ),
        };
        let reason = format!("{keys_belong} to account {account}, but {differs}");
        if may_ask && terminal::own().is_some() {
            let reason = reason.replacen('t', "T", 1);
            let done_there = &keys.done_there;
            let sent = if count == 1 {
                "this key ID"
            } else {
                "these key IDs"
            };
            let question = format!(
                "{reason}. Whoever sent you {sent} may control that account. Assume the role {name} in account \
                 {account}{done_there} [y/N] "
            );
            let is_confirmed = confirm::ask(&SafeText::message(&question)).await;
            let role = is_confirmed.then_some(role);
            return role
                .map(Some)
                .ok_or_else(|| RunError::refused("not confirmed"));
        }
        Err(RunError::refused(reason).hint(format!(
            "whoever sent you a key ID may control its account: if account {account} is yours, run the same command again \
             with --expect-account {account}"
        )))
    }

    /// Creates the error if STS does not return the account of a key.
    fn unknown(&self, id: &AccessKeyId, failure: &CallError) -> RunError {
        let without = format!("the account of {id} is unknown: ");
        let stop = self.source.with_hint(run_error(failure, "STS", &without));
        if failure.is_denied() {
            return stop.hint("or name the role with --role-arn, which needs no lookup");
        }
        stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_of(count: usize, accounts: usize, option: &str) -> Result<Option<AccountId>, RunError> {
        let mut found = Accounts::new();
        for number in 0..count {
            let account = format!("{:012}", number % accounts).parse();
            let id = AccessKeyId::try_from(format!("AKIA{number:016}"));
            let (account, id) = (account.expect("an account"), id.expect("an ID"));
            add(&mut found, number, account, id);
        }
        only(found, count, option)
    }

    #[test]
    fn keys_of_one_account_have_that_account() {
        assert_eq!(only_of(0, 1, "").expect("no error"), None);
        let only = only_of(3, 1, "").expect("no error");
        assert_eq!(only.expect("an account").as_str(), "000000000000");
    }

    #[test]
    fn keys_of_several_accounts_are_listed_by_account_on_lines_that_are_printed_whole() {
        let stop = only_of(3, 2, "--access-key-id ").expect_err("two accounts");
        assert_eq!(
            stop.details,
            [
                "--expect-account 000000000000 --access-key-id AKIA0000000000000000 --access-key-id AKIA0000000000000002",
                "--expect-account 000000000001 --access-key-id AKIA0000000000000001",
            ]
        );
        let stop = only_of(5_000, 3, "").expect_err("three accounts");
        let listed: usize = stop
            .details
            .iter()
            .map(|line| line.matches("AKIA").count())
            .sum();
        assert_eq!(listed, MAX_LISTED);
        assert_eq!(
            stop.details.last().expect("a line"),
            "4000 more keys are not shown"
        );
        assert!(stop.details.iter().all(|line| line.len() <= MAX_LINE));
    }
}
