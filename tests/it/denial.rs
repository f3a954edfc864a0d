//! Denials by IAM and their reasons: each hint helps with exactly that denial, or there is none.

use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, documented, each, once};
use crate::credentials::{LATER, json, keys, with_config};
use crate::proof::{READS, denied};

const WHO: &str = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:DeleteAccessKey on resource: user Bob";

const FORCE_MFA: &str = "arn:aws:iam::123456789012:policy/Force_MFA";

/// Denies a deletion and compares all messages.
fn refused(code: &str, message: &str, exit: i32, hint: &str) {
    let sandbox = documented();
    let what = What::error(403, code.to_owned(), message.to_owned());
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
    says(Case::documented(&sandbox, &[]), code, message, exit, hint);
    assert!(sandbox.has_key(BOBS_KEY));
}

fn says(case: Case, code: &str, message: &str, exit: i32, hint: &str) {
    let hint = if hint.is_empty() {
        String::new()
    } else {
        format!("hint: {hint}\n")
    };
    let _ = case.run().exits(exit).prints_outcome("Failed").says_exactly(&format!(
        "iam-del-key: error: An error occurred ({code}) when calling the DeleteAccessKey operation: {message}\n\
         {hint}result: {BOBS_KEY}: not deleted: IAM refused the request\n"
    ));
}

#[test]
fn c21_the_hint_for_a_denial_depends_on_what_denies_it() {
    let explicit = |policy: &str| format!("{WHO} with an explicit deny in {policy}");
    let quarantine = "AWS quarantined this user because one of its keys was exposed, and advises against removing the policy: \
                      use the credentials of another identity (--profile NAME)";
    for version in ["", "V2", "V3", "V4"] {
        let policy = format!(
            "an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine{version}"
        );
        refused("AccessDenied", &explicit(&policy), 6, quarantine);
    }
    refused(
        "AccessDenied",
        &explicit(&format!("an identity-based policy: {FORCE_MFA}")),
        6,
        "the policy's name suggests that it requires MFA: create a session with MFA (aws configure mfa-login), and use its \
         profile (--profile NAME)",
    );
    refused(
        "AccessDenied",
        &explicit(
            "a service control policy: arn:aws:organizations::999999999999:policy/o-abc/service_control_policy/p-1",
        ),
        6,
        "a service control policy of the organization prevents this: only an administrator of the organization can allow it",
    );
    refused(
        "AccessDenied",
        &format!("{WHO} because no permissions boundary allows the iam:DeleteAccessKey action"),
        6,
        "the permissions boundary of this identity prevents this: ask an administrator of the account to change it, or use \
         other credentials (--profile NAME)",
    );
    refused(
        "AccessDenied",
        &format!("{WHO} because no session policy allows the iam:DeleteAccessKey action"),
        6,
        "the policy of this session prevents this: create a session whose policy allows iam:DeleteAccessKey, or use other \
         credentials (--profile NAME)",
    );
    refused(
        "AccessDenied",
        &explicit("an identity-based policy"),
        6,
        "an explicit deny overrides every permission: ask an administrator of the account, or use other credentials \
         (--profile NAME)",
    );
    refused(
        "AccessDenied",
        &format!("{WHO} because no identity-based policy allows the iam:DeleteAccessKey action"),
        6,
        "ask for the permission iam:DeleteAccessKey on this user, or use other credentials (--profile NAME)",
    );
}

#[test]
fn c21_a_read_that_is_denied_names_its_own_permission() {
    let message = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:ListAccessKeys on resource: user Bob \
                   with an explicit deny in a resource control policy";
    let sandbox = documented();
    let what = What::error(403, "AccessDenied", message);
    sandbox.fault(Fault::new(what).on("ListAccessKeys").always());
    let _ = Case::documented(&sandbox, &["--only-inactive"])
        .run()
        .exits(6)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: error: An error occurred (AccessDenied) when calling the ListAccessKeys operation: {message}\n\
             hint: a resource control policy of the organization prevents this: only an administrator of the organization can \
             allow it\n\
             result: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
        ));
}

