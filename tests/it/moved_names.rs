//! Sweeps of an account whose users have just swapped names or lost keys, while lists lag.

use std::time::Duration;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{Case, documented, each, once};
use crate::journal::{ACCOUNT, Kept};
use crate::response::{END, keys, lagging, member, result, xml};

const SWEEP: [&str; 5] = [
    "--whole-account",
    "--only-inactive",
    "--yes",
    "--expect-account",
    ACCOUNT,
];

fn user(name: &str) -> String {
    format!(
        "<member><UserName>{name}</UserName><Path>/</Path><UserId>AIDA{name}</UserId>\
         <Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
    )
}

/// The first responses show the keys of each user's old name.
fn listed(sandbox: &Sandbox, user: &str, before: &str, after: &str) {
    let list = |members: &str| Fault::new(xml(keys(members, END))).on("ListAccessKeys");
    let lagging = list(before).of_user(user);
    sandbox.fault(lagging.lasts(Duration::from_secs(1)));
    sandbox.fault(list(after).of_user(user).always());
}

#[test]
fn a_key_in_the_lists_of_two_users_shows_that_their_names_moved() {
    let [bobs, zoes] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", &bobs).status(Status::Inactive))
        .key(KeySeed::new("Zoe", &zoes).status(Status::Inactive))
        .start();
    let [of_zoe, of_bob] =
        [(&zoes, "Bob"), (&bobs, "Bob")].map(|(id, user)| member(id, user, "Inactive"));
    listed(&sandbox, "Bob", &of_zoe, &of_bob);
    let own = member(&zoes, "Zoe", "Inactive");
    listed(&sandbox, "Zoe", &own, &own);
    let said = Case::at(&sandbox, SWEEP).run().exits(0);
    let _ = said
        .prints_outcomes(&[("Deleted", 2)])
        .says(&["3 users checked"]);
}

/// Dan has become Yan, and Zoe has become Dan. If one list is fresh and another lags, no list shows the key of the new Dan. The
/// run waits until no list lags.
#[test]
fn names_that_moved_just_before_the_run_hide_no_key() {
    let id = nth_key_id(ACCOUNT, 1);
    let find = ["--access-key-id", &id, "--find-user", "--ignore-missing"];
    for args in [&SWEEP[..], &find] {
        each(["keys", "users"], |stale| {
            let sandbox = Sandbox::builder()
                .user("Dan")
                .key(KeySeed::new("Zoe", &id).status(Status::Inactive))
                .deny("iam:GetAccessKeyLastUsed")
                .start();
            sandbox.rename_user("Dan", "Yan");
            sandbox.rename_user("Zoe", "Dan");
            let list = |what| lagging("ListAccessKeys", what);
            if stale == "keys" {
                let no_user = What::error(404, "NoSuchEntity", "The user cannot be found.");
                sandbox.fault(list(no_user).of_user("Yan"));
                sandbox.fault(list(xml(keys("", END))).of_user("Dan"));
            } else {
                let users: String = ["Dan", "Zoe"].map(user).concat();
                let users = result("ListUsers", &format!("<Users>{users}</Users>{END}"));
                sandbox.fault(lagging("ListUsers", xml(users)));
                sandbox.fault(list(xml(keys("", END))).of_user("Zoe"));
            }
            let said = Case::at(&sandbox, args.iter().copied()).run().exits(0);
            let _ = said.prints_anything();
            assert!(!sandbox.has_key(&id), "{args:?}");
        });
    }
}

#[test]
fn a_key_that_was_deleted_just_before_does_not_end_a_sweep() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", &nth_key_id(ACCOUNT, 3)))
        .start();
    listed(
        &sandbox,
        "Bob",
        &member(&nth_key_id(ACCOUNT, 4), "Bob", "Active"),
        "",
    );
    let sweep = [
        "--whole-account",
        "--unused-for=1d",
        "--except-user=admin",
        "--dry-run",
    ];
    let said = Case::at(&sandbox, sweep).run().exits(0).prints_nothing();
    let _ = said.says(&["nothing to do: 1 key was checked, and it does not meet the conditions"]);
}

/// IAM may briefly not know a new key, although a list has it.
#[test]
fn a_key_that_iam_does_not_know_yet_is_not_called_deleted_by_a_sweep() {
    let sandbox = documented();
    let unknown = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    sandbox.fault(once("GetAccessKeyLastUsed", unknown));
    let sweep = ["--user-name", "Bob", "--all-keys", "--yes", "--unused-for"];
    let said = Case::at(&sandbox, sweep).args(["1d"]).run().exits(0);
    let _ = said
        .prints_outcomes(&[("Deleted", 1)])
        .says(&["1 key: 1 deleted"]);
}

