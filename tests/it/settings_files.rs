//! The two configuration files, read as by AWS CLI version 2, and contradictions in them.

use iam_sandbox::Sandbox;
use iam_sandbox::documented::ADMIN_KEY_ID;

use crate::case::{BOBS_KEY, Case, DELETED, documented, each};
use crate::configuration::refused;
use crate::credentials::{keys, signs, with_config};

pub(crate) const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";

pub(crate) fn admin(sandbox: &Sandbox) -> String {
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
fn c04_the_error_is_complete() {
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
fn c83_two_default_profiles_are_an_error() {
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

/// Names that only Python's parser accepts.
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
        let case = with_config(&sandbox, &config).args(["--profile", name]);
        if name.contains('#') {
            // The header ends at the last bracket, and has three words.
            let _ = case
                .run()
                .exits(7)
                .prints_nothing()
                .says(&["does not exist"])
                .ends_with("not deleted: nothing was sent to IAM");
        } else {
            signs(&sandbox, case, ADMIN_KEY_ID);
        }
    }
    let sandbox = documented();
    let credentials = format!("[My Mac]\n{}", admin(&sandbox));
    let case = with_config(&sandbox, "").file(".aws/credentials", credentials);
    signs(&sandbox, case.env("AWS_PROFILE", "My Mac"), ADMIN_KEY_ID);
}

#[test]
fn c32_a_section_that_was_meant_to_be_the_profile_is_named() {
    let places = "the profiles in ";
    let cases = [
        ("[profile my src]", "my src", "[profile \"my src\"]"),
        ("[work]", "work", "[profile work]"),
        ("[Profile work]", "work", "[profile work]"),
        ("[ profile work ]", "work", "[profile work]"),
        ("[profilework]", "work", "[profile work]"),
        ("[profile \"my src]", "my src", "[profile \"my src\"]"),
        ("[it's]", "it's", "[profile \"it's\"]"),
        ("[a\"b]", "a\"b", "[profile 'a\"b']"),
        (r"[a\b]", r"a\b", r#"[profile "a\b"]"#),
        ("[#1]", "#1", "[profile #1]"),
        ("[profil work]", "work", "[profile work]"),
        ("[profile-work]", "work", "[profile work]"),
        ("[profile:work]", "work", "[profile work]"),
        ("[profile-work]", "profile-work", "[profile profile-work]"),
        ("[Profiles 'my src']", "my src", "[profile \"my src\"]"),
        // No header can name these profiles.
        ("[a\"b'c]", "a\"b'c", places),
        ("[a\u{1}b]", "a\u{1}b", places),
        ("[profile]", " ", places),
        ("[works]", "work", places),
    ];
    each(cases, |(header, name, correct)| {
        let sandbox = documented();
        let keys = admin(&sandbox);
        let config = format!("{header}\n{keys}[profile other]\n{keys}");
        let hint = match correct {
            _ if correct == places => "hint: the profiles in ".to_owned(),
            _ => {
                format!("hint: the section `{header}` names no profile: write it as `{correct}`\n")
            }
        };
        let case = with_config(&sandbox, &config).args(["--profile", name]);
        case.run().stops(7, &[&hint]);
    });
}

#[test]
fn a_section_that_was_meant_to_be_the_one_that_a_setting_names_is_named() {
    let sso = "sso_session = my team\nsso_account_id = 123456789012\nsso_role_name = r\n";
    let source = format!("{ROLE}source_profile = my team\n");
    let services =
        "services = my team\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let cases = [
        (sso, "[sso-session my team]", "sso-session"),
        (sso, "[ SSO-Session \"my team\" ]", "sso-session"),
        (sso, "[sso_session my team]", "sso-session"),
        (sso, "[my team]", ""),
        (&source, "[my team]", "profile"),
        (&source, "[profile my team]", "profile"),
        (services, "[services my team]", "services"),
        (services, "[service 'my team']", "services"),
    ];
    each(cases, |(lines, header, kind)| {
        let sandbox = documented();
        let config = format!("[default]\n{lines}{header}\nsso_region = us-east-1\n");
        let hint = match kind {
            "" => "hint: correct `sso_session` of profile `default` (".to_owned(),
            _ => format!(
                "hint: the section `{header}` names no {kind}: write it as `[{kind} \"my team\"]`\nresult: "
            ),
        };
        let case = with_config(&sandbox, &config).without("AWS_ENDPOINT_URL");
        case.run().stops(7, &["does not exist", &hint]);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn a_section_of_the_config_file_in_the_credentials_file_is_named() {
    let sso = "sso_session = team\nsso_account_id = 123456789012\nsso_role_name = r\n";
    let source = format!("{ROLE}source_profile = team\n");
    let own = "the section `[profile team]` names no such profile in the credentials file: write it as `[team]` there\n";
    let moved =
        "the section `[sso-session team]` is in the credentials file: move it to the config file\n";
    let cases = [
        (sso, "[sso-session team]", moved),
        (&source, "[profile team]", own),
        (&source, "[profile \"team\"]", own),
    ];
    each(cases, |(lines, header, hint)| {
        let sandbox = documented();
        let credentials = format!("{header}\n{}", admin(&sandbox));
        let case = with_config(&sandbox, &format!("[default]\n{lines}"));
        let case = case.file(".aws/credentials", credentials);
        let hint = hint.replacen("[profile team]", header, 1);
        case.run()
            .stops(7, &["does not exist", &format!("hint: {hint}result: ")]);
        assert_eq!(sandbox.connections(), 0);
    });
    let cases = [
        ("profile team", "team"),
        ("profile my team", "my team"),
        ("profile \"my team\"", "my team"),
        ("profile  my  team ", "my  team"),
        ("profile it's", "it's"),
    ];
    each(cases, |(header, name)| {
        let sandbox = documented();
        let run = |header: &str| {
            let credentials = format!("[{header}]\n{}", admin(&sandbox));
            let case = with_config(&sandbox, "").file(".aws/credentials", credentials);
            case.args(["--profile", name]).run()
        };
        let own = own.replacen("[team]", &format!("[{name}]"), 1);
        let own = own.replacen("profile team", header, 1);
        run(header).stops(7, &["does not exist", &format!("hint: {own}")]);
        let _ = run(name).exits(0);
    });
}

#[test]
fn a_section_whose_name_differs_in_case_is_named() {
    let source = format!("{ROLE}source_profile = Team\n");
    let session = "sso_session = Team\nsso_account_id = 123456789012\nsso_role_name = r\n";
    let cases = [
        (source.as_str(), "profile", ".aws/config"),
        (&source, "profile", ".aws/credentials"),
        (session, "sso-session", ".aws/config"),
    ];
    each(cases, |(lines, kind, file)| {
        let sandbox = documented();
        let config = format!("[default]\n{lines}");
        let header = match file {
            ".aws/config" => format!("{kind} team"),
            _ => "team".to_owned(),
        };
        let section = format!("[{header}]\naws_access_key_id = x\n");
        let case = match file {
            ".aws/config" => with_config(&sandbox, &format!("{config}{section}")),
            _ => with_config(&sandbox, &config).file(file, section),
        };
        let hint = "hint: there is a section for `team`: names are case-sensitive\nresult: ";
        let case = case.without("AWS_ENDPOINT_URL");
        case.run().stops(7, &["does not exist", hint]);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn c82_a_quoted_profile_holds_the_role_and_the_other_file_the_key() {
    let sandbox = documented();
    let config = format!(
        "[profile \"work\"]\n{ROLE}source_profile = work\nservices = s1\n[services \"s1\"]\niam =\n  endpoint_url = {}\n",
        sandbox.url()
    );
    let case = with_config(&sandbox, &config)
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
        let case = with_config(&sandbox, &config);
        if is_refused {
            let ended = case.run().exits(7).prints_nothing();
            let _ = ended
                .says(&["line 2: this is neither"])
                .ends_with("not deleted: nothing was sent to IAM");
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
        let said = with_config(&sandbox, &config)
            .run()
            .exits(7)
            .prints_nothing();
        let _ = said.says(&[says]).ends_with("nothing was sent to IAM");
    }
    assert_eq!(sandbox.connections(), 0);
    let config = format!(
        "[default]\naws_access_key_id = {ADMIN_KEY_ID}\n  # mine\naws_secret_access_key = {secret}\n"
    );
    signs(&sandbox, with_config(&sandbox, &config), ADMIN_KEY_ID);
}
