//! Lists whose columns or members do not say one thing for sure: refused with the place before any request is sent. And
//! IDs that are separated by whitespace.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, Case, documented};
use crate::input::{reads, refused};
use crate::many::from_stdin;
use crate::masked::SECRET;

const CORRECT: &str = "correct the line and run the same command again";

/// A list that is refused with exactly this error and hint.
fn refused_with(list: &str, more: &[&str], error: &str, hint: &str) {
    let sandbox = documented();
    let case = from_stdin(&sandbox, list, more);
    let _ = case.run().exits(2).prints_nothing().says_exactly(&format!(
        "iam-del-key: error: standard input{error}\nhint: {hint}\nresult: no key was changed\n"
    ));
    assert_eq!(sandbox.connections(), 0, "{list}");
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn c03_a_row_with_more_fields_than_the_header_is_an_error() {
    for (list, error) in [
        (
            format!("AccessKeyId,UserName\n{BOBS_KEY},Alice,Bob\n"),
            ", line 2 has 3 fields, the header has 2",
        ),
        (
            format!("AccessKeyId\n{BOBS_KEY},Bob\n"),
            ", line 2 has 2 fields, the header has 1",
        ),
        (
            format!("AccessKeyId;UserName\n{BOBS_KEY};Bob\n{ALICE_KEY_ID};;Alice;;\n"),
            ", line 3 has 3 fields, the header has 2",
        ),
        (
            format!("AccessKeyId\tUserName\n\n{BOBS_KEY}\tBob\tx\n"),
            ", line 3 has 3 fields, the header has 2",
        ),
        (
            format!("UserName,Note,AccessKeyId\nBob,\"a, b\",{BOBS_KEY},\"x, y\"\n"),
            ", line 2 has 4 fields, the header has 3",
        ),
        (
            format!("UserName,AccessKeyId,Outcome\nBob,{BOBS_KEY},,Skipped\n"),
            ", line 2 has 4 fields, the header has 3",
        ),
    ] {
        for more in [
            &["--ignore-missing"][..],
            &["--find-user"],
            &["--deactivate"],
        ] {
            refused_with(&list, more, error, CORRECT);
        }
    }
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for list in [
        format!("AccessKeyId,UserName\n{first},Bob,\n{second},Bob,, \n"),
        format!(",AccessKeyId,UserName\n0,{first},Bob\n1,{second},Bob\n"),
        format!("AccessKeyId,UserName,Note,Other\n{first},Bob\n{second},Bob,x\n"),
    ] {
        reads(list, &[]);
    }
}

#[test]
fn c03_a_row_that_ends_before_its_outcome_is_an_error() {
    for column in ["Outcome", "Action"] {
        refused_with(
            &format!("AccessKeyId,UserName,{column}\n{ALICE_KEY_ID},Alice,\n{BOBS_KEY},Bob\n"),
            &[],
            ", line 3 has 2 fields, the header has 3",
            CORRECT,
        );
    }
}

#[test]
fn c03_a_quote_does_not_hide_a_field_or_a_line() {
    for (list, error) in [
        (
            "AccessKeyId,UserName\n\"AKIDPMS9RO4\"H3FEXAMPLE,Bob\n".to_owned(),
            ", line 2, column 14: text follows a closing quote",
        ),
        (
            format!("AccessKeyId,UserName\n{BOBS_KEY},\"Bo\"b\n"),
            ", line 2, column 27: text follows a closing quote",
        ),
    ] {
        refused_with(&list, &[], error, CORRECT);
    }
    let two_lines = format!("AccessKeyId,UserName\n\"{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\"\n");
    let errors = " has 2 errors\n  \
                  line 2, column 1: a quoted field is not closed on its line\n  \
                  line 3, column 27: a quoted field is not closed on its line";
    refused_with(&two_lines, &[], errors, &CORRECT.replace("line", "lines"));
}

#[test]
fn c38_a_credential_report_is_recognized() {
    let head = "user,arn,user_creation_time,password_enabled,access_key_1_active,access_key_1_last_rotated";
    let row = "Bob,arn:aws:iam::123456789012:user/Bob,2026-01-01T00:00:00+00:00,false,true,N/A";
    let error = "this is a credential report, which has no access key IDs";
    let hint = "to find the unused keys of the account: iam-del-key --whole-account --unused-for 90d --dry-run";
    for (list, place) in [
        (format!("{head}\n{row}\n"), "line 1, column 1"),
        (format!("\u{feff}# saved\r\n{head}\r\n{row}\r\n"), "line 2, column 1"),
        (
            "user,arn,access_key_1_active\n".to_owned(),
            "line 1, column 1",
        ),
        (
            "\"User\";\"ARN\";\"User_Creation_Time\"\n".to_owned(),
            "line 1, column 1",
        ),
        (
            "{\n  \"Content\": \"dXNlcixhcm4=\",\n  \"ReportFormat\": \"text/csv\",\n  \"GeneratedTime\": \"2026-01-01\"\n}\n"
                .to_owned(),
            "line 5, column 1",
        ),
    ] {
        refused_with(&list, &[], &format!(", {place}: {error}"), hint);
    }
}

#[test]
fn c39_ids_are_separated_by_white_space_and_comments_are_skipped() {
    let bob = &["--user-name", "Bob"][..];
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for list in [
        format!("{first}\t{second}\n"),
        format!("{first} {second}"),
        format!("  {first} \t {second}  \r\n"),
        format!("{first}\t{second}\n{first}\n"),
        format!("{first} # Bob, old\n{second}\t#Bob; new \"one\n"),
        format!("{first} {second} # {ALICE_KEY_ID}\n"),
        format!("# {ALICE_KEY_ID}\n  # {ALICE_KEY_ID}\n{first}\n{second} #\n"),
    ] {
        reads(list, bob);
    }
    let header =
        format!("AccessKeyId,UserName # a note, with \"quotes\"\n{first},Bob\n{second},Bob\n");
    reads(header, &[]);
    for list in ["", "# nothing", "\n \t\n# nothing\n"] {
        let sandbox = documented();
        let _ = from_stdin(&sandbox, list, &[])
            .run()
            .exits(0)
            .prints_nothing()
            .says_exactly("result: nothing to do: the list has no keys to change\n");
    }
}

#[test]
fn c39_several_columns_without_a_header_are_an_error() {
    let needs =
        "several columns need a header that names them: AccessKeyId, and UserName for the owner";
    let json = "for a list printed by the AWS CLI or iam-del-key, use --output json";
    for (list, column, hint) in [
        (format!("{BOBS_KEY} deployment_user_01\n"), 23, CORRECT),
        (format!("{BOBS_KEY} AKbob\n"), 23, CORRECT),
        (format!("{BOBS_KEY} Bob # old\n"), 23, CORRECT),
        (format!("deployment_user_01 {BOBS_KEY}\n"), 1, CORRECT),
        (format!("- {BOBS_KEY}\n"), 1, CORRECT),
        (
            format!("{BOBS_KEY}  {}\n", BOBS_KEY.to_lowercase()),
            24,
            CORRECT,
        ),
        // `aws iam list-access-keys --output text`
        (
            format!("ACCESSKEYMETADATA\t{BOBS_KEY}\t2026-01-01T00:00:00Z\tActive\tBob\n"),
            1,
            json,
        ),
        // `iam-del-key --dry-run --output text`
        (
            format!("{BOBS_KEY}\tBob\tWouldDelete\t\tActive\t2026-01-01T00:00:00Z\t\t\t\t\t\n"),
            23,
            json,
        ),
        (format!("{BOBS_KEY}\tNone\n"), 23, CORRECT),
        (format!("{BOBS_KEY}\t{SECRET}\n"), 23, CORRECT),
    ] {
        refused_with(
            &list,
            &[],
            &format!(", line 1, column {column}: {needs}"),
            hint,
        );
        let later = format!("{BOB_SECOND_KEY_ID}\n{list}");
        refused_with(
            &later,
            &[],
            &format!(", line 2, column {column}: {needs}"),
            hint,
        );
    }
    // What has the form of an ID is still checked as one.
    refused(
        format!("{BOBS_KEY} AKIA\n"),
        &[],
        &["line 1, column 23: `AKIA` is not an access key ID: it has 4 characters"],
    );
}

#[test]
fn c39_the_text_output_of_a_dry_run_is_not_taken_for_a_list_of_ids() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name",
        "Bob",
        "--dry-run",
        "--output",
        "text",
    ];
    let printed = Case::at(&sandbox, args).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["not deleted"]);
    refused(
        output,
        &[],
        &["several columns need a header", "--output json"],
    );
}

