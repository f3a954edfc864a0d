//! The command line: flags and their help, and the one crossing to a `Request`. Asks neither the
//! environment nor the network.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};

use crate::ident::{AccessKeyId, IdentError, UserName, looks_like_access_key_id, shown};
use crate::request::{
    Color, Connection, Format, Key, Metadata, Missing, Request, SigningKey, Verbosity,
};

const EXAMPLES: &str = "\
Examples:
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob
      delete Bob's key; prints {\"ResponseMetadata\":{}}
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE
      delete a key of the user whose own key signs the request
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob --ignore-missing
      the same in a pipeline that may run twice";

const EXIT_STATUS: &str = "\
Exit status:
    0  the key is gone (with --ignore-missing: or was already)
    1  anything not below: an unlisted service error, a result that could not be written
    2  the arguments are wrong (nothing was contacted), or IAM says so (ValidationError)
    3  NoSuchEntity: no such key, or it is another user's
    4  LimitExceeded
    5  ServiceFailure, InternalFailure, ServiceUnavailable after all retries
    6  AccessDenied
    7  credentials or configuration: none, expired, invalid, no such profile, bad CA bundle
    8  still throttled after all retries
    9  IAM could not be reached; the request was never sent; the key is surely not deleted
   10  unknown: the request was sent and no usable answer came
   11  refused: the key signs the request itself (see --allow-self)
  130, 143  ended by SIGINT, SIGTERM";

/// Delete an AWS IAM access key, and say exactly what is known of it
///
/// Deleting cannot be undone. One call to IAM when nothing goes wrong; when an answer is lost, the tool
/// looks before it says whether the key is gone.
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
#[command(disable_help_flag = true, disable_version_flag = true)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_STATUS}"))]
pub(crate) struct Cli {
    /// The access key to delete: 16 to 128 of A-Z, a-z, 0-9 and _
    #[arg(long, value_name = "ID", required = true, value_parser = access_key_id())]
    #[arg(help_heading = "Which key")]
    access_key_id: AccessKeyId,

    /// Its owner: 1 to 128 of A-Z, a-z, 0-9 and _+=,.@-
    ///
    /// Without it IAM takes the user whose key signs the request. The root user, roles and SSO sessions
    /// have to name the owner.
    #[arg(long, value_name = "NAME", value_parser = user_name())]
    #[arg(help_heading = "Which key")]
    user_name: Option<UserName>,

    /// Take a key that is already gone for success, as rm -f does
    ///
    /// A key that IAM cannot find because it is another user's, or whose ID encodes another account, is
    /// not gone and stays an error.
    #[arg(long, help_heading = "Safety")]
    ignore_missing: bool,

    /// Allow deleting the very key that signs the request
    #[arg(long, help_heading = "Safety")]
    allow_self: bool,

    /// What standard output gets
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = OutputArg::Json, help_heading = "Output")]
    output: OutputArg,

    /// Fill ResponseMetadata with what boto3 puts there: request ID, status, headers, retries
    #[arg(long, help_heading = "Output")]
    response_metadata: bool,

    /// Tell on standard error what was chosen and how each attempt went
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// Tell more than --verbose: requests and replies, without any secret
    #[arg(long, help_heading = "Output")]
    debug: bool,

    /// When messages are coloured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorArg::Auto, help_heading = "Output")]
    color: ColorArg,

    /// The profile whose credentials and settings to use; it beats AWS_ACCESS_KEY_ID
    #[arg(long, value_name = "NAME", help_heading = "AWS")]
    profile: Option<String>,

    /// The region, which chooses the partition (IAM itself is global)
    #[arg(long, value_name = "REGION", help_heading = "AWS")]
    region: Option<String>,

    /// Another address for IAM
    #[arg(long, value_name = "URL", help_heading = "AWS")]
    endpoint_url: Option<String>,

    /// A PEM file of the certificate authorities to trust
    #[arg(long, value_name = "FILE", help_heading = "AWS")]
    ca_bundle: Option<PathBuf>,

    /// Seconds to wait for a connection; 0: only --timeout limits it [default: 5]
    #[arg(
        long = "cli-connect-timeout",
        value_name = "SECONDS",
        help_heading = "AWS"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=86_400))]
    connect_timeout: Option<u64>,

    /// Seconds to wait for each reply; 0: only --timeout limits it [default: 15]
    #[arg(
        long = "cli-read-timeout",
        value_name = "SECONDS",
        help_heading = "AWS"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=86_400))]
    read_timeout: Option<u64>,

    /// Seconds for the whole of it, retries and checks included; credentials have as long again
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[arg(default_value_t = 60, help_heading = "AWS")]
    timeout: u64,

    /// Print help: -h for the short of it, --help for all of it
    #[arg(short, long, action = ArgAction::Help, help_heading = "Other")]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Other")]
    version: Option<bool>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
