//! What `AssumeRole` takes: the role, the parameters of its session, and the code of an MFA device. Also the role of SSO.

use std::ffi::OsStr;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{AccountId, invalid_character};
use crate::sanitize::Invalid;
use crate::secret::has_secret;

/// The name of a role, perhaps with its path: `NAME` or `PATH/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleName(pub(super) String);

impl RoleName {
    /// Returns the ARN of the role of this name in an account.
    pub(crate) fn arn(&self, partition: &str, account: &AccountId) -> RoleArn {
        RoleArn {
            text: format!("arn:{partition}:iam::{account}:role/{}", self.as_str()),
            account: account.clone(),
        }
    }
}

impl FromStr for RoleName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: String| Err(Invalid::new(OsStr::new(text), reason));
        if text.starts_with("arn:") {
            return refuse("it is an ARN; use --role-arn instead".to_owned());
        }
        not_secret(text)?;
        if let Some(reason) = invalid_character(text, "_+=,.@/-") {
            return refuse(reason);
        }
        let name = text.rsplit('/').next().unwrap_or_default();
        if !(1..=64).contains(&name.len()) || text.len() > 575 {
            return refuse("the name of a role has 1 to 64 characters".to_owned());
        }
        if text.split('/').any(str::is_empty) {
            return refuse(
                "write a path before the name, without a leading slash: ops/Responder".to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// The ARN of a role: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleArn {
    text: String,
    account: AccountId,
}

impl RoleArn {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the partition of AWS, such as `aws-cn`.
    pub(crate) fn partition(&self) -> &str {
        self.text.split(':').nth(1).unwrap_or_default()
    }

    /// Whether `session` is the ARN of a session of this role. It contains the name of the role without its path.
    pub(crate) fn is_of(&self, session: &str) -> bool {
        let role: Vec<&str> = self.text.splitn(6, ':').collect();
        let session: Vec<&str> = session.splitn(6, ':').collect();
        let name = role[5].rsplit('/').next().unwrap_or_default();
        let mut words = session.get(5).into_iter().flat_map(|path| path.split('/'));
        session.get(..5) == Some(&["arn", role[1], "sts", "", role[4]])
            && words.next() == Some("assumed-role")
            // No two roles of an account differ only in case.
            && words.next().is_some_and(|word| word.eq_ignore_ascii_case(name))
            && words.count() == 1
    }
}

impl FromStr for RoleArn {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        not_secret(text)?;
        let refuse = |reason: &str| Err(Invalid::new(OsStr::new(text), reason));
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, path] = parts[..] else {
            return refuse("the ARN of a role has the form arn:aws:iam::ACCOUNT:role/NAME");
        };
        let name = path.strip_prefix("role/").unwrap_or_default();
        let is_partition = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let (Ok(account), true, true) = (
            account.parse(),
            text.len() <= 2048
                && partition.starts_with("aws")
                && partition.chars().all(is_partition),
            !name.is_empty()
                && !name.ends_with('/')
                && invalid_character(name, "_+=,.@/-").is_none(),
        ) else {
            return refuse("the ARN of a role has the form arn:aws:iam::ACCOUNT:role/NAME");
        };
        Ok(Self {
            text: text.to_owned(),
            account,
        })
    }
}

/// Refuses what may be a secret: STS or SSO would get it, and `CloudTrail` records it. An ARN may have a name that looks
/// like one.
fn not_secret(text: &str) -> Result<(), Invalid> {
    if !text.starts_with("arn:") && has_secret(text) {
        return Err(Invalid::secret(text));
    }
    Ok(())
}

/// Parses a parameter of `AssumeRole` by the rule in the STS API reference, or the name of a permission set: ASCII letters,
/// digits and `others`.
fn parameter(text: &str, length: RangeInclusive<usize>, others: &str) -> Result<String, Invalid> {
    let refuse = |reason| Err(Invalid::new(OsStr::new(text), reason));
    if let Some(reason) = invalid_character(text, others) {
        return refuse(reason);
    }
    if !length.contains(&text.len()) {
        let (least, most) = length.into_inner();
        return refuse(format!("it must have {least} to {most} characters"));
    }
    Ok(text.to_owned())
}

pub(crate) fn external_id(text: &str) -> Result<String, Invalid> {
    parameter(text, 2..=1224, "_+=,.@:/-")
}

pub(crate) fn session_name(text: &str) -> Result<String, Invalid> {
    not_secret(text)?;
    parameter(text, 2..=64, "_+=,.@-")
}

pub(crate) fn serial_number(text: &str) -> Result<String, Invalid> {
    not_secret(text)?;
    parameter(text, 9..=256, "_+=/:,.@-")
}

/// Parses the name of a role of SSO, which is that of a permission set (`PermissionSetName` in the API reference).
pub(crate) fn permission_set(text: &str) -> Result<String, Invalid> {
    not_secret(text)?;
    parameter(text, 1..=32, "_+=,.@-")
}

/// A code of an MFA device: 6 digits. Errors and logs never show it.
#[derive(Clone)]
pub(crate) struct TokenCode(String);

impl TokenCode {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenCode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::hidden("an MFA code has 6 digits"))
    }
}

