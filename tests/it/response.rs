//! Responses other than the documented document: none of them counts.

use std::time::{Duration, Instant};

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Act, Fault, Sandbox, What};

use crate::case::{
    BOBS_KEY, Case, DELETED, Ended, actions, always, each, each_at_once, faulty, once,
};

pub(crate) const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
pub(crate) const METADATA: &str = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>";
pub(crate) const PORTAL: &str = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Sign in to the Wi-Fi</body></html>";

pub(crate) fn reply(
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
    act: Act,
) -> What {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    What::Reply {
        status,
        headers,
        body: body.into(),
        act,
    }
}

pub(crate) fn xml(body: impl Into<Vec<u8>>) -> What {
    reply(200, &[], body, Act::Never)
}

/// The documented response of an operation with this result.
pub(crate) fn result(operation: &str, inside: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"{IAM}\"><{operation}Result>{inside}</{operation}Result>{METADATA}</{operation}Response>"
    )
}

pub(crate) fn member(id: &str, user: &str, status: &str) -> String {
    format!(
        "<member><UserName>{user}</UserName><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status>\
         <CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
    )
}

pub(crate) fn keys(members: &str, end: &str) -> String {
    let list = format!("<AccessKeyMetadata>{members}</AccessKeyMetadata>{end}");
    result("ListAccessKeys", &list)
}

pub(crate) fn last_use(owner: &str, date: &str) -> String {
    let used = format!(
        "<UserName>{owner}</UserName><AccessKeyLastUsed><LastUsedDate>{date}</LastUsedDate>\
         <ServiceName>s3</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>"
    );
    result("GetAccessKeyLastUsed", &used)
}

/// Lists that lag behind a change from before the run.
pub(crate) fn lagging(action: &str, what: What) -> Fault {
    let until = Instant::now() + Duration::from_millis(2500);
    Fault::new(what).on(action).until(until)
}

/// The end of every complete list.
pub(crate) const END: &str = "<IsTruncated>false</IsTruncated>";
pub(crate) const SWEEP: [&str; 5] = [
    "--whole-account",
    "--only-inactive",
    "--yes",
    "--expect-account",
    "123456789012",
];

/// The response does not mislead the run: the key still exists, and is never called deleted.
pub(crate) fn is_not_deleted(sandbox: &Sandbox, ended: Ended) {
    let printed = ended.exits_with_one_of(&[1, 10]);
    let output = printed.output().to_owned();
    assert!(!output.contains("Deleted"), "{output}");
    assert!(sandbox.has_key(BOBS_KEY));
    let said = printed.prints_anything();
    let _ = said.says(&["no usable response from IAM"]);
}

/// Every deletion gets this response, and none acts.
fn no_response_deletes(status: u16, body: &str, more: &[&str]) {
    let what = reply(status, &[], body, Act::Never);
    let sandbox = faulty([always("DeleteAccessKey", what)]);
    let case = Case::documented(&sandbox, more).args(["--timeout", "4"]);
    is_not_deleted(&sandbox, case.run());
}