/// Amy and Bob swap names during the deletion of Bob's key. Then the list of that name is Amy's, and IAM denies owner lookups.
fn exchanged(amys: &str, bobs: &str, is_lost: bool) -> Sandbox {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Amy", amys))
        .key(KeySeed::new("Bob", bobs).status(Status::Inactive))
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    let lists = |id, status| Fault::new(xml(keys(&member(id, "Bob", status), END)));
    let lists = |id, status| lists(id, status).on("ListAccessKeys").of_user("Bob");
    sandbox.fault(lists(bobs, "Inactive"));
    sandbox.fault(lists(amys, "Active").always());
    let delete = |what| Fault::new(what).on("DeleteAccessKey");
    if is_lost {
        sandbox.fault(delete(What::ResetBeforeActing));
    }
    let gone = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    sandbox.fault(delete(gone).always());
    sandbox
}

#[test]
fn the_list_of_a_user_who_has_another_name_now_proves_nothing() {
    let [amys, bobs] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let find = ["--access-key-id", &bobs, "--find-user", "--jobs", "1"];
    let missing = [&find[..], &["--ignore-missing"]].concat();
    let sweep = [&SWEEP[..], &["--jobs", "1"]].concat();
    for (args, is_lost, status) in [
        (&find[..], true, 10),
        (&missing, true, 10),
        (&missing, false, 3),
        (&sweep, true, 10),
    ] {
        let sandbox = exchanged(&amys, &bobs, is_lost);
        let said = Case::at(&sandbox, args.iter().copied()).run().exits(status);
        let _ = said.prints_anything();
        assert!(sandbox.has_key(&bobs), "{args:?}");
    }
}

/// The list that the first run saw counts for the next run too.
#[test]
fn the_next_run_does_not_take_the_list_of_a_name_that_moved_as_proof_either() {
    let [amys, bobs] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let named = [
        "--access-key-id",
        &bobs,
        "--user-name",
        "Bob",
        "--older-than",
        "1d",
    ];
    let of_user = [
        "--user-name",
        "Bob",
        "--all-keys",
        "--yes",
        "--older-than",
        "9999d",
    ];
    for (first, next) in [(&named[..], &named[..]), (&named, &of_user)] {
        let sandbox = exchanged(&amys, &bobs, true);
        let kept = Kept::new("");
        for args in [first, next] {
            let case = Case::at(&sandbox, args.iter().copied()).args(["--journal"]);
            let ended = case.args([kept.path()]).run().exits(10);
            let _ = ended.prints_outcomes(&[("Unknown", 1)]).says(&["unknown"]);
        }
    }
}

/// Bob has a key, and IAM denies owner lookups.
fn amy_and_bob(id: &str) -> Sandbox {
    Sandbox::builder()
        .user("Amy")
        .key(KeySeed::new("Bob", id))
        .deny("iam:GetAccessKeyLastUsed")
        .start()
}

/// The next deletion gets no response, and then `NoSuchEntity`.
fn lose(sandbox: &Sandbox) {
    let gone = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
    sandbox.fault(once("DeleteAccessKey", gone));
}

/// Bob has become Zoe, and a run that sees this in the list changes nothing. After that, the list of the new Bob proves nothing.
#[test]
fn a_key_that_iam_listed_for_its_owners_new_name_is_not_deleted_for_the_old_one() {
    let id = nth_key_id(ACCOUNT, 1);
    each([false, true], |is_killed| {
        let sandbox = amy_and_bob(&id);
        let kept = Kept::new("");
        let run = |name, age| {
            let key = ["--access-key-id", &id, "--user-name", name, "--older-than"];
            let case = Case::at(&sandbox, key).args([age, "--journal"]);
            case.args([kept.path()])
        };
        lose(&sandbox);
        let _ = run("Bob", "1d").run().exits(10).prints_anything();
        sandbox.rename_user("Bob", "Zoe");
        sandbox.rename_user("Amy", "Bob");
        if is_killed {
            lose(&sandbox);
        }
        let age = if is_killed { "1d" } else { "9999d" };
        let _ = run("Zoe", age).run().exits(10).prints_anything();
        let listed = format!("\"{id}\",\"UserName\":\"Zoe\"");
        assert!(kept.journal().contains(&listed), "{}", kept.journal());
        let _ = run("Bob", "1d").run().exits(10).prints_anything();
        let of_zoe = run("Zoe", "1d").run().exits(0);
        let _ = of_zoe.prints("{\"ResponseMetadata\":{}}\n").says_nothing();
        assert!(!sandbox.has_key(&id));
    });
}

