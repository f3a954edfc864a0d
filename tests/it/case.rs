//! One run of the binary, in an environment of its own, and the three things that are always compared:
//! exit status, standard output, standard error. What a case does not expect must not be there.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET};
use iam_sandbox::{Issued, Sandbox};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::running::Running;
use crate::secret::{Secrets, tells_all};

/// Long past any limit of the program: a case that takes this long hangs.
pub(crate) const HANGS: Duration = Duration::from_secs(90);

/// What a signal ends has ended by then: what is promised is 2 seconds, the rest is for a machine that is busy.
pub(crate) const SETTLED: Duration = Duration::from_secs(8);

/// Values that must never be printed: each case has them where the program could find a secret.
pub(crate) const CANARIES: [&str; 2] = [
    "CANARYsecretCANARYsecretCANARYsecret0123",
    "canary-token-canary-token",
];

/// The arguments of the documented example, which delete a key that the sandbox has.
pub(crate) const DOCUMENTED: [&str; 4] = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
/// Bob's key, from the API reference.
pub(crate) const BOBS_KEY: &str = "AKIDPMS9RO4H3FEXAMPLE";
/// What a deleted key prints.
pub(crate) const DELETED: &str = "{\"ResponseMetadata\":{}}\n";

/// The program: what cargo has built, or another build that `TESTED_BINARY` names, such as that of a release.
pub(crate) fn binary() -> &'static str {
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var("TESTED_BINARY").ok());
    named
        .as_deref()
        .unwrap_or(env!("CARGO_BIN_EXE_iam-del-key"))
}

/// A sandbox with the account of the documentation.
pub(crate) fn documented() -> Sandbox {
    Sandbox::documented().start()
}

/// What the sandbox was asked, in order.
pub(crate) fn actions(sandbox: &Sandbox) -> Vec<String> {
    sandbox
        .requests()
        .into_iter()
        .map(|request| request.action)
        .collect()
}

/// Tries every case at the same time: each waits for most of its time.
pub(crate) fn each_at_once<C: Send>(
    cases: impl IntoIterator<Item = C>,
    run: impl Fn(C) + Send + Sync,
) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| run(case));
        }
    });
}

/// A shell starts what stands before `&` with SIGINT ignored, `nohup` with SIGHUP, and a run stays with that. A signal
/// that is handled here has its default in what is started.
fn handle_ignored_signals() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    for kind in [SignalKind::hangup(), SignalKind::interrupt()] {
        if ignored.unwrap_or(0) & 1 << (kind.as_raw_value() - 1) != 0 {
            let _ = signal(kind).expect("a handler, which outlives the runtime");
        }
    }
}

/// A run to be made.
pub(crate) struct Case {
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Option<Vec<u8>>,
    home: PathBuf,
    folder: tempfile::TempDir,
    tells_all: bool,
    /// Whether the run keeps the default of `--output`.
    has_default_output: bool,
    /// What the sandbox hands out.
    issued: Option<Issued>,
}

/// What a run is made of.
pub(crate) struct Parts {
    pub(crate) binary: &'static str,
    pub(crate) args: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// It holds the home.
    pub(crate) folder: tempfile::TempDir,
    pub(crate) secrets: Secrets,
}

impl Case {
    /// A run with nothing in its environment but an empty home: no credentials, no network.
    pub(crate) fn bare<I: IntoIterator<Item: Into<OsString>>>(args: I) -> Self {
        static SIGNALS: Once = Once::new();
        SIGNALS.call_once(handle_ignored_signals);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().join("home");
        std::fs::create_dir_all(home.join(".aws")).expect("a home");
        Self {
            args: args.into_iter().map(Into::into).collect(),
            environment: vec![("AWS_EC2_METADATA_DISABLED".into(), "true".into())],
            input: None,
            home,
            folder,
            tells_all: false,
            has_default_output: false,
            issued: None,
        }
    }

    /// Keeps the default of `--output`: a single deletion that fails prints nothing on standard output. Without this, it
    /// gets `--output json`, so that a test can compare its outcome.
    pub(crate) fn with_default_output(mut self) -> Self {
        self.has_default_output = true;
        self
    }

