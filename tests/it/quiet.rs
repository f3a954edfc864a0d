//! `--quiet`: only errors, and warnings about the state of a key.

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, DELETED, documented};

const BOTH: [&str; 6] = [
    "--access-key-id",
    BOBS_KEY,
    "--access-key-id",
    BOB_SECOND_KEY_ID,
    "--user-name",
    "Bob",
];

#[test]
fn a_success_prints_no_message() {
    for more in [
        &["-q"][..],
        &["--quiet", "--dry-run"],
        &["-q", "--deactivate"],
        &["-q", "--deactivate", "--error-format", "json"],
    ] {
        let sandbox = documented();
        let printed = Case::documented(&sandbox, more).run().exits(0);
        let output = printed.output().to_owned();
        assert_eq!(output.lines().count(), 1, "{output}");
        let _ = printed.prints(&output).says_nothing();

        let sandbox = documented();
        let printed = Case::at(&sandbox, BOTH).args(more).run().exits(0);
        let output = printed.output().to_owned();
        assert_eq!(output.lines().count(), 2, "{output}");
        let _ = printed.prints(&output).says_nothing();
    }
}

#[test]
fn warnings_about_the_configuration_and_notes_are_left_out() {
    let sandbox = documented();
    let case = || {
        let denied = Fault::new(What::error(403, "AccessDenied", "no"));
        sandbox.fault(denied.on("GetAccessKeyLastUsed").always());
        Case::documented(&sandbox, &["--dry-run"])
            .file(".aws/config", "[profile empty]\n")
            .env("AWS_PROFILE", "empty")
    };
    let ended = case().run().exits(0);
    let output = ended.output().to_owned();
    let _ = ended.prints(&output).says(&["note: ", "warning: "]);
    let ended = case().args(["--quiet"]).run().exits(0);
    let _ = ended.prints(&output).says_nothing();
}

#[test]
fn an_error_is_printed_with_its_hints_and_the_state_of_the_key() {
    for more in [&[][..], &["--error-format", "json"]] {
        let said = |quiet: &[&str]| {
            let sandbox = documented();
            let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
            let ended = Case::at(&sandbox, args).args(more).args(quiet).run();
            let printed = ended.exits(3);
            let output = printed.output().to_owned();
            printed.prints(&output).messages().to_owned()
        };
        assert_eq!(said(&["-q"]), said(&[]));
    }
}

#[test]
fn the_errors_of_many_keys_and_their_hints_are_printed_without_a_summary() {
    let sandbox = documented();
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").always());
    let printed = Case::at(&sandbox, BOTH).args(["--quiet"]).run().exits(6);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    assert!(said.messages().contains("error: ") && said.messages().contains("hint: "));
    assert!(!said.messages().contains("2 keys: "), "{}", said.messages());
}

#[test]
fn a_key_that_is_only_presumed_deleted_gets_a_warning() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::CloseAfterActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let ended = Case::documented(&sandbox, &["-q"]).run();
    let _ = ended
        .exits(0)
        .prints(DELETED)
        .says(&["warning: ", "is presumed deleted"]);
}

#[test]
fn it_conflicts_with_verbose_and_debug() {
    for other in ["--verbose", "--debug", "-v"] {
        let ended = Case::bare(["--access-key-id", BOBS_KEY, "-q", other]).run();
        let said = ended.exits(2).prints_nothing();
        assert!(said.messages().contains("cannot be used with"));
    }
}
