//! Invalid arguments: status 2, the reason, and no request is sent.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use iam_sandbox::Sandbox;

use crate::case::{BOBS_KEY, Case, Ended, documented};

/// Runs invalid arguments with a sandbox that must get no request.
pub(crate) fn refused<I: IntoIterator<Item: Into<OsString>>>(args: I, says: &[&str]) {
    let sandbox = documented();
    let ended = Case::at(&sandbox, args).run();
    check(ended, says);
    assert_eq!(sandbox.connections(), 0, "a connection was opened");
    assert!(sandbox.has_key(BOBS_KEY));
}

fn check(ended: Ended, says: &[&str]) {
    let said = ended.exits(2).prints_nothing();
    let steering = |c: char| c.is_control() && c != '\n';
    assert!(
        !said.messages().contains(steering),
        "a control character was printed"
    );
    assert!(
        said.messages().len() < 2000,
        "{} bytes of message",
        said.messages().len()
    );
    let _ = said
        .says(says)
        .ends_with("no request was sent, and no key was changed");
}

fn id_refused(id: impl Into<OsString>, says: &[&str]) {
    refused(
        [
            OsString::from("--access-key-id"),
            id.into(),
            "--user-name".into(),
            "Bob".into(),
        ],
        says,
    );
}

fn name_refused(name: impl Into<OsString>, says: &[&str]) {
    refused(
        [
            OsString::from("--access-key-id"),
            BOBS_KEY.into(),
            "--user-name".into(),
            name.into(),
        ],
        says,
    );
}

#[test]
fn f01_no_arguments() {
    refused(
        Vec::<OsString>::new(),
        &[
            "keys are required: use --access-key-id <ID>, ",
            "Usage:",
            "--help",
        ],
    );
}

#[test]
fn f02_an_empty_or_blank_id() {
    for id in ["", " ", "\t\n"] {
        id_refused(id, &["it is empty"]);
    }
    name_refused("", &["it is empty", "the calling user"]);
}

#[test]
fn f03_an_id_too_short_or_too_long() {
    id_refused(
        "A".repeat(15),
        &["it has 15 characters; an access key ID has 16 to 128"],
    );
    id_refused(
        "A".repeat(129),
        &[
            "it has 129 characters",
            &format!("'{}... (129 characters)'", "A".repeat(40)),
        ],
    );
    name_refused(
        "a".repeat(129),
        &["it has 129 characters; a user name has 1 to 128"],
    );
}

#[test]
fn f03_a_value_as_long_as_an_argument_can_be() {
    // One argument holds at most 128 KiB on Linux.
    id_refused("A".repeat(131_000), &["(131000 characters)"]);
    name_refused("a".repeat(131_000), &["(131000 characters)"]);
}

#[test]
fn f04_bytes_that_are_not_utf_8() {
    let bytes = || OsString::from_vec(b"AKIA\xff\xfeDPMS9RO4H3FE".to_vec());
    id_refused(bytes(), &["AKIA\\xff\\xfeDPMS9RO4H3FE", "it is not UTF-8"]);
    name_refused(bytes(), &["\\xff", "it is not UTF-8"]);
}

#[test]
fn f05_characters_that_control_a_terminal() {
    for (character, shown) in [
        ('\u{1b}', "\\u{1b}"),
        ('\u{7}', "\\u{7}"),
        ('\r', "\\u{d}"),
        ('\n', "\\u{a}"),
        ('\t', "\\u{9}"),
        ('\u{9b}', "\\u{9b}"),
        ('\u{202e}', "\\u{202e}"),
        ('\u{200b}', "\\u{200b}"),
    ] {
        id_refused(
            format!("AKIADPMS9{character}RO4H3FEXAM"),
            &[shown, "character 10 is"],
        );
        name_refused(format!("Bo{character}b"), &[shown, "character 3 is"]);
    }
    refused(["--no\u{1b}[2Jsuch"], &["\\u{1b}", "unexpected argument"]);
}