    /// A run that reaches the sandbox as its administrator.
    pub(crate) fn at<I: IntoIterator<Item: Into<OsString>>>(sandbox: &Sandbox, args: I) -> Self {
        let case = Self::bare(args)
            .env("AWS_ENDPOINT_URL", sandbox.url())
            .env("AWS_ACCESS_KEY_ID", ADMIN_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", ADMIN_SECRET)
            .env("AWS_REGION", "us-east-1");
        let case = Self {
            tells_all: tells_all(),
            issued: Some(sandbox.issued()),
            ..case
        };
        match sandbox.ca_path() {
            Some(path) => case.env("AWS_CA_BUNDLE", path),
            None => case,
        }
    }

    /// The documented example at the sandbox, with more arguments.
    pub(crate) fn documented(sandbox: &Sandbox, more: &[&str]) -> Self {
        Self::at(sandbox, DOCUMENTED.iter().chain(more))
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Takes an environment variable away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// Takes the credentials away, so that others are found.
    pub(crate) fn without_credentials(self) -> Self {
        self.without("AWS_ACCESS_KEY_ID")
            .without("AWS_SECRET_ACCESS_KEY")
    }

    /// Adds arguments.
    pub(crate) fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Writes a file under the home, such as `.aws/config`.
    pub(crate) fn file(self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        let file = self.home.join(path);
        std::fs::create_dir_all(file.parent().expect("a file in a folder")).expect("a folder");
        std::fs::write(file, contents).expect("a file");
        self
    }

    /// Gives the run something to read.
    pub(crate) fn input(mut self, input: &[u8]) -> Self {
        self.input = Some(input.to_vec());
        self
    }

    /// What the run is made of, to be started elsewhere.
    pub(crate) fn into_parts(self) -> Parts {
        let (args, secrets) = (self.all_args(), self.secrets());
        let mut environment = self.environment;
        environment.push(("HOME".into(), self.home.into()));
        Parts {
            binary: binary(),
            args,
            environment,
            folder: self.folder,
            secrets,
        }
    }

    /// The arguments, and `--debug` where all is to be told.
    fn all_args(&self) -> Vec<OsString> {
        let mut args = self.args.clone();
        if !self.has_default_output && self.deletes_one() {
            args.extend(["--output".into(), "json".into()]);
        }
        if self.tells_all && !args.is_empty() && !args.contains(&"--debug".into()) {
            args.push("--debug".into());
        }
        args
    }

    /// Whether the arguments name one key to be deleted, and no format.
    fn deletes_one(&self) -> bool {
        let args = self.args.iter().map(|arg| arg.to_string_lossy());
        let names: Vec<_> = args
            .map(|arg| arg.split('=').next().unwrap_or_default().to_owned())
            .collect();
        let others = [
            "-n",
            "--dry-run",
            "--deactivate",
            "--output",
            "--query",
            "--help",
            "-h",
        ];
        let keys = names.iter().filter(|name| *name == "--access-key-id");
        keys.count() == 1 && !names.iter().any(|name| others.contains(&name.as_str()))
    }

    fn secrets(&self) -> Secrets {
        let known = CANARIES.iter().chain(&[ADMIN_SECRET]).copied();
        let known: Vec<&str> = known.collect();
        Secrets::of(&self.args, &self.environment, &self.home, &known).and(self.issued.clone())
    }

    /// A path under the home.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.join(path)
    }

    /// Starts the run and leaves it running.
    pub(crate) fn start(self) -> Running {
        self.start_under(None)
    }

    /// Starts the run under another command, such as `prlimit`.
    pub(crate) fn start_under(self, wrapper: Option<&[&str]>) -> Running {
        let mut command = match wrapper {
            Some(words) => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]).arg(binary());
                command
            }
            None => Command::new(binary()),
        };
        command
            .args(self.all_args())
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if self.input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let secrets = self.secrets();
        let started = Instant::now();
        let mut child = command.spawn().expect("the binary starts");
        if let Some(input) = &self.input {
            let _ = child.stdin.take().expect("piped").write_all(input);
        }
        Running {
            child,
            started,
            shown: format!("{:?}", self.args),
            folder: self.folder,
            secrets,
        }
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Ended {
        self.start().end()
    }

    /// Runs to the end with standard output going to a file, such as `/dev/full`.
    pub(crate) fn run_into(self, stdout: std::fs::File) -> Ended {
        let output = Command::new(binary())
            .args(self.all_args())
            .env_clear()
            .env("HOME", &self.home)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stdout)
            .output()
            .expect("the binary starts");
        Ended::new(
            format!("{:?}", self.args),
            output.status,
            Vec::new(),
            output.stderr,
            Duration::ZERO,
            &self.secrets(),
        )
    }
}

/// A run that has ended. Ask it with `exits`, `prints` and `says`, in this order; each is compulsory.
#[must_use]
pub(crate) struct Ended {
    shown: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
    /// Standard error with what was told because all was to be told.
    all_told: String,
    /// How long the run took.
    pub(crate) took: Duration,
}

