//! Text from a service, a file or the environment never controls the terminal and never floods it.

use std::fs;
use std::path::{Path, PathBuf};

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, documented};

/// Everything that a hostile service may put into a field: a C1 control, a line break with a line that looks like one of the
/// program, a sequence that clears the screen, a bidirectional override, and invisible characters.
const HOSTILE: &str =
    "In\u{9b}2J\nresult: AKIDPMS9RO4H3FEXAMPLE: deleted\u{2028}\u{202e}\u{200b}\u{3164}\u{fe0f}";
/// The same text as a message shows it.
const ESCAPED: &str = "In\\u{9b}2J\\u{a}result: AKIDPMS9RO4H3FEXAMPLE: deleted\\u{2028}\\u{202e}\\u{200b}\\u{3164}\\u{fe0f}";

fn controls_terminal(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || "\u{202e}\u{200b}\u{3164}\u{fe0f}\u{2028}\u{e0041}".contains(c)
}

/// No control characters, no line from the service, and no message much longer than a thousand characters.
pub(crate) fn is_harmless(text: &str) {
    assert!(!text.contains(controls_terminal), "{text:?}");
    for line in text.lines() {
        assert!(line.chars().count() < 1_400, "{}", line.chars().count());
        assert!(
            !line.starts_with("result: AKIDPMS9RO4H3FEXAMPLE: deleted"),
            "{text}"
        );
    }
}

fn xml(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('\n', "&#10;").replace('\r', "&#13;")
}

fn response(action: &str, result: &str) -> What {
    let page = format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>{result}\
         </{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    );
    What::page(200, "text/xml", page)
}

/// The response to `ListAccessKeys` if Bob's key has this status.
pub(crate) fn listed(status: &str) -> What {
    let status = xml(status);
    response(
        "ListAccessKeys",
        &format!(
            "<AccessKeyMetadata><member><UserName>Bob</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId>\
             <Status>{status}</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>\
             <IsTruncated>false</IsTruncated>"
        ),
    )
}

/// The response to `GetAccessKeyLastUsed` if Bob's key was used there.
pub(crate) fn used(service: &str, region: &str) -> What {
    let (service, region) = (xml(service), xml(region));
    response(
        "GetAccessKeyLastUsed",
        &format!(
            "<UserName>Bob</UserName><AccessKeyLastUsed><LastUsedDate>2026-01-02T00:00:00Z</LastUsedDate>\
             <ServiceName>{service}</ServiceName><Region>{region}</Region></AccessKeyLastUsed>"
        ),
    )
}

