//! Responses of SSO without a token or credentials: the reason or the status, and what to do.

use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;
use iam_sandbox::{Act, Fault, Metadata, Sandbox, What};
use rustix::fs::{Access, access};

use crate::case::{BOBS_KEY, CANARIES, Case, DELETED, documented, each};
use crate::credentials::{LATER, refused, with_config};
use crate::session::{LOGIN, LOGIN_TOKEN, RENEWABLE_TOKEN, SSO_SESSION_TOKEN, sso_session, token};

/// The portal may also refuse without a code.
#[test]
fn a_refusal_by_the_sso_portal_is_explained() {
    let cases = [
        (
            401,
            r#"{"message":"no more"}"#,
            "refused (HTTP status 401): no more\nhint: aws sso login",
        ),
        (
            401,
            r#"{"__type":"UnauthorizedException","message":"no more"}"#,
            "refused (UnauthorizedException): no more\nhint: aws sso login",
        ),
        (
            403,
            "{}",
            "refused (HTTP status 403): no reason given\nhint: check sso_account_id",
        ),
        (
            429,
            r#"{"__type":"TooManyRequestsException","message":"slower"}"#,
            "refused (TooManyRequestsException): slower\nhint: it limits requests: wait a moment",
        ),
    ];
    each(cases, |(status, body, says)| {
        let sandbox = documented();
        sandbox.fault(Fault::new(What::page(status, "application/json", body)).always());
        let case = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", sandbox.url());
        refused(case.run(), &[&format!("no credentials: SSO {says}")]);
    });
}

/// A run that renews its SSO session at the sandbox, which responds with `response`.
fn renews(sandbox: &Sandbox, response: What) -> Case {
    sandbox.fault(Fault::new(response).always());
    with_config(sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN)
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_ENDPOINT_URL_SSO_OIDC", sandbox.url())
}

/// OAuth has other names for the code and the message.
#[test]
fn a_renewal_that_sso_refuses_has_the_reason() {
    let cases = [
        (
            Some("InvalidGrantException"),
            r#"{"error":"invalid_grant","error_description":"the token was revoked"}"#,
            "InvalidGrantException, invalid_grant): the token was revoked",
        ),
        (
            Some("InvalidGrantException"),
            r#"{"error":"invalid_grant"}"#,
            "InvalidGrantException, invalid_grant): no reason given",
        ),
        (
            Some("InvalidGrantException"),
            "",
            "InvalidGrantException): no reason given",
        ),
        (
            None,
            r#"{"error":"invalid_grant","error_description":"gone\n\u001b[2J refresh-1"}"#,
            "invalid_grant): gone\\u{a}\\u{1b}[2J (not shown)",
        ),
        (
            None,
            r#"{"error":"invalid_grant"}"#,
            "invalid_grant): no reason given",
        ),
        (None, "{}", "HTTP status 400): no reason given"),
        (
            None,
            r#"{"error":"slow_down"}"#,
            "slow_down): no reason given",
        ),
        (
            None,
            r#"{"error":"server_error"}"#,
            "server_error): no reason given",
        ),
    ];
    each(cases, |(code, body, reason)| {
        let hint = match reason {
            _ if reason.starts_with("slow_down") => {
                "it limits requests: wait a moment, and run the same command again"
            }
            _ if reason.starts_with("server_error") => {
                "wait a minute, and run the same command again"
            }
            _ => "aws sso login --sso-session corp",
        };
        let sandbox = documented();
        let code = code.map(|code| ("x-amzn-ErrorType".to_owned(), code.to_owned()));
        let response = What::Reply {
            status: 400,
            headers: code.into_iter().collect(),
            body: body.into(),
            act: Act::Never,
        };
        renews(&sandbox, response).run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials: SSO refused ({reason}\n\
                 hint: {hint}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
    });
}

#[test]
fn a_response_that_is_not_from_sso_has_its_status() {
    const FAILED: &str = "the server, or a proxy in front of it, failed: wait a minute, and run the same command again";
    const INTERCEPTED: &str = "a proxy or captive portal may be intercepting the connection: check the endpoint URL and \
                               the proxy";
    const LIMITED: &str = "the server, or a proxy in front of it, limits requests: wait a moment, and run the same command again";
    let html = "<!DOCTYPE html><html></html>";
    let cases = [
        (429, html, "429", LIMITED),
        (500, html, "500", FAILED),
        (503, "", "503", FAILED),
        (302, "", "302", INTERCEPTED),
        (302, html, "302", INTERCEPTED),
        (404, html, "404", INTERCEPTED),
        (200, html, "200 with an unexpected body", INTERCEPTED),
        (200, "[]", "200 with an unexpected body", INTERCEPTED),
    ];
    each(cases, |(status, body, reason, hint)| {
        let sandbox = documented();
        let renews = renews(&sandbox, What::page(status, "text/html", body));
        let asks = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, token(LATER))
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_ENDPOINT_URL_SSO", sandbox.url());
        let host = sandbox.url().replace("http://", "");
        for case in [renews, asks] {
            case.run().stops_exactly(
                7,
                &format!(
                    "iam-del-key: error: no credentials: no usable response from SSO at {host}: HTTP status {reason}\n\
                     hint: {hint}\n\
                     result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                ),
            );
        }
    });
}

/// A renewable token that is valid for a few more minutes.
fn renewable_soon() -> String {
    let soon = format_rfc3339_seconds(SystemTime::now() + Duration::from_mins(10)).to_string();
    RENEWABLE_TOKEN.replace("2020-01-01T00:00:00UTC", &soon)
}

#[test]
fn a_renewal_without_a_response_leaves_time_for_the_token_that_is_still_valid() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let (sandbox, portal) = (documented(), Metadata::start());
    let _ = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, renewable_soon())
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", format!("http://{address}"))
        .args(["--timeout", "4"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_exactly(
            "iam-del-key: warning: the SSO session could not be renewed: it was not finished in time\n",
        );
    assert_eq!(portal.requests(), ["GET /federation/credentials"]);
}

/// The run has credentials, so the warning does not say that it has none.
#[test]
fn a_renewal_that_fails_is_a_warning_if_the_token_is_still_valid() {
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant"}"#,
            "1",
            "SSO refused (invalid_grant): no reason given",
        ),
        (200, "{}", "1", "SSO returned no accessToken"),
        (
            503,
            "",
            "1",
            "no usable response from SSO at #: HTTP status 503",
        ),
        (
            503,
            "",
            "100",
            "it was not finished in time: no usable response from SSO at #: HTTP status 503",
        ),
    ];
    each(cases, |(status, body, attempts, reason)| {
        let (sandbox, renewals, portal) = (documented(), documented(), Metadata::start());
        let page = What::page(status, "application/json", body);
        renewals.fault(Fault::new(page).always());
        let reason = reason.replace('#', &renewals.address().to_string());
        let _ = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, renewable_soon())
            .env("AWS_MAX_ATTEMPTS", attempts)
            .env("AWS_ENDPOINT_URL_SSO", portal.url())
            .env("AWS_ENDPOINT_URL_SSO_OIDC", renewals.url())
            .args(["--timeout", "4"])
            .run()
            .exits(0)
            .prints(DELETED)
            .says_exactly(&format!(
                "iam-del-key: warning: the SSO session could not be renewed: {reason}\n"
            ));
        assert_eq!(portal.requests(), ["GET /federation/credentials"]);
    });
}

