//! Every source of credentials: that it signs, that what is wrong with it is said with the command that mends
//! it, and that waiting for it ends.

use std::process::Command;
use std::time::{Duration, Instant};

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Credentials, Metadata, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DELETED, DOCUMENTED, Ended, documented};

const SOON: Duration = Duration::from_secs(20);
const LATER: &str = "2099-01-01T00:00:00Z";
const EARLIER: &str = "2020-01-01T00:00:00Z";

/// A run without credentials in its environment.
fn without(sandbox: &Sandbox, config: &str) -> Case {
    Case::documented(sandbox, &[])
        .without_credentials()
        .file(".aws/config", config)
}

fn signs(sandbox: &Sandbox, case: Case, signer: &str) {
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.action, "DeleteAccessKey");
    assert_eq!(request.key_id.as_deref(), Some(signer));
    assert!(!sandbox.has_key(BOBS_KEY));
}

fn refused(ended: Ended, says: &[&str]) {
    let says: Vec<&str> = ["iam-del-key: error: ", "hint: "]
        .iter()
        .chain(says)
        .copied()
        .collect();
    let _ = ended
        .exits(7)
        .prints_nothing()
        .says(&says)
        .ends_with("not deleted: nothing was sent to IAM")
        .within(SOON);
}

fn json(credentials: &Credentials, expiration: &str) -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}","SessionToken":"{}","Expiration":"{expiration}"}}"#,
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token.as_deref().unwrap_or_default(),
    )
}

fn keys(credentials: &Credentials) -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        credentials.access_key_id, credentials.secret_access_key
    )
}

#[test]
fn f20_none_anywhere() {
    let mut case = Case::bare(DOCUMENTED);
    let places = [case.path(".aws/config"), case.path(".aws/credentials")]
        .map(|path| path.display().to_string());
    case = case
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    refused(
        case.run(),
        &[
            "no AWS credentials: ",
            "AWS_ACCESS_KEY_ID",
            &places[0],
            &places[1],
            "`aws configure`",
        ],
    );
}

#[test]
fn f20_a_metadata_service_that_is_not_there_is_not_waited_for() {
    // 192.0.2.0/24 is for documentation: nothing answers there, as on a machine that is no instance.
    let case = Case::bare(DOCUMENTED)
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1");
    let ended = case.run();
    assert!(
        ended.took < Duration::from_secs(10),
        "took {:?}",
        ended.took
    );
    refused(ended, &["no AWS credentials: ", "instance metadata"]);
}

