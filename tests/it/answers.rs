//! Responses that IAM does not document: none of them counts as success.

use std::time::Duration;

use iam_sandbox::{Act, Certificate, Fault, Sandbox, What};
use serde_json::json;

use crate::case::{
    BOBS_KEY, Case, DELETED, actions, always, documented, each, each_at_once, faulty, once,
};
use crate::journal::Kept;
use crate::lost_response::UNCONFIRMED;
use crate::mfa::{self, SERIAL};
use crate::response::{IAM, PORTAL, reply};
use crate::resumed_owner::finds_it_deleted;
use crate::target_principal::{one, organization};
use crate::verification::throttled;

const SOON: Duration = Duration::from_secs(20);

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Type>Sender</Type>{code}{message}</Error><RequestId>req-1</RequestId></ErrorResponse>"
    )
}

fn internal_failure(status: u16, act: Act) -> What {
    let body = error("<Code>InternalFailure</Code>", "<Message>oops</Message>");
    reply(status, &[], body, act)
}

/// The known state if something other than IAM responds to the deletion.
const STILL_LISTED: &str =
    "unknown: the request was sent and no usable response arrived; IAM still lists the key";

/// Every deletion gets this response, which proves nothing, and Bob's key still exists.
fn stays_unknown(what: What, says: &[&str]) -> Sandbox {
    let sandbox = faulty([always("DeleteAccessKey", what)]);
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    ended.ends_as(10, "Unknown", says, STILL_LISTED);
    assert!(sandbox.has_key(BOBS_KEY));
    sandbox
}

