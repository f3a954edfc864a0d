//! `--query`: what it selects from, and a query that is invalid or fails on a result.

use std::ffi::OsString;

use iam_sandbox::Sandbox;

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::drop_in::refused;
use crate::many::{crowd, from_stdin, left};

#[test]
fn a_query_selects_from_the_output() {
    let dry = |sandbox: &Sandbox, more: &[&str]| {
        Case::documented(sandbox, &["--dry-run"]).args(more.iter().copied().map(OsString::from))
    };
    let cases = [
        ("Outcome", "json", "\"WouldDelete\"\n"),
        (
            "[AccessKeyId, UserName]",
            "json",
            "[\"AKIDPMS9RO4H3FEXAMPLE\",\"Bob\"]\n",
        ),
        ("{user: UserName}", "json", "{\"user\":\"Bob\"}\n"),
        ("Nothing", "json", "null\n"),
        ("Outcome", "text", "WouldDelete\n"),
        (
            "[AccessKeyId, UserName, Nothing]",
            "text",
            "AKIDPMS9RO4H3FEXAMPLE\tBob\tNone\n",
        ),
        ("{b: UserName, a: Outcome}", "text", "WouldDelete\tBob\n"),
        (
            "[[UserName, Outcome], [Nothing]]",
            "text",
            "Bob\tWouldDelete\nNone\n",
        ),
        (
            "{name: UserName, list: [{b: UserName, a: Outcome}]}",
            "text",
            "Bob\nLIST\tWouldDelete\tBob\n",
        ),
        (
            "{name: 'a\tb', \"l\\u001b\": ['c']}",
            "text",
            "a\\u{9}b\nL\\u{1b}\tc\n",
        ),
        ("''", "text", "\n"),
        ("`[]`", "text", ""),
        ("Outcome", "off", ""),
    ];
    each(cases, |(query, format, expected)| {
        let sandbox = documented();
        let printed = dry(&sandbox, &["--query", query, "--output", format])
            .run()
            .exits(0);
        let _ = printed.prints(expected).says(&["dry run"]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
    // A deleted key's object has only this member, and the AWS CLI prints null too.
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--query", "AccessKeyId"]);
    let _ = case.run().exits(0).prints("null\n").says_nothing();
    let sandbox = documented();
    let filled = [
        "--query",
        "ResponseMetadata.HTTPStatusCode",
        "--response-metadata",
    ];
    let _ = Case::documented(&sandbox, &filled)
        .run()
        .exits(0)
        .prints("200\n")
        .says_nothing();
    // The result is an empty object.
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--query", "@", "--output", "text"]);
    let _ = case.run().exits(0).prints_nothing().says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
    // For several keys, the query applies to each line.
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--access-key-id", "AKIAQAAAAAAAUNKNOWNA"]);
    let printed = case
        .args(["--query", "Outcome", "--jobs", "1"])
        .run()
        .exits(12);
    let _ = printed
        .prints("\"Deleted\"\n\"Failed\"\n")
        .says(&["1 deleted, 1 failed"]);
}

#[test]
fn an_invalid_query_is_refused() {
    for query in ["", "[", "a b", "nosuch(@)", "length()", "\u{1b}[2J"] {
        refused(
            &["--access-key-id", BOBS_KEY, "--query", query],
            &["not a JMESPath expression"],
        );
    }
    for query in ["&a", "[&a]", "{a: &a.b}", "AccessKeyId || &a"] {
        let says = "not a JMESPath expression: `&` is only for an argument of a function";
        refused(&["--access-key-id", BOBS_KEY, "--query", query], &[says]);
    }
    refused(
        &[
            "--access-key-id",
            BOBS_KEY,
            "--query",
            "sum(`[1e308, 1e308]`)",
        ],
        &["not a JMESPath expression: a number is too large"],
    );
    let long = "(".repeat(5000);
    refused(
        &["--access-key-id", BOBS_KEY, "--query", &long],
        &["5000 bytes"],
    );
    refused(
        &[
            "--access-key-id",
            BOBS_KEY,
            "--query",
            "@",
            "--output",
            "table",
        ],
        &["use --output json or text"],
    );
}

#[test]
fn f62_a_query_that_does_not_work_on_the_result_keeps_a_key_from_being_changed() {
    // One key.
    let sandbox = documented();
    let cases = [
        &["--query", "length(UserName)"][..],
        &["--query", "keys(Error)", "--deactivate"],
        &["--query", "AccessKeyId && &a", "--deactivate"],
    ];
    each(cases, |more| {
        let case = Case::documented(&sandbox, more);
        let printed = case.run().exits(1);
        let done = if more.len() > 2 {
            "deactivated"
        } else {
            "deleted"
        };
        let _ = printed
            .prints_nothing()
            .says(&["--query: "])
            .ends_with(&format!("{BOBS_KEY}: not {done}"));
    });
    assert!(sandbox.has_key(BOBS_KEY));
    let mut requests = sandbox.requests().into_iter();
    assert!(requests.all(|request| request.action == "ListAccessKeys"));
    // Many keys.
    let (sandbox, list) = crowd(3);
    for (more, hint) in [
        (
            &[][..],
            "with another --query or none, and with --ignore-missing\n",
        ),
        (
            &["--journal"],
            "with another --query or none; keys that the journal records as finished are skipped\n",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let query = ["--query", "length(Reason)", "--jobs", "1"];
        let case = from_stdin(&sandbox, &list, &query).args(more.iter().copied());
        let case = match more {
            [] => case,
            _ => case.args([folder.path().join("journal")]),
        };
        let printed = case.run().exits(1);
        let _ = printed
            .prints_anything()
            .says(&[
                "--query: ",
                "hint: to continue, run the same command again ",
                hint,
            ])
            .ends_with("3 keys: 3 not tried");
    }
    assert_eq!(left(&sandbox, 3), 3);
    let mut requests = sandbox.requests().into_iter();
    assert!(requests.all(|request| request.action == "GetCallerIdentity"));
}

/// Only the response has the data for the query.
#[test]
fn f62_a_query_of_response_metadata_can_fail_after_the_deletion() {
    let sandbox = documented();
    let query = "length(ResponseMetadata.HTTPHeaders.nope)";
    let more = ["--response-metadata", "--query", query];
    let printed = Case::documented(&sandbox, &more).run().exits(1);
    let _ = printed
        .prints_nothing()
        .says(&["--query: "])
        .ends_with(&format!("{BOBS_KEY}: deleted"));
    assert!(!sandbox.has_key(BOBS_KEY));
}
