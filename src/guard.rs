//! Protects against accidents: changing the caller's own keys, working in the wrong account, and treating a key of another
//! account as missing.

use std::sync::{Arc, Mutex, OnceLock};

use crate::error::RunError;
use crate::ident::{AccessKeyId, AccountId};
use crate::lock::lock;
use crate::outcome::{Outcome, Refusal};
use crate::request::{Key, Request, Selection};

/// Returns the hint for a key that is not changed because it belongs to the credentials in use.
pub(crate) fn other_credentials(request: &Request) -> &'static str {
    if request.names_keys() {
        "use other credentials (--profile NAME), or add --allow-self"
    } else {
        "use other credentials (--profile NAME), or name the key with --access-key-id and add --allow-self"
    }
}

/// The kind of identity that signs the requests to IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// The caller, or a role.
    Caller,
    /// The root user of a member account. A key without an owner belongs to the root user.
    RootUser,
}

/// The IDs of the keys that have signed in this run, and of the keys behind their sessions. IDs are never removed.
pub(crate) type SigningKeys = Arc<Mutex<Vec<String>>>;

/// The keys that sign the requests.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) keys: SigningKeys,
    /// Whether they may be changed.
    pub(crate) allow_self: bool,
    /// The account of the credentials, if their source names it or the ID encodes it.
    pub(crate) named_account: Option<AccountId>,
    /// The account of the credentials according to STS, once it was asked.
    pub(crate) sts_account: Arc<OnceLock<AccountId>>,
    /// The profile of the credentials, if it is certain.
    pub(crate) profile: Option<String>,
    pub(crate) principal: Principal,
}

impl Signer {
    /// Returns the account of the credentials, as far as it is known so far.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        self.sts_account.get().or(self.named_account.as_ref())
    }

    /// Returns when this key last became one that signs, as a number. `None`: it never was one in this run. Case
    /// is ignored, because AWS does not say whether IDs are case-sensitive.
    pub(crate) fn last_signed(&self, id: &str) -> Option<usize> {
        let keys = lock(&self.keys);
        keys.iter()
            .rposition(|known| known.eq_ignore_ascii_case(id))
    }

    /// Whether this key signs and may be changed.
    pub(crate) fn gives_up(&self, id: &str) -> bool {
        self.allow_self && self.last_signed(id).is_some()
    }

    /// Whether this key signs and must not be changed.
    pub(crate) fn keeps(&self, id: &str) -> bool {
        !self.allow_self && self.last_signed(id).is_some()
    }
}

/// Returns the outcome of a key that must not be changed because it signs the requests, or because it is behind the session
/// that does. Changing it would lock the caller out. `--allow-self` permits it.
pub(crate) fn signing_key(key: &Key, signer: &Signer, request: &Request) -> Option<Outcome> {
    signer
        .keeps(key.id.as_str())
        .then_some(match request.selection {
            Selection::Account => Outcome::OwnKey,
            Selection::Named(_)
            | Selection::Listed { .. }
            | Selection::User(_)
            | Selection::Root => Outcome::Refused(Refusal::SigningKey),
        })
}

/// Returns the account that the key's ID encodes and that of the signer, if both are known and differ.
pub(crate) fn foreign_account(id: &AccessKeyId, signer: &Signer) -> Option<(AccountId, AccountId)> {
    let (key, signer) = (id.account()?, signer.account()?);
    (key != *signer).then(|| (key, signer.clone()))
}

/// Checks that an account is expected: that of the credentials, or the one that `option` names. Without expected accounts, any is.
///
/// # Errors
///
/// It is not.
pub(crate) fn account(
    expected: &[AccountId],
    account: &AccountId,
    option: Option<&str>,
) -> Result<(), RunError> {
    if expected.is_empty() || expected.contains(account) {
        return Ok(());
    }
    let expected = list(expected);
    let (whose, hint) = match option {
        Some(option) => (
            format!("{option} names"),
            format!("correct {option} or --expect-account"),
        ),
        None => (
            "the credentials belong to".to_owned(),
            format!("use a profile of account {expected} (--profile NAME)"),
        ),
    };
    let reason = format!("{whose} account {account}, but --expect-account allows only {expected}");
    Err(RunError::refused(reason).hint(hint))
}

