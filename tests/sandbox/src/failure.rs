//! The errors of IAM and STS: code, HTTP status and AWS's message, each defined once.

use crate::clock;
use std::borrow::Cow;
use std::fmt::Display;
use time::{Duration, OffsetDateTime};

/// An error response before it is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

/// The largest allowed difference between a signature's date and the server's clock.
pub(crate) const ALLOWED_SKEW: Duration = Duration::minutes(15);

impl Failure {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }

    pub(crate) fn no_such_user(name: &str) -> Self {
        Self::new(
            404,
            "NoSuchEntity",
            format!("The user with name {name} cannot be found."),
        )
    }

    pub(crate) fn no_such_key(id: &str) -> Self {
        Self::new(
            404,
            "NoSuchEntity",
            format!("The Access Key with id {id} cannot be found."),
        )
    }

    pub(crate) fn user_exists(name: &str) -> Self {
        Self::new(
            409,
            "EntityAlreadyExists",
            format!("User with name {name} already exists."),
        )
    }

    pub(crate) fn key_quota(quota: usize) -> Self {
        Self::new(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for AccessKeysPerUser: {quota}"),
        )
    }

    pub(crate) fn no_user_in_credentials() -> Self {
        Self::validation("Must specify userName when calling with non-User credentials")
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub(crate) fn unknown_action(action: &str, version: &str) -> Self {
        Self::new(
            400,
            "InvalidAction",
            format!("Could not find operation {action} for version {version}"),
        )
    }

    pub(crate) fn missing_action() -> Self {
        Self::new(400, "MissingAction", "Missing Action")
    }

    /// No policy allows the action.
    pub(crate) fn denied(arn: &str, action: &str, resource: &str) -> Self {
        let because = format!("because no identity-based policy allows the {action} action");
        Self::new(
            403,
            "AccessDenied",
            format!(
                "User: {arn} is not authorized to perform: {action} on resource: {resource} {because}"
            ),
        )
    }

    /// The policy of a root user's task does not allow the action.
    pub(crate) fn denied_by_task(arn: &str, action: &str, resource: &str) -> Self {
        let because = format!("because no session policy allows the {action} action");
        Self::new(
            403,
            "AccessDenied",
            format!(
                "User: {arn} is not authorized to perform: {action} on resource: {resource} {because}"
            ),
        )
    }

    /// STS does not know which account the key belongs to.
    pub(crate) fn key_without_account() -> Self {
        Self::validation("The access key ID does not exist.")
    }

    /// IAM's response to a request for the last use of an unknown key.
    pub(crate) fn last_use_of_unknown_key(arn: &str, id: &str) -> Self {
        let action = "iam:GetAccessKeyLastUsed";
        Self::new(
            403,
            "AccessDenied",
            format!(
                "User: {arn} is not authorized to perform: {action} on resource: access key {id}"
            ),
        )
    }

    pub(crate) fn throttled() -> Self {
        Self::new(400, "Throttling", "Rate exceeded")
    }

    pub(crate) fn report_not_present() -> Self {
        Self::new(
            410,
            "ReportNotPresent",
            "There is no credential report. To generate one, use GenerateCredentialReport.",
        )
    }

    pub(crate) fn report_in_progress() -> Self {
        Self::new(
            404,
            "ReportInProgress",
            "The credential report is still being generated.",
        )
    }

    pub(crate) fn report_expired() -> Self {
        Self::new(
            410,
            "ReportExpired",
            "The latest credential report has expired. To generate a new one, use GenerateCredentialReport.",
        )
    }

    pub(crate) fn wrong_code() -> Self {
        Self::new(
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        )
    }

    pub(crate) fn unknown_device() -> Self {
        Self::new(
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid \
             and associated with this user.",
        )
    }

    pub(crate) fn half_of_mfa() -> Self {
        Self::new(
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
        )
    }

    /// A role's trust policy does not allow the caller.
    pub(crate) fn untrusted(arn: &str, role: &str) -> Self {
        Self::new(
            403,
            "AccessDenied",
            format!("User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role}"),
        )
    }

    pub(crate) fn missing_token() -> Self {
        Self::new(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
    }

    pub(crate) fn incomplete_signature(what: impl Display) -> Self {
        Self::new(403, "IncompleteSignature", what.to_string())
    }

    pub(crate) fn invalid_token() -> Self {
        Self::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    }

    pub(crate) fn expired_token() -> Self {
        Self::new(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        )
    }

    pub(crate) fn wrong_signature() -> Self {
        Self::signature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
             Key and signing method. Consult the service documentation for details.",
        )
    }

    pub(crate) fn signature(message: impl Into<String>) -> Self {
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    pub(crate) fn signature_expired(signed: OffsetDateTime, now: OffsetDateTime) -> Self {
        let (signed, edge, now) = (
            clock::basic(signed),
            clock::basic(now - ALLOWED_SKEW),
            clock::basic(now),
        );
        Self::signature(format!(
            "Signature expired: {signed} is now earlier than {edge} ({now} - 15 min.)"
        ))
    }

    pub(crate) fn signature_not_yet_current(signed: OffsetDateTime, now: OffsetDateTime) -> Self {
        let (signed, edge, now) = (
            clock::basic(signed),
            clock::basic(now + ALLOWED_SKEW),
            clock::basic(now),
        );
        Self::signature(format!(
            "Signature not yet current: {signed} is still later than {edge} ({now} + 15 min.)"
        ))
    }
}
