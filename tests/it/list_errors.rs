//! Several errors in a list are reported at once, before any request is sent.

use std::time::Duration;

use iam_sandbox::documented::ALICE_KEY_ID;
use serde_json::json;

use crate::case::{BOBS_KEY, Case, documented};
use crate::low_resources::stand_in;
use crate::many::from_stdin;

const SOON: Duration = Duration::from_mins(1);
const CORRECT: &str = "hint: correct the lines and run the same command again\n\
     result: no key was changed\n";
const TOO_SHORT: &str =
    "is not an access key ID: it has 5 characters; an access key ID has 16 to 128\n";

/// Standard error for a list with errors.
fn refused(list: impl AsRef<str>, more: &[&str], says: &str) {
    let sandbox = documented();
    let _ = from_stdin(&sandbox, list.as_ref(), more)
        .run()
        .exits(2)
        .prints_nothing()
        .says_exactly(says);
    assert_eq!(sandbox.connections(), 0, "{says}");
}

#[test]
fn f80_each_wrong_row_of_a_csv_is_named_with_its_column() {
    let list = format!(
        "Who,Access key ID,Owner\n1,{BOBS_KEY},Bo b\n2,short,Alice\n3,{BOBS_KEY},Bob\n4,{ALICE_KEY_ID},\n\
         5\n6,{ALICE_KEY_ID},Alice,x\n7,\"{ALICE_KEY_ID},Alice\n"
    );
    let says = format!(
        "iam-del-key: error: standard input has 6 errors\n  \
           line 2, column Owner: `Bo b` is not a user name: character 3 is ` ` (U+0020); only A-Z, a-z, 0-9 and \
         _+=,.@- are allowed\n  \
           line 3, column Access key ID: `short` {TOO_SHORT}  \
           line 5, column Owner: {ALICE_KEY_ID} has no owner here, but the list has an owner column: fill it in, or \
         add --user-name or --find-user\n  \
           line 6 has 1 field, but the header has 3\n  \
           line 7 has 4 fields, but the header has 3\n  \
           line 8, column 3: a quoted field is not closed on its line\n\
         hint: correct the lines and run the same command again\n\
         hint: the column Owner is read as the owner; rename it if it is something else\n\
         result: no key was changed\n"
    );
    refused(list, &[], &says);
}

#[test]
fn f80_each_wrong_id_of_a_list_is_named() {
    let says = format!(
        "iam-del-key: error: standard input has 2 errors\n  \
           line 2, column 3: `short` {TOO_SHORT}  \
           line 4, column 1: `wrong` {TOO_SHORT}{CORRECT}"
    );
    refused(
        format!("{BOBS_KEY}\n  short\n{ALICE_KEY_ID}\nwrong\n"),
        &[],
        &says,
    );
}

#[test]
fn f83_each_wrong_object_of_json_is_named() {
    let row = |id: &str, more: &str| format!("{{\"AccessKeyId\":\"{id}\"{more}}}\n");
    let list = [
        row("short", ""),
        row(BOBS_KEY, ",\"UserName\":\"B b\""),
        "{\"UserName\":\"Bob\"}\n".to_owned(),
        row(BOBS_KEY, ",\"accesskeyid\":\"x\""),
        row(BOBS_KEY, ",\"Outcome\":\"Perhaps\""),
        row(BOBS_KEY, ",\"UserName\":\"Bob\""),
        "{\"AccessKeyMetadata\":[\"wrong\"]}\n".to_owned(),
        row(BOBS_KEY, ""),
        "{".to_owned(),
    ];
    let says = format!(
        "iam-del-key: error: standard input has 7 errors\n  \
           line 1, column 16: `short` {TOO_SHORT}  \
           line 2, column 51: `B b` is not a user name: character 2 is ` ` (U+0020); only A-Z, a-z, 0-9 and \
         _+=,.@- are allowed\n  \
           line 3, column 1: an object without AccessKeyId\n  \
           line 4, column 40: two members have the same meaning: `AccessKeyId` and `accesskeyid`\n  \
           line 5, column 1: unknown Outcome `Perhaps`\n  \
           line 7, column 23: `wrong` {TOO_SHORT}  \
           line 9, column 1: EOF while parsing an object\n{CORRECT}"
    );
    refused(list.concat(), &[], &says);
}

