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
    /// Credentials and settings come from this profile only. It takes precedence over AWS_ACCESS_KEY_ID and over
    /// AWS_PROFILE.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub(crate) profile: Option<String>,

    /// Assume this role first
    ///
    /// The role is assumed with the credentials found, also with the session of a role profile, and the run acts in the
    /// account of the role. The key that assumes it counts as your own key and is not deleted.
    #[arg(long, value_name = "ARN", value_hint = ValueHint::Other, group = "role")]
    pub(crate) role_arn: Option<RoleArn>,

    /// Assume this role in the account of the key
    ///
    /// STS looks up the account of the named keys (GetAccessKeyInfo). Whoever gave you a key ID may control that account. So it
    /// is used only if it is the account of your credentials, if --expect-account names it, or if you confirm it on the
    /// terminal, in a dry run too. Keys of several accounts are refused, with a list of them. A name can have a path:
    /// ops/Responder.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, group = "role")]
    #[arg(conflicts_with_all = ["all_keys", "whole_account"])]
    pub(crate) role_name: Option<RoleName>,

    /// The role of `--role-name`, once STS has returned the account of the keys.
    #[arg(skip)]
    pub(crate) found_role: OnceLock<RoleArn>,

    /// Act on the root user of this account
    ///
    /// The account is a member of an organization (AssumeRoot). The caller is a user or role of the management account, or of
    /// IAM's delegated administrator. Keys can be deleted (IAMDeleteRootUserCredentials) and shown by --dry-run
    /// (IAMAuditRootUserCredentials), but not deactivated. With --access-key-id or --all-keys.
    #[arg(long, value_name = "ACCOUNT", value_hint = ValueHint::Other)]
    #[arg(conflicts_with = "role_name", group = "whose")]
    pub(crate) target_principal: Option<AccountId>,

    /// External ID that the trust policy of the role requires
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other, requires = "role")]
    #[arg(value_parser = ident::external_id)]
    pub(crate) external_id: Option<String>,

    /// Name of the session of the role
    ///
    /// [default: iam-del-key- and the Unix time]
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, requires = "role")]
    #[arg(value_parser = ident::session_name)]
    pub(crate) role_session_name: Option<String>,

    /// MFA device that the role requires
    ///
    /// The ARN of the device, or the serial number of a hardware device. In a profile this is mfa_serial. A session that
    /// the AWS CLI has cached is used first, and a new session is cached for the AWS CLI.
    #[arg(long, value_name = "ARN", value_hint = ValueHint::Other, requires = "role")]
    #[arg(value_parser = ident::serial_number)]
    pub(crate) serial_number: Option<String>,

    /// Current code of the MFA device, 6 digits
    ///
    /// Without it, the terminal asks for the code if one is required.
    #[arg(long, value_name = "CODE", value_hint = ValueHint::Other)]
    pub(crate) token_code: Option<TokenCode>,

    /// Region, which selects the partition
    ///
    /// IAM itself is global: all regions of a partition reach the same IAM.
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
    /// 0: only --timeout limits it.
    #[arg(long = "cli-connect-timeout", value_name = "SECONDS", value_parser = seconds(0))]
    #[arg(value_hint = ValueHint::Other, help_heading = "Connection")]
    pub(crate) connect_timeout: Option<Duration>,

    /// Seconds to wait for each response [default: 15]
    ///
    /// 0: only --timeout limits it.
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

    /// Returns the role of the command line, if it is known.
    pub(crate) fn role(&self) -> Option<&RoleArn> {
        self.role_arn.as_ref().or_else(|| self.found_role.get())
    }
}
