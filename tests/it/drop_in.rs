//! The AWS CLI's options: each does what the table of `man/aws-cli.md` says.

use std::ffi::OsString;

use iam_sandbox::{Certificate, Metadata, Sandbox};
use serde_json::json;

use crate::case::{BOBS_KEY, Case, DOCUMENTED, documented, each};
use crate::credentials::{LATER, with_config};
use crate::session::{SSO_SESSION_TOKEN, sso_session, token};
use crate::story::read;

/// AWS's own programs send the length of each request, and AWS documents nothing else.
#[test]
fn each_request_states_its_length() {
    let sandbox = documented();
    let args = [
        "--whole-account",
        "--unused-for",
        "30d",
        "--role-arn",
        "arn:aws:iam::123456789012:role/ops/Responder",
        "--expect-account",
        "123456789012",
        "--yes",
    ];
    let printed = Case::at(&sandbox, args).run().exits(0);
    let _ = printed
        .prints_anything()
        .says(&["note: "])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
    let requests = sandbox.requests();
    for action in ["GetCallerIdentity", "GetCredentialReport", "AssumeRole"] {
        assert!(requests.iter().any(|request| request.action == action));
    }
    for request in requests {
        assert_eq!(request.header("transfer-encoding"), None, "{request:?}");
        assert!(request.header("content-length").is_some(), "{request:?}");
    }
}

/// The AWS CLI writes a dash for each character that a header cannot contain.
#[test]
fn the_user_agent_names_the_execution_environment_without_its_line_breaks() {
    for (value, sent) in [
        ("CloudShell", "exec-env/CloudShell"),
        ("CloudShell\r", "exec-env/CloudShell-"),
        (
            "a b\nX-Amz-Other: c\x7f\u{e9}",
            "exec-env/a b-X-Amz-Other: c--",
        ),
    ] {
        let sandbox = documented();
        let role = ["--role-arn", "arn:aws:iam::123456789012:role/Deployer"];
        let case = Case::documented(&sandbox, &role).env("AWS_EXECUTION_ENV", value);
        case.run().deletes_quietly();
        let requests = sandbox.requests();
        assert_eq!(requests.len(), 2);
        for request in requests {
            for header in ["user-agent", "x-amz-user-agent"] {
                let agent = request.header(header).expect("a user agent");
                let found = agent
                    .find(sent)
                    .map(|at| agent[at + sent.len()..].to_owned());
                let rest = found.unwrap_or_else(|| panic!("{agent}"));
                assert!(rest.is_empty() || rest.starts_with(' '), "{agent}");
            }
        }
        let portal = Metadata::start();
        let case = with_config(&sandbox, &sso_session())
            .file(SSO_SESSION_TOKEN, token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", portal.url())
            .env("AWS_EXECUTION_ENV", value);
        let _ = case.run().exits(3);
        assert_eq!(portal.requests().len(), 1);
    }
}

/// What the AWS CLI prints for the members of the request.
const SKELETON: &str = "{\n    \"UserName\": \"\",\n    \"AccessKeyId\": \"\"\n}\n";

/// Every option that versions 1 and 2 of the AWS CLI accept after `aws iam delete-access-key`, with sample values.
const OPTIONS: [&str; 44] = [
    "--access-key-id ID",
    "--user-name NAME",
    "--cli-input-json JSON",
    "--cli-input-yaml YAML",
    "--generate-cli-skeleton",
    "--generate-cli-skeleton input",
    "--generate-cli-skeleton output",
    "--generate-cli-skeleton yaml-input",
    "--debug",
    "--v2-debug",
    "--endpoint-url URL",
    "--no-verify-ssl",
    "--no-paginate",
    "--output json",
    "--output text",
    "--output table",
    "--output off",
    "--output yaml",
    "--output yaml-stream",
    "--query JMESPATH",
    "--profile PROFILE",
    "--region REGION",
    "--version",
    "--color on",
    "--color off",
    "--color auto",
    "--no-sign-request",
    "--ca-bundle FILE",
    "--cli-read-timeout SECONDS",
    "--cli-connect-timeout SECONDS",
    "--cli-binary-format base64",
    "--cli-binary-format raw-in-base64-out",
    "--no-cli-pager",
    "--cli-auto-prompt",
    "--no-cli-auto-prompt",
    "--cli-error-format json",
    "--cli-error-format text",
    "--cli-error-format legacy",
    "--cli-error-format enhanced",
    "--cli-error-format yaml",
    "--cli-error-format table",
    "help",
    "--access-key ID",
    "iam delete-access-key",
];

/// The rows of that table: the options of a row, and its word.
fn table() -> Vec<(String, String)> {
    let document = read("man/aws-cli.md");
    let (_, table) = document
        .split_once("| option of the AWS CLI | here | note |\n|---|---|---|\n")
        .expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let word = cells[2].to_owned();
        let options: Vec<String> = cells[1]
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        options
            .into_iter()
            .map(move |option| (option, word.clone()))
    })
    .collect()
}

