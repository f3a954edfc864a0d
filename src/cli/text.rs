//! The texts of the help that stand before and behind the options.

/// The ways to name keys that are looked for in help; the AWS CLI's JSON is one more.
pub(super) const USAGE: &str =
    "iam-del-key [OPTIONS] <--access-key-id <ID>|--from <FILE>|--all-keys|--whole-account>";

/// What `--help` and the man page begin with.
pub(super) const EXAMPLES: &str = "\
Examples:
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob
      delete Bob's key; prints {\"ResponseMetadata\":{}}
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE
      delete a key of the user whose own key signs the request
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob --ignore-missing
      the same in a pipeline that may run twice
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run --output table
      a leaked key: whose is it, what was it used for, what would happen
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --deactivate
      switch it off, which can be undone
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob --only-inactive --unused-for 45d
      delete a key only if it is switched off and nobody missed it
  iam-del-key --whole-account --unused-for 90d --dry-run > plan.jsonl
      the whole account: which keys did nobody use for 90 days
  iam-del-key --from plan.jsonl --unused-for 90d --journal done.jsonl
      delete what the plan has left after review, and go on where a run was cut off";

/// What `-h` has room for.
pub(super) const SHORT_EXAMPLES: &str = "\
Examples:
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run
  iam-del-key --whole-account --unused-for 90d --dry-run > plan.jsonl
  iam-del-key --from plan.jsonl --unused-for 90d --journal done.jsonl";

/// The order of the help: what it is, what to type, and then the rest.
pub(super) const HELP: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// What `--help` ends with.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
    0  Every requested key is deleted (or already gone, with --ignore-missing),
       or inactive with --deactivate; a dry run; nothing matched. With --from,
       --all-keys and --whole-account, skipped keys count as success. A dry run
       is 0 unless a key could not be found or read.
    1  Anything not listed below: an unlisted service error, a key that still
       exists although IAM sent no usable response, or a result, list or
       journal that could not be written.
    2  The arguments or the input are invalid (nothing was contacted), or IAM
       says so (ValidationError, MalformedInput).
    3  NoSuchEntity: no such key, or it belongs to another user.
    4  LimitExceeded.
    5  ServiceFailure, InternalFailure, ServiceUnavailable after all retries.
    6  AccessDenied, from IAM or STS.
    7  Credentials or configuration: none, expired, invalid, unknown profile,
       bad CA bundle, no valid MFA code.
    8  Still throttled after all retries.
    9  IAM or STS could not be reached, or the response to a read was not
       theirs. The key is not deleted.
   10  Unknown: the request was sent, by this run or an earlier one, and no
       usable response arrived.
   11  Refused: the key belongs to your own credentials, a key named with
       --access-key-id does not meet a condition, the account is not the
       expected one, another run uses the journal, or the answer to the
       question was not yes.
   12  Several keys with different results. If all results are the same, the
       status is that result's.
  129, 130, 143  Ended by SIGHUP, SIGINT, SIGTERM.";
