//! The identifiers of IAM. Values are parsed once and satisfy the rules of the IAM API reference.

mod role;

use std::ffi::OsStr;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sanitize::{Invalid, escape};
use crate::secret::has_secret;
pub(crate) use role::{
    RoleArn, RoleName, TokenCode, external_id, not_secret, serial_number, session_name,
};

/// Finds the first character that is neither an ASCII letter or digit nor in `others`. Returns a fragment with its
/// position and code point.
fn invalid_character(value: &str, others: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    let (position, invalid_character) = value.chars().enumerate().find(|(_, c)| !allowed(*c))?;
    let code_point = u32::from(invalid_character);
    let note = if invalid_character.is_alphanumeric() && !invalid_character.is_ascii() {
        ", which is not an ASCII letter or digit"
    } else {
        ""
    };
    Some(format!(
        "character {} is `{}` (U+{code_point:04X}){note}; only A-Z, a-z, 0-9 and {others} are allowed",
        position + 1,
        escape(&invalid_character.to_string()),
    ))
}

/// Returns a command-line value as text, unless it may be a secret.
fn typed_text<'a>(value: &'a OsStr, if_not_utf8: &str, if_empty: &str) -> Result<&'a str, Invalid> {
    match value.to_str() {
        None => Err(Invalid::new(value, if_not_utf8)),
        Some(text) if text.trim().is_empty() => Err(Invalid::new(value, if_empty)),
        Some(text) if has_secret(text) => Err(Invalid::secret(text)),
        Some(text) => Ok(text),
    }
}

/// Checks that a text has only ASCII letters, digits and `others`, and a length in this range.
fn check(
    text: &str,
    others: &str,
    length: RangeInclusive<usize>,
    what: &str,
) -> Result<(), Invalid> {
    let refuse = |reason| Err(Invalid::new(OsStr::new(text), reason));
    if let Some(reason) = invalid_character(text, others) {
        return refuse(reason);
    }
    if !length.contains(&text.len()) {
        let (given, (least, most)) = (text.len(), length.into_inner());
        let characters = if given == 1 {
            "character"
        } else {
            "characters"
        };
        return refuse(format!(
            "it has {given} {characters}; {what} has {least} to {most}"
        ));
    }
    Ok(())
}

/// Implements access to the text of an identifier.
macro_rules! impl_text {
    ($($name:ident),*) => {$(
        impl $name {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

impl_text!(AccessKeyId, UserName, PathPrefix, AccountId);

/// The prefixes of other unique IDs, from "IAM identifiers" in the IAM user guide.
const OTHER_ID_PREFIXES: [(&str, &str); 11] = [
    ("ABIA", "an STS service bearer token"),
    ("ACCA", "a context-specific credential"),
    ("AGPA", "a user group"),
    ("AIDA", "a user (its unique ID)"),
    ("AIPA", "an instance profile"),
    ("ANPA", "a managed policy"),
    ("ANVA", "a version of a managed policy"),
    ("APKA", "a public key"),
    ("AROA", "a role"),
    ("ASCA", "a certificate"),
    ("ASIA", "a temporary STS key"),
];

/// An access key ID: 16 to 128 characters of `[A-Za-z0-9_]` (`AccessKeyIdType` in the API reference).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct AccessKeyId(String);

/// The highest account number.
const MAX_ACCOUNT: u128 = 999_999_999_999;

impl AccessKeyId {
    /// Parses a command-line value. The error says what is wrong with it, or what else it is.
    pub(crate) fn parse(value: &OsStr) -> Result<Self, Invalid> {
        let text = typed_text(
            value,
            "it is not UTF-8; an access key ID is 16 to 128 of A-Z, a-z, 0-9 and _",
            "it is empty; give the ID of the key, such as AKIAIOSFODNN7EXAMPLE",
        )?;
        check(text, "_", 16..=128, "an access key ID")?;
        match other_id_kind(text) {
            Some(reason) => Err(Invalid::new(value, reason)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Returns the account that the ID encodes, if it does.
    pub(crate) fn account(&self) -> Option<AccountId> {
        Self::account_of(&self.0)
    }

    /// Returns the account that the ID of a long-term or temporary key encodes: the last 16 characters are base32, and
    /// 40 of their bits are the account. AWS does not document this, so it is used for hints but never for decisions.
    pub(crate) fn account_of(id: &str) -> Option<AccountId> {
        let encoded = id.get(4..)?;
        if id.len() != 20 || !matches!(encoded.as_bytes()[0], b'Q'..=b'Z' | b'2'..=b'7') {
            return None;
        }
        let mut value: u128 = 0;
        for byte in encoded.bytes() {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return None,
            };
            value = value * 32 + u128::from(digit);
        }
        // Of the 80 bits, the first 48 contain the account in bits 7 to 46.
        let number = ((value >> 32) & 0x7fff_ffff_ff80) >> 7;
        // Some 40-bit numbers have 13 digits, but an account has 12.
        (number <= MAX_ACCOUNT).then(|| AccountId(format!("{number:012}")))
    }
}

/// Says what an ID stands for if not for an access key. Only well-formed IDs count, so that made-up IDs of test
/// servers are not refused.
fn other_id_kind(text: &str) -> Option<String> {
    let unique = (20..=21).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let (prefix, thing) = OTHER_ID_PREFIXES
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix))?;
    unique.then(|| match *prefix {
        "ASIA" => format!(
            "ASIA IDs identify {thing}, which expires and cannot be deleted; \
             to cut it off now, revoke the sessions of its role or user"
        ),
        _ => format!("{prefix} IDs identify {thing}, not an access key (AKIA...)"),
    })
}

impl TryFrom<String> for AccessKeyId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(OsStr::new(&text))
    }
}

/// A user name: 1 to 128 characters of `[A-Za-z0-9_+=,.@-]` (`existingUserNameType` in the API reference). IAM
/// compares names case-insensitively.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct UserName(String);

impl UserName {
    /// Parses a command-line value. The error says what is wrong with it.
    pub(crate) fn parse(value: &OsStr) -> Result<Self, Invalid> {
        let text = typed_text(
            value,
            "it is not UTF-8; a user name is 1 to 128 of A-Z, a-z, 0-9 and _+=,.@-",
            "it is empty; name the owner, or omit --user-name to use the calling user",
        )?;
        if text.starts_with("arn:") {
            let reason = "it is an ARN; use only the name after the last /";
            return Err(Invalid::new(value, reason));
        }
        text.parse()
    }

    /// Whether IAM treats both names as the same user.
    pub(crate) fn same_user(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.same_user(other)
    }
}

impl Eq for UserName {}

/// Parses a name from IAM. It may look like a secret.
impl FromStr for UserName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        check(text, "_+=,.@-", 1..=128, "a user name")?;
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for UserName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(OsStr::new(&text))
    }
}

