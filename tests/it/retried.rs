//! Requests that are retried until the time limit: the error has the last failure.

use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, actions, always, documented, each_at_once, faulty, once};
use crate::many::from_stdin;
use crate::proxied::behind_a_proxy;
use crate::session::requests_session;

const REFUSED: &str = "hint: check that the address is right and that no firewall blocks it\n";
const UNSENT: &str = "not deleted: nothing was sent to IAM\n";

/// An address on which nothing listens.
const NOBODY: &str = "127.0.0.1:1";

fn retries(case: Case) -> Case {
    case.env("AWS_MAX_ATTEMPTS", "100").args(["--timeout", "2"])
}

#[test]
fn a_session_whose_requests_are_repeated_until_the_time_limit() {
    let failures = [
        (
            Some((503, "")),
            "HTTP status 503",
            "hint: the server, or a proxy in front of it, failed: wait a minute, and run the same command again\n",
        ),
        (
            Some((
                429,
                "{\"__type\":\"TooManyRequestsException\",\"message\":\"slower refresh-1\"}",
            )),
            "(HTTP status 429): slower (not shown)",
            "hint: it limits requests: wait a moment, and run the same command again\n",
        ),
        (None, "the connection was refused", REFUSED),
    ];
    let sources = [
        ("SSO", "AWS_ENDPOINT_URL_SSO"),
        ("SSO", "AWS_ENDPOINT_URL_SSO_OIDC"),
        ("the sign-in service", "AWS_ENDPOINT_URL_SIGNIN"),
    ];
    let cases = failures
        .into_iter()
        .flat_map(|failure| sources.map(|source| (failure, source)));
    each_at_once(
        cases.collect::<Vec<_>>(),
        |((response, what, hint), (service, variable))| {
            let sandbox = documented();
            let host = match response {
                Some((status, body)) => {
                    let page = What::page(status, "application/json", body);
                    sandbox.fault(Fault::new(page).always());
                    sandbox.address().to_string()
                }
                None => NOBODY.to_owned(),
            };
            let (case, origin) = requests_session(&sandbox, variable);
            let what = match response {
                Some((429, _)) => format!("{service} refused {what}"),
                _ => format!("no usable response from {service} at {host}: {what}"),
            };
            retries(case).env(variable, format!("http://{host}")).run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials within 2 s from {origin}: {what}\n{hint}result: {BOBS_KEY}: {UNSENT}"
            ),
        );
        },
    );
}

#[test]
fn a_role_whose_requests_are_repeated_until_the_time_limit() {
    let by_option = ["--role-arn", "arn:aws:iam::123456789012:role/Deployer"];
    let cases = [
        (
            Some(What::error(503, "ServiceUnavailable", "busy")),
            5,
            "An error occurred (ServiceUnavailable) when calling the AssumeRole operation: busy",
            "hint: this is a problem at AWS: wait a minute, and run the same command again\n",
        ),
        (
            None,
            9,
            "could not reach STS at #: the connection was refused; --timeout is 2 s",
            REFUSED,
        ),
    ];
    each_at_once(cases, |(response, status, what, hint)| {
        let sandbox = match response {
            Some(response) => faulty([always("AssumeRole", response)]),
            None => documented(),
        };
        let host = match status {
            5 => sandbox.address().to_string(),
            _ => NOBODY.to_owned(),
        };
        let case = Case::documented(&sandbox, &by_option);
        let url = format!("http://{host}");
        retries(case).env("AWS_ENDPOINT_URL_STS", url).run().stops_exactly(
            status,
            &format!(
                "iam-del-key: error: the role could not be assumed: {}\n{hint}result: {BOBS_KEY}: {UNSENT}",
                what.replace('#', &host)
            ),
        );
        assert!(
            actions(&sandbox)
                .iter()
                .all(|action| action == "AssumeRole")
        );
    });
}

#[test]
fn a_change_that_is_repeated_until_the_time_limit() {
    let (sandbox, host) = (documented(), NOBODY);
    let case =
        Case::documented(&sandbox, &[]).env("AWS_ENDPOINT_URL_IAM", format!("http://{host}"));
    let ended = retries(case).run().exits(9).prints_outcome("Failed");
    let _ = ended.says_exactly(&format!(
        "iam-del-key: error: could not reach IAM at {host}: the connection was refused; --timeout is 2 s\n\
         {REFUSED}result: {BOBS_KEY}: {UNSENT}"
    ));
}

/// The member of results and of errors.
const ONE_ATTEMPT: &str = "\"Attempts\":1";

#[test]
fn only_requests_that_were_sent_are_counted() {
    // Two connections end before the TLS handshake.
    let sandbox = behind_a_proxy();
    sandbox.fault(Fault::new(What::ResetOnAccept).times(2));
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
    let printed = from_stdin(&sandbox, &list, &["--verbose"]).run().exits(0);
    assert!(
        printed.output().contains(ONE_ATTEMPT),
        "{}",
        printed.output()
    );
    let _ = printed
        .prints_outcomes(&[("Deleted", 1)])
        .says(&["attempt 2: not sent\n", "attempt 3: HTTP 200"]);
    // A response is lost, and then nothing listens at the address.
    let sandbox = faulty([once("DeleteAccessKey", What::LoseReplyAndStopListening)]);
    let limits = ["--timeout", "4", "--error-format", "json"];
    let printed = Case::documented(&sandbox, &limits).run().exits(10);
    assert!(
        printed.output().contains(ONE_ATTEMPT),
        "{}",
        printed.output()
    );
    let _ = printed.prints_outcome("Unknown").says(&[ONE_ATTEMPT]);
}
