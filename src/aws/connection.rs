//! The options that say how IAM is reached, and as whom.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::guard::Principal;
use crate::ident::{self, AccountId, RoleArn, RoleName, TokenCode};
use crate::request::seconds;

/// How IAM is reached, and as whom. Other settings come from the environment and the configuration files.
#[derive(Args, Clone, Debug, Default)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct Connection {
    /// Use this profile and no other source
    ///
    /// Credentials and settings come from this profile only. It takes precedence over AWS_ACCESS_KEY_ID and AWS_PROFILE.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub(crate) profile: Option<String>,

    /// Assume this role first
    ///
    /// The role is assumed with the credentials found, which may be those of a role profile. The run acts in the account
    /// of the role. The key that assumes the role counts as your own key and is protected.
    #[arg(long, value_name = "ARN", value_hint = ValueHint::Other, group = "role")]
    pub(crate) role_arn: Option<RoleArn>,

    /// Assume this role in the account of the key
    ///
    /// STS looks up the account of the named keys (GetAccessKeyInfo). Whoever gave you a key ID may control that account, so
    /// it is used only if it is the account of your credentials, if --expect-account names it, or if you confirm it on the
    /// terminal (in a dry run too). Keys of several accounts are refused, and listed by account. A name can have a path:
    /// ops/Responder.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, group = "role")]
    #[arg(conflicts_with_all = ["all_keys", "whole_account"])]
    pub(crate) role_name: Option<RoleName>,

    /// The role of `--role-name`, once STS has returned the account of the keys.
    #[arg(skip)]
    pub(crate) found_role: OnceLock<RoleArn>,

    /// Act on the root user of this account
    ///
    /// Calls AssumeRoot for a member account of your organization. The caller must be a user or role of the management
    /// account, or of the delegated administrator for IAM. Keys can be deleted (IAMDeleteRootUserCredentials) and shown by
    /// --dry-run (IAMAuditRootUserCredentials), but not deactivated. Requires --access-key-id or --all-keys.
    #[arg(long, value_name = "ACCOUNT", value_hint = ValueHint::Other)]
    #[arg(conflicts_with = "role_name", group = "whose")]
    pub(crate) target_principal: Option<AccountId>,

    /// External ID that the trust policy of the role requires
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other, requires = "role")]
    #[arg(value_parser = ident::external_id)]
    pub(crate) external_id: Option<String>,

    /// Name of the session of the role
    ///
    /// The default is iam-del-key- followed by the Unix time.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, requires = "role")]
    #[arg(value_parser = ident::session_name)]
    pub(crate) role_session_name: Option<String>,

    /// MFA device that the role requires
    ///
    /// The ARN of the device, or the serial number of a hardware device, as mfa_serial in a profile. A session that the AWS
    /// CLI has cached is used first, and a new session is cached for the AWS CLI.
    #[arg(long, value_name = "ARN", value_hint = ValueHint::Other, requires = "role")]
    #[arg(value_parser = ident::serial_number)]
    pub(crate) serial_number: Option<String>,

    /// Current code of the MFA device, 6 digits
    ///
    /// Without it, you are asked for a code on the terminal if one is required.
    #[arg(long, value_name = "CODE", value_hint = ValueHint::Other)]
    pub(crate) token_code: Option<TokenCode>,

    /// Region, which selects the partition
    ///
    /// IAM is global: every region of a partition reaches the same IAM.
    #[arg(long, value_name = "REGION", value_hint = ValueHint::Other, help_heading = "Connection")]
    pub(crate) region: Option<String>,

    /// Send requests to this URL instead of AWS
    #[arg(long, value_name = "URL", value_hint = ValueHint::Other, help_heading = "Connection")]
    pub(crate) endpoint_url: Option<String>,

    /// PEM file of the certificate authorities to trust
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub(crate) ca_bundle: Option<PathBuf>,

    /// Seconds to wait for a connection [default: 5]
    ///
    /// With 0, only --timeout limits it.
    #[arg(long = "cli-connect-timeout", value_name = "SECONDS", value_parser = seconds(0))]
    #[arg(value_hint = ValueHint::Other, help_heading = "Connection")]
    pub(crate) connect_timeout: Option<Duration>,

    /// Seconds to wait for each response [default: 15]
    ///
    /// Also limits each pause in the body of a response. With 0, only --timeout applies.
    #[arg(long = "cli-read-timeout", value_name = "SECONDS", value_parser = seconds(0))]
    #[arg(value_hint = ValueHint::Other, help_heading = "Connection")]
    pub(crate) read_timeout: Option<Duration>,
}

impl Connection {
    /// Returns the identity that signs the requests to IAM.
    pub(crate) fn principal(&self) -> Principal {
        match self.target_principal {
            Some(_) => Principal::RootUser,
            None => Principal::Caller,
        }
    }

    /// Returns the account of the keys and the option that names it. The last session counts.
    pub(super) fn named_account(&self) -> Option<(&'static str, &AccountId)> {
        match (&self.target_principal, &self.role_arn) {
            (Some(account), _) => Some(("--target-principal", account)),
            (None, role) => role.as_ref().map(|role| ("--role-arn", role.account())),
        }
    }

    /// Returns the role of the command line, if it is known.
    pub(crate) fn role(&self) -> Option<&RoleArn> {
        self.role_arn.as_ref().or_else(|| self.found_role.get())
    }
}