/// A prefix of the paths of users (`pathPrefixType` in the API reference). It ends with a slash, so that `/ci/` does not
/// include `/cicd/`. Paths are compared with their case.
#[derive(Clone, Debug)]
pub(crate) struct PathPrefix(String);

impl PathPrefix {
    /// Whether a user with this path is under it.
    pub(crate) fn contains(&self, path: &str) -> bool {
        path.starts_with(&self.0)
    }
}

impl FromStr for PathPrefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: &str| Err(Invalid::new(OsStr::new(text), reason));
        if has_secret(text) {
            return Err(Invalid::secret(text));
        }
        if !text.starts_with('/') || !text.ends_with('/') {
            return refuse("a path starts and ends with /, such as /ci/");
        }
        if text.len() > 512 || !text.chars().all(|c| c.is_ascii_graphic()) {
            return refuse(
                "a path has at most 512 characters, all of them printable ASCII without spaces",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// An AWS account: 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountId(String);

impl FromStr for AccountId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            OsStr::new(text),
            "an account ID has 12 digits",
        ))
    }
}

/// Whether a text looks like an access key ID from AWS rather than a user name.
pub(crate) fn looks_like_access_key_id(text: &str) -> bool {
    (16..=21).contains(&text.len())
        && (text.starts_with("AKIA") || text.starts_with("AKID") || text.starts_with("ASIA"))
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Option<String> {
        Some(AccessKeyId::account_of(id)?.to_string())
    }

    #[test]
    fn the_account_is_read_out_of_the_id() {
        for (id, expected) in [
            ("ASIAY34FZKBOKMUTVV7A", "609629065308"),
            ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
            ("ASIAR2TG44V5PDTTBZRR", "125843596666"),
            ("AKIARZPUZDIKGB2VALC4", "123456789012"),
            ("ASIAQAAAAAAAGMKEM7X5", "000000000000"),
        ] {
            assert_eq!(account(id).as_deref(), Some(expected), "{id}");
        }
    }

    #[test]
    fn an_id_without_an_account_has_none() {
        for id in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIDPMS9RO4H3FEXAMPLE",
            "AKIAI44QH8DHBEXAMPLE",
            "ASIAc29tZXRoaW5nCg==",
            "AKIARZPUZDIKGB2VALC",
            "AKIARZPUZDIKGB2VALC44",
            // It would have 13 digits.
            "AIAS6SY34FZKBOKMUTVA",
        ] {
            assert_eq!(account(id), None, "{id}");
        }
    }

    #[test]
    fn the_bounds_are_the_services_own() {
        let parse = |text: &str| AccessKeyId::parse(OsStr::new(text));
        assert!(parse(&"A".repeat(16)).is_ok());
        assert!(parse(&"A".repeat(128)).is_ok());
        assert!(parse("AKIDPMS9RO4H3FEXAMPLE").is_ok());
        assert!(parse(&"A".repeat(15)).is_err());
        assert!(parse(&"A".repeat(129)).is_err());
    }

    #[test]
    fn what_is_wrong_with_an_id_is_named() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        for (id, expected) in [
            (
                "",
                "it is empty; give the ID of the key, such as AKIAIOSFODNN7EXAMPLE",
            ),
            (
                " ",
                "it is empty; give the ID of the key, such as AKIAIOSFODNN7EXAMPLE",
            ),
            ("A", "it has 1 character; an access key ID has 16 to 128"),
            ("AB", "it has 2 characters; an access key ID has 16 to 128"),
            (
                "AKIAIOSFODNN7-EXAMPL",
                "character 14 is `-` (U+002D); only A-Z, a-z, 0-9 and _ are allowed",
            ),
            (
                "\u{410}KIAIOSFODNN7EXAMPL",
                "character 1 is `\u{410}` (U+0410), which is not an ASCII letter or digit; \
                 only A-Z, a-z, 0-9 and _ are allowed",
            ),
            (
                "AKIAIOSFODNN7\u{2013}EXAMPL",
                "character 14 is `\u{2013}` (U+2013); only A-Z, a-z, 0-9 and _ are allowed",
            ),
            (
                secret,
                "this looks like a secret access key; to delete a key, iam-del-key needs only its access key ID",
            ),
            (
                "AIDAQAAAAAAAGMKEM7X5",
                "AIDA IDs identify a user (its unique ID), not an access key (AKIA...)",
            ),
            (
                "AROAQAAAAAAAGMKEM7X5A",
                "AROA IDs identify a role, not an access key (AKIA...)",
            ),
            (
                "ASIAQAAAAAAAGMKEM7X5",
                "ASIA IDs identify a temporary STS key, which expires and cannot be deleted; \
                 to cut it off now, revoke the sessions of its role or user",
            ),
        ] {
            let error = AccessKeyId::parse(OsStr::new(id)).expect_err("it is wrong");
            assert_eq!(error.to_string(), expected, "{id}");
            let hidden = id == secret;
            assert_eq!(error.value.contains(id), !hidden, "{id}");
        }
        // Those of a test server.
        for id in [
            "AIDAQAAAAAAAGMKEM7X",
            "AIDAQAAAAAAAGMKEM7X5AA",
            "AIDAqaaaaaaaGMKEM7X5",
            "AIDA_AAAAAAAGMKEM7X5",
        ] {
            assert!(AccessKeyId::parse(OsStr::new(id)).is_ok(), "{id}");
        }
    }

    #[test]
    fn the_account_of_an_id_is_its_own() {
        let id = |id: &str| AccessKeyId::parse(OsStr::new(id)).expect("an ID");
        let account = id("AKIARZPUZDIKGB2VALC4").account();
        assert_eq!(account.expect("an account").as_str(), "123456789012");
        assert_eq!(id("AKIAIOSFODNN7EXAMPLE").account(), None);
    }

    #[test]
    fn user_names_compare_without_case() {
        let bob: UserName = "Bob".parse().expect("a valid name");
        let shouted: UserName = "BOB".parse().expect("a valid name");
        let other: UserName = "Bobby".parse().expect("a valid name");
        assert!(bob.same_user(&shouted) && bob == shouted);
        assert!(!bob.same_user(&other) && bob != other);
    }

    #[test]
    fn a_path_starts_and_ends_with_a_slash() {
        let long = format!("/{}/", "x".repeat(510));
        for path in ["/", "/ci/", "/ci/eu/", "/!~/", &long] {
            assert!(path.parse::<PathPrefix>().is_ok(), "{path}");
        }
        let longer = format!("/{}/", "x".repeat(511));
        let secret = "/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY/";
        for path in ["", "ci/", "/ci", "ci", "/c i/", "/\u{e9}/", &longer, secret] {
            assert!(path.parse::<PathPrefix>().is_err(), "{path}");
        }
        let prefix: PathPrefix = "/ci/".parse().expect("a path");
        for (path, expected) in [
            ("/ci/", true),
            ("/ci/eu/", true),
            ("/CI/", false),
            ("/", false),
            ("/cicd/", false),
        ] {
            assert_eq!(prefix.contains(path), expected, "{path}");
        }
    }

    #[test]
    fn an_account_has_12_digits() {
        assert!("123456789012".parse::<AccountId>().is_ok());
        for wrong in ["", "12345678901", "1234567890123", "12345678901a"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_from_aws_does_not_look_like_a_name() {
        for (text, expected) in [
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("AKIDPMS9RO4H3FEXAMPLE", true),
            ("ASIAIOSFODNN7EXAMPLE", true),
            ("AKIAIOSFODNN7EXA", true),
            ("AKIAIOSFODNN7EX", false),
            ("AKIDPMS9RO4H3FEXAMPLES", false),
            ("AROAIOSFODNN7EXAMPLE", false),
            ("AKIAIOSFODNN7example", false),
            ("AKIAIOSFODNN7_EXAMPLE", false),
            ("Bob", false),
        ] {
            assert_eq!(looks_like_access_key_id(text), expected, "{text}");
        }
    }
}