/// A run says that the key belongs to another user. The next run cannot look up that user.
#[test]
fn a_key_that_belonged_to_another_user_is_not_deleted_for_the_named_one() {
    let id = nth_key_id(ACCOUNT, 1);
    each([&[][..], &["--older-than", "1d"]], |more| {
        let sandbox = amy_and_bob(&id);
        let swap = || {
            for (name, to) in [("Amy", "Eve"), ("Bob", "Amy"), ("Eve", "Bob")] {
                sandbox.rename_user(name, to);
            }
        };
        let kept = Kept::new("");
        let key = ["--access-key-id", &id, "--user-name", "Bob", "--journal"];
        let run = |more: &[&str]| {
            let case = Case::at(&sandbox, key).args([kept.path()]);
            case.args(more.iter().copied()).run()
        };
        lose(&sandbox);
        let _ = run(&["--older-than", "1d"]).exits(10).prints_anything();
        swap();
        sandbox.allow("iam:GetAccessKeyLastUsed");
        let of_amy = run(more).exits(3).prints_anything();
        let _ = of_amy.says(&["not deleted: it belongs to the user Amy"]);
        let journal = kept.journal();
        assert!(journal.contains("\"ReportedOwner\":\"Amy\""), "{journal}");
        sandbox.deny("iam:GetAccessKeyLastUsed");
        let _ = run(more).exits(10).prints_anything();
        swap();
        let deleted = run(more).exits(0);
        let _ = deleted.prints("{\"ResponseMetadata\":{}}\n").says_nothing();
    });
}

#[test]
fn a_key_that_an_earlier_run_listed_for_someone_else_is_not_presumed_deleted() {
    let id = nth_key_id(ACCOUNT, 1);
    let sandbox = amy_and_bob(&id);
    let kept = Kept::new("");
    let run = |name| {
        let case = Case::at(&sandbox, ["--access-key-id", &id, "--user-name", name]);
        case.args(["--journal"]).args([kept.path()])
    };
    let skipped = run("Bob").args(["--older-than", "9000d"]).run();
    let _ = skipped.exits(11).prints_anything();
    lose(&sandbox);
    let unknown = run("Amy").run().exits(10).prints_outcome("Unknown");
    let _ = unknown.says(&["unknown: the response to an earlier attempt was lost"]);
    let missing = run("Amy").args(["--ignore-missing"]).run().exits(10);
    let _ = missing.prints_anything().says(&["unknown"]);
    let _ = run("Bob").run().exits(0).prints_anything();
    assert!(!sandbox.has_key(&id));
}

/// The lists of all users are still proof after the name moved.
#[test]
fn a_key_that_no_user_has_is_deleted_although_the_name_of_its_owner_moved() {
    let [amys, bobs] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let sandbox = exchanged(&amys, &bobs, true);
    let kept = Kept::new("");
    let key = ["--access-key-id", &bobs, "--journal"];
    let named = Case::at(&sandbox, key).args([kept.path()]);
    let named = named.args(["--user-name", "Bob", "--older-than", "1d"]);
    let _ = named.run().exits(10).prints_anything();
    // The request whose response is lost acts.
    sandbox.remove_key(&bobs);
    sandbox.clear_faults();
    let found = Case::at(&sandbox, key).args([kept.path()]);
    let found = found.args(["--find-user", "--output", "json"]);
    let said = found.run().exits(0).prints("{\"ResponseMetadata\":{}}\n");
    assert!(!kept.journal().contains("\"Deleted\",\"OwnerUnchecked\""));
    let _ = said.says(&["IAM does not list the key for any user in the account"]);
}

/// The same command would change the keys of the user who has the name now.
#[test]
fn no_hint_says_to_run_the_same_command_for_a_name_that_may_have_moved() {
    let [amys, bobs] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let find = format!(
        "to find the key's owner: iam-del-key --access-key-id {bobs} --find-user --dry-run\n"
    );
    let again = "hint: to continue, make sure that Bob is still the same user, and then run the same command again\n";
    each(
        [(false, 3, ""), (true, 10, again)],
        |(is_lost, status, again)| {
            let sandbox = exchanged(&amys, &bobs, is_lost);
            let case = Case::at(&sandbox, ["--user-name", "Bob", "--all-keys", "--yes"]);
            let said = case.run().exits(status).prints_anything();
            let hint = "hint: for keys that were not found: the key was deleted or the user renamed since IAM listed it; ";
            let (_, hints) = said.messages().split_once(hint).expect("a hint");
            let (hints, _) = hints.split_once("result: ").expect("a result");
            assert_eq!(hints, format!("{find}{again}"));
        },
    );
}
