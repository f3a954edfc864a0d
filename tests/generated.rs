//! The files that are generated from the options: completions and the man page. These tests check that the committed files are
//! up to date. `UPDATE=1 cargo test --test generated` rewrites them.

use std::fs;
use std::path::Path;

use clap::Command;
use clap::builder::StyledStr;
use clap_complete::Shell;
use clap_mangen::Man;
use iam_del_key::command;
use roff::{Inline, Roff, bold, italic, roman};

/// The synopsis, with one line for each way to choose keys. A test checks that each option exists.
const SYNOPSIS: [&str; 7] = [
    "iam-del-key --access-key-id ID... [--user-name NAME | --find-user] [condition]... [option]...",
    "iam-del-key --user-name NAME --all-keys [condition]... [option]...",
    "iam-del-key --whole-account condition... [option]...",
    "iam-del-key --from FILE [--user-name NAME | --find-user] [condition]... [option]...",
    "iam-del-key --target-principal ACCOUNT --access-key-id ID... [condition]... [option]...",
    "iam-del-key --target-principal ACCOUNT --all-keys [condition]... [option]...",
    "iam-del-key --cli-input-json JSON [condition]... [option]...",
];

const ENVIRONMENT: [(&str, &str); 16] = [
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_SECURITY_TOKEN, AWS_CREDENTIAL_EXPIRATION",
        "Credentials. It is an error if only one of the ID and the secret is set, or if either contains whitespace. --profile takes precedence over them.",
    ),
    (
        "AWS_PROFILE, AWS_DEFAULT_PROFILE",
        "The profile, unless --profile is given; the first takes precedence. A profile that does not exist is an error.",
    ),
    (
        "AWS_REGION, AWS_DEFAULT_REGION",
        "The region, unless --region is given; it selects the partition. The default is us-east-1, or the instance's region if the credentials are the instance's.",
    ),
    (
        "AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_SSO, AWS_ENDPOINT_URL_SSO_OIDC, AWS_ENDPOINT_URL_SIGNIN, AWS_ENDPOINT_URL",
        "Another endpoint for IAM, unless --endpoint-url is given; for STS, which issues the sessions of roles and answers --expect-account; and for the services of aws sso login and aws login. --endpoint-url is for IAM, and for --expect-account, --role-arn, --role-name and --target-principal unless AWS_ENDPOINT_URL_STS is set.",
    ),
    (
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "true: ignore every endpoint URL except --endpoint-url.",
    ),
    (
        "AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT",
        "true: use AWS's FIPS or dual-stack endpoints. FIPS together with another endpoint URL is an error.",
    ),
    (
        "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR",
        "The certificate authorities to trust, unless --ca-bundle is given; the profile's ca_bundle comes after the first, the system's authorities last.",
    ),
    (
        "AWS_MAX_ATTEMPTS, AWS_RETRY_MODE",
        "The number of attempts for each call (default: 3), and the retry mode: standard, adaptive, or legacy (treated as standard).",
    ),
    (
        "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE",
        "Alternative locations for the files below; a leading ~ means your home directory. If a variable is set but empty, that file is not read. (This is an exception: elsewhere, empty settings count as not set.)",
    ),
    (
        "AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME",
        "Web identity, as in EKS and in CI.",
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "Container credentials, as in ECS.",
    ),
    (
        "AWS_EC2_METADATA_DISABLED",
        "true: do not use the instance metadata service.",
    ),
    (
        "AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, AWS_IMDS_USE_IPV6, AWS_METADATA_SERVICE_TIMEOUT, AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "Where that service is, how many seconds to wait for it (1), and how often to try (once).",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy, and the hosts that need none; names in lower case take precedence. The metadata services are never called through a proxy.",
    ),
    (
        "NO_COLOR, TERM",
        "Messages are not colored if NO_COLOR is set or TERM is dumb.",
    ),
    (
        "IAM_DEL_KEY_COMPLETE",
        "bash, zsh or fish: when iam-del-key is run without arguments, it prints the completion script for that shell; for bash: eval \"$(IAM_DEL_KEY_COMPLETE=bash iam-del-key)\". It completes options, profiles from the files below, and user names and access key IDs with ListUsers and ListAccessKeys, silently and in two seconds at most; bash needs --profile on the line for users and keys; a credential_process runs without a terminal. In a run with arguments the variable is ignored.",
    ),
];

