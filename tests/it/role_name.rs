//! A role by name, in the account of the keys: STS says which it is, and it is used only if the caller knows it.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Builder, Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented, each_at_once};
use crate::dialogue::Dialogue;
use crate::many::{crowd_of, from_stdin, left, outcomes};
use crate::mfa::alone;

const OTHER: &str = "210987654321";
/// A key of Carol's in the other account. Its ID does not encode an account.
const CAROLS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const BY_NAME: [&str; 2] = ["--role-name", "Responder"];
const EXPECTED: [&str; 2] = ["--expect-account", OTHER];
const ROLE: &str = "arn:aws:iam::210987654321:role/Responder";
const REASON: &str =
    "the key belongs to account 210987654321, but your credentials belong to account 123456789012";
/// The start of the question whether to act in the other account.
const ASKED: &str = "The key belongs to account 210987654321, but your credentials belong to account 123456789012. Anyone who \
    sends a key ID may control its account. Assume the role Responder in account 210987654321";

fn two_accounts() -> Builder {
    Sandbox::documented().key_in(OTHER, KeySeed::new("Carol", CAROLS_KEY))
}

/// A run over Carol's key.
fn case(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::at(sandbox, ["--access-key-id", CAROLS_KEY])
        .args(BY_NAME)
        .args(more)
}

/// The ARNs of the roles that were assumed.
fn roles(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests().into_iter();
    requests
        .filter_map(|request| request.param("RoleArn").map(str::to_owned))
        .collect()
}

/// No request to IAM is signed with the key that assumes the role.
fn iam_sees_only_sessions(sandbox: &Sandbox) {
    for request in sandbox.requests() {
        if request.param("Version") == Some("2010-05-08") {
            assert_ne!(request.key_id.as_deref(), Some(ADMIN_KEY_ID), "{request:?}");
        }
    }
}

#[test]
fn f102_a_leaked_key_is_deactivated_in_an_account_that_is_expected() {
    let sandbox = two_accounts().start();
    let _ = case(&sandbox, &["--find-user", "--deactivate"])
        .args(EXPECTED)
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says_exactly(&format!(
            "hint: to undo it: iam-del-key --access-key-id {CAROLS_KEY} --user-name=Carol --reactivate --role-arn {ROLE}\n"
        ));
    assert_eq!(
        actions(&sandbox),
        [
            "GetCallerIdentity",
            "GetAccessKeyInfo",
            "AssumeRole",
            "GetCallerIdentity",
            "GetAccessKeyLastUsed",
            "ListAccessKeys",
            "UpdateAccessKey"
        ]
    );
    assert_eq!(roles(&sandbox), [ROLE]);
    iam_sees_only_sessions(&sandbox);
    let key = sandbox.key_in(OTHER, CAROLS_KEY).expect("Carol's key");
    assert_eq!(key.status, Status::Inactive);
}

#[test]
fn f102_the_account_of_the_caller_needs_no_confirmation() {
    let sandbox = two_accounts().start();
    let _ = Case::documented(&sandbox, &BY_NAME)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(
        actions(&sandbox),
        [
            "GetCallerIdentity",
            "GetAccessKeyInfo",
            "AssumeRole",
            "DeleteAccessKey"
        ]
    );
    assert_eq!(
        roles(&sandbox),
        ["arn:aws:iam::123456789012:role/Responder"]
    );
}

#[test]
fn f102_an_account_that_nobody_confirms_is_11() {
    let hint = "hint: whoever sent you a key ID may control its account: if account 210987654321 is yours, run the same command \
                again with --expect-account 210987654321\n";
    let known = format!("result: {CAROLS_KEY}: not deleted: nothing was sent to IAM\n");
    for (more, why) in [
        (&[][..], REASON),
        (&["--yes"], REASON),
        (&["--dry-run"], REASON),
        (
            &[
                "--expect-account",
                "123456789012",
                "--expect-account",
                "111111111111",
            ],
            "the key belongs to account 210987654321, but --expect-account allows only 123456789012 or 111111111111",
        ),
    ] {
        let sandbox = two_accounts().start();
        let _ = alone(case(&sandbox, &["--user-name", "Carol"]).args(more))
            .exits(11)
            .prints_nothing()
            .says_exactly(&format!("iam-del-key: error: {why}\n{hint}{known}"));
        assert_eq!(actions(&sandbox), ["GetCallerIdentity", "GetAccessKeyInfo"]);
    }
}

