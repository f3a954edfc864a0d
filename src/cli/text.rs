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
  iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run
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

/// What they end with.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
    0  every key asked for is gone (with --ignore-missing: or was already), or inactive with
       --deactivate; a dry run was shown; nothing matched
    1  anything not below: an unlisted service error; no usable answer, and the key is still
       there; a result, a list or a journal that could not be written
    2  the arguments or the input are wrong (nothing was contacted), or IAM says so
       (ValidationError, MalformedInput)
    3  NoSuchEntity: no such key, or it is another user's
    4  LimitExceeded
    5  ServiceFailure, InternalFailure, ServiceUnavailable after all retries
    6  AccessDenied, from IAM or STS
    7  credentials or configuration: none, expired, invalid, no such profile, bad CA bundle
    8  still throttled after all retries
    9  IAM or STS could not be reached, or something else answered; the key is not deleted
   10  unknown: the request was sent, now or by an earlier run, and no usable answer came
   11  refused: a condition does not hold, the key signs the request itself, it is another account
       than --expect-account, another run has the journal, more keys match than --max-keys, or the
       answer to the question was not yes
   12  several keys with different results; the same result for all gives that result's status
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM";