/// The first deletions get this response, and the key is deleted without a message about it.
fn goes_unnoticed(what: What, times: usize) {
    let sandbox = faulty(vec![once("DeleteAccessKey", what); times]);
    Case::documented(&sandbox, &[]).run().deletes_quietly();
    assert_eq!(actions(&sandbox), vec!["DeleteAccessKey"; times + 1]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// Why a key is presumed deleted if a server other than IAM may have responded.
const SERVER_ERROR: &str = "an earlier attempt returned an error although IAM may have acted, and the retry returned NoSuchEntity; \
                            IAM does not list the key for Bob, and does not confirm its owner";

/// The request deletes the key and gets this response. Standard error says why the deletion is presumed.
fn is_deleted_anyway(what: What, why: &str) {
    let sandbox = faulty([once("DeleteAccessKey", what)]);
    let ended = Case::documented(&sandbox, &[]).run();
    ended.deletes(why);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f47_f50_a_200_that_is_not_from_iam_is_never_a_success() {
    let error_body = error("<Code>AccessDenied</Code>", "<Message>no</Message>");
    let other = "<DeleteUserResponse/>";
    let bodies: [(&str, &str); 7] = [
        ("", "it is empty"),
        (PORTAL, "it is an HTML page"),
        ("<DeleteAccessKeyResponse><ResponseMeta", "it is not XML"),
        (other, "it is a document named DeleteUserResponse"),
        (&error_body, "an ErrorResponse with HTTP status 200"),
        ("{\"ok\":true}", "it is not XML"),
        ("<DeleteAccessKeyResponse/><html/>", "it is not XML"),
    ];
    each_at_once(bodies, |(body, what)| {
        let page = What::page(200, "text/html", body);
        let sandbox = stays_unknown(page, &["no usable response from IAM", what]);
        let mut deletes = actions(&sandbox);
        deletes.retain(|action| action == "DeleteAccessKey");
        assert!(deletes.len() > 1, "the request was not retried");
    });
}

#[test]
fn f47_a_captive_portal_that_intercepts_every_request_exits_10() {
    let portals = [
        (200, vec![]),
        (302, vec![("location", "http://portal.invalid/")]),
    ];
    each_at_once(portals, |(status, headers)| {
        let sandbox = documented();
        let what = reply(status, &headers, PORTAL, Act::Never);
        sandbox.fault(Fault::new(what).always());
        let says = &["a proxy or captive portal may be intercepting the connection"];
        let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
        ended.ends_as(
            10,
            "Unknown",
            says,
            "unknown: the request was sent and no usable response arrived; checking the key failed",
        );
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f50_an_empty_200_after_a_deletion_is_verified() {
    is_deleted_anyway(reply(200, &[], "", Act::Before), UNCONFIRMED);
}

#[test]
fn f51_server_errors_with_html_or_no_body_are_retried_and_verified() {
    each_at_once([500, 502, 503, 504], |status| {
        for body in [PORTAL, ""] {
            goes_unnoticed(reply(status, &[], body, Act::Never), 2);
        }
        let portal = reply(status, &[], PORTAL, Act::Never);
        stays_unknown(portal, &[&format!("HTTP status {status}")]);
    });
}

#[test]
fn f51_a_key_deleted_despite_a_server_error_is_reported_as_deleted() {
    is_deleted_anyway(internal_failure(500, Act::Before), SERVER_ERROR);
}

/// The code says that IAM failed, not that it refused the request.
#[test]
fn f51_a_server_error_with_another_status_is_not_a_refusal() {
    let dry_run = "iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run";
    let unlisted = "IAM does not list the key for Bob, and does not confirm its owner";
    let list = "aws iam list-access-keys --user-name=Bob";
    let cases = [
        (Act::Never, list, "IAM still lists the key"),
        (Act::Before, dry_run, unlisted),
    ];
    each_at_once(cases, |(act, command, found)| {
        let sandbox = faulty([always("DeleteAccessKey", internal_failure(400, act))]);
        let said = Case::documented(&sandbox, &[]).run().exits(5);
        let _ = said.prints_outcome("Unknown").says_exactly(&format!(
            "iam-del-key: error: An error occurred (InternalFailure) when calling the DeleteAccessKey operation: oops\n\
             hint: this is a problem at AWS: wait a minute, and run the same command again with --ignore-missing\n\
             hint: check with: {command}\n\
             result: {BOBS_KEY}: unknown: the last response was an error, but IAM may still make the change; {found}\n"
        ));
    });
}

/// The status says that IAM failed, so the code does not prove that the key is missing.
#[test]
fn f51_a_500_is_a_server_error_whatever_its_code() {
    each_at_once(["NoSuchEntity", "AccessDenied", "Odd"], |code| {
        let sandbox = faulty([always("DeleteAccessKey", What::error(500, code, "oops"))]);
        let known = "unknown: the last response was an error, but IAM may still make the change; IAM still lists the key";
        let code = format!("({code})");
        let says = &[code.as_str(), "hint: this is a problem at AWS"];
        let ended = Case::documented(&sandbox, &["--ignore-missing"]).run();
        ended.ends_as(5, "Unknown", says, known);
    });
}

#[test]
fn f51_a_key_is_not_called_unchanged_while_a_failed_request_can_still_act() {
    let failed = || What::error(500, "ServiceFailure", "oops");
    let sandbox = faulty([always("DeleteAccessKey", failed())]);
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let more = ["--older-than", "1d"];
    let printed = kept.case(&sandbox, &more).run().exits(5);
    let _ = printed
        .prints_outcomes(&[("Unknown", 1)])
        .says(&["unknown: the last response was an error, but IAM may still make the change; IAM still lists the key"])
        .ends_with("1 key: 1 unknown");
    // The request acts after the run, and the next run finds that out.
    sandbox.remove_key(BOBS_KEY);
    finds_it_deleted(&sandbox, &kept, &more);
    // A later error of another kind proves nothing about the first request.
    let denied = What::error(403, "AccessDenied", "no");
    let sandbox = faulty([failed(), denied].map(|what| once("DeleteAccessKey", what)));
    let known = "unknown: an earlier attempt returned an error although IAM may have acted; IAM still lists the key";
    let ended = Case::documented(&sandbox, &[]).run();
    ended.ends_as(10, "Unknown", &["(AccessDenied)", "check with: "], known);
    // A signal proves nothing about it either.
    let sandbox = faulty([
        once("DeleteAccessKey", failed()),
        always("ListAccessKeys", What::SilenceBeforeActing),
        always("DeleteAccessKey", throttled()),
    ]);
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(2, SOON));
    running.signal("TERM");
    let known = "unknown: an earlier attempt returned an error although IAM may have acted";
    let ended = running.end();
    ended.ends_as(143, "Unknown", &["interrupted"], known);
}

#[test]
fn f52_throttling_that_ends_is_not_reported() {
    let message = "<Message>Rate exceeded</Message>";
    let throttled = error("<Code>Throttling</Code>", message);
    let cases = [(400, throttled.as_str()), (429, ""), (429, PORTAL)];
    each(cases, |(status, body)| {
        goes_unnoticed(reply(status, &[], body, Act::Never), 1);
    });
}

#[test]
fn f52_throttling_is_a_refusal_whatever_its_status() {
    each([400, 429, 500, 503], |status| {
        let what = What::error(status, "Throttling", "Rate exceeded");
        let sandbox = faulty([always("DeleteAccessKey", what)]);
        let known = "not deleted: IAM refused the request";
        let ended = Case::documented(&sandbox, &[]).run();
        ended.ends_as(8, "Failed", &["(Throttling)"], known);
        let mut others = actions(&sandbox);
        others.retain(|action| action != "DeleteAccessKey");
        assert!(others.is_empty(), "{others:?}");
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f52_an_endless_bare_429_exits_8() {
    let sandbox = faulty([always("DeleteAccessKey", What::empty(429))]);
    let printed = Case::documented(&sandbox, &[]).run().exits(8);
    let error = json!({ "Code": "Http429", "Message": "HTTP status 429 without an error code" });
    assert_eq!(printed.object()["Error"], error);
    let _ = printed
        .prints_outcome("Unknown")
        .says(&["(HTTP 429)", "hint: "])
        .ends_with("unknown: the last response was an error, but IAM may still make the change; IAM still lists the key");
    assert_eq!(actions(&sandbox)[..3], ["DeleteAccessKey"; 3]);
    assert!(!actions(&sandbox)[3..].contains(&"DeleteAccessKey".to_owned()));
    assert!(sandbox.has_key(BOBS_KEY));
}

/// A proxy that limits requests may have forwarded one.
#[test]
fn f52_a_key_deleted_despite_a_bare_429_is_reported_as_deleted() {
    is_deleted_anyway(reply(429, &[], "", Act::Before), SERVER_ERROR);
}

#[test]
fn f54_odd_errors_exit_1_and_are_printed_safely() {
    let long = format!("<Message>{}</Message>", "x".repeat(60_000));
    let odd = |message: &str| error("<Code>Odd</Code>", message).into_bytes();
    let no_code = error("", "<Message>what</Message>").into_bytes();
    let latin1 = [b"<ErrorResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><Error><Code>Odd</Code><Message>caf\xe9</Message></Error><RequestId>r</RequestId></ErrorResponse>".as_slice()].concat();
    let cases: [(&[&str], Vec<u8>); 7] = [
        (
            &["(Odd)", "what", "(request ID req-1)"],
            odd("<Message>what</Message>"),
        ),
        (&["(HTTP 400)", "what", "req-1"], no_code),
        (&["(Odd)", "no message"], odd("")),
        (
            &["(Odd)"],
            odd("<Message><![CDATA[<b>\u{1b}[2J]]></Message>"),
        ),
        (
            &["a & b \\u{202e}c"],
            odd("<Message>a &amp; b &#x202e;c</Message>"),
        ),
        (&["(Odd)", "caf"], latin1),
        (&["(Odd)", "(60000 characters)"], odd(&long)),
    ];
    each(cases, |(says, body)| {
        let what = reply(400, &[], body, Act::Never);
        let sandbox = faulty([always("DeleteAccessKey", what)]);
        let printed = Case::documented(&sandbox, &[]).run().exits(1);
        let mut output = printed.output().chars();
        let steering = output.any(|c| c.is_control() && c != '\n');
        assert!(!steering, "a control character on standard output");
        let said = printed.prints_outcome("Failed");
        assert!(!said.messages().contains(['\u{1b}', '\u{202e}']));
        let length = said.messages().len();
        assert!(length < 3000, "{length} bytes");
        let _ = said
            .says(says)
            .ends_with("not deleted: IAM refused the request");
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f54_an_xml_entity_bomb_is_not_expanded() {
    let mut bomb = String::from("<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\">");
    for pair in ["ba", "cb", "dc", "ed", "fe", "gf", "hg"] {
        let (name, inner) = pair.split_at(1);
        let ten = format!("&{inner};").repeat(10);
        bomb.push_str(&["<!ENTITY ", name, " \"", &ten, "\">"].concat());
    }
    bomb.push_str("]><ErrorResponse><Error><Code>&h;</Code></Error></ErrorResponse>");
    let what = reply(400, &[], bomb, Act::Never);
    stays_unknown(what, &["HTTP status 400"]);
}

#[test]
fn f57_redirects_are_not_followed() {
    let elsewhere = documented();
    each_at_once([301, 302, 303, 307, 308], |status| {
        let what = What::redirect(status, &elsewhere.url());
        stays_unknown(what, &[&format!("HTTP status {status}")]);
    });
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
    assert!(elsewhere.has_key(BOBS_KEY));
}

#[test]
fn f58_a_wrong_clock_is_corrected() {
    let decade = 10 * 365 * 86_400;
    each([600, -600, 1200, decade, -decade], |seconds| {
        let sandbox = Sandbox::documented().clock_offset(seconds).start();
        Case::documented(&sandbox, &[]).run().deletes_quietly();
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f58_the_last_second_of_the_year_9999_breaks_nothing() {
    each(
        [
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Fri, 01 Jan 9999 00:00:00 GMT",
        ],
        |date| {
            let throttled = What::Reply {
                status: 429,
                headers: vec![("Date".to_owned(), date.to_owned())],
                body: Vec::new(),
                act: Act::Never,
            };
            let sandbox = faulty([once("DeleteAccessKey", throttled)]);
            Case::documented(&sandbox, &[]).run().deletes_quietly();
        },
    );
}

/// The session is valid for an hour. By this machine's clock it expired long ago.
#[test]
fn f58_a_fast_clock_does_not_make_a_new_session_expired() {
    const YEAR: i64 = 365 * 86_400;
    each([7_200, YEAR], |ahead| {
        let sandbox = organization().clock_offset(-ahead).start();
        let role = "arn:aws:iam::123456789012:role/ops/Responder";
        Case::documented(&sandbox, &["--role-arn", role])
            .run()
            .deletes_quietly();
        let _ = one(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
        let sandbox = Sandbox::documented().mfa("Guarded");
        let sandbox = sandbox
            .mfa_device(SERIAL, &["111111"])
            .clock_offset(-ahead)
            .start();
        mfa::case(&sandbox)
            .args(["--token-code", "111111"])
            .run()
            .deletes_quietly();
    });
}

#[test]
fn f58_a_wrong_clock_is_explained_if_correction_is_disabled() {
    let sandbox = Sandbox::documented().clock_offset(3600).start();
    let case = Case::documented(&sandbox, &[])
        .env("AWS_DISABLE_CLOCK_SKEW_CORRECTION", "true")
        .env("AWS_MAX_ATTEMPTS", "1");
    let says = &["hint: this machine's clock says", "set the clock"];
    case.run()
        .ends_as(7, "Failed", says, "not deleted: IAM refused the request");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn the_wrong_content_type_does_not_matter() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let body = "<?xml version=\"1.0\"?>\n<DeleteAccessKeyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\n</DeleteAccessKeyResponse>\n";
    let json = [("content-type", "application/json")];
    sandbox.fault(once(
        "DeleteAccessKey",
        reply(200, &json, body, Act::Before),
    ));
    Case::documented(&sandbox, &[]).run().deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}
