//! Runs without a home folder: no session is read from or saved in the current folder, where others could read or place it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use iam_sandbox::documented::SESSION_KEY_ID;

use crate::case::{Case, DELETED, actions, documented};
use crate::credentials::{EARLIER, LATER, refused, signs, with_config};
use crate::mfa;
use crate::running::Running;
use crate::session::{LOGIN, LOGIN_TOKEN, SSO_SESSION_TOKEN, login_token, sso_session, token};

/// A run whose `HOME` is relative to the current folder, which contains its files.
fn start(case: Case) -> Running {
    let above = case.path("..").display().to_string();
    let case = case.env("HOME", "home");
    case.start_under(Some(&["setsid", "env", "-C", &above]))
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn no_session_is_read_from_the_current_folder_or_saved_there() {
    let sandbox = mfa::guarded(&["755224"]);
    let cached = mfa::entry(&sandbox, mfa::ARN, LATER);
    let case = || mfa::case(&sandbox).file(mfa::CACHED, &cached);
    let place = |case: Case| {
        let path = case.path(mfa::CACHED);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
        case
    };
    let _ = start(place(case()))
        .end()
        .exits(7)
        .prints_nothing()
        .says_exactly(&format!(
            "iam-del-key: error: an MFA code from {} is required, and there is no terminal\n\
         hint: add --token-code CODE\n\
         result: AKIDPMS9RO4H3FEXAMPLE: not deleted: nothing was sent to IAM\n",
            mfa::SERIAL
        ));
    assert_eq!(sandbox.connections(), 0);
    let with_code = mfa::case(&sandbox).args(["--token-code", "755224", "-v"]);
    let ended = start(with_code).end_keeping(|folder| {
        let names = fs::read_dir(folder.join("home/.aws")).expect("a folder");
        let names: Vec<_> = names
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["config"]);
    });
    let _ = ended
        .exits(0)
        .prints(DELETED)
        .says(&["info: there is no home folder, so no session is read from it or saved there\n"]);
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn a_profile_that_needs_a_session_says_that_there_is_no_home_folder() {
    let sandbox = documented();
    let sso = || with_config(&sandbox, &sso_session()).file(SSO_SESSION_TOKEN, token(LATER));
    let login = |expiry| {
        let token = login_token(&sandbox.session(), expiry, "refresh-1");
        with_config(&sandbox, LOGIN).file(LOGIN_TOKEN, token)
    };
    let no_home = |what: &str| {
        format!(
            "iam-del-key: error: {what}: there is no home folder\n\
             hint: set HOME to the absolute path of your home folder\n\
             result: AKIDPMS9RO4H3FEXAMPLE: not deleted: nothing was sent to IAM\n"
        )
    };
    let no_login = no_home("no session of `aws login`");
    for (case, says) in [
        (sso(), no_home("no SSO session")),
        (login(LATER), no_login.clone()),
        (login(EARLIER).env("AWS_LOGIN_CACHE_DIRECTORY", ""), no_login),
        (
            login(LATER).env("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache"),
            no_home("the environment variable AWS_LOGIN_CACHE_DIRECTORY has a `~`, and there is no home folder")
                .replacen(": there is no home folder", "", 1),
        ),
    ] {
        let _ = start(case).end().exits(7).prints_nothing().says_exactly(&says);
    }
    assert_eq!(sandbox.connections(), 0);
    // An explicit folder needs no home folder.
    let case = login(LATER);
    let folder = case.path(".aws/login/cache");
    let case = case.env("AWS_LOGIN_CACHE_DIRECTORY", folder);
    start(case).end().deletes_quietly();
    let signer = sandbox.requests()[0].key_id.clone();
    assert_eq!(signer.as_deref(), Some(SESSION_KEY_ID));
    // As everywhere, an empty variable counts as not set.
    let sandbox = documented();
    let token = login_token(&sandbox.session(), LATER, "refresh-1");
    let case = with_config(&sandbox, LOGIN).file(LOGIN_TOKEN, token);
    let case = case.env("AWS_LOGIN_CACHE_DIRECTORY", "");
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn an_error_names_no_file_if_none_is_read() {
    let no_files = |args: &[&str]| {
        Case::bare(["--access-key-id", "AKIDPMS9RO4H3FEXAMPLE"])
            .args(args)
            .env("AWS_CONFIG_FILE", "")
            .env("AWS_SHARED_CREDENTIALS_FILE", "")
            .run()
    };
    let disabled = "unset AWS_CONFIG_FILE, which disables the file with your profiles\n";
    refused(
        no_files(&[]),
        &[
            "not in the environment (AWS_ACCESS_KEY_ID), no configuration file, no web identity token, no container",
            &format!("hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or {disabled}"),
        ],
    );
    refused(
        no_files(&["--profile", "x"]),
        &[
            "the profile `x`, named by --profile, does not exist\n",
            &format!("hint: {disabled}"),
        ],
    );
}