#[test]
fn f23_variables_that_are_half_there() {
    let sandbox = documented();
    let case = || Case::documented(&sandbox, &[]);
    refused(
        case().without("AWS_SECRET_ACCESS_KEY").run(),
        &["AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"],
    );
    refused(
        case().without("AWS_ACCESS_KEY_ID").run(),
        &["AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not"],
    );
    refused(
        case().env("AWS_ACCESS_KEY_ID", "").run(),
        &["AWS_ACCESS_KEY_ID is set, but empty"],
    );
    refused(
        case().env("AWS_SECRET_ACCESS_KEY", " ").run(),
        &["AWS_SECRET_ACCESS_KEY is set, but empty"],
    );
    for variable in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        let value = format!("{}\n", CANARIES[0]);
        refused(
            case().env(variable, value).run(),
            &[&format!(
                "the environment variable {variable} holds a space, a newline"
            )],
        );
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f23_a_profile_that_is_half_there() {
    let sandbox = documented();
    let config = format!("[default]\naws_access_key_id = {ADMIN_KEY_ID}\n");
    refused(without(&sandbox, &config).run(), &["aws_secret_access_key"]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn keys_of_a_profile_sign() {
    for (file, section) in [
        (".aws/credentials", "[work]"),
        (".aws/config", "[profile work]"),
    ] {
        for way in ["option", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            let sandbox = documented();
            let case =
                without(&sandbox, "").file(file, format!("{section}\n{}", keys(&sandbox.admin())));
            let case = if way == "option" {
                case.args(["--profile", "work"])
            } else {
                case.env(way, "work")
            };
            signs(&sandbox, case, ADMIN_KEY_ID);
        }
    }
}

#[test]
fn session_credentials_of_the_environment_sign() {
    let sandbox = documented();
    let session = sandbox.session();
    let case = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key)
        .env(
            "AWS_SESSION_TOKEN",
            session.session_token.clone().unwrap_or_default(),
        );
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn f29_an_expired_session_is_7() {
    let sandbox = documented();
    let session = sandbox.expired_session();
    let case = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key)
        .env(
            "AWS_SESSION_TOKEN",
            session.session_token.clone().unwrap_or_default(),
        );
    let says = &[
        "(ExpiredToken)",
        "hint: the session has expired: sign in again",
    ];
    let _ = case
        .run()
        .exits(7)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("not deleted");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f25_profiles_that_lead_nowhere() {
    let sandbox = documented();
    let role = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";
    let cases = [
        (
            format!(
                "[default]\n{role}source_profile = b\n[profile b]\n{role}source_profile = default\n"
            ),
            "loop",
        ),
        (format!("[default]\n{role}"), "source_profile"),
        (format!("[default]\n{role}source_profile = gone\n"), "gone"),
        (
            format!("[default]\n{role}credential_source = Elsewhere\n"),
            "Elsewhere",
        ),
        (
            format!(
                "[default]\n{role}mfa_serial = arn:aws:iam::123456789012:mfa/me\nsource_profile = b\n[profile b]\n{}",
                keys(&sandbox.admin())
            ),
            "mfa_serial",
        ),
    ];
    for (config, says) in cases {
        refused(without(&sandbox, &config).run(), &[says]);
        refused(
            without(&sandbox, &config)
                .args(["--profile", "default"])
                .run(),
            &[says],
        );
    }
    refused(
        without(&sandbox, "[profile empty]\nregion = us-east-1\n")
            .args(["--profile", "empty"])
            .run(),
        &["the profile `empty` holds no credentials"],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_role_is_assumed_from_a_source_profile() {
    let sandbox = documented();
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\nexternal_id = x-1\nrole_session_name = me\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    let _ = without(&sandbox, &config)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let requests = sandbox.requests();
    assert_eq!(
        requests
            .iter()
            .map(|request| request.action.as_str())
            .collect::<Vec<_>>(),
        ["AssumeRole", "DeleteAccessKey"]
    );
    assert_eq!(requests[0].key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(requests[0].param("ExternalId"), Some("x-1"));
    assert_eq!(requests[0].param("RoleSessionName"), Some("me"));
    assert!(
        requests[1]
            .key_id
            .as_deref()
            .is_some_and(|id| id.starts_with("ASIA"))
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_web_identity_signs() {
    let sandbox = documented();
    let case = without(&sandbox, "").file("token", "a.web.token");
    let token = case.path("token");
    let case = case
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer")
        .env("AWS_ROLE_SESSION_NAME", "ci");
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    let requests = sandbox.requests();
    assert_eq!(requests[0].action, "AssumeRoleWithWebIdentity");
    assert_eq!(requests[0].param("WebIdentityToken"), Some("a.web.token"));
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_credential_process_signs_and_is_started_once() {
    let sandbox = documented();
    let case = without(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
    let (answer, count) = (case.path("answer.json"), case.path("count"));
    let config = format!(
        "[default]\ncredential_process = echo x >> {} && cat {}\n",
        count.display(),
        answer.display()
    );
    // A retry must not start it again.
    sandbox.fault(iam_sandbox::Fault::new(iam_sandbox::What::ResetBeforeActing).times(2));
    let case = case.file(".aws/config", config);
    let ended = case.start();
    let _ = ended
        .end_keeping(|folder| {
            let count =
                std::fs::read_to_string(folder.join("home/count")).expect("the process ran");
            assert_eq!(count, "x\n", "started once");
        })
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(
        sandbox
            .requests()
            .pop()
            .expect("a request")
            .key_id
            .as_deref(),
        Some(SESSION_KEY_ID)
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_role_is_assumed_from_a_credential_process() {
    for source in ["base", "default"] {
        let sandbox = documented();
        let role = format!(
            "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = {source}\n"
        );
        let case = without(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
        let process = format!(
            "credential_process = cat {}\n",
            case.path("answer.json").display()
        );
        let config = if source == "base" {
            format!("{role}[profile base]\n{process}")
        } else {
            format!("{role}{process}")
        };
        let _ = case
            .file(".aws/config", config)
            .run()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
        let actions: Vec<String> = sandbox
            .requests()
            .into_iter()
            .map(|request| request.action)
            .collect();
        assert_eq!(actions, ["AssumeRole", "DeleteAccessKey"], "{source}");
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f26_a_credential_process_that_fails() {
    let sandbox = documented();
    let secret = CANARIES[0];
    let cases = [
        ("exit 3".to_owned(), "failed (exit status: 3)"),
        (
            r"printf 'no \033[2J luck' >&2; exit 1".to_owned(),
            "it said: no \\u{1b}[2J luck",
        ),
        (
            "no-such-program-anywhere".to_owned(),
            "failed (exit status: 127)",
        ),
        ("true".to_owned(), "printed nothing"),
        (format!("echo {secret}"), "printed what is not JSON"),
        (
            r#"echo '{"Version":2}'"#.to_owned(),
            "printed JSON without \"Version\": 1",
        ),
        (
            r#"echo '{"Version":1}'"#.to_owned(),
            "printed no AccessKeyId",
        ),
        (
            format!(
                r#"echo '{{"Version":1,"AccessKeyId":"x","SecretAccessKey":"{secret}","Expiration":"soon"}}'"#
            ),
            "an Expiration that is not",
        ),
        (
            format!(
                r#"echo '{{"Version":1,"AccessKeyId":"x","SecretAccessKey":"{secret}","Expiration":"{EARLIER}"}}'"#
            ),
            "have expired",
        ),
        (
            "head -c 100000000 /dev/zero".to_owned(),
            "printed more than 64 KiB",
        ),
        (
            r"echo '[]'".to_owned(),
            "printed JSON without \"Version\": 1",
        ),
    ];
    for (command, says) in cases {
        let config = format!("[profile p]\ncredential_process = {command}\n");
        let says = &["the credential_process of profile `p` ", says];
        refused(
            without(&sandbox, &config)
                .args(["--profile", "p", "--debug"])
                .run(),
            says,
        );
        refused(
            without(&sandbox, &config).env("AWS_PROFILE", "p").run(),
            says,
        );
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f27_a_credential_process_that_hangs_is_ended_with_its_children() {
    let sandbox = documented();
    let case = without(&sandbox, "").args(["--timeout", "1", "--profile", "p"]);
    let (parent, child) = (case.path("parent"), case.path("child"));
    let config = format!(
        "[profile p]\ncredential_process = echo $$ > {}; (sleep 300 & echo $! > {}; wait)\n",
        parent.display(),
        child.display()
    );
    let ended = case
        .file(".aws/config", config)
        .start()
        .end_keeping(|folder| {
            for name in ["home/parent", "home/child"] {
                let id =
                    std::fs::read_to_string(folder.join(name)).expect("the process wrote its ID");
                assert!(ends(id.trim()), "{name} outlived the run");
            }
        });
    refused(ended, &["no credentials within 1 s"]);
    assert_eq!(sandbox.connections(), 0);
}

/// Whether a process is gone (or a zombie that nobody has waited for), at once or very soon.
fn ends(id: &str) -> bool {
    let deadline = Instant::now() + SOON;
    loop {
        let output = Command::new("ps")
            .args(["-o", "stat=", "-p", id])
            .output()
            .expect("ps starts");
        let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if state.is_empty() || state.starts_with('Z') {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

const SSO: &str = "sso_account_id = 123456789012\nsso_role_name = Deployer\n";
/// The SHA-1 of `corp` and of the start URL name their cached tokens.
const SSO_SESSION_TOKEN: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const SSO_URL_TOKEN: &str = ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";

fn sso_session() -> String {
    format!(
        "[default]\nsso_session = corp\n{SSO}[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
    )
}

fn sso_url() -> String {
    format!(
        "[default]\n{SSO}sso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
    )
}

fn token(expires_at: &str) -> String {
    let secret = CANARIES[1];
    format!(
        r#"{{"accessToken":"{secret}","expiresAt":"{expires_at}","region":"us-east-1","startUrl":"https://corp.awsapps.com/start"}}"#
    )
}

#[test]
fn f28_an_sso_token_that_is_no_good_names_the_command() {
    let sandbox = documented();
    for (config, path, command) in [
        (
            sso_session(),
            SSO_SESSION_TOKEN,
            "hint: aws sso login --sso-session corp",
        ),
        (
            sso_url(),
            SSO_URL_TOKEN,
            "hint: aws sso login --profile default",
        ),
    ] {
        refused(without(&sandbox, &config).run(), &[command]);
        refused(
            without(&sandbox, &config).file(path, token(EARLIER)).run(),
            &[command],
        );
        refused(without(&sandbox, &config).file(path, "{").run(), &[command]);
    }
    // Whether a token of a start URL has expired is for the SSO portal to say.
    assert!(
        sandbox
            .requests()
            .iter()
            .all(|request| request.service.as_deref() != Some("iam"))
    );
}

#[test]
fn an_sso_session_signs() {
    for (config, path) in [
        (sso_session(), SSO_SESSION_TOKEN),
        (sso_url(), SSO_URL_TOKEN),
    ] {
        let sandbox = documented();
        let portal = Metadata::start();
        let case = without(&sandbox, &config)
            .file(path, token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", portal.url());
        signs(&sandbox, case, SESSION_KEY_ID);
        assert_eq!(portal.requests().len(), 1);
    }
}

/// The SHA-256 of the session's ARN names its cached token.
const LOGIN_TOKEN: &str =
    ".aws/login/cache/3bc116bc89c2aaafd2966cc3739259adf8e7b4b69c08c4e21f4dd28c17bb78d4.json";
const LOGIN: &str = "[default]\nlogin_session = arn:aws:iam::123456789012:user/admin\n";

#[test]
fn aws_login_signs_and_its_absence_names_the_command() {
    let sandbox = documented();
    refused(
        without(&sandbox, LOGIN).run(),
        &["hint: aws login --profile default"],
    );
    assert_eq!(sandbox.connections(), 0);
    let session = sandbox.session();
    let token = format!(
        r#"{{"accessToken":{{"accessKeyId":"{}","secretAccessKey":"{}","sessionToken":"{}","accountId":"123456789012","expiresAt":"{LATER}"}},"tokenType":"aws_sigv4","refreshToken":"{}","clientId":"arn:aws:signin:::devtools/same-device","dpopKey":"unused"}}"#,
        session.access_key_id,
        session.secret_access_key,
        session.session_token.clone().unwrap_or_default(),
        CANARIES[1],
    );
    signs(
        &sandbox,
        without(&sandbox, LOGIN).file(LOGIN_TOKEN, token),
        SESSION_KEY_ID,
    );
}

#[test]
fn an_instance_and_a_container_sign() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let instance = without(&sandbox, "")
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    signs(&sandbox, instance, SESSION_KEY_ID);
    let sandbox = documented();
    let container = without(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    signs(&sandbox, container, SESSION_KEY_ID);
}

#[test]
fn the_metadata_services_are_never_asked_through_a_proxy() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let proxy = iam_sandbox::Proxy::start(iam_sandbox::ProxyMode::Refuse502);
    let case = without(&sandbox, "")
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
        .env("HTTP_PROXY", proxy.url());
    let _ = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable answer from IAM"]);
    assert!(!metadata.requests().is_empty());
    assert!(
        proxy
            .requests()
            .iter()
            .all(|request| !request.target.contains("/latest/"))
    );
}