/// Formats account IDs for a sentence.
pub(crate) fn list(accounts: &[AccountId]) -> String {
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    accounts.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::request;

    const NAMED: &str = "--access-key-id AKIDPMS9RO4H3FEXAMPLE";

    fn signer(account: Option<&str>, ids: &[&str]) -> Signer {
        let ids = ids.iter().map(|id| (*id).to_owned());
        Signer {
            keys: Arc::new(Mutex::new(ids.collect())),
            allow_self: false,
            named_account: account.map(|id| id.parse().expect("an account")),
            sts_account: Arc::default(),
            profile: None,
            principal: Principal::Caller,
        }
    }

    fn key(id: &str) -> Key {
        Key {
            id: AccessKeyId::try_from(id.to_owned()).expect("an ID"),
            user_name: None,
        }
    }

    #[test]
    fn a_key_that_signs_is_kept_unless_the_caller_allows_it() {
        const ALLOWED: &str = "--access-key-id AKIDPMS9RO4H3FEXAMPLE --allow-self";
        const UNDONE: &str = "--access-key-id AKIDPMS9RO4H3FEXAMPLE --reactivate";
        const SWEEP: &str = "-n --whole-account --only-inactive";
        let mut signer = signer(None, &["AKIAAAAAAAAAAAAAAAAA", "AKIABBBBBBBBBBBBBBBB"]);
        for (words, id, expected) in [
            (NAMED, "AKIAAAAAAAAAAAAAAAAA", "refused"),
            (NAMED, "AKIABBBBBBBBBBBBBBBB", "refused"),
            (NAMED, "AKIACCCCCCCCCCCCCCCC", ""),
            ("--from list", "AKIAAAAAAAAAAAAAAAAA", "refused"),
            (
                "--all-keys --user-name Bob",
                "AKIAAAAAAAAAAAAAAAAA",
                "refused",
            ),
            (
                "--all-keys --target-principal 123456789012",
                "AKIAAAAAAAAAAAAAAAAA",
                "refused",
            ),
            (SWEEP, "AKIAAAAAAAAAAAAAAAAA", "skipped"),
            (SWEEP, "AKIACCCCCCCCCCCCCCCC", ""),
            (ALLOWED, "AKIAAAAAAAAAAAAAAAAA", ""),
            (UNDONE, "AKIAAAAAAAAAAAAAAAAA", ""),
        ] {
            let request = request(words);
            signer.allow_self = request.allow_self;
            let found = match signing_key(&key(id), &signer, &request) {
                None => "",
                Some(Outcome::Refused(Refusal::SigningKey)) => "refused",
                Some(Outcome::OwnKey) => "skipped",
                Some(other) => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{words}: {id}");
            let signs = signer.last_signed(id).is_some();
            assert_eq!(signer.gives_up(id), signs && signer.allow_self, "{words}");
        }
    }

    #[test]
    fn a_key_is_foreign_if_both_accounts_are_known_and_differ() {
        const OF_123456789012: &str = "AKIARZPUZDIKGB2VALC4";
        for (id, named, by_sts, expected) in [
            (OF_123456789012, Some("123456789012"), None, false),
            (OF_123456789012, Some("210987654321"), None, true),
            (OF_123456789012, None, None, false),
            ("AKIAIOSFODNN7EXAMPLE", Some("210987654321"), None, false),
            (OF_123456789012, None, Some("210987654321"), true),
            // STS knows better.
            (
                OF_123456789012,
                Some("123456789012"),
                Some("210987654321"),
                true,
            ),
            (
                OF_123456789012,
                Some("210987654321"),
                Some("123456789012"),
                false,
            ),
        ] {
            let signer = signer(named, &[]);
            if let Some(account) = by_sts {
                let account = account.parse().expect("an account");
                signer.sts_account.set(account).expect("no account yet");
            }
            let found = foreign_account(&key(id).id, &signer);
            let found = found.map(|(theirs, ours)| [theirs.to_string(), ours.to_string()]);
            let both = ["123456789012", "210987654321"].map(str::to_owned);
            assert_eq!(found, expected.then_some(both), "{id} {named:?} {by_sts:?}");
        }
    }

    #[test]
    fn the_account_must_be_an_expected_one() {
        let [one, two, three] = ["111111111111", "222222222222", "333333333333"]
            .map(|id| id.parse::<AccountId>().expect("an account"));
        let expected = [one, two.clone()];
        assert!(account(&expected, &two, None).is_ok());
        let error = account(&expected, &three, None).expect_err("another account");
        assert_eq!(
            error.to_string(),
            "the credentials belong to account 333333333333, but --expect-account allows only \
             111111111111 or 222222222222"
        );
        for (expected, named, is_allowed) in [
            (&expected[..], &two, true),
            (&expected, &three, false),
            (&[], &three, true),
        ] {
            let allowed = account(expected, named, Some("--role-arn"));
            assert_eq!(allowed.is_ok(), is_allowed, "{expected:?} {named}");
        }
    }
}
