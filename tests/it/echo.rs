//! Responses that repeat a secret in another spelling, and text that is not secret.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Echo, Fault, What};

use crate::case::{BOBS_KEY, CANARIES, Case, always, documented, each, each_at_once, faulty};
use crate::secret::long_token;

/// Every line ends with `=`, and has at most 76 characters.
fn quoted_printable(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '/' => "=2F".to_owned(),
        '+' => "=2B".to_owned(),
        '=' => "=3D".to_owned(),
        c => c.to_string(),
    });
    let escaped: Vec<String> = escaped.collect();
    let lines = escaped.chunks(72).map(<[String]>::concat);
    lines.collect::<Vec<_>>().join("=\r\n")
}

#[test]
fn f68_an_echo_in_escapes_is_shown_without_the_secrets_of_the_request() {
    let token = long_token();
    let spelled = |spell: fn(char) -> String| token.chars().map(spell).collect::<String>();
    let cases = [
        spelled(|c| match c {
            '/' => "&#x2F;".to_owned(),
            '+' => "&#43;".to_owned(),
            '=' => "&#061;".to_owned(),
            c => c.to_string(),
        }),
        spelled(|c| match c {
            '/' => "&amp;#x2f;".to_owned(),
            '+' => "&plus;".to_owned(),
            c => c.to_string(),
        }),
        spelled(|c| format!("&#{};", u32::from(c))),
        spelled(|c| match c {
            '/' => "%252F".to_owned(),
            '+' => "%252b".to_owned(),
            '=' => "%25253D".to_owned(),
            c => c.to_string(),
        }),
        spelled(|c| match c {
            '/' => "\\/".to_owned(),
            '+' => "\\u002B".to_owned(),
            '=' => "\\x3d".to_owned(),
            c => c.to_string(),
        }),
        spelled(|c| format!("\\U{:08x}", u32::from(c))),
        spelled(|c| format!("\\x{{{:x}}}", u32::from(c))),
        spelled(|c| match c {
            '/' => "\\u0026#47;".to_owned(),
            c => c.to_string(),
        }),
        quoted_printable(&token),
        token.to_ascii_uppercase(),
        token.to_ascii_lowercase(),
    ];
    each(cases, |spelled: String| {
        let cases = [
            ("text/html", format!("<html>{spelled}</html>")),
            (
                "text/xml",
                format!(
                    "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
                     <Code>Odd</Code><Message>{spelled}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
                ),
            ),
        ];
        each(cases, |(kind, body)| {
            let what = What::page(400, kind, body);
            let sandbox = faulty([always("DeleteAccessKey", what)]);
            let case = Case::documented(&sandbox, &["--debug", "--timeout", "4"])
                .env("AWS_ACCESS_KEY_ID", SESSION_KEY_ID)
                .env("AWS_SECRET_ACCESS_KEY", CANARIES[0])
                .env("AWS_SESSION_TOKEN", &token);
            let printed = case.run().exits_with_one_of(&[1, 10]);
            let output = printed.output().to_owned();
            let said = printed.prints(&output);
            for part in spelled.as_bytes().windows(60) {
                let part = std::str::from_utf8(part).expect("ASCII");
                assert!(!output.contains(part), "{part} in {output}");
                assert!(
                    !said.messages().contains(part),
                    "{part} in {}",
                    said.messages()
                );
            }
            let _ = said.says(&["debug: response body: ", "(not shown)"]);
            assert!(sandbox.has_key(BOBS_KEY));
        });
    });
}

#[test]
fn f68_a_proxy_response_that_repeats_the_request_is_shown_without_the_password() {
    let users = [
        "me:of-the-proxy-1",
        "me:of&the+proxy-1",
        "me:of%C3%A9the-proxy",
        "of-the-proxy-1:",
        "of-the-proxy-1",
    ];
    each_at_once(users, |user| {
        let sandbox = faulty([Fault::new(What::Echo(Echo::Page)).always()]);
        let proxy = sandbox.url().replace("http://", &format!("http://{user}@"));
        let args = ["--debug", "--endpoint-url", "http://iam.example.com"];
        let said = Case::documented(&sandbox, &args)
            .args(["--timeout", "4"])
            .env("HTTP_PROXY", proxy)
            .run()
            .exits(10)
            .prints_outcome("Unknown");
        let messages = said.messages().to_owned();
        let _ = said.says(&["response body: ", "proxy-authorization"]);
        let requests = sandbox.requests();
        let sent = requests[0].header("proxy-authorization");
        let (_, told) = sent.and_then(|sent| sent.split_once(' ')).expect("Basic");
        for piece in [told, &told[..10], &told[told.len() - 10..]] {
            assert!(!messages.contains(piece), "{piece}: {messages}");
        }
    });
}

#[test]
fn f68_text_that_is_not_secret_is_shown() {
    // The ID of the signing key is in the header with the signature, and is not secret.
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ADMIN_KEY_ID,
        "--user-name",
        "Bob",
        "--allow-self",
    ];
    let says = format!("The Access Key with id {ADMIN_KEY_ID} cannot be found");
    Case::at(&sandbox, args).run().ends_as(
        3,
        "Failed",
        &[&says],
        "not deleted: IAM found no such key for this user",
    );
    // The error code is read before anything in it is masked.
    let sandbox = documented();
    Case::at(
        &sandbox,
        ["--access-key-id", ALICE_KEY_ID, "--user-name", "Bob"],
    )
    .env("HTTPS_PROXY", "http://NoSuchEntity@127.0.0.1:1")
    .run()
    .ends_as(
        3,
        "Failed",
        &["(NoSuchEntity)"],
        "not deleted: IAM found no such key for this user",
    );
}
