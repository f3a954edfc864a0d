//! What a run remembers about its responses: request IDs that it saw, and a clock that must not jump.

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Act, Fault, What};

use crate::case::{BOBS_KEY, Case, documented};
use crate::many::from_stdin;
use crate::response::{IAM, keys, last_use, member, reply, result, xml};

#[test]
fn c63_a_repeated_response_counts_for_one_request() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::ReplyTwice).on("DeleteAccessKey"));
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").always());
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let printed = from_stdin(&sandbox, &list, &["--jobs", "1"])
        .run()
        .exits_with_one_of(&[12]);
    let output = printed.output().to_owned();
    assert!(!sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    assert_eq!(output.matches("\"Deleted\"").count(), 1, "{output}");
    assert!(!output.contains("Missing"), "{output}");
    let _ = printed
        .prints(&output)
        .says(&["error: "])
        .ends_with("2 keys: 1 deleted, 1 failed and not changed");
}

#[test]
fn c63_a_response_with_a_repeated_request_id_is_unusable() {
    let document = format!(
        "<DeleteAccessKeyResponse xmlns=\"{IAM}\"><ResponseMetadata><RequestId>cached</RequestId></ResponseMetadata>\
         </DeleteAccessKeyResponse>"
    );
    let error = format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Code>NoSuchEntity</Code><Message>The Access Key with id x cannot be found.\
         </Message></Error><RequestId>cached</RequestId></ErrorResponse>"
    );
    for (first, second, status) in [(&document, &document, 200), (&document, &error, 404)] {
        let sandbox = documented();
        let cached = reply(200, &[], first.clone(), Act::Before);
        sandbox.fault(Fault::new(cached).on("DeleteAccessKey"));
        let cached = reply(status, &[], second.clone(), Act::Never);
        sandbox.fault(Fault::new(cached).on("DeleteAccessKey").always());
        let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
        let more = ["--jobs", "1", "--ignore-missing", "--timeout", "4"];
        let printed = from_stdin(&sandbox, &list, &more).run().exits(12);
        let output = printed.output().to_owned();
        assert_eq!(output.matches("\"Deleted\"").count(), 1, "{output}");
        assert!(!output.contains("Missing"), "{output}");
        assert!(sandbox.has_key(BOB_SECOND_KEY_ID));
        let requests = sandbox.requests();
        let answered_twice = &requests[1];
        assert_eq!(answered_twice.action, "DeleteAccessKey");
        // The next response on that connection could belong to the previous request.
        let mut later = requests[2..].iter();
        assert!(later.all(|request| request.connection != answered_twice.connection));
        let _ = printed
            .prints(&output)
            .says(&["a response with the request ID of an earlier one"])
            .ends_with("2 keys: 1 deleted, 1 unknown");
    }
}

/// An error in IAM's format with a request ID of its own: the late response to another request.
fn late(status: u16, code: &str, message: &str, act: Act) -> What {
    let body = format!(
        "<ErrorResponse xmlns=\"{IAM}\"><Error><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    reply(status, &[], body, act)
}

const DENIED: &str = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:";

#[test]
fn c63_an_error_about_something_else_does_not_count_for_a_change() {
    let list = format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n{ALICE_KEY_ID},Alice\n{ALICE_OLD_KEY_ID},Alice\n"
    );
    let key = format!("The Access Key with id {BOBS_KEY} cannot be found.");
    let user = "The user with name Carol cannot be found.";
    let denied = |what: &str| format!("{DENIED}{what}");
    for (status, code, message) in [
        (404, "NoSuchEntity", &*key),
        (404, "NoSuchEntity", user),
        (
            403,
            "AccessDenied",
            &denied("DeleteAccessKey on resource: user Alice"),
        ),
        (
            403,
            "AccessDenied",
            &denied("ListAccessKeys on resource: user Bob"),
        ),
        (
            403,
            "AccessDenied",
            &denied("GetAccessKeyLastUsed on resource: access key AKIAI44QH8DHBEXAMPLE"),
        ),
    ] {
        for act in [Act::Before, Act::Never] {
            let sandbox = documented();
            let late = Fault::new(late(status, code, message, act)).on("DeleteAccessKey");
            sandbox.fault(late.skip(1));
            let more = ["--jobs", "1", "--ignore-missing"];
            let printed = from_stdin(&sandbox, &list, &more).run().exits(0);
            let output = printed.output().to_owned();
            assert_eq!(output.matches("\"Deleted\"").count(), 4, "{output}");
            let said = printed.prints(&output);
            let warned = said.messages().contains("is presumed deleted");
            assert_eq!(warned, act == Act::Before, "{}", said.messages());
            let _ = said.says(&["4 keys: 4 deleted"]);
            // After that, no connection serves two requests.
            let requests = sandbox.requests();
            assert_eq!(requests[0].connection, requests[1].connection);
            for pair in requests[1..].windows(2) {
                assert_ne!(pair[0].connection, pair[1].connection);
            }
        }
    }
}