/// A run with the option, and a value if it needs one.
fn run_of(option: &str, sandbox: &Sandbox) -> Case {
    let json = json!({ "AccessKeyId": BOBS_KEY, "UserName": "Bob" }).to_string();
    let url = sandbox.url();
    let bundle = sandbox.ca_path().expect("an authority").to_owned();
    let words = option.split(' ').map(|word| match word {
        "ID" => BOBS_KEY.into(),
        "NAME" => "Bob".into(),
        "JSON" => json.clone().into(),
        "YAML" => "AccessKeyId: x".into(),
        "URL" => url.clone().into(),
        "JMESPATH" => "@".into(),
        "PROFILE" => "prod".into(),
        "REGION" => "eu-west-1".into(),
        "FILE" => bundle.clone().into_os_string(),
        "SECONDS" => "5".into(),
        word => OsString::from(word),
    });
    let admin = sandbox.admin();
    let profile = format!(
        "[profile prod]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        admin.access_key_id, admin.secret_access_key
    );
    let first = option.split(' ').next().unwrap_or_default();
    let brings_key = matches!(
        first,
        "--cli-input-json" | "--access-key-id" | "--access-key"
    );
    let has_user = first == "--user-name";
    let case = Case::at(sandbox, words).file(".aws/config", profile);
    let case = if brings_key || option == "--generate-cli-skeleton" {
        case
    } else {
        case.args(["--access-key-id", BOBS_KEY])
    };
    if has_user || first == "--cli-input-json" {
        case
    } else {
        case.args(["--user-name", "Bob"])
    }
}

#[test]
fn each_option_of_the_aws_cli_does_what_the_table_says() {
    let table = table();
    let mut rows: Vec<&str> = table.iter().map(|(option, _)| option.as_str()).collect();
    let mut options = OPTIONS.to_vec();
    rows.sort_unstable();
    options.sort_unstable();
    assert_eq!(
        rows, options,
        "the table and the list have the same options"
    );
    let help = Case::bare(["--help"]).run().exits(0);
    let shown = help.output().to_owned();
    let _ = help.prints(&shown).says_nothing();
    for (option, word) in &table {
        let sandbox = Sandbox::documented().https(Certificate::Valid).start();
        let ended = run_of(option, &sandbox).run();
        let name = option.split(' ').next().unwrap_or_default();
        let is_shown = shown.contains(&format!("{name} ")) || shown.contains(&format!("{name}\n"));
        match word.as_str() {
            "same" if name == "--version" || name == "--generate-cli-skeleton" => {
                let printed = ended.exits(0);
                let output = printed.output().to_owned();
                assert_eq!(output.is_empty(), option.ends_with(" output"), "{option}");
                let _ = printed.prints(&output).says_nothing();
                assert_eq!(sandbox.connections(), 0, "{option}");
            }
            "same" => {
                let printed = ended.exits(0);
                let said = printed.prints_anything();
                assert!(said.says_no_error(), "{option}");
                assert_eq!(said.messages().is_empty(), name != "--debug", "{option}");
                assert!(!sandbox.has_key(BOBS_KEY), "{option}");
            }
            "no effect" => {
                assert!(!is_shown, "{option} is hidden from help");
                ended.deletes_quietly();
                assert!(!sandbox.has_key(BOBS_KEY), "{option}");
            }
            "refused" => {
                let said = ended.exits(2).prints_nothing();
                let _ = said.says(&["iam-del-key: error: ", "result: no request was sent"]);
                assert_eq!(sandbox.connections(), 0, "{option}");
                assert!(sandbox.has_key(BOBS_KEY), "{option}");
            }
            other => panic!("unknown word: {other}"),
        }
    }
}