const FILES: [(&str, &str); 4] = [
    (
        "~/.aws/config",
        "Profiles: regions, roles, SSO, credential processes, endpoints.",
    ),
    ("~/.aws/credentials", "Profiles with access keys."),
    (
        "~/.aws/sso/cache, ~/.aws/login/cache",
        "The tokens of `aws sso login` and `aws login`.",
    ),
    (
        "~/.aws/cli/cache",
        "The sessions of roles that require MFA, shared with the AWS CLI. A session is used only if its file is your own, nobody else can read it, it belongs to the configured role, and it is valid for 15 more minutes.",
    ),
];

#[test]
fn the_completions_are_up_to_date() {
    let files = [
        (Shell::Bash, "iam-del-key.bash"),
        (Shell::Zsh, "_iam-del-key"),
        (Shell::Fish, "iam-del-key.fish"),
        (Shell::PowerShell, "_iam-del-key.ps1"),
        (Shell::Elvish, "iam-del-key.elv"),
    ];
    for (shell, name) in files {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut offered(), "iam-del-key", &mut script);
        check(&format!("completions/{name}"), &script);
    }
}

/// The options, except those that have no effect or are always rejected.
fn offered() -> Command {
    let command = command();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    Command::new("iam-del-key")
        .disable_help_flag(true)
        .version("0")
        .disable_version_flag(true)
        .args(shown)
}

#[test]
fn the_man_page_is_up_to_date() {
    check("man/iam-del-key.1", &man_page());
}

fn man_page() -> Vec<u8> {
    // The man page includes the options that the short help omits.
    let command = command().mut_args(|arg| arg.hide_short_help(false));
    let command = command.after_help("").after_long_help("");
    let man = Man::new(command)
        .manual("User Commands")
        .date(release_date());
    let mut page = Vec::new();
    let written = "a vector takes everything";
    man.render_title(&mut page).expect(written);
    // Readers copy commands from this page, so disable hyphenation and justification.
    let mut plain = Roff::new();
    plain.control("nh", []);
    plain.control("ad", ["l"]);
    plain.to_writer(&mut page).expect(written);
    man.render_name_section(&mut page).expect(written);
    synopsis().to_writer(&mut page).expect(written);
    man.render_description_section(&mut page).expect(written);
    man.render_options_section(&mut page).expect(written);
    let stories = [
        ("One key", include_str!("story/one-key")),
        ("A leaked key", include_str!("story/leaked-key")),
        ("A departing user", include_str!("story/departing-user")),
        ("Stale keys", include_str!("story/stale-keys")),
    ];
    let lists = [terms("ENVIRONMENT", &ENVIRONMENT), terms("FILES", &FILES)];
    let sections = [exit_status()].into_iter().chain(reference()).chain(lists);
    for section in sections.chain([examples(&stories), see_also()]) {
        section.to_writer(&mut page).expect(written);
    }
    page
}

/// The date of the latest release in the changelog.
fn release_date() -> &'static str {
    let headings = include_str!("../CHANGELOG.md").lines();
    let mut dates = headings.filter_map(|line| line.strip_prefix("## [")?.split_once("] - "));
    dates.next().expect("a release").1
}

/// One line for each way to choose keys.
fn synopsis() -> Roff {
    let command = command();
    let is_option = |word: &str| {
        let name = word.strip_prefix("--").expect("a long option");
        command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(name))
    };
    let mut section = heading("SYNOPSIS");
    for line in SYNOPSIS {
        let words = line.split(' ').flat_map(|word| {
            let name = word.trim_start_matches('[').trim_end_matches(']');
            let is_flag = name.starts_with("--");
            assert!(!is_flag || is_option(name), "{name} is not an option");
            let text = match name {
                "iam-del-key" => bold(name),
                _ if is_flag => bold(name),
                _ if name.starts_with(char::is_uppercase) => italic(name),
                _ => roman(name),
            };
            let (before, after) = word.split_once(name).expect("it has its name");
            [roman(before), text, roman(format!("{after} "))]
        });
        section.text(words.collect::<Vec<_>>());
        section.control("br", []);
    }
    section
}