#[test]
fn c63_an_error_about_something_else_does_not_count_for_a_read() {
    let key = format!("{DENIED}GetAccessKeyLastUsed on resource: access key {ALICE_KEY_ID}");
    for (action, status, code, message) in [
        ("GetAccessKeyLastUsed", 403, "AccessDenied", &*key),
        (
            "ListAccessKeys",
            404,
            "NoSuchEntity",
            "The user with name Alice cannot be found.",
        ),
    ] {
        let sandbox = documented();
        let late = late(status, code, message, Act::Never);
        sandbox.fault(Fault::new(late).on(action).always());
        let more = [
            "--older-than",
            "1d",
            "--unused-for",
            "1d",
            "--ignore-missing",
        ];
        let said = Case::documented(&sandbox, &more)
            .run()
            .exits(9)
            .prints_outcome("Failed");
        assert!(!said.messages().contains("denied"), "{}", said.messages());
        let _ = said
            .says(&["the response to another request, an error about "])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c63_a_list_of_another_users_keys_is_the_last_on_its_connection() {
    let sandbox = documented();
    let alices = keys(
        &member(ALICE_KEY_ID, "Alice", "Active"),
        "<IsTruncated>false</IsTruncated>",
    );
    sandbox.fault(Fault::new(xml(alices)).on("ListAccessKeys"));
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let more = ["--jobs", "1", "--older-than", "1d"];
    let printed = from_stdin(&sandbox, &list, &more).run().exits(12);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["it lists the keys of another user"])
        .ends_with("2 keys: 1 deleted, 1 failed and not changed");
    let requests = sandbox.requests();
    assert_ne!(requests[0].connection, requests[1].connection);
}

/// Bob's key is at most 100 days old, and so is Alice's old key.
#[test]
fn c64_a_clock_that_jumps_makes_no_key_old() {
    let never = result(
        "GetAccessKeyLastUsed",
        "<UserName>Bob</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>",
    );
    let jump = "unusable response from IAM: a reliable time is missing";
    let far = "Sat, 26 Nov 2099 12:00:00 GMT";
    for dates in [
        &[("Date", far)][..],
        &[("Date", far), ("Date", far)],
        &[("Date", "soon")],
        &[("Date", "")],
    ] {
        let sandbox = documented();
        let what = reply(200, dates, never.clone(), Act::Never);
        sandbox.fault(Fault::new(what).on("GetAccessKeyLastUsed").always());
        let case = Case::documented(&sandbox, &["--unused-for", "9000d"]);
        let said = case.run().exits(1).prints_outcome("Failed");
        assert!(
            dates.len() > 1 || dates[0].1 != far || said.messages().contains("IAM's clock"),
            "{}",
            said.messages()
        );
        assert!(
            said.messages().contains(jump) || said.messages().contains("IAM's clock"),
            "{}",
            said.messages()
        );
        let _ = said
            .says(&["unusable response from IAM"])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert!(sandbox.has_key(BOBS_KEY), "{dates:?}");
    }
}

/// A list of Bob's keys with this key, from a clock that is decades ahead.
fn listed_in_2099(key: &str) -> Fault {
    let page = keys(
        &member(key, "Bob", "Active"),
        "<IsTruncated>false</IsTruncated>",
    );
    let date = ("Date", "Sat, 26 Nov 2099 12:00:00 GMT");
    Fault::new(reply(200, &[date], page, Act::Never)).on("ListAccessKeys")
}

#[test]
fn c64_the_first_response_may_not_be_from_the_future_either() {
    let sandbox = documented();
    sandbox.fault(listed_in_2099(BOBS_KEY).always());
    let _ = Case::documented(&sandbox, &["--older-than", "9000d"])
        .run()
        .exits(1)
        .prints_outcome("Failed")
        .says(&["unusable response from IAM", "IAM's clock"])
        .ends_with("not deleted: no request to change it was sent to IAM");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c64_a_clock_that_jumps_ends_a_run_over_many_keys() {
    let sandbox = documented();
    sandbox.fault(listed_in_2099(BOB_SECOND_KEY_ID).skip(1));
    let list = format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n{ALICE_KEY_ID},Alice\n{ALICE_OLD_KEY_ID},Alice\n"
    );
    let more = ["--jobs", "1", "--older-than", "1d"];
    let printed = from_stdin(&sandbox, &list, &more).run().exits(12);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["IAM's clock"])
        .ends_with("4 keys: 1 deleted, 1 failed and not changed, 2 not tried");
    assert!(sandbox.has_key(ALICE_KEY_ID) && sandbox.has_key(ALICE_OLD_KEY_ID));
}

