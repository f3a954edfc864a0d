//! The root user of a member account: a session of `AssumeRoot`, and requests without a user name.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Builder, Fault, KeySeed, Recorded, Sandbox, Status, What, root_key_id};

use crate::case::{Case, DELETED, actions, documented};
use crate::credentials::keys;
use crate::dialogue::Dialogue;
use crate::many::{outcomes, rows};

const MEMBER: &str = "210987654321";
/// A second key of the member's root user. Its ID does not encode an account.
const OLD_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const TARGET: [&str; 2] = ["--target-principal", MEMBER];
const STS_FIRST: [&str; 3] = ["GetCallerIdentity", "AssumeRoot", "GetCallerIdentity"];

fn organization() -> Builder {
    Sandbox::documented().root_key_in(
        MEMBER,
        KeySeed::new("root", OLD_KEY).status(Status::Inactive),
    )
}

/// A run over the root user's first key.
fn one(sandbox: &Sandbox, more: &[&str]) -> Case {
    let key = root_key_id(MEMBER);
    Case::at(sandbox, TARGET)
        .args(["--access-key-id", &key])
        .args(more)
}

fn all(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::at(sandbox, TARGET).args(["--all-keys"]).args(more)
}

fn is_gone(sandbox: &Sandbox, key: &str) -> bool {
    sandbox.key_in(MEMBER, key).is_none()
}

/// The call that gave the session.
fn assumed(sandbox: &Sandbox) -> Recorded {
    let mut requests = sandbox.requests().into_iter();
    let found = requests.find(|request| request.action == "AssumeRoot");
    found.expect("AssumeRoot")
}

/// IAM sees the session only, and no user name.
fn iam_sees_the_root_user(sandbox: &Sandbox) {
    for request in sandbox.requests() {
        if request.param("Version") == Some("2010-05-08") {
            assert_ne!(request.key_id.as_deref(), Some(ADMIN_KEY_ID), "{request:?}");
            assert_eq!(request.param("UserName"), None, "{request:?}");
        }
    }
}

fn identity(arn: &str, account: &str) -> What {
    let page = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>X</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>\
         <RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    What::page(200, "text/xml", page)
}

