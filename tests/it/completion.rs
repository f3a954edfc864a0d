//! Completion: what the binary returns to a shell after Tab. It only reads lists, prints no messages whatever fails, and never
//! takes a run for a completion.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, Ended, Printed, actions, documented};
use crate::masked::SECRET;
use crate::process::ends;
use crate::shell::Shell;

const VARIABLE: &str = "IAM_DEL_KEY_COMPLETE";

/// Profiles in both files. A shell would change two of the names, and one would be an option.
const CONFIG: &str = "[default]\n[profile prod]\n[profile prod:eu]\n[profile p*]\n[profile $(reboot)]\n[profile --yes]\n\
     [sso-session prose]\nsso_region = us-east-1\nsso_start_url = https://127.0.0.1\n";

/// The request of a shell with the cursor in the last of these words.
fn question(words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let before = ["--", &index, "iam-del-key"].map(str::to_owned);
    let words = words.iter().map(|word| (*word).to_owned());
    before.into_iter().chain(words).collect()
}

pub(crate) fn complete_at(sandbox: &Sandbox, words: &[&str]) -> Case {
    Case::at(sandbox, question(words)).env(VARIABLE, "zsh")
}

fn complete(words: &[&str]) -> Case {
    Case::bare(question(words)).env(VARIABLE, "zsh")
}

/// The output is these values and nothing else.
fn offers(ended: Ended, values: &[&str]) {
    let printed = ended.exits(0);
    let mut lines = printed.output().lines();
    assert_eq!(lines.next(), Some("values"));
    let offered: Vec<&str> = lines
        .map(|line| line.split('\t').next().unwrap_or_default())
        .collect();
    assert_eq!(offered, values);
    says_nothing(printed);
}

/// Nothing on standard error, after standard output was checked.
fn says_nothing(printed: Printed) {
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says_nothing();
}

