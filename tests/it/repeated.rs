//! Text from outside that repeats a secret of the run: every place that shows it has `(not shown)` instead.

use aws_smithy_types::base64;
use iam_sandbox::documented::SESSION_KEY_ID;
use iam_sandbox::{Credentials, Fault, Sandbox, What};

use crate::case::{BOBS_KEY, CANARIES, Case, DOCUMENTED, always, documented, each, faulty};
use crate::credentials::{LATER, json, with_config};
use crate::many::{crowd, from_stdin};
use crate::proof::list;
use crate::renewal::{expired, renewed_by, session_of_ci};
use crate::response::{keys, member, result, xml};
use crate::verification::{NEVER, last_use};

/// A session token that does not look like one.
const TOKEN: &str = "short.Token-9xQ2";

/// The digits of the bytes, of `width` bits each.
fn digits(text: &str, width: usize, alphabet: &[u8]) -> String {
    let bits: Vec<String> = text.bytes().map(|byte| format!("{byte:08b}")).collect();
    let bits = bits.concat();
    let digits = bits.as_bytes().chunks(width).map(|bits| {
        let bits = String::from_utf8_lossy(bits);
        let digit = usize::from_str_radix(&format!("{bits:0<width$}"), 2);
        char::from(alphabet[digit.expect("bits")])
    });
    digits.collect()
}

/// A secret in each spelling that is promised to be masked.
fn spellings(secret: &str) -> [String; 7] {
    let bytes = |prefix: &str, suffix: &str| {
        let bytes = secret.bytes();
        let bytes = bytes.map(|byte| format!("{prefix}{byte:02x}{suffix}"));
        bytes.collect::<Vec<_>>().concat()
    };
    [
        secret.to_owned(),
        bytes("%", ""),
        bytes("\\u{", "}"),
        bytes("", ""),
        bytes("", "."),
        digits(secret, 5, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        base64::encode(secret),
    ]
}

/// Checks that a run ends with this status, and that it shows a mark and not the text after it.
fn hides(case: Case, status: i32, text: &str) {
    let printed = case.run().exits(status);
    let output = printed.output().to_owned();
    let said = printed.prints_anything();
    let shown = format!("{output}{}", said.messages());
    assert!(!shown.contains(text), "{shown}");
    assert!(shown.contains("Z@(not shown)"), "{shown}");
}

/// A run with the session token.
fn signed(sandbox: &Sandbox, args: &[&str]) -> Case {
    Case::at(sandbox, args)
        .env("AWS_ACCESS_KEY_ID", SESSION_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", CANARIES[0])
        .env("AWS_SESSION_TOKEN", TOKEN)
}

#[test]
fn f68_a_successful_response_that_repeats_a_secret_is_shown_without_it() {
    each(spellings(TOKEN), |text| {
        let key = format!(
            "<member><UserName>Bob</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>Z@{text}</Status>\
             <CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
        );
        let used = format!(
            "<AccessKeyLastUsed><LastUsedDate>2026-01-01T00:00:00Z</LastUsedDate><ServiceName>Z@{text}</ServiceName>\
             <Region>Z@{text}</Region></AccessKeyLastUsed>"
        );
        let keys = list("<UserName>Bob</UserName>", &key, "keys");
        let sandbox = faulty([
            always("ListAccessKeys", keys),
            always("GetAccessKeyLastUsed", last_use("Bob", &used)),
        ]);
        each(["json", "table"], |format| {
            let more = ["--dry-run", "--output", format];
            hides(
                signed(&sandbox, &[&DOCUMENTED[..], &more].concat()),
                0,
                &text,
            );
        });
    });
}

#[test]
fn f68_a_journal_has_no_secret_of_a_response() {
    each(spellings(TOKEN), |text| {
        let key = format!(
            "<member><UserName>Bob</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>Z@{text}</Status>\
             <CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
        );
        let keys = list("<UserName>Bob</UserName>", &key, "keys");
        let sandbox = faulty([
            always("GetCallerIdentity", session_of_ci("AROA", "ci")),
            always("ListAccessKeys", keys),
        ]);
        let case = signed(&sandbox, &DOCUMENTED);
        let journal = case.path("journal");
        let case = case
            .args(["--older-than", "1d", "--journal"])
            .args([journal]);
        let ended = case.start().end_keeping(|folder| {
            let journal = std::fs::read_to_string(folder.join("home/journal")).expect("a journal");
            assert!(journal.contains("Z@(not shown)"), "{journal}");
            let (_, status) = journal.split_once("Z@").expect("the status");
            assert!(!status.contains(&text), "{journal}");
        });
        let _ = ended.exits(7).prints_anything();
    });
}

/// A user name or an ID with a secret would get into journals and lists, which the next run needs unchanged.
#[test]
fn f68_a_name_or_an_id_with_a_secret_is_a_failed_read() {
    let end = "<IsTruncated>false</IsTruncated>";
    let user = |name: &str| {
        let user = format!(
            "<Users><member><UserName>{name}</UserName><Path>/</Path><UserId>AIDAEXAMPLEEXAMPLE00</UserId>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate></member></Users>{end}"
        );
        xml(result("ListUsers", &user))
    };
    let key = |id: &str, owner: &str| xml(keys(&member(id, owner, "Active"), end));
    let of_key: &[&str] = &["--access-key-id", BOBS_KEY, "--find-user"];
    let of_caller = &["--access-key-id", BOBS_KEY, "--older-than", "1d"];
    let of_bob = &["--user-name", "Bob", "--all-keys", "--yes"];
    let of_all = &[
        "--whole-account",
        "--only-inactive",
        "--yes",
        "--expect-account",
        "123456789012",
    ];
    each(spellings(TOKEN), |text| {
        let name = format!("Z@{text}");
        let (a_name, an_id) = (("", "a user name"), ("the user Bob: ", "an access key ID"));
        let mut cases = vec![
            (
                "GetAccessKeyLastUsed",
                last_use(&name, NEVER),
                of_key,
                a_name,
            ),
            ("ListAccessKeys", key(BOBS_KEY, &name), of_caller, a_name),
            ("ListUsers", user(&name), of_all, a_name),
        ];
        cases.retain(|_| !text.contains(['%', '\\']));
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            cases.push(("ListAccessKeys", key(&text, "Bob"), of_bob, an_id));
        }
        for (operation, response, args, (whose, what)) in cases {
            let sandbox = faulty([
                always("GetCallerIdentity", session_of_ci("AROA", "ci")),
                always(operation, response),
            ]);
            let case = signed(&sandbox, args);
            let journal = case.path("journal");
            let ended = case.args(["--journal"]).args([&journal]).start();
            let ended = ended.end_keeping(|folder| {
                let journal = std::fs::read_to_string(folder.join("home/journal"));
                assert!(!journal.expect("a journal").contains(&text));
            });
            let printed = ended.exits(1);
            assert!(!printed.output().contains(&text));
            let said = printed.prints_anything();
            assert!(!said.messages().contains(&text), "{}", said.messages());
            let _ = said.says(&[&format!(
                "iam-del-key: error: {whose}unusable response from IAM at {}: it has {what} that contains a secret of this run\n",
                sandbox.address()
            )]);
        }
    });
}

#[test]
fn f68_a_role_in_a_session_is_shown_without_a_secret() {
    each(spellings(TOKEN), |text| {
        let page = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/Z@{text}/me</Arn>\
             <AssumedRoleId>AROA:me</AssumedRoleId></AssumedRoleUser></AssumeRoleResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>"
        );
        let sandbox = faulty([always("AssumeRole", What::page(200, "text/xml", page))]);
        let role = ["--role-arn", "arn:aws:iam::123456789012:role/Deployer"];
        hides(
            signed(&sandbox, &[&DOCUMENTED[..], &role].concat()),
            11,
            &text,
        );
    });
}

