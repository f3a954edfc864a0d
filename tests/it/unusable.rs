//! Unusable responses: errors that are not from IAM, and values that are unreadable or contradictory.

use iam_sandbox::{Act, Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, actions, always, documented, each_at_once, faulty};
use crate::response::{END, IAM, SWEEP, keys, last_use, member, reply, result, xml};

const DENIED: &str =
    "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

fn in_namespace(namespace: &str, inside: &str) -> String {
    format!("<ErrorResponse xmlns=\"{namespace}\">{inside}</ErrorResponse>")
}

fn on_delete(body: &str, act: Act) -> Fault {
    Fault::new(reply(403, &[], body, act)).on("DeleteAccessKey")
}

/// Errors from something other than IAM, and what is wrong with each.
fn errors_of_others() -> Vec<(String, &'static str)> {
    let complete = format!("{DENIED}<RequestId>r</RequestId>");
    let namespace = "that is not in the namespace https://iam.amazonaws.com/doc/2010-05-08/";
    let documented = "that is not in the documented ErrorResponse";
    let in_an_error = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
                       <RequestId>r</RequestId></Error>";
    vec![
        (in_an_error.to_owned(), "that is not in an ErrorResponse"),
        (
            in_an_error.replacen("<Error>", &format!("<Error xmlns=\"{IAM}\">"), 1),
            "that is not in an ErrorResponse",
        ),
        (
            in_namespace("https://sts.amazonaws.com/doc/2011-06-15/", &complete),
            namespace,
        ),
        (
            in_namespace("https://iam.amazonaws.com/doc/2011-06-15/", &complete),
            namespace,
        ),
        (
            in_namespace("http://s3.amazonaws.com/doc/2006-03-01/", &complete),
            namespace,
        ),
        (
            in_namespace(&IAM.to_lowercase().replace("https", "http"), &complete),
            namespace,
        ),
        (
            format!("<ErrorResponse>{complete}</ErrorResponse>"),
            namespace,
        ),
        (
            format!("<a:ErrorResponse xmlns:a=\"{IAM}\">{complete}</a:ErrorResponse>"),
            namespace,
        ),
        (in_namespace(IAM, DENIED), "without a request ID"),
        (
            in_namespace(IAM, &format!("{DENIED}<RequestId> </RequestId>")),
            "without a request ID",
        ),
        (in_namespace(IAM, in_an_error), "without a request ID"),
        (
            in_namespace(IAM, &format!("{complete}<RequestId>s</RequestId>")),
            documented,
        ),
        (
            in_namespace(IAM, &format!("{DENIED}{complete}")),
            documented,
        ),
        (in_namespace(IAM, &format!("no{complete}")), documented),
    ]
}