#[test]
fn f102_an_account_that_is_not_expected_is_refused_although_it_is_the_callers() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &BY_NAME)
        .args(EXPECTED)
        .run()
        .exits(11)
        .prints_nothing()
        .says(&["the key belongs to account 123456789012, but --expect-account allows only 210987654321\n"]);
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "GetAccessKeyInfo"]);
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
    let _ = Dialogue::start(case(
        &sandbox,
        &["--find-user", "--dry-run", "--output=json"],
    ))
    .shows(&format!(
        "{ASKED} and show the key there? Nothing is changed. [y/N] "
    ))
    .types(b"y\n")
    .end()
    .exits(0)
    .prints_outcome("WouldDelete")
    .says(&["this was a dry run"]);
    assert!(sandbox.key_in(OTHER, CAROLS_KEY).is_some());
    iam_sees_only_sessions(&sandbox);
}

/// The question says what the answer leads to.
#[test]
fn f102_the_question_says_what_is_done_in_the_account() {
    let other = format!("--access-key-id={}", nth_key_id(OTHER, 77));
    each_at_once(
        [
            (
                &["--deactivate"][..],
                " and deactivate the key there? It can be undone. [y/N] ",
            ),
            (
                &["--reactivate"],
                "? You are asked again before anything is changed. [y/N] ",
            ),
            (
                &["--interactive"],
                "? You are asked again before anything is changed. [y/N] ",
            ),
            (
                &["--only-inactive"],
                " and delete the key there if it meets the conditions? It cannot be undone. [y/N] ",
            ),
            (
                &[other.as_str()],
                " and delete the keys there? It cannot be undone. [y/N] ",
            ),
            (
                &[other.as_str(), "--dry-run"],
                " and show the keys there? Nothing is changed. [y/N] ",
            ),
        ],
        |(more, end)| {
            let sandbox = two_accounts().start();
            let _ = Dialogue::start(case(&sandbox, &["--user-name", "Carol"]).args(more))
                .shows(end)
                .types(b"n\n")
                .end()
                .exits(11)
                .prints_nothing()
                .says(&["not confirmed"]);
        },
    );
}

#[test]
fn f102_anything_else_does_not_confirm_it() {
    each_at_once(
        [
            (&b"n\n"[..], 11),
            (b"\n", 11),
            (b"\x04", 11),
            (b"\x03", 130),
        ],
        |(typed, status)| {
            let sandbox = two_accounts().start();
            let ended = Dialogue::start(case(&sandbox, &["--user-name", "Carol"]))
                .shows(ASKED)
                .shows("[y/N] ")
                .without_echo()
                .types(typed)
                .end();
            let end = if typed.ends_with(b"\n") { "" } else { "\n" };
            let error = if status == 130 {
                "interrupted"
            } else {
                "not confirmed"
            };
            let _ = ended
                .exits(status)
                .prints_nothing()
                .says_exactly(&format!(
                    "{ASKED} and delete the key there? It cannot be undone. [y/N] {end}iam-del-key: error: {error}\n\
                     result: {CAROLS_KEY}: not deleted: nothing was sent to IAM\n"
                ));
            assert_eq!(actions(&sandbox), ["GetCallerIdentity", "GetAccessKeyInfo"]);
        },
    );
    // `--yes` and JSON errors rule a question out.
    for more in [&["--yes"][..], &["--error-format", "json"]] {
        let sandbox = two_accounts().start();
        let said = Dialogue::start(case(&sandbox, &["--user-name", "Carol"]).args(more))
            .end()
            .exits(11)
            .prints_nothing();
        assert!(!said.messages().contains("[y/N]"), "{}", said.messages());
        let _ = said.says(&[REASON]);
    }
}