#[test]
fn f68_an_error_that_repeats_a_web_identity_token_is_shown_without_it() {
    for token in ["Atza|IQEBLjAs+AhRk/cxQ=", "abc/def+ghi=jkl"] {
        each(spellings(token), |text| {
            let error = What::error(400, "InvalidIdentityToken", format!("Z@{text}"));
            let sandbox = faulty([always("AssumeRoleWithWebIdentity", error)]);
            let case = with_config(&sandbox, "").file("token", token);
            let file = case.path("token");
            let case = case
                .env("AWS_WEB_IDENTITY_TOKEN_FILE", file)
                .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer");
            hides(case, 7, &text);
        });
    }
}

/// A run over three keys whose credentials expire after the first. Then the credential process runs `then`.
fn renews(sandbox: &Sandbox, keys: &str, first: &Credentials, then: &str) -> Case {
    let case = from_stdin(sandbox, keys, &["--yes", "--jobs", "1"]);
    renewed_by(case, first, then)
}

#[test]
fn f68_a_process_that_repeats_what_it_returned_before_is_shown_without_it() {
    let secret = documented().admin().secret_access_key;
    each(spellings(&secret), |text| {
        let (sandbox, keys) = crowd(3);
        sandbox.fault(Fault::new(expired()).on("DeleteAccessKey").skip(1));
        let case = renews(&sandbox, &keys, &sandbox.admin(), "cat errors >&2; exit 1");
        hides(case.file("errors", format!("Z@{text}\n")), 12, &text);
    });
}

#[test]
fn f68_a_token_that_was_renewed_is_still_not_shown() {
    let token = documented().session().session_token.expect("a token");
    each(spellings(&token), |text| {
        let (sandbox, keys) = crowd(3);
        let (first, next) = (sandbox.session(), sandbox.admin());
        assert_eq!(first.session_token.as_ref(), Some(&token));
        sandbox.fault(always("GetCallerIdentity", session_of_ci("AROA", "ci")));
        sandbox.fault(Fault::new(expired()).on("DeleteAccessKey").skip(1));
        let denied = What::error(403, "AccessDenied", format!("Z@{text}"));
        sandbox.fault(Fault::new(denied).on("DeleteAccessKey").skip(1));
        let case = renews(&sandbox, &keys, &first, "cat next.json");
        hides(case.file("next.json", json(&next, LATER)), 12, &text);
    });
}

#[test]
fn f68_a_containers_service_that_repeats_its_token_is_shown_without_it() {
    each(spellings(TOKEN), |text| {
        let sandbox = documented();
        let body = serde_json::json!({ "message": format!("Z@{text}") }).to_string();
        sandbox.fault(Fault::new(What::page(403, "application/json", body)).always());
        let case = with_config(&sandbox, "")
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", sandbox.url())
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN);
        hides(case, 7, &text);
    });
}