impl Ended {
    /// A run that ended so.
    pub(crate) fn new(
        shown: String,
        status: ExitStatus,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        took: Duration,
        secrets: &Secrets,
    ) -> Self {
        let all_told = String::from_utf8(stderr).expect("standard error is UTF-8");
        let stderr = if tells_all() {
            secrets.without_unasked(&all_told)
        } else {
            all_told.clone()
        };
        let ended = Self {
            shown,
            status,
            stdout: String::from_utf8(stdout).expect("standard output is UTF-8"),
            stderr,
            all_told,
            took,
        };
        let found = secrets.found_in(&[&ended.stdout, &ended.all_told]);
        assert!(found.is_none(), "{found:?} was written: {}", ended.all());
        ended
    }

    /// Everything about the run, for a person to read.
    pub(crate) fn all(&self) -> String {
        format!(
            "\n--- arguments: {}\n--- status: {}\n--- standard output:\n{}--- standard error:\n{}---",
            self.shown, self.status, self.stdout, self.all_told
        )
    }

    /// The last line of standard error.
    pub(crate) fn known(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// The exit status is that of success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    /// Compares the exit status with several that are as good.
    pub(crate) fn exits_with_one_of(self, statuses: &[i32]) -> Printed {
        let status = self.status.code().unwrap_or(-1);
        assert!(statuses.contains(&status), "{}", self.all());
        Printed(self)
    }

    /// Compares the exit status.
    pub(crate) fn exits(self, status: i32) -> Printed {
        assert_eq!(self.status.code(), Some(status), "{}", self.all());
        Printed(self)
    }
}

/// A run whose exit status was compared.
#[must_use]
pub(crate) struct Printed(Ended);

impl Printed {
    /// Compares standard output.
    pub(crate) fn prints(self, expected: &str) -> Said {
        assert_eq!(self.0.stdout, expected, "{}", self.0.all());
        Said(self.0)
    }

    /// Nothing on standard output.
    pub(crate) fn prints_nothing(self) -> Said {
        self.prints("")
    }

    /// One JSON object on one line of standard output, with this `Outcome`.
    pub(crate) fn prints_outcome(self, outcome: &str) -> Said {
        let object = self.object();
        assert_eq!(object["Outcome"], outcome, "{}", self.0.all());
        Said(self.0)
    }

    /// The JSON object on standard output.
    pub(crate) fn object(&self) -> Value {
        assert_eq!(self.0.stdout.lines().count(), 1, "{}", self.0.all());
        assert!(self.0.stdout.ends_with('\n'), "{}", self.0.all());
        serde_json::from_str(&self.0.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.0.all()))
    }

    /// All of standard output, for a look of the test's own.
    pub(crate) fn output(&self) -> &str {
        &self.0.stdout
    }
}

/// A run whose exit status and standard output were compared.
#[must_use]
pub(crate) struct Said(Ended);

impl Said {
    /// Nothing on standard error.
    pub(crate) fn says_nothing(self) -> Ended {
        assert_eq!(self.0.stderr, "", "{}", self.0.all());
        self.0
    }

    /// Exactly this on standard error.
    pub(crate) fn says_exactly(self, expected: &str) -> Ended {
        assert_eq!(self.0.stderr, expected, "{}", self.0.all());
        self.0
    }

    /// Each of these on standard error.
    pub(crate) fn says(self, expected: &[&str]) -> Ended {
        assert!(
            !expected.is_empty(),
            "a case says what standard error holds"
        );
        for text in expected {
            assert!(
                self.0.all_told.contains(text),
                "not said: {text}{}",
                self.0.all()
            );
        }
        self.0
    }

    /// Whether standard error has no error.
    pub(crate) fn says_no_error(&self) -> bool {
        !self.0.stderr.contains("error:")
    }

    /// All of standard error, for a look of the test's own.
    pub(crate) fn messages(&self) -> &str {
        &self.0.stderr
    }
}

impl Ended {
    /// The last line of standard error says what is known of the key.
    pub(crate) fn ends_with(self, known: &str) -> Self {
        let last = self.known();
        assert!(
            last.starts_with("result: ") && last.contains(known),
            "the last line is {last:?}, not {known:?}{}",
            self.all()
        );
        self
    }

    /// It took less than this. A bound against hanging, with much room; never a measurement.
    pub(crate) fn within(self, limit: Duration) -> Self {
        assert!(self.took < limit, "took {:?}{}", self.took, self.all());
        self
    }
}
