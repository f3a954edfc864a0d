//! The command line: the options, their help, and their conversion to a `Request`. Reads neither the environment nor the
//! network, and only one file, that of `--cli-input-json`.

mod aws;
mod cli_input_json;
mod error;
mod into_request;
mod rules;
mod text;
mod value;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgGroup, CommandFactory, FromArgMatches, Parser, ValueHint};

use crate::age::Age;
use crate::aws::Connection;
use crate::condition::{TagPattern, UserGlob};
use crate::error::RunError;
use crate::ident::{AccessKeyId, AccountId, PathPrefix, UserName};
use crate::query::Query;
use crate::request::{Color, ErrorFormat, Format, between, seconds};
use aws::{Aws, Skeleton, accept_except};
use error::sanitize_error;
pub(crate) use error::{error_format_of, usage_error};
use text::{EXAMPLES, EXIT_STATUS, HELP, MORE, MOST_USED, SHORT_EXAMPLES, USAGE};
use value::{jobs, typed};

/// Safely delete AWS IAM access keys
///
/// One leaked key, a departing user's keys, or every stale key in an account. Look up the owner and last use first,
/// confirm the account, and get a verified result for every key: deleted, not deleted, or unknown, never a guess.
/// Deleting cannot be undone.
#[derive(Debug, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
#[command(name = "iam-del-key", version, max_term_width = 100)]
#[command(override_usage = USAGE, disable_help_flag = true, disable_version_flag = true)]
#[command(group = ArgGroup::new("keys").required(true).multiple(true))]
#[command(group = ArgGroup::new("condition").multiple(true))]
#[command(group = ArgGroup::new("whose").multiple(true))]
#[command(help_template = HELP, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(after_help = MORE, after_long_help = EXIT_STATUS)]
#[command(next_help_heading = "Which keys")]
pub(crate) struct Cli {
    /// ID of a key; repeat the option for several keys
    ///
    /// An ID has 16 to 128 characters: A-Z, a-z, 0-9 and _.
    #[arg(long, value_name = "ID", group = "keys", value_parser = typed(AccessKeyId::parse))]
    #[arg(value_hint = ValueHint::Other)]
    pub(crate) access_key_id: Vec<AccessKeyId>,

    /// Owner of the keys (default: the calling user)
    ///
    /// A name has 1 to 128 characters: A-Z, a-z, 0-9 and _+=,.@-. The default is the calling IAM user. If you sign in
    /// with a role, through SSO or as the root user, name the owner, or use --find-user. With --from, it is the owner of
    /// every key in the file.
    #[arg(long, value_name = "NAME", value_parser = typed(UserName::parse))]
    #[arg(value_hint = ValueHint::Other, group = "whose")]
    pub(crate) user_name: Option<UserName>,

    /// Look up the owner of each key
    ///
    /// Calls GetAccessKeyLastUsed. If that is denied, the keys of all users are listed instead (ListUsers and
    /// ListAccessKeys), once per run. With --from, only keys that the file lists without an owner are looked up.
    /// With --reactivate, all of them are, because users may have been renamed since the keys were deactivated.
    #[arg(long, conflicts_with = "user_name")]
    pub(crate) find_user: bool,

    /// Keys in a file (IDs, CSV or JSON); - means stdin
    ///
    /// The file has IDs that are separated by whitespace, with # comments; CSV with a header that names AccessKeyId
    /// (Access key ID) and UserName (User, Owner) for the owner; JSON as `aws iam list-access-keys` prints it; or JSON
    /// Lines printed by iam-del-key (keys that are finished, or that were skipped or refused, are omitted). If the CSV
    /// has an owner column, every row must have a value in it unless --user-name or --find-user is given. The whole
    /// file is checked before any request is sent. If standard error is a terminal, and the process has a controlling
    /// terminal, you are asked before anything is changed.
    #[arg(long, value_name = "FILE", group = "keys", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["access_key_id", "all_keys", "whole_account"])]
    from: Option<PathBuf>,

    /// Every key of --user-name or --target-principal
    ///
    /// Asks for confirmation unless --yes is given. If standard error is not a terminal, --yes is required.
    #[arg(long, group = "keys", requires = "whose")]
    #[arg(conflicts_with_all = ["allow_self", "find_user", "access_key_id", "whole_account"])]
    all_keys: bool,

    /// Every user's keys; needs a status or age condition
    ///
    /// Requires --only-inactive, --unused-for or --older-than. Asks for confirmation unless --yes is given. If standard
    /// error is not a terminal, --yes and --expect-account are required, except in a dry run. Root user keys are not
    /// included, and your own key is skipped. All lists are read before the first key is changed. If one cannot be
    /// read, the run ends.
    #[arg(long, group = "keys", requires = "condition")]
    #[arg(conflicts_with_all = ["user_name", "find_user", "allow_self", "access_key_id"])]
    whole_account: bool,

    /// Its status is Inactive
    #[arg(long, group = "condition", help_heading = "Only if")]
    only_inactive: bool,