#[test]
fn f06_look_alikes() {
    id_refused(
        "AKI\u{410}DPMS9RO4H3FEXAM",
        &["character 4 is `\u{410}` (U+0410), which is not an ASCII letter or digit; only A-Z"],
    );
    // Not every letter of other scripts looks like an ASCII letter.
    id_refused(
        "AKI\u{9375}DPMS9RO4H3FEXAM",
        &["character 4 is `\u{9375}` (U+9375), which is not an ASCII letter or digit; only A-Z"],
    );
    id_refused("AKIADPMS\u{ff19}RO4H3FEXAM", &["character 9 is", "U+FF19"]);
    name_refused("B\u{43e}b", &["character 2 is", "U+043E"]);
}

#[test]
fn f07_quotes_and_whitespace_are_never_trimmed() {
    for id in [
        format!("\"{BOBS_KEY}\""),
        format!("'{BOBS_KEY}'"),
        format!("{BOBS_KEY}\n"),
        format!("{BOBS_KEY} "),
        format!(" {BOBS_KEY}"),
        format!("{BOBS_KEY},"),
    ] {
        id_refused(id, &["only A-Z, a-z, 0-9 and _ are allowed"]);
    }
    name_refused("Bob ", &["character 4 is ` ` (U+0020)"]);
}

#[test]
fn f08_a_name_with_a_leading_dash() {
    let sandbox = Sandbox::builder()
        .user_key("-x", "AKIAQAAAAAAALEADDASH")
        .start();
    let case = Case::at(
        &sandbox,
        ["--access-key-id", "AKIAQAAAAAAALEADDASH", "--user-name=-x"],
    );
    let _ = case
        .run()
        .exits(0)
        .prints(crate::case::DELETED)
        .says_nothing();
    assert!(!sandbox.has_key("AKIAQAAAAAAALEADDASH"));
}

#[test]
fn f09_a_name_that_would_change_the_request() {
    for name in [
        "bob&AccessKeyId=AKIAQAAAAAAALEADDASH",
        "bob%26",
        "bob\nAccessKeyId",
        "bob;x",
        "a b",
        "a/b",
        "a#b",
    ] {
        name_refused(name, &["are allowed"]);
    }
}

#[test]
fn f09_every_allowed_character_arrives_intact() {
    let name = "aZ09_+=,.@-";
    let sandbox = Sandbox::builder()
        .user_key(name, "AKIAQAAAAAAAINTACTAA")
        .start();
    let case = Case::at(
        &sandbox,
        [
            "--access-key-id",
            "AKIAQAAAAAAAINTACTAA",
            "--user-name",
            name,
        ],
    );
    let _ = case
        .run()
        .exits(0)
        .prints(crate::case::DELETED)
        .says_nothing();
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.param("UserName"), Some(name));
    assert!(!sandbox.has_key("AKIAQAAAAAAAINTACTAA"));
}

#[test]
fn f10_a_swapped_id_and_user_name() {
    let says = &["--access-key-id and --user-name look swapped"];
    refused(["--access-key-id", "Bob", "--user-name", BOBS_KEY], says);
    refused(
        ["--access-key-id=Bob", &format!("--user-name={BOBS_KEY}")],
        says,
    );
    refused(
        [
            "--access-key-id",
            "administrator_bob",
            "--user-name",
            BOBS_KEY,
        ],
        says,
    );
}

#[test]
fn f11_a_pasted_secret_is_not_shown() {
    for secret in [
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB",
    ] {
        let secret: String = secret.chars().take(40).collect();
        for args in [
            ["--access-key-id", &secret, "--user-name", "Bob"],
            ["--access-key-id", BOBS_KEY, "--user-name", &secret],
        ] {
            let sandbox = documented();
            let said = Case::at(&sandbox, args).run().exits(2).prints_nothing();
            assert!(
                !said.messages().contains(&secret[..8]),
                "the secret was shown"
            );
            let _ = said
                .says(&["(not shown)", "looks like a secret access key"])
                .ends_with("no request was sent, and no key was changed");
            assert_eq!(sandbox.connections(), 0);
        }
    }
}

