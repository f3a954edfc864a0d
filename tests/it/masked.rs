//! Secrets that were pasted in the wrong place: a secret that would be sent is refused, and none is ever printed, whatever
//! surrounds it.

use std::ffi::OsString;

use iam_sandbox::Sandbox;
use iam_sandbox::documented::ADMIN_KEY_ID;

use crate::case::{BOBS_KEY, Case, DELETED, Ended, documented, each};
use crate::help::options_with_values;

pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// A user name or an access key ID may contain all of its characters.
pub(crate) const PLAIN_SECRET: &str = "je7MtGbClwBF2Zp9Utk3h3yCo8nvbEXAMPLEKEYs";

const ROLE: &str = "arn:aws:iam::123456789012:role/Deployer";

/// A session token in the form that STS returns.
fn token() -> String {
    format!("IQoJb3JpZ2luX2VjEMv//////////wEa{}==", SECRET.repeat(8))
}

/// An API key of Amazon Bedrock. An access key ID may contain all of its characters.
pub(crate) fn bedrock() -> String {
    format!(
        "ABSK{}",
        "QmVkcm9ja0FQSUtleS1hYmNk".repeat(5) + "QmVkcm9ja0FQ"
    )
}

/// The run is refused with this status. Its output contains no 12 consecutive characters of the secret.
pub(crate) fn hides(ended: Ended, status: i32, secret: &str, says: &[&str]) {
    let said = ended.exits(status).prints_nothing();
    shows_no_part(said.messages(), secret);
    said.says(&["rror"]).stops(status, says);
}

fn shows_no_part(text: &str, secret: &str) {
    for part in secret.as_bytes().windows(12) {
        let part = std::str::from_utf8(part).expect("ASCII");
        assert!(!text.contains(part), "{text}");
    }
}

#[test]
fn c53_a_secret_in_an_argument_is_not_shown_whatever_surrounds_it() {
    let around = |secret: &str| {
        [
            format!("'{secret}'"),
            format!("={secret}"),
            format!("x{secret}"),
            format!("{secret}x"),
            format!("{secret};"),
            format!("Bob:{secret}"),
            format!("{BOBS_KEY} {secret}"),
            format!("{BOBS_KEY},{secret}"),
            format!("{BOBS_KEY}\t{secret}"),
            format!("AWS_SECRET_ACCESS_KEY={secret}"),
            format!("--{secret}"),
            format!("-{secret}"),
            format!(
                "[default]\naws_access_key_id={ADMIN_KEY_ID}\naws_secret_access_key={secret}\n"
            ),
            format!("User name,Access key ID,Secret access key\nBob,{BOBS_KEY},{secret}"),
            format!("{{\"SecretAccessKey\":\"{secret}\"}}"),
            secret.replace('/', "\\/"),
            secret.replace('/', "%2F"),
        ]
    };
    each([SECRET, PLAIN_SECRET, &token(), &bedrock()], |secret| {
        each(around(secret), |value| {
            let named = format!("--access-key-id={BOBS_KEY}");
            let cases = [
                vec![value.clone()],
                vec![format!("--access-key-id={value}")],
                vec![named, format!("--user-name={value}")],
            ];
            each(cases, |args| {
                let sandbox = documented();
                hides(Case::at(&sandbox, args).run(), 2, secret, &["rror"]);
                assert_eq!(sandbox.connections(), 0);
            });
        });
    });
}

