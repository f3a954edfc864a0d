//! Credentials and roles of one AWS partition with a Region of another: the hints name the Region.

use iam_sandbox::{Sandbox, What};

use crate::case::{BOBS_KEY, Case, always, documented, each};
use crate::credentials::{LATER, keys, with_config};
use crate::mfa::{ARN, CACHED, case, entry, guarded, run_without_terminal, with_cached};
use crate::session::{SSO_SESSION_TOKEN, sso_session, token};

const INVALID: &str = "The security token included in the request is invalid.";
const MISTYPED: &str = "your access key ID is mistyped, or the key was deleted, is inactive, or was created only seconds ago: correct \
                        it, use other credentials (--profile NAME), or run this again if it is new";

fn of_partition(region: &str, partition: &str) -> String {
    format!(
        "the Region {region} is in the partition {partition}, which knows no credentials of other partitions: first check the \
         Region (--region, AWS_REGION, or region in the profile) and the endpoint URL"
    )
}

fn rejecting(action: &str) -> Sandbox {
    let sandbox = documented();
    sandbox.fault(always(
        action,
        What::error(403, "InvalidClientTokenId", INVALID),
    ));
    sandbox
}

#[test]
fn a_key_that_a_region_does_not_know() {
    let (iam, sts) = ("DeleteAccessKey", "GetCallerIdentity");
    let first = |hint: String| format!("hint: {hint}\nhint: {MISTYPED}\n");
    let opt_in = "STS in the Region me-south-1 knows only the accounts that have enabled this Region: first check the Region \
                  (--region, AWS_REGION, or region in the profile)";
    let cases = [
        (
            iam,
            "cn-north-1",
            first(of_partition("cn-north-1", "aws-cn")),
        ),
        (
            sts,
            "us-gov-west-1",
            first(of_partition("us-gov-west-1", "aws-us-gov")),
        ),
        (sts, "me-south-1", first(opt_in.to_owned())),
        (sts, "eu-west-1", format!("hint: {MISTYPED}\n")),
        (iam, "me-south-1", format!("hint: {MISTYPED}\n")),
    ];
    each(cases, |(action, region, hints)| {
        let sandbox = rejecting(action);
        let case = Case::documented(&sandbox, &["--region", region]);
        let case = match action {
            "GetCallerIdentity" => case.args(["--expect-account", "123456789012"]),
            _ => case,
        };
        let said = case.run().exits(7).prints_anything();
        let _ = said.says(&[&format!(
            "when calling the {action} operation: {INVALID}\n{hints}result: "
        )]);
    });
}

#[test]
fn a_key_that_deletes_itself_and_that_a_region_does_not_know() {
    let sandbox = rejecting("DeleteAccessKey");
    let own = sandbox.admin().access_key_id;
    let options = [
        "--user-name",
        "admin",
        "--allow-self",
        "--region",
        "cn-north-1",
    ];
    let case = Case::at(&sandbox, ["--access-key-id", &own]).args(options);
    let said = case.run().exits(7).prints_anything();
    let region = of_partition("cn-north-1", "aws-cn");
    let _ = said.says(&[&format!(
        "{INVALID}\nhint: {region}\nhint: AWS rejects a key that was deleted or is inactive, and this key signs the requests; "
    )]);
}

#[test]
fn credentials_of_sso_that_a_region_does_not_know() {
    let sandbox = rejecting("DeleteAccessKey");
    let portal = iam_sandbox::Metadata::start();
    let case = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, token(LATER))
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .args(["--region", "cn-north-1"]);
    let said = case.run().exits(7).prints_anything();
    let region = of_partition("cn-north-1", "aws-cn");
    let _ = said.says(&[&format!(
        "{INVALID}\nhint: {region}\nhint: AWS rejects the credentials from the SSO session of profile `default`: use other \
         credentials (--profile NAME)\n"
    )]);
}

/// The session may be valid.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn a_cached_session_that_a_region_does_not_know_is_not_simply_removed() {
    let sandbox = guarded(&[]);
    sandbox.fault(always(
        "DeleteAccessKey",
        What::error(403, "InvalidClientTokenId", INVALID),
    ));
    let case = with_cached(case(&sandbox), &entry(&sandbox, ARN, LATER), 0o600);
    let path = case.path(CACHED).display().to_string();
    let region = of_partition("cn-north-1", "aws-cn");
    let said = run_without_terminal(case.args(["--region", "cn-north-1"])).exits(7);
    let _ = said.prints_anything().says(&[&format!(
        "{INVALID}\nhint: {region}\nhint: if it is right, AWS rejects the cached session: to get a new one, remove `{path}`\n"
    )]);
}

#[test]
fn a_role_of_another_partition_than_the_region() {
    let cases = [
        ("aws-cn", "us-east-1", "aws"),
        ("aws", "cn-north-1", "aws-cn"),
    ];
    each(cases, |(theirs, region, ours)| {
        let sandbox = documented();
        let role = format!("arn:{theirs}:iam::123456789012:role/Deployer");
        let message = format!("Invalid principal partition: {role}");
        let error = What::error(400, "ValidationError", message.clone());
        sandbox.fault(always("AssumeRole", error));
        let config = format!(
            "[default]\nrole_arn = {role}\nsource_profile = base\n[profile base]\n{}",
            keys(&sandbox.admin())
        );
        let case = with_config(&sandbox, &config).args(["--region", region]);
        case.run().stops_exactly(
            2,
            &format!(
                "iam-del-key: error: the role could not be assumed: An error occurred (ValidationError) when calling the AssumeRole \
                 operation: {message}\nhint: the role is in the partition {theirs}, and the Region {region} in {ours}: correct the \
                 ARN of the role, or use a Region (--region) and credentials of {theirs}\nresult: {BOBS_KEY}: not deleted: nothing \
                 was sent to IAM\n"
            ),
        );
    });
}
