//! No user is locked out: the signing key stays, and so do the keys that signed for its role.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET};
use iam_sandbox::{Fault, KeySeed, Recorded, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, always, documented, each, faulty};
use crate::credentials::{LATER, json};
use crate::journal::{ACCOUNT, Kept};
use crate::many::{crowd, from_stdin, outcomes};
use crate::renewal::{expired, next_key, renewed};

#[test]
fn f34_a_sweep_never_changes_the_signing_key() {
    let sandbox = documented();
    let spare = nth_key_id(ACCOUNT, 3);
    sandbox.add_key(KeySeed::new("admin", &spare));
    let _ = Case::at(&sandbox, ["--user-name", "admin", "--all-keys", "--yes"])
        .run()
        .exits(12)
        .prints_outcomes(&[("Deleted", 1), ("Refused", 1)])
        .says(&["you would lock yourself out"])
        .ends_with("1 deleted, 1 refused");
    assert!(sandbox.has_key(ADMIN_KEY_ID) && !sandbox.has_key(&spare));
}

#[test]
fn a_list_with_only_the_signing_key_says_how_to_allow_it() {
    let sandbox = documented();
    let list = format!("{ADMIN_KEY_ID}\n");
    let said = from_stdin(&sandbox, &list, &[]).run().exits(11);
    let _ = said.prints_outcomes(&[("Refused", 1)]).says_exactly(&format!(
        "iam-del-key: warning: {ADMIN_KEY_ID} belongs to your own credentials: you would lock yourself out\n\
         hint: use other credentials (--profile NAME), or add --allow-self\n\
         result: 1 key: 1 refused\n"
    ));
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

/// The commands in the messages about other keys run after the signing key was changed.
#[test]
fn the_other_keys_of_a_list_with_the_signing_key_are_checked_with_other_credentials() {
    let sandbox = faulty([always("DeleteAccessKey", What::ResetBeforeActing).of_user("Bob")]);
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ADMIN_KEY_ID},admin\n");
    let said = from_stdin(&sandbox, &list, &["--allow-self", "--timeout", "2"]).run();
    let said = said
        .exits(12)
        .prints_outcomes(&[("Deleted", 1), ("Unknown", 1)]);
    let host = sandbox.url().replace("http://", "");
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: {BOBS_KEY}: no usable response from IAM at {host}: the connection was reset; unknown: the request was \
         sent and no usable response arrived; IAM still lists the key\n\
         hint: if this run changes your own key, other credentials are needed; check with: aws iam list-access-keys --user-name=Bob\n\
         hint: to continue, use other credentials, and then run the same command again with --ignore-missing\n\
         result: 2 keys: 1 deleted, 1 unknown\n"
    ));
}

/// The possible places of the key of the profile `base`.
fn bases(sandbox: &Sandbox) -> [(String, String); 4] {
    let key =
        format!("aws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n");
    let role = format!("role_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\n");
    let answer = json(&sandbox.admin(), LATER);
    [
        (
            format!("source_profile = base\n[profile base]\n{key}"),
            String::new(),
        ),
        (
            "source_profile = base\n[profile base]\ncredential_process = sh -c 'cat $HOME/answer.json'\n"
                .to_owned(),
            answer,
        ),
        (
            "credential_source = Environment\n".to_owned(),
            String::new(),
        ),
        (
            format!(
                "source_profile = middle\n[profile middle]\n{role}source_profile = base\n[profile base]\n{key}"
            ),
            String::new(),
        ),
    ]
}

#[test]
fn f34_a_role_never_changes_the_key_that_it_was_assumed_with() {
    let sandbox = documented();
    each(bases(&sandbox), |(base, answer)| {
        let config =
            format!("[profile role]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\n{base}");
        let role = |args: &[&str]| {
            let case = Case::at(&sandbox, args)
                .file(".aws/config", &config)
                .file("answer.json", &answer)
                .args(["--profile", "role"]);
            if base.contains("Environment") {
                case
            } else {
                case.without_credentials()
            }
        };
        let _ = role(&["--user-name", "admin", "--all-keys", "--yes"])
            .run()
            .exits(11)
            .prints_outcomes(&[("Refused", 1)])
            .says(&["you would lock yourself out"])
            .ends_with("1 key: 1 refused");
        let _ = role(&["--user-name", "admin", "--access-key-id", ADMIN_KEY_ID])
            .run()
            .exits(11)
            .prints_outcome("Refused")
            .says(&["--allow-self"])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert!(sandbox.has_key(ADMIN_KEY_ID));
    });
}

