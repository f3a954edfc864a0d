//! Lists of keys: every supported form, and every error in one, which is found before any request is sent.

use std::time::Duration;

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, CANARIES, Case, actions, documented};
use crate::dialogue::Dialogue;
use crate::many::outcomes;

pub(crate) const SOON: Duration = Duration::from_mins(1);

/// A list of Bob's two keys that is read correctly.
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
    // The file that the console offers for a new key. Only the ID is used.
    let secret = CANARIES[0];
    let console = format!("Access key ID,Secret access key\n{first},{secret}\n{second},{secret}\n");
    reads(console, &["--user-name", "Bob"]);
}

/// A ticket number may begin with a `#`. Such a line is not a comment.
#[test]
fn f80_a_row_of_csv_whose_first_field_begins_with_a_number_sign() {
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    let alice = ALICE_KEY_ID;
    for list in [
        format!("Ticket,AccessKeyId,UserName\n#1234,{first},Bob\n#1235,{second},Bob\n"),
        format!("Ticket;UserName;AccessKeyId\n #1234;Bob; {first} \n1235;Bob;{second}\n"),
        format!("No.\tKey ID\tOwner\r\n#1\t\"{first}\"\tBob\r\n\t#2\t\r\n#2\t{second}\tBob\r\n"),
        format!(
            "Ticket,AccessKeyId,UserName\n# a comment, with a comma\n#1,{first},Bob\n#2,{second},Bob"
        ),
        format!(
            "Note,AccessKeyId,UserName\n#\"a\",{first},Bob\n#,{second},Bob\n# it is 5\" long\n"
        ),
        // The key column is the first one.
        format!(
            "AccessKeyId,UserName\n{first},Bob\n#{alice},Alice\n # {alice},Alice\n{second},Bob\n"
        ),
        format!("AccessKeyId\tUserName\n{first}\tBob\n#{alice}\tAlice\n{second}\tBob\n"),
    ] {
        reads(list, &[]);
    }
    // Such a row is checked like any other.
    for (list, says) in [
        (
            format!("Note,AccessKeyId,UserName\n#5\" long,{first},Bob\n"),
            "line 2, column 3: a quoted field is not closed on its line",
        ),
        (
            format!("Note,AccessKeyId,UserName\n#1,{first},Bob,x\n"),
            "line 2 has 4 fields, but the header has 3",
        ),
        (
            format!("UserName,AccessKeyId\n#Bob,{first}\n"),
            "line 2, column UserName: `#Bob` is not a user name",
        ),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--from", "-"]).input(list.as_bytes());
        let _ = case.run().exits(2).prints_nothing().says(&[says]);
        assert_eq!(sandbox.connections(), 0);
    }
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
fn f87_a_path_that_is_not_a_list_file() {
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
    // On an empty line, one Ctrl-D is enough too.
    let case = Case::at(&sandbox, ["--user-name", "Bob", "--from", "-"]);
    let _ = Dialogue::start(case)
        .shows("reading keys from the terminal")
        .types(b"\x04")
        .end()
        .exits(0)
        .prints_nothing()
        .says(&["nothing to do: the list has no keys to change"]);
    let closed = Case::at(&sandbox, ["--from", "-"]).start_under(Some(&[
        "sh",
        "-c",
        "exec \"$0\" \"$@\" <&-",
    ]));
    let _ = closed
        .end()
        .exits(0)
        .prints_nothing()
        .says_exactly("result: nothing to do: the list has no keys to change\n");
}

#[test]
fn one_way_to_choose_keys_excludes_the_others() {
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
