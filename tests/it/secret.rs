//! The secrets of a run, wherever they are, and the search for them in all of its output. If the environment variable `MOST_VERBOSE`
//! is set, every run with a sandbox logs everything: `tests/all` repeats the whole suite like that.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use iam_sandbox::documented::SESSION_KEY_ID;
use iam_sandbox::{Echo, Issued, What};

use crate::case::{BOBS_KEY, CANARIES, Case, always, documented, each, faulty};

/// The names of secrets in variables, profiles, and the files of credential processes and sign-in sessions.
const NAMES: [&str; 14] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "aws_security_token",
    "clientSecret",
    "refreshToken",
    "aws_secret_access_key",
    "aws_session_token",
    "SecretAccessKey",
    "SessionToken",
    "secretAccessKey",
    "sessionToken",
    "accessToken",
];

/// Text that only a signed request has.
const SIGNED: [&str; 2] = ["AWS4-HMAC-SHA256", "Signature="];

/// The minimum length of a secret; a shorter value is a word that can appear elsewhere too.
const SHORTEST: usize = 12;

/// Whether every run must log everything.
pub(crate) fn logs_everything() -> bool {
    std::env::var_os("MOST_VERBOSE").is_some()
}

/// The start of log lines, as text and as objects: the lines of `--debug`, then the lines of `-v`.
const LOG: [[&str; 2]; 2] = [
    ["debug: ", "{\"Level\":\"Debug\""],
    ["info: ", "{\"Level\":\"Info\""],
];

/// The secrets that a run must not reveal.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    values: Vec<String>,
    journal: Option<PathBuf>,
    /// The secrets in responses.
    issued: Option<Issued>,
    /// The start of each line that is logged only because every run must log everything.
    unasked: Vec<&'static str>,
}

impl Secrets {
    /// The secrets of a run with these arguments, this environment and this home, and always `known`.
    pub(crate) fn of(
        args: &[OsString],
        environment: &[(OsString, OsString)],
        home: &Path,
        known: &[&str],
    ) -> Self {
        let mut values: Vec<String> = known.iter().map(|value| (*value).to_owned()).collect();
        for (name, value) in environment {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            if NAMES.contains(&&*name) {
                values.push(value.into_owned());
            } else if name.to_uppercase().ends_with("_PROXY") {
                values.extend(password(&value));
            }
        }
        for file in files(home) {
            values.extend(in_file(&file));
        }
        values.retain(|value| value.trim().len() >= SHORTEST);
        let mut rest = args.iter().skip_while(|arg| *arg != "--journal");
        let joined = args
            .iter()
            .filter_map(|arg| arg.to_str()?.strip_prefix("--journal="));
        let asks = |options: &[&str]| args.iter().any(|arg| options.iter().any(|o| arg == o));
        let unasked = match (asks(&["--debug"]), asks(&["-v", "--verbose"])) {
            (true, _) => &[][..],
            (false, true) => &LOG[..1],
            (false, false) => &LOG[..],
        };
        Self {
            unasked: unasked.concat(),
            values: values.iter().map(|value| value.trim().to_owned()).collect(),
            journal: rest
                .nth(1)
                .map(PathBuf::from)
                .or(joined.map(PathBuf::from).next()),
            issued: None,
        }
    }

    /// Adds the secrets of responses during the run.
    pub(crate) fn and(self, issued: Option<Issued>) -> Self {
        Self { issued, ..self }
    }

    /// Searches the output of a run and its journal for them.
    pub(crate) fn found_in(&self, texts: &[&str]) -> Option<String> {
        let journal = self.journal.as_ref().filter(|path| path.is_file());
        let journal = journal.map(|path| std::fs::read(path).expect("the journal"));
        let journal = String::from_utf8_lossy(journal.as_deref().unwrap_or_default());
        let issued = self
            .issued
            .as_ref()
            .map(Issued::secrets)
            .unwrap_or_default();
        let secrets = self.values.iter().chain(&issued);
        let secrets = secrets.map(String::as_str).chain(SIGNED);
        secrets
            .filter(|secret| {
                texts
                    .iter()
                    .chain(&[&*journal])
                    .any(|text| text.contains(secret))
            })
            .map(str::to_owned)
            .next()
    }

