//! Answers that are not what IAM documents: none of them is taken for success.

use std::time::Duration;

use iam_sandbox::{Act, Certificate, Fault, Sandbox, What};
use serde_json::json;

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented, each_at_once};
use crate::journal::Kept;
use crate::many::outcomes;
use crate::resumed_owner::finds_it_deleted;
use crate::verification::throttled;

const SOON: Duration = Duration::from_secs(20);

fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>, act: Act) -> What {
    What::Reply {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.into(),
        act,
    }
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>{code}{message}</Error><RequestId>req-1</RequestId></ErrorResponse>"
    )
}

/// What is known where only the deletion is answered by somebody else.
const STILL_LISTED: &str =
    "unknown: the request was sent and no usable response arrived; IAM still lists the key";

const PORTAL: &str = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Sign in to the Wi-Fi</body></html>";

#[test]
fn f47_f50_a_200_that_is_not_iams_is_never_success() {
    let error_body = error("<Code>AccessDenied</Code>", "<Message>no</Message>");
    let bodies: [(&str, &str); 7] = [
        ("", "it is empty"),
        (PORTAL, "it is an HTML page"),
        ("<DeleteAccessKeyResponse><ResponseMeta", "it is not XML"),
        (
            "<DeleteUserResponse/>",
            "it is a document named DeleteUserResponse",
        ),
        (&error_body, "an ErrorResponse with HTTP status 200"),
        ("{\"ok\":true}", "it is not XML"),
        ("<DeleteAccessKeyResponse/><html/>", "it is not XML"),
    ];
    each_at_once(bodies, |(body, what)| {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(reply(
                200,
                &[("content-type", "text/html")],
                body,
                Act::Never,
            ))
            .on("DeleteAccessKey")
            .always(),
        );
        let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
        let _ = ended
            .exits(10)
            .prints_outcome("Unknown")
            .says(&["no usable response from IAM", what])
            .ends_with(STILL_LISTED);
        assert!(sandbox.has_key(BOBS_KEY), "{body}");
        let deletes = sandbox
            .requests()
            .iter()
            .filter(|request| request.action == "DeleteAccessKey")
            .count();
        assert!(deletes > 1, "sent again until the limit: {body}");
    });
}

