//! Credentials that a service returned and AWS rejects: no hint blames the user, who did not enter them.

use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, CANARIES, Case, always, documented, each};
use crate::credentials::{LATER, json, keys, with_config};
use crate::session::{SSO_SESSION_TOKEN, sso_session, token};

const CALCULATED: &str =
    "The request signature we calculated does not match the signature you provided.";
const ROLE: &str = "arn:aws:iam::123456789012:role/ops/Responder";
const MFA: &str = "IAM rejects sessions that expired, whose user was deleted, or that GetSessionToken created without MFA: get \
                   new credentials (aws configure mfa-login gets them with MFA)";
const UNKNOWN: &str = "STS does not know this session, or its token is incomplete: get new credentials from the same source";
const SECRET: &str =
    "the secret access key does not belong to your access key ID: check it for missing characters";
const SET_BY_HAND: &str = "the environment";
const PROCESS: &str = "the credential_process of profile `default`";
const ASSUMED: &str = "the role of profile `default`, assumed with the key of profile `base`";

/// A run with the credentials of a session from `origin`.
fn with_session(sandbox: &Sandbox, origin: &str) -> Case {
    let session = sandbox.session();
    match origin {
        SET_BY_HAND => Case::documented(sandbox, &[])
            .env("AWS_ACCESS_KEY_ID", session.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", session.secret_access_key)
            .env("AWS_SESSION_TOKEN", session.session_token.expect("a token")),
        PROCESS => {
            let case = with_config(sandbox, "").file("answer.json", json(&session, LATER));
            let answer = case.path("answer.json");
            let config = format!("[default]\ncredential_process = cat {}\n", answer.display());
            case.file(".aws/config", config)
        }
        _ => with_config(
            sandbox,
            &format!(
                "[default]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\n{}",
                keys(&sandbox.admin())
            ),
        ),
    }
}

#[test]
fn a_hint_for_rejected_credentials_fits_their_source_and_the_service() {
    let other = format!(
        "AWS rejects the credentials from {ASSUMED}: use other credentials (--profile NAME)"
    );
    let changed = |origin: &str| {
        format!(
            "a proxy may have changed the request, which was signed with credentials from {origin}: check the endpoint URL and \
             the proxy"
        )
    };
    let (iam, sts) = ("DeleteAccessKey", "GetCallerIdentity");
    let (invalid, wrong) = ("InvalidClientTokenId", "SignatureDoesNotMatch");
    let cases = [
        (SET_BY_HAND, iam, invalid, MFA),
        (SET_BY_HAND, sts, invalid, UNKNOWN),
        (SET_BY_HAND, iam, wrong, SECRET),
        (PROCESS, iam, invalid, MFA),
        (PROCESS, sts, invalid, UNKNOWN),
        (PROCESS, iam, wrong, &changed(PROCESS)),
        (ASSUMED, iam, invalid, &other),
        (ASSUMED, sts, invalid, &other),
        (ASSUMED, iam, wrong, &changed(ASSUMED)),
        (ASSUMED, sts, wrong, &changed(ASSUMED)),
    ];
    each(cases, |(origin, action, code, hint)| {
        let sandbox = documented();
        sandbox.fault(always(action, What::error(403, code, CALCULATED)));
        let mut case = with_session(&sandbox, origin);
        if action == sts {
            case = case.args(["--expect-account", "123456789012"]);
        }
        let said = case.run().exits(7).prints_anything();
        let _ = said.says(&[&format!(
            "when calling the {action} operation: {CALCULATED}\nhint: {hint}\nresult: "
        )]);
    });
}

#[test]
fn a_process_that_returns_no_session_token_is_named() {
    let sandbox = documented();
    let mut session = sandbox.session();
    session.session_token = None;
    let case = with_config(&sandbox, "").file("answer.json", json(&session, LATER));
    let answer = case.path("answer.json");
    let config = format!("[default]\ncredential_process = cat {}\n", answer.display());
    let said = case.file(".aws/config", config).run().exits(7);
    let _ = said.prints_anything().says(&[&format!(
        "(InvalidClientTokenId) when calling the DeleteAccessKey operation: The security token included in the request is \
         invalid.\nhint: {PROCESS} returned a temporary access key without its SessionToken: run the command by itself to see \
         what is wrong\nresult: "
    )]);
}

/// The session of the base profile calls `AssumeRole`.
#[test]
fn a_hint_for_a_rejected_session_that_assumes_a_role_is_about_that_session() {
    let sandbox = documented();
    sandbox.fault(always(
        "AssumeRole",
        What::error(403, "InvalidClientTokenId", "x"),
    ));
    let case = with_session(&sandbox, SET_BY_HAND).args(["--role-arn", ROLE]);
    case.run().stops_exactly(
        7,
        &format!(
            "iam-del-key: error: the role could not be assumed: An error occurred (InvalidClientTokenId) when calling the \
             AssumeRole operation: x\nhint: {UNKNOWN}\nresult: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}

#[test]
fn no_hint_says_to_correct_what_sso_returned() {
    const ID: &str = "ASIAQAAAAAAASOMEBODY";
    let cases = [
        (
            "a\\nb",
            ID,
            "secretAccessKey from SSO contains whitespace, a quote or another character that is not allowed in a key",
        ),
        (
            ID,
            CANARIES[0],
            "the access key ID and the secret access key are swapped: accessKeyId from SSO and secretAccessKey from SSO",
        ),
    ];
    each(cases, |(secret, id, error)| {
        let sandbox = documented();
        let body = format!(
            r#"{{"roleCredentials":{{"accessKeyId":"{id}","secretAccessKey":"{secret}","sessionToken":"t","expiration":4070908800000}}}}"#
        );
        let page = What::page(200, "application/json", body);
        sandbox.fault(Fault::new(page).always());
        let case = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", sandbox.url());
        case.run().stops_exactly(
            7,
            &format!("iam-del-key: error: {error}\nresult: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"),
        );
    });
}
