//! Responses whose length is ambiguous or whose body is encoded. The body may not be what IAM sent, so they are no evidence.

use iam_sandbox::What;

use crate::case::{BOBS_KEY, Case, DELETED, always, each_at_once, faulty};
use crate::response::{IAM, METADATA};

const HINT: &str = "a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";

/// A raw response with the documented body. `#` in the headers is the length of the body.
fn raw(status: u16, body: &str, headers: &str) -> What {
    let headers = headers.replace('#', &body.len().to_string());
    let is_chunked = headers.to_ascii_lowercase().contains("chunked");
    let body = if is_chunked {
        format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
    } else {
        body.to_owned()
    };
    let response = format!("HTTP/1.1 {status} x\r\n{headers}\r\n\r\n{body}");
    What::NotHttp(response.into_bytes())
}

fn deleted() -> String {
    format!("<DeleteAccessKeyResponse xmlns=\"{IAM}\">{METADATA}</DeleteAccessKeyResponse>")
}

fn refused() -> String {
    format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>x</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    )
}

/// A deletion gets only this response, so the state of its key is unknown.
fn is_unusable(response: What, reason: &str) {
    let sandbox = faulty([always("DeleteAccessKey", response)]);
    let host = sandbox.address();
    let said = Case::documented(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10);
    let _ = said.prints_outcome("Unknown").says_exactly(&format!(
        "iam-del-key: error: no usable response from IAM at {host}: {reason}\n\
         hint: {HINT}\n\
         hint: check with: aws iam list-access-keys --user-name=Bob\n\
         result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived; IAM still lists the key\n"
    ));
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f50_a_response_of_ambiguous_length_proves_nothing() {
    const BOTH: &str = "it has both Content-Length and Transfer-Encoding";
    const OTHER: &str = "its Transfer-Encoding is not chunked alone";
    const ENCODED: &str = "it has a Content-Encoding that was not asked for";
    let headers = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", BOTH),
        ("Transfer-Encoding: chunked\r\nContent-Length: #", BOTH),
        ("Transfer-Encoding: identity\r\nContent-Length: #", BOTH),
        ("Transfer-Encoding: identity", OTHER),
        ("Transfer-Encoding: gzip, chunked", OTHER),
        ("Transfer-Encoding: chunked, identity", OTHER),
        ("Transfer-Encoding: chunked, chunked", OTHER),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            OTHER,
        ),
        ("Transfer-Encoding: xchunked", OTHER),
        ("Transfer-Encoding:", OTHER),
        ("Content-Length: #\r\nContent-Encoding: gzip", ENCODED),
        (
            "Transfer-Encoding: chunked\r\ncontent-encoding: br",
            ENCODED,
        ),
        ("Content-Encoding: identity, gzip", ENCODED),
        (
            "Content-Encoding: identity\r\nContent-Encoding: gzip",
            ENCODED,
        ),
        ("Content-Encoding:", ENCODED),
    ];
    let invalid = [
        "Content-Length: #\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: #",
        "Content-Length: #, 5",
        "Content-Length: +#",
        "Content-Length : #",
        "Content-Length: #\r\n : 5",
    ];
    let headers = headers.map(|(headers, reason)| (headers, Some(reason)));
    let all = headers
        .into_iter()
        .chain(invalid.map(|headers| (headers, None)));
    let all = all.flat_map(|(headers, reason)| {
        [(200, deleted()), (403, refused())].map(|(status, body)| (headers, reason, status, body))
    });
    each_at_once(
        all.collect::<Vec<_>>(),
        |(headers, reason, status, body)| {
            let reason = match reason {
                Some(reason) => format!("HTTP status {status}; {reason}"),
                None => "its response is not valid HTTP".to_owned(),
            };
            is_unusable(raw(status, &body, headers), &reason);
        },
    );
}

#[test]
fn f50_a_response_of_one_length_is_read() {
    let headers = [
        "Content-Length: #",
        "Content-Length: #\r\nContent-Length: #",
        "Transfer-Encoding: chunked",
        "transfer-encoding: CHUNKED",
        "Connection: close",
        "Content-Length: #\r\nContent-Encoding: Identity",
    ];
    each_at_once(headers, |headers| {
        let sandbox = faulty([always("DeleteAccessKey", raw(200, &deleted(), headers))]);
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
    });
}

/// The end of the response is unclear, so the run does not wait for it.
#[test]
fn f50_an_endless_response_of_ambiguous_length_is_not_a_missing_one() {
    const BOTH: &str = "HTTP status 200; it has both Content-Length and Transfer-Encoding";
    const OTHER: &str = "HTTP status 200; its Transfer-Encoding is not chunked alone";
    const INVALID: &str = "its response is not valid HTTP";
    let responses = [
        (
            "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            BOTH,
        ),
        (
            "\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            BOTH,
        ),
        (
            "\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
            BOTH,
        ),
        ("\r\nTransfer-Encoding: identity\r\n\r\nhello", OTHER),
        (
            "\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            INVALID,
        ),
        ("\r\nContent-Length: 6, 5\r\n\r\nhello", INVALID),
        (" \u{1b}[31m\r\n\r\n", INVALID),
        ("\r\nX: \u{1b}[31m\r\n\r\n", INVALID),
    ];
    each_at_once(responses, |(response, reason)| {
        let stall = || What::Stall(format!("HTTP/1.1 200 x{response}").into());
        is_unusable(stall(), reason);
        let sandbox = faulty([always("GetCallerIdentity", stall())]);
        let host = sandbox.address();
        let expecting = ["--expect-account", "123456789012", "--timeout", "4"];
        Case::documented(&sandbox, &expecting).run().stops_exactly(
            9,
            &format!(
                "iam-del-key: error: --expect-account could not be checked: unexpected response from STS at {host}: {reason}\n\
                 hint: {HINT}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
        let sandbox = faulty([always("GetAccessKeyLastUsed", stall())]);
        let host = sandbox.address();
        let reading = ["--unused-for", "1d", "--timeout", "4"];
        let said = Case::documented(&sandbox, &reading).run().exits(9);
        let _ = said.prints_outcome("Failed").says_exactly(&format!(
            "iam-del-key: error: unexpected response from IAM at {host}: {reason}\n\
             hint: {HINT}\n\
             result: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY));
    });
}