#[test]
fn f47_a_captive_portal_that_answers_everything_is_10() {
    let portals = [
        (200, vec![]),
        (302, vec![("location", "http://portal.invalid/")]),
    ];
    each_at_once(portals, |(status, headers)| {
        let sandbox = documented();
        sandbox.fault(Fault::new(reply(status, &headers, PORTAL, Act::Never)).always());
        let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
        let says = &["a proxy or captive portal may be intercepting the connection"];
        let _ = ended
            .exits(10)
            .prints_outcome("Unknown")
            .says(says)
            .ends_with("unknown: ");
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f50_a_200_without_a_body_after_acting_is_settled() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(reply(200, &[], "", Act::Before))
            .on("DeleteAccessKey")
            .times(1),
    );
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["warning: ", "the retry returned NoSuchEntity"])
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f51_server_errors_with_html_or_nothing_are_retried_and_settled() {
    each_at_once([500, 502, 503, 504], |status| {
        for body in [PORTAL, ""] {
            let sandbox = documented();
            sandbox.fault(
                Fault::new(reply(status, &[], body, Act::Never))
                    .on("DeleteAccessKey")
                    .times(2),
            );
            let _ = Case::documented(&sandbox, &[])
                .run()
                .exits(0)
                .prints(DELETED)
                .says_nothing();
            assert!(!sandbox.has_key(BOBS_KEY));
        }
        let sandbox = documented();
        sandbox.fault(
            Fault::new(reply(status, &[], PORTAL, Act::Never))
                .on("DeleteAccessKey")
                .always(),
        );
        let _ = Case::documented(&sandbox, &["--timeout", "4"])
            .run()
            .exits(10)
            .prints_outcome("Unknown")
            .says(&[&format!("HTTP status {status}")])
            .ends_with(STILL_LISTED);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f51_a_server_error_after_acting_is_deleted() {
    let sandbox = documented();
    let body = error("<Code>InternalFailure</Code>", "<Message>oops</Message>");
    sandbox.fault(
        Fault::new(reply(500, &[], body, Act::Before))
            .on("DeleteAccessKey")
            .times(1),
    );
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["warning: "])
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// The code says that IAM failed, and not that it refused the request.
#[test]
fn f51_a_server_error_with_another_status_is_no_refusal() {
    let dry_run = "iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run";
    let unlisted = "IAM does not list the key for Bob, and does not confirm its owner";
    let list = "aws iam list-access-keys --user-name=Bob";
    each_at_once(
        [
            (Act::Never, list, "IAM still lists the key"),
            (Act::Before, dry_run, unlisted),
        ],
        |(act, command, found)| {
            let sandbox = documented();
            let body = error("<Code>InternalFailure</Code>", "<Message>oops</Message>");
            let what = reply(400, &[], body, act);
            sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
            let said = Case::documented(&sandbox, &[]).run().exits(5);
            let _ = said.prints_outcome("Unknown").says_exactly(&format!(
                "iam-del-key: error: An error occurred (InternalFailure) when calling the DeleteAccessKey operation: oops\n\
                 hint: this is a problem at AWS: run the same command again in a minute\n\
                 hint: check with: {command}\n\
                 result: {BOBS_KEY}: unknown: IAM returned an error, but may still make the change; {found}\n"
            ));
        },
    );
}

#[test]
fn f51_a_key_is_not_called_unchanged_while_a_request_that_iam_failed_on_can_act() {
    let sandbox = documented();
    let failed = || What::error(500, "ServiceFailure", "oops");
    sandbox.fault(Fault::new(failed()).on("DeleteAccessKey").always());
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let more = ["--older-than", "1d"];
    let printed = kept.case(&sandbox, &more).run().exits(5);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&["unknown: IAM returned an error, but may still make the change; IAM still lists the key"])
        .ends_with("1 key: 1 unknown");
    // It acts after the run, and the next run finds that out.
    sandbox.remove_key(BOBS_KEY);
    finds_it_deleted(&sandbox, &kept, &more);
    // An error of another kind after it says nothing of the first request.
    let sandbox = documented();
    sandbox.fault(Fault::new(failed()).on("DeleteAccessKey"));
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey"));
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(AccessDenied)", "check with: "])
        .ends_with("unknown: an earlier attempt returned a server error; IAM still lists the key");
    // Nor does a signal.
    let sandbox = documented();
    sandbox.fault(Fault::new(failed()).on("DeleteAccessKey"));
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("ListAccessKeys")
            .always(),
    );
    sandbox.fault(Fault::new(throttled()).on("DeleteAccessKey").always());
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(2, SOON));
    running.signal("TERM");
    let _ = running
        .end()
        .exits(143)
        .prints_outcome("Unknown")
        .says(&["interrupted"])
        .ends_with("unknown: IAM returned an error, but may still make the change");
}

#[test]
fn f52_throttling_that_ends_is_not_noticed() {
    let throttled = error(
        "<Code>Throttling</Code>",
        "<Message>Rate exceeded</Message>",
    );
    for (status, body) in [(400, throttled.as_str()), (429, ""), (429, PORTAL)] {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(reply(status, &[], body, Act::Never))
                .on("DeleteAccessKey")
                .times(1),
        );
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
        assert_eq!(sandbox.requests().len(), 2);
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f52_throttling_is_a_refusal_whatever_its_status() {
    for status in [400, 429, 500, 503] {
        let sandbox = documented();
        let what = What::error(status, "Throttling", "Rate exceeded");
        sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(8)
            .prints_outcome("Failed")
            .says(&["(Throttling)"])
            .ends_with("not deleted: IAM refused the request");
        let all = actions(&sandbox);
        assert!(
            all.iter().all(|action| action == "DeleteAccessKey"),
            "{all:?}"
        );
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f52_a_bare_429_for_ever_is_8() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(reply(429, &[], "", Act::Never))
            .on("DeleteAccessKey")
            .always(),
    );
    let printed = Case::documented(&sandbox, &[]).run().exits(8);
    let error = json!({ "Code": "Http429", "Message": "HTTP status 429 without an error code" });
    assert_eq!(printed.object()["Error"], error);
    let _ = printed
        .prints_outcome("Unknown")
        .says(&["(HTTP 429)", "hint: "])
        .ends_with("unknown: IAM returned an error, but may still make the change; IAM still lists the key");
    assert_eq!(actions(&sandbox)[..3], ["DeleteAccessKey"; 3]);
    assert!(!actions(&sandbox)[3..].contains(&"DeleteAccessKey".to_owned()));
    assert!(sandbox.has_key(BOBS_KEY));
}

/// A proxy that limits requests can have passed one on.
#[test]
fn f52_a_bare_429_after_iam_acted_is_deleted() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(reply(429, &[], "", Act::Before))
            .on("DeleteAccessKey")
            .times(1),
    );
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["warning: "])
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f54_odd_errors_are_1_and_safe_to_look_at() {
    let long = "x".repeat(60_000);
    let cases: Vec<(Vec<u8>, Vec<&str>)> = vec![
        (error("<Code>Odd</Code>", "<Message>what</Message>").into(), vec!["(Odd)", "what", "(request ID req-1)"]),
        (error("", "<Message>what</Message>").into(), vec!["(HTTP 400)", "what", "req-1"]),
        (error("<Code>Odd</Code>", "").into(), vec!["(Odd)", "no message"]),
        (error("<Code>Odd</Code>", "<Message><![CDATA[<b>\u{1b}[2J]]></Message>").into(), vec!["(Odd)"]),
        (error("<Code>Odd</Code>", "<Message>a &amp; b &#x202e;c</Message>").into(), vec!["a & b \\u{202e}c"]),
        ([b"<ErrorResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><Error><Code>Odd</Code><Message>caf\xe9</Message></Error><RequestId>r</RequestId></ErrorResponse>".as_slice()].concat(), vec!["(Odd)", "caf"]),
        (error("<Code>Odd</Code>", &format!("<Message>{long}</Message>")).into(), vec!["(Odd)", "(60000 characters)"]),
    ];
    for (body, says) in cases {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(reply(400, &[], body, Act::Never))
                .on("DeleteAccessKey")
                .always(),
        );
        let printed = Case::documented(&sandbox, &[]).run().exits(1);
        let steering = printed
            .output()
            .chars()
            .any(|c| c.is_control() && c != '\n');
        assert!(!steering, "a control character on standard output");
        let said = printed.prints_outcome("Failed");
        assert!(!said.messages().contains('\u{1b}') && !said.messages().contains('\u{202e}'));
        assert!(
            said.messages().len() < 3000,
            "{} bytes",
            said.messages().len()
        );
        let _ = said.says(&says).ends_with("not deleted");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f54_an_entity_bomb_does_not_go_off() {
    let mut bomb = String::from("<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\">");
    for (name, inner) in [
        ("b", "a"),
        ("c", "b"),
        ("d", "c"),
        ("e", "d"),
        ("f", "e"),
        ("g", "f"),
        ("h", "g"),
    ] {
        let ten = format!("&{inner};").repeat(10);
        bomb.push_str(&["<!ENTITY ", name, " \"", &ten, "\">"].concat());
    }
    bomb.push_str("]><ErrorResponse><Error><Code>&h;</Code></Error></ErrorResponse>");
    let sandbox = documented();
    sandbox.fault(
        Fault::new(reply(400, &[], bomb, Act::Never))
            .on("DeleteAccessKey")
            .always(),
    );
    let _ = Case::documented(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["HTTP status 400"])
        .ends_with(STILL_LISTED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f57_redirects_are_not_followed() {
    let elsewhere = documented();
    each_at_once([301, 302, 303, 307, 308], |status| {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(reply(
                status,
                &[("location", &elsewhere.url())],
                "",
                Act::Never,
            ))
            .on("DeleteAccessKey")
            .always(),
        );
        let _ = Case::documented(&sandbox, &["--timeout", "4"])
            .run()
            .exits(10)
            .prints_outcome("Unknown")
            .says(&[&format!("HTTP status {status}")])
            .ends_with(STILL_LISTED);
        assert!(sandbox.has_key(BOBS_KEY));
    });
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
    assert!(elsewhere.has_key(BOBS_KEY));
}

#[test]
fn f58_a_clock_that_is_wrong_is_corrected() {
    for seconds in [
        10 * 60,
        -10 * 60,
        20 * 60,
        10 * 365 * 86_400,
        -10 * 365 * 86_400,
    ] {
        let sandbox = Sandbox::documented().clock_offset(seconds).start();
        let _ = Case::documented(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY), "{seconds}");
    }
}

#[test]
fn f58_a_clock_that_may_not_be_corrected_is_explained() {
    let sandbox = Sandbox::documented().clock_offset(3600).start();
    let case = Case::documented(&sandbox, &[])
        .env("AWS_DISABLE_CLOCK_SKEW_CORRECTION", "true")
        .env("AWS_MAX_ATTEMPTS", "1");
    let _ = case
        .run()
        .exits(7)
        .prints_outcome("Failed")
        .says(&["hint: this machine's clock says", "set the clock"])
        .ends_with("not deleted");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn the_wrong_content_type_does_not_matter() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let body = "<?xml version=\"1.0\"?>\n<DeleteAccessKeyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\n</DeleteAccessKeyResponse>\n";
    sandbox.fault(
        Fault::new(reply(
            200,
            &[("content-type", "application/json")],
            body,
            Act::Before,
        ))
        .on("DeleteAccessKey")
        .times(1),
    );
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}
