//! The sandbox as a program: `serve` for whoever wants a server, `run` for whoever wants to try a command.

mod run;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use iam_sandbox::{Builder, Certificate, Sandbox, Storm};

/// An IAM on loopback, with a few users and keys
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGINT or SIGTERM; prints one line of JSON that says how to reach it
    Serve(Box<Serve>),
    /// Run a command that is pointed at the sandbox, and show the keys before and after
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// How adverse a storm is.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Adverse {
    /// Requests act late, lists lag, and users are renamed
    Changes,
    /// Reads are also denied for some users, and do not show a new key for a moment
    PoorReads,
}

#[derive(Debug, Args)]
struct Serve {
    /// The port; 0: any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve HTTPS, with a certificate of the sandbox's own authority
    #[arg(long)]
    https: bool,
    /// Write the authority's certificate to this file too
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// So many users more, with a key each unless the next options say otherwise
    #[arg(long)]
    users: Option<usize>,
    /// So many keys of these users together; without --users, of as many users
    #[arg(long)]
    keys: Option<usize>,
    /// So many keys of each of these users
    #[arg(long, requires = "users", conflicts_with = "keys")]
    keys_per_user: Option<usize>,
    /// So many of the keys of these users were used three days ago
    #[arg(long, default_value_t = 0)]
    used_keys: usize,
    /// So many users more, without keys
    #[arg(long, default_value_t = 0)]
    idle_users: usize,
    /// So many calls for a credential report find it in progress
    #[arg(long, default_value_t = 0)]
    report_lag: u32,
    /// All these keys are inactive
    #[arg(long)]
    inactive: bool,
    /// So many items a page, at most 1,000
    #[arg(long, default_value_t = 100)]
    page_size: usize,
    /// Allow so many requests a second
    #[arg(long)]
    throttle: Option<u32>,
    /// Allow so many requests at once after a rest; as many as --throttle otherwise
    #[arg(long, requires = "throttle")]
    burst: Option<u32>,
    /// Let requests go wrong at random: what follows from this seed
    #[arg(long, value_name = "SEED")]
    storm: Option<u64>,
    /// How many out of a hundred requests go wrong in a storm
    #[arg(long, value_name = "PERCENT", requires = "storm", default_value_t = 30)]
    storm_percent: u8,
    /// Let the storm be adverse too
    #[arg(long, requires = "storm")]
    adverse: Option<Adverse>,
    /// So many keys more of the user who signs
    #[arg(long, default_value_t = 0)]
    own_keys: usize,
    /// Answer so many milliseconds later
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// The account
    #[arg(long, default_value = iam_sandbox::documented::ACCOUNT)]
    account: String,
    /// One more account, with users and a root user who have keys; repeatable
    #[arg(long, value_name = "ACCOUNT")]
    other_account: Vec<String>,
    /// Deny an action to everybody, such as iam:ListUsers; repeatable; a * at the end stands for any ending
    #[arg(long, value_name = "ACTION")]
    deny: Vec<String>,
    /// Demand this external ID of whoever assumes the role; repeatable
    #[arg(long, value_name = "ROLE=ID", value_parser = pair)]
    external_id: Vec<(String, String)>,
    /// Demand a code of this MFA device of whoever assumes the role; repeatable
    #[arg(long, value_name = "ROLE=SERIAL", value_parser = pair)]
    mfa: Vec<(String, String)>,
    /// A code of each of these devices, which works once; repeatable
    #[arg(long, value_name = "CODE", requires = "mfa")]
    mfa_code: Vec<String>,
    /// At the end print a second line of JSON: the requests that came, how many of each action, and the keys there are
    #[arg(long)]
    tell: bool,
    /// Remember so many requests at most
    #[arg(long, default_value_t = 1000)]
    remember: usize,
}

/// The first number of the keys of the user who signs, above all others.
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

    /// How many users there are more, and how many keys they have together.
    fn users_and_keys(&self) -> (usize, usize) {
        let users = self.users.or(self.keys).unwrap_or_default();
        let each = self.keys_per_user.unwrap_or(1);
        (users, self.keys.unwrap_or(users * each))
    }
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (role, value) = text.split_once('=').ok_or("a role, `=` and a value")?;
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
