//! Owner lookups if `GetAccessKeyLastUsed` is denied: one index of the account serves every key of the run.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, SETTLED, actions, always, each, once};
use crate::many::{left, outcomes, rows, summary};

/// The warning about keys that no index can show.
const ROOT_WARNING: &str = "iam-del-key: warning: no user of this account has the missing keys; any that belong to the root user or to another account may still exist\n";

const ACCOUNT: &str = "123456789012";
const FINDS: [&str; 4] = ["--from", "-", "--find-user", "--ignore-missing"];

/// IDs of this account that no user has.
fn unknown(count: usize) -> String {
    (0..count).fold(String::new(), |list, n| {
        list + &nth_key_id(ACCOUNT, 500_000 + n) + "\n"
    })
}

/// The number of requests for this action that the sandbox received.
fn count(sandbox: &Sandbox, action: &str) -> usize {
    let actions = actions(sandbox);
    actions.iter().filter(|name| *name == action).count()
}

fn renamed_after(action: &str, name: &str, to: &str) -> Fault {
    let (name, to) = (name.to_owned(), to.to_owned());
    once(action, What::ThenRename { name, to })
}

#[test]
fn c02_all_unknown_keys_of_a_run_share_one_index() {
    each(["1", "8", "64"], |jobs| {
        let sandbox = Sandbox::documented().many_keys(100, 1).start();
        let case = Case::at(&sandbox, FINDS).args(["--jobs", jobs]);
        let ended = case.input(unknown(20).as_bytes()).run();
        let _ = ended
            .exits(0)
            .prints_outcomes(&[("Missing", 20)])
            .says_exactly(&format!("{ROOT_WARNING}result: 20 keys: 20 already gone\n"));
        assert_eq!(count(&sandbox, "GetAccessKeyLastUsed"), 20);
        assert_eq!(count(&sandbox, "ListAccessKeys"), 103);
        // Two pages, listed twice to detect renamed users.
        assert_eq!(count(&sandbox, "ListUsers"), 4);
        assert_eq!(sandbox.keys().len(), 105);
    });
}

#[test]
fn c02_a_thousand_deleted_keys_cost_one_request_each_and_one_index() {
    let sandbox = Sandbox::documented().many_keys(20, 2).start();
    let case = Case::at(&sandbox, FINDS).args(["--jobs", "32"]);
    let printed = case.input(unknown(1000).as_bytes()).run();
    let _ = printed
        .exits(0)
        .prints_outcomes(&[("Missing", 1000)])
        .says_exactly(&format!(
            "{ROOT_WARNING}result: 1000 keys: 1000 already gone\n"
        ));
    assert_eq!(actions(&sandbox).len(), 1000 + 23 + 2);
}

#[test]
fn c02_each_key_gets_the_outcome_that_the_index_shows() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .many_keys(10, 1)
        .start();
    // This ID encodes account 609629065308.
    let foreign = "AKIAY34FZKBOKMUTVV7A";
    let list = format!(
        "{BOBS_KEY}\n{foreign}\n{}\n{ALICE_KEY_ID}\n{}",
        nth_key_id(ACCOUNT, 9),
        unknown(1)
    );
    let printed = Case::at(&sandbox, FINDS)
        .input(list.as_bytes())
        .run()
        .exits(12);
    let output = printed.output().to_owned();
    for row in rows(&output) {
        let expected = match row["AccessKeyId"].as_str().expect("an ID") {
            BOBS_KEY => ("Deleted", Some("Bob")),
            ALICE_KEY_ID => ("Deleted", Some("Alice")),
            id if id == foreign => ("Failed", None),
            id if id == nth_key_id(ACCOUNT, 9) => ("Deleted", Some("user-000010")),
            _ => ("Missing", None),
        };
        let found = (
            row["Outcome"].as_str().expect("an outcome"),
            row.get("UserName").and_then(|name| name.as_str()),
        );
        assert_eq!(found, expected, "{row}");
    }
    let _ = printed
        .prints(&output)
        .says(&["encodes account 609629065308"])
        .ends_with("5 keys: 3 deleted, 1 already gone, 1 failed and not changed");
    assert_eq!(count(&sandbox, "ListAccessKeys"), 13);
}

