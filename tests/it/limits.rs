//! Every response is limited: its length, the time to read it, and the pages of a list.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use iam_sandbox::{Act, Certificate, Fault, Sandbox, What};

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, DELETED, documented, each_at_once};
use crate::response::{END, IAM, METADATA, is_not_deleted, keys, member, reply, result, xml};

/// Much longer than any of these takes, and much shorter than a quadratic parser would take.
const BOUNDED: Duration = Duration::from_secs(30);

fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// A document of nested elements, each with a namespace of its own.
fn nested_namespaces(count: usize) -> String {
    let open = each(count, |n| format!("<a xmlns:n{n}=\"u{n}\">"));
    format!("<R>{open}{}</R>", "</a>".repeat(count))
}

fn many_attributes(count: usize) -> String {
    let attributes = each(count, |n| format!(" a{n}=\"\""));
    format!("<R{attributes}/>")
}

#[test]
fn c55_no_response_takes_long_to_read() {
    let hidden = format!("<R a=\">\"{}/>", each(200_000, |n| format!(" b{n}='{n}'")));
    let bodies = [
        nested_namespaces(50_000),
        many_attributes(200_000),
        hidden,
        format!("<R>{}</R>", "<a>".repeat(400_000) + &"</a>".repeat(400_000)),
        format!("<R>{}</R>", "<a/>".repeat(1_400_000)),
        format!("<R>{}</R>", "<![CDATA[x]]>y".repeat(300_000)),
        keys(&"<AccessKeyMetadata/>".repeat(200_000), ""),
    ];
    each_at_once(bodies, |body| {
        for (action, option) in [
            ("ListAccessKeys", &["--only-inactive"][..]),
            ("DeleteAccessKey", &["--timeout", "4"]),
        ] {
            for status in [200, 400] {
                let shown = format!("{action} {status} {}", &body[..40]);
                let sandbox = documented();
                let what = reply(status, &[], body.clone(), Act::Never);
                sandbox.fault(Fault::new(what).on(action).always());
                let case = Case::documented(&sandbox, option).env("AWS_MAX_ATTEMPTS", "1");
                let ended = case.run().within(BOUNDED);
                let printed = ended.exits_with_one_of(&[1, 9, 10]);
                let output = printed.output().to_owned();
                assert!(!output.contains("Deleted"), "{shown}: {output}");
                let _ = printed.prints(&output).says(&["error: "]);
                assert!(sandbox.has_key(BOBS_KEY), "{shown}");
            }
        }
    });
}