#[test]
fn c65_only_200_with_the_documented_document_is_success() {
    let document =
        format!("<DeleteAccessKeyResponse xmlns=\"{IAM}\">{METADATA}</DeleteAccessKeyResponse>");
    let with = |from: &str, to: &str| document.replacen(from, to, 1);
    let error = format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    );
    let id = "<RequestId>r</RequestId>";
    let (namespace, start) = (format!("xmlns=\"{IAM}\""), "<ResponseMetadata>");
    let bodies = [
        with(IAM, "https://sts.amazonaws.com/doc/2011-06-15/"),
        with(&format!(" {namespace}"), ""),
        with(METADATA, &error),
        with(METADATA, &format!("{error}{METADATA}")),
        with(METADATA, &format!("{METADATA}{METADATA}")),
        with(METADATA, ""),
        with(id, ""),
        with(id, "<RequestId> </RequestId>"),
        with(id, "<RequestId>a<b/></RequestId>"),
        with(METADATA, &format!("not deleted{METADATA}")),
        with(METADATA, &format!("<!-- no -->{METADATA}")),
        with(METADATA, &format!("<?no?>{METADATA}")),
        with(start, "<ResponseMetadata a=\"b\">"),
        with(start, "<ResponseMetadata xmlns=\"x\">"),
        with(&namespace, &format!("{namespace} a=\"b\"")),
        with(METADATA, &format!("{METADATA}<Success>false</Success>")),
        document.replace("DeleteAccessKey", "UpdateAccessKey"),
        format!("{document}{document}"),
        format!("<!-- cached -->{document}"),
        format!("<Envelope {namespace}>{document}</Envelope>"),
    ];
    let others = [201, 202, 203, 204, 205, 206, 207, 208, 226, 299];
    let others = others.map(|status| (status, document.clone()));
    let cases = bodies.into_iter().map(|body| (200, body)).chain(others);
    each_at_once(cases, |(status, body)| {
        no_response_deletes(status, &body, &[]);
    });
}

