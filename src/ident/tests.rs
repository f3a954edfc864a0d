//! What is accepted as an identifier, and the error for everything else.

use super::*;

#[test]
fn the_account_is_read_out_of_the_id() {
    for (id, expected) in [
        ("ASIAY34FZKBOKMUTVV7A", Some("609629065308")),
        ("ASIAQNZGKIQY56JQ7WML", Some("029608264753")),
        ("ASIAR2TG44V5PDTTBZRR", Some("125843596666")),
        ("AKIARZPUZDIKGB2VALC4", Some("123456789012")),
        ("ASIAQAAAAAAAGMKEM7X5", Some("000000000000")),
        ("AKIAIOSFODNN7EXAMPLE", None),
        ("AKIDPMS9RO4H3FEXAMPLE", None),
        ("AKIAI44QH8DHBEXAMPLE", None),
        ("ASIAc29tZXRoaW5nCg==", None),
        ("AKIARZPUZDIKGB2VALC", None),
        ("AKIARZPUZDIKGB2VALC44", None),
        // It would have 13 digits.
        ("AIAS6SY34FZKBOKMUTVA", None),
    ] {
        let found = AccessKeyId::account_of(id);
        assert_eq!(found.as_ref().map(AccountId::as_str), expected, "{id}");
        if id.starts_with("AKI") {
            let parsed = AccessKeyId::parse(OsStr::new(id)).expect("an ID");
            assert_eq!(parsed.account(), found, "{id}");
        }
    }
}

#[test]
fn the_bounds_are_the_services_own() {
    for (length, expected) in [(15, false), (16, true), (128, true), (129, false)] {
        let id = "A".repeat(length);
        let parsed = AccessKeyId::parse(OsStr::new(&id));
        assert_eq!(parsed.is_ok(), expected, "{length}");
    }
}

#[test]
fn what_is_wrong_with_an_id_is_named() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for (id, expected) in [
        (
            "",
            "it is empty; give the ID of the key, such as AKIAIOSFODNN7EXAMPLE",
        ),
        (
            " ",
            "it is empty; give the ID of the key, such as AKIAIOSFODNN7EXAMPLE",
        ),
        ("A", "it has 1 character; an access key ID has 16 to 128"),
        ("AB", "it has 2 characters; an access key ID has 16 to 128"),
        (
            "AKIAIOSFODNN7-EXAMPL",
            "character 14 is `-` (U+002D); only A-Z, a-z, 0-9 and _ are allowed",
        ),
        (
            "\u{410}KIAIOSFODNN7EXAMPL",
            "character 1 is `\u{410}` (U+0410), which is not an ASCII letter or digit; \
             only A-Z, a-z, 0-9 and _ are allowed",
        ),
        (
            "AKIAIOSFODNN7\u{2013}EXAMPL",
            "character 14 is `\u{2013}` (U+2013); only A-Z, a-z, 0-9 and _ are allowed",
        ),
        (
            secret,
            "this looks like a secret access key; to delete a key, iam-del-key needs only its access key ID",
        ),
        (
            "AIDAQAAAAAAAGMKEM7X5",
            "AIDA IDs identify a user (its unique ID), not an access key (AKIA...)",
        ),
        (
            "AROAQAAAAAAAGMKEM7X5A",
            "AROA IDs identify a role, not an access key (AKIA...)",
        ),
        (
            "ASIAQAAAAAAAGMKEM7X5",
            "ASIA IDs identify a temporary STS key, which expires and cannot be deleted; \
             to cut it off now, revoke the sessions of its role or user",
        ),
    ] {
        let error = AccessKeyId::parse(OsStr::new(id)).expect_err("it is wrong");
        assert_eq!(error.to_string(), expected, "{id}");
        let hidden = id == secret;
        assert_eq!(error.value.contains(id), !hidden, "{id}");
    }
    // Those of a test server.
    for id in [
        "AIDAQAAAAAAAGMKEM7X",
        "AIDAQAAAAAAAGMKEM7X5AA",
        "AIDAqaaaaaaaGMKEM7X5",
        "AIDA_AAAAAAAGMKEM7X5",
    ] {
        assert!(AccessKeyId::parse(OsStr::new(id)).is_ok(), "{id}");
    }
}

#[test]
fn user_names_compare_without_case() {
    let bob: UserName = "Bob".parse().expect("a valid name");
    let shouted: UserName = "BOB".parse().expect("a valid name");
    let other: UserName = "Bobby".parse().expect("a valid name");
    assert!(bob.same_user(&shouted) && bob == shouted);
    assert!(!bob.same_user(&other) && bob != other);
}

#[test]
fn a_path_starts_and_ends_with_a_slash() {
    let long = format!("/{}/", "x".repeat(510));
    for path in ["/", "/ci/", "/ci/eu/", "/!~/", &long] {
        assert!(path.parse::<PathPrefix>().is_ok(), "{path}");
    }
    let longer = format!("/{}/", "x".repeat(511));
    let secret = "/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY/";
    for path in ["", "ci/", "/ci", "ci", "/c i/", "/\u{e9}/", &longer, secret] {
        assert!(path.parse::<PathPrefix>().is_err(), "{path}");
    }
    let prefix: PathPrefix = "/ci/".parse().expect("a path");
    for (path, expected) in [
        ("/ci/", true),
        ("/ci/eu/", true),
        ("/CI/", false),
        ("/", false),
        ("/cicd/", false),
    ] {
        assert_eq!(prefix.contains(path), expected, "{path}");
    }
}

#[test]
fn an_account_has_12_digits() {
    assert!("123456789012".parse::<AccountId>().is_ok());
    for wrong in ["", "12345678901", "1234567890123", "12345678901a"] {
        assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
    }
}

#[test]
fn an_id_from_aws_does_not_look_like_a_name() {
    for (text, expected) in [
        ("AKIAIOSFODNN7EXAMPLE", true),
        ("AKIDPMS9RO4H3FEXAMPLE", true),
        ("ASIAIOSFODNN7EXAMPLE", true),
        ("AKIAIOSFODNN7EXA", true),
        ("AKIAIOSFODNN7EX", false),
        ("AKIDPMS9RO4H3FEXAMPLES", false),
        ("AROAIOSFODNN7EXAMPLE", false),
        ("AKIAIOSFODNN7example", false),
        ("AKIAIOSFODNN7_EXAMPLE", false),
        ("Bob", false),
    ] {
        assert_eq!(looks_like_access_key_id(text), expected, "{text}");
    }
}
