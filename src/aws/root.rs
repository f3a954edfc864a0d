//! Gets a session of the root user of a member account (`AssumeRoot`), which is limited to one task.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::operation::assume_root::AssumeRootOutput;
use aws_sdk_sts::types::PolicyDescriptorType;
use tokio::time::sleep;
use url::Url;

use super::attempt::Attempts;
use super::connection::Connection;
use super::credential_parts::of_sts;
use super::error::{output_error, timed_out};
use super::retry::Retries;
use super::settings::Settings;
use super::sts::{self, Identity};
use super::time_budget::TimeBudget;
use crate::command_line::CommandLine;
use crate::error::{CallError, ErrorKind, Hint, Operation, RunError, run_error};
use crate::ident::AccountId;
use crate::request::Mode;
use crate::sanitize::escape;

/// The start of the error if STS does not identify the session.
pub(super) const UNCHECKED: &str = "the session of AssumeRoot could not be checked";

const OPERATION: Operation = Operation::Sts("AssumeRoot");

/// The first and the longest pause before a throttled call is repeated. STS allows few calls of `AssumeRoot`.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(8)];

/// The root user of an account, and the parameters of its session.
pub(super) struct Root {
    account: AccountId,
    /// The ARN of the AWS managed policy that limits the session.
    policy: String,
    /// The ARN of the identity that calls `AssumeRoot`.
    caller: String,
    /// The hint with the command that shows whether the organization manages root access centrally.
    features: Hint,
}

impl Root {
    /// Prepares a session of the root user of `account` for `caller`. The mode selects the task.
    pub(super) fn new(
        account: &AccountId,
        mode: Mode,
        caller: &Identity,
        connection: &Connection,
    ) -> Self {
        let task = match mode {
            Mode::Change => "IAMDeleteRootUserCredentials",
            Mode::DryRun => "IAMAuditRootUserCredentials",
        };
        let command = CommandLine::new("aws iam list-organizations-features");
        let (command, signer) = match (&connection.role_arn, &connection.profile) {
            (Some(role), _) => (command, format!(" as {}", role.as_str())),
            (None, Some(profile)) => (command.option("--profile", profile), String::new()),
            (None, None) => (command, String::new()),
        };
        Self {
            account: account.clone(),
            policy: format!(
                "arn:{}:iam::aws:policy/root-task/{task}",
                caller.partition()
            ),
            caller: caller.principal.clone(),
            features: Hint::command(
                format!("to see whether the organization manages root access centrally{signer}"),
                command,
            ),
        }
    }

    /// Calls `AssumeRoot` with the credentials of `base`, and repeats it while STS throttles it and time remains.
    ///
    /// # Errors
    ///
    /// STS returns no credentials in time.
    pub(super) async fn assume(
        &self,
        base: Option<Credentials>,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Credentials, RunError> {
        let client = sts::client(&settings.sdk_of_identity()?, base, Retries::RateLimiter);
        let most = settings.profile().number("max_attempts")?;
        let [mut pause, longest] = PAUSES;
        let mut tried = 0;
        let mut throttled = None;
        loop {
            tried += 1;
            let attempts = Attempts::of(OPERATION);
            let failure = match budget
                .spend(Duration::ZERO, self.call(&client, &attempts, settings))
                .await
            {
                Some(Ok(output)) => {
                    let account = self.account.as_str();
                    let session = of_sts(output.credentials(), &attempts, account)?;
                    return Ok(session.0);
                }
                Some(Err(failure)) => failure,
                // Throttling of earlier calls explains more than the timeout.
                None => throttled.unwrap_or_else(|| timed_out(&attempts, budget.limit)),
            };
            let is_throttled = failure.kind() == Some(ErrorKind::Throttling);
            if !is_throttled
                || most.is_some_and(|most| tried >= most)
                || budget
                    .spend(Duration::ZERO, sleep(jittered(pause)))
                    .await
                    .is_none()
            {
                return Err(self.failed(&failure));
            }
            pause = (pause * 2).min(longest);
            throttled = Some(failure);
        }
    }

    async fn call(
        &self,
        client: &Client,
        attempts: &Attempts,
        settings: &Settings,
    ) -> Result<AssumeRootOutput, CallError> {
        let recorder = sts::session_recorder(attempts, settings);
        let policy = PolicyDescriptorType::builder().arn(&self.policy).build();
        let call = client
            .assume_root()
            .target_principal(self.account.as_str())
            .task_policy_arn(policy);
        let sent = call.customize().interceptor(recorder).send().await;
        sent.map_err(|error| output_error(attempts, &error))
    }

    fn failed(&self, failure: &CallError) -> RunError {
        let mut stop = run_error(failure, "STS", "no credentials: ");
        // If a policy denied this, the error already has a hint.
        if failure.is_denied() && stop.hints.is_empty() {
            let account = &self.account;
            let partition = self.policy.split(':').nth(1).unwrap_or("aws");
            let needed = if self.caller.ends_with(":root") {
                format!(
                    "{} cannot call AssumeRoot: use a user or a role (--profile NAME)",
                    escape(&self.caller)
                )
            } else {
                format!(
                    "the caller must be in the organization's management account or in IAM's delegated administrator account, and \
                     needs the permission sts:AssumeRoot on arn:{partition}:iam::{account}:root"
                )
            };
            stop.hints = vec![needed.into(), self.features.clone()];
        }
        stop
    }
}

/// Returns half to all of a pause, so that runs for many accounts do not repeat their calls at the same time.
fn jittered(pause: Duration) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let part = now.unwrap_or_default().subsec_micros() % 1_000;
    pause / 2 + pause * part / 2_000
}

/// Checks the endpoint before anything is sent.
///
/// # Errors
///
/// It is the global one of STS, which does not support `AssumeRoot`.
pub(super) fn check_before(settings: &Settings) -> Result<(), RunError> {
    let sdk = settings.sdk_of_identity()?;
    let url = sdk.endpoint_url().and_then(|url| Url::parse(url).ok());
    let host = url.as_ref().and_then(Url::host_str);
    let region = settings.region();
    let stop = |what: &str| {
        let message =
            format!("{what} is the global endpoint of STS, which does not support AssumeRoot");
        Err(RunError::configuration(message)
            .hint("use the endpoint of a region, such as --region us-east-1"))
    };
    match host {
        Some("sts.amazonaws.com") => stop("https://sts.amazonaws.com"),
        None if region.as_ref().ends_with("-global") => stop(&format!("the region {region}")),
        _ => Ok(()),
    }
}

/// Checks that a session belongs to the root user of `account`.
///
/// # Errors
///
/// It belongs to another identity.
pub(super) fn check(session: &Identity, account: &AccountId) -> Result<(), RunError> {
    // A user or role could have a name that ends in `:root`.
    let parts: Vec<&str> = session.principal.split(':').collect();
    let is_root = matches!(parts[..], ["arn", _, _, _, owner, "root"] if owner == account.as_str());
    if session.account == *account && is_root {
        return Ok(());
    }
    let principal = match session.principal.as_str() {
        "" => "an identity that STS did not report",
        principal => principal,
    };
    Err(RunError::refused(format!(
        "AssumeRoot returned a session of {} in account {}, but --target-principal is the root user of account {account}",
        escape(principal),
        session.account
    )))
}