#[test]
fn c65_the_documented_document_in_other_words_is_success() {
    let prefixed = format!(
        "<i:DeleteAccessKeyResponse xmlns:i=\"{IAM}\"><i:ResponseMetadata><i:RequestId>q</i:RequestId></i:ResponseMetadata>\
         </i:DeleteAccessKeyResponse>"
    );
    let spaced = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<DeleteAccessKeyResponse xmlns='{IAM}' >\r\n\t<ResponseMetadata>\n \
         <RequestId> q </RequestId>\n</ResponseMetadata>\n</DeleteAccessKeyResponse>\n"
    );
    each([prefixed, spaced], |body| {
        let what = reply(200, &[], body, Act::Before);
        let sandbox = faulty([once("DeleteAccessKey", what)]);
        Case::documented(&sandbox, &[]).run().deletes_quietly();
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn c65_an_error_with_a_status_that_does_not_fit_is_not_a_refusal() {
    let error = format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>"
    );
    let twice = error.replace("<Code>", "<Code>AccessDenied</Code><Code>");
    let cases = [(200, &*error), (302, &error), (304, ""), (404, &twice)];
    each(cases, |(status, body)| {
        no_response_deletes(status, body, &["--ignore-missing"]);
    });
}

#[test]
fn c65_a_read_is_the_documented_document_too() {
    let good = keys(&member(BOBS_KEY, "Bob", "Inactive"), END);
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    let before = |tag: &str, more: &str| with(tag, &format!("{more}{tag}"));
    let cases = [
        (202, good.clone()),
        (206, good.clone()),
        (200, with(IAM, "https://example.com/")),
        (200, before(METADATA, "<ErrorResponse/>")),
        (200, before("<IsTruncated>", "<AccessKeyMetadata/>")),
        (200, before("<Status>", "<Status>Active</Status>")),
        (
            200,
            before("<IsTruncated>", "<IsTruncated>true</IsTruncated>"),
        ),
        (200, with("<member>", "<member xmlns=\"x\">")),
    ];
    each(cases, |(status, body)| {
        let what = reply(status, &[], body, Act::Never);
        let sandbox = faulty([always("ListAccessKeys", what)]);
        let says = &["unexpected response from IAM at "];
        let known = "not deleted: no request to change it was sent to IAM";
        let ended = Case::documented(&sandbox, &["--only-inactive"]).run();
        ended.ends_as(9, "Failed", says, known);
        assert_eq!(actions(&sandbox), ["ListAccessKeys"]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn c28_an_unexpected_response_to_a_read_is_reported_as_such() {
    let hint = "hint: a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";
    let portal =
        |action: &str, status| faulty([always(action, What::page(status, "text/html", PORTAL))]);
    each(["ListAccessKeys", "GetAccessKeyLastUsed"], |action| {
        let sandbox = portal(action, 200);
        let host = sandbox.address();
        let case = Case::documented(&sandbox, &["--unused-for", "1d"]);
        let said = case.run().exits(9).prints_outcome("Failed");
        let _ = said.says_exactly(&format!(
            "iam-del-key: error: unexpected response from IAM at {host}: HTTP status 200; invalid body: it is an HTML page\n\
             {hint}\nresult: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY));
    });
    let sandbox = portal("GetCallerIdentity", 302);
    let host = sandbox.address();
    let case = Case::documented(&sandbox, &["--expect-account", "123456789012"]);
    case.run().stops_exactly(9, &format!(
        "iam-del-key: error: --expect-account could not be checked: unexpected response from STS at {host}: \
         HTTP status 302; invalid body: it is an HTML page\n\
         {hint}\nresult: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
    let sandbox = portal("ListAccessKeys", 200);
    let case = Case::documented(&sandbox, &["--only-inactive", "--error-format", "json"]);
    let said = case.run().exits(9).prints_outcome("Failed");
    let _ = said.says(&["\"Code\":\"UnexpectedResponse\""]);
    let failed = "hint: the server, or a proxy in front of it, failed: wait a minute, and run the same command again";
    each([(503, failed), (511, hint)], |(status, says)| {
        let sandbox = portal("ListAccessKeys", status);
        let case = Case::documented(&sandbox, &["--only-inactive"]);
        let said = case.run().exits(9).prints_outcome("Failed");
        let host = sandbox.address();
        let unexpected = format!("unexpected response from IAM at {host}: HTTP status {status}");
        let _ = said.says(&[&unexpected, says]);
    });
    let not_found = "<html lang=\"en\"><p>Not found</p></html>";
    let responses = [
        What::empty(200),
        What::page(200, "text/plain", "ok"),
        What::page(404, "text/html", not_found),
        What::page(511, "text/html", PORTAL),
        What::NotHttp(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        What::NotHttp(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n".to_vec()),
        What::NotHttp(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n".to_vec()),
        What::ManyHeaders(10_000),
    ];
    let is_unexpected = |what| {
        let sandbox = faulty([always("ListUsers", what)]);
        let case = Case::at(&sandbox, SWEEP).env("AWS_MAX_ATTEMPTS", "1");
        let said = case.run().exits(9).prints_nothing();
        let unreachable = said.messages().contains("could not reach");
        assert!(!unreachable, "{}", said.messages());
        let _ = said
            .says(&["unexpected response from IAM at "])
            .ends_with("no key was changed");
    };
    each(responses, is_unexpected);
    is_unexpected(xml(vec![b' '; 7 << 20]));
}

#[test]
fn c59_a_list_that_does_not_say_whether_it_continues_is_an_error() {
    let says = "unusable response from IAM at ";
    let what = "it does not say whether the list continues (IsTruncated is missing)";
    let ends = [
        ("", what),
        ("<IsTruncated/>", ""),
        ("<IsTruncated>no</IsTruncated>", ""),
    ];
    each(ends, |(end, what)| {
        let page = keys(&member(BOBS_KEY, "Bob", "Inactive"), end);
        let sandbox = faulty([always("ListAccessKeys", xml(page))]);
        let ended = Case::documented(&sandbox, &["--only-inactive"]).run();
        ended.ends_as(
            1,
            "Failed",
            &["error: ", what],
            "not deleted: no request to change it was sent to IAM",
        );
        assert_eq!(actions(&sandbox), ["ListAccessKeys"]);
    });
    let page = result("ListUsers", "<Users/>");
    let sandbox = faulty([always("ListUsers", xml(page))]);
    let said = Case::at(&sandbox, SWEEP).run().exits(1).prints_nothing();
    let _ = said.says(&[says, what]).ends_with("no key was changed");
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "ListUsers"]);
}

#[test]
fn c59_a_listed_key_surrounded_by_whitespace_is_not_called_deleted() {
    each([" ", "\n\t", "\r\n    "], |space| {
        let id = format!("{space}{BOBS_KEY}{space}");
        let members = member(&id, "Bob", "Active") + &member(BOB_SECOND_KEY_ID, "Bob", "Active");
        let sandbox = faulty([
            always("DeleteAccessKey", What::ResetBeforeActing),
            always("ListAccessKeys", xml(keys(&members, END))),
        ]);
        let case = Case::documented(&sandbox, &["--timeout", "4"]);
        is_not_deleted(&sandbox, case.run());
    });
}

#[test]
fn c59_whitespace_around_an_owner_and_a_status_does_not_matter() {
    let owner = last_use("\n  Bob\n  ", "2021-01-01T00:00:00Z");
    let sandbox = faulty([always("GetAccessKeyLastUsed", xml(owner))]);
    let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--find-user"]);
    let note = format!("iam-del-key: note: {BOBS_KEY} belongs to the user Bob\n");
    let _ = case.run().exits(0).prints(DELETED).says_exactly(&note);
    assert_eq!(sandbox.requests()[1].param("UserName"), Some("Bob"));

    let page = keys(&member(BOBS_KEY, " Bob ", "\n Inactive "), END);
    let sandbox = faulty([always("ListAccessKeys", xml(page))]);
    let case = Case::documented(&sandbox, &["--only-inactive"]);
    case.run().deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c59_impossible_values_are_an_error() {
    let owner = |name: &str| last_use(name, "2021-01-01T00:00:00Z");
    let list = |id: &str, user: &str| keys(&member(id, user, "Inactive"), END);
    let (lists, uses) = ("ListAccessKeys", "GetAccessKeyLastUsed");
    let cases = [
        (lists, list("AKIA short", "Bob")),
        (lists, list(BOBS_KEY, "B&lt;b")),
        (lists, list("", "Bob")),
        (lists, list(BOBS_KEY, "Alice")),
        (uses, owner("Bob Smith")),
        (uses, owner("B\u{202e}b")),
    ];
    each(cases, |(action, body)| {
        let sandbox = faulty([always(action, xml(body))]);
        let case = if action == lists {
            Case::documented(&sandbox, &["--only-inactive"])
        } else {
            Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--find-user"])
        };
        let says = &["unusable response from IAM at "];
        case.run().ends_as(
            1,
            "Failed",
            says,
            "not deleted: no request to change it was sent to IAM",
        );
        assert_eq!(actions(&sandbox), [action]);
    });
}

#[test]
fn c65_a_list_of_anything_but_members_is_not_an_empty_list() {
    let good = keys(&member(BOBS_KEY, "Bob", "Active"), END);
    let bodies = [
        good.replace("member>", "item>"),
        good.replace("<member>", "<item/><member>"),
        keys("none", END),
    ];
    each(bodies, |body| {
        // An unreadable list does not prove a deletion whose response was lost.
        let sandbox = faulty([
            always("DeleteAccessKey", What::ResetBeforeActing),
            always("ListAccessKeys", What::page(200, "text/xml", body)),
        ]);
        let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
        ended.ends_as(
            10,
            "Unknown",
            &["error: "],
            "unknown: the request was sent and no usable response arrived; checking the key failed",
        );
        assert!(sandbox.has_key(BOBS_KEY));
    });
    let user = "<Path>/</Path><UserName>Bob</UserName><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\
                <Arn>arn:aws:iam::123456789012:user/Bob</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate>";
    let users = format!("<Users><item>{user}</item></Users>{END}");
    let page = What::page(200, "text/xml", result("ListUsers", &users));
    let sandbox = faulty([always("ListUsers", page)]);
    let says = &[
        "unexpected response from IAM at ",
        "its Users has something other than members",
    ];
    let args = ["--whole-account", "--only-inactive", "--dry-run"];
    let said = Case::at(&sandbox, args).run().exits(9).prints_nothing();
    let _ = said.says(says).ends_with("no key was changed");
}
