//! Each error code that IAM documents, its exit status, the AWS CLI's sentence and the hint.

use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, always, documented, once};

/// Returns an error for the first `times` deletions, and compares the outcome.
fn returns_error(status: u16, code: &str, message: &str, exit: i32, says: &[&str]) {
    let sandbox = documented();
    let what = What::error(status, code.to_owned(), message.to_owned());
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
    let case = Case::documented(&sandbox, &[]);
    let sentence = format!(
        "iam-del-key: error: An error occurred ({code}) when calling the DeleteAccessKey operation: {message}"
    );
    let printed = case.run().exits(exit);
    let object = printed.object();
    assert_eq!(object["AccessKeyId"], BOBS_KEY);
    assert_eq!(object["UserName"], "Bob");
    assert_eq!(object["Error"]["Code"], code);
    assert_eq!(object["Error"]["Message"], message);
    assert!(object["RequestId"].is_string());
    let all: Vec<&str> = [sentence.as_str()]
        .into_iter()
        .chain(says.iter().copied())
        .collect();
    // A request that failed with a server error can still act.
    let (outcome, known) = match exit {
        5 => (
            "Unknown",
            "unknown: the last response was an error, but IAM may still make the change; IAM still lists the key",
        ),
        3 if message.contains("user") => ("Failed", "not deleted: IAM found no such user"),
        3 => ("Failed", "not deleted: IAM found no such key for this user"),
        _ => ("Failed", "not deleted: IAM refused the request"),
    };
    let _ = printed
        .prints_outcome(outcome)
        .says(&all)
        .ends_with(&format!("{BOBS_KEY}: {known}"));
    assert!(sandbox.has_key(BOBS_KEY), "the key was deleted");
    let deletes = sandbox
        .requests()
        .iter()
        .filter(|request| request.action == "DeleteAccessKey")
        .count();
    let retried = matches!(exit, 5 | 8);
    assert_eq!(deletes, if retried { 3 } else { 1 }, "attempts");
}

#[test]
fn no_such_entity_for_a_key_exits_3() {
    let message = format!("The Access Key with id {BOBS_KEY} cannot be found.");
    returns_error(
        404,
        "NoSuchEntity",
        &message,
        3,
        &[
            "; to find the key's owner: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run",
        ],
    );
    returns_error(404, "NoSuchEntityException", &message, 3, &["hint: "]);
}

#[test]
fn no_such_entity_for_a_user_exits_3() {
    returns_error(
        404,
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
        3,
        &["hint: check the user name"],
    );
}

#[test]
fn f53_limit_exceeded_exits_4_and_is_not_retried() {
    returns_error(
        409,
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        4,
        &["LimitExceeded"],
    );
    returns_error(
        409,
        "LimitExceededException",
        "Cannot exceed quota",
        4,
        &["LimitExceeded"],
    );
}

#[test]
fn f51_service_failures_exit_5_after_retries() {
    returns_error(
        500,
        "ServiceFailure",
        "The request processing has failed",
        5,
        &["hint: this is a problem at AWS"],
    );
    returns_error(500, "InternalFailure", "Internal error", 5, &["hint: "]);
    returns_error(503, "ServiceUnavailable", "Try again", 5, &["hint: "]);
}

#[test]
fn validation_errors_exit_2() {
    let message = "Must specify userName when calling with non-User credentials";
    returns_error(
        400,
        "ValidationError",
        message,
        2,
        &[
            "hint: these credentials do not belong to an IAM user",
            "--user-name NAME",
        ],
    );
    returns_error(
        400,
        "MalformedInput",
        "The input is malformed",
        2,
        &["MalformedInput"],
    );
}

#[test]
fn f55_access_denied_exits_6() {
    let message = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:DeleteAccessKey on resource: user Bob";
    returns_error(
        403,
        "AccessDenied",
        message,
        6,
        &["hint: ask for the permission iam:DeleteAccessKey"],
    );
    returns_error(403, "AccessDeniedException", message, 6, &["hint: "]);
}

