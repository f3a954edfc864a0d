complete -c iam-del-key -l access-key-id -d 'ID of a key; repeat the option for several keys' -r -f
complete -c iam-del-key -l user-name -d 'Owner of the keys (default: the calling user)' -r -f
complete -c iam-del-key -l from -d 'Keys in a file (IDs, CSV or JSON); - means stdin' -r -F
complete -c iam-del-key -l unused-for -d 'Not used for AGE, such as 90d, 2w or 12h' -r -f
complete -c iam-del-key -l older-than -d 'Created at least AGE ago' -r -f
complete -c iam-del-key -l except-user -d 'Its owner does not match GLOB (ci-*)' -r -f
complete -c iam-del-key -l except-tag -d 'Its owner does not have this tag (team=ops)' -r -f
complete -c iam-del-key -l path-prefix -d 'Its owner is under PATH, such as /ci/' -r -f
complete -c iam-del-key -l expect-account -d 'Stop unless this is the account (12 digits)' -r -f
complete -c iam-del-key -l max-keys -d 'Stop if more than N keys match' -r -f
complete -c iam-del-key -l jobs -d 'Number of keys to process at the same time' -r -f
complete -c iam-del-key -l journal -d 'Record each step in FILE, and resume from it' -r -F
complete -c iam-del-key -l profile -d 'Use this profile and no other source' -r -f
complete -c iam-del-key -l role-arn -d 'Assume this role first' -r -f
complete -c iam-del-key -l role-name -d 'Assume this role in the account of the key' -r -f
complete -c iam-del-key -l target-principal -d 'Act on the root user of this account' -r -f
complete -c iam-del-key -l external-id -d 'External ID that the trust policy of the role requires' -r -f
complete -c iam-del-key -l role-session-name -d 'Name of the session of the role' -r -f
complete -c iam-del-key -l serial-number -d 'MFA device that the role requires' -r -f
complete -c iam-del-key -l token-code -d 'Current code of the MFA device, 6 digits' -r -f
complete -c iam-del-key -l region -d 'Region, which selects the partition' -r -f
complete -c iam-del-key -l endpoint-url -d 'Send requests to this URL instead of AWS' -r -f
complete -c iam-del-key -l ca-bundle -d 'PEM file of the certificate authorities to trust' -r -F
complete -c iam-del-key -l cli-connect-timeout -d 'Seconds to wait for a connection [default: 5]' -r -f
complete -c iam-del-key -l cli-read-timeout -d 'Seconds to wait for each response [default: 15]' -r -f
complete -c iam-del-key -l timeout -d 'Maximum number of seconds to spend on each key' -r -f
complete -c iam-del-key -l output -d 'Output format' -r -f -a "json\t'One JSON object per line'
text\t'Tab-separated columns for cut: AccessKeyId, UserName, Outcome, error code, Status, CreateDate, LastUsedDate, LastUsedService, LastUsedRegion, AccountId, Reason'
table\t'One line per key, as wide as the terminal, with ages'
off\t'Nothing'"
complete -c iam-del-key -l query -d 'Select parts of each result' -r -f
complete -c iam-del-key -l error-format -d 'Format of messages on standard error' -r -f -a "text\t'Human-readable messages, worded as in the AWS CLI'
json\t'One JSON object per line'"
complete -c iam-del-key -l color -d 'When to use colors' -r -f -a "on\t'Always'
off\t'Never'
auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'"
complete -c iam-del-key -l cli-input-json -d 'Key and owner as a JSON object' -r -f
complete -c iam-del-key -l generate-cli-skeleton -d 'Print a template for --cli-input-json' -r -f -a "input\t''
output\t''"
complete -c iam-del-key -l find-user -d 'Look up the owner of each key'
complete -c iam-del-key -l all-keys -d 'Every key of --user-name or --target-principal'
complete -c iam-del-key -l whole-account -d 'Every user\'s keys; needs a status or age condition'
complete -c iam-del-key -l only-inactive -d 'Its status is Inactive'
complete -c iam-del-key -l deactivate -d 'Set keys to Inactive instead of deleting them'
complete -c iam-del-key -l reactivate -d 'Set keys to Active again: undo --deactivate'
complete -c iam-del-key -s n -l dry-run -d 'Show what would happen; change nothing'
complete -c iam-del-key -s i -l interactive -d 'Ask for confirmation before changing anything'
complete -c iam-del-key -s y -l yes -d 'Do not ask for confirmation'
complete -c iam-del-key -l ignore-missing -d 'Succeed if a key no longer exists (like rm -f)'
complete -c iam-del-key -l allow-self -d 'Allow deleting your own credentials'
complete -c iam-del-key -l fail-fast -d 'Stop after the first failure'
complete -c iam-del-key -l response-metadata -d 'Fill ResponseMetadata as boto3 does'
complete -c iam-del-key -s q -l quiet -d 'Print only errors, and warnings about keys'
complete -c iam-del-key -s v -l verbose -d 'Explain each step on standard error'
complete -c iam-del-key -l debug -d 'Also print requests and responses, without secrets'
complete -c iam-del-key -s h -l help -d 'Print help: a summary with -h, everything with --help'
complete -c iam-del-key -s V -l version -d 'Print the version'