#[test]
fn profiles_come_from_the_files_without_a_request() {
    let sandbox = documented();
    let case = |words: &[&str]| {
        complete_at(&sandbox, words)
            .file(".aws/config", CONFIG)
            .file(".aws/credentials", "[staging]\n")
    };
    let all = ["default", "prod", "prod:eu", "staging"];
    offers(case(&["--profile", ""]).run(), &all);
    offers(case(&["--profile", "p"]).run(), &["prod", "prod:eu"]);
    offers(
        case(&["--profile=p"]).run(),
        &["--profile=prod", "--profile=prod:eu"],
    );
    let moved = case(&["--profile", ""]).file("elsewhere", "[profile other]\n");
    let path = moved.path("elsewhere");
    offers(
        moved.env("AWS_CONFIG_FILE", path).run(),
        &["other", "staging"],
    );
    Shell::bash(Case::at(&sandbox, [""; 0]).file(".aws/config", CONFIG))
        .completes("--profile prod:\t", &["--profile", "prod:eu"])
        .end();
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn the_profile_endpoint_and_ca_bundle_on_the_line_are_used() {
    let sandbox = documented();
    let admin = sandbox.admin();
    let config = format!(
        "[profile other]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        admin.access_key_id, admin.secret_access_key
    );
    let url = sandbox.url();
    let endpoint = format!("--endpoint-url={url}");
    let words = [
        "--region",
        "us-east-1",
        "--profile",
        "'other'",
        &endpoint,
        "--user-name",
        "B",
    ];
    offers(
        complete(&words).file(".aws/config", &config).run(),
        &["Bob"],
    );
    // Words behind the cursor count too.
    let words = [
        "--",
        "2",
        "iam-del-key",
        "--user-name",
        "B",
        &endpoint,
        "--profile=oth\\er",
    ];
    let case = Case::bare(words).env(VARIABLE, "bash");
    offers(case.file(".aws/config", &config).run(), &["Bob"]);
    let requests = sandbox.requests();
    assert_eq!(actions(&sandbox), ["ListUsers", "ListUsers"]);
    assert!(
        requests
            .iter()
            .all(|request| request.key_id.as_deref() == Some(ADMIN_KEY_ID))
    );

    let secured = Sandbox::documented()
        .https(iam_sandbox::Certificate::Valid)
        .start();
    let bundle = secured.ca_path().expect("a bundle").to_owned();
    let words = [
        "--ca-bundle",
        bundle.to_str().expect("UTF-8"),
        "--user-name",
        "B",
    ];
    offers(
        complete_at(&secured, &words).without("AWS_CA_BUNDLE").run(),
        &["Bob"],
    );
    assert_eq!(actions(&secured), ["ListUsers"]);
}

#[test]
fn keys_on_the_line_and_the_signing_key_are_not_offered() {
    let sandbox = documented();
    let words = [
        "--user-name",
        "Bob",
        "--access-key-id",
        BOBS_KEY,
        "--access-key-id",
        "",
    ];
    offers(complete_at(&sandbox, &words).run(), &[BOB_SECOND_KEY_ID]);
    let mut words = vec!["--allow-self", "--access-key-id", ""];
    offers(complete_at(&sandbox, &words).run(), &[ADMIN_KEY_ID]);
    words.remove(0);
    offers(complete_at(&sandbox, &words).run(), &[]);
    offers(
        complete_at(&sandbox, &["--user-name", "No Name", "--access-key-id", ""]).run(),
        &[],
    );
    assert_eq!(actions(&sandbox), ["ListAccessKeys"; 3]);
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn a_large_account_is_read_no_further_than_ten_pages() {
    let sandbox = Sandbox::documented().many_users(50, 0).page_size(2).start();
    let ended = complete_at(&sandbox, &["--user-name", "user-00000"]).run();
    let printed = ended.exits(0);
    assert!(printed.output().contains("\nuser-000001\n"));
    assert_eq!(actions(&sandbox), ["ListUsers"; 10]);
    says_nothing(printed);
}

#[test]
fn names_that_a_shell_would_change_are_not_offered() {
    let user = |name: &str| {
        format!(
            "<ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUsersResult><Users>\
             <member><UserName>{name}</UserName><Path>/</Path><UserId>AIDAEXAMPLEEXAMPLE00</UserId>\
             <Arn>arn:aws:iam::123456789012:user/x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>\
             </Users><IsTruncated>false</IsTruncated></ListUsersResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListUsersResponse>"
        )
    };
    for (name, offered) in [
        ("x;reboot", &[][..]),
        ("$(reboot)", &[]),
        ("a b", &[]),
        ("a\tb", &[]),
        ("a\u{9b}2Jb", &[]),
        ("--yes", &[]),
        ("plain", &["plain"]),
    ] {
        let sandbox = documented();
        let page = What::page(200, "text/xml", user(name));
        sandbox.fault(Fault::new(page).on("ListUsers"));
        offers(complete_at(&sandbox, &["--user-name", ""]).run(), offered);
        assert_eq!(actions(&sandbox), ["ListUsers"], "{name}");
    }
}

#[test]
fn a_failure_prints_nothing_and_offers_nothing() {
    let sandbox = Sandbox::documented()
        .deny("iam:ListUsers")
        .deny("iam:ListAccessKeys")
        .start();
    for words in [["--user-name", ""], ["--access-key-id", ""]] {
        let case = || complete_at(&sandbox, &words);
        offers(case().run(), &[]);
        offers(case().without_credentials().run(), &[]);
        offers(case().file(".aws/config", "[broken").run(), &[]);
        offers(case().env("AWS_PROFILE", "nowhere").run(), &[]);
        offers(case().env("AWS_MAX_ATTEMPTS", "many").run(), &[]);
        offers(case().env("AWS_CA_BUNDLE", "/nowhere").run(), &[]);
        offers(
            case().env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").run(),
            &[],
        );
        // A run prints a warning about such an address.
        let proxied = case().env("AWS_ENDPOINT_URL", "http://iam.invalid");
        offers(proxied.env("HTTP_PROXY", "http://127.0.0.1:1").run(), &[]);
        let mfa = "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\nmfa_serial = GAHT12345678\n[profile base]\naws_access_key_id = AKIARZPUZDIKGB2VALC4\naws_secret_access_key = x\n";
        offers(
            case().without_credentials().file(".aws/config", mfa).run(),
            &[],
        );
    }
    offers(
        complete(&["--profile", ""])
            .file(".aws/config", "[broken")
            .run(),
        &[],
    );
    offers(complete(&["--profile", ""]).run(), &[]);
    assert_eq!(actions(&sandbox), ["ListUsers", "ListAccessKeys"]);
}

#[test]
fn a_one_time_code_is_left_for_the_run() {
    let sandbox = Sandbox::documented()
        .mfa_device("GAHT12345678", &["755224"])
        .start();
    let role = "arn:aws:iam::123456789012:role/Deployer";
    let role = ["--role-arn", role, "--serial-number", "GAHT12345678"];
    let words = [&role[..], &["--token-code", "755224", "--user-name", ""]].concat();
    offers(complete_at(&sandbox, &words).run(), &[]);
    assert_eq!(sandbox.connections(), 0);
    // Without a device the role is assumed.
    let words = [&role[..2], &["--user-name", "B"]].concat();
    offers(complete_at(&sandbox, &words).run(), &["Bob"]);
    assert_eq!(actions(&sandbox), ["AssumeRole", "ListUsers"]);
}

#[test]
fn a_silent_service_is_not_waited_for() {
    for words in [["--user-name", ""], ["--access-key-id", ""]] {
        let sandbox = documented();
        sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
        // With this many attempts, the case would hang.
        let case = complete_at(&sandbox, &words).env("AWS_MAX_ATTEMPTS", "100");
        offers(case.run(), &[]);
        assert_eq!(actions(&sandbox).len(), 1);
    }
}

#[test]
fn a_credential_process_that_hangs_is_ended_and_not_waited_for() {
    let sandbox = documented();
    let case = complete_at(&sandbox, &["--user-name", ""]).without_credentials();
    let process = case.path("process");
    let config = format!(
        "[default]\ncredential_process = sh -c 'echo $$ > {}; sleep 300; true'\n",
        process.display()
    );
    let ended = case
        .file(".aws/config", config)
        .start()
        .end_keeping(|folder| {
            let id = std::fs::read_to_string(folder.join("home/process"))
                .expect("the ID of a started process");
            assert!(ends(id.trim()), "the process outlived the run");
        });
    offers(ended, &[]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn options_regions_and_files_are_offered_without_a_request() {
    let sandbox = documented();
    offers(
        complete_at(&sandbox, &["--unused"]).run(),
        &["--unused-for"],
    );
    offers(
        complete_at(&sandbox, &["--region", "cn"]).run(),
        &["cn-north-1"],
    );
    offers(
        complete_at(&sandbox, &["--output", "t"]).run(),
        &["text", "table"],
    );
    offers(complete_at(&sandbox, &["--expect-account", ""]).run(), &[]);
    for words in [&["--from", ""][..], &["--journal=x"], &["--ca-bundle", "x"]] {
        let ended = complete_at(&sandbox, words).run();
        let _ = ended.exits(0).prints("files\n").says_nothing();
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c53_a_profile_that_looks_like_a_secret_is_not_offered() {
    let config = format!("[profile {SECRET}]\n[profile prod]\n");
    let case = complete(&["--profile", ""]).file(".aws/config", config);
    offers(case.run(), &["prod"]);
}

#[test]
fn values_and_options_that_are_always_refused_are_not_offered() {
    for (option, values) in [
        ("--output", &["json", "text", "table", "off"][..]),
        ("--error-format", &["text", "json"]),
        ("--generate-cli-skeleton", &["input", "output"]),
    ] {
        offers(complete(&[option, ""]).run(), values);
    }
    for option in ["--no-verify", "--no-sign", "--cli-auto", "--cli-input-y"] {
        offers(complete(&[option]).run(), &[]);
    }
}

#[test]
fn a_run_is_never_taken_for_a_completion() {
    for shell in ["bash", "zsh", "fish", "1", "nonsense", "", "0"] {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[]).env(VARIABLE, shell);
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
        assert!(!sandbox.has_key(BOBS_KEY), "{shell}");
    }
    let sandbox = documented();
    for args in [
        &["--", "--access-key-id", BOBS_KEY, "--user-name", "Bob"][..],
        &["--", "9", "iam-del-key", "--access-key-id"],
        &["--", "1"],
        &["--"],
    ] {
        let ended = Case::at(&sandbox, args).env(VARIABLE, "bash").run();
        let _ = ended
            .exits(2)
            .prints_nothing()
            .says(&["no request was sent"]);
    }
    let words = question(&["--user-name", ""]);
    let ended = Case::at(&sandbox, words).env(VARIABLE, "tcsh").run();
    let _ = ended
        .exits(2)
        .prints_nothing()
        .says(&["no request was sent"]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn only_supported_shells_get_a_completion_script() {
    for shell in ["bash", "/usr/bin/bash"] {
        let ended = Case::bare([""; 0]).env(VARIABLE, shell).run().exits(0);
        assert!(
            ended
                .output()
                .contains("complete -F _iam_del_key_complete iam-del-key")
        );
        says_nothing(ended);
    }
    let _ = Case::bare([""; 0])
        .env(VARIABLE, "tcsh")
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["IAM_DEL_KEY_COMPLETE is `tcsh`", "hint: "]);
    let _ = Case::bare([""; 0])
        .env(VARIABLE, "")
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["required"]);
}

#[test]
fn nothing_is_looked_up_if_the_account_depends_on_the_keys() {
    let sandbox = documented();
    for option in ["--role-name=Responder", "--target-principal=210987654321"] {
        for words in [[option, "--user-name", ""], [option, "--access-key-id", ""]] {
            offers(complete_at(&sandbox, &words).run(), &[]);
        }
    }
    assert_eq!(sandbox.connections(), 0);
}
