//! `AssumeRoot`: who gets a session, which session is used, and which options exclude it.

use iam_sandbox::documented::ADMIN_KEY_ID;
use iam_sandbox::{Fault, What};

use crate::case::{Case, DELETED, actions, documented, each, once};
use crate::credentials::keys;
use crate::target_principal::{MEMBER, OLD_KEY, STS_FIRST, TARGET, assumed, one, organization};

/// The identity that STS returns for the caller.
pub(crate) fn identity(arn: &str, account: &str) -> What {
    let page = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>X</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>\
         <RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    What::page(200, "text/xml", page)
}

#[test]
fn f103_a_denied_session_exits_6_and_says_what_to_check() {
    let needs = "hint: the caller must be in the organization's management account or in IAM's delegated administrator account, \
                 and needs the permission sts:AssumeRoot on arn:aws:iam::210987654321:root\n\
                 hint: to see whether the organization manages root access centrally: aws iam list-organizations-features\n";
    let sandbox = organization().deny("sts:AssumeRoot").start();
    let error =
        "no credentials: An error occurred (AccessDenied) when calling the AssumeRoot operation: ";
    one(&sandbox, &[])
        .run()
        .stops_as(6, &[error, needs], "not deleted: nothing was sent to IAM");
    let root = sandbox.root();
    one(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &root.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &root.secret_access_key)
        .run().stops(6, &[error, "hint: arn:aws:iam::123456789012:root cannot call AssumeRoot: use a user or a role (--profile NAME)\n"]);
    let why = "User: arn:aws:iam::123456789012:user/admin is not authorized to perform: sts:AssumeRoot on resource: x with an \
               explicit deny in a service control policy";
    sandbox.fault(once("AssumeRoot", What::error(403, "AccessDenied", why)));
    let said = one(&sandbox, &[]).run().exits(6).prints_nothing();
    assert!(
        !said.messages().contains("list-organizations-features"),
        "{}",
        said.messages()
    );
    let _ = said.says(&["only an administrator of the organization can allow it"]);
    // No permission policy can allow what is denied to the root user.
    let sandbox = organization().deny_to("root", "iam:*").start();
    let said = one(&sandbox, &[]).run().exits(6);
    let said = said.prints_anything();
    assert!(!said.messages().contains("hint:"), "{}", said.messages());
    let _ = said.says(&["(AccessDenied)"]);
}

#[test]
fn f103_a_region_without_sts_is_reported() {
    let sandbox = organization().start();
    sandbox.fault(once(
        "AssumeRoot",
        What::error(403, "RegionDisabledException", "STS is not activated"),
    ));
    one(&sandbox, &[]).run().stops(
        7,
        &["hint: STS is not active in this region: choose another with --region\n"],
    );
}

#[test]
fn f103_a_session_of_another_principal_exits_11() {
    let nobody = "an identity that STS did not report";
    let cases = [
        ("arn:aws:iam::123456789012:root", "123456789012"),
        ("arn:aws:iam::210987654321:user/x", MEMBER),
        // The name is that of a federated user.
        ("arn:aws:sts::210987654321:federated-user/x:root", MEMBER),
        ("", MEMBER),
    ];
    each(cases, |(arn, account)| {
        let says = if arn.is_empty() { nobody } else { arn };
        let sandbox = organization().start();
        let admin = identity("arn:aws:iam::123456789012:user/admin", "123456789012");
        sandbox.fault(once("GetCallerIdentity", admin));
        sandbox.fault(once("GetCallerIdentity", identity(arn, account)));
        one(&sandbox, &[])
            .run().stops_as(11, &[&format!(
                "error: AssumeRoot returned a session of {says} in account {account}, but --target-principal is the root user of account 210987654321\n"
            )], "not deleted: nothing was sent to IAM");
        assert_eq!(actions(&sandbox), STS_FIRST);
    });
    let sandbox = organization()
        .deny_to("root", "sts:GetCallerIdentity")
        .start();
    one(&sandbox, &[]).run().stops(
        6,
        &["error: the session of AssumeRoot could not be checked: "],
    );
    assert_eq!(actions(&sandbox), STS_FIRST);
}

#[test]
fn f103_the_policy_arn_has_the_callers_partition() {
    let sandbox = organization().start();
    let admin = identity(
        "arn:aws-us-gov:iam::123456789012:user/admin",
        "123456789012",
    );
    sandbox.fault(once("GetCallerIdentity", admin));
    one(&sandbox, &["--region", "us-gov-west-1"])
        .run()
        .deletes_quietly();
    assert_eq!(
        assumed(&sandbox).param("TaskPolicyArn.arn"),
        Some("arn:aws-us-gov:iam::aws:policy/root-task/IAMDeleteRootUserCredentials")
    );
}