#[test]
fn c55_a_small_complex_response_is_refused_before_parsing() {
    for body in [nested_namespaces(2_000), many_attributes(5_000)] {
        assert!(body.len() < 65_000, "{}", body.len());
        let sandbox = documented();
        sandbox.fault(Fault::new(xml(body)).on("DeleteAccessKey").always());
        let printed = Case::documented(&sandbox, &["--timeout", "4"])
            .run()
            .exits(10);
        let output = printed.output().to_owned();
        // The response is refused before parsing, which would take time that grows with the square of its length.
        let _ = printed
            .prints(&output)
            .says(&["it is not XML as AWS sends it"]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_text_in_a_list_has_at_most_64_kib() {
    let cases = [
        (64 << 10, 11, " is not deleted: its status is AAAA"),
        (5_000_000, 9, "it has a text of more than 64 KiB\n"),
    ];
    for (length, exit, says) in cases {
        let sandbox = documented();
        let list = keys(&member(BOBS_KEY, "Bob", &"A".repeat(length)), END);
        sandbox.fault(Fault::new(xml(list)).on("ListAccessKeys").always());
        let case = Case::documented(&sandbox, &["--only-inactive"]).env("AWS_MAX_ATTEMPTS", "1");
        let _ = case.run().exits(exit).prints_anything().says(&[says]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c55_a_deletions_response_has_at_most_64_kib() {
    let document = |length: usize| {
        let start = format!("<DeleteAccessKeyResponse xmlns=\"{IAM}\">");
        let end = format!("{METADATA}</DeleteAccessKeyResponse>");
        let space = " ".repeat(length - start.len() - end.len());
        format!("{start}{space}{end}")
    };
    let sandbox = documented();
    // A request ID is 35 bytes longer than its placeholder.
    let what = reply(200, &[], document(65_000), Act::Before);
    sandbox.fault(Fault::new(what).on("DeleteAccessKey"));
    let ended = Case::documented(&sandbox, &[]).run();
    let _ = ended.exits(0).prints(DELETED).says_nothing();
    let sandbox = documented();
    sandbox.fault(
        Fault::new(xml(document(66_000)))
            .on("DeleteAccessKey")
            .always(),
    );
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    is_not_deleted(&sandbox, ended);
    let sandbox = documented();
    sandbox.fault(
        Fault::new(xml(document(66_000)))
            .on("DeleteAccessKey")
            .always(),
    );
    let said = Case::documented(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10);
    let output = said.output().to_owned();
    let _ = said
        .prints(&output)
        .says(&["the response is longer than 64 KiB"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn a_response_in_single_bytes_takes_no_more_memory_than_another() {
    let sandbox = documented();
    let end = format!("<IsTruncated>false</IsTruncated>{}", " ".repeat(1 << 20));
    let list = keys(&member(BOBS_KEY, "Bob", "Inactive"), &end);
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for byte in list.into_bytes() {
        bytes.extend([b'1', b'\r', b'\n', byte, b'\r', b'\n']);
    }
    bytes.extend(b"0\r\n\r\n");
    sandbox.fault(Fault::new(What::NotHttp(bytes)).on("ListAccessKeys"));
    // A slow machine needs more time than the usual limit.
    let slow = ["--only-inactive", "--timeout=200", "--cli-read-timeout=200"];
    let case = Case::documented(&sandbox, &slow);
    let running = case.start_under(Some(&["prlimit", "--data=60000000"]));
    let _ = running.end().exits(0).prints(DELETED).says_nothing();
}

/// A response in single bytes may take longer than other responses, up to the limit of a read.
const SINGLE_BYTES: &str = "single bytes";

/// Responses that never end, and the message about each. The server sends them as fast as they are read.
fn floods() -> [(&'static str, What, &'static str); 8] {
    let flood = |start: &str, unit: &str| What::Flood(start.into(), unit.into());
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extended = format!("{chunked}1;");
    let (long, headers) = (
        "the response is too long",
        "its response has a head or a length that is too large",
    );
    [
        ("a chunk size", flood(chunked, "0"), long),
        (
            "a chunk extension",
            flood(&extended, "x"),
            "its response is not valid HTTP",
        ),
        ("100", flood("", "HTTP/1.1 100 Continue\r\n\r\n"), long),
        (
            "103",
            flood("", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"),
            long,
        ),
        ("a header", flood("HTTP/1.1 200 OK\r\nX: ", "y"), headers),
        ("headers", flood("HTTP/1.1 200 OK\r\n", "X: y\r\n"), headers),
        ("empty lines", flood("", "\r\n"), headers),
        (
            SINGLE_BYTES,
            flood(chunked, "1\r\nx\r\n"),
            "the response is",
        ),
    ]
}

#[test]
fn c55_an_endless_response_is_cut_off() {
    each_at_once(floods(), |(name, what, says)| {
        for is_https in [false, true] {
            let build = || {
                let sandbox = Sandbox::documented();
                let secure = is_https.then_some(Certificate::Valid);
                match secure {
                    Some(certificate) => sandbox.https(certificate).start(),
                    None => sandbox.start(),
                }
            };
            // A deletion whose response is lost is unknown until a read shows the key.
            let sandbox = build();
            sandbox.fault(Fault::new(what.clone()).on("DeleteAccessKey").always());
            let case = Case::documented(&sandbox, &["--timeout", "4"]);
            let said = case
                .run()
                .within(BOUNDED)
                .exits(10)
                .prints_outcome("Unknown");
            let _ = said
                .says(&["no usable response from IAM"])
                .ends_with("IAM still lists the key");
            assert!(sandbox.has_key(BOBS_KEY), "{name}");
            if name == SINGLE_BYTES {
                continue;
            }
            // A read changes nothing.
            let sandbox = build();
            sandbox.fault(Fault::new(what.clone()).on("ListAccessKeys").always());
            let case =
                Case::documented(&sandbox, &["--only-inactive"]).env("AWS_MAX_ATTEMPTS", "1");
            let said = case.run().within(BOUNDED).exits(9).prints_outcome("Failed");
            let _ = said
                .says(&["unexpected response from IAM at ", says])
                .ends_with("not deleted: no request to change it was sent to IAM");
            assert!(sandbox.has_key(BOBS_KEY), "{name}");
        }
    });
}

#[test]
fn c55_a_signal_ends_a_run_whose_responses_never_end() {
    each_at_once(floods(), |(name, what, _)| {
        for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
            let sandbox = documented();
            sandbox.fault(Fault::new(what.clone()).always());
            let running = Case::documented(&sandbox, &[]).start();
            assert!(sandbox.wait_for_requests(1, BOUNDED), "{name}");
            let said = interrupt(running, signal)
                .exits(status)
                .prints_outcome("Unknown");
            let _ = said
                .says(&["error: interrupted\n"])
                .ends_with("unknown: the request was sent and no usable response arrived");
            assert!(sandbox.has_key(BOBS_KEY), "{name}");
        }
    });
}

#[test]
fn c55_no_other_service_sends_a_response_that_never_ends() {
    let floods = floods().into_iter();
    each_at_once(
        floods.filter(|(name, ..)| *name != SINGLE_BYTES),
        |(name, what, says)| {
            let sandbox = documented();
            sandbox.fault(Fault::new(what).on("GetCallerIdentity").always());
            let case = Case::documented(&sandbox, &["--expect-account", "123456789012"]);
            let said = case
                .env("AWS_MAX_ATTEMPTS", "1")
                .run()
                .within(BOUNDED)
                .exits(9);
            let output = said.output().to_owned();
            let _ = said
                .prints(&output)
                .says(&["unexpected response from STS at ", says]);
            assert!(sandbox.has_key(BOBS_KEY), "{name}");
        },
    );
}

/// A server that responds to request number `n` with `respond(n, action)`, each time with a new request ID.
fn serve(respond: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let respond = Arc::new(respond);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let respond = Arc::clone(&respond);
            thread::spawn(move || converse(stream, &*respond));
        }
    });
    url
}

fn converse(stream: TcpStream, respond: &dyn Fn(usize, &str) -> String) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    for n in 0.. {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        let action = body.strip_prefix("Action=")?.split('&').next()?;
        let id = format!("<RequestId>{n}</RequestId>");
        let body = respond(n, action).replace("<RequestId>r</RequestId>", &id);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        writer.write_all((head + &body).as_bytes()).ok()?;
    }
    None
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn c62_an_endless_list_is_cut_off() {
    let user = |n: usize| {
        format!(
            "<member><UserName>u{n}</UserName><Path>/</Path><UserId>AIDAEXAMPLEEXAMPLE00</UserId>\
             <Arn>arn:aws:iam::123456789012:user/x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
        )
    };
    let more = |n: usize| format!("<IsTruncated>true</IsTruncated><Marker>m{n}</Marker>");
    let users = move |n: usize, each: usize| {
        let members: String = (n * each..(n + 1) * each).map(user).collect();
        result("ListUsers", &format!("<Users>{members}</Users>{}", more(n)))
    };
    let whole_account = [
        "--whole-account",
        "--only-inactive",
        "--yes",
        "--expect-account",
        "123456789012",
    ];
    let all_keys = ["--user-name", "Bob", "--all-keys", "--yes"];
    let sandbox = documented();
    let ends = |url: &str, args: &[&str], says: &str| {
        let running = Case::at(&sandbox, args)
            .env("AWS_ENDPOINT_URL_IAM", url)
            .start_under(Some(&["prlimit", "--data=150000000"]));
        let _ = running
            .end()
            .within(BOUNDED * 2)
            .exits(1)
            .prints_nothing()
            .says(&["unusable response from IAM at ", says])
            .ends_with("no key was changed");
    };
    ends(
        &serve(move |n, _| users(n, 1000)),
        &whole_account,
        "the list has more than 100,000 users; by default an account has at most 5,000",
    );
    ends(
        &serve(move |n, _| users(n, 0)),
        &whole_account,
        "the list goes on after 300 pages; no list of IAM is so long",
    );
    ends(
        &serve(move |n, _| {
            let id = |k: usize| member(&format!("AKIA{:016}", n * 100 + k), "Bob", "Active");
            keys(&(0..100).map(id).collect::<String>(), &more(n))
        }),
        &all_keys,
        "the list has more than 1,000 keys; IAM allows a user two",
    );
    ends(
        &serve(move |n, _| {
            keys(
                "",
                &format!(
                    "<IsTruncated>true</IsTruncated><Marker>{n}{}</Marker>",
                    "m".repeat(50_000)
                ),
            )
        }),
        &all_keys,
        "a marker of more than 4,096 characters",
    );
}