#[test]
fn c60_an_action_that_there_is_not_is_an_error() {
    for action in ["Deactivate", "DEACTIVATE", "keep", "Delete", " delete", ""] {
        let json = format!(
            "{{\"AccessKeyId\":\"{ALICE_KEY_ID}\",\"UserName\":\"Alice\"}}\n\
             {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Action\":\"{action}\"}}\n"
        );
        let error = format!(
            ", line 2, column 1: unknown Action `{action}`: it must be delete, deactivate or reactivate"
        );
        for more in [&[][..], &["--deactivate"], &["--dry-run"]] {
            refused_with(&json, more, &error, CORRECT);
        }
        if action.trim() == action && !action.is_empty() {
            let csv = format!("AccessKeyId,UserName,Action\n{BOBS_KEY},Bob,{action}\n");
            refused_with(&csv, &[], &error, CORRECT);
        }
    }
    // It is checked although the outcome says that nothing is to be done.
    refused_with(
        &format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Skipped\",\"Action\":\"keep\"}}\n"
        ),
        &[],
        ", line 1, column 1: unknown Action `keep`: it must be delete, deactivate or reactivate",
        CORRECT,
    );
    for outcome in ["deleted", "SKIPPED", ""] {
        refused_with(
            &format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"{outcome}\"}}\n"),
            &[],
            &format!(", line 1, column 1: unknown Outcome `{outcome}`"),
            CORRECT,
        );
    }
}