enum OutputArg {
    /// One JSON object a line
    Json,
    /// Columns between tabs, for cut: AccessKeyId, UserName, Outcome, code
    Text,
    /// Nothing
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
enum ColorArg {
    /// Always
    On,
    /// Never
    Off,
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    Auto,
}

fn access_key_id() -> ValueParser {
    ValueParser::new(OsStringValueParser::new().try_map(|value| AccessKeyId::parse(&value)))
}

fn user_name() -> ValueParser {
    ValueParser::new(OsStringValueParser::new().try_map(|value| UserName::parse(&value)))
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// Wrong arguments, and the texts of `--help` and `--version`, as clap has them; every foreign text
    /// in them is fit to be shown.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let mut command = Self::command();
        let cli = command
            .try_get_matches_from_mut(&args)
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| fit_to_show(error, &args, &mut command))?;
        if let Some(owner) = &cli.user_name
            && looks_like_access_key_id(owner.as_str())
            && !looks_like_access_key_id(cli.access_key_id.as_str())
        {
            return Err(command.error(ErrorKind::ValueValidation, SWAPPED));
        }
        Ok(cli)
    }

    /// The crossing from what was typed to what will be done.
    pub(crate) fn into_request(self) -> Request {
        Request {
            key: Key {
                id: self.access_key_id,
                user_name: self.user_name,
            },
            missing: if self.ignore_missing {
                Missing::Succeeds
            } else {
                Missing::Fails
            },
            signing_key: if self.allow_self {
                SigningKey::Allowed
            } else {
                SigningKey::Guarded
            },
            limit: Duration::from_secs(self.timeout),
            connection: Connection {
                profile: self.profile,
                region: self.region,
                endpoint_url: self.endpoint_url,
                ca_bundle: self.ca_bundle,
                connect_timeout: self.connect_timeout.map(Duration::from_secs),
                read_timeout: self.read_timeout.map(Duration::from_secs),
            },
            format: match self.output {
                OutputArg::Json if self.response_metadata => Format::Json(Metadata::Filled),
                OutputArg::Json => Format::Json(Metadata::Empty),
                OutputArg::Text => Format::Text,
                OutputArg::Off => Format::Off,
            },
            verbosity: match (self.debug, self.verbose) {
                (true, _) => Verbosity::Debug,
                (false, true) => Verbosity::Verbose,
                (false, false) => Verbosity::Normal,
            },
            color: match self.color {
                ColorArg::On => Color::On,
                ColorArg::Off => Color::Off,
                ColorArg::Auto => Color::Auto,
            },
        }
    }
}

const SWAPPED: &str =
    "--access-key-id and --user-name look swapped: the access key ID is in --user-name";

/// Makes every foreign text in an error safe to show, and says so when two options are swapped.
fn fit_to_show(
    mut error: clap::Error,
    args: &[OsString],
    command: &mut clap::Command,
) -> clap::Error {
    let ident =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<IdentError>());
    let value = ident.map(|ident| ident.shown.clone());
    if ident.is_some() && error_is_of(&error, "--access-key-id") && is_swapped(args) {
        return command.error(ErrorKind::ValueValidation, SWAPPED);
    }
    let foreign: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, context)| match (kind, context) {
            (
                ContextKind::InvalidValue
                | ContextKind::InvalidArg
                | ContextKind::InvalidSubcommand,
                ContextValue::String(text),
            ) => Some((kind, ContextValue::String(shown(OsStr::new(text))))),
            _ => None,
        })
        .collect();
    for (kind, context) in foreign {
        error.insert(kind, context);
    }
    if let Some(value) = value {
        error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    }
    error
}

fn error_is_of(error: &clap::Error, option: &str) -> bool {
    matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if arg.starts_with(option))
}

fn is_swapped(args: &[OsString]) -> bool {
    let values = args.iter().zip(args.iter().skip(1));
    let apart = values
        .filter(|(name, _)| *name == "--user-name")
        .map(|(_, value)| value.to_str());
    let joined = args
        .iter()
        .map(|arg| arg.to_str()?.strip_prefix("--user-name="));
    apart.chain(joined).flatten().any(looks_like_access_key_id)
}

#[cfg(test)]
#[path = "../tests/generated.rs"]
mod generated;
