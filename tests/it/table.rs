//! The table for people: the default on a terminal, one line per key at every width, printed as each key is finished.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, SETTLED, actions, documented};
use crate::dialogue::Dialogue;
use crate::many::{crowd, from_stdin};
use crate::widths::{Terminal, run_on};

const STALE: [&str; 6] = [
    "--whole-account",
    "--unused-for",
    "90d",
    "--older-than",
    "30d",
    "-n",
];
/// Keys of Bob and of another user.
const TWO_NAMED: [&str; 8] = [
    "--access-key-id",
    BOB_SECOND_KEY_ID,
    "--access-key-id",
    ALICE_KEY_ID,
    "--user-name",
    "Bob",
    "--jobs",
    "1",
];

/// Everything on a terminal of this width, without colors and without redraws of the bar.
fn screen(case: Case, width: u16, status: i32) -> String {
    let case = case.env("TERM", "dumb").env("LANG", "C.UTF-8");
    let printed = run_on(case, Terminal::Both, width).exits(status);
    printed.output().to_owned()
}

#[test]
fn a_terminal_gets_one_line_per_key_at_every_width() {
    for (width, table) in [
        (
            80,
            "\
Account 123456789012, --unused-for 90d and --older-than 30d
ACCESS KEY ID          USER            CREATED        LAST USED      OUTCOME
AKIARZPUZDIKFR6565B7   Alice           23 months ago  6 months ago   WouldDelete
AKIDPMS9RO4H3FEXAMPLE  Bob             13 months ago  3 months ago   WouldDelete
",
        ),
        (
            120,
            "\
Account 123456789012, --unused-for 90d and --older-than 30d
ACCESS KEY ID          USER                      STATUS    CREATED        LAST USED      USED FOR            OUTCOME
AKIARZPUZDIKFR6565B7   Alice                     Inactive  23 months ago  6 months ago   iam us-east-1       WouldDelete
AKIDPMS9RO4H3FEXAMPLE  Bob                       Active    13 months ago  3 months ago   s3 us-east-1        WouldDelete
",
        ),
    ] {
        let sandbox = documented();
        let shown = screen(Case::at(&sandbox, STALE).args(["--jobs", "1"]), width, 0);
        let expected = format!(
            "iam-del-key: note: 4 keys of 2 users checked; 1 user skipped (no matching key in the credential report)\n\
             {table}\
             result: 2 keys: 2 would be deleted; this was a dry run; root user keys are not included\n"
        );
        assert_eq!(shown, expected, "{width}");
    }
}

#[test]
fn a_wide_terminal_has_room_for_the_reason() {
    let sandbox = documented();
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n");
    let case = Case::at(
        &sandbox,
        ["-n", "--unused-for", "90d", "--jobs", "1", "--from"],
    );
    let case = case.file("list.csv", &list);
    let path = case.path("list.csv");
    let case = case.args([path]);
    let shown = screen(case, 200, 0);
    let rows: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("AKI"))
        .collect();
    assert_eq!(rows.len(), 2, "{shown}");
    assert!(
        rows[0].ends_with("s3 us-east-1        WouldDelete"),
        "{shown}"
    );
    assert!(
        rows[1].ends_with("Skipped      it was used 1 day ago, less than 90 days"),
        "{shown}"
    );
    assert!(shown.lines().all(|line| line.len() <= 200), "{shown}");
}

#[test]
fn facts_that_are_not_read_have_no_column() {
    let sandbox = documented();
    let case = Case::at(&sandbox, TWO_NAMED);
    let shown = screen(case, 80, 12);
    let expected = format!(
        "\
Account 123456789012
ACCESS KEY ID          USER                                             OUTCOME
{BOB_SECOND_KEY_ID}   Bob                                              Deleted
{ALICE_KEY_ID}   Bob                                              Failed
iam-del-key: error: {ALICE_KEY_ID}: not deleted: An error occurred (NoSuchEntity) when calling the DeleteAccessKey \
operation: The Access Key with id {ALICE_KEY_ID} cannot be found
hint: for keys that were not found: the key does not exist, or belongs to another user; use --find-user instead of --user-name to look up the owner of each key
result: 2 keys: 1 deleted, 1 failed and not changed
"
    );
    let hints =
        |text: &str| text.replace("hint: for keys that were not found: to see", "hint: to see");
    assert_eq!(hints(&shown), expected);
    let asked = actions(&sandbox);
    assert_eq!(
        asked,
        ["GetCallerIdentity", "DeleteAccessKey", "DeleteAccessKey"]
    );
}

