//! `--deactivate`: results as reliable as those of a deletion, and the command that undoes it.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, ALICE_KEY_ID};
use iam_sandbox::{Certificate, Sandbox, Status};

use crate::case::{BOBS_KEY, Case, actions, documented, each};
use crate::reactivate::status;

pub(crate) const UNDO: &str = "hint: to undo it: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --reactivate";

fn deactivate(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::documented(sandbox, &["--deactivate"]).args(more)
}

#[test]
fn the_status_is_read_and_the_command_that_undoes_it_is_printed() {
    let sandbox = documented();
    let printed = deactivate(&sandbox, &[]).run().exits(0);
    let created = sandbox.key(BOBS_KEY).expect("a key").created;
    assert_eq!(
        printed.object(),
        serde_json::json!({
            "AccessKeyId": BOBS_KEY,
            "UserName": "Bob",
            "Outcome": "Deactivated",
            "Status": "Inactive",
            "PreviousStatus": "Active",
            "CreateDate": humantime::format_rfc3339_seconds(created).to_string(),
            "Attempts": 1,
            "RequestId": printed.object()["RequestId"],
        })
    );
    assert!(printed.object()["RequestId"].is_string());
    let _ = printed
        .prints_outcome("Deactivated")
        .says_exactly(&format!("{UNDO}\n"));
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "UpdateAccessKey"]);
    assert_eq!(sandbox.requests()[1].param("Status"), Some("Inactive"));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

#[test]
fn the_printed_status_is_the_new_one() {
    let formats = [
        (
            "json",
            "\"Outcome\":\"Deactivated\",\"Status\":\"Inactive\",\"PreviousStatus\":\"Active\",",
        ),
        ("text", "\tDeactivated\t\tInactive\t"),
        ("table", "  Inactive  "),
    ];
    each(formats, |(format, holds)| {
        let sandbox = documented();
        // The condition needs the previous status, which is Active.
        let more = ["--older-than", "1d", "--output", format];
        let printed = deactivate(&sandbox, &more).run().exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains(holds), "{output}");
        let now = output.replace("\"PreviousStatus\":\"Active\"", "");
        assert!(!now.contains("Active"), "{output}");
        let _ = printed.prints(&output).says_exactly(&format!("{UNDO}\n"));
    });
}

#[test]
fn the_undo_command_keeps_the_options_of_the_run() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let config = format!(
        "[profile ops]\naws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n"
    );
    let (url, roots) = (sandbox.url(), sandbox.ca_pem().expect("an authority"));
    let case = deactivate(&sandbox, &["--profile", "ops", "--endpoint-url", &url])
        .without("AWS_CA_BUNDLE")
        .file(".aws/config", config)
        .file("the roots.pem", roots);
    let bundle = case.path("the roots.pem").display().to_string();
    let _ = case
        .args(["--ca-bundle", &bundle])
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says_exactly(&format!(
            "{UNDO} --profile ops --endpoint-url {url} --ca-bundle '{bundle}'\n"
        ));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

#[test]
fn the_signing_key_is_not_deactivated_by_accident() {
    let sandbox = documented();
    let args = ["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"];
    let says = format!(
        "iam-del-key: error: {ADMIN_KEY_ID} belongs to your own credentials: you would lock yourself out\n\
         hint: use other credentials (--profile NAME), or add --allow-self\n\
         result: {ADMIN_KEY_ID}: not deactivated: no request to change it was sent to IAM\n"
    );
    let ended = Case::at(&sandbox, args).args(["--deactivate"]).run();
    ended.ends_exactly(11, "Refused", &says);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn conditions_apply_to_a_deactivation_too() {
    let sandbox = documented();
    let args = ["--access-key-id", ALICE_KEY_ID, "--find-user"];
    let case = Case::at(&sandbox, args).args(["--deactivate", "--unused-for", "45d"]);
    let says = format!(
        "iam-del-key: error: {ALICE_KEY_ID} is not deactivated: it was used 1 day ago, less than 45 days\n\
         hint: a key must meet every condition; --dry-run shows its details\n"
    );
    case.run().ends_exactly(11, "Skipped", &says);
    assert_eq!(status(&sandbox, ALICE_KEY_ID), Some(Status::Active));
}
