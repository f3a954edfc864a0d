//! The two configuration files, read as AWS CLI version 2 reads them; and what contradicts itself in them.

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Sandbox};

use crate::case::{BOBS_KEY, Case, DELETED, DOCUMENTED, documented};
use crate::configuration::refused;
use crate::credentials::{keys, signs, without};

const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";

fn admin(sandbox: &Sandbox) -> String {
    keys(&sandbox.admin())
}

#[test]
fn c04_a_section_or_a_setting_that_is_defined_twice() {
    for (config, lines) in [
        (
            "[default]\nregion = us-east-1\n[default]\n",
            "lines 1 and 3: a section",
        ),
        (
            "[default]\nregion = us-east-1\nREGION = us-east-1\n",
            "lines 2 and 3: a setting",
        ),
        (
            "[profile work]\n\n[profile 'work']\n",
            "lines 1 and 3: the profile `work`",
        ),
        (
            "[sso-session a]\n[sso-session \"a\"]\n",
            "lines 1 and 2: the sso-session `a`",
        ),
        ("[services a]\n[services a]\n", "lines 1 and 2: a section"),
        (
            "[services a]\niam =\n  endpoint_url = x\n  endpoint_url = y\n",
            "lines 3 and 4: a setting",
        ),
    ] {
        refused(
            |case| case.file(".aws/config", config),
            &[
                "/.aws/config`: ",
                lines,
                "is defined twice",
                "hint: correct that file",
            ],
        );
    }
    refused(
        |case| case.file(".aws/credentials", "[work]\na = b\n[work]\n"),
        &["/.aws/credentials`: lines 1 and 3: a section is defined twice"],
    );
}