    /// Standard error without the lines that are logged only because every run must log everything.
    pub(crate) fn without_forced_lines(&self, stderr: &str) -> String {
        let is_unasked = |line: &&str| self.unasked.iter().any(|start| line.starts_with(start));
        stderr
            .split_inclusive('\n')
            .filter(|line| !is_unasked(line))
            .collect()
    }
}

/// The password of a URL.
fn password(url: &str) -> Option<String> {
    let (before, _) = url.rsplit_once('@')?;
    let (_, password) = before.rsplit_once(':')?;
    Some(password.to_owned())
}

/// The text of every file below a folder, if the file is text.
fn files(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_small = |path: &Path| path.metadata().is_ok_and(|file| file.len() < 1 << 16);
        if path.is_dir() && !path.is_symlink() {
            texts.extend(files(&path));
        } else if path.is_file() && is_small(&path) && path.extension() != Some(OsStr::new("csv")) {
            texts.extend(std::fs::read_to_string(path));
        }
    }
    texts
}

/// The value after the name of a secret: in a profile or in JSON.
fn in_file(text: &str) -> Vec<String> {
    let ends = |c: char| matches!(c, '"' | '\n' | '\r');
    let after = |name: &&str| -> Vec<String> {
        let values = text.split(*name).skip(1);
        values
            .map(|rest| rest.trim_start_matches(['"', ' ', ':', '=']))
            .filter(|rest| !rest.starts_with('{'))
            .map(|rest| rest.split(ends).next().unwrap_or_default().to_owned())
            .collect()
    };
    NAMES.iter().flat_map(after).collect()
}

#[test]
fn f68_the_search_finds_the_secrets_of_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join(".aws");
    std::fs::create_dir(&home).expect("a folder");
    let profile = "[default]\naws_secret_access_key = of-the-profile-1\n";
    std::fs::write(home.join("credentials"), profile).expect("a file");
    let process = r#"{"SessionToken": "of-the-process-1", "accessToken": {"secretAccessKey":"of-the-login-123"}}"#;
    std::fs::write(home.join("answer.json"), process).expect("a file");
    let journal = folder.path().join("journal");
    std::fs::write(&journal, "of-the-profile-1").expect("a file");
    let variables = [
        ("AWS_SESSION_TOKEN", "of-the-variable-1"),
        ("HTTPS_PROXY", "http://me:of-the-proxy-1@127.0.0.1:1"),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let secrets = |args: &[OsString]| Secrets::of(args, &variables, folder.path(), &[]);
    for secret in [
        "of-the-profile-1",
        "of-the-process-1",
        "of-the-login-123",
        "of-the-variable-1",
        "of-the-proxy-1",
        "AWS4-HMAC-SHA256",
    ] {
        let text = format!("x{secret}y");
        assert_eq!(secrets(&[]).found_in(&["", &text]).as_deref(), Some(secret));
    }
    assert_eq!(secrets(&[]).found_in(&["nothing"]), None);
    let joined = OsString::from(format!("--journal={}", journal.display()));
    for args in [
        &["--journal".into(), journal.into_os_string()][..],
        &[joined],
    ] {
        let with_journal = secrets(args);
        assert_eq!(
            with_journal.found_in(&[]).as_deref(),
            Some("of-the-profile-1")
        );
    }
    let sandbox = documented();
    let token = sandbox.session().session_token.expect("a token");
    let with_issued = secrets(&[]).and(Some(sandbox.issued()));
    assert_eq!(with_issued.found_in(&[&token]), Some(token));
}

/// A session token as long as those of STS, with all characters that one may have.
pub(crate) fn long_token() -> String {
    let tail: Vec<String> = (100..300).map(|n| format!("{n}a+Z/")).collect();
    format!("IQoJb3JpZ2luX2Vj{}==", tail.concat())
}

