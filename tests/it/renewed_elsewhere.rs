//! Two runs that renew the same session at the same time: a refresh token may be valid only once.

use std::fs::File;
use std::path::Path;

use iam_sandbox::documented::SESSION_KEY_ID;
use iam_sandbox::{Metadata, Sandbox};

use crate::case::{Case, DELETED, documented};
use crate::credentials::{EARLIER, LATER, without};
use crate::running::Running;
use crate::session::{
    LOGIN, LOGIN_TOKEN, RENEWABLE_TOKEN, SSO_SESSION_TOKEN, login_token, sso_session, token,
};
use crate::streams::wait_for;

/// Whether a run has the file open.
fn has_open(running: &Running, file: &Path) -> bool {
    let files = std::fs::read_dir(format!("/proc/{}/fd", running.child.id()));
    let files = files.expect("a run to look at").flatten();
    let mut files = files.filter_map(|open| open.path().read_link().ok());
    files.any(|open| open == file)
}

/// Starts a run while another run is renewing the same session. The other run saves `renewed` and ends.
fn waits_for_other(sandbox: &Sandbox, case: Case, session: &str, renewed: &str) {
    let path = case.path(session);
    let file = File::open(&path).expect("a session");
    file.lock().expect("a lock");
    let running = case.start();
    wait_for(|| has_open(&running, &path));
    let saved = path.with_extension("new");
    std::fs::write(&saved, renewed).expect("a session");
    std::fs::rename(&saved, &path).expect("a session");
    drop(file);
    let _ = running.end().exits(0).prints(DELETED).says_nothing();
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.key_id.as_deref(), Some(SESSION_KEY_ID));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn a_run_uses_the_sso_session_that_another_run_renews() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let case = without(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN)
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", sandbox.url());
    waits_for_other(&sandbox, case, SSO_SESSION_TOKEN, &token(LATER));
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
    let case = without(&sandbox, LOGIN)
        .file(LOGIN_TOKEN, expired)
        .env("AWS_ENDPOINT_URL_SIGNIN", service.url());
    let renewed = login_token(&sandbox.session(), LATER, "refresh-2");
    waits_for_other(&sandbox, case, LOGIN_TOKEN, &renewed);
    assert_eq!(service.requests().len(), 0);
}