#[test]
fn f102_keys_of_several_accounts_are_listed_by_account() {
    let sandbox = two_accounts().start();
    let keys = [BOBS_KEY, CAROLS_KEY, ALICE_KEY_ID].map(|id| ["--access-key-id", id]);
    let _ = alone(Case::at(&sandbox, keys.concat()).args(BY_NAME).args(["--find-user"]))
        .exits(11)
        .prints_nothing()
        .says_exactly(&format!(
            "iam-del-key: error: the keys belong to 2 accounts, but a run acts in only one\n\
             \u{20} --expect-account 123456789012 --access-key-id {BOBS_KEY} --access-key-id {ALICE_KEY_ID}\n\
             \u{20} --expect-account 210987654321 --access-key-id {CAROLS_KEY}\n\
             hint: run one command for each account that is yours, with its line in place of the keys\n\
             result: no key was changed\n"
        ));
    let list = format!("AccessKeyId,UserName\n{CAROLS_KEY},Carol\n{BOBS_KEY},Bob\n");
    let _ = alone(from_stdin(&sandbox, &list, &BY_NAME))
        .exits(11)
        .prints_nothing()
        .says_exactly(&format!(
            "iam-del-key: error: the keys belong to 2 accounts, but a run acts in only one\n\
             \u{20} account 123456789012: {BOBS_KEY}\n\
             \u{20} account 210987654321: {CAROLS_KEY}\n\
             hint: split the list, and run one command for each account that is yours, with --expect-account\n\
             result: no key was changed\n"
        ));
    let seen = actions(&sandbox);
    assert!(
        seen.iter().all(|action| action.starts_with("Get")),
        "{seen:?}"
    );
}

#[test]
fn f102_a_key_that_no_account_has_is_3() {
    let sandbox = two_accounts().start();
    // STS says which account its ID is of, whether the key is there or not.
    let id = nth_key_id(OTHER, 77);
    let said = Case::at(&sandbox, ["--access-key-id", &id, "--user-name", "Carol"])
        .args(BY_NAME)
        .args(EXPECTED)
        .run()
        .exits(3);
    let output = said.output().to_owned();
    let _ = said.prints(&output)
        .says(&[
            &format!("(NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with id {id} cannot be found.\n"),
            &format!("--find-user --dry-run --role-arn {ROLE}\n"),
        ]);
    assert_eq!(
        actions(&sandbox).last().expect("a request"),
        "DeleteAccessKey"
    );
    let unknown = "AKIAI44QH8DHBEXAMPLE";
    let _ = Case::at(&sandbox, ["--access-key-id", unknown, "--user-name", "Carol"])
        .args(BY_NAME)
        .run()
        .exits(2)
        .prints_nothing()
        .says(&[&format!(
            "error: the account of {unknown} is unknown: An error occurred (ValidationError) when calling the \
             GetAccessKeyInfo operation: "
        )]);
}

#[test]
fn f102_an_account_whose_lookup_stays_throttled_is_8() {
    let sandbox = two_accounts().start();
    let throttled = What::error(400, "Throttling", "Rate exceeded");
    sandbox.fault(Fault::new(throttled).on("GetAccessKeyInfo").always());
    let args = ["--access-key-id", CAROLS_KEY, "--role-name", "Responder"];
    let _ = Case::at(&sandbox, args)
        .args(["--expect-account", "210987654321", "--timeout", "2"])
        .run()
        .exits(8)
        .prints_nothing()
        .says(&["(Throttling) when calling the GetAccessKeyInfo operation"]);
    assert!(!actions(&sandbox).contains(&"AssumeRole".to_owned()));
}

#[test]
fn f102_without_the_permission_to_ask_it_is_6() {
    let sandbox = two_accounts().deny("sts:GetAccessKeyInfo").start();
    let _ = case(&sandbox, &["--user-name", "Carol"])
        .args(EXPECTED)
        .run()
        .exits(6)
        .prints_nothing()
        .says(&[
            &format!("error: the account of {CAROLS_KEY} is unknown: An error occurred (AccessDenied) when calling the GetAccessKeyInfo operation: "),
            "hint: --role-name needs read access: ask for the permission sts:GetAccessKeyInfo, or use other \
             credentials (--profile NAME)\nhint: or name the role with --role-arn, which needs no lookup\n",
        ]);
}

#[test]
fn f102_a_role_that_may_not_be_assumed_is_6() {
    let sandbox = two_accounts().external_id("Responder", "unique:1").start();
    let _ = case(&sandbox, &["--user-name", "Carol"])
        .args(EXPECTED)
        .run()
        .exits(6)
        .prints_nothing()
        .says(&[&format!(
            "hint: the caller needs the permission sts:AssumeRole on {ROLE}, and the role's trust policy must allow the \
             caller; it may require --external-id or --serial-number\n"
        )]);
}