#[test]
fn f29_rejected_credentials_exit_7() {
    let expired = "The security token included in the request is expired";
    returns_error(
        403,
        "ExpiredToken",
        expired,
        7,
        &["hint: the session has expired"],
    );
    returns_error(
        403,
        "ExpiredTokenException",
        expired,
        7,
        &["hint: the session has expired"],
    );
    returns_error(400, "RequestExpired", "Request has expired", 7, &["hint: "]);
    returns_error(
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        7,
        &["hint: your access key ID is mistyped, or the key was deleted"],
    );
    returns_error(
        403,
        "IncompleteSignature",
        "Credential must have exactly 5 elements",
        7,
        &["hint: the access key ID is malformed"],
    );
    returns_error(
        403,
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
        7,
        &["hint: "],
    );
    returns_error(
        403,
        "OptInRequired",
        "You are not subscribed to this service",
        7,
        &["hint: this account is not signed up"],
    );
}

#[test]
fn f29_a_wrong_secret_exits_7() {
    let sandbox = documented();
    let case =
        Case::documented(&sandbox, &[]).env("AWS_SECRET_ACCESS_KEY", crate::case::CANARIES[0]);
    let says = &[
        "(SignatureDoesNotMatch)",
        "hint: the secret access key does not belong",
    ];
    let _ = case
        .run()
        .exits(7)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("not deleted: IAM refused the request");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f29_an_unknown_signing_key_exits_7() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &[]).env("AWS_ACCESS_KEY_ID", "AKIAQAAAAAAAUNKNOWNA");
    let says = &[
        "(InvalidClientTokenId)",
        "hint: your access key ID is mistyped, or the key was deleted, is inactive",
    ];
    let _ = case
        .run()
        .exits(7)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("not deleted: IAM refused the request");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f52_throttling_exits_8_after_retries() {
    returns_error(
        400,
        "Throttling",
        "Rate exceeded",
        8,
        &["hint: IAM limits requests per account"],
    );
    returns_error(400, "ThrottlingException", "Rate exceeded", 8, &["hint: "]);
    returns_error(
        503,
        "SlowDown",
        "Please reduce your request rate",
        8,
        &["hint: "],
    );
}

/// Only a response of AWS has a code.
#[test]
fn f52_throttling_without_a_code_may_come_from_a_proxy() {
    let sandbox = documented();
    sandbox.fault(always("DeleteAccessKey", What::page(429, "text/html", "")));
    let case = Case::documented(&sandbox, &["--timeout", "2"]).env("AWS_MAX_ATTEMPTS", "1");
    let says = "hint: the server, or a proxy in front of it, limits requests: wait a moment, and run fewer commands at once\n";
    let _ = case.run().exits(8).prints_outcome("Unknown").says(&[says]);
}

#[test]
fn f52_throttling_without_a_code_after_a_lost_response_exits_10() {
    let sandbox = documented();
    sandbox.fault(once("DeleteAccessKey", What::ResetAfterActing));
    sandbox.fault(always("DeleteAccessKey", What::empty(429)));
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox.deny("iam:ListAccessKeys");
    let case = Case::documented(&sandbox, &["--timeout", "4"]).env("AWS_MAX_ATTEMPTS", "2");
    case.run().ends_exactly(
        10,
        "Unknown",
        "iam-del-key: error: An error occurred (HTTP 429) when calling the DeleteAccessKey operation: no message\n\
         hint: the server, or a proxy in front of it, limits requests: wait a moment, and run fewer commands at once\n\
         hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n\
         result: AKIDPMS9RO4H3FEXAMPLE: unknown: the last response was an error, but IAM may still make the change; there is no \
         permission to check the key\n",
    );
}

#[test]
fn f54_an_unlisted_code_exits_1() {
    returns_error(418, "TeapotBoiling", "I am a teapot", 1, &["request ID"]);
}
