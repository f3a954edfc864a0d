//! Help, and the error messages for likely mistakes on the command line.

use std::ffi::OsString;

use crate::arguments::refused;
use crate::case::{BOBS_KEY, Case, documented};
use crate::story::read;

/// What `-h` prints on a terminal of 80 columns.
fn short_help() -> String {
    let printed = Case::bare(["-h"]).env("COLUMNS", "80").run().exits(0);
    let help = printed.output().to_owned();
    let _ = printed.prints(&help).says_nothing();
    help
}

/// The options that take a value, according to `--help`.
pub(crate) fn options_with_values() -> Vec<String> {
    let printed = Case::bare(["--help"]).run().exits(0);
    let help = printed.output().to_owned();
    let _ = printed.prints(&help).says_nothing();
    let options = help.lines().filter_map(|line| {
        let (option, value) = line.trim_start().split_once(' ')?;
        let has_value = option.starts_with("--") && value.trim_start_matches('[').starts_with('<');
        has_value.then(|| option.to_owned())
    });
    let options: Vec<String> = options.collect();
    assert!(options.contains(&"--user-name".to_owned()), "{options:?}");
    options
}

#[test]
fn help_and_version_need_nothing() {
    let broken = || {
        Case::bare(Vec::<OsString>::new())
            .env("AWS_RETRY_MODE", "x")
            .env("AWS_PROFILE", "gone")
            .file(".aws/config", "[broken")
    };
    for flag in ["-h", "--help"] {
        let printed = broken().args([flag]).run().exits(0);
        assert!(printed.output().contains("--access-key-id <ID>"));
        assert!(
            printed
                .output()
                .lines()
                .all(|line| line.chars().count() <= 100),
            "a line is too wide"
        );
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says_nothing();
    }
    let version = format!("iam-del-key {}\n", env!("CARGO_PKG_VERSION"));
    let _ = broken()
        .args(["--version"])
        .run()
        .exits(0)
        .prints(&version)
        .says_nothing();
}

#[test]
fn help_begins_with_examples_and_fits_100_columns() {
    for flag in ["-h", "--help"] {
        let printed = Case::bare([flag]).run().exits(0);
        let help = printed.output().to_owned();
        let _ = printed.prints(&help).says_nothing();
        let places = ["Examples:\n  iam-del-key ", "\nUsage: ", "\nWhich keys:\n"]
            .map(|text| help.find(text));
        assert!(places.iter().all(Option::is_some), "{help}");
        assert!(places.is_sorted(), "{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{help}"
        );
        let exit_status = help.contains("\nExit status:\n");
        assert_eq!(exit_status, flag == "--help", "{help}");
    }
}

#[test]
fn the_short_help_fits_on_one_screen() {
    let help = short_help();
    assert!(help.lines().count() <= 50, "{help}");
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
    let is_option = |line: &&str| line.starts_with("  -") || line.starts_with("      --");
    let listed: Vec<&str> = help.lines().filter(is_option).collect();
    assert!((15..=25).contains(&listed.len()), "{help}");
    let sections: Vec<&str> = help
        .lines()
        .filter(|line| line.ends_with(':') && !line.starts_with(' '))
        .collect();
    assert_eq!(
        sections,
        [
            "Examples:",
            "Which keys:",
            "Only if:",
            "Action:",
            "Safety:",
            "Many keys:",
            "Credentials:",
            "Output:"
        ]
    );
    // Each option has its description on the same line.
    for line in listed {
        let line = line.trim_start();
        let place = line.find("--").expect("a long name");
        assert!(line[place..].trim().contains("  "), "{line}");
    }
}

#[test]
fn the_long_help_lists_what_the_short_help_lists_and_more() {
    let printed = Case::bare(["--help"]).run().exits(0);
    let help = printed.output().to_owned();
    let _ = printed.prints(&help).says_nothing();
    let options = |text: &str| -> Vec<String> {
        let words = text.split_whitespace();
        let words = words.filter(|word| word.starts_with("--") && word.len() > 2);
        words.map(str::to_owned).collect()
    };
    let (all, short) = (options(&help), short_help());
    for option in options(&short) {
        assert!(all.contains(&option), "{option}");
    }
    for option in [
        "--region",
        "--cli-input-json",
        "--jobs",
        "--debug",
        "--version",
    ] {
        assert!(all.contains(&option.to_owned()), "{option}");
        assert!(!options(&short).contains(&option.to_owned()), "{option}");
    }
}