#[test]
fn c68_a_status_is_escaped_and_cut_in_the_reason() {
    let sandbox = documented();
    sandbox.fault(Fault::new(listed(HOSTILE)).on("ListAccessKeys").always());
    let printed = Case::documented(&sandbox, &["--only-inactive"])
        .run()
        .exits(11);
    assert_eq!(printed.object()["Status"], HOSTILE);
    is_harmless(printed.output());
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says_exactly(&format!(
        "iam-del-key: error: {BOBS_KEY} is not deleted: its status is {ESCAPED}\n\
         hint: a key must meet every condition; --dry-run shows its details\n"
    ));

    for flood in ["x", "\u{9b}", "\u{e0041}"] {
        let sandbox = documented();
        let status = flood.repeat(16_000);
        sandbox.fault(Fault::new(listed(&status)).on("ListAccessKeys").always());
        let printed = Case::documented(&sandbox, &["--only-inactive"])
            .run()
            .exits(11);
        let object = printed.object();
        assert_eq!(object["Status"], status);
        let reason = object["Reason"].as_str().expect("a reason");
        assert!(reason.ends_with("... (16000 characters)"), "{reason}");
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        is_harmless(said.messages());
        let _ = said.says(&["is not deleted: ", "... (16000 characters)"]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c68_text_from_the_service_is_escaped_and_cut_in_every_format() {
    let huge = [HOSTILE, "鍵"].concat().repeat(300);
    for text in [HOSTILE, &huge] {
        let (one, many) = (
            &["--access-key-id", BOBS_KEY][..],
            &[
                "--access-key-id",
                BOBS_KEY,
                "--access-key-id",
                BOB_SECOND_KEY_ID,
            ][..],
        );
        for keys in [one, many] {
            for more in [
                &["--output", "table", "--dry-run"][..],
                &["--output", "text", "--dry-run"],
                &["--output", "off", "--verbose", "--only-inactive"],
                &["--output", "off", "--debug", "--unused-for", "900d"],
            ] {
                let sandbox = documented();
                sandbox.fault(Fault::new(listed(text)).on("ListAccessKeys").always());
                let last_use = Fault::new(used(text, text)).on("GetAccessKeyLastUsed");
                sandbox.fault(last_use.always());
                let args = [keys, &["--user-name", "Bob"], more].concat();
                let ended = Case::at(&sandbox, args).run();
                let printed = ended.exits_with_one_of(&[0, 3, 11, 12]);
                let output = printed.output().to_owned();
                assert!(!output.contains(controls_terminal), "{output:?}");
                assert!(output.len() < 12_000, "{}", output.len());
                let said = printed.prints(&output);
                is_harmless(said.messages());
                assert!(said.messages().len() < 60_000);
                let _ = said.says(&["result: "]);
            }
        }
    }
}

#[test]
fn c68_an_error_is_escaped_and_cut_and_its_end_is_kept() {
    let huge = HOSTILE.repeat(4_000);
    for (code, message) in [
        (HOSTILE, "no"),
        (huge.as_str(), "no"),
        ("AccessDenied", HOSTILE),
        ("Odd", huge.as_str()),
        (huge.as_str(), huge.as_str()),
    ] {
        for more in [
            &[][..],
            &["--debug"],
            &["--access-key-id", BOB_SECOND_KEY_ID],
        ] {
            let sandbox = documented();
            let body = format!(
                "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
                 <Code>{}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
                xml(code),
                xml(message),
                xml(code)
            );
            let what = What::page(400, "text/xml", body);
            sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
            let ended = Case::documented(&sandbox, more)
                .args(["--timeout", "4"])
                .run();
            // The second of two keys gets a request ID that was seen before.
            let printed = ended.exits_with_one_of(&[1, 6, 10, 12]);
            let output = printed.output().to_owned();
            assert!(!output.contains(controls_terminal), "{output:?}");
            let said = printed.prints(&output);
            is_harmless(said.messages());
            let _ = said.says(&["iam-del-key: error: ", "result: "]);
            assert!(sandbox.has_key(BOBS_KEY));
        }
    }
}

#[test]
fn c68_the_code_of_an_error_is_cut_in_json_too() {
    let (long, cut) = ("x".repeat(4_000), "x".repeat(100) + "... (4000 characters)");
    for format in ["text", "json"] {
        let sandbox = documented();
        let what = What::error(400, long.clone(), "no");
        sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
        let case = Case::documented(&sandbox, &["--error-format", format]);
        let printed = case.run().exits(1);
        let row = printed.object();
        assert_eq!(row["Error"]["Code"], cut, "{row}");
        let said = printed.prints(&format!("{row}\n"));
        assert!(!said.messages().contains(&long), "{}", said.messages());
        let _ = said.says(&[&cut]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c68_names_from_files_and_variables_are_escaped_and_cut() {
    let name = "a\u{9b}2J\u{202e}b";
    let long = name.repeat(5_000);
    let section = format!("[profile {name}]\nregion = us-east-1\n");
    for name in [name, &long] {
        for args in [
            &["--profile", name][..],
            &["--region", name],
            &["--endpoint-url", name],
            &["--ca-bundle", name],
            &["--from", name],
            &["--journal", &format!("/nowhere/{name}")],
            &["--query", name],
            &["--output", name],
            &["--expect-account", name],
            &["--timeout", name],
            &["--except-user", name],
            &["--unused-for", name],
            &["--cli-input-json", name],
            &[name],
        ] {
            if args.iter().any(|word| word.len() > 100_000) {
                continue;
            }
            let case = Case::bare(["--access-key-id", BOBS_KEY, "--user-name", "Bob"]);
            let case = case.args(args).file(".aws/config", &section);
            let printed = case.run().exits_with_one_of(&[1, 2, 7, 9]);
            let output = printed.output().to_owned();
            assert!(!output.contains(controls_terminal), "{output:?}");
            let said = printed.prints(&output);
            is_harmless(said.messages());
            let _ = said.says(&["result: "]);
        }
    }
    for (variable, value) in [
        ("AWS_PROFILE", name),
        ("AWS_REGION", name),
        ("AWS_ENDPOINT_URL", name),
        ("AWS_ENDPOINT_URL", "http://a\u{202e}b.invalid"),
        ("AWS_CA_BUNDLE", name),
        ("AWS_CONFIG_FILE", name),
        ("AWS_ACCESS_KEY_ID", name),
        ("AWS_MAX_ATTEMPTS", name),
        ("AWS_RETRY_MODE", name),
        ("AWS_USE_FIPS_ENDPOINT", name),
        ("HTTPS_PROXY", name),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", name),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", name),
    ] {
        let case = Case::bare(["--access-key-id", BOBS_KEY, "--user-name", "Bob", "--debug"]);
        let case = case.env(variable, value).file(".aws/config", &section);
        let printed = case.run().exits_with_one_of(&[1, 2, 7, 9]);
        let output = printed.output().to_owned();
        assert!(!output.contains(controls_terminal), "{output:?}");
        let said = printed.prints(&output);
        is_harmless(said.messages());
        let _ = said.says(&["result: "]);
    }
}

#[test]
fn c68_only_the_report_writes_to_standard_output_and_standard_error() {
    let (mut files, mut folders) = (0, vec![PathBuf::from("src")]);
    while let Some(folder) = folders.pop() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder);
        for entry in fs::read_dir(path).expect("a folder") {
            let path = folder.join(entry.expect("an entry").file_name());
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path));
            match text {
                Ok(text) if !path.starts_with("src/report") => {
                    files += 1;
                    for writer in [
                        "print!(",
                        "println!(",
                        "dbg!(",
                        "io::stderr().lock(",
                        "io::stdout().lock(",
                    ] {
                        assert!(!text.contains(writer), "{writer} in {}", path.display());
                    }
                }
                Ok(_) => {}
                Err(_) => folders.push(path),
            }
        }
    }
    assert!(files > 50, "{files}");
}
