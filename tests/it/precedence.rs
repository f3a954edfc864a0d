//! Precedence of settings as in the AWS CLI: tokens, files, web identities, instances and proxies.

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, Case, DELETED, documented, each};
use crate::credentials::{EARLIER, LATER, json, keys, refused, signs, with_config};

const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";

fn in_session(sandbox: &Sandbox) -> (Case, String) {
    let session = sandbox.session();
    let case = Case::documented(sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key);
    (case, session.session_token.unwrap_or_default())
}

#[test]
fn the_older_name_of_a_session_token() {
    let sandbox = documented();
    let (case, token) = in_session(&sandbox);
    let case = case
        .env("AWS_SECURITY_TOKEN", token)
        .env("AWS_SESSION_TOKEN", "another");
    signs(&sandbox, case, SESSION_KEY_ID);

    let sandbox = documented();
    let session = sandbox.session();
    let token = session.session_token.clone().unwrap_or_default();
    let config = format!(
        "[default]\n{}aws_security_token = {token}\n",
        keys(&session)
    );
    signs(&sandbox, with_config(&sandbox, &config), SESSION_KEY_ID);
}

#[test]
fn expired_variables() {
    let sandbox = documented();
    let expires =
        |when: &str| Case::documented(&sandbox, &[]).env("AWS_CREDENTIAL_EXPIRATION", when);
    refused(
        expires(EARLIER).run(),
        &[
            "the credentials from the environment variables have expired, according to AWS_CREDENTIAL_EXPIRATION\n\
             hint: set new ones with their AWS_CREDENTIAL_EXPIRATION, or unset that variable if it is left over; if it is new, \
             check this machine's clock\n\
             hint: or unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to use another source\n",
        ],
    );
    for when in ["tomorrow", "2099-01-01", "2099-01-01T00:00:00"] {
        let rule = "it must be an ISO 8601 time with a time zone, such as 2030-01-31T12:00:00Z\n";
        let says = format!("AWS_CREDENTIAL_EXPIRATION is `{when}`: {rule}");
        refused(expires(when).run(), &[&says]);
    }
    assert_eq!(sandbox.connections(), 0);
    signs(&sandbox, expires(LATER), ADMIN_KEY_ID);
}

/// The AWS CLI accepts these forms too.
#[test]
fn an_expiration_in_a_shorter_form() {
    each(["20990101T000000Z", "2099-01-01T00:00Z"], |when| {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[]).env("AWS_CREDENTIAL_EXPIRATION", when);
        signs(&sandbox, case, ADMIN_KEY_ID);
    });
}

