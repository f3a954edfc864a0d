//! The command-line program: `serve` starts a server, and `run` runs one command against a sandbox.

mod run;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use iam_sandbox::{Builder, Certificate, Sandbox, Storm};

/// An IAM service on loopback with a few users and keys
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGINT or SIGTERM; print one line of JSON that says how to connect
    Serve(Box<Serve>),
    /// Run a command against the sandbox, and show the keys before and after
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// How severe a storm is.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Adverse {
    /// Some requests take effect late, lists lag, and users are renamed
    Changes,
    /// Also deny reads for some users, and hide each new key for a moment
    PoorReads,
}

#[derive(Debug, Args)]
struct Serve {
    /// Listen on this port; 0 means any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve HTTPS with a certificate from the sandbox's own authority
    #[arg(long)]
    https: bool,
    /// Also write the authority's certificate to this file
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Add this many users, each with one key unless other options say otherwise
    #[arg(long)]
    users: Option<usize>,
    /// Give these users this many keys in total; without --users, add one user per key
    #[arg(long)]
    keys: Option<usize>,
    /// Give each of these users this many keys
    #[arg(long, requires = "users", conflicts_with = "keys")]
    keys_per_user: Option<usize>,
    /// Mark this many of these users' keys as used three days ago
    #[arg(long, default_value_t = 0)]
    used_keys: usize,
    /// Add this many users without keys
    #[arg(long, default_value_t = 0)]
    idle_users: usize,
    /// Report "in progress" to this many requests for a credential report
    #[arg(long, default_value_t = 0)]
    report_lag: u32,
    /// Make the keys of these users inactive
    #[arg(long)]
    inactive: bool,
    /// Return this many items per page, at most 1,000
    #[arg(long, default_value_t = 100)]
    page_size: usize,
    /// Allow this many requests per second
    #[arg(long)]
    throttle: Option<u32>,
    /// Allow a burst of this many requests; defaults to the value of --throttle
    #[arg(long, requires = "throttle")]
    burst: Option<u32>,
    /// Inject random faults that are determined by this seed
    #[arg(long, value_name = "SEED")]
    storm: Option<u64>,
    /// Inject a fault into this percentage of requests
    #[arg(long, value_name = "PERCENT", requires = "storm", default_value_t = 30)]
    storm_percent: u8,
    /// Make the storm more severe
    #[arg(long, requires = "storm")]
    adverse: Option<Adverse>,
    /// Add this many keys to the user who signs the requests
    #[arg(long, default_value_t = 0)]
    own_keys: usize,
    /// Delay each response by this many milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Use this account ID
    #[arg(long, default_value = iam_sandbox::documented::ACCOUNT)]
    account: String,
    /// Add another account, whose users and root user have keys; repeatable
    #[arg(long, value_name = "ACCOUNT")]
    other_account: Vec<String>,
    /// Deny an action to everyone, such as iam:ListUsers; repeatable; a trailing * matches any suffix
    #[arg(long, value_name = "ACTION")]
    deny: Vec<String>,
    /// Require this external ID to assume the role; repeatable
    #[arg(long, value_name = "ROLE=ID", value_parser = pair)]
    external_id: Vec<(String, String)>,
    /// Require a code from this MFA device to assume the role; repeatable
    #[arg(long, value_name = "ROLE=SERIAL", value_parser = pair)]
    mfa: Vec<(String, String)>,
    /// Accept this one-time code from each of these MFA devices; repeatable
    #[arg(long, value_name = "CODE", requires = "mfa")]
    mfa_code: Vec<String>,
    /// On exit, print a second line of JSON: the requests, the count for each action, and the remaining keys
    #[arg(long)]
    summary: bool,
    /// Remember at most this many requests
    #[arg(long, default_value_t = 1000)]
    remember: usize,
}

/// The serial number of the signing user's first added key. It is higher than any other.
const OWN_KEYS: usize = 10_000_000;

impl Serve {
    fn builder(&self) -> Builder {
        let (users, keys) = self.users_and_keys();
        let mut builder = Sandbox::documented()
            .port(self.port)
            .account(&self.account)
            .many_users(users, keys)
            .many_used(self.used_keys)
            .many_users_without_keys(self.idle_users)
            .report_lag(self.report_lag)
            .page_size(self.page_size)
            .latency(Duration::from_millis(self.latency))
            .remember(self.remember);
        if self.https {
            builder = builder.https(Certificate::Valid);
        }
        for n in 0..self.own_keys {
            let id = iam_sandbox::nth_key_id(&self.account, OWN_KEYS + n);
            builder = builder.user_key(iam_sandbox::documented::ADMIN, &id);
        }
        for account in &self.other_account {
            builder = builder.documented_account(account);
        }
        for action in &self.deny {
            builder = builder.deny(action);
        }
        for (role, id) in &self.external_id {
            builder = builder.external_id(role, id);
        }
        let codes: Vec<&str> = self.mfa_code.iter().map(String::as_str).collect();
        for (role, serial) in &self.mfa {
            builder = builder.mfa(role).mfa_device(serial, &codes);
        }
        if let Some(seed) = self.storm {
            builder = builder.storm(self.storm(seed));
        }
        if let Some(rate) = self.throttle {
            builder = builder.throttle(rate, self.burst.unwrap_or(rate));
        }
        builder
    }

    fn storm(&self, seed: u64) -> Storm {
        let storm = Storm::new(seed).percent(self.storm_percent);
        match self.adverse {
            None => storm,
            Some(Adverse::Changes) => storm.adverse(),
            Some(Adverse::PoorReads) => storm.adverse_with_poor_reads(),
        }
    }

    /// The number of added users, and of their keys in total.
    fn users_and_keys(&self) -> (usize, usize) {
        let users = self.users.or(self.keys).unwrap_or_default();
        let each = self.keys_per_user.unwrap_or(1);
        (users, self.keys.unwrap_or(users * each))
    }
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (role, value) = text.split_once('=').ok_or("expected ROLE=VALUE")?;
    Ok((role.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Serve(options) => serve::serve(&options).map(|()| ExitCode::SUCCESS),
        Command::Run { command } => run::run(&command),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("iam-sandbox: {error}");
        ExitCode::FAILURE
    })
}