/// In the output of `jq`, an object starts on one line and ends on another.
#[test]
fn a_wrong_object_that_spans_lines_is_named_by_its_first_line() {
    let of_bob = format!("\"AccessKeyId\": \"{BOBS_KEY}\",\n    \"UserName\":");
    let list = format!(
        "[\n  {{\n    {of_bob} \"Bob\",\n    \"Outcome\": \"Perhaps\"\n  }},\n  {{\n    \"UserName\": \"Bob\"\n  }},\n  {{\n    {of_bob} \"B b\"\n  }}\n]\n"
    );
    let says = format!(
        "iam-del-key: error: standard input has 3 errors\n  \
           line 2, column 3: unknown Outcome `Perhaps`\n  \
           line 7, column 3: an object without AccessKeyId\n  \
           line 12, column 17: `B b` is not a user name: character 2 is ` ` (U+0020); only A-Z, a-z, 0-9 and \
         _+=,.@- are allowed\n{CORRECT}"
    );
    refused(list, &[], &says);
    let twice = |owner: &str| format!("  {{\n    {of_bob} \"{owner}\"\n  }}");
    let says = format!(
        "iam-del-key: error: standard input, line 6, column 3: {BOBS_KEY} has the owner Alice here, but the owner Bob in \
         line 2: a key has only one owner\n\
         hint: correct the line and run the same command again\n\
         result: no key was changed\n"
    );
    let list = format!("[\n{},\n{}\n]\n", twice("Bob"), twice("Alice"));
    refused(list, &[], &says);
}

#[test]
fn f80_ten_errors_are_shown_and_the_others_are_counted() {
    let line = |n: usize| format!("  line {n}, column 1: `wrong` {TOO_SHORT}");
    let first: String = (1..=10).map(line).collect();
    for (errors, count, more) in [
        (10, "10", ""),
        (11, "11", "  and 1 more\n"),
        (999, "999", "  and 989 more\n"),
        (1000, "at least 1000", "  and at least 990 more\n"),
        (5000, "at least 1000", "  and at least 990 more\n"),
    ] {
        let says = format!(
            "iam-del-key: error: standard input has {count} errors\n{first}{more}{CORRECT}"
        );
        refused("wrong\n".repeat(errors), &[], &says);
    }
}

#[test]
fn f87_an_endless_list_of_errors_is_read_up_to_the_thousandth() {
    let sandbox = documented();
    let script = "yes wrong | \"$0\" \"$@\"";
    let _ = Case::at(&sandbox, ["--from", "-"])
        .start_under(Some(&["sh", "-c", script]))
        .end()
        .exits(2)
        .prints_nothing()
        .says(&["standard input has at least 1000 errors\n"])
        .ends_with("no key was changed")
        .within(SOON);
    assert_eq!(sandbox.connections(), 0);
}

/// An error about the whole list is the last error.
#[test]
fn f80_an_error_about_the_whole_list_ends_the_reading() {
    let list = "{\"AccessKeyId\":\"short\"}\n{\"Journal\":1,\"Action\":\"delete\"}\n[\n";
    let says = format!(
        "iam-del-key: error: standard input has 2 errors\n  \
           line 1, column 16: `short` {TOO_SHORT}  \
           line 2, column 1: this is a journal, not a list of keys\n\
         hint: pass it with --journal, together with its list\n{CORRECT}"
    );
    refused(list, &[], &says);
}

#[test]
fn errors_for_programs_have_the_rows_as_details() {
    let sandbox = documented();
    let said = from_stdin(&sandbox, "wrong\nshort\n", &["--error-format", "json"])
        .run()
        .exits(2)
        .prints_nothing();
    let object: serde_json::Value = serde_json::from_str(said.messages()).expect("one object");
    let detail =
        |line: usize, id: &str| format!("line {line}, column 1: `{id}` {}", TOO_SHORT.trim_end());
    assert_eq!(object["Message"], "standard input has 2 errors");
    assert_eq!(
        object["Details"],
        json!([detail(1, "wrong"), detail(2, "short")])
    );
    let all = said.messages().to_owned();
    let _ = said.says_exactly(&all);
}

/// The output of `aws iam list-access-keys` with a continuation token is a list, but an incomplete one.
#[test]
fn f80_a_list_with_another_page_is_used_with_a_warning() {
    let page = |more: &str| {
        format!(
            "{{\n\"AccessKeyMetadata\": [{{\"UserName\": \"Bob\", \"AccessKeyId\": \"{BOBS_KEY}\"}}]{more}\n}}\n"
        )
    };
    let whole = page(", \"IsTruncated\": false, \"NextToken\": null");
    let warning = |line: u64| {
        format!(
            "iam-del-key: warning: standard input, line {line}: this page of a list is not the last one; keys are missing \
             unless the list has the other pages too (to list all keys, omit --max-items and --no-paginate)\n"
        )
    };
    let repeated = "iam-del-key: note: 1 repeated key was ignored\n";
    for (list, says) in [
        (page(""), String::new()),
        (whole.clone(), String::new()),
        (
            page(", \"IsTruncated\": true, \"Marker\": \"m\""),
            warning(1),
        ),
        (
            page(",\n\"NextToken\": \"eyJNYXJrZXIiOiBudWxsfQ==\""),
            warning(1),
        ),
        (
            whole + &page(", \"IsTruncated\": true"),
            warning(4) + repeated,
        ),
    ] {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, &list, &[]).run().exits(0);
        let _ = printed
            .prints_outcomes(&[("Deleted", 1)])
            .says_exactly(&format!("{says}result: 1 key: 1 deleted\n"));
    }
}

