//! The command line: flags and their help, and the one crossing to a `Request`. Asks neither the
//! environment nor the network; the one file it reads is that of `--cli-input-json`.

mod aws;
mod crossing;
mod error;
mod members;
mod text;
mod value;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgGroup, CommandFactory, FromArgMatches, Parser, ValueHint, value_parser};

use crate::age::Age;
use crate::condition::{TagPattern, UserGlob};
use crate::error::RunError;
use crate::ident::{AccessKeyId, AccountId, PathPrefix, UserName, looks_like_access_key_id};
use crate::query::Query;
use crate::request::{Color, ErrorFormat, Format};
use aws::{Aws, Skeleton};
use error::{SWAPPED, fit_to_show};
pub(crate) use error::{error_format_of, told};
use members::fill;
use text::{EXAMPLES, EXIT_STATUS, HELP, SHORT_EXAMPLES, USAGE};
use value::typed;

/// Delete AWS IAM access keys, and say exactly what is known of each
///
/// Deleting cannot be undone. One call to IAM a key when nothing goes wrong; when an answer is lost, the tool
/// looks before it says whether the key is gone. Conditions and --dry-run read first, and a read that fails
/// never lets a key go.
#[derive(Debug, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag; the crossing makes enums of them"
)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
#[command(name = "iam-del-key", version, max_term_width = 100)]
#[command(override_usage = USAGE, disable_help_flag = true, disable_version_flag = true)]
#[command(group = ArgGroup::new("keys").required(true).multiple(true))]
#[command(group = ArgGroup::new("condition").multiple(true))]
#[command(help_template = HELP, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(after_help = "--help has more examples, and what each exit status means", after_long_help = EXIT_STATUS)]
pub(crate) struct Cli {
    /// The access key to delete: 16 to 128 of A-Z, a-z, 0-9 and _; repeat it for several
    #[arg(long, value_name = "ID", group = "keys", value_parser = typed(AccessKeyId::parse))]
    #[arg(value_hint = ValueHint::Other)]
    #[arg(help_heading = "Which keys")]
    pub(crate) access_key_id: Vec<AccessKeyId>,

    /// Its owner: 1 to 128 of A-Z, a-z, 0-9 and _+=,.@-
    ///
    /// Without it IAM takes the user whose key signs the request. The root user, roles and SSO sessions
    /// have to name the owner. With --from: the owner of every key of the file, which need not name it.
    #[arg(long, value_name = "NAME", value_parser = typed(UserName::parse))]
    #[arg(value_hint = ValueHint::Other)]
    #[arg(help_heading = "Which keys")]
    pub(crate) user_name: Option<UserName>,

    /// Ask IAM whose key it is, instead of being told
    ///
    /// GetAccessKeyLastUsed names the owner of any key of the account. If that is denied, the keys of every user are
    /// read (ListUsers, ListAccessKeys), once per run. With --from: for keys without an owner.
    #[arg(long, conflicts_with = "user_name", help_heading = "Which keys")]
    pub(crate) find_user: bool,

    /// Keys from a file, - for standard input: IDs, CSV, JSON, or the JSON that this tool prints
    ///
    /// IDs separated by white space, with # comments; CSV with a header that has AccessKeyId, and UserName for the owner,
    /// which no line may then leave out unless --user-name or --find-user says it; JSON as `aws iam list-access-keys`
    /// prints it; or the JSON Lines of a dry run or of a run that was cut off, of which what is settled is left out.
    /// Everything is read and checked before anything is contacted.
    #[arg(long, value_name = "FILE", group = "keys", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["access_key_id", "all_keys", "whole_account"], help_heading = "Which keys")]
    from: Option<PathBuf>,

