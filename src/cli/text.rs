//! The texts of the help around the options, and which options the short help lists.

/// The sections of the help in the order in which they are typed.
pub(super) const USAGE: &str = "iam-del-key <WHICH KEYS> [ONLY IF] [ACTION] [OPTIONS]";

/// The options that `-h` lists: the most used ones, so that it fits on a screen. `--help` lists all.
pub(super) const MOST_USED: [&str; 25] = [
    "access-key-id",
    "user-name",
    "find-user",
    "from",
    "all-keys",
    "whole-account",
    "only-inactive",
    "unused-for",
    "older-than",
    "except-user",
    "except-tag",
    "deactivate",
    "reactivate",
    "dry-run",
    "interactive",
    "yes",
    "ignore-missing",
    "expect-account",
    "journal",
    "profile",
    "role-name",
    "target-principal",
    "output",
    "quiet",
    "verbose",
];

/// What `--help` and the man page begin with.
pub(super) const EXAMPLES: &str = include_str!("examples.txt");

/// What `-h` has room for.
pub(super) const SHORT_EXAMPLES: &str = include_str!("short-examples.txt");

/// What `-h` ends with.
pub(super) const MORE: &str = "--help explains these and all other options, and the exit status.";

/// The order of the help: what it is, what to type, and then the rest.
pub(super) const HELP: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// What `--help` ends with.
pub(super) const EXIT_STATUS: &str = include_str!("exit-status.txt");