impl fmt::Debug for TokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_of_a_role_of_the_same_name_and_account() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/ops/Deployer"
            .parse()
            .expect("a role");
        assert!(role.is_of("arn:aws:sts::123456789012:assumed-role/Deployer/me"));
        assert!(role.is_of("arn:aws:sts::123456789012:assumed-role/deployer/me"));
        for other in [
            "",
            "arn:aws:sts::123456789012:assumed-role/Deployer",
            "arn:aws:sts::123456789012:assumed-role/ops/Deployer/me",
            "arn:aws:sts::210987654321:assumed-role/Deployer/me",
            "arn:aws-cn:sts::123456789012:assumed-role/Deployer/me",
            "arn:aws:iam::123456789012:role/Deployer",
        ] {
            assert!(!role.is_of(other), "{other}");
        }
    }

    #[test]
    fn the_name_of_a_role_makes_its_arn() {
        let account: AccountId = "123456789012".parse().expect("an account");
        for name in ["Responder", "ops/eu/Responder"] {
            let role: RoleName = name.parse().expect("a name");
            let arn = role.arn("aws-cn", &account);
            assert_eq!(
                arn.as_str(),
                format!("arn:aws-cn:iam::123456789012:role/{name}")
            );
            assert_eq!(arn.as_str().parse::<RoleArn>().expect("an ARN"), arn);
        }
        let long = "x".repeat(65);
        for wrong in [
            "",
            "/",
            "/ops/Responder",
            "ops//Responder",
            "ops/",
            "a b",
            "a:b",
            "r\u{f6}le",
            &long,
        ] {
            assert!(wrong.parse::<RoleName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_arn_of_a_role_has_an_account_and_a_name() {
        for wrong in [
            "",
            "Deployer",
            "arn:aws:iam::123456789012:user/Bob",
            "arn:aws:iam::12345678901:role/Deployer",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/ops/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:sts::123456789012:assumed-role/Deployer/me",
        ] {
            assert!(wrong.parse::<RoleArn>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_long_enough_and_no_longer_is_accepted() {
        let long = |length: usize| "x".repeat(length);
        let path = |length: usize| "x-/".repeat(171) + &long(length - 3 * 171);
        assert!(long(64).parse::<RoleName>().is_ok());
        assert!(path(575).parse::<RoleName>().is_ok());
        assert!(path(576).parse::<RoleName>().is_err());
        let arn = |length: usize| {
            let start = "arn:aws:iam::123456789012:role/";
            format!("{start}{}", long(length - start.len()))
        };
        assert!(arn(2_048).parse::<RoleArn>().is_ok());
        assert!(arn(2_049).parse::<RoleArn>().is_err());
        for (parse, least, most) in [
            (external_id as fn(&str) -> Result<String, Invalid>, 2, 1_224),
            (session_name, 2, 64),
            (serial_number, 9, 256),
        ] {
            for (length, expected) in [
                (least - 1, false),
                (least, true),
                (most, true),
                (most + 1, false),
            ] {
                // So short a text is no secret.
                let text = "x-".repeat(most)[..length].to_owned();
                assert_eq!(parse(&text).ok(), expected.then_some(text), "{length}");
            }
            assert!(parse("a b c d e f").is_err());
        }
        let error = session_name("x").expect_err("it is too short");
        assert_eq!(error.to_string(), "it must have 2 to 64 characters");
    }

    #[test]
    fn the_partition_of_a_role_is_one_of_aws() {
        for (partition, expected) in [
            ("aws", true),
            ("aws-cn", true),
            ("aws-iso-b2", true),
            ("", false),
            ("azure", false),
            ("aws_cn", false),
            ("awsCN", false),
        ] {
            let arn = format!("arn:{partition}:iam::123456789012:role/ops/Name");
            let role = arn.parse::<RoleArn>();
            assert_eq!(role.is_ok(), expected, "{partition}");
            if let Ok(role) = role {
                assert_eq!(
                    (role.as_str(), role.account().as_str()),
                    (&*arn, "123456789012")
                );
            }
        }
    }

    #[test]
    fn a_secret_is_neither_a_role_nor_a_parameter() {
        const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        assert!(not_secret(SECRET).is_err());
        assert!(not_secret("Responder").is_ok());
        assert!(not_secret(&format!("arn:aws:iam::123456789012:mfa/{SECRET}")).is_ok());
        assert!(SECRET.parse::<RoleName>().is_err());
        assert!(serial_number(SECRET).is_err());
        assert!(session_name(&SECRET.replace('/', "+")).is_err());
    }

    #[test]
    fn a_code_has_six_digits_and_is_never_shown() {
        let code: TokenCode = "123456".parse().expect("a code");
        assert_eq!(code.as_str(), "123456");
        assert_eq!(format!("{code:?}"), "TokenCode");
        for wrong in ["", "12345", "1234567", "12345a"] {
            let error = wrong.parse::<TokenCode>().expect_err("it is no code");
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
        let role: RoleName = "ops/Responder".parse().expect("a name");
        assert_eq!(role.to_string(), "ops/Responder");
    }
}