    /// Every key of --user-name
    #[arg(
        long,
        group = "keys",
        requires = "user_name",
        conflicts_with_all = ["allow_self", "find_user", "access_key_id", "whole_account"]
    )]
    #[arg(help_heading = "Which keys")]
    all_keys: bool,

    /// Every key of every user of the account; needs a condition on the key
    ///
    /// All lists are read to their end before the first key goes, and a list that cannot be read ends the run.
    #[arg(long, group = "keys", requires = "condition")]
    #[arg(conflicts_with_all = ["user_name", "find_user", "allow_self", "access_key_id"])]
    #[arg(help_heading = "Which keys")]
    whole_account: bool,

    /// Only if its status is Inactive
    #[arg(long, group = "condition", help_heading = "Only if")]
    only_inactive: bool,

    /// Only if it was not used for AGE, such as 45d, 2w or 12h; never used counts from its creation
    ///
    /// IAM records only the first use in 15 minutes and shows it some minutes later: an AGE of a day
    /// or more is safe. Exactly AGE is long enough. Ages count by IAM's own clock.
    #[arg(
        long,
        value_name = "AGE",
        value_hint = ValueHint::Other,
        group = "condition",
        help_heading = "Only if"
    )]
    unused_for: Option<Age>,

    /// Only if it was created AGE ago or longer
    #[arg(
        long,
        value_name = "AGE",
        value_hint = ValueHint::Other,
        group = "condition",
        help_heading = "Only if"
    )]
    older_than: Option<Age>,

    /// Only if its owner is not GLOB, such as ci-*; repeatable; without case, as IAM compares names
    #[arg(long, value_name = "GLOB", value_hint = ValueHint::Other, help_heading = "Only if")]
    except_user: Vec<UserGlob>,

    /// Skip users with this tag, such as team or team=ops; ignores case; repeatable
    ///
    /// The tags are read (ListUserTags) only for users whose keys meet the other conditions. If they cannot be read, the
    /// key fails: it is never changed.
    #[arg(long, value_name = "KEY[=VALUE]", value_hint = ValueHint::Other, help_heading = "Only if")]
    except_tag: Vec<TagPattern>,

    /// Only users under PATH, such as /ci/; with --whole-account
    ///
    /// PATH begins and ends with a slash. IAM then lists only these users, so a role that may list no others can sweep.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::Other, requires = "whole_account")]
    #[arg(help_heading = "Only if")]
    path_prefix: Option<PathPrefix>,

    /// Read, decide and print what would happen; change nothing
    ///
    /// Nothing that writes is sent, and nobody is asked. Prints the key's owner, status, creation and last use,
    /// and the account that its ID encodes.
    #[arg(short = 'n', long, help_heading = "Safety")]
    dry_run: bool,

    /// Show what is known of the keys and ask before they go; needs a terminal
    #[arg(short, long, conflicts_with = "yes", help_heading = "Safety")]
    interactive: bool,

    /// Do not ask; only --all-keys and --whole-account ask by themselves
    #[arg(short, long, help_heading = "Safety")]
    yes: bool,

    /// Make the keys Inactive instead of deleting them, and print how to undo it
    ///
    /// The status is read first (ListAccessKeys): a key that is already Inactive is skipped, which is a success. If the
    /// status cannot be read, the key is deactivated all the same.
    #[arg(long, help_heading = "Safety")]
    deactivate: bool,

    /// Succeed if the key no longer exists (like rm -f)
    ///
    /// It does not apply to a key of another account, to a key that IAM says another user owns, or if the user does not
    /// exist and IAM does not name the key's owner. Without --user-name, IAM has to confirm the owner.
    #[arg(long, help_heading = "Safety")]
    ignore_missing: bool,

    /// Allow deleting the very key that signs the request
    #[arg(long, help_heading = "Safety")]
    pub(crate) allow_self: bool,

    /// Refuse unless the credentials belong to this account, 12 digits; asks STS before anything else
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other, help_heading = "Safety")]
    expect_account: Option<AccountId>,

    /// Refuse if more than N keys match, before anything is changed
    ///
    /// All keys are evaluated before the first one is changed. A dry run shows them anyway, with a warning.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    #[arg(value_hint = ValueHint::Other, help_heading = "Safety")]
    max_keys: Option<u64>,

    /// How many keys are under way at a time; IAM's own pace is kept whatever it is
    #[arg(long, value_name = "N", default_value = "8", value_parser = value::jobs)]
    #[arg(value_hint = ValueHint::Other)]
    #[arg(help_heading = "Many keys")]
    jobs: NonZeroUsize,

    /// Record each step in FILE, and go on from there in a later run with the same FILE
    ///
    /// What the journal has settled is skipped, what was begun is checked, and the rest is done. Each record is on
    /// the disk before the next step; a second run with the same journal is refused. A dry run reads it and
    /// writes nothing. FILE must be a regular file that belongs to you or root and that not every user can write to.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = "Many keys")]
    journal: Option<PathBuf>,

    /// Begin no further key after the first that is not changed; up to --jobs are under way by then
    #[arg(long, help_heading = "Many keys")]
    fail_fast: bool,

    /// Output format [default: table on a terminal, json otherwise]
    ///
    /// A single key that is deleted (without --dry-run) prints {"ResponseMetadata":{}} by default, also on a terminal;
    /// if it is already gone, --ignore-missing prints its JSON object; if it is not deleted, nothing is printed. With
    /// --output, its result is printed in that format, whatever it is. After an answer other than yes, nothing is printed.
    #[arg(long, value_name = "FORMAT", value_parser = value::output())]
    #[arg(help_heading = "Output")]
    output: Option<Format>,

    /// A JMESPath expression: what of each object --output json or text prints
    ///
    /// It sees the very object that is printed without it: one deleted key's has no member but
    /// ResponseMetadata. Text is as the AWS CLI prints it: lists between tabs, null as None.
    #[arg(long, value_name = "JMESPATH", value_hint = ValueHint::Other, help_heading = "Output")]
    query: Option<Query>,

    /// What standard error gets: json is one object a line
    ///
    /// A failure has Level, Code, Message, ExitCode, Known, Hint, Attempts, and where there is one Operation,
    /// RequestId, AccessKeyId and UserName; any other line has Level and Message.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = value::error_format())]
    #[arg(alias = "cli-error-format", help_heading = "Output")]
    error_format: ErrorFormat,

    /// Fill ResponseMetadata with what boto3 puts there: request ID, status, headers, retries
    #[arg(long, help_heading = "Output")]
    response_metadata: bool,

    /// Print only errors, and warnings about the state of a key
    ///
    /// Leaves out progress, summaries, notes, the command to undo a change, and warnings about the configuration.
    #[arg(short, long, conflicts_with_all = ["verbose", "debug"], help_heading = "Output")]
    quiet: bool,

    /// Tell on standard error what was chosen and how each attempt went
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// Tell more than --verbose: requests and replies, without any secret
    #[arg(long, help_heading = "Output")]
    debug: bool,

    /// When messages are coloured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    color: Color,

    #[command(flatten)]
    pub(crate) aws: Aws,

    /// Print help: -h for the short of it, --help for all of it
    #[arg(short, long, action = ArgAction::Help, help_heading = "Other")]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Other")]
    version: Option<bool>,
}