#[test]
fn c02_if_the_index_cannot_be_read_every_key_fails_and_none_is_missing() {
    let failures = [
        ("ListUsers", What::error(500, "ServiceFailure", "oops"), 5),
        ("ListAccessKeys", What::error(403, "AccessDenied", "no"), 6),
        ("ListAccessKeys", What::ResetBeforeActing, 9),
        (
            "ListUsers",
            What::page(200, "text/html", "<html>Sign in</html>"),
            9,
        ),
    ];
    for (action, what, status) in failures {
        let sandbox = Sandbox::documented().many_keys(10, 1).start();
        sandbox.fault(always(action, what));
        let printed = Case::at(&sandbox, FINDS)
            .args(["--jobs", "64"])
            .env("AWS_MAX_ATTEMPTS", "1")
            .input(unknown(30).as_bytes())
            .run()
            .exits(status);
        let output = printed.output().to_owned();
        // If IAM does not respond, the run ends after a few keys.
        let outcomes = outcomes(&output);
        let is_told =
            |(name, _): &(String, usize)| name == "Failed" || (status == 9 && name == "NotTried");
        assert!(outcomes.iter().all(is_told), "{action}: {outcomes:?}");
        assert_eq!(outcomes.iter().map(|(_, count)| count).sum::<usize>(), 30);
        let _ = printed
            .prints(&output)
            .says(&[": not deleted: "])
            .ends_with(&format!("30 keys: {}", summary(&output)));
        assert!(
            count(&sandbox, action) <= 8,
            "{action}: read once, not once per key"
        );
    }
}

#[test]
fn c02_an_index_that_takes_longer_than_one_keys_limit_is_used() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .many_keys(40, 1)
        .latency(std::time::Duration::from_millis(200))
        .start();
    // 43 lists, one at a time, take more than 8 seconds.
    let known = nth_key_id(ACCOUNT, 39);
    let list = format!("{known}\n{}", unknown(2));
    let printed = Case::at(&sandbox, FINDS)
        .args(["--jobs", "1", "--timeout", "5"])
        .input(list.as_bytes())
        .run()
        .exits(0);
    let _ = printed
        .prints_outcomes(&[("Deleted", 1), ("Missing", 2)])
        .says_exactly(&format!(
            "{ROOT_WARNING}result: 3 keys: 1 deleted, 2 already gone\n"
        ));
    assert!(!sandbox.has_key(&known));
}

#[test]
fn c02_a_signal_ends_the_run_while_the_index_is_built() {
    let sandbox = Sandbox::documented()
        .many_keys(400, 1)
        .latency(std::time::Duration::from_millis(300))
        .start();
    let running = Case::at(&sandbox, FINDS)
        .args(["--jobs", "4"])
        .input(unknown(10).as_bytes())
        .start();
    assert!(sandbox.wait_for_requests(12, SETTLED));
    let sent = std::time::Instant::now();
    running.signal("TERM");
    let printed = running.end().exits(143);
    assert!(sent.elapsed() < SETTLED);
    let _ = printed
        .prints_outcomes(&[("NotTried", 10)])
        .says(&["interrupted"])
        .ends_with("10 keys: 10 not tried");
    assert_eq!(left(&sandbox, 400), 400);
}

