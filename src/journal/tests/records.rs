//! What is recorded about a key that an earlier run started to change.

use super::*;
use crate::error::tests::service_error;
use crate::error::{CallError, Exit};
use crate::ident::UserName;
use crate::outcome::{Check, ResponseMetadata};

const HEAD: &str = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"111111111111\"}\n";

/// An intent to delete the key. `status` is that in the list of its owner, if IAM listed it.
fn intent(owner: &str, status: Option<&str>) -> String {
    let mut record = json!({
        "AccessKeyId": "AKIDPMS9RO4H3FEXAMPLE",
        "UserName": owner,
        "Intent": "delete",
        "Time": "2026-01-01T00:00:00Z",
    });
    if let Some(status) = status {
        record["Status"] = json!(status);
    }
    format!("{record}\n")
}

/// A journal with this record.
fn journal_of(record: &str) -> (Folder, Journal) {
    let folder = Folder::containing(&format!("{HEAD}{record}"));
    let journal = folder.start(Action::Delete);
    (folder, journal)
}

fn bob() -> UserName {
    "Bob".parse().expect("a name")
}

fn done() -> Outcome {
    Outcome::Done {
        response: None,
        evidence: Some("an earlier run started this".to_owned()),
        failure: None,
    }
}

fn unknown() -> Outcome {
    Outcome::Stopped {
        exit: Exit::Interrupted,
        known: KeyState::started_earlier().with_check(Check::List),
        failure: None,
    }
}

fn failed() -> Outcome {
    let failure = CallError::Service(service_error(Some("LimitExceeded"), 409, ""));
    Outcome::not_done(failure, "IAM refused the request")
}

#[test]
fn a_result_without_a_request_is_about_what_an_earlier_run_started() {
    for (earlier, outcome, attempts, is_open, expected) in [
        // The owner of the earlier request counts, and a record that ends it does not say that it is open.
        (
            true,
            done(),
            0,
            false,
            ("Deleted", Some("Bob"), None, false),
        ),
        (true, done(), 1, true, ("Deleted", None, None, false)),
        (
            true,
            unknown(),
            0,
            false,
            ("NotTried", None, Some(1), false),
        ),
        (true, unknown(), 1, true, ("Unknown", None, Some(1), false)),
        // IAM answered the request of this run.
        (true, unknown(), 1, false, ("Unknown", None, Some(1), true)),
        // The earlier request, or this run's own one, may still act for another owner.
        (true, failed(), 0, false, ("Failed", None, Some(1), false)),
        (true, failed(), 1, true, ("Failed", None, Some(2), false)),
        (false, unknown(), 0, false, ("NotTried", None, None, false)),
        (false, failed(), 1, false, ("Failed", None, None, false)),
    ] {
        let record = if earlier {
            intent("Bob", None)
        } else {
            String::new()
        };
        let (folder, journal) = journal_of(&record);
        let said = format!("{outcome:?}, {attempts}, {is_open}");
        let result = KeyResult {
            attempts,
            is_open,
            ..result(Action::Delete, outcome)
        };
        wait(journal.record_result(&result, None, AT)).expect("a record");
        let text = folder.text();
        let last = text.lines().last().expect("a record");
        let last: Value = serde_json::from_str(last).expect("JSON");
        let found = (
            last["Outcome"].as_str().expect("an outcome"),
            last["UserName"].as_str(),
            last["Unfinished"].as_u64(),
            last["Answered"] == true,
        );
        assert_eq!(found, expected, "{said}");
    }
}

