//! What to run next, by error. Each hint is a command or the one thing to do.

use crate::outcome::{Code, Failure, ServiceError};
use crate::request::Key;

/// The hints for a key that was not deleted, or of which nobody can say.
pub(crate) fn hints(key: &Key, failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Service(error) => service_hints(key, error),
        Failure::NotSent(cause) | Failure::NoAnswer(cause) => cause.hint.iter().cloned().collect(),
    }
}

fn service_hints(key: &Key, error: &ServiceError) -> Vec<String> {
    let one = |hint: &str| vec![hint.to_owned()];
    let code = error.code.as_deref().unwrap_or_default();
    match error.family() {
        Code::NoSuchEntity => no_such_entity(key, error),
        Code::Validation if error.message.contains("Must specify userName") => {
            let mut hints = one(
                "roles, SSO sessions and the root user have no keys of their own: name the owner with --user-name NAME",
            );
            hints.push(owner_command(key));
            hints
        }
        Code::Credentials => credentials(error, code),
        Code::AccessDenied => one(
            "ask for the permission iam:DeleteAccessKey on this user, or sign with --profile NAME",
        ),
        Code::Throttling => {
            one("IAM's limit is the account's: wait a moment, and run fewer of these at once")
        }
        Code::ServiceFailure => {
            one("the trouble is on AWS's side: run the same command again in a minute")
        }
        Code::Validation | Code::LimitExceeded | Code::Other => Vec::new(),
    }
}

fn owner_command(key: &Key) -> String {
    format!(
        "to see whose key it is: aws iam get-access-key-last-used --access-key-id {} --query UserName",
        key.id
    )
}

fn no_such_entity(key: &Key, error: &ServiceError) -> Vec<String> {
    if let Some(owner) = &error.context.owner {
        return vec![format!(
            "iam-del-key --access-key-id {} --user-name={owner}",
            key.id
        )];
    }
    if let Some((theirs, ours)) = &error.context.accounts {
        return vec![format!(
            "the key's ID encodes account {theirs}, and the credentials are of account {ours}: \
             sign with a profile of account {theirs} (--profile NAME)"
        )];
    }
    if error.is_about_user() {
        return vec![
            "check the user's name: aws iam list-users --query Users[].UserName".to_owned(),
            owner_command(key),
        ];
    }
    let mut hints = vec![
        "the key is gone already, or it is another user's: IAM says the same of both".to_owned(),
    ];
    hints.push(owner_command(key));
    if key.user_name.is_none() {
        hints.push(
            "without --user-name IAM looks among the keys of the user whose key signs".to_owned(),
        );
    }
    hints
}

fn credentials(error: &ServiceError, code: &str) -> Vec<String> {
    if let Some((ours, theirs)) = &error.context.clocks {
        return vec![format!(
            "this machine's clock says {ours}, IAM's says {theirs}: set the clock (timedatectl set-ntp true)"
        )];
    }
    let hint = match code.strip_suffix("Exception").unwrap_or(code) {
        "ExpiredToken" | "RequestExpired" | "TokenRefreshRequired" => {
            "the session has expired: sign in again (aws sso login, aws login), or fetch new session credentials"
        }
        "InvalidClientTokenId" | "UnrecognizedClient" => {
            "the key that signs is deleted, inactive, lacks its session token, or is only seconds old: aws sts get-caller-identity"
        }
        "SignatureDoesNotMatch" | "InvalidSignature" | "IncompleteSignature" => {
            "the secret access key does not belong to the key that signs: check it for missing characters"
        }
        "OptInRequired" => "this account is not signed up for the service, or is suspended",
        _ => "check the credentials: aws sts get-caller-identity",
    };
    vec![hint.to_owned()]
}
