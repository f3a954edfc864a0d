//! JSON lists whose strings or members are ambiguous.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::columns::{CORRECT, refused_with};
use crate::input::reads;

/// A user name that has the form of an ID.
const NAME: &str = "deployment_user_01";
const OBJECTS: &str = "use objects with AccessKeyId, and UserName for the owner (in a query for the AWS CLI: \
                       {AccessKeyId: AccessKeyId, UserName: UserName} instead of [AccessKeyId, UserName])";

#[test]
fn f83_strings_that_may_be_columns_are_refused() {
    let key = BOBS_KEY;
    let cases = [
        (format!("[[\"{key}\",\"{NAME}\"]]"), 1, 3),
        (
            format!("[\n  [\n    \"{key}\",\n    \"Bob\"\n  ]\n]\n"),
            3,
            5,
        ),
        (format!("[[\"{key}\"],[\"{BOB_SECOND_KEY_ID}\"]]"), 1, 3),
        (format!("[\n\"{key}\",\n\"{NAME}\"\n]\n"), 3, 1),
        (format!("[\n\"{NAME}\",\n\"{key}\"\n]\n"), 2, 1),
        (format!("[\"{key}\"]\n[\"{key}\",\"{NAME}\"]\n"), 2, 26),
        (
            format!("{{\"AccessKeyMetadata\":[\"{key}\",\"{NAME}\"]}}"),
            1,
            47,
        ),
    ];
    each(cases, |(list, line, column)| {
        let error = format!(
            ", line {line}, column {column}: it is unclear which of these strings are access key IDs"
        );
        refused_with(&list, &["--user-name", "Bob"], &error, OBJECTS);
    });
    // A list of objects may be inside another list, and a single ID can have any form.
    let object = |id: &str| format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":\"Bob\"}}");
    let lists = [BOBS_KEY, BOB_SECOND_KEY_ID].map(|id| format!("[{}]", object(id)));
    reads(format!("[{}]", lists.join(",")), &[]);
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--from", "-", "--user-name", "Bob"]);
    let _ = case
        .input(format!("[\"{NAME}\"]").as_bytes())
        .run()
        .exits(3)
        .prints_anything()
        .says(&["The Access Key with id deployment_user_01 cannot be found"]);
}

#[test]
fn f83_a_key_that_would_not_be_read_is_an_error() {
    let key = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\"}}");
    let other = format!("\"AccessKeyId\":\"{ALICE_KEY_ID}\",\"UserName\":\"Alice\"");
    let cases = [
        (
            format!("{{\"AccessKeyMetadata\":[{key}],\n\"More\":[1,\n{{{other}}}]}}"),
            "More",
            (3, 2),
        ),
        (format!("{{{other},\n\"Key\":{key}}}"), "Key", (2, 8)),
        (
            format!("{{{other},\"a\":{{\"b\":[null,{{\"access_key_id\":7}}]}}}}"),
            "a",
            (1, 74),
        ),
        (
            format!("{key}\n{{{other},\"Error\":{{\"KeyId\":\"x\"}}}}\n"),
            "Error",
            (2, 67),
        ),
        (format!("{{\"Keys\":[{key}]}}"), "Keys", (1, 11)),
    ];
    each(cases, |(list, member, (line, column))| {
        let error =
            format!(", line {line}, column {column}: a key inside `{member}` would be ignored");
        let hint = "put all keys in one list of objects with AccessKeyId and UserName";
        refused_with(&list, &[], &error, hint);
    });
}

#[test]
fn f80_json_members_can_have_the_names_of_csv_columns() {
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for [id, owner] in [
        ["AccessKeyId", "User"],
        ["KeyId", "Owner"],
        ["access_key_id", "userName"],
    ] {
        let row = |key: &str| format!("{{\"{id}\":\"{key}\",\"{owner}\":\"Bob\"}}");
        reads(format!("[{},{}]", row(first), row(second)), &[]);
    }
}

#[test]
fn f83_an_error_names_the_line_of_the_broken_record() {
    let row = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\"}}\n");
    let cases = [
        (
            "{\"AccessKeyId\":\"AKI\n",
            "2: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        (
            "{\"AccessKeyId\":\n",
            "3, column 1: invalid type: map, expected a string, in the value that starts on line 2",
        ),
        (
            "{\"AccessKeyId\":\"AKIAAAAAAAAAAAAAAAAA\",\n",
            "3, column 1: key must be a string, in the value that starts on line 2",
        ),
        ("{\"Note\":?}\n", "2, column 9: expected value"),
    ];
    each(cases, |(broken, error)| {
        refused_with(
            &format!("{row}{broken}{row}"),
            &[],
            &format!(", line {error}"),
            CORRECT,
        );
    });
}
