//! Options of the AWS CLI: those that work, those without effect, and those that are rejected with an alternative.

use clap::builder::{
    OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser,
};
use clap::{ArgAction, Args, ValueEnum, ValueHint};

use super::cli_input_json::argument;
use crate::error::RunError;

/// The template that the AWS CLI prints.
const SKELETON: &str = "\
{
    \"UserName\": \"\",
    \"AccessKeyId\": \"\"
}
";

const NO_YAML: &str = "YAML is not supported: use input, and --cli-input-json";

/// Options of the AWS CLI.
#[derive(Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
#[command(next_help_heading = "AWS CLI")]
pub(crate) struct Aws {
    /// Key and owner as a JSON object
    ///
    /// An object with AccessKeyId and UserName, or file://PATH. Options take precedence over its members.
    #[arg(long, value_name = "JSON", group = "keys", value_parser = argument())]
    #[arg(value_hint = ValueHint::Other)]
    #[arg(conflicts_with_all = ["from", "all_keys", "whole_account"])]
    pub(crate) cli_input_json: Option<String>,

    /// Print a template for --cli-input-json
    ///
    /// With output, print nothing, as the AWS CLI does. No request is sent.
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "input")]
    #[arg(group = "keys", value_parser = accept_except::<Skeleton>(&["yaml-input"], NO_YAML))]
    pub(super) generate_cli_skeleton: Option<Skeleton>,

    // Accepted without effect.
    #[arg(long, hide = true, action = ArgAction::Count)]
    no_cli_pager: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    no_paginate: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    no_cli_auto_prompt: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    v2_debug: u8,
    #[arg(long, hide = true, value_name = "FORMAT", action = ArgAction::Append)]
    #[arg(value_parser = ["base64", "raw-in-base64-out"])]
    cli_binary_format: Vec<String>,

    // Always rejected.
    #[arg(long, hide = true, num_args = 0, default_missing_value = "")]
    #[arg(value_parser = reject("without verification another server could receive the request; to trust your own certificate authority, use --ca-bundle FILE"))]
    no_verify_ssl: Option<String>,
    #[arg(long, hide = true, num_args = 0, default_missing_value = "")]
    #[arg(value_parser = reject("IAM accepts only signed requests; to select credentials, use --profile NAME"))]
    no_sign_request: Option<String>,
    #[arg(long, hide = true, num_args = 0, default_missing_value = "")]
    #[arg(value_parser = reject("there are no prompts for options: see --help; for a question before anything is changed, use --interactive"))]
    cli_auto_prompt: Option<String>,
    #[arg(long, hide = true, value_name = "YAML")]
    #[arg(value_parser = reject("YAML is not supported: use --cli-input-json"))]
    cli_input_yaml: Option<String>,
}

/// What `--generate-cli-skeleton` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Skeleton {
    Input,
    Output,
}

impl Skeleton {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Output => "",
            Self::Input => SKELETON,
        }
    }
}

/// Rejects every value of an option.
fn reject(reason: &'static str) -> ValueParser {
    let refuse = move |_| Err::<String, RunError>(RunError::usage(reason));
    ValueParser::new(OsStringValueParser::new().try_map(refuse))
}

/// Parses a value of `T`. The values in `refused`, which the AWS CLI accepts, are rejected with a reason.
pub(super) fn accept_except<T: ValueEnum + Clone + Send + Sync + 'static>(
    refused: &'static [&'static str],
    reason: &'static str,
) -> impl TypedValueParser<Value = T> {
    let taken = T::value_variants().iter();
    let refused = refused
        .iter()
        .map(|name| PossibleValue::new(*name).hide(true));
    let values = taken.filter_map(T::to_possible_value).chain(refused);
    PossibleValuesParser::new(values)
        .try_map(move |name| T::from_str(&name, false).map_err(|_| RunError::usage(reason)))
}
