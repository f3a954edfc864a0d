//! One run of the binary, in an environment of its own, and tables of such cases.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Debug, Formatter};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET};
use iam_sandbox::{Fault, Issued, Sandbox, What};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use crate::ended::{Ended, Printed};
use crate::running::Running;
use crate::secret::{Secrets, logs_everything};

/// Longer than any time limit of the program: a case that takes this long hangs.
pub(crate) const HANGS: Duration = Duration::from_secs(90);

/// A signal ends a run within this time. The promise is 2 seconds; the rest allows for a busy machine.
pub(crate) const SETTLED: Duration = Duration::from_secs(8);

/// Values that must never be printed. Each case has them in places where the program could find a secret.
pub(crate) const CANARIES: [&str; 2] = [
    "CANARYsecretCANARYsecretCANARYsecret0123",
    "canary-token-canary-token",
];

/// The arguments of the documented example, which delete a key that the sandbox has.
pub(crate) const DOCUMENTED: [&str; 4] = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
/// Bob's key, from the API reference.
pub(crate) const BOBS_KEY: &str = "AKIDPMS9RO4H3FEXAMPLE";
/// Standard output for a deleted key.
pub(crate) const DELETED: &str = "{\"ResponseMetadata\":{}}\n";

/// The program: cargo's build, or the build that `TESTED_BINARY` names, such as a release.
pub(crate) fn binary() -> &'static str {
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var("TESTED_BINARY").ok());
    named
        .as_deref()
        .unwrap_or(env!("CARGO_BIN_EXE_iam-del-key"))
}

/// A sandbox with the account from the documentation.
pub(crate) fn documented() -> Sandbox {
    Sandbox::documented().start()
}

/// The same with these faults.
pub(crate) fn faulty(faults: impl IntoIterator<Item = Fault>) -> Sandbox {
    let sandbox = documented();
    for fault in faults {
        sandbox.fault(fault);
    }
    sandbox
}

/// A fault in the next request for this action.
pub(crate) fn once(action: &str, what: What) -> Fault {
    Fault::new(what).on(action)
}

/// A fault in every request for this action.
pub(crate) fn always(action: &str, what: What) -> Fault {
    once(action, what).always()
}

/// The actions that the sandbox received, in order.
pub(crate) fn actions(sandbox: &Sandbox) -> Vec<String> {
    sandbox
        .requests()
        .into_iter()
        .map(|request| request.action)
        .collect()
}

/// Runs every case of a table. The failed ones are reported together, by name.
pub(crate) fn each<C: Debug>(cases: impl IntoIterator<Item = C>, run: impl Fn(C)) {
    let cases = cases.into_iter();
    report(cases.map(|case| try_case(case, &run)).collect());
}

/// The same, with all cases at the same time, since each waits for most of its time.
pub(crate) fn each_at_once<C: Debug + Send>(
    cases: impl IntoIterator<Item = C>,
    run: impl Fn(C) + Send + Sync,
) {
    let run = &run;
    report(thread::scope(|scope| {
        let cases = cases.into_iter();
        let threads: Vec<_> = cases
            .map(|case| scope.spawn(move || try_case(case, run)))
            .collect();
        let threads = threads.into_iter();
        threads
            .map(|case| case.join().expect("a result instead of a panic"))
            .collect()
    }));
}

/// Runs one case and returns its failure, with the start of its data as the name.
fn try_case<C: Debug>(case: C, run: impl Fn(C)) -> Result<(), String> {
    let name: String = format!("{case:?}").chars().take(500).collect();
    catch_unwind(AssertUnwindSafe(|| run(case))).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("\n=== {name}: {}", text.unwrap_or_default())
    })
}

fn report(cases: Vec<Result<(), String>>) {
    let total = cases.len();
    assert_ne!(total, 0, "a table without cases");
    let failed: Vec<String> = cases.into_iter().filter_map(Result::err).collect();
    let (count, all) = (failed.len(), failed.concat());
    assert!(failed.is_empty(), "{count} of {total} cases failed:{all}");
}

/// A shell starts a command before `&` with SIGINT and SIGQUIT ignored, and `nohup` ignores SIGHUP. A run keeps these settings.
/// A signal that has a handler here has its default action in child processes.
fn handle_ignored_signals() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    for kind in [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
    ] {
        if ignored.unwrap_or(0) & 1 << (kind.as_raw_value() - 1) != 0 {
            let _ = signal(kind).expect("a handler, which outlives the runtime");
        }
    }
}

/// A run that has not started.
pub(crate) struct Case {
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Option<Vec<u8>>,
    home: PathBuf,
    folder: tempfile::TempDir,
    logs_everything: bool,
    /// Whether the run keeps the default of `--output`.
    has_default_output: bool,
    /// The secrets that the sandbox hands out.
    issued: Option<Issued>,
}

/// The parts of a run.
pub(crate) struct Parts {
    pub(crate) binary: &'static str,
    pub(crate) args: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The folder that contains the home.
    pub(crate) folder: tempfile::TempDir,
    pub(crate) secrets: Secrets,
}

impl Debug for Case {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        (&self.args, &self.environment).fmt(formatter)
    }
}

impl Case {
    /// A run whose environment has only an empty home: no credentials, no network.
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
            logs_everything: false,
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

    /// A run that uses the sandbox as its administrator.
    pub(crate) fn at<I: IntoIterator<Item: Into<OsString>>>(sandbox: &Sandbox, args: I) -> Self {
        let case = Self::bare(args)
            .env("AWS_ENDPOINT_URL", sandbox.url())
            .env("AWS_ACCESS_KEY_ID", ADMIN_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", ADMIN_SECRET)
            .env("AWS_REGION", "us-east-1");
        let case = Self {
            logs_everything: logs_everything(),
            issued: Some(sandbox.issued()),
            ..case
        };
        match sandbox.ca_path() {
            Some(path) => case.env("AWS_CA_BUNDLE", path),
            None => case,
        }
    }

    /// The documented example with the sandbox and more arguments.
    pub(crate) fn documented(sandbox: &Sandbox, more: &[&str]) -> Self {
        Self::at(sandbox, DOCUMENTED.iter().chain(more))
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Removes an environment variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// Removes the credentials, so that the run finds others.
    pub(crate) fn without_credentials(self) -> Self {
        self.without("AWS_ACCESS_KEY_ID")
            .without("AWS_SECRET_ACCESS_KEY")
    }

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

    /// Sets the standard input of the run.
    pub(crate) fn input(mut self, input: &[u8]) -> Self {
        self.input = Some(input.to_vec());
        self
    }

    /// The parts of the run, for a start elsewhere.
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

    /// The arguments, with `--debug` if every run is to log everything.
    fn all_args(&self) -> Vec<OsString> {
        let mut args = self.args.clone();
        if !self.has_default_output && self.deletes_one() {
            args.extend(["--output".into(), "json".into()]);
        }
        if self.logs_everything && !args.is_empty() && !args.contains(&"--debug".into()) {
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

    /// Starts the run and does not wait for it.
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
            let _ = child.stdin.take().expect("a pipe").write_all(input);
        }
        Running {
            child,
            started,
            shown: format!("{:?}", self.args),
            folder: self.folder,
            secrets,
        }
    }

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