#[test]
fn f103_a_throttled_call_is_retried() {
    let throttled = || Fault::new(What::error(400, "Throttling", "Rate exceeded")).on("AssumeRoot");
    let sandbox = organization().fault(throttled()).start();
    one(&sandbox, &[]).run().deletes_quietly();
    let sandbox = organization().start();
    sandbox.fault(throttled().always());
    let says = [
        "error: no credentials: An error occurred (Throttling) when calling the AssumeRoot operation: Rate exceeded\n",
        "hint: STS allows few AssumeRoot calls: wait a minute, and run fewer commands at once\n",
    ];
    // The call is retried as often as is configured, or until the time is up.
    one(&sandbox, &[])
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .stops(8, &says);
    assert_eq!(actions(&sandbox), STS_FIRST[..2]);
    one(&sandbox, &["--timeout", "1"]).run().stops(8, &says);
}

#[test]
fn f103_the_global_endpoint_exits_7() {
    let sandbox = organization().start();
    let global = "is the global endpoint of STS, which does not support AssumeRoot\nhint: use the endpoint of a region, such as --region us-east-1\n";
    let cases = [
        (
            one(&sandbox, &[]).env("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com"),
            "https://sts.amazonaws.com",
        ),
        (
            one(&sandbox, &["--endpoint-url", "https://sts.amazonaws.com/"]),
            "https://sts.amazonaws.com",
        ),
        (
            one(&sandbox, &["--region", "aws-global"]).without("AWS_ENDPOINT_URL"),
            "the region aws-global",
        ),
    ];
    each(cases, |(case, what)| {
        case.run().stops(7, &[&format!("error: {what} {global}")]);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f103_the_key_behind_the_session_is_guarded_even_behind_roles() {
    let sandbox = organization().start();
    let said = Case::at(&sandbox, TARGET)
        .args(["--access-key-id", ADMIN_KEY_ID])
        .run()
        .exits(11);
    let _ = said
        .prints_anything()
        .says(&["you would lock yourself out"]);
    assert!(sandbox.has_key(ADMIN_KEY_ID));
    let config = format!("[profile base]\n{}", keys(&sandbox.admin()));
    let role = "arn:aws:iam::123456789012:role/RootAdmin";
    let case = || {
        one(&sandbox, &["--profile", "base", "--role-arn", role])
            .without_credentials()
            .file(".aws/config", &config)
    };
    let _ = case()
        .args(["-v"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["from --target-principal, assumed with --role-arn, assumed with the key of profile `base`\n"]);
    sandbox.deny("sts:AssumeRoot");
    case().run().stops(
        6,
        &[&format!(
            "centrally as {role}: aws iam list-organizations-features\n"
        )],
    );
}

#[test]
fn f103_the_expected_account_is_the_root_users() {
    let sandbox = organization().start();
    one(&sandbox, &["--expect-account", "123456789012"])
        .run().stops(11, &["error: --target-principal names account 210987654321, but --expect-account allows only 123456789012\n\
                            hint: correct --target-principal or --expect-account\n"]);
    assert_eq!(sandbox.connections(), 0);
    one(&sandbox, &["--expect-account", MEMBER])
        .run()
        .deletes_quietly();
}

#[test]
fn f103_invalid_combinations_send_no_request() {
    let sandbox = documented();
    let named = ["--access-key-id", OLD_KEY];
    let no_name = "the root user has no user name";
    let no_status = "AWS allows such sessions to delete keys, but not to change their status";
    let users = "it selects keys of users, not of the root user";
    let lists = "lists are for keys of users; use --access-key-id or --all-keys";
    let cases: [(&[&str], &str, &str); 9] = [
        (&["--user-name", "Bob"], "--user-name: ", no_name),
        (
            &["--find-user"],
            "--find-user: the owner is the root user",
            "",
        ),
        (&["--deactivate"], "--deactivate: ", no_status),
        (&["--reactivate"], "--reactivate: ", no_status),
        (&["--except-user", "x"], "--except-user: ", no_name),
        (&["--path-prefix", "/ci/"], "--path-prefix: ", no_name),
        (
            &["--except-tag", "x"],
            "--except-tag: ",
            "the root user has no tags",
        ),
        (
            &["--cli-input-json", "{\"UserName\": \"Bob\"}"],
            "--user-name: ",
            no_name,
        ),
        (
            &["--role-name", "R"],
            "'--target-principal <ACCOUNT>' cannot be used with",
            "",
        ),
    ];
    each(cases, |(more, option, why)| {
        let case = Case::at(&sandbox, TARGET).args(named).args(more);
        case.run().stops(2, &[&[option, why].concat()]);
    });
    let with = "--target-principal cannot be used with ";
    let cases: [(&[&str], [&str; 3]); 4] = [
        (
            &["--whole-account", "--only-inactive"],
            [with, "--whole-account: ", users],
        ),
        (&["--from", "-"], [with, "--from: ", lists]),
        (&["--all-keys", "--user-name", "Bob"], ["", "", no_name]),
        (&[], ["", "", "required"]),
    ];
    each(cases, |(args, says)| {
        let case = Case::at(&sandbox, TARGET).args(args);
        case.run().stops(2, &[&says.concat()]);
    });
    let cases = ["12345678901", "root", "arn:aws:iam::210987654321:root"];
    each(cases, |account| {
        let case = Case::at(&sandbox, ["--target-principal", account, "--all-keys"]);
        case.run().stops(2, &["an account ID has 12 digits"]);
    });
    assert_eq!(sandbox.connections(), 0);
}