#[test]
fn completions_offer_no_option_that_is_always_rejected() {
    for file in ["iam-del-key.bash", "_iam-del-key", "iam-del-key.fish"] {
        let script = read(&format!("completions/{file}"));
        assert!(script.contains("dry-run"));
        for rejected in [
            "no-verify-ssl",
            "no-sign-request",
            "cli-auto-prompt",
            "yaml",
        ] {
            assert!(!script.contains(rejected), "{rejected} in {file}");
        }
    }
}

#[test]
fn c31_a_key_without_its_option_gets_a_tip() {
    let others = "AKIAQAAAAAAAAAACAROL";
    for (args, tip) in [
        (
            &[BOBS_KEY][..],
            "iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE",
        ),
        (
            &[BOBS_KEY, "--user-name", "Bob", "-n"],
            "iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob -n",
        ),
        (
            &["--profile", "my profile", BOBS_KEY, others],
            "iam-del-key --profile 'my profile' --access-key-id AKIDPMS9RO4H3FEXAMPLE \
             --access-key-id AKIAQAAAAAAAAAACAROL",
        ),
        (
            &["--access-key-id", others, BOBS_KEY],
            "iam-del-key --access-key-id AKIAQAAAAAAAAAACAROL --access-key-id AKIDPMS9RO4H3FEXAMPLE",
        ),
        // The rest of the line is wrong too, or cannot be pasted.
        (&[BOBS_KEY, "Bob"], "--access-key-id AKIDPMS9RO4H3FEXAMPLE"),
        (
            &[BOBS_KEY, "--profile", "a\u{1b}[2J"],
            "--access-key-id AKIDPMS9RO4H3FEXAMPLE",
        ),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, args).with_default_output();
        let said = case.run().exits(2).prints_nothing();
        let says = format!("\n  tip: {tip}\n");
        let unexpected = "unexpected argument 'AKIDPMS9RO4H3FEXAMPLE' found";
        let _ = said.says(&[unexpected, &says]);
        let json = Case::at(&sandbox, ["--error-format", "json"]).args(args);
        let said = json.run().exits(2).prints_nothing();
        let _ = said.says(&["\"Hint\":[\"", "--access-key-id AKIDPMS9RO4H3FEXAMPLE"]);
        assert_eq!(sandbox.connections(), 0);
    }
    // A value that is not a key gets no tip.
    let said = Case::bare(["Bob"]).run().exits(2).prints_nothing();
    assert!(!said.messages().contains("tip:"));
    let _ = said.says(&["unexpected argument 'Bob' found"]);
}

#[test]
fn the_most_likely_mistakes_are_explained() {
    let key = ["--access-key-id", BOBS_KEY];
    for (args, says) in [
        (
            &["--user-name", "Bob"][..],
            "error: keys are required: use --access-key-id <ID>, --from <FILE>, --all-keys or --whole-account\n",
        ),
        (
            &["--all-keys"],
            "error: --all-keys requires --user-name <NAME> or --target-principal <ACCOUNT>\n",
        ),
        (
            &["--whole-account", "--except-user", "Bob"],
            "error: --whole-account requires --only-inactive, --unused-for <AGE> or --older-than <AGE>\n",
        ),
        (
            &[key[0], key[1], "--external-id", "x1"],
            "error: --external-id, --role-session-name and --serial-number require --role-arn <ARN> or --role-name <NAME>\n",
        ),
        (
            &[key[0], key[1], "--path-prefix", "/ci/"],
            "error: --path-prefix requires --whole-account\n",
        ),
        (
            &[
                key[0],
                key[1],
                "--only-inactive",
                "--deactivate",
                "--timeout",
                "5",
                "--dry-run",
            ],
            "error: --only-inactive with --deactivate or --reactivate requires --timeout 6 or more\n",
        ),
        (
            &[key[0], key[1], "--dry-run=true"],
            "error: --dry-run does not take a value\n",
        ),
        (
            &[key[0]],
            "error: a value is required for '--access-key-id <ID>' but none was supplied\n",
        ),
        (
            &[key[0], key[1], "--user", "Bob"],
            "tip: a similar argument exists: '--user-name'\n",
        ),
        (
            &[key[0], key[1], "--user-name", "Bob", "--find-user"],
            "error: the argument '--user-name <NAME>' cannot be used with '--find-user'\n",
        ),
        (
            &[key[0], key[1], "--jobs", "0"],
            "error: invalid value '0' for '--jobs <N>': must be between 1 and 256\n",
        ),
        (
            &[key[0], key[1], "--jobs", "many"],
            "error: invalid value 'many' for '--jobs <N>': must be between 1 and 256\n",
        ),
        (
            &[key[0], key[1], "--cli-read-timeout", "86401"],
            "error: invalid value '86401' for '--cli-read-timeout <SECONDS>': must be between 0 and 86400\n",
        ),
        (
            &[key[0], key[1], "--query", "[?Status='Active']"],
            "': not a JMESPath expression: use == instead of = at character 9\n",
        ),
    ] {
        refused(args.iter().copied(), &[says]);
    }
}

