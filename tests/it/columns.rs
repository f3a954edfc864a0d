//! Lists whose columns or members are ambiguous: the run refuses them, with the position, before it sends a request. And IDs
//! that are separated by whitespace.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::input::reads;
use crate::many::from_stdin;
use crate::masked::SECRET;
use crate::refused_list::refused;

pub(crate) const CORRECT: &str = "correct the line and run the same command again";
const PRINTED: &str =
    "hint: for a list printed by the AWS CLI or iam-del-key, use --output json\nresult: ";

/// A list that is refused with exactly this error and hint.
pub(crate) fn refused_with(list: &str, more: &[&str], error: &str, hint: &str) {
    let sandbox = documented();
    let case = from_stdin(&sandbox, list, more);
    case.run().stops_exactly(
        2,
        &format!(
            "iam-del-key: error: standard input{error}\nhint: {hint}\nresult: no key was changed\n"
        ),
    );
    assert_eq!(sandbox.connections(), 0, "{list}");
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn c03_a_row_with_more_fields_than_the_header_is_an_error() {
    for (list, error) in [
        (
            format!("AccessKeyId,UserName\n{BOBS_KEY},Alice,Bob\n"),
            ", line 2 has 3 fields, but the header has 2",
        ),
        (
            format!("AccessKeyId\n{BOBS_KEY},Bob\n"),
            ", line 2 has 2 fields, but the header has 1",
        ),
        (
            format!("AccessKeyId;UserName\n{BOBS_KEY};Bob\n{ALICE_KEY_ID};;Alice;;\n"),
            ", line 3 has 3 fields, but the header has 2",
        ),
        (
            format!("AccessKeyId\tUserName\n\n{BOBS_KEY}\tBob\tx\n"),
            ", line 3 has 3 fields, but the header has 2",
        ),
        (
            format!("UserName,Note,AccessKeyId\nBob,\"a, b\",{BOBS_KEY},\"x, y\"\n"),
            ", line 2 has 4 fields, but the header has 3",
        ),
        (
            format!("UserName,AccessKeyId,Outcome\nBob,{BOBS_KEY},,Skipped\n"),
            ", line 2 has 4 fields, but the header has 3",
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
            ", line 3 has 2 fields, but the header has 3",
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
    let hint = "to find the unused keys of the account, use --whole-account --unused-for AGE (such as 90d) and --dry-run instead of --from";
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
            "line 1, column 1",
        ),
    ] {
        refused_with(&list, &[], &format!(", {place}: {error}"), hint);
    }
}

#[test]
fn c39_ids_are_separated_by_whitespace_and_comments_are_skipped() {
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
    each(["", "# nothing", "\n \t\n# nothing\n"], |list| {
        let sandbox = documented();
        from_stdin(&sandbox, list, &[])
            .run()
            .stops_exactly(0, "result: nothing to do: the list has no keys to change\n");
    });
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
    // A value in the form of an ID is still checked as an ID.
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
fn c39_a_table_is_not_taken_for_a_list_of_ids() {
    for args in [&["--dry-run"][..], &["--dry-run", "--older-than", "1d"]] {
        let sandbox = documented();
        let case = Case::documented(&sandbox, args).args(["--output", "table"]);
        let printed = case.run().exits(0);
        let table = printed.output().to_owned();
        let _ = printed.prints(&table).says(&["not deleted"]);
        // Without an account, there are fewer lines above the columns.
        let (account, columns) = table.split_once('\n').expect("two lines");
        let conditions = account.split_once(", ").map(|(_, rest)| rest);
        let without = conditions.map(|rest| format!("conditions: {rest}\n{columns}"));
        let without_account = [columns.to_owned()].into_iter().chain(without);
        for list in without_account.chain([table.clone()]) {
            let says = ["line 1, column 1: several columns need a header", PRINTED];
            refused(list, &[], &says);
        }
    }
}