#[test]
fn c04_the_error_says_it_all() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &[]).file(".aws/config", "[default]\na = b\na = c\n");
    let path = case.path(".aws/config").display().to_string();
    let said = format!(
        "iam-del-key: error: could not read `{path}`: lines 2 and 3: a setting is defined twice\n\
         hint: correct that file, or point AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE at other files\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    );
    let _ = case.run().exits(7).prints_nothing().says_exactly(&said);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c83_two_default_profiles_are_one_too_many() {
    refused(
        |case| {
            case.file(
                ".aws/config",
                "[default]\nregion = us-east-1\n[profile default]\n",
            )
        },
        &["lines 1 and 3: the profile `default` is defined twice"],
    );
    for file in [".aws/config", ".aws/credentials"] {
        refused(
            |case| case.file(file, "[default]\n[DEFAULT]\nregion = cn-north-1\n"),
            &["line 2: [DEFAULT] would add to every section"],
        );
    }
}

/// Names that only Python's reader takes.
#[test]
fn c32_c82_c92_names_of_profiles() {
    for (section, name) in [
        ("profile \"my-macbook\"", "my-macbook"),
        ("profile 'My Mac'", "My Mac"),
        ("profile b\u{fc}cher", "b\u{fc}cher"),
        ("profile a&b", "a&b"),
        ("profile a(b),c=d!$~", "a(b),c=d!$~"),
        ("profile a\\ b", "a b"),
        ("profile a]b", "a]b"),
        ("profile \u{540d}", "\u{540d}"),
        ("profile\twork", "work"),
        ("profile work] # [x", "work] # [x"),
    ] {
        let sandbox = documented();
        let config = format!("[{section}]\n{}", admin(&sandbox));
        let case = without(&sandbox, &config).args(["--profile", name]);
        if name.contains('#') {
            // The header ends at the last bracket, and is three words.
            let _ = case
                .run()
                .exits(7)
                .prints_nothing()
                .says(&["does not exist"])
                .ends_with("not deleted");
        } else {
            signs(&sandbox, case, ADMIN_KEY_ID);
        }
    }
    let sandbox = documented();
    let credentials = format!("[My Mac]\n{}", admin(&sandbox));
    let case = without(&sandbox, "").file(".aws/credentials", credentials);
    signs(&sandbox, case.env("AWS_PROFILE", "My Mac"), ADMIN_KEY_ID);
}

#[test]
fn c82_a_quoted_profile_holds_the_role_and_the_other_file_the_key() {
    let sandbox = documented();
    let config = format!(
        "[profile \"work\"]\n{ROLE}source_profile = work\nservices = s1\n[services \"s1\"]\niam =\n  endpoint_url = {}\n",
        sandbox.url()
    );
    let case = without(&sandbox, &config)
        .file(".aws/credentials", format!("[work]\n{}", admin(&sandbox)))
        .without("AWS_ENDPOINT_URL")
        .env("AWS_ENDPOINT_URL_STS", sandbox.url())
        .env("AWS_PROFILE", "work");
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    let actions: Vec<String> = sandbox
        .requests()
        .into_iter()
        .map(|request| request.action)
        .collect();
    assert_eq!(actions, ["AssumeRole", "DeleteAccessKey"]);
}

#[test]
fn c34_indentation_colons_and_comments() {
    let sandbox = documented();
    let key = sandbox.admin();
    let (id, secret) = (&key.access_key_id, &key.secret_access_key);
    for config in [
        format!(
            "[default] ; mine\n  # the key\n  aws_access_key_id: {id}\n  aws_secret_access_key : {secret}\n"
        ),
        format!("  [default]\n  aws_access_key_id = {id}\n  aws_secret_access_key = {secret}\n"),
        format!(
            "[default]\naws_access_key_id={id}\n   ; indented comment\nAWS_SECRET_ACCESS_KEY={secret}\u{c}\n"
        ),
        format!(
            "[other]\n  x\n  = y\n[default]\raws_access_key_id = {id}\raws_secret_access_key = {secret}\r"
        ),
        format!(
            "[profile unused]\ns3 =\n  a = b\n\n  c = d\n[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
        ),
    ] {
        let is_refused = config.starts_with("[other]");
        let case = without(&sandbox, &config);
        if is_refused {
            let ended = case.run().exits(7).prints_nothing();
            let _ = ended
                .says(&["line 2: this is neither"])
                .ends_with("not deleted");
            continue;
        }
        sandbox.add_key(iam_sandbox::KeySeed::new("Bob", BOBS_KEY));
        signs(&sandbox, case, ADMIN_KEY_ID);
    }
}

#[test]
fn c89_c90_a_value_of_several_lines_is_never_cut() {
    let sandbox = documented();
    let key = sandbox.admin();
    let secret = &key.secret_access_key;
    for (id, says) in [
        (
            format!("{ADMIN_KEY_ID}\n  x"),
            "`aws_access_key_id` of profile `default` contains whitespace",
        ),
        (
            format!("{ADMIN_KEY_ID} # mine"),
            "`aws_access_key_id` of profile `default` contains whitespace",
        ),
        (
            format!("\"{ADMIN_KEY_ID}\""),
            "`aws_access_key_id` of profile `default` contains whitespace",
        ),
        (
            format!("\n  {ADMIN_KEY_ID}"),
            "line 3: an indented line has the form",
        ),
    ] {
        let config =
            format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        let said = without(&sandbox, &config).run().exits(7).prints_nothing();
        let _ = said.says(&[says]).ends_with("nothing was sent to IAM");
    }
    assert_eq!(sandbox.connections(), 0);
    let config = format!(
        "[default]\naws_access_key_id = {ADMIN_KEY_ID}\n  # mine\naws_secret_access_key = {secret}\n"
    );
    signs(&sandbox, without(&sandbox, &config), ADMIN_KEY_ID);
}

#[test]
fn c90_a_path_is_taken_as_it_is() {
    for name in ["token # c", "token ", "token;c", "token"] {
        let sandbox = documented();
        let case = without(&sandbox, "");
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
        let said = format!(
            "iam-del-key: error: `{setting}` of profile `default` is `{value}`: {rule}\n\
             hint: correct `{setting}` of profile `default` ({place}), or remove it\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        );
        let _ = case.run().exits(7).prints_nothing().says_exactly(&said);
        assert_eq!(sandbox.connections(), 0);
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
        let case = without(&sandbox, "")
            .file(".aws/credentials", default(&sandbox))
            .env(variable, "")
            .without("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
        signs(&sandbox, case, SESSION_KEY_ID);
    }
    let sandbox = documented();
    let case = without(
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
    let case = without(&sandbox, "").file("other", format!("[default]\n{}", admin(&sandbox)));
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
