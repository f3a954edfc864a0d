//! Errors of STS: each has the exit status of its kind, and a hint that fits STS.

use iam_sandbox::What;

use crate::case::{Case, actions, always, documented, each};
use crate::credentials::without;

const SERVICE: &str =
    "hint: STS limits requests per account: wait a moment, and run fewer commands at once\n";
const CALCULATED: &str =
    "The request signature we calculated does not match the signature you provided.";
const REGION: &str = "hint: STS is not active in this region: choose another with --region\n";

#[test]
fn f101_a_web_identity_that_sts_refuses() {
    let cases = [
        (
            "InvalidIdentityToken",
            7,
            "hint: STS could not validate the web identity token: get a new one, and check that the role's account has an identity \
             provider for the token's issuer\n",
        ),
        (
            "IDPRejectedClaim",
            7,
            "hint: the identity provider rejected the web identity token, which may have expired or been revoked: get a new one\n",
        ),
        (
            "ExpiredTokenException",
            7,
            "hint: the web identity token has expired: get a new one from the same identity provider\n",
        ),
        (
            "IDPCommunicationError",
            5,
            "hint: STS could not reach the identity provider of the web identity token: wait a minute, and run the same command again\n",
        ),
        ("RegionDisabledException", 7, REGION),
        ("MalformedPolicyDocument", 2, ""),
        ("PackedPolicyTooLarge", 2, ""),
        ("ValidationError", 2, ""),
        ("Throttling", 8, SERVICE),
        // The request is not signed, so these are not about a signature or a key.
        ("MissingAuthenticationToken", 7, ""),
        ("SignatureDoesNotMatch", 7, ""),
        ("IncompleteSignature", 7, ""),
        ("InvalidClientTokenId", 7, ""),
        ("RequestExpired", 7, ""),
    ];
    each(cases, |(code, status, hint)| {
        let sandbox = documented();
        let error = What::error(400, code, CALCULATED);
        sandbox.fault(always("AssumeRoleWithWebIdentity", error));
        let case = without(&sandbox, "").file("token", "a.web.token");
        let token = case.path("token");
        let case = case
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer");
        let error = format!(
            "error: the role could not be assumed: An error occurred ({code}) when calling the AssumeRoleWithWebIdentity \
             operation: {CALCULATED}\n{hint}result: "
        );
        case.run()
            .stops_as(status, &[&error], "not deleted: nothing was sent to IAM");
        assert_eq!(actions(&sandbox), ["AssumeRoleWithWebIdentity"]);
    });
}

#[test]
fn f101_sts_errors_get_hints_about_sts() {
    let scope = "Credential should be scoped to a valid region. ";
    let cases = [
        ("Throttling", "Rate exceeded", 8, SERVICE),
        ("RegionDisabledException", "STS is not active", 7, REGION),
        (
            "SignatureDoesNotMatch",
            scope,
            7,
            "hint: the endpoint expects requests that are signed for another region: set --region\n",
        ),
        (
            "SignatureDoesNotMatch",
            CALCULATED,
            7,
            "hint: the secret access key does not belong to your access key ID: check it for missing characters\n",
        ),
    ];
    let role = ["--role-arn", "arn:aws:iam::123456789012:role/ops/Responder"];
    let account = ["--expect-account", "123456789012"];
    for (action, more) in [("AssumeRole", role), ("GetCallerIdentity", account)] {
        each(cases, |(code, message, status, hint)| {
            let sandbox = documented();
            sandbox.fault(always(action, What::error(403, code, message)));
            let case = Case::documented(&sandbox, &more).env("AWS_MAX_ATTEMPTS", "1");
            case.run().stops_as(
                status,
                &[code, hint],
                "not deleted: nothing was sent to IAM",
            );
        });
    }
}
