//! Lists of keys that are refused before any request is sent.

use iam_sandbox::documented::ALICE_KEY_ID;

use crate::case::{BOBS_KEY, CANARIES, Case, documented};
use crate::input::SOON;
use crate::many::{crowd, from_stdin};

/// A list that is refused before any request is sent.
pub(crate) fn refused(list: impl AsRef<[u8]>, more: &[&str], says: &[&str]) {
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--from", "-"])
        .args(more.iter().copied())
        .input(list.as_ref());
    let _ = case
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["iam-del-key: error: "])
        .ends_with("no key was changed")
        .within(SOON)
        .exits(2)
        .prints_nothing()
        .says(says);
    assert_eq!(sandbox.connections(), 0, "{says:?}");
}

#[test]
fn f80_input_that_is_not_a_list_is_refused_with_line_and_column() {
    let good = BOBS_KEY;
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(
        [b"\xff\xfe".to_vec(), utf16].concat(),
        &[],
        &["line 1, column 1", "UTF-16"],
    );
    refused(
        format!("{good}\nAKIA\0AAAAAAAAAAAAAAA\n"),
        &[],
        &["line 2, column 5", "NUL"],
    );
    refused(
        [good.as_bytes(), b"\n\xff\xfe\n"].concat(),
        &[],
        &["line 2, column 1", "UTF-8"],
    );
    refused(
        format!("{good}\n\n  short\n"),
        &[],
        &[
            "line 3, column 3",
            "`short` is not an access key ID",
            "16 to 128",
        ],
    );
    refused(
        format!("{good} Bob\n"),
        &[],
        &["line 1, column 23", "several columns need a header"],
    );
    refused(
        format!("{good},Bob\n"),
        &[],
        &["line 1, column 1", "a header that names them: AccessKeyId"],
    );
    refused(
        format!("AccessKeyId,UserName\n{good},Bob\n{good}x y,Bob\n"),
        &[],
        &["line 3, column AccessKeyId: "],
    );
    refused(
        format!("UserName,AccessKeyId\nBo b,{good}\n"),
        &[],
        &["line 2, column UserName: `Bo b` is not a user name"],
    );
    refused(
        "UserName,AccessKeyId\nBob\n",
        &[],
        &["line 2 has 1 field, but the header has 2"],
    );
    refused(
        format!("AccessKeyId,Note\n{good},\"open\n"),
        &[],
        &["line 2, column 23", "a quoted field is not closed"],
    );
    refused(
        format!("AccessKeyId,Outcome\n{good},Perhaps\n"),
        &[],
        &["line 2", "unknown Outcome `Perhaps`"],
    );
    refused(
        "ASIAY34FZKBOKMUTVV7A\n",
        &[],
        &["line 1, column 1", "temporary STS key"],
    );
    // The text is cut off inside a character; the error is still the same.
    refused(
        format!("x{}", "\u{e9}".repeat(1_000_000)),
        &[],
        &["line 1", "longer than 1048576 bytes"],
    );
    refused(
        "x".repeat(2_000_000),
        &[],
        &["line 1", "longer than 1048576 bytes"],
    );
    refused(
        format!("{}\n", CANARIES[0]),
        &[],
        &["line 1, column 1", "looks like a secret access key"],
    );
}

#[test]
fn f80_line_endings_that_hide_lines_are_refused() {
    for (list, place) in [
        (
            format!("AccessKeyId,UserName\r{BOBS_KEY},Bob\r"),
            "line 1, column 21",
        ),
        (
            format!("# keys\n# exported\r{BOBS_KEY}\r"),
            "line 2, column 11",
        ),
    ] {
        let says = format!(
            "iam-del-key: error: standard input, {place}: a carriage return inside the line\n\
             hint: save the list with LF or CRLF line endings\n\
             result: no key was changed\n"
        );
        refused(list, &[], &[&says]);
    }
}

