//! `--expect-account`: the account is verified before anything else.

use iam_sandbox::{Fault, Sandbox, What};

use crate::assume_root::identity;
use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};

fn expecting(sandbox: &Sandbox, account: &str) -> Case {
    Case::documented(sandbox, &["--expect-account", account])
}

#[test]
fn f35_the_expected_account_is_verified_first() {
    let sandbox = documented();
    let _ = expecting(&sandbox, "123456789012")
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "DeleteAccessKey"]);
    let asked = &sandbox.requests()[0];
    assert_eq!(asked.service.as_deref(), Some("sts"));
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f35_another_account_exits_11_before_anything_else() {
    for more in [
        &[][..],
        &["--dry-run"],
        &["--deactivate"],
        &["--allow-self"],
        &["--only-inactive"],
    ] {
        let sandbox = documented();
        let _ = expecting(&sandbox, "210987654321")
            .args(more)
            .run()
            .exits(11)
            .prints_nothing()
            .says(&[
                "the credentials belong to account 123456789012",
                "--expect-account allows only 210987654321",
                "hint: ",
            ])
            .ends_with("nothing was sent to IAM");
        assert_eq!(actions(&sandbox), ["GetCallerIdentity"]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f35_an_account_that_an_option_names_is_checked_before_anything_is_sent() {
    let role = "arn:aws:iam::210987654321:role/x";
    let target = &["--target-principal", "210987654321"][..];
    for (more, option) in [
        (&["--role-arn", role][..], "--role-arn"),
        (target, "--target-principal"),
        (
            &[target, &["--role-arn", "arn:aws:iam::123456789012:role/x"]].concat(),
            "--target-principal",
        ),
    ] {
        let sandbox = documented();
        let expected = ["--expect-account", "123456789012"];
        let args = [&["--access-key-id", BOBS_KEY], &expected[..], more].concat();
        let says = format!(
            "iam-del-key: error: {option} names account 210987654321, but --expect-account allows only 123456789012\n\
             hint: correct {option} or --expect-account\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        );
        Case::at(&sandbox, args).run().stops_exactly(11, &says);
        assert_eq!(sandbox.connections(), 0);
    }
    // The session that signs counts, not the credentials that assume its role.
    let sandbox = documented();
    let role = "arn:aws:iam::123456789012:role/ops/Responder";
    let case = expecting(&sandbox, "123456789012").args(["--role-arn", role]);
    case.run().deletes_quietly();
}

#[test]
fn f35_an_account_that_cannot_be_determined_is_never_the_expected_one() {
    let lost = || What::ResetAfterActing;
    for (what, status, says) in [
        (
            What::error(403, "AccessDenied", "no"),
            6,
            "An error occurred (AccessDenied) when calling the GetCallerIdentity",
        ),
        (
            What::error(403, "ExpiredToken", "expired"),
            7,
            "get new credentials from the same source",
        ),
        (
            What::error(400, "Throttling", "Rate exceeded"),
            8,
            "Rate exceeded",
        ),
        (What::error(500, "InternalFailure", "oops"), 5, "oops"),
        (lost(), 9, "no usable response from STS at 127.0.0.1"),
        (
            What::page(200, "text/html", "<html>Sign in</html>"),
            9,
            "it is an HTML page",
        ),
        (
            What::page(
                200,
                "text/xml",
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult/>\
                 <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
            ),
            1,
            "it has no account",
        ),
        (
            identity("arn:aws:iam::12345:user/admin", "12345"),
            1,
            "its account does not have 12 digits",
        ),
    ] {
        let sandbox = documented();
        sandbox.fault(Fault::new(what).on("GetCallerIdentity").always());
        let _ = expecting(&sandbox, "123456789012")
            .run()
            .exits(status)
            .prints_nothing()
            .says(&["--expect-account could not be checked: ", says])
            .ends_with("not deleted: nothing was sent to IAM");
        assert!(sandbox.has_key(BOBS_KEY), "{says}");
        assert!(
            actions(&sandbox)
                .iter()
                .all(|action| action == "GetCallerIdentity")
        );
    }
}

#[test]
fn f35_the_wait_for_a_silent_sts_is_limited() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("GetCallerIdentity")
            .always(),
    );
    let _ = expecting(&sandbox, "123456789012")
        .args(["--timeout", "2"])
        .run()
        .exits(9)
        .prints_nothing()
        .says(&[
            "--expect-account could not be checked: no usable response from STS at ",
            ": it did not respond within ",
            " s; --timeout is 2 s\nhint: if the service is just slow, raise --timeout\n",
        ])
        .ends_with("nothing was sent to IAM")
        .within(std::time::Duration::from_secs(20));
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn sts_is_called_at_its_own_endpoint() {
    let (iam, sts) = (documented(), documented());
    let _ = expecting(&iam, "123456789012")
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(actions(&iam), ["DeleteAccessKey"]);
    assert_eq!(actions(&sts), ["GetCallerIdentity"]);
    // `--endpoint-url` applies to STS too.
    let (option, variable) = (documented(), documented());
    let _ = expecting(&variable, "123456789012")
        .args(["--endpoint-url", &option.url()])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(actions(&option), ["GetCallerIdentity", "DeleteAccessKey"]);
    assert!(variable.requests().is_empty());
}

#[test]
fn an_account_is_12_digits() {
    for account in [
        "",
        "12345",
        "1234567890123",
        "12345678901a",
        "１２３４５６７８９０１２",
    ] {
        let sandbox = documented();
        let argument = format!("--expect-account={account}");
        let _ = Case::documented(&sandbox, &[&argument])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["an account ID has 12 digits"])
            .ends_with("no request was sent, and no key was changed");
        assert_eq!(sandbox.connections(), 0);
    }
}
