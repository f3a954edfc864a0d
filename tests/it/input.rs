//! Lists of keys: every form that is read, and everything that is wrong with one, found before any request is sent.

use std::time::Duration;

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, CANARIES, Case, actions, documented};
use crate::dialogue::Dialogue;
use crate::many::{crowd, outcomes};

const SOON: Duration = Duration::from_mins(1);

/// A list of Bob's two keys that is read as such.
pub(crate) fn reads(list: impl AsRef<[u8]>, more: &[&str]) {
    let list = list.as_ref();
    let shown = String::from_utf8_lossy(list).into_owned();
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--from", "-"])
        .args(more.iter().copied())
        .input(list);
    let printed = case.run().exits(0);
    assert_eq!(
        outcomes(printed.output()),
        [("Deleted".to_owned(), 2)],
        "{shown}"
    );
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["result: "])
        .ends_with("2 keys: 2 deleted");
    assert!(
        !sandbox.has_key(BOBS_KEY) && !sandbox.has_key(BOB_SECOND_KEY_ID),
        "{shown}"
    );
    assert_eq!(
        actions(&sandbox),
        ["DeleteAccessKey", "DeleteAccessKey"],
        "{shown}"
    );
}

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
fn f80_plain_ids() {
    let bob = &["--user-name", "Bob"][..];
    let two = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for list in [
        two.join("\n"),
        format!("{}\n", two.join("\n")),
        format!("{}\r\n", two.join("\r\n")),
        format!("\u{feff}{}", two.join("\n")),
        format!(
            "# from the auditor\n\n  {}\t\n\n#{ALICE_KEY_ID}\n{}\n   \n",
            two[0], two[1]
        ),
        format!("{}\n{}\n{}\n", two[0], two[1], two[0]),
    ] {
        reads(list, bob);
    }
}

#[test]
fn f80_csv_by_the_names_of_its_columns() {
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    for list in [
        format!("AccessKeyId,UserName\n{first},Bob\n{second},Bob\n"),
        format!(
            "\u{feff}UserName,Note,AccessKeyId\r\nBob,\"old, very\",{first}\r\nBob,,{second}\r\n"
        ),
        format!("# a query\nuser;access_key_id\nBob;{first}\nBob;{second}"),
        format!("User name\tAccess key ID\n\"Bob\"\t\"{first}\"\nBob\t{second}\n"),
        format!("Key ID,Owner\n{first},Bob\n{second},Bob\n"),
        format!("ACCESSKEYID , USERNAME\n {first} , Bob \n{second},Bob\n"),
        format!(
            "UserName,AccessKeyId,Outcome\nBob,{first},WouldDelete\nAlice,{ALICE_KEY_ID},Skipped\nBob,{second},NotTried\n"
        ),
    ] {
        reads(list, &[]);
    }
    // The file that the console gives out with a new key; only the ID is of interest.
    let secret = CANARIES[0];
    let console = format!("Access key ID,Secret access key\n{first},{secret}\n{second},{secret}\n");
    reads(console, &["--user-name", "Bob"]);
}

#[test]
fn f80_json_of_the_aws_cli_and_json_lines() {
    let row = |id: &str| {
        format!("{{\"UserName\": \"Bob\", \"AccessKeyId\": \"{id}\", \"Status\": \"Active\"}}")
    };
    let [first, second] = [row(BOBS_KEY), row(BOB_SECOND_KEY_ID)];
    for list in [
        format!("{{\n  \"AccessKeyMetadata\": [\n    {first},\n    {second}\n  ]\n}}\n"),
        format!("{{\"AccessKeyMetadata\": [{first}]}}{{\"AccessKeyMetadata\": [{second}]}}"),
        format!("[{first}, {second}]"),
        format!("{first}\n{second}\n"),
        format!("# a plan\n{first}\r\n\r\n{second}"),
        format!("\u{feff}{first} {second}"),
        format!("{{\"AccessKey\": {first}}}\n{second}"),
    ] {
        reads(list, &[]);
    }
    reads(
        format!("[\"{BOBS_KEY}\", \"{BOB_SECOND_KEY_ID}\"]"),
        &["--user-name", "Bob"],
    );
}