#[test]
fn c02_a_condition_is_checked_with_a_list_that_was_read_for_the_key() {
    // The index may be older than the start of the key, so the facts that decide are read again.
    let sandbox = Sandbox::builder()
        .deny("iam:GetAccessKeyLastUsed")
        .key(KeySeed::new("Bob", BOBS_KEY).status(Status::Inactive))
        .start();
    let _ = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--find-user"])
        .args(["--only-inactive", "--jobs", "1"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_exactly("iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE belongs to the user Bob\n");
    let requests = sandbox.requests();
    let lists = requests
        .iter()
        .filter(|request| request.param("UserName") == Some("Bob"));
    let lists: Vec<&str> = lists.map(|request| request.action.as_str()).collect();
    assert_eq!(
        lists,
        ["ListAccessKeys", "ListAccessKeys", "DeleteAccessKey"]
    );
}

#[test]
fn c54_the_owner_of_a_key_is_found_although_the_user_is_renamed_meanwhile() {
    // After the list of users, between two of its pages, and after the user's keys were read.
    let cases = [
        ("ListUsers", "Bob", "Robert"),
        ("ListUsers", "Zoe", "Aaron"),
        ("ListAccessKeys", "Zoe", "Aaron"),
    ];
    each(cases, |(action, name, to)| {
        let sandbox = Sandbox::documented()
            .deny("iam:GetAccessKeyLastUsed")
            .user_key("Zoe", &nth_key_id(ACCOUNT, 1))
            .page_size(2)
            .start();
        let id = match name {
            "Bob" => BOBS_KEY.to_owned(),
            _ => nth_key_id(ACCOUNT, 1),
        };
        sandbox.fault(renamed_after(action, name, to));
        let list = format!("{id}\n{}", unknown(1));
        let printed = Case::at(&sandbox, FINDS)
            .args(["--jobs", "1"])
            .input(list.as_bytes())
            .run()
            .exits(0);
        let output = printed.output().to_owned();
        assert_eq!(
            outcomes(&output),
            [("Deleted".to_owned(), 1), ("Missing".to_owned(), 1)],
            "{action}: {name} to {to}"
        );
        assert!(output.contains(&format!("\"UserName\":\"{to}\"")));
        let _ = printed.prints(&output).says_exactly(&format!(
            "{ROOT_WARNING}result: 2 keys: 1 deleted, 1 already gone\n"
        ));
        assert!(!sandbox.has_key(&id));
    });
}

#[test]
fn c54_no_key_is_called_missing_if_the_list_of_users_never_settles() {
    let gone = What::error(
        404,
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
    );
    let one = "not deleted: no request to change it was sent to IAM";
    let two = "2 keys: 2 failed and not changed";
    each([(true, one), (false, two)], |(single, known)| {
        let sandbox = Sandbox::documented().start();
        sandbox.fault(
            Fault::new(gone.clone())
                .on("ListAccessKeys")
                .of_user("Bob")
                .always(),
        );
        let id = nth_key_id(ACCOUNT, 500_000);
        let case = if single {
            let args = ["--access-key-id", &id, "--find-user", "--ignore-missing"];
            Case::at(&sandbox, args)
        } else {
            Case::at(&sandbox, FINDS).input(unknown(2).as_bytes())
        };
        let printed = case.run().exits(1);
        let output = printed.output().to_owned();
        for row in rows(&output) {
            assert_eq!(row["Outcome"], "Failed");
        }
        let _ = printed
            .prints(&output)
            .says(&[
                "the users changed while they were listed: ListUsers showed the user ",
                ", and ListAccessKeys found no such user (5 lists)",
            ])
            .ends_with(known);
        assert_eq!(count(&sandbox, "ListUsers"), 5);
    });
}

#[test]
fn c02_the_index_serves_every_option_that_looks_up_owners() {
    let old = iam_sandbox::documented::ALICE_OLD_KEY_ID;
    let list = format!("{BOBS_KEY}\n{old}\n{}", unknown(1));
    let denied = || {
        Sandbox::documented()
            .deny("iam:GetAccessKeyLastUsed")
            .start()
    };
    // Options, the final counts, and how many lists of keys are read beyond the three users of the index.
    let cases = [
        (
            &["--except-user", "b*"][..],
            "1 deleted, 1 already gone, 1 skipped",
            0,
        ),
        (
            &["--older-than", "500d"],
            "1 deleted, 1 already gone, 1 skipped",
            2,
        ),
        (
            &["--deactivate"],
            "1 deactivated, 1 already gone, 1 already inactive",
            2,
        ),
        (
            &["--dry-run"],
            "2 would be deleted, 1 already gone; this was a dry run",
            0,
        ),
    ];
    each(cases, |(args, ends, more_lists)| {
        let sandbox = denied();
        let printed = Case::at(&sandbox, FINDS)
            .args(args.iter().copied())
            .input(list.as_bytes())
            .run();
        let printed = printed.exits(0);
        let _ = printed
            .prints_anything()
            .says(&["result: "])
            .ends_with(&format!("3 keys: {ends}"));
        assert_eq!(
            count(&sandbox, "ListAccessKeys"),
            3 + more_lists,
            "{args:?}"
        );
    });
}

#[test]
fn c02_a_resumed_run_builds_its_own_index() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("done.jsonl");
    let run = |list: &str| {
        let case = Case::at(&sandbox, FINDS).args(["--journal"]);
        let printed = case.args([&journal]).input(list.as_bytes()).run().exits(0);
        let said = printed.prints_anything();
        let last = said
            .messages()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned();
        let _ = said.says(&["result: "]);
        last
    };
    let list = format!("{BOBS_KEY}\n{}", unknown(2));
    assert_eq!(run(&list), "result: 3 keys: 1 deleted, 2 already gone");
    let users = count(&sandbox, "ListUsers");
    let list = format!("{list}{ALICE_KEY_ID}\n");
    assert_eq!(
        run(&list),
        "result: 4 keys: 1 deleted, 2 already gone, 1 finished by an earlier run"
    );
    assert_eq!(count(&sandbox, "ListUsers"), 2 * users);
}

#[test]
fn c02_an_error_that_ends_a_run_ends_it_during_the_index_too() {
    let cases = [
        (
            What::error(403, "ExpiredToken", "expired"),
            7,
            "1 failed and not changed, 19 not tried",
        ),
        (
            What::error(400, "Throttling", "Rate exceeded"),
            8,
            "1 failed and not changed, 19 not tried",
        ),
    ];
    each(cases, |(what, status, counts)| {
        let sandbox = Sandbox::documented().many_keys(10, 1).start();
        sandbox.fault(Fault::new(what).on("ListAccessKeys").skip(3).always());
        let printed = Case::at(&sandbox, FINDS)
            .args(["--jobs", "1", "--timeout", "4"])
            .input(unknown(20).as_bytes())
            .run()
            .exits(status);
        let _ = printed
            .prints_anything()
            .says(&[": not deleted: "])
            .ends_with(&format!("20 keys: {counts}"));
    });
}