#[test]
fn c21_a_denial_by_sts_has_the_same_words() {
    let message = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:GetCallerIdentity with an explicit deny \
                   in a VPC endpoint policy";
    let sandbox = documented();
    let what = What::error(403, "AccessDenied", message);
    sandbox.fault(Fault::new(what).on("GetCallerIdentity").always());
    let case = Case::documented(&sandbox, &["--expect-account", "123456789012"]);
    let _ = case.run().exits(6).prints_nothing().says_exactly(&format!(
        "iam-del-key: error: --expect-account could not be checked: An error occurred (AccessDenied) when calling the \
         GetCallerIdentity operation: {message}\n\
         hint: the policy of the VPC endpoint prevents this: ask the owner of the endpoint\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
}

#[test]
fn the_hint_for_a_role_that_a_policy_denies_names_the_policy() {
    let role = "arn:aws:iam::123456789012:role/ops/Responder";
    let who = format!(
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on resource: {role}"
    );
    let cases = [
        (
            format!("{who} with an explicit deny in a service control policy"),
            "a service control policy of the organization prevents this: only an administrator of the organization can allow it",
        ),
        (
            format!("{who} because no permissions boundary allows the sts:AssumeRole action"),
            "the permissions boundary of this identity prevents this: ask an administrator of the account to change it, or use \
             other credentials (--profile NAME)",
        ),
        (
            format!("{who} with an explicit deny in an identity-based policy"),
            "an explicit deny overrides every permission: ask an administrator of the account, or use other credentials \
             (--profile NAME)",
        ),
        (
            format!("{who} with an explicit deny in an identity-based policy: {FORCE_MFA}"),
            "the policy's name suggests that it requires MFA: add --serial-number with the user's MFA device",
        ),
        (
            "Roles may not be assumed by root accounts.".to_owned(),
            "the root user cannot assume roles: use a user or a role (--profile NAME)",
        ),
    ];
    each(cases, |(message, hint)| {
        let sandbox = documented();
        let what = What::error(403, "AccessDenied", message.clone());
        sandbox.fault(Fault::new(what).on("AssumeRole").always());
        let case = Case::documented(&sandbox, &["--role-arn", role]);
        let _ = case.run().exits(6).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: the role could not be assumed: An error occurred (AccessDenied) when calling the AssumeRole \
             operation: {message}\nhint: {hint}\nresult: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
    });
}

/// A session of the user would sign instead of the role.
#[test]
fn a_role_profile_that_a_policy_denies_without_mfa_needs_a_device() {
    let who = "User: arn:aws:iam::123456789012:user/admin is not authorized to perform: sts:AssumeRole on resource: \
               arn:aws:iam::123456789012:role/Deployer";
    let message = format!("{who} with an explicit deny in an identity-based policy: {FORCE_MFA}");
    let cases = [
        (
            "",
            "the policy's name suggests that it requires MFA: add mfa_serial with the user's MFA device to the profile `default`",
        ),
        (
            "mfa_serial = arn:aws:iam::123456789012:mfa/admin\n",
            "an explicit deny overrides every permission: ask an administrator of the account, or use other credentials \
             (--profile NAME)",
        ),
    ];
    each(cases, |(device, hint)| {
        let sandbox = documented();
        let what = What::error(403, "AccessDenied", message.clone());
        sandbox.fault(Fault::new(what).on("AssumeRole").always());
        let config = format!(
            "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\n{device}[profile base]\n{}",
            keys(&sandbox.admin())
        );
        let case = with_config(&sandbox, &config);
        let case = match device {
            "" => case,
            _ => case.args(["--token-code", "975318"]),
        };
        let hint = format!("{message}\nhint: {hint}\nresult: ");
        case.run()
            .stops_as(6, &[&hint], "not deleted: nothing was sent to IAM");
    });
}

/// `aws configure mfa-login` cannot use these credentials.
#[test]
fn credentials_of_a_process_that_a_policy_denies_without_mfa_get_no_command_for_a_stored_key() {
    let sandbox = documented();
    let message = format!("{WHO} with an explicit deny in an identity-based policy: {FORCE_MFA}");
    let what = What::error(403, "AccessDenied", message);
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
    let output = json(&sandbox.admin(), LATER);
    let config = format!("[default]\ncredential_process = echo '{output}'\n");
    let ended = with_config(&sandbox, &config).run().exits(6);
    let _ = ended.prints_outcome("Failed").says(&[
        "\nhint: the policy's name suggests that it requires MFA: use a session that was created with MFA\n",
    ]);
}

/// If every read is denied, a command that does the same reads does not help.
#[test]
fn no_hint_needs_the_denied_permissions_if_every_read_is_denied() {
    let no_owner = "hint: whether another user owns it could not be checked: name its owner with --user-name NAME; then \
                    --ignore-missing counts a missing key as success\n";
    let no_list = "hint: with the permission iam:ListAccessKeys and the owner's name, check with: iam-del-key --user-name NAME \
                   --all-keys --dry-run\n";
    let find = "ask for the permission iam:GetAccessKeyLastUsed on * to find the key's owner";
    let cases = [
        (&["--ignore-missing"][..], no_owner.to_owned()),
        (&[], format!("{no_owner}{no_list}")),
        (
            &["--user-name", "admin", "--deactivate"],
            format!(
                "hint: the key does not exist, or belongs to another user; {find}\nhint: with the permission \
                 iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=admin\n"
            ),
        ),
        (
            &["--user-name", "Nobody"],
            // A user who does not exist has no list.
            format!("hint: check the user name; {find}\n"),
        ),
    ];
    each(cases, |(more, hints)| {
        let sandbox = denied(&READS);
        if more != ["--ignore-missing"] {
            sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
            sandbox.fault(once("UpdateAccessKey", What::ResetBeforeActing));
        }
        let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY]).args(more);
        let printed = case.run().exits_with_one_of(&[3, 10]);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        let said_hints = said.messages().split_inclusive('\n');
        let said_hints: String = said_hints
            .filter(|line| line.starts_with("hint: "))
            .collect();
        assert_eq!(said_hints, hints);
        let _ = said.says(&["(NoSuchEntity)"]);
    });
}