#[test]
fn f68_a_response_that_repeats_the_request_is_shown_without_its_secrets() {
    let token = long_token();
    let cases = [
        (Echo::Canonical, 7, "SignatureDoesNotMatch"),
        (Echo::Page, 10, "HTML page"),
    ];
    each(cases, |(echo, status, code)| {
        let cases = [
            &[][..],
            &["--debug"],
            &["--output", "json", "--error-format", "json"],
            &["--output", "text", "--debug"],
        ];
        each(cases, |more| {
            let sandbox = faulty([always("DeleteAccessKey", What::Echo(echo))]);
            let case = Case::documented(&sandbox, more)
                .args(["--timeout", "4"])
                .env("AWS_ACCESS_KEY_ID", SESSION_KEY_ID)
                .env("AWS_SECRET_ACCESS_KEY", CANARIES[0])
                .env("AWS_SESSION_TOKEN", &token);
            let printed = case.run().exits(status);
            let output = printed.output().to_owned();
            let said = printed.prints(&output);
            let messages = said.messages().to_owned();
            let _ = said.says(&[code]);
            let requests = sandbox.requests();
            let sent = requests.first().expect("a request");
            assert_eq!(sent.header("x-amz-security-token"), Some(token.as_str()));
            let authorization = sent.header("authorization").expect("a signature");
            let (_, signature) = authorization.split_once("Signature=").expect("a signature");
            for text in [&output, &messages] {
                for secret in [signature, &token[..32], &token[token.len() - 32..]] {
                    assert!(!text.contains(secret), "{secret} in {text}");
                }
            }
            assert!(sandbox.has_key(BOBS_KEY));
        });
    });
}

/// No request contains the secret key, but a service may know it.
#[test]
fn f68_a_response_with_the_secret_key_is_shown_without_it_in_every_spelling() {
    let secret = documented().admin().secret_access_key;
    let digits: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let spaced: Vec<String> = secret.chars().map(String::from).collect();
    let (first, second) = secret.split_at(20);
    for spelled in [
        secret.clone(),
        secret.to_ascii_uppercase(),
        format!("{first}\n{second}"),
        spaced.join(" "),
        spaced.join("_"),
        spaced.join("\u{fffd}"),
        digits.concat(),
    ] {
        let message = format!("It is ({spelled}).");
        let error = What::error(403, "AccessDenied", message);
        let sandbox = faulty([always("DeleteAccessKey", error)]);
        let said = Case::documented(&sandbox, &["--debug"]).run().exits(6);
        let said = said.prints_anything();
        assert!(!said.messages().contains(&spelled), "{}", said.messages());
        let _ = said.says(&["It is ((not shown))"]);
    }
}

#[test]
fn f68_a_refused_role_is_reported_without_the_secrets_of_the_request() {
    let token = long_token();
    let sandbox = faulty([always("AssumeRole", What::Echo(Echo::Canonical))]);
    let config = "[profile base]\n[profile role]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\n";
    let secret = CANARIES[0];
    let credentials = format!(
        "[base]\naws_access_key_id = {SESSION_KEY_ID}\naws_secret_access_key = {secret}\naws_session_token = {token}\n"
    );
    let case = Case::documented(&sandbox, &["--profile", "role", "--debug"])
        .without_credentials()
        .file(".aws/config", config)
        .file(".aws/credentials", credentials);
    let said = case.run().exits(7).prints_nothing();
    let messages = said.messages().to_owned();
    let _ = said.says(&["SignatureDoesNotMatch"]);
    assert!(!messages.contains(&token[..32]), "{messages}");
    let requests = sandbox.requests();
    assert!(!requests.is_empty());
    assert!(
        requests
            .iter()
            .all(|request| request.header("x-amz-security-token") == Some(token.as_str()))
    );
    assert!(sandbox.has_key(BOBS_KEY));
}
