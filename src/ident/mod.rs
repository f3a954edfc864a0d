//! The identifiers of IAM. Values are parsed once and satisfy the rules of the IAM API reference.

mod role;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sanitize::{Invalid, escape};
use crate::secret::has_secret;
pub(crate) use role::{
    RoleArn, RoleName, TokenCode, external_id, permission_set, serial_number, session_name,
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

impl_text!(AccessKeyId, UserName, PathPrefix, AccountId, RoleName);

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
            "it is empty; name the owner, or leave it out to use the calling user",
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

/// Parses a name that this program wrote.
impl TryFrom<String> for UserName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
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
        if has_secret(text) {
            return Err(Invalid::secret(text));
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