/// The hint contains the command, so it is not printed again.
#[test]
fn a_command_that_a_hint_names_is_not_printed_again() {
    let find = format!("iam-del-key --access-key-id {BOBS_KEY} --find-user --dry-run");
    for action in [&["--deactivate"][..], &[]] {
        let sandbox = denied(&READS[..1]);
        sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
        sandbox.fault(once("UpdateAccessKey", What::ResetBeforeActing));
        let _ = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--user-name", "Nobody"])
            .args(action)
            .run()
            .exits(10)
            .prints_outcome("Unknown")
            .says_exactly(&format!("iam-del-key: error: An error occurred (NoSuchEntity) when calling the {} operation: The user \
                with name Nobody cannot be found.\n\
                hint: check the user name; to find the key's owner: {find}\n\
                result: {BOBS_KEY}: unknown: the response to an earlier attempt was lost, and the retry returned NoSuchEntity; \
                the user does not exist, and IAM does not report who owns the key\n",
                if action.is_empty() { "DeleteAccessKey" } else { "UpdateAccessKey" }));
    }
}

pub(crate) const INVALID: &str = "The security token included in the request is invalid.";

#[test]
fn c22_a_session_that_iam_rejects() {
    let sandbox = documented();
    let what = What::error(403, "InvalidClientTokenId", INVALID);
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
    let given = sandbox.session();
    let token = given.session_token.as_deref().expect("a token");
    let session = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &given.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &given.secret_access_key)
        .env("AWS_SESSION_TOKEN", token);
    says(
        session,
        "InvalidClientTokenId",
        INVALID,
        7,
        "IAM rejects sessions that expired, whose user was deleted, or that GetSessionToken created without MFA: get new \
         credentials (aws configure mfa-login gets them with MFA)",
    );
    let without_token = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &given.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &given.secret_access_key);
    says(
        without_token,
        "InvalidClientTokenId",
        INVALID,
        7,
        "these are temporary credentials without their session token: set AWS_SESSION_TOKEN, or aws_session_token in the profile",
    );
    let with_a_token_too_many = Case::documented(&sandbox, &[]).env("AWS_SESSION_TOKEN", token);
    says(
        with_a_token_too_many,
        "InvalidClientTokenId",
        INVALID,
        7,
        "a session token was sent with an access key that is not temporary: unset AWS_SESSION_TOKEN, or remove \
         aws_session_token from the profile",
    );
    says(
        Case::documented(&sandbox, &[]),
        "InvalidClientTokenId",
        INVALID,
        7,
        "your access key ID is mistyped, or the key was deleted, is inactive, or was created only seconds ago: correct it, use \
         other credentials (--profile NAME), or run this again if it is new",
    );
}

#[test]
fn c23_a_signature_for_another_region_does_not_make_the_secret_wrong() {
    refused(
        "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region.",
        7,
        "the endpoint expects requests that are signed for another region: set --region (us-east-1 for iam.amazonaws.com)",
    );
    refused(
        "SignatureDoesNotMatch",
        "Credential should be scoped to correct service: 'sts'.",
        7,
        "the endpoint belongs to another service: check the endpoint URL",
    );
    refused(
        "SignatureDoesNotMatch",
        "Host or :authority must be signed",
        7,
        "",
    );
}
