//! Roles, profiles and files that the settings of a profile name: they must exist and be usable.

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Sandbox};

use crate::case::{BOBS_KEY, Case, DELETED, DOCUMENTED, documented};
use crate::configuration::refused;
use crate::credentials::{signs, with_config};
use crate::settings_files::{ROLE, admin};

#[test]
fn c90_a_path_is_used_unchanged() {
    for name in ["token # c", "token ", "token;c", "token"] {
        let sandbox = documented();
        let case = with_config(&sandbox, "");
        let case = ["token # c", "token ", "token;c", "token"]
            .iter()
            .fold(case, |case, name| {
                case.file(name, format!("token.of.{name}"))
            });
        let path = format!("{}/{name}", case.path("").display());
        let case = case
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", path)
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer");
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        let request = sandbox.requests().remove(0);
        assert_eq!(
            request.param("WebIdentityToken"),
            Some(format!("token.of.{name}").as_str())
        );
    }
    refused(
        |case| {
            case.without_credentials()
                .env("AWS_WEB_IDENTITY_TOKEN_FILE", "/none")
                .env(
                    "AWS_ROLE_ARN",
                    "arn:aws:iam::123456789012:role/Deployer # prod",
                )
        },
        &[
            "the environment variable AWS_ROLE_ARN is `arn:",
            "the ARN of a role has the form arn:aws:iam::ACCOUNT:role/NAME",
        ],
    );
}