/// The sections of `man/reference.md`.
fn reference() -> Vec<Roff> {
    let text = include_str!("../man/reference.md");
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (title, text) = section.split_once('\n').expect("a title");
        let mut roff = heading(&title.to_uppercase());
        for (index, block) in text.trim().split("\n\n").enumerate() {
            if block.starts_with("- ") {
                for line in block.lines() {
                    let item = line.strip_prefix("- ").expect("an item on one line");
                    let (name, meaning) = item.split_once(": ").expect("a name and its meaning");
                    roff.control("TP", []);
                    roff.text([bold(name.replace('`', ""))]);
                    roff.text(inline(meaning));
                }
            } else {
                if index > 0 {
                    roff.control("PP", []);
                }
                roff.text(inline(&block.replace('\n', " ")));
            }
        }
        roff
    });
    sections.collect()
}

/// Text with code in bold.
fn inline(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(index, piece)| {
            if index % 2 == 0 {
                roman(piece)
            } else {
                bold(piece)
            }
        })
        .collect()
}

fn exit_status() -> Roff {
    let mut section = heading("EXIT STATUS");
    let mut statuses: Vec<(&str, String)> = Vec::new();
    let text = plain(command().get_after_long_help());
    for line in text.lines().skip(1) {
        let text = line.trim_start();
        match (text.split_once("  "), statuses.last_mut()) {
            (Some((code, meaning)), _) => statuses.push((code, meaning.trim_start().to_owned())),
            (None, Some((_, meaning))) => {
                meaning.push(' ');
                meaning.push_str(text);
            }
            (None, None) => panic!("a meaning without a code: {line}"),
        }
    }
    for (code, meaning) in &statuses {
        term(&mut section, code, meaning);
    }
    section
}

/// The commands of the stories with their explanations, and then the examples of the help that no story contains.
fn examples(stories: &[(&str, &str)]) -> Roff {
    let mut section = heading("EXAMPLES");
    let mut shown = Vec::new();
    for (title, lines) in stories {
        section.control("SS", [*title]);
        let lines: Vec<&str> = lines.lines().collect();
        for step in lines.chunks(2) {
            term(&mut section, step[1], step[0].trim_start_matches("# "));
            shown.push(options(step[1]));
        }
    }
    section.control("SS", ["More"]);
    let text = plain(command().get_before_long_help());
    let lines: Vec<&str> = text.lines().skip(1).collect();
    for example in lines.chunks(2) {
        if !shown.contains(&options(example[0])) {
            term(&mut section, example[0].trim(), example[1].trim());
        }
    }
    section
}

/// Removes the styles from help text.
fn plain(text: Option<&StyledStr>) -> String {
    text.expect("a text").to_string()
}

/// The options of a command. Two examples with the same options are considered equal.
fn options(command: &str) -> Vec<&str> {
    let words = command.split(' ').filter(|word| word.starts_with("--"));
    words.filter(|word| *word != "--yes").collect()
}

fn see_also() -> Roff {
    let mut section = heading("SEE ALSO");
    section.text([
        bold("aws"),
        roman("(1), the IAM API reference under DeleteAccessKey"),
    ]);
    section
}

fn terms(title: &str, entries: &[(&str, &str)]) -> Roff {
    let mut section = heading(title);
    for (name, meaning) in entries {
        term(&mut section, name, meaning);
    }
    section
}

fn heading(title: &str) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [title]);
    section
}

fn term(section: &mut Roff, name: &str, meaning: &str) {
    section.control("TP", []);
    section.text([bold(name)]);
    section.text([roman(meaning)]);
}

fn check(path: &str, generated: &[u8]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a file in a folder"))
            .expect("the folder is writable");
        fs::write(&file, generated).expect("the file is writable");
    }
    let committed = fs::read(&file).unwrap_or_default();
    assert!(
        committed == generated,
        "{path} is out of date; update it with: UPDATE=1 cargo test --test generated"
    );
}