/// A user may follow a tip without thinking. So no tip disables a guard, does the opposite, or is rejected.
#[test]
fn a_misspelled_option_suggests_only_what_is_near() {
    let one = |option: &str| format!("\n  tip: a similar argument exists: '{option}'\n");
    let some = |options: &str| format!("\n  tip: some similar arguments exist: {options}\n");
    let opposites = some("'--deactivate', '--reactivate'");
    for (typed, tip) in [
        ("--eactivate", opposites.clone()),
        ("--ieactivate", opposites),
        ("--dectivate", one("--deactivate")),
        ("--rectivate", one("--reactivate")),
        ("--alow-self", one("--allow-self")),
        ("--yess", one("--yes")),
        ("--es", one("--yes")),
        ("--dry", one("--dry-run")),
        ("--acess-key", one("--access-key-id")),
        ("--expect", one("--expect-account")),
        ("--except", some("'--except-user', '--except-tag'")),
        (
            "--role",
            some("'--role-arn', '--role-name', '--role-session-name'"),
        ),
        ("--metadata", one("--response-metadata")),
        ("--format", one("--error-format")),
        ("--AccessKeyId", one("--access-key-id")),
        ("--UserName", one("--user-name")),
        ("--userName", one("--user-name")),
        ("--Yes", one("--yes")),
        ("--AllowSelf", String::new()),
        ("--YES", String::new()),
        (
            "--status",
            "\n  tip: --deactivate sets the status to Inactive, and --reactivate to Active\n"
                .to_owned(),
        ),
        ("--insecure", String::new()),
        ("--json", String::new()),
        ("--resume", String::new()),
        ("--x", String::new()),
        ("--all-users", String::new()),
        ("--allow", String::new()),
        ("--no-yes", String::new()),
        ("--no-version", String::new()),
        ("--no-verify-sll", String::new()),
        ("--no-sign-requests", String::new()),
        ("--yx", String::new()),
    ] {
        let args = ["--access-key-id", BOBS_KEY, typed];
        let said = Case::bare(args).run().exits(2).prints_nothing();
        let _ = said.says_exactly(&format!(
            "iam-del-key: error: unexpected argument '{typed}' found\n{tip}\nUsage: iam-del-key <WHICH KEYS> [ONLY IF] [ACTION] \
             [OPTIONS]\n\nFor more information, try '--help'.\nresult: no request was sent, and no key was changed\n"
        ));
    }
}

#[test]
fn an_option_with_one_dash_or_a_value_is_recognized() {
    let one = |option: &str| format!("  tip: a similar argument exists: '{option}'\n");
    for (typed, unexpected, tip) in [
        ("-access-key-id", "-a", one("--access-key-id")),
        ("-user-name=Bob", "-u", one("--user-name")),
        ("--UserName=Bob", "--UserName", one("--user-name")),
        ("-UserName", "-U", one("--user-name")),
        ("-dry-run", "-d", one("--dry-run")),
        ("-allow-self", "-a", String::new()),
        ("-yes", "-e", String::new()),
        ("-no-sign-request", "-o", String::new()),
        ("-x", "-x", String::new()),
    ] {
        let said = Case::bare([typed, BOBS_KEY])
            .run()
            .exits(2)
            .prints_nothing();
        let has_tip = said.messages().contains("tip: ");
        assert_eq!(has_tip, !tip.is_empty(), "{typed}: {}", said.messages());
        let _ = said.says(&[&format!("unexpected argument '{unexpected}' found\n"), &tip]);
    }
}