#[test]
fn f102_the_role_is_assumed_as_by_its_arn() {
    const SERIAL: &str = "GAHT12345678";
    let sandbox = two_accounts()
        .external_id("Responder", "unique:1")
        .mfa("Responder")
        .mfa_device(SERIAL, &["755224"])
        .start();
    let options = [
        ["--user-name", "Carol"],
        ["--external-id", "unique:1"],
        ["--role-session-name", "me@1"],
        ["--serial-number", SERIAL],
        ["--token-code", "755224"],
    ];
    let case = case(&sandbox, &options.concat()).args(EXPECTED);
    let said = case.run().exits(0).prints(DELETED);
    let _ = said.says_nothing();
    let requests = sandbox.requests();
    let request = requests
        .iter()
        .find(|request| request.action == "AssumeRole");
    let request = request.expect("a role");
    assert_eq!(request.param("RoleSessionName"), Some("me@1"));
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
}

#[test]
fn f102_the_role_is_of_the_partition_of_the_caller_and_may_have_a_path() {
    let sandbox = two_accounts().start();
    let page = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                <Arn>arn:aws-cn:iam::123456789012:user/admin</Arn><UserId>AIDAX</UserId><Account>123456789012</Account>\
                </GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
                </GetCallerIdentityResponse>";
    sandbox.fault(Fault::new(What::page(200, "text/xml", page)).on("GetCallerIdentity"));
    let _ = Case::documented(&sandbox, &["--role-name", "ops/Responder"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(
        roles(&sandbox),
        ["arn:aws-cn:iam::123456789012:role/ops/Responder"]
    );
}

#[test]
fn f102_a_list_asks_once_for_each_key_and_assumes_the_role_once() {
    const KEYS: usize = 30;
    let (sandbox, list) = crowd_of(Sandbox::documented(), KEYS);
    let said = from_stdin(&sandbox, &list, &BY_NAME).run().exits(0);
    assert_eq!(outcomes(said.output()), [("Deleted".to_owned(), KEYS)]);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&["30 keys: 30 deleted\n"]);
    assert_eq!(left(&sandbox, KEYS), 0);
    let count = |name: &str| {
        let seen = actions(&sandbox);
        seen.iter().filter(|action| *action == name).count()
    };
    assert_eq!(count("GetAccessKeyInfo"), KEYS);
    assert_eq!(count("AssumeRole"), 1);
    assert_eq!(count("DeleteAccessKey"), KEYS);
    iam_sees_only_sessions(&sandbox);
    // Nothing named: nobody is asked about, and no role is assumed.
    let before = sandbox.requests().len();
    let _ = from_stdin(&sandbox, "# none\n", &BY_NAME)
        .run()
        .exits(0)
        .prints_nothing()
        .says_exactly("result: nothing to do: the list has no keys to change\n");
    assert!(!actions(&sandbox)[before..].contains(&"AssumeRole".to_owned()));
}

#[test]
fn f102_the_key_that_assumes_the_role_is_guarded() {
    let sandbox = documented();
    let said = Case::at(
        &sandbox,
        ["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"],
    )
    .args(BY_NAME)
    .run()
    .exits(11);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&["you would lock yourself out"]);
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn f102_wrong_combinations_contact_nobody() {
    let sandbox = documented();
    let named = ["--access-key-id", BOB_SECOND_KEY_ID];
    for (args, says) in [
        (
            &["--user-name", "Bob", "--all-keys", "--role-name", "R"][..],
            "'--all-keys' cannot be used with '--role-name <NAME>'",
        ),
        (
            &["--whole-account", "--only-inactive", "--role-name", "R"],
            "'--whole-account' cannot be used with '--role-name <NAME>'",
        ),
        (
            &[&named[..], &["--role-name", "R", "--role-arn", ROLE]].concat(),
            "'--role-name <NAME>' cannot be used with '--role-arn <ARN>'",
        ),
        (
            &[&named[..], &["--role-name", ROLE]].concat(),
            "it is an ARN; use --role-arn instead",
        ),
        (
            &[&named[..], &["--role-name", "/ops/R"]].concat(),
            "write a path before the name, without a leading slash: ops/Responder",
        ),
        (
            &[&named[..], &EXPECTED, &["--expect-account", "111111111111"]].concat(),
            "--expect-account can be repeated only with --role-name",
        ),
        (
            &[&named[..], &BY_NAME, &["--token-code", "755224"]].concat(),
            "--token-code needs --serial-number\n",
        ),
    ] {
        let _ = Case::at(&sandbox, args)
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[says]);
    }
    assert_eq!(sandbox.connections(), 0);
}
