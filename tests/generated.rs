//! The files made from the flags: completions and the man page. They are committed, and this holds them
//! true; `UPDATE=1 cargo test generated` writes them anew.

use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use roff::{Inline, Roff, bold, italic, roman};

use super::Cli;

const ENVIRONMENT: [(&str, &str); 16] = [
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_SECURITY_TOKEN, AWS_CREDENTIAL_EXPIRATION",
        "The credentials that sign the request. An ID without a secret, a secret without an ID, and white space in one of them is an error. --profile takes precedence over them.",
    ),
    (
        "AWS_PROFILE, AWS_DEFAULT_PROFILE",
        "The profile, when --profile is not given; the first takes precedence. One that does not exist is an error.",
    ),
    (
        "AWS_REGION, AWS_DEFAULT_REGION",
        "The region, when --region is not given; it chooses the partition. Without one it is us-east-1, or the instance's region where the credentials are the instance's.",
    ),
    (
        "AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_SSO, AWS_ENDPOINT_URL_SSO_OIDC, AWS_ENDPOINT_URL_SIGNIN, AWS_ENDPOINT_URL",
        "Another address for IAM, when --endpoint-url is not given; for STS, which gives the sessions of roles and which --expect-account asks; and for the services of aws sso login and aws login. --endpoint-url is for IAM, and for --expect-account, --role-arn, --role-name and --target-principal unless AWS_ENDPOINT_URL_STS is set.",
    ),
    (
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "true: heed no endpoint URL but --endpoint-url.",
    ),
    (
        "AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT",
        "true: use AWS's FIPS or dual-stack addresses. FIPS together with another endpoint URL is an error.",
    ),
    (
        "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR",
        "The certificate authorities to trust, when --ca-bundle is not given; the profile's ca_bundle comes after the first, the system's last.",
    ),
    (
        "AWS_MAX_ATTEMPTS, AWS_RETRY_MODE",
        "How often a call is tried (3), and standard, adaptive or legacy, which means standard.",
    ),
    (
        "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE",
        "Other places for the files below; ~ is the home directory. Set but empty: no such file.",
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
        "true: do not ask the instance metadata service.",
    ),
    (
        "AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, AWS_IMDS_USE_IPV6, AWS_METADATA_SERVICE_TIMEOUT, AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "Where that service is, how many seconds it is waited for (1) and how often it is asked (once).",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy on the way, and the hosts that need none; the names in lower case come first. The metadata services are never asked through a proxy.",
    ),
    (
        "NO_COLOR, TERM",
        "Messages are not coloured when NO_COLOR is set or TERM is dumb.",
    ),
    (
        "IAM_DEL_KEY_COMPLETE",
        "bash, zsh or fish: without any argument, print the script with which the Tab key asks this program; for bash: eval \"$(IAM_DEL_KEY_COMPLETE=bash iam-del-key)\". It completes options, profiles from the files below, and user names and access key IDs with ListUsers and ListAccessKeys, silently and in two seconds at most; bash needs --profile on the line for users and keys; a credential_process is run without a terminal. In a run with arguments the variable is ignored.",
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
        "The tokens that `aws sso login` and `aws login` leave.",
    ),
    (
        "~/.aws/cli/cache",
        "The sessions of roles that require MFA, which the AWS CLI and this program share. A session is used only if its file is your own, nobody else can read it, it is of the configured role, and it has 15 minutes left.",
    ),
];

#[test]
fn generated_completions_are_those_of_the_flags() {
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

/// The flags without those that have no effect or are always refused.
fn offered() -> Command {
    let command = Cli::command();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    Command::new("iam-del-key")
        .disable_help_flag(true)
        .version("0")
        .disable_version_flag(true)
        .args(shown)
}

#[test]
fn generated_man_page_is_that_of_the_flags() {
    check("man/iam-del-key.1", &man_page());
}

fn man_page() -> Vec<u8> {
    let command = Cli::command().after_help("").after_long_help("");
    let man = Man::new(command).manual("User Commands");
    let mut page = Vec::new();
    let written = "a vector takes everything";
    man.render_title(&mut page).expect(written);
    // Commands are copied from here: no word is broken, and no space widened.
    let mut plain = Roff::new();
    plain.control("nh", []);
    plain.control("ad", ["l"]);
    plain.to_writer(&mut page).expect(written);
    man.render_name_section(&mut page).expect(written);
    synopsis().to_writer(&mut page).expect(written);
    man.render_description_section(&mut page).expect(written);
    man.render_options_section(&mut page).expect(written);
    for section in [
        exit_status(),
        terms("ENVIRONMENT", &ENVIRONMENT),
        terms("FILES", &FILES),
        examples(),
        story("FIRST STEPS", include_str!("story/first-five-minutes")),
        story("A LEAKED KEY", include_str!("story/leaked-key")),
        story("A STALE KEY", include_str!("story/stale-key")),
        see_also(),
    ] {
        section.to_writer(&mut page).expect(written);
    }
    page
}

/// Each option with its value, those first of which one has to be there.
fn synopsis() -> Roff {
    let mut command = Cli::command();
    command.build();
    let is_key = |arg: &&Arg| {
        let mut groups = command.get_groups();
        let keys = groups.find(|group| group.is_required_set());
        keys.is_some_and(|keys| keys.get_args().any(|id| id == arg.get_id()))
    };
    let shown = || command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut line = vec![bold("iam-del-key"), roman(" {")];
    for (index, arg) in shown().filter(is_key).enumerate() {
        line.extend((index > 0).then(|| roman(" | ")));
        line.extend(option(arg));
    }
    line.push(roman("}"));
    for arg in shown().filter(|arg| !is_key(arg)) {
        line.push(roman(" ["));
        line.extend(option(arg));
        line.push(roman("]"));
    }
    let mut section = heading("SYNOPSIS");
    section.text(line);
    section
}

fn option(arg: &Arg) -> Vec<Inline> {
    let mut words = Vec::new();
    if let Some(short) = arg.get_short() {
        words.extend([bold(format!("-{short}")), roman("|")]);
    }
    words.push(bold(format!(
        "--{}",
        arg.get_long().expect("a long option")
    )));
    let is_optional = arg
        .get_num_args()
        .is_some_and(|count| count.min_values() == 0);
    if let (true, Some(names)) = (arg.get_action().takes_values(), arg.get_value_names()) {
        let name = italic(names[0].as_str());
        if is_optional {
            words.extend([roman(" ["), name, roman("]")]);
        } else {
            words.extend([roman(" "), name]);
        }
    }
    if matches!(arg.get_action(), ArgAction::Append) {
        words.push(roman("..."));
    }
    words
}

fn exit_status() -> Roff {
    let mut section = heading("EXIT STATUS");
    let mut statuses: Vec<(&str, String)> = Vec::new();
    for line in super::EXIT_STATUS.lines().skip(1) {
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

fn examples() -> Roff {
    let mut section = heading("EXAMPLES");
    let lines: Vec<&str> = super::EXAMPLES.lines().skip(1).collect();
    for example in lines.chunks(2) {
        term(&mut section, example[0].trim(), example[1].trim());
    }
    section
}

/// A story: each command, and under it what it is for.
fn story(title: &str, lines: &str) -> Roff {
    let mut section = heading(title);
    let lines: Vec<&str> = lines.lines().collect();
    for step in lines.chunks(2) {
        term(&mut section, step[1], step[0].trim_start_matches("# "));
    }
    section
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
        "{path} is not what the flags make; write it with: UPDATE=1 cargo test generated"
    );
}