    /// Not used for AGE, such as 90d, 2w or 12h
    ///
    /// For a key that was never used, the time since its creation counts. IAM records usage at most once every 15
    /// minutes, and shows it a few minutes later, so use a day or more. Ages are measured by IAM's clock.
    #[arg(long, value_name = "AGE", value_hint = ValueHint::Other)]
    #[arg(group = "condition", help_heading = "Only if")]
    unused_for: Option<Age>,

    /// Created at least AGE ago
    #[arg(long, value_name = "AGE", value_hint = ValueHint::Other)]
    #[arg(group = "condition", help_heading = "Only if")]
    older_than: Option<Age>,

    /// Its owner does not match GLOB (ci-*)
    ///
    /// Repeat the option for several patterns. Case is ignored, as in user names.
    #[arg(long, value_name = "GLOB", value_hint = ValueHint::Other, help_heading = "Only if")]
    except_user: Vec<UserGlob>,

    /// Its owner does not have this tag (team=ops)
    ///
    /// Repeat the option for several tags. Case is ignored in keys and values. Tags are read (ListUserTags) only for users
    /// whose keys meet the other conditions. If they cannot be read, the key is never changed: it is reported as failed, or
    /// a sweep ends if the read fails and is not denied.
    #[arg(long, value_name = "KEY[=VALUE]", value_hint = ValueHint::Other, help_heading = "Only if")]
    except_tag: Vec<TagPattern>,

    /// Its owner is under PATH, such as /ci/
    ///
    /// Requires --whole-account. PATH begins and ends with a slash. Only these users are listed, so a role that is
    /// allowed to list only these users can run the sweep.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::Other)]
    #[arg(help_heading = "Only if")]
    path_prefix: Option<PathPrefix>,

    /// Set keys to Inactive instead of deleting them
    ///
    /// Prints the command that undoes it. The status is read first (ListAccessKeys): a key that is already Inactive is
    /// skipped, which counts as success. If the status cannot be read, the key is deactivated anyway.
    #[arg(long, help_heading = "Action")]
    deactivate: bool,

    /// Set keys to Active again: undo --deactivate
    ///
    /// Takes named keys, or --from with the journal or the JSON results of a run with --deactivate. From these, it
    /// reactivates exactly the keys that were active and that the run deactivated. If that is not certain for a key,
    /// the key is reported and left unchanged. A journal of another account is refused. A key that is already Active is
    /// skipped, which counts as success. If the status of a named key cannot be read, the key is reactivated anyway.
    /// Your own keys are not refused. Asks for confirmation unless --yes is given. If standard error is not a
    /// terminal, --yes is required.
    #[arg(long, help_heading = "Action")]
    #[arg(conflicts_with_all = ["deactivate", "all_keys", "whole_account"])]
    reactivate: bool,

    /// Show what would happen; change nothing
    ///
    /// Reads, evaluates and prints, but sends nothing that writes. Shows the owner, status, creation date and last use of
    /// each key, and the account that its ID encodes. For a single key, it also shows the other active keys of its owner.
    #[arg(short = 'n', long, help_heading = "Safety")]
    dry_run: bool,

    /// Ask for confirmation before changing anything
    ///
    /// Shows the keys and the account first. Standard error must be a terminal.
    #[arg(short, long, conflicts_with = "yes", help_heading = "Safety")]
    interactive: bool,

    /// Do not ask for confirmation
    ///
    /// By default, --all-keys, --whole-account and --reactivate ask, and --from asks if there is a terminal to ask on.
    /// With --role-name, --yes does not confirm the account: use --expect-account to name it.
    #[arg(short, long, help_heading = "Safety")]
    yes: bool,

    /// Succeed if a key no longer exists (like rm -f)
    ///
    /// It does not apply to a key that is known to belong to another account or user, or if the user does not exist and
    /// IAM does not name the key's owner. If the owner cannot be checked, a warning says so. If no owner is named
    /// and --find-user is not given, a key that no longer exists is still an error, unless IAM says whose it was.
    #[arg(long, help_heading = "Safety")]
    ignore_missing: bool,

    /// Allow deleting your own credentials
    ///
    /// By default, iam-del-key refuses to delete or deactivate the key that signs the requests and any key with which
    /// it assumed a role. Cannot be combined with --all-keys or --whole-account.
    #[arg(long, help_heading = "Safety")]
    pub(crate) allow_self: bool,