/// What IAM confirmed before stays recorded if it refuses the next request.
#[test]
fn a_confirmed_change_of_a_status_is_unknown_only_if_a_request_may_still_act() {
    for (attempts, is_open, expected) in [
        (0, false, "NotTried"),
        (1, false, "NotTried"),
        (1, true, "Unknown"),
    ] {
        let confirmed = "{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":null,\"Outcome\":\"Deactivated\"}\n";
        let folder = Folder::containing(&(HEAD.replace("delete", "deactivate") + confirmed));
        let journal = folder.start(Action::Deactivate);
        let result = KeyResult {
            attempts,
            is_open,
            ..result(Action::Deactivate, unknown())
        };
        wait(journal.record_result(&result, None, AT)).expect("a record");
        let text = folder.text();
        let last = text.lines().last().expect("a record");
        let last: Value = serde_json::from_str(last).expect("JSON");
        assert_eq!(last["Outcome"], expected, "{attempts} {is_open}");
    }
}

#[test]
fn an_owner_whom_iam_did_not_confirm_is_recorded_as_unchecked() {
    let unknown = |check| Outcome::Stopped {
        exit: Exit::Interrupted,
        known: KeyState::started_earlier().with_check(check),
        failure: None,
    };
    for (outcome, expected) in [
        (unknown(Check::Owner), true),
        (unknown(Check::List), false),
        (failed(), false),
        (done(), false),
    ] {
        let (folder, journal) = journal_of("");
        let result = result(Action::Delete, outcome);
        wait(journal.record_result(&result, None, AT)).expect("a record");
        let has_member = folder.text().contains("\"OwnerUnchecked\":true");
        assert_eq!(has_member, expected, "{:?}", result.outcome);
    }
}

#[test]
fn a_status_is_recorded_while_it_can_prove_something() {
    for (outcome, status, expected) in [
        (unknown(), Some(Status::Active), Some("Active")),
        (unknown(), None, None),
        (done(), Some(Status::Active), None),
    ] {
        let (folder, journal) = journal_of("");
        let mut result = result(Action::Delete, outcome);
        result.metadata.owner = Some(bob());
        result.metadata.status = status;
        wait(journal.record_result(&result, None, AT)).expect("a record");
        let text = folder.text();
        let last = text.lines().last().expect("a record");
        let last: Value = serde_json::from_str(last).expect("JSON");
        assert_eq!(last["Status"].as_str(), expected, "{text}");
    }
}

#[test]
fn only_a_listing_that_no_record_has_yet_is_missing_from_the_journal() {
    let no_status = || result(Action::Delete, unknown());
    let listed = |outcome| {
        let mut result = result(Action::Delete, outcome);
        result.metadata.owner = Some(bob());
        result.metadata.status = Some(Status::Active);
        result
    };
    let skipped = || Outcome::Skipped("why".to_owned());
    let started = intent("Bob", None);
    let ended = |outcome| intent("Alice", None).replace("\"Intent\":\"delete\"", outcome);
    let missing = ended("\"Outcome\":\"Missing\"");
    let presumed = ended("\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true");
    let deleted = ended("\"Outcome\":\"Deleted\"");
    for (record, result, expected) in [
        (started.as_str(), listed(unknown()), true),
        (&started, listed(failed()), false),
        (&started, no_status(), false),
        (&intent("Alice", None), listed(unknown()), false),
        (&intent("Bob", Some("Active")), listed(unknown()), false),
        // Another name was the owner's then.
        (&intent("Alice", Some("Active")), listed(unknown()), true),
        ("", listed(unknown()), false),
        // It is missing for someone else, unless IAM confirmed that it is deleted.
        (&missing, listed(skipped()), true),
        (&missing, listed(unknown()), true),
        (&missing, no_status(), false),
        (&presumed, listed(skipped()), true),
        (&(missing.clone() + &deleted), listed(skipped()), false),
        (&deleted, listed(skipped()), false),
    ] {
        let (_folder, journal) = journal_of(record);
        assert_eq!(journal.lacks_listing(&result, None), expected, "{record}");
    }
    // IAM named someone else than the user for whom it listed the key.
    let alice: UserName = "Alice".parse().expect("a name");
    for (record, shown, expected) in [
        (&intent("Bob", Some("Active")), &alice, true),
        (&intent("Bob", Some("Active")), &bob(), false),
        (&started, &alice, false),
    ] {
        let (_folder, journal) = journal_of(record);
        let found = journal.lacks_listing(&no_status(), Some(shown));
        assert_eq!(found, expected, "{record} {shown}");
    }
}