#[test]
fn a_token_that_no_header_can_have_names_its_file() {
    each(["\\n", "\\u001b[2J", "\\u00fc", "\\u007f"], |character| {
        let (sandbox, portal) = (documented(), Metadata::start());
        let token = token(LATER).replace(
            "\"accessToken\":\"",
            &format!("\"accessToken\":\"a{character}"),
        );
        let case = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, token)
            .env("AWS_ENDPOINT_URL_SSO", portal.url());
        let file = case.path(SSO_SESSION_TOKEN);
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no SSO session: the accessToken in `{}` contains a line break or another character that \
                 no header can have\n\
                 hint: aws sso login --sso-session corp\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n",
                file.display()
            ),
        );
        assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
    });
}

#[test]
fn a_blank_token_is_not_sent() {
    each([" ", "\\t", "\u{a0}"], |blank| {
        let (sandbox, portal) = (documented(), Metadata::start());
        let token = token(LATER).replace(CANARIES[1], blank);
        let case = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, token)
            .env("AWS_ENDPOINT_URL_SSO", portal.url());
        refused(
            case.run(),
            &["contains only white space\nhint: aws sso login --sso-session corp\n"],
        );
        assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
    });
}

#[test]
fn an_unusable_renewed_sso_token_replaces_nothing() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let body = r#"{"accessToken":"new\ntoken","expiresIn":3600,"refreshToken":"refresh-2"}"#;
    sandbox.fault(Fault::new(What::page(200, "application/json", body)).always());
    let case = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN)
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", sandbox.url());
    keeps(
        case,
        SSO_SESSION_TOKEN,
        "no credentials: SSO returned an accessToken that contains a line break or another character that no header can have\n\
         hint: aws sso login --sso-session corp",
    );
    assert_eq!(portal.requests().len(), 0);
}

#[test]
fn a_hint_first_removes_what_would_make_signing_in_fail() {
    let sandbox = documented();
    let sources = [
        (
            sso_session(),
            SSO_SESSION_TOKEN,
            "aws sso login --sso-session corp",
        ),
        (LOGIN.to_owned(), LOGIN_TOKEN, "aws login --profile default"),
    ];
    each(sources, |(config, token, command)| {
        let fails = |case: Case, path: &Path, what: &str| {
            let path = path.display();
            let hints = format!("\nhint: first {what}\nhint: {command}\n");
            refused(case.run(), &[&hints.replace("{}", &format!("`{path}`"))]);
        };
        let case = || with_config(&sandbox, &config);
        let in_place = case().file(&format!("{token}/x"), "");
        let path = in_place.path(token);
        fails(in_place, &path, "remove {}");
        let (folder, _) = token.rsplit_once('/').expect("a folder");
        let no_folder = case().file(folder, "");
        let path = no_folder.path(folder);
        fails(no_folder, &path, "remove {}");
        let other = format!("{folder}/other");
        for (file, denied, mode) in [(token, token, 0o400), (&other, folder, 0o500)] {
            let locked = case().file(file, "{");
            let path = locked.path(denied);
            set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
            // The superuser may write to it.
            if access(&path, Access::WRITE_OK).is_err() {
                fails(locked, &path, "make {} writable for this user");
            } else {
                refused(locked.run(), &[&format!("\nhint: {command}\nresult: ")]);
            }
        }
    });
    assert_eq!(sandbox.connections(), 0);
}

/// Checks that a run fails with this error, and that the file of its session is as before.
pub(crate) fn keeps(case: Case, file: &str, error: &str) {
    let before = std::fs::read(case.path(file)).expect("a session");
    let ended = case.start().end_keeping(|folder| {
        let after = std::fs::read(folder.join("home").join(file)).expect("a session");
        assert_eq!(after, before);
    });
    ended.stops_exactly(
        7,
        &format!(
            "iam-del-key: error: {error}\nresult: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}
