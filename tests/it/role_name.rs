//! A role by name, in the account of the keys: STS returns that account, and the run uses it only if the caller expects it.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Builder, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::assume_root::identity;
use crate::case::{BOBS_KEY, Case, actions, always, documented, each, once};
use crate::journal::Kept;
use crate::many::{crowd_of, from_stdin, left, outcomes};
use crate::mfa::run_without_terminal;

pub(crate) const OTHER: &str = "210987654321";
/// Carol's key in the other account. Its ID does not encode an account.
pub(crate) const CAROLS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const BY_NAME: [&str; 2] = ["--role-name", "Responder"];
const EXPECTED: [&str; 2] = ["--expect-account", OTHER];
const ROLE: &str = "arn:aws:iam::210987654321:role/Responder";

pub(crate) fn two_accounts() -> Builder {
    Sandbox::documented().key_in(OTHER, KeySeed::new("Carol", CAROLS_KEY))
}

/// A run over Carol's key.
pub(crate) fn case(sandbox: &Sandbox, more: &[&str]) -> Case {
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

/// The key that assumes the role signs no request to IAM.
pub(crate) fn iam_sees_only_sessions(sandbox: &Sandbox) {
    for request in sandbox.requests() {
        if request.param("Version") == Some("2010-05-08") {
            assert_ne!(request.key_id.as_deref(), Some(ADMIN_KEY_ID), "{request:?}");
        }
    }
}

#[test]
fn f102_a_leaked_key_is_deactivated_in_an_expected_account() {
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
    Case::documented(&sandbox, &BY_NAME).run().deletes_quietly();
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
fn f102_an_unexpected_account_is_refused_even_if_it_is_the_callers() {
    let sandbox = documented();
    Case::documented(&sandbox, &BY_NAME)
        .args(EXPECTED)
        .run().stops(11, &["the key belongs to account 123456789012, but --expect-account allows only 210987654321\n"]);
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "GetAccessKeyInfo"]);
}