/// A key has one owner, whatever the format of the list. Lines that need no action do not count, since an earlier run may have
/// had the wrong owner.
#[test]
fn f80_a_key_with_two_owners_is_an_error_in_every_format() {
    let json = |owner: &str, more: &str| {
        format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"{owner}\"{more}}}")
    };
    let [bob, alice] = ["Bob", "Alice"].map(|owner| json(owner, ""));
    let failed = json("Bob", ",\"Outcome\":\"Failed\"");
    let planned = json(
        "Alice",
        ",\"Outcome\":\"WouldDelete\",\"Action\":\"delete\"",
    );
    for (list, lines) in [
        (
            format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOBS_KEY},Alice\n"),
            (2, 3),
        ),
        (
            format!("KeyId\tOwner\n{BOBS_KEY}\tBob\n{BOBS_KEY}\tAlice\n"),
            (2, 3),
        ),
        (
            format!(
                "AccessKeyId,UserName,Outcome\n{BOBS_KEY},Bob,Failed\n{BOBS_KEY},Alice,NotTried\n"
            ),
            (2, 3),
        ),
        (format!("{bob}\n{alice}\n"), (1, 2)),
        (format!("[{bob},\n{alice}]\n"), (1, 2)),
        (
            format!("{{\"AccessKeyMetadata\":[{bob},\n{alice}]}}\n"),
            (1, 2),
        ),
        (format!("{failed}\n\n{planned}\n"), (1, 3)),
    ] {
        let (first, second) = lines;
        let says = format!(
            "iam-del-key: error: standard input, line {second}, column 1: {BOBS_KEY} has the owner Alice here, but the \
             owner Bob in line {first}: a key has only one owner\n\
             hint: correct the line and run the same command again\n\
             result: no key was changed\n"
        );
        refused(list, &[], &says);
    }
    let skipped = json("Alice", ",\"Outcome\":\"Skipped\"");
    for list in [
        format!("{skipped}\n{bob}\n"),
        format!("AccessKeyId,UserName,Outcome\n{BOBS_KEY},Alice,Skipped\n{BOBS_KEY},Bob,\n"),
    ] {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, &list, &[]).run().exits(0);
        let _ = printed.prints_outcomes(&[("Deleted", 1)]).says_exactly(
            "iam-del-key: note: 1 line was skipped: a later line of its key counts\nresult: 1 key: 1 deleted\n",
        );
    }
}

/// No option names the owner here.
#[test]
fn f80_the_error_for_an_empty_owner_does_not_say_to_omit_an_option() {
    refused(
        json!({ "AccessKeyId": BOBS_KEY, "UserName": "" }).to_string(),
        &[],
        "iam-del-key: error: standard input, line 1, column 51: `` is not a user name: it is empty; name the owner, or leave it \
         out to use the calling user\n\
         hint: correct the line and run the same command again\n\
         result: no key was changed\n",
    );
}

/// The list is opened when the process cannot open more files.
const TOO_MANY_FILES: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if (strstr(path, "keys.list")) { errno = EMFILE; return -1; }
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
"#;

/// Neither a line of the list nor its path is wrong.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_list_that_the_system_cannot_read_gets_no_hint_to_correct_it() {
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--from", "-", "--user-name", "Bob"]);
    let wrapper = ["sh", "-c", "exec \"$0\" \"$@\" 0> /dev/null"];
    case.start_under(Some(&wrapper)).end().stops_exactly(
        2,
        "iam-del-key: error: cannot read standard input: Bad file descriptor (os error 9)\n\
         result: no key was changed\n",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), TOO_MANY_FILES);
    let case = Case::at(&sandbox, ["--from", "keys.list", "--user-name", "Bob"]);
    let case = case.file("keys.list", BOBS_KEY).env("LD_PRELOAD", library);
    case.run().stops_exactly(
        2,
        "iam-del-key: error: cannot read keys.list: Too many open files (os error 24)\n\
         hint: this shell allows too few open files: raise their number with `ulimit -n 1024`\n\
         result: no key was changed\n",
    );
    assert_eq!(sandbox.connections(), 0);
}