#[test]
fn f11_a_secret_pasted_elsewhere_is_not_shown() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for (args, status) in [
        (vec![secret], 2),
        (vec!["--expect-account", secret], 2),
        (vec!["--except-user", secret], 2),
        (vec!["--except-tag", secret], 2),
        (vec!["--path-prefix", secret], 2),
        (vec!["--older-than", secret], 2),
        (vec!["--profile", secret], 7),
        (vec!["--region", secret], 7),
        (vec!["--journal", secret], 2),
    ] {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &args).without_credentials();
        let said = case.run().exits(status).prints_nothing();
        assert!(!said.messages().contains(&secret[..8]), "{args:?}");
        let _ = said.says(&["(not shown)"]);
        assert_eq!(sandbox.connections(), 0);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f11_a_secret_in_a_setting_is_not_shown() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for name in [
        "AWS_REGION",
        "AWS_RETRY_MODE",
        "AWS_MAX_ATTEMPTS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_PROFILE",
        "AWS_CA_BUNDLE",
        "AWS_ENDPOINT_URL_IAM",
        "AWS_CREDENTIAL_EXPIRATION",
    ] {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[]).env(name, secret);
        let said = case.run().exits(7).prints_nothing();
        assert!(
            !said.messages().contains(&secret[..8]),
            "{}",
            said.messages()
        );
        let _ = said
            .says(&["(not shown)"])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(sandbox.connections(), 0);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f12_ids_of_other_things() {
    id_refused(
        "ASIAY34FZKBOKMUTVV7A",
        &["a temporary STS key", "expires and cannot be deleted"],
    );
    id_refused("AIDACKCEVSQ6C2EXAMPLE", &["AIDA IDs identify a user"]);
    id_refused("AROADBQP57FF2AEXAMPLE", &["AROA IDs identify a role"]);
    name_refused("arn:aws:iam::123456789012:user/Bob", &["it is an ARN"]);
}

#[test]
fn f13_unknown_flags_and_wrong_values() {
    refused(
        ["--acces-key-id", BOBS_KEY],
        &[
            "unexpected argument",
            "a similar argument exists: '--access-key-id'",
        ],
    );
    refused(
        ["--access-key-id", BOBS_KEY, "--output", "xml"],
        &["invalid value 'xml'", "json", "text", "off"],
    );
    refused(
        ["--access-key-id", BOBS_KEY, "--timeout", "0"],
        &["invalid value '0' for '--timeout <SECONDS>': must be between 1 and 86400\n"],
    );
    refused(
        ["--access-key-id", BOBS_KEY, "--timeout", "soon"],
        &["invalid value 'soon'"],
    );
    refused(
        [
            "--access-key-id",
            BOBS_KEY,
            "--user-name",
            "Bob",
            "--user-name",
            "Bob",
        ],
        &["cannot be used multiple times"],
    );
    refused(
        ["--access-key-id", BOBS_KEY, "Bob"],
        &["unexpected argument 'Bob'"],
    );
}

#[test]
fn f14_a_list_as_long_as_the_system_allows() {
    let mut args = vec![OsString::from("--access-key-id"), BOBS_KEY.into()];
    args.extend(std::iter::repeat_n(OsString::from("x".repeat(1000)), 1500));
    refused(args, &["unexpected argument", "(1000 characters)"]);
    // Twenty thousand keys, and the last one is invalid.
    let ids = (0..20_000).map(|n| format!("AKIAAAAAAAAAA{n:07}"));
    let ids = ids.chain(["AKIA?".to_owned()]);
    let args: Vec<String> = ids
        .flat_map(|id| ["--access-key-id".to_owned(), id])
        .collect();
    refused(args, &["'AKIA?'", "character 5 is"]);
}