/// The AWS CLI would send it to STS, which can only refuse it.
#[test]
fn c90_a_role_that_no_account_can_have() {
    const FORM: &str = "the ARN of a role has the form arn:aws:iam::ACCOUNT:role/NAME";
    for (setting, value, rule) in [
        ("role_arn", "Deployer", FORM),
        ("role_arn", "arn:aws:iam::1:role/Deployer", FORM),
        ("role_arn", "arn:aws:iam::123456789012:user/Bob", FORM),
        ("role_arn", "arn:aws:iam::123456789012:role/a b", FORM),
        ("role_session_name", "x", "it must have 2 to 64 characters"),
        ("external_id", "x", "it must have 2 to 1224 characters"),
        ("mfa_serial", "x", "it must have 9 to 256 characters"),
    ] {
        let sandbox = documented();
        let role = if setting == "role_arn" { "" } else { ROLE };
        let config =
            format!("[default]\ncredential_source = Environment\n{setting} = {value}\n{role}");
        let case =
            Case::documented(&sandbox, &["--profile", "default"]).file(".aws/config", config);
        let place = format!("line 3 of {}", case.path(".aws/config").display());
        // Without its ARN, the profile has no role and no credentials.
        let or_remove = if setting == "role_arn" {
            ""
        } else {
            ", or remove it"
        };
        let said = format!(
            "iam-del-key: error: `{setting}` of profile `default` is `{value}`: {rule}\n\
             hint: correct `{setting}` of profile `default` ({place}){or_remove}\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        );
        let _ = case.run().exits(7).prints_nothing().says_exactly(&said);
        assert_eq!(sandbox.connections(), 0);
    }
}

/// The AWS CLI refuses it too. Only the role has a maximum.
#[test]
fn a_session_duration_that_no_role_can_have() {
    for value in ["899", "0", "-900", "09", "x", "900.0"] {
        let sandbox = documented();
        let role = format!("{ROLE}credential_source = Environment\n");
        let config = format!(
            "[default]\n{ROLE}source_profile = p\n[profile p]\n{role}duration_seconds = {value}\n"
        );
        let case =
            Case::documented(&sandbox, &["--profile", "default"]).file(".aws/config", config);
        let place = format!("line 7 of {}", case.path(".aws/config").display());
        let said = format!(
            "iam-del-key: error: `duration_seconds` of profile `p` is `{value}`: it must be a number of seconds, at least 900\n\
             hint: correct `duration_seconds` of profile `p` ({place}), or remove it\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        );
        let _ = case.run().exits(7).prints_nothing().says_exactly(&said);
        assert_eq!(sandbox.connections(), 0);
    }
    for value in ["900", "43201"] {
        let sandbox = documented();
        let config = format!(
            "[default]\n{ROLE}credential_source = Environment\nduration_seconds = {value}\n"
        );
        let case = Case::documented(&sandbox, &["--profile", "default"]);
        let _ = case.file(".aws/config", config).run();
        let request = sandbox.requests().remove(0);
        assert_eq!(request.param("DurationSeconds"), Some(value));
    }
}

/// A role without the setting that names its source is an error too, so no hint says to remove it.
#[test]
fn no_hint_removes_the_source_of_a_role() {
    let cases = [
        (
            "credential_source = Environment",
            "is `Environment`: those credentials do not exist",
            "hint: or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and name the profile with --profile\n",
        ),
        (
            "credential_source = Elsewhere",
            "is `Elsewhere`: it must be Environment, EcsContainer or Ec2InstanceMetadata",
            "",
        ),
        (
            "source_profile = nobody",
            "is `nobody`: that profile does not exist",
            "",
        ),
        (
            "web_identity_token_file = /none",
            "names `/none`, which could not be read: No such file or directory (os error 2)",
            "",
        ),
    ];
    for (line, error, more) in cases {
        let sandbox = documented();
        let setting = line.split(' ').next().unwrap_or_default();
        let case = with_config(&sandbox, &format!("[profile p]\n{line}\n{ROLE}"));
        let case = case.args(["--profile", "p"]);
        let place = format!("line 2 of {}", case.path(".aws/config").display());
        let _ = case.run().exits(7).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: `{setting}` of profile `p` {error}\n\
             hint: correct `{setting}` of profile `p` ({place})\n{more}\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
    }
}

#[test]
fn c90_a_token_file_that_never_ends() {
    let role = "arn:aws:iam::123456789012:role/Deployer";
    for path in ["/dev/zero", "/dev/stdin", "pipe", "."] {
        let in_case = |case: &Case| match path {
            "pipe" => {
                let status = std::process::Command::new("mkfifo")
                    .arg(case.path("pipe"))
                    .status();
                assert!(status.expect("mkfifo").success());
                case.path("pipe").display().to_string()
            }
            path => path.to_owned(),
        };
        refused(
            |case| {
                let path = in_case(&case);
                case.without_credentials()
                    .env("AWS_WEB_IDENTITY_TOKEN_FILE", path)
                    .env("AWS_ROLE_ARN", role)
            },
            &["could not be read: it is not a regular file"],
        );
        refused(
            |case| {
                let path = in_case(&case);
                case.without_credentials()
                    .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")
                    .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path)
            },
            &["could not be read: it is not a regular file"],
        );
    }
    let long = "a".repeat((1 << 20) + 1);
    refused(
        |case| {
            let case = case.without_credentials().file("token", &long);
            let path = case.path("token");
            case.env("AWS_WEB_IDENTITY_TOKEN_FILE", path)
                .env("AWS_ROLE_ARN", role)
        },
        &["could not be read: it is longer than 1 MiB"],
    );
}

#[test]
fn c84_an_empty_variable_names_no_file() {
    let metadata = Metadata::start();
    let default = |sandbox: &Sandbox| format!("[default]\n{}", admin(sandbox));
    for variable in ["AWS_SHARED_CREDENTIALS_FILE", "HOME"] {
        let sandbox = documented();
        let case = with_config(&sandbox, "")
            .file(".aws/credentials", default(&sandbox))
            .env(variable, "")
            .without("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
        signs(&sandbox, case, SESSION_KEY_ID);
    }
    let sandbox = documented();
    let case = with_config(
        &sandbox,
        &format!("[default]\n{ROLE}source_profile = gone\n"),
    )
    .file(".aws/credentials", default(&sandbox))
    .env("AWS_CONFIG_FILE", "");
    signs(&sandbox, case, ADMIN_KEY_ID);
}

#[test]
fn c84_a_path_that_the_aws_cli_would_change_is_an_error() {
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        for path in ["~root/x", "$HOME/x", "/x/${Y}"] {
            refused(
                |case| case.env(variable, path),
                &[
                    &format!("the environment variable {variable} has a `~` or `$`"),
                    "the full path",
                ],
            );
        }
    }
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("other", format!("[default]\n{}", admin(&sandbox)));
    signs(
        &sandbox,
        case.env("AWS_CONFIG_FILE", "~/other"),
        ADMIN_KEY_ID,
    );
}

#[test]
fn c93_what_a_profile_names_and_does_not_exist() {
    for (config, says) in [
        (
            "[default]\nservices = gone\n",
            "`services` of profile `default` is `gone`: that section does not exist",
        ),
        (
            "[default]\nservices = s\n[services s]\n",
            "`services` of profile `default` is `s`: that section does not exist",
        ),
        (
            "[default]\nservices = s\n[services s]\niam = x\n",
            "`iam` of services `s` is not an indented block",
        ),
    ] {
        refused(
            |case| case.without("AWS_ENDPOINT_URL").file(".aws/config", config),
            &[says],
        );
    }
}

#[test]
fn c93_a_setting_that_decides_who_signs_and_is_empty() {
    let bare = || Case::bare(DOCUMENTED);
    for setting in [
        "role_arn",
        "credential_process",
        "login_session",
        "sso_role_name",
        "web_identity_token_file",
    ] {
        let rest = if setting == "sso_role_name" {
            "sso_account_id = 1\n"
        } else {
            ""
        };
        let config = format!("[default]\n{setting} =\n{rest}");
        let says = if setting == "sso_role_name" {
            "but has no sso_"
        } else {
            "is empty"
        };
        let said = bare()
            .file(".aws/config", &config)
            .run()
            .exits(7)
            .prints_nothing();
        let _ = said
            .says(&[says, "hint: "])
            .ends_with("nothing was sent to IAM");
    }
}