#[test]
fn c65_an_error_that_is_not_from_iam_is_not_a_refusal() {
    each_at_once(errors_of_others(), |(body, what)| {
        let sandbox = documented();
        sandbox.fault(on_delete(&body, Act::Never).always());
        let host = sandbox.address();
        let said = Case::documented(&sandbox, &["--timeout", "4"]).run();
        let _ = said.exits(10).prints_outcome("Unknown").says_exactly(&format!(
            "iam-del-key: error: no usable response from IAM at {host}: HTTP status 403; invalid body: \
             it is an error (AccessDenied: Access Denied) {what}\n\
             hint: a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy\n\
             hint: check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived; IAM still lists the key\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY), "{body}");
    });
}

#[test]
fn c65_a_deletion_with_an_error_that_is_not_from_iam_is_sent_again() {
    each_at_once(errors_of_others(), |(body, _)| {
        let sandbox = documented();
        sandbox.fault(on_delete(&body, Act::Before));
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED)
            .says(&["is presumed deleted"]);
        assert!(!sandbox.has_key(BOBS_KEY), "{body}");
    });
}

#[test]
fn c65_an_error_of_iam_or_of_aws_in_front_of_it_is_a_refusal() {
    let complete = format!("{DENIED}<RequestId>r</RequestId>");
    let fault = in_namespace(
        "http://webservices.amazon.com/AWSFault/2005-15-09",
        &complete,
    );
    for body in [in_namespace(IAM, &complete), fault] {
        let sandbox = documented();
        sandbox.fault(on_delete(&body, Act::Never));
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(6)
            .prints_outcome("Failed")
            .says(&["An error occurred (AccessDenied) when calling the DeleteAccessKey operation: Access Denied"])
            .ends_with("not deleted: IAM refused the request");
    }
}

#[test]
fn c65_an_iam_error_does_not_count_as_an_sts_error() {
    let sandbox = documented();
    let body = in_namespace(IAM, &format!("{DENIED}<RequestId>r</RequestId>"));
    let what: What = reply(403, &[], body, Act::Never);
    sandbox.fault(Fault::new(what).on("GetCallerIdentity").always());
    let case = Case::documented(&sandbox, &["--expect-account", "123456789012"]);
    let _ = case.run().exits(9).prints_nothing().says(&[
        "unexpected response from STS at ",
        "it is an error (AccessDenied: Access Denied) that is not in the namespace https://sts.amazonaws.com/doc/2011-06-15/",
    ]);
    assert!(sandbox.has_key(BOBS_KEY));
}

const NO_DATE: &str = "it has an invalid date";
const NO_BOOLEAN: &str = "it has a value that is neither true nor false";

#[test]
fn c59_a_value_that_cannot_be_read_is_an_unusable_response() {
    let end = "<IsTruncated>false</IsTruncated>";
    let created = |date: &str| {
        keys(&member(BOBS_KEY, "Bob", "Inactive"), end).replacen("2020-01-01T00:00:00Z", date, 1)
    };
    let truncated = |text: &str| {
        let end = format!("<IsTruncated>{text}</IsTruncated>");
        keys(&member(BOBS_KEY, "Bob", "Inactive"), &end)
    };
    let cases = [
        ("GetAccessKeyLastUsed", last_use("Bob", "N/A"), NO_DATE),
        ("GetAccessKeyLastUsed", last_use("Bob", ""), NO_DATE),
        (
            "GetAccessKeyLastUsed",
            last_use("Bob", "2021-13-01T00:00:00Z"),
            NO_DATE,
        ),
        (
            "GetAccessKeyLastUsed",
            last_use("Bob", "1609459200"),
            NO_DATE,
        ),
        ("ListAccessKeys", created("yesterday"), NO_DATE),
        ("ListAccessKeys", created("2020-01-01"), NO_DATE),
        ("ListAccessKeys", truncated("maybe"), NO_BOOLEAN),
        ("ListAccessKeys", truncated("1"), NO_BOOLEAN),
        ("ListAccessKeys", truncated("False"), NO_BOOLEAN),
    ];
    each_at_once(cases, |(action, body, what)| {
        let sandbox = documented();
        sandbox.fault(Fault::new(xml(body.clone())).on(action).always());
        let host = sandbox.address();
        let case = match action {
            "ListAccessKeys" => Case::documented(&sandbox, &["--only-inactive"]),
            _ => Case::documented(&sandbox, &["--unused-for", "1d"]),
        };
        let _ = case
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says_exactly(&format!(
                "iam-del-key: error: unusable response from IAM at {host}: {what}\n\
             result: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
            ));
        assert!(sandbox.has_key(BOBS_KEY), "{body}");
        assert_eq!(actions(&sandbox).last().map(String::as_str), Some(action));
    });
}

#[test]
fn c59_a_list_that_ends_with_a_marker_is_an_error() {
    let end = format!("{END}<Marker>next</Marker>");
    let bobs = member(BOBS_KEY, "Bob", "Inactive");
    let named = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let pages = [
        ("ListAccessKeys", "--only-inactive", keys(&bobs, &end)),
        (
            "ListUserTags",
            "--except-tag=x",
            result("ListUserTags", &format!("<Tags/>{end}")),
        ),
        (
            "ListUsers",
            "",
            result("ListUsers", &format!("<Users/>{end}")),
        ),
    ];
    each_at_once(pages, |(operation, option, page)| {
        let case = |sandbox: &Sandbox| match operation {
            "ListUsers" => Case::at(sandbox, SWEEP),
            _ => Case::at(sandbox, named).args([option]),
        };
        let sandbox = faulty([always(operation, xml(page.clone()))]);
        let said = case(&sandbox).run().exits(1).prints_anything();
        let _ = said.says(&[
            "unusable response from IAM at ",
            "it says that the list ends, but has a marker",
        ]);
        assert!(sandbox.has_key(BOBS_KEY));
        // An empty marker does not count as one.
        let sandbox = faulty([always(operation, xml(page.replace(">next<", "> <")))]);
        let _ = case(&sandbox).run().exits(0).prints_anything();
    });
}

#[test]
fn c59_a_value_that_cannot_be_read_ends_a_sweep() {
    let user = "<member><Path>/</Path><UserName>Bob</UserName><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\
                <Arn>arn:aws:iam::123456789012:user/Bob</Arn><CreateDate>never</CreateDate></member>";
    let users = format!("<Users>{user}</Users><IsTruncated>false</IsTruncated>");
    for (body, what) in [
        (users.as_str(), NO_DATE),
        ("<Users/><IsTruncated>no</IsTruncated>", NO_BOOLEAN),
    ] {
        let sandbox = documented();
        let what_comes = xml(result("ListUsers", body));
        sandbox.fault(Fault::new(what_comes).on("ListUsers").always());
        let host = sandbox.address();
        let args = [
            "--whole-account",
            "--only-inactive",
            "--yes",
            "--expect-account",
            "123456789012",
        ];
        let _ = Case::at(&sandbox, args)
            .run()
            .exits(1)
            .prints_nothing()
            .says(&[&format!("unusable response from IAM at {host}: {what}")])
            .ends_with("no key was changed");
    }
}
