//! Hints for an error from IAM or STS. The choice depends on the error code, the message and the credentials, and each
//! hint states only what AWS documents for that code and message.

use super::denial;
use super::{CredentialKind, ErrorKind, Hint, Operation, ServiceError, without_suffix};

/// Returns the hints for an error.
pub(super) fn advice(error: &ServiceError) -> Vec<Hint> {
    let hint = match error.kind() {
        ErrorKind::AccessDenied => {
            denial::hint(error.operation, &error.message, &error.context).map(Hint::from)
        }
        ErrorKind::Credentials if let Some(hints) = &error.context.source_hints => {
            return hints.clone();
        }
        ErrorKind::Credentials => {
            let code = error.code.as_deref().unwrap_or_default();
            let hint = credentials(code, error, error.context.credentials).map(Hint::from);
            return error.region_hint().into_iter().chain(hint).collect();
        }
        ErrorKind::Throttling if error.operation == Operation::Sts("AssumeRoot") => Some(
            "STS allows few AssumeRoot calls: wait a minute, and run fewer commands at once".into(),
        ),
        ErrorKind::Throttling => {
            // Only AWS returns a code.
            let who = match error.code {
                Some(_) => &format!("{} limits requests per account", error.operation.service()),
                None => "the server, or a proxy in front of it, limits requests",
            };
            Some(format!("{who}: wait a moment, and run fewer commands at once").into())
        }
        ErrorKind::ServiceFailure if error.code.as_deref() == Some("IDPCommunicationError") => {
            Some(Hint::again(
                "STS could not reach the identity provider of the web identity token: wait a minute, and ",
            ))
        }
        ErrorKind::ServiceFailure => {
            Some(Hint::again("this is a problem at AWS: wait a minute, and "))
        }
        ErrorKind::NoSuchEntity
        | ErrorKind::Validation
        | ErrorKind::LimitExceeded
        | ErrorKind::Other => None,
    };
    hint.into_iter().collect()
}