#[test]
fn what_a_single_key_was_last_used_for_is_below_a_table_without_room_for_it() {
    let used = format!("note: {BOBS_KEY} was last used for s3 in us-east-1\n");
    for (width, is_below) in [(80, true), (160, false)] {
        let sandbox = documented();
        let shown = screen(Case::documented(&sandbox, &["-n"]), width, 0);
        assert_eq!(shown.contains(&used), is_below, "{shown}");
        assert_eq!(shown.matches("s3").count(), 1, "{shown}");
    }
    // The question shows it too, but not if there are several keys.
    for (args, is_below) in [
        (&["--access-key-id", BOBS_KEY, "--interactive"][..], true),
        (&["--all-keys"], false),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--user-name", "Bob"]).args(args);
        let said = Dialogue::start(case.env("TERM", "dumb"))
            .shows("[y/N] ")
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing();
        assert_eq!(said.messages().contains(&used), is_below);
        let _ = said.says(&["[y/N] "]);
    }
}

#[test]
fn keys_that_were_not_tried_are_one_row_and_a_slow_terminal_still_gets_the_counts() {
    let (sandbox, list) = crowd(200);
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let case = Case::at(&sandbox, ["--yes", "--jobs", "2", "--from"]);
    let path = case.path("list.csv");
    let parts = case.file("list.csv", &list).args([path]).into_parts();
    let (terminal, other_end) = pty_process::blocking::open().expect("a pseudo-terminal");
    terminal
        .resize(pty_process::Size::new(24, 80))
        .expect("a size");
    let mut child = pty_process::blocking::Command::new(parts.binary)
        .args(&parts.args)
        .env_clear()
        .env("TERM", "dumb")
        .envs(parts.environment)
        .spawn(other_end)
        .expect("the binary starts");
    // The terminal shows the account and the first keys.
    assert!(sandbox.wait_for_requests(3, SETTLED));
    let mut terminal = File::from(OwnedFd::from(terminal));
    for _ in 0..2 {
        terminal.write_all(b"\x03").expect("the terminal takes it");
    }
    assert_eq!(child.wait().expect("its end").code(), Some(130));
    // Only now the terminal's output is read.
    let (mut screen, mut bytes) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        screen.extend_from_slice(&bytes[..count]);
    }
    let screen = String::from_utf8(screen).expect("UTF-8").replace('\r', "");
    let row = format!("{:72}NotTried\n", "(198 keys)");
    assert!(screen.contains(&row), "{screen}");
    assert_eq!(screen.matches("  NotTried").count(), 1, "{screen}");
    let unknown = "interrupted; unknown: the request was sent and no usable response arrived";
    assert_eq!(screen.matches(unknown).count(), 2, "{screen}");
    assert!(
        screen.ends_with("result: 200 keys: 2 unknown, 198 not tried\n"),
        "{screen}"
    );
}

#[test]
fn a_single_key_that_is_changed_does_not_wait_for_sts() {
    let sandbox = documented();
    let shown = screen(Case::documented(&sandbox, &["--deactivate"]), 80, 0);
    let expected = format!(
        "\
ACCESS KEY ID          USER                 STATUS    CREATED        OUTCOME
{BOBS_KEY}  Bob                  Inactive  13 months ago  Deactivated
hint: to undo it: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate
"
    );
    assert_eq!(shown, expected);
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "UpdateAccessKey"]);
}

#[test]
fn an_account_that_sts_does_not_name_is_left_out() {
    let sandbox = documented();
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("GetCallerIdentity").always());
    let shown = screen(Case::documented(&sandbox, &["-n"]), 80, 0);
    assert!(shown.starts_with("ACCESS KEY ID"), "{shown}");
    assert!(!shown.contains("ccount"), "{shown}");
}