#[test]
fn f102_keys_of_several_accounts_are_listed_by_account() {
    let sandbox = two_accounts().start();
    let keys = [BOBS_KEY, CAROLS_KEY, ALICE_KEY_ID].map(|id| ["--access-key-id", id]);
    run_without_terminal(Case::at(&sandbox, keys.concat()).args(BY_NAME).args(["--find-user"])).stops_exactly(11, &format!(
            "iam-del-key: error: the keys belong to 2 accounts, but a run acts in only one\n\
             \u{20} --expect-account 123456789012 --access-key-id {BOBS_KEY} --access-key-id {ALICE_KEY_ID}\n\
             \u{20} --expect-account 210987654321 --access-key-id {CAROLS_KEY}\n\
             hint: run one command for each account that is yours, with its line in place of the keys\n\
             result: no key was changed\n"
        ));
    let list = format!("AccessKeyId,UserName\n{CAROLS_KEY},Carol\n{BOBS_KEY},Bob\n");
    run_without_terminal(from_stdin(&sandbox, &list, &BY_NAME)).stops_exactly(11, &format!(
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
fn f102_a_key_that_no_account_has_exits_3() {
    let sandbox = two_accounts().start();
    // STS returns the account that the ID encodes, whether the key exists or not.
    let id = nth_key_id(OTHER, 77);
    let said = Case::at(&sandbox, ["--access-key-id", &id, "--user-name", "Carol"])
        .args(BY_NAME)
        .args(EXPECTED)
        .run()
        .exits(3);
    let _ = said.prints_anything()
        .says(&[
            &format!("(NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with id {id} cannot be found.\n"),
            &format!("--find-user --dry-run --role-arn {ROLE}\n"),
        ]);
    assert_eq!(
        actions(&sandbox).last().expect("a request"),
        "DeleteAccessKey"
    );
    let unknown = "AKIAI44QH8DHBEXAMPLE";
    Case::at(&sandbox, ["--access-key-id", unknown, "--user-name", "Carol"])
        .args(BY_NAME)
        .run().stops(2, &[&format!(
            "error: the account of {unknown} is unknown: An error occurred (ValidationError) when calling the \
             GetAccessKeyInfo operation: "
        )]);
}

#[test]
fn f102_an_account_lookup_that_stays_throttled_exits_8() {
    let sandbox = two_accounts().start();
    let throttled = What::error(400, "Throttling", "Rate exceeded");
    sandbox.fault(always("GetAccessKeyInfo", throttled));
    let args = ["--access-key-id", CAROLS_KEY, "--role-name", "Responder"];
    Case::at(&sandbox, args)
        .args(["--expect-account", "210987654321", "--timeout", "2"])
        .run()
        .stops(
            8,
            &["(Throttling) when calling the GetAccessKeyInfo operation"],
        );
    assert!(!actions(&sandbox).contains(&"AssumeRole".to_owned()));
}

#[test]
fn f102_a_denied_account_lookup_exits_6() {
    let sandbox = two_accounts().deny("sts:GetAccessKeyInfo").start();
    case(&sandbox, &["--user-name", "Carol"])
        .args(EXPECTED)
        .run().stops(6, &[
            &format!("error: the account of {CAROLS_KEY} is unknown: An error occurred (AccessDenied) when calling the GetAccessKeyInfo operation: "),
            "hint: --role-name needs read access: ask for the permission sts:GetAccessKeyInfo, or use other \
             credentials (--profile NAME)\nhint: or name the role with --role-arn, which needs no lookup\n",
        ]);
}

#[test]
fn f102_a_role_that_cannot_be_assumed_exits_6() {
    let sandbox = two_accounts().external_id("Responder", "unique:1").start();
    case(&sandbox, &["--user-name", "Carol"])
        .args(EXPECTED)
        .run().stops(6, &[&format!(
            "hint: the caller needs the permission sts:AssumeRole on {ROLE}, and the role's trust policy must allow the \
             caller; it may require --external-id or --serial-number\n"
        )]);
}

#[test]
fn f102_the_role_is_assumed_as_if_named_by_its_arn() {
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
    case.run().deletes_quietly();
    let requests = sandbox.requests();
    let request = requests
        .iter()
        .find(|request| request.action == "AssumeRole");
    let request = request.expect("a role");
    assert_eq!(request.param("RoleSessionName"), Some("me@1"));
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
}

#[test]
fn f102_the_role_has_the_callers_partition_and_may_have_a_path() {
    let sandbox = two_accounts().start();
    let admin = identity("arn:aws-cn:iam::123456789012:user/admin", "123456789012");
    sandbox.fault(once("GetCallerIdentity", admin));
    Case::documented(&sandbox, &["--role-name", "ops/Responder"])
        .run()
        .deletes_quietly();
    assert_eq!(
        roles(&sandbox),
        ["arn:aws-cn:iam::123456789012:role/ops/Responder"]
    );
}

#[test]
fn f102_a_list_looks_up_each_key_once_and_assumes_the_role_once() {
    const KEYS: usize = 30;
    let (sandbox, list) = crowd_of(Sandbox::documented(), KEYS);
    let said = from_stdin(&sandbox, &list, &BY_NAME).run().exits(0);
    assert_eq!(outcomes(said.output()), [("Deleted".to_owned(), KEYS)]);
    let _ = said
        .prints_anything()
        .says_exactly("result: 30 keys: 30 deleted\n");
    assert_eq!(left(&sandbox, KEYS), 0);
    let count = |name: &str| {
        let seen = actions(&sandbox);
        seen.iter().filter(|action| *action == name).count()
    };
    assert_eq!(count("GetAccessKeyInfo"), KEYS);
    assert_eq!(count("AssumeRole"), 1);
    assert_eq!(count("DeleteAccessKey"), KEYS);
    iam_sees_only_sessions(&sandbox);
}

#[test]
fn an_empty_list_needs_no_role_and_no_account() {
    let sandbox = two_accounts().start();
    let nothing = "result: nothing to do: the list has no keys to change\n";
    for more in [BY_NAME.to_vec(), [BY_NAME, EXPECTED].concat()] {
        from_stdin(&sandbox, "# none\n", &more)
            .run()
            .stops_exactly(0, nothing);
        let of_other = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"210987654321\"}\n";
        for journal in [None, Some(of_other)] {
            let kept = Kept::new("# none\n");
            if let Some(journal) = journal {
                std::fs::write(kept.path(), journal).expect("a journal");
            }
            kept.case(&sandbox, &more).run().stops_exactly(0, nothing);
            assert_eq!(kept.journal(), journal.unwrap_or_default());
        }
    }
    assert!(
        !actions(&sandbox)
            .iter()
            .any(|action| action == "AssumeRole")
    );
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
    let _ = said
        .prints_anything()
        .says(&["you would lock yourself out"]);
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn f102_invalid_combinations_send_no_request() {
    let sandbox = documented();
    let named = |more: &[&'static str]| [&["--access-key-id", BOB_SECOND_KEY_ID], more].concat();
    let with = "cannot be used with '--role-name <NAME>'";
    let by_arn = "'--role-name <NAME>' cannot be used with '--role-arn <ARN>'";
    let no_slash = "write a path before the name, without a leading slash: ops/Responder";
    let all_keys = ["--user-name", "Bob", "--all-keys", "--role-name", "R"];
    let whole_account = ["--whole-account", "--only-inactive", "--role-name", "R"];
    let all_accounts = [EXPECTED, ["--expect-account", "111111111111"]].concat();
    let with_code = [BY_NAME, ["--token-code", "755224"]].concat();
    let cases = [
        (all_keys.to_vec(), ["'--all-keys' ", with]),
        (whole_account.to_vec(), ["'--whole-account' ", with]),
        (
            named(&["--role-name", "R", "--role-arn", ROLE]),
            [by_arn, ""],
        ),
        (
            named(&["--role-name", ROLE]),
            ["it is an ARN; use --role-arn instead", ""],
        ),
        (named(&["--role-name", "/ops/R"]), [no_slash, ""]),
        (
            named(&all_accounts),
            ["--expect-account can be repeated only with --role-name", ""],
        ),
        (
            named(&with_code),
            ["--token-code needs --serial-number\n", ""],
        ),
    ];
    each(cases, |(args, says)| {
        Case::at(&sandbox, args).run().stops(2, &[&says.concat()]);
    });
    assert_eq!(sandbox.connections(), 0);
}