/// Why there are no arguments to act on.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// Wrong arguments, or the texts of `--help` and `--version`, as clap has them. Every foreign text in them is fit to
    /// be shown.
    Text(clap::Error),
    /// A signal came while the file of `--cli-input-json` was read.
    Stopped(RunError),
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// There are no arguments to act on.
    pub(crate) fn read(args: &[OsString]) -> Result<Self, NotRead> {
        let mut command = Self::command();
        let mut cli = command
            .try_get_matches_from_mut(args)
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| NotRead::Text(fit_to_show(error, args, &mut command)))?;
        let complete = cli.complete().map_err(NotRead::Stopped)?;
        complete.map_err(|(kind, text)| NotRead::Text(command.error(kind, text)))?;
        Ok(cli)
    }

    /// Fills in what `--cli-input-json` says, and checks what only the whole shows.
    ///
    /// # Errors
    ///
    /// A signal came before that file was read.
    fn complete(&mut self) -> Result<Result<(), (ErrorKind, String)>, RunError> {
        let wrong = |text: &str| Ok(Err((ErrorKind::ValueValidation, text.to_owned())));
        if let Some(owner) = &self.user_name
            && looks_like_access_key_id(owner.as_str())
            && let Some(id) = self.access_key_id.first()
            && !looks_like_access_key_id(id.as_str())
        {
            return wrong(SWAPPED);
        }
        if self.query.is_some() && self.output == Some(Format::Table) {
            return wrong(
                "--query chooses from an object, which a table has not: use --output json or text",
            );
        }
        if self.aws.generate_cli_skeleton == Some(Skeleton::Input) {
            return Ok(Ok(()));
        }
        if let Some(source) = &self.aws.cli_input_json {
            let filled = source
                .text()?
                .and_then(|text| fill(&text, &mut self.access_key_id, &mut self.user_name));
            if let Err(text) = filled {
                return wrong(&text);
            }
            if self.find_user && self.user_name.is_some() {
                return wrong(
                    "--cli-input-json names the UserName, which --find-user asks for: give one of them",
                );
            }
        }
        let is_named = !self.access_key_id.is_empty();
        if is_named || self.from.is_some() || self.all_keys || self.whole_account {
            return Ok(Ok(()));
        }
        let text = match self.aws.cli_input_json {
            Some(_) => "--cli-input-json has no AccessKeyId, and there is no --access-key-id",
            None => {
                "--generate-cli-skeleton output checks the arguments, and there is no --access-key-id"
            }
        };
        Ok(Err((ErrorKind::MissingRequiredArgument, text.to_owned())))
    }

    /// The skeleton that is printed instead of doing anything.
    pub(crate) fn skeleton(&self) -> Option<&'static str> {
        self.aws.generate_cli_skeleton.map(Skeleton::text)
    }
}

#[cfg(test)]
#[path = "../../tests/generated.rs"]
mod generated;