#[test]
fn f34_a_sweep_as_root_changes_the_users_keys_and_never_its_own() {
    let sandbox = documented();
    let root = sandbox.root();
    let printed = Case::at(
        &sandbox,
        [
            "--whole-account",
            "--older-than",
            "1d",
            "--yes",
            "--expect-account",
            ACCOUNT,
        ],
    )
    .env("AWS_ACCESS_KEY_ID", &root.access_key_id)
    .env("AWS_SECRET_ACCESS_KEY", &root.secret_access_key)
    .run()
    .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 5)], "{output}");
    assert!(!output.contains(&root.access_key_id), "{output}");
    let _ = printed
        .prints(&output)
        .says(&["of 3 users checked"])
        .ends_with("5 keys: 5 deleted; root user keys are not included");
    let taken = |request: &Recorded| request.param("AccessKeyId") == Some(&root.access_key_id);
    assert!(!sandbox.requests().iter().any(taken));
}

#[test]
fn f34_the_key_of_an_unused_profile_is_not_the_signing_key() {
    let sandbox = documented();
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\nsource_profile = base\n\
         [profile base]\naws_access_key_id = {BOBS_KEY}\naws_secret_access_key = {ADMIN_SECRET}\n"
    );
    let _ = Case::documented(&sandbox, &[])
        .file(".aws/config", config)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// IAM says once that the credentials have expired, for a request to delete or deactivate a key of this user.
fn expires_on(sandbox: &Sandbox, action: &str, user: &str) {
    sandbox.fault(Fault::new(expired()).on(action).of_user(user));
}

/// A list with a second key of the administrator. A credential process prints that key in its second call.
fn with_next_key(sandbox: &Sandbox, list: &str, args: &[&str]) -> (String, Case) {
    let credentials = next_key(sandbox);
    let answer = json(&credentials, LATER);
    let next = credentials.access_key_id;
    let mut lines: Vec<&str> = list.lines().collect();
    let line = format!("{next},admin");
    lines.insert(2, &line);
    let list = format!("{}\n", lines.join("\n"));
    let case = renewed(from_stdin(sandbox, &list, args), &sandbox.admin(), &answer);
    (next, case)
}

/// The keys that signed the requests to change a key.
fn signers(sandbox: &Sandbox, id: &str) -> Vec<Option<String>> {
    let requests = sandbox.requests().into_iter();
    let of_key = requests.filter(|request| {
        ["DeleteAccessKey", "UpdateAccessKey"].contains(&request.action.as_str())
            && request.param("AccessKeyId") == Some(id)
    });
    of_key.map(|request| request.key_id).collect()
}

#[test]
fn f34_a_key_whose_own_request_renews_the_credentials_to_it_stays() {
    for (option, action, outcome) in [
        ("--yes", "DeleteAccessKey", "Deleted"),
        ("--deactivate", "UpdateAccessKey", "Deactivated"),
    ] {
        for error_format in ["text", "json"] {
            let (sandbox, list) = crowd(4);
            expires_on(&sandbox, action, "admin");
            let args = [option, "--jobs", "1", "--error-format", error_format];
            let (next, case) = with_next_key(&sandbox, &list, &args);
            let _ = case
                .run()
                .exits(12)
                .prints_outcomes(&[(outcome, 4), ("Refused", 1)])
                .says(&["you would lock yourself out"]);
            let first = Some(ADMIN_KEY_ID.to_owned());
            assert_eq!(signers(&sandbox, &next), [first], "{option}");
            assert!(sandbox.has_key(&next));
        }
    }
}

#[test]
fn f34_a_signing_key_that_an_earlier_run_started_to_change_stays_unknown() {
    let (sandbox, list) = crowd(4);
    expires_on(&sandbox, "DeleteAccessKey", "admin");
    let (next, case) = with_next_key(&sandbox, &list, &["--yes", "--jobs", "1"]);
    let kept = Kept::new("");
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"{ACCOUNT}\"}}\n\
         {{\"AccessKeyId\":\"{next}\",\"UserName\":\"admin\",\"Intent\":\"delete\",\"Time\":\"t\"}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    let case = case.args(["--journal"]).args([kept.path()]);
    let _ = case.run().exits(12).prints_outcomes(&[("Deleted", 4), ("Unknown", 1)])
        .says(&[
            "this run did not change it: it belongs to your own credentials; unknown: an earlier run started to change it",
        ])
        .ends_with("5 keys: 4 deleted, 1 unknown");
    assert_eq!(signers(&sandbox, &next).len(), 1, "sent once");
    assert!(sandbox.has_key(&next));
    // The record that IAM listed the key may later prove what happened to it.
    assert_eq!(kept.results()[&next], "Unknown");
    let ends = "\"Status\":\"Active\",\"Unfinished\":1}\n";
    assert!(kept.journal().contains(ends), "{}", kept.journal());
}