#[test]
fn only_names_are_shortened_and_only_in_their_middle() {
    let owner = "a-user-name-that-is-as-long-as-IAM-has-them-64-characters-and-no";
    let long_id = "A".repeat(128);
    for (language, short) in [
        ("C.UTF-8", "a-user-na…rs-and-no"),
        ("C", "a-user-na~rs-and-no"),
    ] {
        let id = nth_key_id("123456789012", 1);
        let sandbox = Sandbox::documented()
            .key(KeySeed::new(owner, &id).last_used_days_ago(9, "cognito-identity", "eu-west-1"))
            .key(KeySeed::new("Carol", &long_id))
            .start();
        let args = ["--find-user", "-n", "--access-key-id", &id];
        for width in [20, 80, 120, 200] {
            let case = Case::at(&sandbox, args)
                .args(["--access-key-id", &long_id, "--jobs", "1"])
                .env("TERM", "dumb")
                .env("LANG", language);
            let printed = run_on(case, Terminal::Output, width).exits(0);
            let rows: Vec<&str> = printed.output().lines().skip(2).collect();
            assert_eq!(rows.len(), 2, "{}", printed.output());
            assert!(rows[0].starts_with(&id) && rows[1].starts_with(&long_id));
            assert_eq!(rows[1].contains("  Carol"), width > 20, "{}", rows[1]);
            match width {
                80 => assert!(rows[0].contains(short), "{}", rows[0]),
                200 => assert!(rows[0].contains(owner), "{}", rows[0]),
                _ => {}
            }
            let wide = rows[0].chars().count();
            // ID and outcome have a minimum.
            assert!(wide <= usize::from(width.max(34)), "{}", rows[0]);
        }
    }
}

#[test]
fn a_row_is_printed_as_soon_as_its_key_is_finished() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let case = from_stdin(&sandbox, &list, &["--output", "table", "--jobs", "2"]);
    let mut running = case.start();
    let mut output = running.child.stdout.take().expect("a pipe");
    let mut read = Vec::new();
    // The header, and the row of the key that got a response.
    while String::from_utf8_lossy(&read).matches('\n').count() < 3 {
        let mut bytes = [0; 4096];
        let count = std::io::Read::read(&mut output, &mut bytes).expect("a pipe");
        assert_ne!(count, 0, "the run ended");
        read.extend_from_slice(&bytes[..count]);
    }
    let text = String::from_utf8(read).expect("UTF-8");
    assert_eq!(text.matches("Deleted").count(), 1, "{text}");
    running.signal("TERM");
    let _ = running
        .end()
        .exits(143)
        .prints_nothing()
        .says(&["result: "]);
}

#[test]
fn a_question_shows_the_keys_once_and_the_conditions_above() {
    let sandbox = documented();
    let args = ["--user-name", "Bob", "--all-keys", "--older-than", "1d"];
    let said = Dialogue::start(Case::at(&sandbox, args).env("TERM", "dumb"))
        .shows("Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] ")
        .without_echo()
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing();
    let expected = format!(
        "\
iam-del-key: note: 2 keys of 1 user checked
conditions: --older-than 1d
ACCESS KEY ID          USER               STATUS    CREATED        LAST USED
{BOBS_KEY}  Bob                Active    13 months ago  3 months ago
{BOB_SECOND_KEY_ID}   Bob                Active    20 days ago    just now

Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] \
iam-del-key: error: not confirmed: this run changed nothing
"
    );
    let _ = said.says_exactly(&expected);
    assert_eq!(sandbox.keys().len(), 5);
    // The results do not repeat the conditions.
    let case = Case::at(&sandbox, args).args(["--output", "table"]);
    let printed = Dialogue::start(case.env("TERM", "dumb"))
        .shows("[y/N] ")
        .without_echo()
        .types(b"y\n")
        .end()
        .exits(0);
    assert!(printed.output().starts_with("ACCESS KEY ID "));
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["\nconditions: --older-than 1d\n"]);
}

#[test]
fn a_row_fits_into_a_narrow_terminal() {
    for width in 34..48 {
        let sandbox = documented();
        let args = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
        let case = Case::at(&sandbox, args).args(["--find-user", "--dry-run"]);
        let shown = screen(case, width, 0);
        let is_row = |line: &&str| line.starts_with("AKI") || line.starts_with("ACCESS KEY ID");
        let rows: Vec<&str> = shown.lines().filter(is_row).collect();
        assert_eq!(rows.len(), 3, "{shown}");
        for row in &rows {
            assert!(row.chars().count() <= usize::from(width), "{width}: {row}");
            assert!(row.ends_with("WouldDelete") || row.ends_with("OUTCOME"));
        }
        assert_eq!(rows[0].contains("USER"), width >= 40, "{width}");
    }
}
