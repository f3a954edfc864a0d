//! Responses that begin and do not end: the error says so, and never says that there was no response.

use std::time::Duration;

use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, DOCUMENTED, always, documented, each_at_once, faulty};
use crate::ended::Said;
use crate::proxied::behind_a_proxy;
use crate::proxy::{Then, connecting, fails, responding};
use crate::session::requests_session;

/// The part of a response that arrives before the silence.
const PARTS: [&str; 6] = [
    "H",
    "HTTP/1.1 200 OK\r\nX-Header: val",
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n",
    "HTTP/1.1 503 Busy\r\nContent-Length: 300\r\n\r\n<html>",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<DeleteAccessKeyResponse",
];

fn stall(part: &str) -> What {
    What::Stall(part.into())
}

/// The messages, with `N` for the number of seconds that was measured, if there is one.
pub(crate) fn with_seconds_masked(said: &Said) -> String {
    let messages = said.messages();
    let Some((before, rest)) = messages.split_once(" within ") else {
        return messages.to_owned();
    };
    let (measured, after) = rest.split_once(" s; ").expect("a measured time");
    assert!(measured.parse::<f64>().is_ok(), "{messages}");
    format!("{before} within N s; {after}")
}

#[test]
fn f43_a_change_whose_response_does_not_end() {
    each_at_once(PARTS, |part| {
        let sandbox = faulty([always("DeleteAccessKey", stall(part))]);
        let host = sandbox.address();
        let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
        let ended = ended.exits(10).prints_outcome("Unknown");
        assert_eq!(
            with_seconds_masked(&ended),
            format!(
                "iam-del-key: error: no usable response from IAM at {host}: its response began but did not end within N s; \
                 --timeout is 4 s\n\
                 hint: if the service is just slow, raise --timeout\n\
                 hint: check with: aws iam list-access-keys --user-name=Bob\n\
                 result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived; IAM still lists the key\n"
            )
        );
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f43_an_identity_whose_response_does_not_end() {
    each_at_once(PARTS.into_iter().chain([""]), |part| {
        let sandbox = faulty([always("GetCallerIdentity", stall(part))]);
        let host = sandbox.address();
        let what = match part {
            "" => "it did not respond",
            _ => "its response began but did not end",
        };
        let expecting = ["--expect-account", "123456789012", "--timeout", "2"];
        let ended = Case::documented(&sandbox, &expecting).run();
        let ended = ended.exits(9).prints_nothing();
        assert_eq!(
            with_seconds_masked(&ended),
            format!(
                "iam-del-key: error: --expect-account could not be checked: no usable response from STS at {host}: {what} \
                 within N s; --timeout is 2 s\n\
                 hint: if the service is just slow, raise --timeout\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            )
        );
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f43_a_response_that_does_not_end_within_the_timeout_of_a_request() {
    let limits = ["--cli-read-timeout", "1", "--cli-connect-timeout", "60"];
    let cases = PARTS.into_iter().flat_map(|part| {
        ["GetCallerIdentity", "GetAccessKeyLastUsed"].map(|operation| (part, operation))
    });
    each_at_once(cases.collect::<Vec<_>>(), |(part, operation)| {
        let sandbox = faulty([always(operation, stall(part))]);
        let host = sandbox.address();
        let more = match operation {
            "GetCallerIdentity" => ["--expect-account", "123456789012"],
            _ => ["--unused-for", "1d"],
        };
        let case = Case::at(&sandbox, [&DOCUMENTED[..], &more, &limits].concat());
        let ended = case.env("AWS_MAX_ATTEMPTS", "1").run().exits(9);
        let (what, known) = match operation {
            "GetCallerIdentity" => (
                "--expect-account could not be checked: no usable response from STS",
                "nothing was sent to IAM",
            ),
            _ => (
                "no usable response from IAM",
                "no request to change it was sent to IAM",
            ),
        };
        let _ = ended.prints_anything().says_exactly(&format!(
            "iam-del-key: error: {what} at {host}: its response began but did not end within 1 s\n\
             hint: if the service is just slow, raise --cli-read-timeout\n\
             result: {BOBS_KEY}: not deleted: {known}\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

/// Each pause is short, but the timeouts of a request also limit the whole response.
#[test]
fn f43_an_endless_response_without_long_pauses_is_bounded() {
    let sandbox = faulty([always(
        "GetAccessKeyLastUsed",
        What::Drip {
            byte_every: Duration::from_millis(100),
            is_head_whole: true,
        },
    )]);
    let host = sandbox.address();
    let limits = ["--cli-read-timeout", "3", "--cli-connect-timeout", "1"];
    let case = Case::documented(&sandbox, &["--unused-for", "1d"]).args(limits);
    let ended = case.env("AWS_MAX_ATTEMPTS", "1").run().exits(9);
    let _ = ended.prints_outcome("Failed").says_exactly(&format!(
        "iam-del-key: error: no usable response from IAM at {host}: its response began but did not end in time\n\
         hint: if the service is just slow, raise --cli-read-timeout\n\
         result: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
    ));
}

/// The last attempt gets no more time than the one before it, which --cli-read-timeout ended.
#[test]
fn the_option_that_ends_the_attempts_is_named() {
    let sandbox = faulty([always("DeleteAccessKey", What::SilenceBeforeActing)]);
    let host = sandbox.address();
    let limits = ["--cli-read-timeout", "1", "--timeout", "4"];
    let ended = Case::documented(&sandbox, &limits).run().exits(10);
    let _ = ended.prints_outcome("Unknown").says_exactly(&format!(
        "iam-del-key: error: no usable response from IAM at {host}: it did not respond within 1 s; --timeout is 4 s\n\
         hint: if the service is just slow, raise --cli-read-timeout\n\
         hint: check with: aws iam list-access-keys --user-name=Bob\n\
         result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived; IAM still lists the key\n"
    ));
}

#[test]
fn f43_the_log_says_that_a_response_is_incomplete() {
    let sandbox = faulty([always("DeleteAccessKey", stall(PARTS[1]))]);
    let limits = ["--cli-read-timeout", "1", "--timeout", "4", "--verbose"];
    let ended = Case::documented(&sandbox, &limits).run().exits(10);
    let _ = ended
        .prints_outcome("Unknown")
        .says(&["info: attempt 1: sent, incomplete response\n"]);
}

#[test]
fn f43_a_response_about_a_session_that_does_not_end() {
    let services = [
        ("SSO", "AWS_ENDPOINT_URL_SSO"),
        ("SSO", "AWS_ENDPOINT_URL_SSO_OIDC"),
        ("the sign-in service", "AWS_ENDPOINT_URL_SIGNIN"),
    ];
    let cases = PARTS
        .into_iter()
        .chain([""])
        .flat_map(|part| services.map(|service| (part, service)));
    each_at_once(cases.collect::<Vec<_>>(), |(part, (service, variable))| {
        let sandbox = documented();
        sandbox.fault(Fault::new(stall(part)).always());
        let (case, _) = requests_session(&sandbox, variable);
        let case = case
            .env(variable, sandbox.url())
            .env("AWS_MAX_ATTEMPTS", "1")
            .args(["--cli-read-timeout", "1"]);
        let what = match part {
            "" => "it did not respond",
            _ => "its response began but did not end",
        };
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials: no usable response from {service} at {}: {what} within 1 s\n\
                 hint: if the service is just slow, raise --cli-read-timeout\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n",
                sandbox.address()
            ),
        );
    });
}

#[test]
fn f46_a_proxy_whose_response_does_not_end() {
    each_at_once(["H", "HTTP/1.1 200 OK\r\nX: "], |part| {
        let sandbox = behind_a_proxy();
        let proxy = responding(part, Then::Waits);
        let case = connecting(&sandbox, "1").env("HTTPS_PROXY", format!("http://{proxy}"));
        let reason = "the proxy's response began but did not end within 1 s";
        let hint = "check HTTPS_PROXY; NO_PROXY names the hosts that need no proxy; --cli-connect-timeout sets how long to \
                    wait for it";
        fails(&sandbox, case, &proxy, reason, hint);
    });
}
