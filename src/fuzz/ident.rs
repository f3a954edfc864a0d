//! IDs and names: an accepted one satisfies IAM's documented rule and is not changed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::check_message;
use crate::ident::{AccessKeyId, AccountId, UserName, looks_like_access_key_id};
use crate::sanitize::Invalid;

/// The rule of the API reference for an access key ID.
pub(super) fn is_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (16..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The rule of the API reference for a user name.
pub(super) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

pub(super) fn check(bytes: &[u8]) {
    let value = OsStr::from_bytes(bytes);
    match AccessKeyId::parse(value) {
        Ok(id) => {
            assert_eq!(id.as_str().as_bytes(), bytes);
            assert!(is_id(id.as_str()));
            let json = serde_json::to_string(&id).expect("JSON");
            assert_eq!(serde_json::from_str::<AccessKeyId>(&json).expect("it"), id);
            check_account(id.account());
        }
        Err(invalid) => check_refusal(&invalid),
    }
    match UserName::parse(value) {
        Ok(name) => {
            assert_eq!(name.as_str().as_bytes(), bytes);
            assert!(is_name(name.as_str()));
            let json = serde_json::to_string(&name).expect("JSON");
            let read: UserName = serde_json::from_str(&json).expect("it");
            assert_eq!(read.as_str(), name.as_str());
        }
        Err(invalid) => check_refusal(&invalid),
    }
    let text = String::from_utf8_lossy(bytes);
    check_account(AccessKeyId::account_of(&text));
    assert!(!looks_like_access_key_id(&text) || is_id(&text));
    if let Err(invalid) = text.parse::<AccountId>() {
        check_refusal(&invalid);
    }
}

fn check_account(account: Option<AccountId>) {
    if let Some(account) = account {
        let text = account.to_string();
        assert!(
            text.len() == 12 && text.parse::<AccountId>().is_ok(),
            "{text}"
        );
    }
}

fn check_refusal(invalid: &Invalid) {
    check_message(&invalid.to_string(), 400);
    check_message(&invalid.value, 40 * 10 + 40);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::super::tests::cases;
    use crate::ident::AccessKeyId;

    proptest! {
        #![proptest_config(cases(4_000))]

        /// Written down a second time, the other way: an account and other bits make an ID, which says the account.
        #[test]
        fn the_account_comes_out_of_an_id_as_it_went_in(
            account in 0..1_000_000_000_000_u64,
            low in 0..1_u128 << 39,
        ) {
            let bits = 1 << 79 | u128::from(account) << 39 | low;
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
            let encoded = (0..16).rev().map(|place| {
                let digit = (bits >> (5 * place)) & 31;
                char::from(digits[usize::try_from(digit).expect("five bits")])
            });
            let id: String = "AKIA".chars().chain(encoded).collect();
            let found = AccessKeyId::account_of(&id).expect("an account");
            assert_eq!(found.to_string(), format!("{account:012}"), "{id}");
        }
    }
}
