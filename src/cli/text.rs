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
pub(super) const EXAMPLES: &str = "\
Examples:
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob
      delete Bob's key; prints {\"ResponseMetadata\":{}}
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob --ignore-missing
      the same in a pipeline that may run twice
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE
      delete one of your own keys, but not the one in use
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run
      a leaked key: who owns it, when it was last used, what would happen
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --deactivate
      deactivate it, which can be undone
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --role-name Responder --find-user --deactivate
      deactivate a leaked key of an unknown account: it is looked up, and you confirm it
  iam-del-key --target-principal 123456789012 --all-keys
      delete the keys of the root user of a member account
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --unused-for 45d
      delete a key only if nobody has used it for 45 days
  iam-del-key --whole-account --unused-for 90d --dry-run > plan.jsonl
      list the keys of the account that nobody has used for 90 days
  iam-del-key --from plan.jsonl --unused-for 90d --journal done.jsonl
      after a review, delete the keys that are left in the list; run it again to resume";

/// What `-h` has room for.
pub(super) const SHORT_EXAMPLES: &str = "\
Examples:
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run
  iam-del-key --whole-account --unused-for 90d --dry-run > plan.jsonl";

/// What `-h` ends with.
pub(super) const MORE: &str = "--help explains these and all other options, and the exit status.";

/// The order of the help: what it is, what to type, and then the rest.
pub(super) const HELP: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// What `--help` ends with.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
    0  Every requested key is deleted (or already gone, with --ignore-missing),
       inactive with --deactivate, or active with --reactivate; a dry run;
       nothing matched. With --from, --all-keys and --whole-account, skipped
       keys count as success. A dry run exits with 0 unless a key could not be
       found or read.
    1  Anything not listed below: an unlisted service error, a response from
       IAM that could not be used, for a key that still exists, or a result,
       list or journal that could not be written.
    2  The arguments or the input are invalid, or confirmation was required but
       standard error is not a terminal and --yes is missing (in both cases no
       request was sent); or IAM rejected the request (ValidationError,
       MalformedInput).
    3  NoSuchEntity: no such key, or it belongs to another user.
    4  LimitExceeded.
    5  ServiceFailure, InternalFailure or ServiceUnavailable after all retries.
       The change may still take effect: see the result line.
    6  AccessDenied, from IAM or STS.
    7  Credentials or configuration: none, expired, invalid, unknown profile,
       bad CA bundle, no valid MFA code.
    8  Still throttled after all retries.
    9  IAM or STS could not be reached, or something else responded to a read.
       The key is not deleted.
   10  Unknown: the request was sent, by this run or an earlier one, and no
       usable response arrived.
   11  Refused: the key belongs to your own credentials, a key named with
       --access-key-id does not meet a condition, more keys match than
       --max-keys allows, the account is not the expected one or nobody
       confirmed it, the keys of --role-name belong to several accounts,
       another run uses the journal, or you did not confirm (then the status
       is 11 even if some keys could not be read).
   12  Several keys with different results. If all results are the same, the
       exit status is the one of that result.
  129, 130, 143  Ended by SIGHUP, SIGINT, SIGTERM.";