#[test]
fn expired_variables_that_assume_a_role() {
    let sandbox = documented();
    let config = format!("[profile role]\n{ROLE}credential_source = Environment\n");
    let case = Case::documented(&sandbox, &["--profile", "role"])
        .file(".aws/config", config)
        .env("AWS_CREDENTIAL_EXPIRATION", EARLIER);
    refused(
        case.run(),
        &[
            "the credentials from credential_source of profile `role` have expired, according to AWS_CREDENTIAL_EXPIRATION\n\
             hint: set new ones with their AWS_CREDENTIAL_EXPIRATION, or unset that variable if it is left over; if it is new, \
             check this machine's clock\nresult: ",
        ],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_token_of_the_other_file_is_not_the_keys() {
    for role in ["", "source"] {
        let sandbox = documented();
        let name = if role.is_empty() { "default" } else { role };
        let own = if role.is_empty() {
            String::new()
        } else {
            format!("[default]\n{ROLE}source_profile = source\n")
        };
        let section = if role.is_empty() {
            "default"
        } else {
            "profile source"
        };
        let config = format!("{own}[{section}]\naws_session_token = another\n");
        let case = with_config(&sandbox, &config).file(
            ".aws/credentials",
            format!("[{name}]\n{}", keys(&sandbox.admin())),
        );
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        let first = sandbox.requests().remove(0);
        assert_eq!(first.key_id.as_deref(), Some(ADMIN_KEY_ID));
    }
}

#[test]
fn a_key_of_the_credentials_file_beats_a_process() {
    let sandbox = documented();
    let output = json(&sandbox.session(), LATER);
    let config = format!("[default]\ncredential_process = echo '{output}'\n");
    let process = with_config(&sandbox, &config);
    let case = process.file(
        ".aws/credentials",
        format!("[default]\n{}", keys(&sandbox.admin())),
    );
    signs(&sandbox, case, ADMIN_KEY_ID);
    let sandbox = documented();
    let config = format!("{config}{}", keys(&sandbox.admin()));
    signs(&sandbox, with_config(&sandbox, &config), SESSION_KEY_ID);
}

#[test]
fn a_key_and_its_secret_must_be_in_one_file() {
    let sandbox = documented();
    let case = with_config(&sandbox, "[default]\naws_secret_access_key = x\n").file(
        ".aws/credentials",
        format!("[default]\naws_access_key_id = {ADMIN_KEY_ID}\n"),
    );
    refused(
        case.run(),
        &["has aws_access_key_id, but not aws_secret_access_key in the same file"],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_web_identity_beats_the_profile_that_is_not_named_by_option() {
    let web = |sandbox: &Sandbox, config: &str| {
        let case = with_config(sandbox, config).file("token", "a.web.token");
        let token = case.path("token");
        case.env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
    };
    let arn = "arn:aws:iam::123456789012:role/Deployer";
    let sandbox = documented();
    let config = format!("[default]\n{}", keys(&sandbox.admin()));
    let case = web(&sandbox, &config).env("AWS_ROLE_ARN", arn);
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    let asked = sandbox.requests().remove(0);
    assert_eq!(asked.action, "AssumeRoleWithWebIdentity");
    assert_eq!(asked.param("RoleArn"), Some(arn));

    let sandbox = documented();
    let case = web(&sandbox, &config)
        .env("AWS_ROLE_ARN", arn)
        .args(["--profile", "default"]);
    signs(&sandbox, case, ADMIN_KEY_ID);

    let sandbox = documented();
    refused(
        web(&sandbox, &config).run(),
        &["the environment variable AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not"],
    );
    // With --profile, the variable does not count.
    let token = format!("[profile w]\nweb_identity_token_file = {}\n", "/token");
    let case = with_config(&sandbox, &token).env("AWS_ROLE_ARN", arn);
    refused(
        case.args(["--profile", "w"]).run(),
        &[
            "`web_identity_token_file` of profile `w` is set, but role_arn is not\nhint: set role_arn of the profile to the role that the web identity is for\n",
        ],
    );
    assert_eq!(sandbox.connections(), 0);
}

/// For the AWS CLI, an empty variable means "no web identity" or "no role", and then another source of the profile signs.
#[test]
fn an_empty_variable_of_a_web_identity_does_not_give_way_to_the_profile() {
    let arn = "arn:aws:iam::123456789012:role/Deployer";
    let all = [
        ("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("role_arn", "AWS_ROLE_ARN"),
        ("role_session_name", "AWS_ROLE_SESSION_NAME"),
    ];
    let profile = |sandbox: &Sandbox, rest: &str| {
        let case = with_config(sandbox, "").file("token", "a.web.token");
        let token = case.path("token");
        let token = token.display();
        let config = format!(
            "[default]\nweb_identity_token_file = {token}\n{ROLE}role_session_name = me\n{rest}"
        );
        case.file(".aws/config", config)
    };
    let printed = json(&documented().session(), LATER);
    let others = [
        String::new(),
        keys(&documented().admin()),
        format!("credential_process = echo '{printed}'\n"),
    ];
    each(
        others.iter().flat_map(|rest| all.map(|one| (one, rest))),
        |((setting, variable), rest)| {
            let sandbox = documented();
            let case = profile(&sandbox, rest).env(variable, "");
            let line = 2 + all
                .iter()
                .position(|one| one.0 == setting)
                .expect("its line");
            let place = format!("line {line} of {}", case.path(".aws/config").display());
            let _ = case.run().exits(7).prints_nothing().says_exactly(&format!(
                "iam-del-key: error: the environment variable {variable} is empty, and takes precedence over `{setting}` of profile \
                 `default`\n\
                 hint: set {variable}, or unset it to use `{setting}` of profile `default` ({place})\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ));
            assert_eq!(sandbox.connections(), 0);
            // With --profile, the AWS CLI reads none of these variables.
            let case = profile(&sandbox, rest).env(variable, "");
            case.args(["--profile", "default"]).run().deletes_quietly();
            let asked = sandbox.requests().remove(0);
            assert_eq!(asked.action, "AssumeRoleWithWebIdentity");
            assert_eq!(asked.param("RoleArn"), Some(arn));
            assert_eq!(asked.param("RoleSessionName"), Some("me"));
        },
    );
    // Without the setting of the profile, an empty variable counts as not set.
    let sandbox = documented();
    let config = format!("[default]\n{}", keys(&sandbox.admin()));
    let case = all
        .iter()
        .fold(with_config(&sandbox, &config), |case, (_, variable)| {
            case.env(variable, "")
        });
    signs(&sandbox, case, ADMIN_KEY_ID);
}

#[test]
fn the_instance_address_of_the_selected_profile_is_used() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let config = format!(
        "[profile work]\nec2_metadata_service_endpoint = {}\n",
        metadata.url()
    );
    let case = || with_config(&sandbox, &config).without("AWS_EC2_METADATA_DISABLED");
    for (variable, says) in [
        (
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "it must be IPv4 or IPv6",
        ),
        (
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
            "it must be a number from 1 to 100",
        ),
        (
            "AWS_METADATA_SERVICE_TIMEOUT",
            "it must be a number from 1 to 100",
        ),
        ("AWS_IMDS_USE_IPV6", "it must be true or false"),
    ] {
        let case = case().env("AWS_DEFAULT_PROFILE", "work").env(variable, "x");
        refused(case.run(), &[&format!("{variable} is `x`: {says}")]);
    }
    assert_eq!(metadata.requests().len(), 0);
    signs(
        &sandbox,
        case().env("AWS_DEFAULT_PROFILE", "work"),
        SESSION_KEY_ID,
    );
}

#[test]
fn the_lowercase_proxy_variable_takes_precedence() {
    let sandbox = documented();
    let (first, second) = (
        Proxy::start(ProxyMode::Refuse502),
        Proxy::start(ProxyMode::Refuse502),
    );
    let case = || {
        Case::documented(&sandbox, &[])
            .env("HTTP_PROXY", second.url())
            .env("http_proxy", first.url())
    };
    let _ = case()
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["502"]);
    assert!(!first.requests().is_empty());
    assert_eq!(second.requests().len(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
    signs(&sandbox, case().env("NO_PROXY", "*"), ADMIN_KEY_ID);
    assert_eq!(second.requests().len(), 0);
}