#[test]
fn f80_what_is_no_list_is_refused_with_line_and_column() {
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
    // It is cut off inside a character, which does not make it another thing.
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
fn f80_ends_of_line_that_hide_lines_are_refused() {
    let says = &["line 1, column 21", "a carriage return inside the line"];
    refused(format!("AccessKeyId,UserName\r{BOBS_KEY},Bob\r"), &[], says);
    let says = &["line 2, column 11", "a carriage return inside the line"];
    refused(format!("# keys\n# exported\r{BOBS_KEY}\r"), &[], says);
}

#[test]
fn f80_error_messages_are_no_list() {
    let message = format!(
        r#"{{"Level":"Error","Code":"AccessDenied","AccessKeyId":"{BOBS_KEY}","UserName":"Bob","ExitCode":6,"Result":"NotDeactivated"}}"#
    );
    let says = &[
        "line 1, column 1",
        "this is an error message of iam-del-key",
    ];
    refused(message.clone(), &[], says);
    refused(message, &["--reactivate", "--yes"], says);
}

#[test]
fn f83_json_that_is_broken_nested_or_of_wrong_types() {
    let row = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\"}}");
    refused(
        format!("{row}\n{{\"AccessKeyId\":\n"),
        &[],
        &["line 3, column", "EOF"],
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
    // A string without an end is read no further than a megabyte.
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

#[test]
fn f87_a_file_that_is_none() {
    for (path, says) in [("absent.csv", "No such file"), (".aws", "it is a folder")] {
        let case = Case::bare(["--from"]);
        let path = case.path(path);
        let _ = case
            .args([path])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["cannot read", says]);
    }
    let zero = Case::bare(["--from", "/dev/zero"]).run();
    let _ = zero.exits(2).prints_nothing().says(&["NUL"]).within(SOON);
}

#[test]
fn f87_standard_input_from_a_terminal_and_closed() {
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--user-name", "Bob", "--from", "-"]);
    let typed = format!("{BOBS_KEY}\n{BOB_SECOND_KEY_ID}\n\x04");
    let printed = Dialogue::start(case)
        .shows("reading keys from the terminal")
        .types(typed.as_bytes())
        .shows("Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] ")
        .types(b"y\n")
        .end()
        .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 2)]);
    let _ = printed
        .prints(&output)
        .says(&["Ctrl-D"])
        .ends_with("2 keys: 2 deleted");
    assert!(!sandbox.has_key(BOBS_KEY) && !sandbox.has_key(BOB_SECOND_KEY_ID));
    let closed = Case::at(&sandbox, ["--from", "-"]).start_under(Some(&[
        "sh",
        "-c",
        "exec \"$0\" \"$@\" <&-",
    ]));
    let _ = closed
        .end()
        .exits(0)
        .prints_nothing()
        .says(&["result: "])
        .ends_with("nothing to do");
}

#[test]
fn one_way_of_choosing_excludes_the_others() {
    let ways: [&[&str]; 4] = [
        &["--access-key-id", BOBS_KEY],
        &["--from", "-"],
        &["--user-name", "Bob", "--all-keys"],
        &["--whole-account", "--only-inactive"],
    ];
    for (number, one) in ways.iter().enumerate() {
        for other in &ways[number + 1..] {
            let _ = Case::bare(one.iter().chain(*other))
                .run()
                .exits(2)
                .prints_nothing()
                .says(&["cannot be used with"]);
        }
    }
    for (args, says) in [
        (
            &["--all-keys"][..],
            "--all-keys requires --user-name <NAME> or --target-principal <ACCOUNT>",
        ),
        (
            &["--whole-account"],
            "--whole-account requires --only-inactive, --unused-for <AGE> or --older-than <AGE>",
        ),
        (
            &["--whole-account", "--except-user", "Bob"],
            "--whole-account requires --only-inactive, --unused-for <AGE> or --older-than <AGE>",
        ),
        (
            &["--whole-account", "--only-inactive", "--allow-self"],
            "cannot be used with",
        ),
        (
            &["--whole-account", "--only-inactive", "--find-user"],
            "cannot be used with",
        ),
        (&["--all-keys", "--find-user"], "cannot be used with"),
        (
            &["--whole-account", "--only-inactive", "--user-name", "Bob"],
            "cannot be used with",
        ),
        (&["--dry-run"], "--access-key-id <ID>"),
    ] {
        let _ = Case::bare(args)
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[says]);
    }
}
