//! Errors of STS: each has the exit status of its kind, and a hint that fits STS.

use iam_sandbox::What;

use crate::case::{BOBS_KEY, Case, actions, always, documented, each};
use crate::credentials::{keys, with_config};

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
        // The request is not signed, so these errors do not concern a signature or a key.
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
        let case = with_config(&sandbox, "").file("token", "a.web.token");
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
fn a_web_identity_for_another_audience() {
    let sandbox = documented();
    let error = What::error(400, "InvalidIdentityToken", "Incorrect token audience");
    sandbox.fault(always("AssumeRoleWithWebIdentity", error));
    let case = with_config(&sandbox, "").file("token", "a.web.token");
    let token = case.path("token");
    let case = case
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer");
    let hint = "Incorrect token audience\nhint: the identity provider of the role's account does not list the audience of the web \
                identity token: get a token for an audience that it lists, or add the audience to the provider\nresult: ";
    case.run()
        .stops_as(7, &[hint], "not deleted: nothing was sent to IAM");
}

/// The maximum session duration is a setting of the role, and one hour for a role that another role assumes.
#[test]
fn a_session_that_is_too_long_names_its_setting() {
    let messages = [
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        "1 validation error detected: Value '43200' at 'durationSeconds' failed to satisfy constraint: Member must have value \
         less than or equal to 43200",
    ];
    each(messages, |message| {
        let sandbox = documented();
        let error = What::error(400, "ValidationError", message);
        sandbox.fault(always("AssumeRole", error));
        let config = format!(
            "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\nduration_seconds = 43200\n\
             [profile base]\n{}",
            keys(&sandbox.admin())
        );
        let case = with_config(&sandbox, &config);
        let place = format!("line 4 of {}", case.path(".aws/config").display());
        let hint = format!(
            "{message}\nhint: correct `duration_seconds` of profile `default` ({place}), or remove it\nresult: "
        );
        case.run()
            .stops_as(2, &[&hint], "not deleted: nothing was sent to IAM");
        // No setting could be corrected.
        let config = config.replace("duration_seconds = 43200\n", "");
        let none = format!("{message}\nresult: ");
        with_config(&sandbox, &config).run().stops_as(
            2,
            &[&none],
            "not deleted: nothing was sent to IAM",
        );
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

/// The text is from this program, not from the parser of the SDK.
#[test]
fn a_session_whose_expiration_is_not_a_date() {
    for (operation, args) in [
        (
            "AssumeRole",
            ["--role-arn", "arn:aws:iam::123456789012:role/Deployer"],
        ),
        ("AssumeRoot", ["--target-principal", "123456789012"]),
    ] {
        let sandbox = documented();
        let page = format!(
            "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result><Credentials>\
             <AccessKeyId>ASIARZPUZDIKMX6ST4CU</AccessKeyId><SecretAccessKey>x</SecretAccessKey>\
             <SessionToken>x</SessionToken><Expiration>tomorrow</Expiration></Credentials></{operation}Result>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
        );
        sandbox.fault(always(operation, What::page(200, "text/xml", page)));
        let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY]).args(args);
        let host = sandbox.address();
        let _ = case
            .run()
            .exits(1)
            .prints_nothing()
            .says(&[&format!(
                "unusable response from STS at {host}: it has an invalid date\n"
            )])
            .ends_with("not deleted: nothing was sent to IAM");
    }
}
