//! Lists as spreadsheets save them: empty rows, other names of columns, other encodings.

use crate::case::{BOBS_KEY, documented};
use crate::input::reads;
use crate::many::from_stdin;
use crate::masked::SECRET;
use iam_sandbox::documented::BOB_SECOND_KEY_ID;

/// A list that is refused with exactly this error and hint.
fn refused(list: impl AsRef<[u8]>, error: &str, hint: &str) {
    let sandbox = documented();
    let _ = crate::case::Case::at(&sandbox, ["--from", "-"])
        .input(list.as_ref())
        .run()
        .exits(2)
        .prints_nothing()
        .says_exactly(&format!(
            "iam-del-key: error: standard input, {error}\nhint: {hint}\nresult: no key was changed\n"
        ));
    assert_eq!(sandbox.connections(), 0, "{error}");
}

#[test]
fn c03_rows_of_empty_cells_are_skipped() {
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for list in [
        format!("AccessKeyId,UserName\n{first},Bob\n,\n{second},Bob\n,\n,\n"),
        format!("AccessKeyId;UserName;Outcome\r\n{first};Bob;\r\n;;\r\n{second};Bob;\r\n; ;\r\n"),
        format!(",,\n,,\nAccessKeyId,UserName,Note\n{first},Bob,\n\"\",\"\",\n{second},Bob,\n"),
        format!("AccessKeyId\tUserName\n{first}\tBob\n\t\n{second}\tBob\n\"\"\t\n"),
    ] {
        reads(list, &[]);
    }
    let sandbox = documented();
    let _ = from_stdin(&sandbox, "AccessKeyId,UserName\n,\n", &[])
        .run()
        .exits(0)
        .prints_nothing()
        .says_exactly("result: nothing to do: the list has no keys to change\n");
}

/// Such a line tells Excel the delimiter.
#[test]
fn a_first_line_that_names_the_delimiter_is_skipped() {
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for delimiter in [",", ";", "\t"] {
        let rows = ["AccessKeyId", "UserName", first, "Bob", second, "Bob"];
        let rows = rows.chunks(2).map(|row| row.join(delimiter));
        let rows: Vec<String> = rows.collect();
        reads(
            format!("\u{feff}sep={delimiter}\r\n{}\r\n", rows.join("\r\n")),
            &[],
        );
    }
    refused(
        "sep=|\n",
        "line 1, column 1: `sep=|` is not an access key ID: character 4 is `=` (U+003D); only A-Z, a-z, 0-9 and _ are allowed",
        "correct the line and run the same command again",
    );
}

#[test]
fn c03_a_row_without_an_id_and_with_another_cell_is_an_error() {
    for cells in [",Bob", "\"\",Bob", " , Bob"] {
        refused(
            format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{cells}\n,\n"),
            "line 3, column AccessKeyId: `` is not an access key ID: it is empty; give the ID of the key, such as AKIAIOSFODNN7EXAMPLE",
            "correct the line and run the same command again",
        );
    }
}

#[test]
fn c39_a_header_without_a_column_for_the_ids_is_named() {
    let hint = "name the columns in the first line: AccessKeyId for the key IDs, and UserName for their owners";
    for (list, columns) in [
        (
            format!("Owner,Key\nBob,{BOBS_KEY}\n"),
            "the columns are: Owner, Key",
        ),
        (
            format!("Owner;Key;\nBob;{BOBS_KEY};\n"),
            "the columns are: Owner, Key",
        ),
        (
            format!("Owner\tKey\nBob\t{BOBS_KEY}\n"),
            "the columns are: Owner, Key",
        ),
        (format!("Key,\n{BOBS_KEY},\n"), "the only column is Key"),
        (
            format!("a\u{1b}[31m,{SECRET},c,d,e,f,g,h\n{BOBS_KEY}\n"),
            "the columns are: a\\u{1b}[31m, (not shown), c, d, e, f, ...",
        ),
    ] {
        let error = format!("line 1, column 1: no AccessKeyId column; {columns}");
        refused(list, &error, hint);
    }
    refused(
        format!("{BOBS_KEY},Bob\n"),
        "line 1, column 1: several columns need a header that names them: AccessKeyId, and UserName for the owner",
        "correct the line and run the same command again",
    );
}

#[test]
fn c39_the_hint_for_a_list_that_is_not_utf_8_says_to_convert_it() {
    let latin_1 = [
        format!("AccessKeyId,UserName,Note\n{BOBS_KEY},Bob,M").as_bytes(),
        b"\xfcller\n,,M\xfcller\n",
    ]
    .concat();
    refused(
        latin_1,
        "line 2, column 28: this is not UTF-8",
        "save the list as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 (if that is its encoding)",
    );
    refused(
        b"\xff\xfeA\0",
        "line 1, column 1: this is UTF-16",
        "save the list as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8",
    );
    for mark in [b"\xff\xfe\0\0A\0\0\0", b"\0\0\xfe\xff\0\0\0A"] {
        refused(
            mark,
            "line 1, column 1: this is UTF-32",
            "save the list as UTF-8, or convert it: iconv -f UTF-32 -t UTF-8",
        );
    }
}

#[test]
fn f80_one_character_is_not_called_characters() {
    refused(
        "AccessKeyId\nA\n",
        "line 2, column AccessKeyId: `A` is not an access key ID: it has 1 character; an access key ID has 16 to 128",
        "correct the line and run the same command again",
    );
}

#[test]
fn a_column_of_invalid_user_names_may_be_meant_for_something_else() {
    for (column, other_cause) in [
        (
            "User",
            "\nhint: the column User is read as the owner; rename it if it is something else",
        ),
        ("User name", ""),
    ] {
        refused(
            format!("{column};Access key ID\nBob Smith;{BOBS_KEY}\n"),
            &format!(
                "line 2, column {column}: `Bob Smith` is not a user name: character 4 is ` ` (U+0020); only A-Z, \
                 a-z, 0-9 and _+=,.@- are allowed"
            ),
            &format!("correct the line and run the same command again{other_cause}"),
        );
    }
}