#[test]
fn c64_an_impossible_date_is_an_error() {
    for date in [
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2014-12-01T00:00:00Z",
    ] {
        let sandbox = documented();
        let what = xml(last_use("Bob", date));
        sandbox.fault(Fault::new(what).on("GetAccessKeyLastUsed").always());
        let _ = Case::documented(&sandbox, &["--unused-for", "1d"])
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says(&[
                "unusable response from IAM: its last use at ",
                " is before its creation at ",
            ])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert!(sandbox.has_key(BOBS_KEY), "{date}");
        let sandbox = documented();
        let page = keys(
            &member(BOBS_KEY, "Bob", "Active"),
            "<IsTruncated>false</IsTruncated>",
        );
        let page = page.replace("2020-01-01T00:00:00Z", date);
        sandbox.fault(Fault::new(xml(page)).on("ListAccessKeys").always());
        let ended = Case::documented(&sandbox, &["--older-than", "1d"]).run();
        let is_possible = date.starts_with("2014");
        if is_possible {
            ended.deletes_quietly();
        } else {
            let says = "is before access keys existed, so the conditions cannot be checked";
            let known = "not deleted: no request to change it was sent to IAM";
            ended.ends_as(1, "Failed", &[says], known);
        }
        assert_eq!(sandbox.has_key(BOBS_KEY), !is_possible, "{date}");
    }
    let sandbox = documented();
    let page = keys(
        &member(BOBS_KEY, "Bob", "Active"),
        "<IsTruncated>false</IsTruncated>",
    );
    sandbox.fault(Fault::new(xml(page)).on("ListAccessKeys").always());
    let before_it_was_made = xml(last_use("Bob", "2019-12-01T00:00:00Z"));
    sandbox.fault(
        Fault::new(before_it_was_made)
            .on("GetAccessKeyLastUsed")
            .always(),
    );
    let _ = Case::documented(&sandbox, &["--unused-for", "1d"])
        .run()
        .exits(1)
        .prints_outcome("Failed")
        .says(&[
            "unusable response from IAM: its last use at 2019-12-01T00:00:00Z is before its creation at \
             2020-01-01T00:00:00Z, so the conditions cannot be checked",
        ])
        .ends_with("not deleted: no request to change it was sent to IAM");
    assert!(sandbox.has_key(BOBS_KEY));
}