/// Someone else may make the same change after that.
#[test]
fn a_status_that_was_changed_again_is_missing_from_the_journal() {
    let started = intent("Bob", None);
    let done = |outcome| {
        format!(
            "{{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\"}}\n"
        )
    };
    let (deactivated, failed) = (done("Deactivated"), done("Failed"));
    let (active, inactive) = (Some(Status::Active), Some(Status::Inactive));
    for (records, status, expected) in [
        (deactivated.clone(), &active, true),
        (deactivated.clone() + &started, &active, true),
        (deactivated.clone() + &failed, &active, true),
        (deactivated.clone(), &inactive, false),
        (deactivated, &None, false),
        (failed, &active, false),
        (started, &active, false),
    ] {
        for owner in [Some(bob()), None] {
            let text = format!("{HEAD}{records}").replace("delete", "deactivate");
            let folder = Folder::containing(&text);
            let journal = folder.start(Action::Deactivate);
            let skipped = Outcome::Skipped("why".to_owned());
            let mut result = result(Action::Deactivate, skipped);
            result.metadata.owner = owner;
            result.metadata.status.clone_from(status);
            let found = journal.lacks_listing(&result, None);
            assert_eq!(found, expected, "{records} {status:?}");
            wait(journal.record_result(&result, None, AT)).expect("a record");
            let is_active = folder.text().contains("\"Status\":\"Active\"");
            assert_eq!(is_active, *status == active);
        }
    }
}

/// Requests without a response prove nothing: someone else may have deactivated the key.
#[test]
fn a_deactivation_says_how_many_requests_it_took_if_iam_confirmed_it() {
    for is_confirmed in [false, true] {
        let folder = Folder::containing(&HEAD.replace("delete", "deactivate"));
        let journal = folder.start(Action::Deactivate);
        let outcome = Outcome::Done {
            response: is_confirmed.then(ResponseMetadata::default),
            evidence: None,
            failure: None,
        };
        let result = KeyResult {
            attempts: 2,
            ..result(Action::Deactivate, outcome)
        };
        wait(journal.record_result(&result, None, AT)).expect("a record");
        let says_it = folder.text().contains("\"Attempts\":2");
        assert_eq!(says_it, is_confirmed);
    }
}

/// The root user and a calling user who is not known have no name. Only the list of the root user is one of a known owner.
#[test]
fn a_list_of_the_root_user_is_no_list_of_a_calling_user_without_a_name() {
    let active = Some(Status::Active);
    for (principal, status, located, expected) in [
        (Principal::RootUser, active.clone(), None, true),
        (Principal::RootUser, None, active.clone(), true),
        (Principal::RootUser, None, None, false),
        (Principal::Caller, active.clone(), active, false),
    ] {
        let (folder, mut journal) = journal_of("");
        journal.principal = principal;
        let mut result = result(Action::Delete, unknown());
        (result.attempts, result.is_open) = (1, true);
        (result.metadata.status, result.metadata.located) = (status, located);
        let target = Target {
            key: result.key.clone(),
            metadata: result.metadata.clone(),
        };
        wait(journal.record_intent(&target, None, AT)).expect("a record");
        wait(journal.record_result(&result, None, AT)).expect("a record");
        for record in folder.text().lines().skip(1) {
            let record: Value = serde_json::from_str(record).expect("JSON");
            assert_eq!(record["UserName"], Value::Null);
            assert_eq!(record.get("Status").is_some(), expected, "{record}");
            let is_root_users = principal == Principal::RootUser;
            assert_eq!(record["RootUser"] == true, is_root_users, "{record}");
        }
        folder.end(journal);
        let journal = folder.start(Action::Delete);
        let listed = journal.attempts(&result.key.id).iter();
        let listed: Vec<bool> = listed.map(|attempt| attempt.was_listed).collect();
        assert_eq!(listed, [expected; 2]);
    }
}