#[test]
fn f34_an_earlier_response_of_iam_about_a_signing_key_is_printed() {
    let (sandbox, list) = crowd(4);
    let error = What::error(500, "ServiceFailure", "oops");
    sandbox.fault(Fault::new(error).on("DeleteAccessKey").of_user("admin"));
    expires_on(&sandbox, "DeleteAccessKey", "admin");
    let (next, case) = with_next_key(&sandbox, &list, &["--yes", "--jobs", "1"]);
    let printed = case.run().exits(12);
    let output = printed.output().to_owned();
    let row = crate::many::rows(&output)
        .into_iter()
        .find(|row| row["AccessKeyId"] == next.as_str())
        .expect("its row");
    assert_eq!(row["Outcome"], "Unknown", "{row}");
    assert!(row["RequestId"].is_string(), "{row}");
    let _ = printed.prints(&output).says_exactly(&format!(
        "iam-del-key: error: {next}: the request was not sent again because the key now belongs to your own credentials; \
         before that: An error occurred (ExpiredToken) when calling the DeleteAccessKey operation: The security token \
         included in the request is expired; unknown: an earlier attempt returned an error although IAM may have acted; IAM still lists the key\n\
         hint: check with: aws iam list-access-keys --user-name=admin\n\
         hint: use other credentials (--profile NAME), or add --allow-self\n\
         hint: to continue, run the same command again with --ignore-missing\n\
         result: 5 keys: 4 deleted, 1 unknown\n"
    ));
    assert!(sandbox.has_key(&next));
}

#[test]
fn f34_with_allow_self_the_request_is_sent_again() {
    let (sandbox, list) = crowd(4);
    expires_on(&sandbox, "DeleteAccessKey", "admin");
    let args = ["--yes", "--jobs", "1", "--allow-self"];
    let (next, case) = with_next_key(&sandbox, &list, &args);
    let _ = case.run();
    let both = [ADMIN_KEY_ID, &next].map(|id| Some(id.to_owned()));
    assert_eq!(signers(&sandbox, &next), both);
    assert!(!sandbox.has_key(&next));
}

/// The credentials expire while a key is changed, so that both keys of the administrator sign in this run.
#[test]
fn f34_with_allow_self_the_key_that_signs_last_is_changed_last() {
    let (sandbox, list) = crowd(4);
    expires_on(&sandbox, "DeleteAccessKey", "user-000001");
    let args = ["--yes", "--jobs", "1", "--allow-self"];
    let list = list + ADMIN_KEY_ID + ",admin\n";
    let (next, case) = with_next_key(&sandbox, &list, &args);
    let ended = case.run().exits(0);
    let _ = ended.prints_outcomes(&[("Deleted", 6)]);
    let next = Some(next);
    assert!(signers(&sandbox, ADMIN_KEY_ID).iter().eq([&next]));
    let requests = sandbox.requests();
    let end = requests.last().expect("a request");
    assert_eq!(end.param("AccessKeyId"), next.as_deref());
}

#[test]
fn f34_a_key_to_which_another_keys_request_renews_the_credentials_stays() {
    let (sandbox, list) = crowd(4);
    expires_on(&sandbox, "DeleteAccessKey", "user-000004");
    let reset = Fault::new(What::ResetBeforeActing).on("DeleteAccessKey");
    sandbox.fault(reset.of_user("admin").always());
    let (next, case) = with_next_key(&sandbox, &list, &["--yes", "--jobs", "2"]);
    let _ = case
        .run()
        .exits(12)
        .prints_outcomes(&[("Deleted", 4), ("Unknown", 1)])
        .says(&[
            "the request was not sent again because the key now belongs to your own credentials",
            "the request was sent and no usable response arrived; IAM still lists the key",
        ])
        .ends_with("5 keys: 4 deleted, 1 unknown");
    let first = Some(ADMIN_KEY_ID.to_owned());
    let signers = signers(&sandbox, &next);
    assert!(signers.iter().all(|id| *id == first), "{signers:?}");
    assert!(sandbox.has_key(&next));
}

#[test]
fn f34_a_key_with_which_a_role_is_assumed_again_stays() {
    let (sandbox, list) = crowd(4);
    expires_on(&sandbox, "DeleteAccessKey", "admin");
    let args = ["--yes", "--jobs", "1", "--profile", "role"];
    let (next, case) = with_next_key(&sandbox, &list, &args);
    let script = case.path("process.sh").display().to_string();
    let config = format!(
        "[profile role]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\nsource_profile = base\n\
         [profile base]\ncredential_process = sh {script}\n"
    );
    let _ = case
        .file(".aws/config", config)
        .run()
        .exits(12)
        .prints_outcomes(&[("Deleted", 4), ("Refused", 1)])
        .says(&["you would lock yourself out"])
        .ends_with("5 keys: 4 deleted, 1 refused");
    assert_eq!(signers(&sandbox, &next).len(), 1, "sent once");
    assert!(sandbox.has_key(&next));
}