#[test]
fn f80_error_messages_are_not_a_list() {
    let message = format!(
        r#"{{"Level":"Error","Code":"AccessDenied","AccessKeyId":"{BOBS_KEY}","UserName":"Bob","ExitCode":6,"Result":"NotDeactivated"}}"#
    );
    let says = &[
        "line 1, column 1",
        "this is an error message of iam-del-key",
    ];
    refused(message.clone(), &[], says);
    refused(message.replace("ExitCode", "exitcode"), &[], says);
    refused(message, &["--reactivate", "--yes"], says);
}

#[test]
fn f83_json_that_is_broken_nested_or_of_wrong_types() {
    let row = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\"}}");
    refused(
        format!("{row}\n{{\"AccessKeyId\":\n"),
        &[],
        &["line 2: EOF"],
    );
    refused(
        format!("{row}\n{{\"AccessKeyId\":7}}\n"),
        &[],
        &["line 2, column 17", "expected a string"],
    );
    refused(
        format!("{row}\n{{\"UserName\":\"Bob\"}}\n"),
        &[],
        &["line 2", "an object without AccessKeyId"],
    );
    refused(
        format!("{row}\n{{\"AccessKeyId\":\"short\"}}\n"),
        &[],
        &["line 2", "16 to 128"],
    );
    refused(
        format!("{row}\ntrue\n"),
        &[],
        &["line 2, column 4", "an object with AccessKeyId"],
    );
    refused("[".repeat(100_000), &[], &["line 1", "recursion limit"]);
    refused(
        format!("{row}\nAKIAAAAAAAAAAAAAAAAA\n"),
        &[],
        &["line 2, column 1"],
    );
    refused(
        format!("{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}}\n{row}\n"),
        &[],
        &[
            "line 1, column",
            "this is a journal, not a list of keys",
            "hint: pass it with --journal, together with its list\n",
        ],
    );
    // A string without an end is read up to one megabyte.
    let endless = format!("{row}\n{{\"Note\":\"{}", "x".repeat(40 << 20));
    refused(endless, &[], &["line 2", "longer than 1048576 bytes"]);
}

#[test]
fn f81_a_broken_line_far_down_deletes_nothing() {
    let (sandbox, _) = crowd(1);
    let mut list = String::from("AccessKeyId,UserName\n");
    for n in 0..1_000_000 {
        let id = if n == 500_000 {
            "AKIA?".to_owned()
        } else {
            format!("AKIAAAAAAAAAA{n:07}")
        };
        list.push_str(&id);
        list.push_str(",Bob\n");
    }
    let case = Case::at(&sandbox, ["--from"]);
    let path = case.path("list.csv");
    let _ = case
        .file("list.csv", &list)
        .args([path])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["list.csv, line 500002, column AccessKeyId: `AKIA?` is not an access key ID"])
        .ends_with("no key was changed")
        .within(SOON);
    assert_eq!(sandbox.connections(), 0);
}

/// If a deactivation does not find a key of the named user, the key may belong to another user.
#[test]
fn a_key_that_was_missing_when_it_was_to_be_deactivated_is_not_deleted() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let list = format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Bob\n");
    let missing = from_stdin(&sandbox, &list, &["--deactivate", "--ignore-missing"]).run();
    let missing = missing.exits(0);
    let results = missing.output().to_owned();
    let _ = missing
        .prints_outcomes(&[("Missing", 1)])
        .says(&["it could not be checked"]);
    sandbox.allow("iam:GetAccessKeyLastUsed");
    for more in [&[][..], &["--find-user"], &["--find-user", "--dry-run"]] {
        let deletion = from_stdin(&sandbox, &results, more).run();
        deletion.stops(2, &["was to be deactivated, but this command deletes"]);
    }
    assert!(sandbox.has_key(ALICE_KEY_ID));
    let again = from_stdin(&sandbox, &results, &["--deactivate", "--find-user"]).run();
    let again = again.exits(0).prints_outcomes(&[("Deactivated", 1)]);
    let _ = again.says(&["1 key: 1 deactivated"]);
}
