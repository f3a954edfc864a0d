//! `--role-name` in an account that is not the caller's: how it is confirmed, and what the question says.

use iam_sandbox::nth_key_id;

use crate::case::{DELETED, actions, each, each_at_once};
use crate::dialogue::Dialogue;
use crate::mfa::run_without_terminal;
use crate::role_name::{CAROLS_KEY, OTHER, case, iam_sees_only_sessions, two_accounts};

const REASON: &str =
    "the key belongs to account 210987654321, but your credentials belong to account 123456789012";
/// The start of the question whether to act in the other account.
const ASKED: &str = "The key belongs to account 210987654321, but your credentials belong to account 123456789012. Whoever sent \
    you this key ID may control that account. Assume the role Responder in account 210987654321";

#[test]
fn f102_an_unconfirmed_account_exits_11() {
    let hint = "hint: whoever sent you a key ID may control its account: if account 210987654321 is yours, run the same command \
                again with --expect-account 210987654321\n";
    let known = format!("result: {CAROLS_KEY}: not deleted: nothing was sent to IAM\n");
    let allowed = "the key belongs to account 210987654321, but --expect-account allows only 123456789012 or 111111111111";
    let expected = [
        "--expect-account",
        "123456789012",
        "--expect-account",
        "111111111111",
    ];
    let cases = [
        (&[][..], REASON),
        (&["--yes"], REASON),
        (&["--dry-run"], REASON),
        (&expected, allowed),
    ];
    each(cases, |(more, why)| {
        let sandbox = two_accounts().start();
        run_without_terminal(case(&sandbox, &["--user-name", "Carol"]).args(more))
            .stops_exactly(11, &format!("iam-del-key: error: {why}\n{hint}{known}"));
        assert_eq!(actions(&sandbox), ["GetCallerIdentity", "GetAccessKeyInfo"]);
    });
}

#[test]
fn f102_a_person_confirms_the_account_on_the_terminal() {
    each_at_once(["--user-name=Carol", "--find-user"], |owner| {
        let sandbox = two_accounts().start();
        let question = format!("{ASKED} and delete the key there? It cannot be undone. [y/N] ");
        let dialogue = Dialogue::start(case(&sandbox, &[owner])).shows(&question);
        let said = dialogue.types(b"yes\n").end().exits(0).prints(DELETED);
        let screen = said.messages();
        assert!(screen.starts_with(&question), "{screen}");
        assert_eq!(screen.matches("[y/N]").count(), 1);
        assert!(sandbox.key_in(OTHER, CAROLS_KEY).is_none());
    });
}

#[test]
fn f102_a_dry_run_asks_for_the_account_too() {
    let sandbox = two_accounts().start();
    let case = case(&sandbox, &["--find-user", "--dry-run", "--output=json"]);
    let question = format!("{ASKED} and show the key there? Nothing is changed. [y/N] ");
    let dialogue = Dialogue::start(case).shows(&question).types(b"y\n");
    let said = dialogue.end().exits(0).prints_outcome("WouldDelete");
    let _ = said.says(&["this was a dry run"]);
    assert!(sandbox.key_in(OTHER, CAROLS_KEY).is_some());
    iam_sees_only_sessions(&sandbox);
}

/// The question says what a yes does.
#[test]
fn f102_the_question_says_what_is_done_in_the_account() {
    let other = format!("--access-key-id={}", nth_key_id(OTHER, 77));
    let again = "? You are asked again before anything is changed. [y/N] ";
    let cases: [(&[&str], &str); 6] = [
        (
            &["--deactivate"],
            " and deactivate the key there? It can be undone. [y/N] ",
        ),
        (&["--reactivate"], again),
        (&["--interactive"], again),
        (
            &["--only-inactive"],
            " and delete the key there if it meets the conditions? It cannot be undone. [y/N] ",
        ),
        (
            &[&other],
            " and delete the keys there? It cannot be undone. [y/N] ",
        ),
        (
            &[&other, "--dry-run"],
            " and show the keys there? Nothing is changed. [y/N] ",
        ),
    ];
    each_at_once(cases, |(more, end)| {
        let sandbox = two_accounts().start();
        let case = case(&sandbox, &["--user-name", "Carol"]).args(more);
        let dialogue = Dialogue::start(case).shows(end).types(b"n\n");
        dialogue.end().stops(11, &["not confirmed"]);
    });
}

#[test]
fn f102_anything_else_does_not_confirm_it() {
    let cases = [
        (&b"n\n"[..], 11, "", "not confirmed"),
        (b"\n", 11, "", "not confirmed"),
        (b"\x04", 11, "\n", "not confirmed"),
        (b"\x03", 130, "\n", "interrupted"),
    ];
    each_at_once(cases, |(typed, status, end, error)| {
        let sandbox = two_accounts().start();
        let ended = Dialogue::start(case(&sandbox, &["--user-name", "Carol"]))
            .shows(ASKED)
            .shows("[y/N] ")
            .without_echo()
            .types(typed)
            .end();
        ended.stops_exactly(status, &format!(
            "{ASKED} and delete the key there? It cannot be undone. [y/N] {end}iam-del-key: error: {error}\n\
             result: {CAROLS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
        assert_eq!(actions(&sandbox), ["GetCallerIdentity", "GetAccessKeyInfo"]);
    });
    // `--yes` and JSON errors rule a question out.
    each([&["--yes"][..], &["--error-format", "json"]], |more| {
        let sandbox = two_accounts().start();
        let said = Dialogue::start(case(&sandbox, &["--user-name", "Carol"]).args(more))
            .end()
            .exits(11)
            .prints_nothing();
        assert!(!said.messages().contains("[y/N]"), "{}", said.messages());
        let _ = said.says(&[REASON]);
    });
}