    /// Stop unless this is the account (12 digits)
    ///
    /// Before anything else, asks STS for the account of the credentials in use, after all roles. With --role-name, repeat
    /// the option to list the accounts in which that role may be assumed.
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other, help_heading = "Safety")]
    expect_account: Vec<AccountId>,

    /// Stop if more than N keys match
    ///
    /// All keys are evaluated before the first one is changed. A dry run shows all of them, with a warning.
    // An account has far fewer keys.
    #[arg(long, value_name = "N", value_parser = between(1..=1_000_000))]
    #[arg(value_hint = ValueHint::Other, help_heading = "Safety")]
    max_keys: Option<u64>,

    /// Number of keys to process at the same time
    ///
    /// IAM's rate limits are respected, whatever the number is.
    #[arg(long, value_name = "N", default_value = "8", value_parser = jobs())]
    #[arg(value_hint = ValueHint::Other, help_heading = "Many keys")]
    jobs: NonZeroUsize,

    /// Record each step in FILE, and resume from it
    ///
    /// The same command with the same FILE resumes an interrupted run: finished keys are skipped, and started ones are
    /// checked first. Each record is on disk before the next step. Two runs cannot use the same journal at the same
    /// time. A dry run reads the journal and writes nothing. FILE must be a regular file that is owned by you or root
    /// and is not world-writable.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = "Many keys")]
    journal: Option<PathBuf>,

    /// Stop after the first failure
    ///
    /// Keys that are in progress are finished.
    #[arg(long, help_heading = "Many keys")]
    fail_fast: bool,

    #[command(flatten)]
    pub(crate) connection: Connection,

    /// Maximum number of seconds to spend on each key
    ///
    /// The limit covers all requests for a key, including retries and checks. Time spent waiting for other keys, for the
    /// rate that IAM allows, at a prompt or for journal writes does not count, so a key can take several times as long if
    /// IAM throttles a run over several keys. Finding credentials has a separate limit of the same length.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(1))]
    #[arg(default_value = "60", value_hint = ValueHint::Other, help_heading = "Connection")]
    timeout: Duration,

    /// Output format
    ///
    /// The default is table on a terminal, and json otherwise. The deletion of a single named key is different, on a
    /// terminal too: by default it prints {"ResponseMetadata":{}}, or with --ignore-missing the JSON object of a key
    /// that is already gone; if the key is not deleted, it prints nothing. With --output text or table, the result is
    /// printed in that format. With --output json, a deleted key still prints {"ResponseMetadata":{}}, and any other
    /// result is printed as an object. Keys that you were asked about and did not confirm are not printed.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    #[arg(value_parser = accept_except::<Format>(&["yaml", "yaml-stream"], "use json; each line is also valid YAML"))]
    output: Option<Format>,

    /// Select parts of each result
    ///
    /// A JMESPath expression, which is applied to each object of --output json or text. The result of a single deleted key
    /// has only ResponseMetadata. Text is formatted as in the AWS CLI: tabs between the items of a list, and None for null.
    #[arg(long, value_name = "JMESPATH", value_hint = ValueHint::Other, help_heading = "Output")]
    query: Option<Query>,

    /// Format of messages on standard error
    ///
    /// With json, each line is an object. Failures have Level, Code, Message, ExitCode, Result, Hint and Attempts, and where
    /// they apply, Details, Operation, RequestId, AccessKeyId and UserName. Other lines have Level and Message. No question
    /// can be asked, so --yes is required where one would be.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        alias = "cli-error-format",
        help_heading = "Output"
    )]
    #[arg(value_parser = accept_except::<ErrorFormat>(&["yaml", "table"], "errors are text or JSON: use json for programs"))]
    error_format: ErrorFormat,

    /// Fill ResponseMetadata as boto3 does
    ///
    /// The request ID, the HTTP status, the headers and the number of retries.
    #[arg(long, help_heading = "Output")]
    response_metadata: bool,

    /// Print only errors, and warnings about keys
    ///
    /// Omits progress, summaries, notes, warnings about the configuration, and hints after a change: the command that
    /// undoes it, and how to revoke sessions.
    #[arg(short, long, conflicts_with_all = ["verbose", "debug"], help_heading = "Output")]
    quiet: bool,

    /// Explain each step on standard error
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// Also print requests and responses, without secrets
    #[arg(long, help_heading = "Output")]
    debug: bool,

    /// When to use colors
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    color: Color,

    #[command(flatten)]
    pub(crate) aws: Aws,

    /// Print help: a summary with -h, everything with --help
    #[arg(short, long, action = ArgAction::Help, help_heading = "Other")]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Other")]
    version: Option<bool>,
}

/// Why the command line does not result in a request.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// Invalid arguments, or the text of `--help` or `--version`. Text from outside is sanitized.
    Text(clap::Error),
    /// A signal arrived while the file of `--cli-input-json` was read.
    Stopped(RunError),
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// There is no request to run.
    pub(crate) fn read(args: &[OsString]) -> Result<Self, NotRead> {
        let mut command = Self::command().mut_args(|arg| {
            let is_listed = arg.get_long().is_some_and(|name| MOST_USED.contains(&name));
            arg.hide_short_help(!is_listed)
        });
        let mut cli = command
            .try_get_matches_from_mut(args)
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| NotRead::Text(sanitize_error(error, args, &mut command)))?;
        cli.complete(&mut command)?;
        Ok(cli)
    }

    /// Returns the text of `--generate-cli-skeleton`, which is printed instead of a run.
    pub(crate) fn skeleton(&self) -> Option<&'static str> {
        self.aws.generate_cli_skeleton.map(Skeleton::text)
    }
}
