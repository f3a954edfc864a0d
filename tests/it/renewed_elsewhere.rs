//! Two runs that renew the same session at the same time: a refresh token may be valid only once.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use iam_sandbox::documented::SESSION_KEY_ID;
use iam_sandbox::{Metadata, Sandbox};
use serde_json::Value;

use crate::case::{Case, DELETED, documented, each_at_once};
use crate::credentials::{EARLIER, LATER, with_config};
use crate::running::Running;
use crate::session::{
    LOGIN, LOGIN_TOKEN, RENEWABLE_TOKEN, SSO_SESSION_TOKEN, login_token, read_json, sso_session,
    token,
};
use crate::streams::wait_for;

/// Whether a run has the file open.
fn has_open(running: &Running, file: &Path) -> bool {
    let files = std::fs::read_dir(format!("/proc/{}/fd", running.child.id()));
    let files = files.expect("a run to look at").flatten();
    let mut files = files.filter_map(|open| open.path().read_link().ok());
    files.any(|open| open == file)
}

/// Starts a run while another run renews the same session. The other run saves `renewed` and ends. Returns the content of the
/// file afterward.
fn waits_for_other(sandbox: &Sandbox, case: Case, session: &str, renewed: &str) -> Value {
    let path = case.path(session);
    let file = File::open(&path).expect("a session");
    file.lock().expect("a lock");
    let running = case.start();
    wait_for(|| has_open(&running, &path));
    let saved = path.with_extension("new");
    std::fs::write(&saved, renewed).expect("a session");
    std::fs::rename(&saved, &path).expect("a session");
    drop(file);
    let mut after = Value::Null;
    let ended = running.end_keeping(|folder| after = read_json(folder, session).0);
    let _ = ended.exits(0).prints(DELETED).says_nothing();
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.key_id.as_deref(), Some(SESSION_KEY_ID));
    after
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn a_run_uses_the_sso_session_that_another_run_renews() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let case = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN)
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", sandbox.url());
    let _ = waits_for_other(&sandbox, case, SSO_SESSION_TOKEN, &token(LATER));
    let requests = sandbox.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.action == "DeleteAccessKey")
    );
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn a_run_uses_the_login_session_that_another_run_renews() {
    let (sandbox, service) = (documented(), Metadata::start());
    let expired = login_token(&sandbox.expired_session(), EARLIER, "refresh-1");
    let case = with_config(&sandbox, LOGIN)
        .file(LOGIN_TOKEN, expired)
        .env("AWS_ENDPOINT_URL_SIGNIN", service.url());
    let renewed = login_token(&sandbox.session(), LATER, "refresh-2");
    let _ = waits_for_other(&sandbox, case, LOGIN_TOKEN, &renewed);
    assert_eq!(service.requests().len(), 0);
}

#[test]
fn a_run_says_that_it_waited_for_another_run_that_renews_the_session() {
    each_at_once([SSO_SESSION_TOKEN, LOGIN_TOKEN], |session| {
        let sandbox = documented();
        let case = if session == LOGIN_TOKEN {
            let expired = login_token(&sandbox.expired_session(), EARLIER, "refresh-1");
            with_config(&sandbox, LOGIN).file(LOGIN_TOKEN, expired)
        } else {
            with_config(&sandbox, &sso_session()).file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN)
        };
        let file = File::open(case.path(session)).expect("a session");
        file.lock().expect("a lock");
        let _ = case
            .args(["--timeout", "1", "-v"])
            .run()
            .exits(7)
            .prints_nothing()
            .says(&[
                "waiting for another process that is renewing the session",
                "no credentials within 1 s from",
                ": another process was renewing the session\n",
                "hint: if that process hangs, end it\n",
            ]);
        assert_eq!(sandbox.connections(), 0);
    });
}

/// The first refresh token is no longer valid then.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn a_run_renews_the_sso_session_that_another_run_saved_and_that_has_expired_again() {
    let response =
        r#"{"accessToken":"renewed-token-1","expiresIn":3600,"tokenType":"Bearer"}"#.to_owned();
    let portal = Metadata::start_instead(HashMap::from([("/token".to_owned(), response)]));
    let sandbox = documented();
    let case = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN)
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", portal.url());
    let saved = RENEWABLE_TOKEN.replace("refresh-1", "refresh-2");
    let after = waits_for_other(&sandbox, case, SSO_SESSION_TOKEN, &saved);
    assert_eq!(after["accessToken"], "renewed-token-1");
    assert_eq!(after["refreshToken"], "refresh-2");
}