#[test]
fn f103_a_named_key_is_deleted_without_a_user_name() {
    let sandbox = organization().start();
    let _ = one(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(is_gone(&sandbox, &root_key_id(MEMBER)));
    assert!(!is_gone(&sandbox, OLD_KEY));
    let expected: Vec<&str> = STS_FIRST.into_iter().chain(["DeleteAccessKey"]).collect();
    assert_eq!(actions(&sandbox), expected);
    iam_sees_the_root_user(&sandbox);
    let request = assumed(&sandbox);
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(request.param("TargetPrincipal"), Some(MEMBER));
    assert_eq!(
        request.param("TaskPolicyArn.arn"),
        Some("arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials")
    );
}

#[test]
fn f103_all_keys_of_the_root_user_are_deleted() {
    let sandbox = organization().start();
    let case = all(&sandbox, &["--yes", "--journal"]);
    let journal = case.path("done.jsonl");
    let said = case.args([&journal]).run().exits(0);
    assert_eq!(outcomes(said.output()), [("Deleted".to_owned(), 2)]);
    assert!(
        rows(said.output())
            .iter()
            .all(|row| row.get("UserName").is_none())
    );
    let output = said.output().to_owned();
    let _ = said.prints(&output).says_exactly(
        "iam-del-key: note: 2 keys of the root user checked\nresult: 2 keys: 2 deleted\n",
    );
    assert!(is_gone(&sandbox, &root_key_id(MEMBER)) && is_gone(&sandbox, OLD_KEY));
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_the_question_names_the_root_user() {
    let sandbox = organization().start();
    let asked =
        "Delete these 2 keys of the root user of account 210987654321? It cannot be undone. [y/N] ";
    let said = Dialogue::start(all(&sandbox, &[]))
        .shows(asked)
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing();
    assert!(!said.messages().contains("refused"), "{}", said.messages());
    let _ = said.says(&["not confirmed: this run changed nothing\n"]);
    assert!(!is_gone(&sandbox, OLD_KEY) && !is_gone(&sandbox, &root_key_id(MEMBER)));
    let said = Dialogue::start(all(&sandbox, &["--only-inactive", "--output", "json"]))
        .shows("Delete this key of the root user of account 210987654321?")
        .types(b"y\n")
        .end()
        .exits(0);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&["1 key: 1 deleted"]);
    assert!(is_gone(&sandbox, OLD_KEY) && !is_gone(&sandbox, &root_key_id(MEMBER)));
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_a_dry_run_uses_the_audit_policy() {
    let sandbox = organization().start();
    let said = all(&sandbox, &["--dry-run"]).run().exits(0);
    assert_eq!(outcomes(said.output()), [("WouldDelete".to_owned(), 2)]);
    let output = said.output().to_owned();
    let _ = said
        .prints(&output)
        .says(&["2 keys: 2 would be deleted; this was a dry run"]);
    let _ = one(&sandbox, &["--dry-run"])
        .run()
        .exits(0)
        .prints_outcome("WouldDelete")
        .says(&["this was a dry run"]);
    for request in sandbox.requests() {
        if request.action == "AssumeRoot" {
            let policy = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials";
            assert_eq!(request.param("TaskPolicyArn.arn"), Some(policy));
        }
        assert_ne!(request.action, "DeleteAccessKey");
    }
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_a_name_in_a_response_is_not_the_root_users() {
    let sandbox = organization().start();
    for name in ["&lt;root_account&gt;", "root", "my-alias"] {
        let page = format!(
            "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
             <IsTruncated>false</IsTruncated><UserName>{name}</UserName><AccessKeyMetadata><member><UserName>{name}</UserName>\
             <AccessKeyId>{OLD_KEY}</AccessKeyId><Status>Active</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate></member>\
             </AccessKeyMetadata></ListAccessKeysResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </ListAccessKeysResponse>"
        );
        sandbox.fault(Fault::new(What::page(200, "text/xml", page)).on("ListAccessKeys"));
        let said = all(&sandbox, &["--dry-run"]).run().exits(0);
        assert!(
            rows(said.output())[0].get("UserName").is_none(),
            "{}",
            said.output()
        );
        let output = said.output().to_owned();
        let _ = said.prints(&output).says(&["1 key: 1 would be deleted"]);
    }
}

#[test]
fn f103_a_key_that_the_root_user_does_not_have_is_3() {
    let sandbox = organization().start();
    for (more, error) in [
        (
            &[][..],
            "error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: ",
        ),
        (
            &["--dry-run"],
            "error: IAM lists no such key for the root user\n",
        ),
        (
            &["--ignore-missing", "--only-inactive"],
            "error: IAM lists no such key for the root user\n",
        ),
    ] {
        let missing = "AKIAI44QH8DHBEXAMPLE";
        let said = Case::at(&sandbox, TARGET)
            .args(["--access-key-id", missing])
            .args(more)
            .run();
        if more.contains(&"--ignore-missing") {
            let _ = said
                .exits(0)
                .prints_outcome("Missing")
                .says(&["is missing, but it could not be checked"]);
            continue;
        }
        let said = said.exits(3);
        let output = said.output().to_owned();
        let _ = said.prints(&output).says(&[
            error,
            "hint: the key does not exist, or belongs to a user: the root user of account 210987654321 does not have it\n\
             hint: to see the root user's keys: iam-del-key --all-keys --dry-run --target-principal 210987654321\n",
        ]);
    }
    // The ID encodes another account.
    let said = Case::at(&sandbox, TARGET)
        .args(["--access-key-id", ALICE_KEY_ID])
        .run()
        .exits(3);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&[
        "hint: the key's ID encodes account 123456789012: use --target-principal 123456789012 if its root user has the key\n",
    ]);
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_a_lost_response_is_verified_in_the_root_users_list() {
    let lost = || Fault::new(What::CloseAfterActing).on("DeleteAccessKey");
    let sandbox = organization().fault(lost()).start();
    let _ = one(&sandbox, &[]).run().exits(0).prints(DELETED).says(&[
        "is presumed deleted: the response to an earlier attempt was lost, and the retry returned NoSuchEntity; IAM does \
         not list the key for the root user, and does not confirm its owner\n",
    ]);
    let sandbox = organization().fault(lost()).start();
    let said = all(&sandbox, &["--yes", "--only-inactive"]).run().exits(0);
    let output = said.output().to_owned();
    let _ = said
        .prints(&output)
        .says(&["IAM no longer lists the key\n", "1 key: 1 deleted\n"]);
    assert!(is_gone(&sandbox, OLD_KEY));
    iam_sees_the_root_user(&sandbox);
    // Nothing is known: the command to check lists the root user's keys.
    let sandbox = organization().start();
    sandbox.fault(
        Fault::new(What::CloseAfterActing)
            .on("DeleteAccessKey")
            .always(),
    );
    sandbox.fault(
        Fault::new(What::error(403, "AccessDenied", "no"))
            .on("ListAccessKeys")
            .always(),
    );
    let said = one(&sandbox, &["--timeout", "6"]).run().exits(10);
    let output = said.output().to_owned();
    let _ = said
        .prints(&output)
        .says(&["check with: iam-del-key --all-keys --dry-run --target-principal 210987654321\n"]);
}

#[test]
fn f103_a_session_that_is_denied_is_6_with_what_to_check() {
    let needs = "hint: the caller must be in the organization's management account or in IAM's delegated administrator account, \
                 and needs the permission sts:AssumeRoot on arn:aws:iam::210987654321:root\n\
                 hint: to see whether the organization manages root access centrally: aws iam list-organizations-features\n";
    let sandbox = organization().deny("sts:AssumeRoot").start();
    let error =
        "no credentials: An error occurred (AccessDenied) when calling the AssumeRoot operation: ";
    let _ = one(&sandbox, &[])
        .run()
        .exits(6)
        .prints_nothing()
        .says(&[error, needs])
        .ends_with("not deleted: nothing was sent to IAM");
    let root = sandbox.root();
    let _ = one(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &root.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &root.secret_access_key)
        .run()
        .exits(6)
        .prints_nothing()
        .says(&[error, "hint: arn:aws:iam::123456789012:root cannot call AssumeRoot: use a user or a role (--profile NAME)\n"]);
    let why = "User: arn:aws:iam::123456789012:user/admin is not authorized to perform: sts:AssumeRoot on resource: x with an \
               explicit deny in a service control policy";
    sandbox.fault(Fault::new(What::error(403, "AccessDenied", why)).on("AssumeRoot"));
    let said = one(&sandbox, &[]).run().exits(6).prints_nothing();
    assert!(
        !said.messages().contains("list-organizations-features"),
        "{}",
        said.messages()
    );
    let _ = said.says(&["only an administrator of the organization can allow it"]);
    // What is denied to the root user is no matter of permissions.
    let sandbox = organization().deny_to("root", "iam:*").start();
    let said = one(&sandbox, &[]).run().exits(6);
    let output = said.output().to_owned();
    let said = said.prints(&output);
    assert!(!said.messages().contains("hint:"), "{}", said.messages());
    let _ = said.says(&["(AccessDenied)"]);
}

#[test]
fn f103_a_region_without_sts_is_said() {
    let sandbox = organization().start();
    sandbox.fault(
        Fault::new(What::error(
            403,
            "RegionDisabledException",
            "STS is not activated",
        ))
        .on("AssumeRoot"),
    );
    let _ = one(&sandbox, &[])
        .run()
        .exits(1)
        .prints_nothing()
        .says(&["hint: STS is not active in this region: choose another with --region\n"]);
}

#[test]
fn f103_a_session_of_anybody_else_is_11() {
    for (arn, account, says) in [
        (
            "arn:aws:iam::123456789012:root",
            "123456789012",
            "arn:aws:iam::123456789012:root in account 123456789012",
        ),
        (
            "arn:aws:iam::210987654321:user/x",
            MEMBER,
            "arn:aws:iam::210987654321:user/x in account 210987654321",
        ),
        // The name is that of a federated user.
        (
            "arn:aws:sts::210987654321:federated-user/x:root",
            MEMBER,
            "arn:aws:sts::210987654321:federated-user/x:root in account 210987654321",
        ),
        (
            "",
            MEMBER,
            "an identity that STS did not report in account 210987654321",
        ),
    ] {
        let sandbox = organization().start();
        let admin = identity("arn:aws:iam::123456789012:user/admin", "123456789012");
        sandbox.fault(Fault::new(admin).on("GetCallerIdentity"));
        sandbox.fault(Fault::new(identity(arn, account)).on("GetCallerIdentity"));
        let _ = one(&sandbox, &[])
            .run()
            .exits(11)
            .prints_nothing()
            .says(&[&format!(
                "error: AssumeRoot returned a session of {says}, but --target-principal is the root user of account 210987654321\n"
            )])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(actions(&sandbox), STS_FIRST);
    }
    let sandbox = organization()
        .deny_to("root", "sts:GetCallerIdentity")
        .start();
    let _ = one(&sandbox, &[])
        .run()
        .exits(6)
        .prints_nothing()
        .says(&["error: the session of AssumeRoot could not be checked: "]);
    assert_eq!(actions(&sandbox), STS_FIRST);
}

#[test]
fn f103_the_policy_is_of_the_partition_of_the_caller() {
    let sandbox = organization().start();
    let admin = identity(
        "arn:aws-us-gov:iam::123456789012:user/admin",
        "123456789012",
    );
    sandbox.fault(Fault::new(admin).on("GetCallerIdentity"));
    let _ = one(&sandbox, &["--region", "us-gov-west-1"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(
        assumed(&sandbox).param("TaskPolicyArn.arn"),
        Some("arn:aws-us-gov:iam::aws:policy/root-task/IAMDeleteRootUserCredentials")
    );
}

#[test]
fn f103_a_throttled_call_is_made_again() {
    let throttled = || Fault::new(What::error(400, "Throttling", "Rate exceeded")).on("AssumeRoot");
    let sandbox = organization().fault(throttled()).start();
    let _ = one(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let sandbox = organization().start();
    sandbox.fault(throttled().always());
    let says = [
        "error: no credentials: An error occurred (Throttling) when calling the AssumeRoot operation: Rate exceeded\n",
        "hint: STS allows few AssumeRoot calls: wait a minute, and run fewer commands at once\n",
    ];
    // As often as is configured, or as long as there is time.
    let _ = one(&sandbox, &[])
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .exits(8)
        .prints_nothing()
        .says(&says);
    assert_eq!(actions(&sandbox), STS_FIRST[..2]);
    let _ = one(&sandbox, &["--timeout", "1"])
        .run()
        .exits(8)
        .prints_nothing()
        .says(&says);
}

#[test]
fn f103_the_global_endpoint_is_7() {
    let sandbox = organization().start();
    let global = "is the global endpoint of STS, which does not support AssumeRoot\nhint: use the endpoint of a region, such as --region us-east-1\n";
    for (case, what) in [
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
    ] {
        let _ = case
            .run()
            .exits(7)
            .prints_nothing()
            .says(&[&format!("error: {what} {global}")]);
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f103_the_key_behind_the_session_is_guarded_and_roles_may_come_before() {
    let sandbox = organization().start();
    let said = Case::at(&sandbox, TARGET)
        .args(["--access-key-id", ADMIN_KEY_ID])
        .run()
        .exits(11);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&["you would lock yourself out"]);
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
    let _ = case().run().exits(6).prints_nothing().says(&[&format!(
        "centrally as {role}: aws iam list-organizations-features\n"
    )]);
}

#[test]
fn f103_the_expected_account_is_that_of_the_root_user() {
    let sandbox = organization().start();
    let _ = one(&sandbox, &["--expect-account", "123456789012"])
        .run()
        .exits(11)
        .prints_nothing()
        .says(&["error: --target-principal is account 210987654321, but --expect-account allows only 123456789012\n"]);
    assert_eq!(sandbox.connections(), 0);
    let _ = one(&sandbox, &["--expect-account", MEMBER])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
}

#[test]
fn f103_wrong_combinations_contact_nobody() {
    let sandbox = documented();
    let named = ["--access-key-id", OLD_KEY];
    let no_name = "the root user has no user name";
    for (more, says) in [
        (
            &["--user-name", "Bob"][..],
            format!("--user-name: {no_name}"),
        ),
        (
            &["--find-user"],
            "--find-user: the owner is the root user".to_owned(),
        ),
        (
            &["--deactivate"],
            "--deactivate: AWS allows such sessions to delete keys, but not to change their status"
                .to_owned(),
        ),
        (
            &["--reactivate"],
            "--reactivate: AWS allows such sessions to delete keys, but not to change their status"
                .to_owned(),
        ),
        (&["--except-user", "x"], format!("--except-user: {no_name}")),
        (
            &["--path-prefix", "/ci/"],
            format!("--path-prefix: {no_name}"),
        ),
        (
            &["--except-tag", "x"],
            "--except-tag: the root user has no tags".to_owned(),
        ),
        (
            &["--cli-input-json", "{\"UserName\": \"Bob\"}"],
            format!("--user-name: {no_name}"),
        ),
        (
            &["--role-name", "R"],
            "'--target-principal <ACCOUNT>' cannot be used with".to_owned(),
        ),
    ] {
        let _ = Case::at(&sandbox, TARGET)
            .args(named)
            .args(more)
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[&says]);
    }
    for (args, says) in [
        (
            &["--whole-account", "--only-inactive"][..],
            "--target-principal cannot be used with --whole-account: it selects keys of users, not of the root user",
        ),
        (
            &["--from", "-"],
            "--target-principal cannot be used with --from: lists are for keys of users; use --access-key-id or --all-keys",
        ),
        (&["--all-keys", "--user-name", "Bob"], no_name),
        (&[], "required"),
    ] {
        let _ = Case::at(&sandbox, TARGET)
            .args(args)
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[says]);
    }
    for account in ["12345678901", "root", "arn:aws:iam::210987654321:root"] {
        let _ = Case::at(&sandbox, ["--target-principal", account, "--all-keys"])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["an account ID has 12 digits"]);
    }
    assert_eq!(sandbox.connections(), 0);
}