#[test]
fn c60_a_member_that_appears_twice_is_an_error() {
    let object =
        |more: &str| format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",{more}}}");
    for (member, value) in [
        ("AccessKeyId", format!("\"{ALICE_KEY_ID}\"")),
        ("UserName", "\"Alice\"".to_owned()),
        ("UserName", "null".to_owned()),
    ] {
        let list = format!("\n{}\n", object(&format!("\"{member}\":{value}")));
        refused(
            list,
            &[],
            &[
                "line 2, column",
                &format!(": an object has `{member}` twice"),
            ],
        );
    }
    for member in ["Outcome", "Action"] {
        let list = object(&format!("\"{member}\":\"delete\",\"{member}\":null"));
        refused(
            list,
            &[],
            &[
                "line 1, column",
                &format!(": an object has `{member}` twice"),
            ],
        );
    }
    refused(
        "{\"AccessKeyMetadata\":[],\"AccessKeyMetadata\":[]}",
        &[],
        &[
            "line 1, column",
            ": an object has `AccessKeyMetadata` twice",
        ],
    );
    for (given, member) in [
        ("username", "UserName"),
        ("userName", "UserName"),
        ("user_name", "UserName"),
        ("ACCESSKEYID", "AccessKeyId"),
        ("Access key ID", "AccessKeyId"),
        ("outcome", "Outcome"),
        ("ACTION", "Action"),
    ] {
        let says = format!(": a member is `{given}`: its name is `{member}`");
        let places = &["line 1, column", &says][..];
        refused(object(&format!("\"{given}\":\"Alice\"")), &[], places);
        let alone = format!("[{{\"{given}\":\"Alice\",\"AccessKeyId\":\"{BOBS_KEY}\"}}]");
        refused(alone, &[], places);
    }
    for members in [
        format!("\"UserName\":\"Bob\",\"AccessKeyMetadata\":[{{\"AccessKeyId\":\"{BOBS_KEY}\"}}]"),
        format!(
            "\"AccessKeyId\":\"{BOBS_KEY}\",\"AccessKey\":{{\"AccessKeyId\":\"{ALICE_KEY_ID}\"}}"
        ),
        "\"AccessKeyMetadata\":[],\"Outcome\":\"Skipped\"".to_owned(),
    ] {
        let says = ": an object has a list of keys and members of a single key";
        refused(format!("{{{members}}}"), &[], &["line 1, column", says]);
    }
    // The members of other objects are not ours.
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    let other = "\"Error\":{\"Code\":\"a\",\"username\":1,\"UserName\":2,\"UserName\":3},\"Note\":1,\"Note\":2";
    reads(
        format!(
            "{{\"AccessKeyId\":\"{first}\",\"UserName\":\"Bob\",{other}}}\n{{\"AccessKeyId\":\"{second}\",\"UserName\":\"Bob\"}}"
        ),
        &[],
    );
}

#[test]
fn c60_two_columns_for_one_thing_are_an_error() {
    for (head, names) in [
        ("AccessKeyId,AccessKeyId", "`AccessKeyId` and `AccessKeyId`"),
        (
            "AccessKeyId,UserName,Access key ID",
            "`AccessKeyId` and `Access key ID`",
        ),
        (
            "access_key_id;ACCESSKEYID",
            "`access_key_id` and `ACCESSKEYID`",
        ),
        ("KeyId\tAccessKeyId", "`KeyId` and `AccessKeyId`"),
        ("AccessKeyId,User,UserName", "`User` and `UserName`"),
        (
            "UserName,AccessKeyId,user name",
            "`UserName` and `user name`",
        ),
        ("AccessKeyId,Outcome,outcome", "`Outcome` and `outcome`"),
        ("AccessKeyId,Action,ACTION", "`Action` and `ACTION`"),
    ] {
        refused_with(
            &format!("{head}\n{BOBS_KEY}\n"),
            &["--user-name", "Bob"],
            &format!(", line 1, column 1: two columns have the same meaning: {names}"),
            CORRECT,
        );
    }
}

#[test]
fn c60_a_member_of_cli_input_json_that_appears_twice_is_an_error() {
    for (json, says) in [
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"AccessKeyId\":\"{ALICE_KEY_ID}\"}}"),
            "duplicate field `AccessKeyId`",
        ),
        (
            format!("{{\"UserName\":\"Bob\",\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":null}}"),
            "duplicate field `UserName`",
        ),
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"username\":\"Bob\"}}"),
            "unknown field `username`",
        ),
        (
            format!("{{\"AccessKeyId\":[\"{BOBS_KEY}\"]}}"),
            "AccessKeyId is not a string",
        ),
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":7}}"),
            "UserName is not a string",
        ),
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\"}} {{}}"),
            "trailing characters",
        ),
        (
            "{\"AccessKeyId\":null}".to_owned(),
            "AccessKeyId is not a string",
        ),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--cli-input-json", &json]);
        let _ = case
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["--cli-input-json", says]);
        assert_eq!(sandbox.connections(), 0, "{json}");
    }
}
