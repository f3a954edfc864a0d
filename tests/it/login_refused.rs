//! Sessions of `aws login` that cannot be renewed: the reason and a suitable hint.

use iam_sandbox::{Act, Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::credentials::{EARLIER, with_config};
use crate::session::{LOGIN, LOGIN_TOKEN, login_token};
use crate::sso_refused::keeps;

const SIGN_IN: &str = "aws login --profile default";

/// A run with an expired session whose file contains `token`.
fn renews(sandbox: &Sandbox, token: &str) -> Case {
    with_config(sandbox, LOGIN)
        .file(LOGIN_TOKEN, token)
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_ENDPOINT_URL_SIGNIN", sandbox.url())
}

fn fails(case: Case, message: &str, hint: &str) {
    case.run().stops_exactly(
        7,
        &format!(
            "iam-del-key: error: {message}\n\
             hint: {hint}\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}

/// All codes that the service documents for a renewal, and an error without a type.
#[test]
fn a_sign_in_service_that_refuses_has_its_code_and_a_hint_for_it() {
    const PERMISSION: &str =
        "the user or role of the session may lack the permission signin:CreateOAuth2Token";
    const LIMITED: &str = "it limits requests: wait a moment, and run the same command again";
    const FAILED: &str = "wait a minute, and run the same command again";
    let cases = [
        (401, "AccessDeniedException", "TOKEN_EXPIRED", SIGN_IN),
        (
            403,
            "AccessDeniedException",
            "USER_CREDENTIALS_CHANGED",
            SIGN_IN,
        ),
        (
            403,
            "AccessDeniedException",
            "INSUFFICIENT_PERMISSIONS",
            PERMISSION,
        ),
        (403, "", "INSUFFICIENT_PERMISSIONS", PERMISSION),
        (400, "ValidationException", "INVALID_REQUEST", SIGN_IN),
        (429, "TooManyRequestsError", "INVALID_REQUEST", LIMITED),
        (500, "InternalServerException", "server_error", FAILED),
    ];
    each(cases, |(status, code, error, hint)| {
        let sandbox = documented();
        let headers = match code {
            "" => Vec::new(),
            code => vec![("x-amzn-ErrorType".to_owned(), code.to_owned())],
        };
        let response = What::Reply {
            status,
            headers,
            body: format!(r#"{{"error":"{error}","message":"why"}}"#).into(),
            act: Act::Never,
        };
        sandbox.fault(Fault::new(response).always());
        let token = login_token(&sandbox.session(), EARLIER, "refresh-1");
        let codes = match code {
            "" => error.to_owned(),
            code => format!("{code}, {error}"),
        };
        fails(
            renews(&sandbox, &token),
            &format!("no credentials: the sign-in service refused ({codes}): why"),
            hint,
        );
    });
}

/// The region becomes a part of a host name.
#[test]
fn a_login_session_with_an_invalid_region_is_not_renewed() {
    each(
        ["us-east-1.example.com/", "x@127.0.0.1", "US-EAST-1"],
        |region| {
            let sandbox = documented();
            let token = login_token(&sandbox.session(), EARLIER, "refresh-1").replacen(
                '{',
                &format!(r#"{{"signInRegion":"{region}","#),
                1,
            );
            fails(
                renews(&sandbox, &token),
                &format!(
                    "no session of `aws login`: in its file, signInRegion is `{region}`: a region is lowercase letters, digits \
                 and dashes, such as us-east-1"
                ),
                SIGN_IN,
            );
            assert_eq!(sandbox.connections(), 0);
        },
    );
}

#[test]
fn unusable_renewed_credentials_of_a_login_replace_nothing() {
    let sandbox = documented();
    let body = r#"{"accessToken":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"a\nb","sessionToken":"c"},"expiresIn":900,"refreshToken":"refresh-2","tokenType":"t"}"#;
    sandbox.fault(Fault::new(What::page(200, "application/json", body)).always());
    let case = with_config(&sandbox, LOGIN)
        .file(
            LOGIN_TOKEN,
            login_token(&sandbox.session(), EARLIER, "refresh-1"),
        )
        .env("AWS_ENDPOINT_URL_SIGNIN", sandbox.url());
    keeps(
        case,
        LOGIN_TOKEN,
        "secretAccessKey from the session of `aws login` contains whitespace, a quote or another character that is not \
         allowed in a key\n\
         hint: correct secretAccessKey from the session of `aws login`, or remove it",
    );
}