#[test]
fn c53_a_secret_instead_of_an_id_is_named_although_options_are_swapped() {
    let sandbox = documented();
    let args = ["--access-key-id", SECRET, "--user-name", BOBS_KEY];
    let says = "'(not shown)' for '--access-key-id <ID>': this looks like a secret access key";
    hides(Case::at(&sandbox, args).run(), 2, SECRET, &[says]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c53_a_secret_in_any_option_is_not_shown() {
    let value = format!("x{SECRET}");
    let refused = "--from --except-user --except-tag --path-prefix --max-keys --unused-for --older-than \
         --expect-account --jobs --journal --output --query --error-format --color --timeout \
         --cli-read-timeout --cli-connect-timeout --cli-input-json --cli-input-yaml --cli-binary-format \
         --generate-cli-skeleton --no-such-option --role-arn --role-name --role-session-name \
         --serial-number --token-code --target-principal";
    let refused = refused.split(' ').map(|option| (option, 2));
    let settings = ["--profile", "--region", "--endpoint-url", "--ca-bundle"];
    let cases = refused.chain(settings.map(|option| (option, 7)));
    let cases: Vec<_> = cases.collect();
    for option in options_with_values() {
        let is_in_table = cases.iter().any(|(tried, _)| *tried == option);
        // The first two are tested above. An external ID may be a secret, and is sent.
        let others = ["--access-key-id", "--user-name", "--external-id"];
        let is_other = others.contains(&option.as_str());
        assert!(is_in_table || is_other, "{option} has no row");
    }
    each(cases, |(option, status)| {
        let all = [&[][..], &["--debug"], &["--error-format", "json"]];
        // An option cannot be given twice.
        let all = if option == "--error-format" {
            &all[..1]
        } else {
            &all
        };
        for more in all {
            let sandbox = documented();
            let named = format!("--access-key-id={BOBS_KEY}");
            let start = match option {
                "--from" | "--cli-input-json" => vec![],
                "--role-session-name" | "--serial-number" | "--token-code" => {
                    vec![named, format!("--role-arn={ROLE}")]
                }
                _ => vec![named],
            };
            let args = start.into_iter().chain([format!("{option}={value}")]);
            let case = Case::at(&sandbox, args).args(more.iter().copied());
            hides(case.run(), status, SECRET, &["rror"]);
            assert_eq!(sandbox.connections(), 0);
        }
    });
}

#[test]
fn c53_a_query_with_a_secret_in_it_is_refused() {
    let sandbox = documented();
    let query = format!("join('', ['{SECRET}'])");
    let case = Case::documented(&sandbox, &["--query", &query]);
    hides(case.run(), 2, SECRET, &["'(not shown)'"]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c53_a_secret_in_a_list_is_not_shown() {
    each([SECRET, PLAIN_SECRET, &token(), &bedrock()], |secret| {
        let cases = [
            secret.to_owned(),
            format!("'{secret}'"),
            format!("x{secret}"),
            format!("{BOBS_KEY} {secret}"),
            format!("{BOBS_KEY}\t{secret}"),
            format!("{BOBS_KEY},{secret}"),
            format!("{BOBS_KEY}:{secret}"),
            format!("AWS_ACCESS_KEY_ID={BOBS_KEY}\nAWS_SECRET_ACCESS_KEY={secret}"),
            format!("aws_secret_access_key = {secret}"),
            format!("AccessKeyId,UserName\n{BOBS_KEY},{secret}"),
            format!("AccessKeyId,UserName\n{BOBS_KEY},x{secret}"),
            format!("Access key ID,Secret access key\n{secret},{BOBS_KEY}"),
            format!("AccessKeyId,Outcome\n{BOBS_KEY},{secret}"),
            format!("AccessKeyId,Action\n{BOBS_KEY},{secret}"),
            format!("AccessKeyId,UserName\n{BOBS_KEY},Bob,{secret}"),
            format!("{secret},AccessKeyId,AccessKeyId\n1,2,3"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Action\":\"x{secret}\"}}"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName{secret}\":1,\"Outcome\":7}}"),
            format!("{{\"AccessKeyId\":\"{secret}\"}}"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"{secret}\"}}"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"{secret}\"}}"),
            format!("[\"{secret}\"]"),
            format!("{{\"AccessKeyId\":{{\"{secret}\":1}}}}"),
            format!("{{\"AccessKeyMetadata\":{{\"a\":\"{secret}\"}}}}"),
            format!("{{\"AccessKeyMetadata\":{secret}}}"),
        ];
        each(cases, |list| {
            each([&[][..], &["--error-format", "json"]], |more| {
                let sandbox = documented();
                let case = Case::at(&sandbox, ["--from", "-"]).args(more.iter().copied());
                let ended = case.input(list.as_bytes()).run();
                hides(ended, 2, secret, &["line "]);
                assert_eq!(sandbox.connections(), 0);
            });
        });
    });
}

#[test]
fn c53_a_secret_in_cli_input_json_is_not_shown() {
    each([SECRET, &bedrock()], |secret| {
        let cases = [
            secret.to_owned(),
            format!("{{\"AccessKeyId\":\"{secret}\"}}"),
            format!("{{\"AccessKeyId\":\"x{secret}\"}}"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"{secret}\"}}"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"SecretAccessKey\":\"{secret}\"}}"),
            format!("{{\"{secret}\":\"{BOBS_KEY}\"}}"),
            format!("{{\"AccessKeyId\":[\"{secret}\"]}}"),
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\"}}{secret}"),
            format!("file:///tmp/{secret}"),
        ];
        each(cases, |json| {
            let sandbox = documented();
            let case = Case::at(&sandbox, ["--cli-input-json", &json]);
            hides(case.run(), 2, secret, &["--cli-input-json"]);
            assert_eq!(sandbox.connections(), 0);
        });
    });
}

#[test]
fn c53_an_id_and_a_secret_that_are_swapped_in_the_environment_are_not_sent() {
    let hint = "hint: correct them; neither was printed or sent\n";
    let cases = [
        (
            SECRET,
            ADMIN_KEY_ID,
            "the access key ID and the secret access key are swapped",
        ),
        (
            SECRET,
            SECRET,
            "the access key ID looks like a secret access key",
        ),
        (
            ADMIN_KEY_ID,
            ADMIN_KEY_ID,
            "the secret access key looks like an access key ID",
        ),
    ];
    each(cases, |(id, secret, what)| {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[])
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        case.run().stops_exactly(7, &format!(
            "iam-del-key: error: {what}: the environment variable AWS_ACCESS_KEY_ID and the environment variable \
             AWS_SECRET_ACCESS_KEY\n\
             {hint}result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
        assert_eq!(sandbox.connections(), 0);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

fn secret_in(value: &str) -> &'static str {
    if value.contains(SECRET) {
        SECRET
    } else {
        PLAIN_SECRET
    }
}

#[test]
fn c53_a_secret_in_a_setting_is_neither_shown_nor_sent() {
    let cases = [
        ("AWS_REGION", PLAIN_SECRET.to_owned()),
        ("AWS_DEFAULT_REGION", format!("x{PLAIN_SECRET}")),
        ("AWS_PROFILE", format!("x{SECRET}")),
        ("AWS_CA_BUNDLE", format!("/tmp/{SECRET}.pem")),
        ("AWS_MAX_ATTEMPTS", format!("\"{SECRET}\"")),
        (
            "AWS_ENDPOINT_URL",
            format!("https://{PLAIN_SECRET}.example.com"),
        ),
        (
            "AWS_ENDPOINT_URL",
            format!("https://127.0.0.1:1/{PLAIN_SECRET}"),
        ),
        ("HTTP_PROXY", SECRET.to_owned()),
        ("HTTP_PROXY", format!("http://{PLAIN_SECRET}:80")),
        ("http_proxy", format!("me:password@{PLAIN_SECRET}")),
    ];
    each(cases, |(name, value)| {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &["--debug"]).without("AWS_REGION");
        let secret = secret_in(&value);
        let ended = case.env(name, &value).run();
        let known = format!("result: {BOBS_KEY}: not deleted: nothing was sent to IAM");
        hides(ended, 7, secret, &[name, &known]);
        assert_eq!(sandbox.connections(), 0);
    });
    // Settings of a role: CloudTrail records what STS receives.
    let web_identity = |name: &str, value: &str| {
        let role = ("AWS_ROLE_ARN", ROLE);
        let token = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/null");
        let case = Case::documented(&documented(), &["--debug"]).without_credentials();
        let case = case.env(role.0, role.1).env(token.0, token.1);
        case.env(name, value).run()
    };
    let cases = [
        ("AWS_ROLE_ARN", SECRET.to_owned()),
        ("AWS_ROLE_ARN", format!("x/{PLAIN_SECRET}")),
        ("AWS_ROLE_SESSION_NAME", PLAIN_SECRET.to_owned()),
        ("AWS_ROLE_SESSION_NAME", format!("me@{PLAIN_SECRET}")),
    ];
    each(cases, |(name, value)| {
        let secret = secret_in(&value);
        let variable = format!("error: the environment variable {name} is `");
        let looks = "(not shown)`: this looks like a secret access key";
        hides(web_identity(name, &value), 7, secret, &[&variable, looks]);
    });
    let cases = ["role_arn", "role_session_name", "mfa_serial"];
    each(cases, |setting| {
        let sandbox = documented();
        let role = format!("role_arn = {ROLE}\n");
        let config = format!(
            "[default]\n{}credential_source = Environment\n{setting} = {PLAIN_SECRET}\n",
            if setting == "role_arn" { "" } else { &role }
        );
        let case = Case::documented(&sandbox, &["--debug", "--profile", "default"]);
        let ended = case.file(".aws/config", config).run();
        let looks = "is `(not shown)`: this looks like a secret access key";
        hides(ended, 7, PLAIN_SECRET, &[looks]);
        assert_eq!(sandbox.connections(), 0);
    });
    // The password of a proxy may be a secret.
    let sandbox = documented();
    let proxy = format!("http://me:{PLAIN_SECRET}@127.0.0.1:1");
    let case = Case::documented(&sandbox, &["--debug"]).env("HTTPS_PROXY", proxy);
    let said = case.run().exits(0).prints(DELETED);
    let _ = said.says(&["attempt 1: HTTP 200"]);
}

#[test]
fn c53_a_secret_in_a_condition_is_not_repeated_in_results() {
    each([PLAIN_SECRET, &bedrock()], |secret| {
        each(["json", "text", "table"], |format| {
            let sandbox = documented();
            let sweep = ["--whole-account", "--unused-for", "1d", "--dry-run"];
            let more = ["--output", format, "--except-user", secret];
            let printed = Case::at(&sandbox, sweep).args(more).run().exits(0);
            let output = printed.output().to_owned();
            let said = printed.prints_anything();
            shows_no_part(&output, secret);
            shows_no_part(said.messages(), secret);
            assert!(output.contains(BOBS_KEY), "{output}");
            let _ = said.says(&["would be deleted"]);
        });
    });
}

#[test]
fn c53_ids_names_and_words_are_shown() {
    let name = "DeployUserForTheProductionEnvironmentService";
    let hash = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let cases = [
        (
            vec!["--access-key-id", "AKIAIOSFODNN7EXAMPLE!"],
            "'AKIAIOSFODNN7EXAMPLE!'",
        ),
        (vec!["AKIAIOSFODNN7EXAMPLE"], "AKIAIOSFODNN7EXAMPLE"),
        (vec!["--from", hash], hash),
        (
            vec!["--from", "/Users/JSmith/Documents/security/plans/November"],
            "/Users/JSmith/Documents/security/plans/November",
        ),
        (
            vec!["--access-key-id=short", "--user-name", name],
            "'short'",
        ),
    ];
    each(cases, |(args, shown)| {
        Case::bare(args).run().stops(2, &[shown]);
    });
    // A long name made of words is a user name.
    let args: Vec<OsString> = vec![format!("--access-key-id={BOBS_KEY}").into()];
    let sandbox = documented();
    let case = Case::at(&sandbox, args).args([format!("--user-name={name}")]);
    let says = format!("The user with name {name} cannot be found.");
    let ended = case.run().exits(3).prints_outcome("Failed");
    let _ = ended
        .says(&[&says])
        .ends_with("not deleted: IAM found no such user");
}

#[test]
fn c53_a_user_name_that_iam_has_is_a_name_whatever_it_looks_like() {
    let id = "AKIAQAAAAAAARANDOMAA";
    let sandbox = Sandbox::builder().user_key(PLAIN_SECRET, id).start();
    let case = Case::at(&sandbox, ["--access-key-id", id, "--find-user"]);
    let _ =
        case.run().exits(0).prints(DELETED).says_exactly(
            "iam-del-key: note: AKIAQAAAAAAARANDOMAA belongs to the user (not shown)\n",
        );
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.param("UserName"), Some(PLAIN_SECRET));
    assert!(!sandbox.has_key(id));
}