/// Runs arguments that must be refused before any request is sent.
pub(crate) fn refused(args: &[&str], says: &[&str]) {
    let sandbox = documented();
    let said = Case::at(&sandbox, args).run().exits(2).prints_nothing();
    let _ = said
        .says(says)
        .ends_with("no request was sent, and no key was changed");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_refusal_says_what_to_use_instead() {
    for (args, instead) in [
        (vec!["--no-verify-ssl"], "--ca-bundle FILE"),
        (vec!["--no-sign-request"], "--profile NAME"),
        (vec!["--cli-auto-prompt"], "--interactive"),
        (vec!["--cli-input-yaml", "x"], "--cli-input-json"),
        (vec!["--output", "yaml"], "use json"),
        (vec!["--cli-error-format", "table"], "use json"),
        (vec!["--generate-cli-skeleton", "yaml-input"], "use input"),
    ] {
        refused(&args, &["is not supported: ", instead]);
    }
    refused(&["delete-access-key"], &["omit `delete-access-key`"]);
    refused(
        &["iam", "update-access-key", "--status", "Inactive"],
        &[
            "iam-del-key replaces `aws iam update-access-key`: omit `iam update-access-key`, and use --deactivate or --reactivate instead of --status\n",
        ],
    );
    refused(
        &["iam", "delete-access-key"],
        &["omit `iam delete-access-key`"],
    );
    refused(
        &[
            "aws",
            "iam",
            "delete-access-key",
            "--access-key-id",
            BOBS_KEY,
        ],
        &["omit `aws iam delete-access-key`\n"],
    );
    for other in [&["iam", "list-users"][..], &["aws", "s3"], &["awsiam"]] {
        refused(other, &["unexpected argument '"]);
    }
    refused(&["--user", "Bob"], &["'--user-name'"]);
}

#[test]
fn the_skeleton_needs_no_configuration_and_equals_the_aws_clis() {
    let cases = [
        &["--generate-cli-skeleton"][..],
        &["--generate-cli-skeleton", "input"],
    ];
    each(cases, |kind| {
        let case = Case::bare(kind).env("AWS_PROFILE", "gone");
        let _ = case.run().exits(0).prints(SKELETON).says_nothing();
    });
    let output = ["--generate-cli-skeleton", "output"];
    refused(&output, &["requires --access-key-id <ID>"]);
    let checked = Case::bare(output).args(["--access-key-id", BOBS_KEY]);
    let _ = checked.run().exits(0).prints_nothing().says_nothing();
}

#[test]
fn json_input_is_text_or_a_file_and_options_override_it() {
    let bob = json!({ "AccessKeyId": BOBS_KEY, "UserName": "Bob" }).to_string();
    let alice = json!({ "AccessKeyId": "AKIAQAAAAAAAUNKNOWNA", "UserName": "Alice" }).to_string();
    let wrong = json!({ "AccessKeyId": 5, "UserName": null }).to_string();
    let key = json!({ "AccessKeyId": BOBS_KEY }).to_string();
    let user = json!({ "UserName": "Bob" }).to_string();
    let cases: [Vec<&str>; 8] = [
        vec!["--cli-input-json", &bob],
        vec!["--cli-input-json", "file://HERE"],
        vec!["--cli-input-json", "file://HERE.bom"],
        vec!["--cli-input-json", "fileb://HERE"],
        [&["--cli-input-json", &alice], &DOCUMENTED[..]].concat(),
        [&["--cli-input-json", &wrong], &DOCUMENTED[..]].concat(),
        vec!["--cli-input-json", &key, "--user-name", "Bob"],
        vec!["--cli-input-json", &user, "--access-key-id", BOBS_KEY],
    ];
    for args in cases {
        let sandbox = documented();
        let case = Case::at(&sandbox, Vec::<OsString>::new())
            .file("key.json", &bob)
            .file("key.json.bom", format!("\u{feff}{bob}"));
        let file = case.path("key.json").display().to_string();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("HERE", &file)).collect();
        let ended = case.args(&args).run();
        ended.deletes_quietly();
        let requests = sandbox.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].param("AccessKeyId"), Some(BOBS_KEY));
        assert_eq!(requests[0].param("UserName"), Some("Bob"));
    }
}

#[test]
fn invalid_json_input_is_refused() {
    for (json, says) in [
        ("", "is not a JSON object"),
        ("AKIA", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        ("{", "EOF while parsing"),
        (
            "{\"AccessKeyId\": \"AKIDPMS9RO4H3FEXAMPLE\"} x",
            "trailing characters",
        ),
        ("{}", "has no AccessKeyId"),
        ("{\"UserName\": \"Bob\"}", "has no AccessKeyId"),
        ("{\"AccessKeyId\": 5}", "AccessKeyId is not a string"),
        ("{\"AccessKeyId\": null}", "AccessKeyId is not a string"),
        (
            "{\"AccessKeyId\": \"short\"}",
            "AccessKeyId 'short': it has 5 characters",
        ),
        ("{\"AccessKeyID\": \"x\"}", "unknown field `AccessKeyID`"),
        (
            "{\"UserName\": \"a\", \"UserName\": \"b\"}",
            "duplicate field `UserName`",
        ),
        (
            "{\"AccessKeyId\": \"AKIDPMS9RO4H3FEXAMPLE\", \"UserName\": \"\"}",
            "UserName '': it is empty",
        ),
        ("file:///nosuch", "cannot read `/nosuch`"),
        ("file://~/key.json", "write file://$HOME/"),
        ("file:///dev/zero", "more than 65536 bytes"),
        ("file:///", "cannot read `/`"),
        (
            "file:///dev/null",
            "cannot read `/dev/null`: it is not a JSON object\n",
        ),
    ] {
        refused(&["--cli-input-json", json], &[says]);
    }
    let named = json!({ "AccessKeyId": BOBS_KEY, "UserName": "Bob" }).to_string();
    refused(
        &["--cli-input-json", &named, "--find-user"],
        &["--find-user"],
    );
    for other in [&["--from", "x"][..], &["--all-keys", "--user-name", "Bob"]] {
        let args = [&["--cli-input-json", &named], other].concat();
        refused(&args, &["cannot be used with"]);
    }
}
