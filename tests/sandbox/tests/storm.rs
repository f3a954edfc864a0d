//! Storms: the same seed causes the same faults in any order of requests, and responses in the service's format are
//! always true.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use iam_sandbox::documented::ACCOUNT;
use iam_sandbox::{Answer, Sandbox, Storm, nth_key_id, sign};

const KEYS: usize = 400;
/// Longer than the delay of any late response.
const SILENCE: Duration = Duration::from_secs(1);

/// The requests that the sandbox recorded for each key's deletion, and the responses that the client read.
struct Seen {
    answers: BTreeMap<String, String>,
    replies: BTreeMap<String, Vec<u8>>,
    sandbox: Sandbox,
}

/// Deletes the keys with one request each, over several concurrent connections.
fn deleted(storm: Storm, keys: impl IntoIterator<Item = usize>) -> Seen {
    let sandbox = Sandbox::builder().many_keys(KEYS, 1).storm(storm).start();
    let keys: Vec<usize> = keys.into_iter().collect();
    let replies = thread::scope(|scope| {
        let parts = keys.chunks(KEYS / 8).map(|part| {
            let sandbox = &sandbox;
            scope.spawn(move || part.iter().map(|n| delete(sandbox, *n)).collect::<Vec<_>>())
        });
        let parts: Vec<_> = parts.collect();
        let ended = parts.into_iter().map(|part| part.join().expect("replies"));
        ended.flatten().collect()
    });
    let answers = answers(&sandbox);
    Seen {
        answers,
        replies,
        sandbox,
    }
}

/// Deletes key `n`. Returns its ID and as much of the response as arrives. Reconnects if the connection is reset before
/// the request is read.
fn delete(sandbox: &Sandbox, n: usize) -> (String, Vec<u8>) {
    let (id, user) = (nth_key_id(ACCOUNT, n), format!("user-{:06}", n + 1));
    let params = [
        ("Action", "DeleteAccessKey"),
        ("Version", "2010-05-08"),
        ("UserName", &user),
        ("AccessKeyId", &id),
    ];
    let address = sandbox.address();
    let request = sign::post(&sandbox.admin(), &address.to_string(), &params);
    let is_recorded = || {
        let requests = sandbox.requests();
        requests
            .iter()
            .any(|request| request.param("AccessKeyId") == Some(&id))
    };
    let mut reply = Vec::new();
    loop {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(SILENCE)).expect("a socket");
        let _ = stream.write_all(&request);
        read(&mut stream, &mut reply);
        if !reply.is_empty() || is_recorded() {
            break;
        }
    }
    (id, reply)
}

/// Reads a response until it ends or stops.
fn read(stream: &mut TcpStream, reply: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Ok(length) = stream.read(&mut buffer)
        && length > 0
    {
        reply.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(reply);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let said = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        if said.is_some_and(|length| length.parse() == Ok(body.len())) {
            return;
        }
    }
}

/// The answer to each key's request, after all requests have taken effect.
fn answers(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let deadline = Instant::now() + 60 * SILENCE;
    loop {
        let requests = sandbox.requests();
        if requests
            .iter()
            .all(|request| request.answer != Answer::Pending)
        {
            let answer = |request: &iam_sandbox::Recorded| {
                let id = request.param("AccessKeyId").expect("an ID").to_owned();
                (
                    id,
                    format!("{} acted={}", request.answer, request.acted_at.is_some()),
                )
            };
            return requests.iter().map(answer).collect();
        }
        assert!(Instant::now() < deadline, "a request is never answered");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_same_seed_affects_the_same_requests_in_any_order() {
    let first = deleted(Storm::new(7), 0..KEYS).answers;
    assert_eq!(first.len(), KEYS);
    assert_eq!(first, deleted(Storm::new(7), (0..KEYS).rev()).answers);
    assert_ne!(first, deleted(Storm::new(8), 0..KEYS).answers);
}

#[test]
fn a_repeated_request_gets_a_new_fault() {
    let sandbox = Sandbox::builder().storm(Storm::new(1).percent(50)).start();
    let params = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let address = sandbox.address();
    while sandbox.requests().len() < 40 {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(SILENCE)).expect("a socket");
        let _ = stream.write_all(&sign::post(&sandbox.admin(), &address.to_string(), &params));
        read(&mut stream, &mut Vec::new());
    }
    let answers: BTreeSet<String> = sandbox
        .requests()
        .iter()
        .map(|request| request.answer.to_string())
        .collect();
    assert!(answers.contains("200") && answers.len() > 4, "{answers:?}");
}

#[test]
fn a_storm_affects_the_requested_percentage_of_requests() {
    let calm = deleted(Storm::new(3).percent(0), 0..KEYS);
    assert!(
        calm.answers
            .values()
            .all(|answer| answer == "200 acted=true")
    );
    assert_eq!(calm.sandbox.connections(), KEYS as u64);
    let usual = deleted(Storm::new(3), 0..KEYS);
    let struck = usual
        .answers
        .values()
        .filter(|answer| *answer != "200 acted=true");
    let struck = struck.count() * 100 / KEYS;
    assert!((20..40).contains(&struck), "{struck} %");
    assert!(
        usual.sandbox.connections() > KEYS as u64,
        "some connections should also be reset"
    );
    let names: BTreeSet<&String> = usual.answers.values().collect();
    assert!(names.len() > 10, "{names:?}");
}

#[test]
fn a_response_in_the_services_format_is_true_in_a_storm() {
    let seen = deleted(Storm::new(5).percent(100), 0..KEYS);
    for (id, reply) in &seen.replies {
        let reply = String::from_utf8_lossy(reply);
        let is_gone = !seen.sandbox.has_key(id);
        assert_eq!(seen.answers[id].ends_with("acted=true"), is_gone, "{id}");
        if reply.ends_with("</DeleteAccessKeyResponse>") {
            assert!(is_gone, "{reply}");
        }
        assert!(!reply.contains("NoSuchEntity"), "{reply}");
    }
    let gone = (0..KEYS).filter(|n| !seen.sandbox.has_key(&nth_key_id(ACCOUNT, *n)));
    assert!(
        (KEYS / 4..KEYS).contains(&gone.count()),
        "some of these requests should take effect, and some should not"
    );
}

#[test]
fn in_an_adverse_storm_requests_take_effect_late_and_lists_lag() {
    let seen = deleted(Storm::new(6).adverse().percent(100), 0..KEYS);
    assert!(seen.sandbox.wait_until_calm(60 * SILENCE));
    let late = seen.answers.iter().filter(|(_, answer)| {
        answer.starts_with("ActAfterReset") || answer.starts_with("ActInSilence")
    });
    let late: Vec<_> = late.collect();
    assert!(late.len() > KEYS / 20, "{}", late.len());
    // The requests for renamed users fail.
    let acted = late
        .iter()
        .filter(|(_, answer)| answer.ends_with("acted=true"));
    assert!(acted.count() > late.len() / 2);
    for (id, answer) in &seen.answers {
        assert_eq!(
            answer.ends_with("acted=true"),
            !seen.sandbox.has_key(id),
            "{id}"
        );
    }
    let renamed = seen.sandbox.keys();
    let renamed = renamed.iter().filter(|key| key.user.ends_with("-renamed"));
    assert!(renamed.count() > 0);
}

#[test]
fn a_storm_ends_when_the_faults_are_cleared() {
    let sandbox = Sandbox::builder()
        .many_keys(KEYS, 1)
        .storm(Storm::new(2).percent(100))
        .start();
    sandbox.clear_faults();
    for n in 0..20 {
        let (_, reply) = delete(&sandbox, n);
        assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}