fn credentials(code: &str, error: &ServiceError, kind: CredentialKind) -> Option<&'static str> {
    let message = error.message.to_ascii_lowercase();
    let late = "the request reached AWS long after it was signed: check this machine's clock and the network";
    Some(match without_suffix(code) {
        // A request with a web identity token is not signed.
        "ExpiredToken" if kind == CredentialKind::None => {
            "the web identity token has expired: get a new one from the same identity provider"
        }
        "InvalidIdentityToken" if message.contains("audience") => {
            "the identity provider of the role's account does not list the audience of the web identity token: get a token for \
             an audience that it lists, or add the audience to the provider"
        }
        "InvalidIdentityToken" => {
            "STS could not validate the web identity token: get a new one, and check that the role's account has an \
             identity provider for the token's issuer"
        }
        "IDPRejectedClaim" => {
            "the identity provider rejected the web identity token, which may have expired or been revoked: get a new one"
        }
        "RegionDisabled" => "STS is not active in this region: choose another with --region",
        "OptInRequired" => "this account is not signed up for the service, or is suspended",
        _ if kind == CredentialKind::None => return None,
        "ExpiredToken" | "TokenRefreshRequired" => {
            "the session has expired: get new credentials from the same source"
        }
        "RequestExpired" | "RequestTimeTooSkewed" => late,
        "InvalidClientTokenId" | "UnrecognizedClient" => match kind {
            CredentialKind::Session if error.operation.service() == "STS" => {
                "STS does not know this session, or its token is incomplete: get new credentials from the same source"
            }
            CredentialKind::Session => {
                "IAM rejects sessions that expired, whose user was deleted, or that GetSessionToken created without MFA: get \
                 new credentials (aws configure mfa-login gets them with MFA)"
            }
            CredentialKind::SessionWithoutToken => {
                "these are temporary credentials without their session token: set AWS_SESSION_TOKEN, or \
                 aws_session_token in the profile"
            }
            CredentialKind::LongTermWithToken => {
                "a session token was sent with an access key that is not temporary: unset AWS_SESSION_TOKEN, or remove \
                 aws_session_token from the profile"
            }
            CredentialKind::LongTerm | CredentialKind::Unknown | CredentialKind::None => {
                "your access key ID is mistyped, or the key was deleted, is inactive, or was created only seconds ago: correct \
                 it, use other credentials (--profile NAME), or run this again if it is new"
            }
        },
        "SignatureDoesNotMatch" | "InvalidSignature" | "IncompleteSignature" => {
            let shapes = [
                (
                    "scoped to a valid region",
                    match error.operation {
                        Operation::Sts(_) => {
                            "the endpoint expects requests that are signed for another region: set --region"
                        }
                        Operation::Iam(_) => {
                            "the endpoint expects requests that are signed for another region: set --region (us-east-1 for \
                             iam.amazonaws.com)"
                        }
                    },
                ),
                (
                    "scoped to correct service",
                    "the endpoint belongs to another service: check the endpoint URL",
                ),
                ("signature expired", late),
                ("not yet current", "check this machine's clock"),
                (
                    "signature we calculated does not match",
                    "the secret access key does not belong to your access key ID: check it for missing characters",
                ),
                (
                    "credential must have exactly 5",
                    "the access key ID is malformed: check it for spaces and slashes",
                ),
            ];
            let shape = shapes.iter().find(|(part, _)| message.contains(part))?;
            shape.1
        }
        "MissingAuthenticationToken" => {
            "the request arrived without its signature: check whether a proxy removes the Authorization header"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Context;

    /// Joins the hints for an error.
    fn hint(
        operation: Operation,
        code: &str,
        message: &str,
        credentials: CredentialKind,
    ) -> String {
        let error = ServiceError {
            operation,
            code: Some(code.to_owned()),
            message: message.to_owned(),
            status: 403,
            request_id: None,
            context: Box::new(Context {
                credentials,
                ..Context::default()
            }),
        };
        let hints: Vec<String> = advice(&error).iter().map(Hint::to_string).collect();
        hints.join(" | ")
    }

    use CredentialKind::{LongTerm, LongTermWithToken, Session, SessionWithoutToken, Unknown};

    /// Code, message, credentials, and a part of the expected hint. An empty part means no hint.
    const REJECTED: [(&str, &str, CredentialKind, &str); 25] = [
        (
            "InvalidClientTokenId",
            "",
            LongTerm,
            "your access key ID is mistyped, or the key was deleted",
        ),
        (
            "InvalidClientTokenId",
            "",
            Unknown,
            "your access key ID is mistyped, or the key was deleted",
        ),
        (
            "InvalidClientTokenId",
            "",
            Session,
            "GetSessionToken created without MFA",
        ),
        (
            "UnrecognizedClientException",
            "",
            Session,
            "GetSessionToken created without MFA",
        ),
        (
            "InvalidClientTokenId",
            "",
            SessionWithoutToken,
            "set AWS_SESSION_TOKEN",
        ),
        (
            "InvalidClientTokenId",
            "",
            LongTermWithToken,
            "unset AWS_SESSION_TOKEN",
        ),
        ("ExpiredToken", "", Session, "the session has expired"),
        (
            "ExpiredTokenException",
            "",
            Session,
            "the session has expired",
        ),
        ("RequestExpired", "", LongTerm, "check this machine's clock"),
        (
            "RequestTimeTooSkewed",
            "",
            LongTerm,
            "check this machine's clock",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            LongTerm,
            "the secret access key does not belong",
        ),
        (
            "SignatureDoesNotMatch",
            "Credential should be scoped to a valid region.",
            LongTerm,
            "another region",
        ),
        (
            "SignatureDoesNotMatch",
            "Credential should be scoped to a valid region, not 'eu-west-1'.",
            LongTerm,
            "another region",
        ),
        (
            "SignatureDoesNotMatch",
            "Credential should be scoped to correct service: 'iam'.",
            LongTerm,
            "another service",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20260101T000000Z is now earlier than x",
            LongTerm,
            "check this machine's clock",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature not yet current: x",
            LongTerm,
            "check this machine's clock",
        ),
        ("SignatureDoesNotMatch", "", LongTerm, ""),
        ("SignatureDoesNotMatch", "Host must be signed", LongTerm, ""),
        (
            "IncompleteSignature",
            "Credential must have exactly 5 slash-delimited elements",
            LongTerm,
            "the access key ID is malformed",
        ),
        (
            "IncompleteSignature",
            "Date must be in ISO-8601 format",
            LongTerm,
            "",
        ),
        (
            "MissingAuthenticationToken",
            "",
            LongTerm,
            "check whether a proxy removes the Authorization header",
        ),
        ("OptInRequired", "", LongTerm, "not signed up"),
        ("AuthFailure", "", LongTerm, ""),
        ("LimitExceeded", "", LongTerm, ""),
        ("TeapotBoiling", "", LongTerm, ""),
    ];

    #[test]
    fn a_session_that_sts_rejects_has_no_hint_about_iam() {
        let operation = Operation::Sts("GetCallerIdentity");
        let hint = hint(operation, "InvalidClientTokenId", "", Session);
        assert!(hint.starts_with("STS does not know this session"), "{hint}");
    }

    #[test]
    fn rejected_credentials_are_answered_by_what_they_are() {
        for (code, message, kind, says) in REJECTED {
            let hint = hint(Operation::Iam("DeleteAccessKey"), code, message, kind);
            assert_eq!(hint.is_empty(), says.is_empty(), "{code} {message}: {hint}");
            assert!(hint.contains(says), "{code} {message} {kind:?}: {hint}");
            assert!(!hint.contains("get-caller-identity"), "{hint}");
        }
    }
}
