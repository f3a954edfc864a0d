//! Responses that are not the documented document: none of them is an answer.

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Act, Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, Ended, actions, documented, each_at_once};

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

/// The run is not taken in by the response: the key lives, and is never called deleted.
pub(crate) fn is_not_deleted(sandbox: &Sandbox, ended: Ended, shown: &str) {
    let printed = ended.exits_with_one_of(&[1, 10]);
    let output = printed.output().to_owned();
    assert!(!output.contains("Deleted"), "{shown}: {output}");
    assert!(sandbox.has_key(BOBS_KEY), "{shown}");
    let _ = printed
        .prints(&output)
        .says(&["no usable response from IAM"]);
}

#[test]
fn c65_only_200_with_the_documented_document_is_success() {
    let document =
        format!("<DeleteAccessKeyResponse xmlns=\"{IAM}\">{METADATA}</DeleteAccessKeyResponse>");
    let with = |from: &str, to: &str| document.replacen(from, to, 1);
    let mut cases: Vec<(u16, String)> = [201, 202, 203, 204, 205, 206, 207, 208, 226, 299]
        .into_iter()
        .map(|status| (status, document.clone()))
        .collect();
    let error = format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    );
    for body in [
        with(IAM, "https://sts.amazonaws.com/doc/2011-06-15/"),
        with(&format!(" xmlns=\"{IAM}\""), ""),
        with(METADATA, &error),
        with(METADATA, &format!("{error}{METADATA}")),
        with(METADATA, &format!("{METADATA}{METADATA}")),
        with(METADATA, ""),
        with("<RequestId>r</RequestId>", ""),
        with("<RequestId>r</RequestId>", "<RequestId> </RequestId>"),
        with("<RequestId>r</RequestId>", "<RequestId>a<b/></RequestId>"),
        with(METADATA, &format!("not deleted{METADATA}")),
        with(METADATA, &format!("<!-- no -->{METADATA}")),
        with(METADATA, &format!("<?no?>{METADATA}")),
        with("<ResponseMetadata>", "<ResponseMetadata a=\"b\">"),
        with("<ResponseMetadata>", "<ResponseMetadata xmlns=\"x\">"),
        with(
            &format!("xmlns=\"{IAM}\""),
            &format!("xmlns=\"{IAM}\" a=\"b\""),
        ),
        with(METADATA, &format!("{METADATA}<Success>false</Success>")),
        document.replace("DeleteAccessKey", "UpdateAccessKey"),
        format!("{document}{document}"),
        format!("<!-- cached -->{document}"),
        format!("<Envelope xmlns=\"{IAM}\">{document}</Envelope>"),
    ] {
        cases.push((200, body));
    }
    each_at_once(cases, |(status, body)| {
        let shown = format!("{status} {body}");
        let sandbox = documented();
        let what = reply(status, &[], body, Act::Never);
        sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
        let case = Case::documented(&sandbox, &["--timeout", "4"]);
        is_not_deleted(&sandbox, case.run(), &shown);
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
    for body in [prefixed, spaced] {
        let sandbox = documented();
        let what = reply(200, &[], body, Act::Before);
        sandbox.fault(Fault::new(what).on("DeleteAccessKey"));
        let ended = Case::documented(&sandbox, &[]).run();
        let _ = ended.exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c65_an_error_with_a_status_that_is_not_an_errors_is_no_refusal() {
    let error = format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>"
    );
    let twice = error.replace("<Code>", "<Code>AccessDenied</Code><Code>");
    for (status, body) in [
        (200, &error),
        (302, &error),
        (304, &String::new()),
        (404, &twice),
    ] {
        let sandbox = documented();
        let what = reply(status, &[], body.clone(), Act::Never);
        sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
        let case = Case::documented(&sandbox, &["--ignore-missing", "--timeout", "4"]);
        is_not_deleted(&sandbox, case.run(), &format!("{status} {body}"));
    }
}

#[test]
fn c65_a_read_is_the_documented_document_too() {
    let good = keys(
        &member(BOBS_KEY, "Bob", "Inactive"),
        "<IsTruncated>false</IsTruncated>",
    );
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    let list = "<AccessKeyMetadata/>";
    for (status, body) in [
        (202, good.clone()),
        (206, good.clone()),
        (200, with(IAM, "https://example.com/")),
        (200, with(METADATA, &format!("<ErrorResponse/>{METADATA}"))),
        (200, with("<IsTruncated>", &format!("{list}<IsTruncated>"))),
        (
            200,
            with(
                "<Status>Inactive",
                "<Status>Active</Status><Status>Inactive",
            ),
        ),
        (
            200,
            with(
                "<IsTruncated>",
                "<IsTruncated>true</IsTruncated><IsTruncated>",
            ),
        ),
        (200, with("<member>", "<member xmlns=\"x\">")),
    ] {
        let sandbox = documented();
        let what = reply(status, &[], body.clone(), Act::Never);
        sandbox.fault(Fault::new(what).on("ListAccessKeys").always());
        let ended = Case::documented(&sandbox, &["--only-inactive"]).run();
        let _ = ended
            .exits(9)
            .prints_outcome("Failed")
            .says(&["unexpected response from IAM at "])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert_eq!(actions(&sandbox), ["ListAccessKeys"], "{status} {body}");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c28_an_unexpected_response_to_a_read_is_called_that() {
    let hint = "hint: a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";
    for (action, option) in [
        ("ListAccessKeys", &["--unused-for", "1d"][..]),
        ("GetAccessKeyLastUsed", &["--unused-for", "1d"]),
    ] {
        let sandbox = documented();
        let page = What::page(200, "text/html", PORTAL);
        sandbox.fault(Fault::new(page).on(action).always());
        let host = sandbox.address();
        let _ = Case::documented(&sandbox, option)
            .run()
            .exits(9)
            .prints_outcome("Failed")
            .says_exactly(&format!(
                "iam-del-key: error: unexpected response from IAM at {host}: HTTP status 200; invalid body: it is an HTML page\n\
                 {hint}\nresult: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
            ));
        assert!(sandbox.has_key(BOBS_KEY));
    }
    let sandbox = documented();
    let page = What::page(302, "text/html", PORTAL);
    sandbox.fault(Fault::new(page).on("GetCallerIdentity").always());
    let host = sandbox.address();
    let case = Case::documented(&sandbox, &["--expect-account", "123456789012"]);
    let _ = case.run().exits(9).prints_nothing().says_exactly(&format!(
        "iam-del-key: error: --expect-account could not be checked: unexpected response from STS at {host}: \
         HTTP status 302; invalid body: it is an HTML page\n\
         {hint}\nresult: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
    let sandbox = documented();
    let page = What::page(200, "text/html", PORTAL);
    sandbox.fault(Fault::new(page).on("ListAccessKeys").always());
    let case = Case::documented(&sandbox, &["--only-inactive", "--error-format", "json"]);
    let said = case.run().exits(9).prints_outcome("Failed");
    let _ = said.says(&["\"Code\":\"UnexpectedResponse\""]);
    for (status, says) in [
        (
            503,
            "hint: the server, or a proxy in front of it, failed: run the same command again in a minute",
        ),
        (511, hint),
    ] {
        let sandbox = documented();
        let page = What::page(status, "text/html", PORTAL);
        sandbox.fault(Fault::new(page).on("ListAccessKeys").always());
        let said = Case::documented(&sandbox, &["--only-inactive"])
            .run()
            .exits(9);
        let _ = said.prints_outcome("Failed").says(&[
            &format!(
                "unexpected response from IAM at {}: HTTP status {status}",
                sandbox.address()
            ),
            says,
        ]);
    }
    for what in [
        What::empty(200),
        What::page(200, "text/plain", "ok"),
        What::page(
            404,
            "text/html",
            "<html lang=\"en\"><p>Not found</p></html>",
        ),
        What::page(511, "text/html", PORTAL),
        What::NotHttp(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        What::NotHttp(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n".to_vec()),
        What::NotHttp(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n".to_vec()),
        What::ManyHeaders(10_000),
        xml(vec![b' '; 7 << 20]),
    ] {
        let sandbox = documented();
        sandbox.fault(Fault::new(what).on("ListUsers").always());
        let args = [
            "--whole-account",
            "--only-inactive",
            "--yes",
            "--expect-account",
            "123456789012",
        ];
        let case = Case::at(&sandbox, args).env("AWS_MAX_ATTEMPTS", "1");
        let said = case.run().exits(9).prints_nothing();
        assert!(
            !said.messages().contains("could not reach"),
            "{}",
            said.messages()
        );
        let _ = said
            .says(&["unexpected response from IAM at "])
            .ends_with("no key was changed");
    }
}

#[test]
fn c59_a_list_that_does_not_say_whether_it_continues_is_an_error() {
    let says = "unusable response from IAM at ";
    let what = "it does not say whether the list continues (IsTruncated is missing)";
    for end in ["", "<IsTruncated/>", "<IsTruncated>no</IsTruncated>"] {
        let sandbox = documented();
        let page = keys(&member(BOBS_KEY, "Bob", "Inactive"), end);
        sandbox.fault(Fault::new(xml(page)).on("ListAccessKeys").always());
        let printed = Case::documented(&sandbox, &["--only-inactive"]).run();
        let said = printed.exits(1).prints_outcome("Failed");
        assert!(
            !end.is_empty() || said.messages().contains(what),
            "{}",
            said.messages()
        );
        let _ = said.says(&["error: "]).ends_with("not deleted");
        assert_eq!(actions(&sandbox), ["ListAccessKeys"]);
    }
    let sandbox = documented();
    let page = result("ListUsers", "<Users/>");
    sandbox.fault(Fault::new(xml(page)).on("ListUsers").always());
    let _ = Case::at(
        &sandbox,
        [
            "--whole-account",
            "--only-inactive",
            "--yes",
            "--expect-account",
            "123456789012",
        ],
    )
    .run()
    .exits(1)
    .prints_nothing()
    .says(&[says, what])
    .ends_with("no key was changed");
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "ListUsers"]);
}

#[test]
fn c59_a_living_key_in_white_space_is_not_deleted() {
    for space in [" ", "\n\t", "\r\n    "] {
        let sandbox = documented();
        let id = format!("{space}{BOBS_KEY}{space}");
        let members = member(&id, "Bob", "Active") + &member(BOB_SECOND_KEY_ID, "Bob", "Active");
        let page = keys(&members, "<IsTruncated>false</IsTruncated>");
        sandbox.fault(
            Fault::new(What::ResetBeforeActing)
                .on("DeleteAccessKey")
                .always(),
        );
        sandbox.fault(Fault::new(xml(page)).on("ListAccessKeys").always());
        let case = Case::documented(&sandbox, &["--timeout", "4"]);
        is_not_deleted(&sandbox, case.run(), space);
    }
}

#[test]
fn c59_white_space_around_an_owner_and_a_status_does_not_matter() {
    let sandbox = documented();
    let owner = last_use("\n  Bob\n  ", "2021-01-01T00:00:00Z");
    sandbox.fault(Fault::new(xml(owner)).on("GetAccessKeyLastUsed").always());
    let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--find-user"]);
    let note = format!("iam-del-key: note: {BOBS_KEY} belongs to the user Bob\n");
    let _ = case.run().exits(0).prints(DELETED).says_exactly(&note);
    assert_eq!(sandbox.requests()[1].param("UserName"), Some("Bob"));

    let sandbox = documented();
    let page = keys(
        &member(BOBS_KEY, " Bob ", "\n Inactive "),
        "<IsTruncated>false</IsTruncated>",
    );
    sandbox.fault(Fault::new(xml(page)).on("ListAccessKeys").always());
    let ended = Case::documented(&sandbox, &["--only-inactive"]).run();
    let _ = ended.exits(0).prints(DELETED).says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c59_what_iam_cannot_mean_is_an_error() {
    let end = "<IsTruncated>false</IsTruncated>";
    let owner = |name: &str| last_use(name, "2021-01-01T00:00:00Z");
    for (action, body) in [
        (
            "ListAccessKeys",
            keys(&member("AKIA short", "Bob", "Inactive"), end),
        ),
        (
            "ListAccessKeys",
            keys(&member(BOBS_KEY, "B&lt;b", "Inactive"), end),
        ),
        ("ListAccessKeys", keys(&member("", "Bob", "Inactive"), end)),
        (
            "ListAccessKeys",
            keys(&member(BOBS_KEY, "Alice", "Inactive"), end),
        ),
        ("GetAccessKeyLastUsed", owner("Bob Smith")),
        ("GetAccessKeyLastUsed", owner("B\u{202e}b")),
    ] {
        let sandbox = documented();
        sandbox.fault(Fault::new(xml(body.clone())).on(action).always());
        let case = match action {
            "ListAccessKeys" => Case::documented(&sandbox, &["--only-inactive"]),
            _ => Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--find-user"]),
        };
        let _ = case
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says(&["unusable response from IAM at "])
            .ends_with("not deleted");
        assert_eq!(actions(&sandbox), [action], "{body}");
    }
}

#[test]
fn c65_a_list_of_anything_but_members_is_not_an_empty_list() {
    let end = "<IsTruncated>false</IsTruncated>";
    let good = keys(&member(BOBS_KEY, "Bob", "Active"), end);
    for body in [
        good.replace("member>", "item>"),
        good.replace("<member>", "<item/><member>"),
        keys("none", end),
    ] {
        // A lost deletion is not proved by a list that cannot be read.
        let sandbox = documented();
        let lost = What::ResetBeforeActing;
        sandbox.fault(Fault::new(lost).on("DeleteAccessKey").always());
        let page = What::page(200, "text/xml", body.clone());
        sandbox.fault(Fault::new(page).on("ListAccessKeys").always());
        let printed = Case::documented(&sandbox, &["--timeout", "4"]).run();
        let _ = printed
            .exits(10)
            .prints_outcome("Unknown")
            .says(&["error: "])
            .ends_with("no usable response arrived");
        assert!(sandbox.has_key(BOBS_KEY), "{body}");
    }
    let user = "<Path>/</Path><UserName>Bob</UserName><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\
                <Arn>arn:aws:iam::123456789012:user/Bob</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate>";
    let users = format!("<Users><item>{user}</item></Users>{end}");
    let sandbox = documented();
    let page = What::page(200, "text/xml", result("ListUsers", &users));
    sandbox.fault(Fault::new(page).on("ListUsers").always());
    let args = ["--whole-account", "--only-inactive", "--dry-run"];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(9)
        .prints_nothing()
        .says(&[
            "unexpected response from IAM at ",
            "its Users has something other than members",
        ])
        .ends_with("no key was changed");
}
