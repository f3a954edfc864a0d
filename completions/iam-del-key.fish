complete -c iam-del-key -l access-key-id -d 'The access key to delete: 16 to 128 of A-Z, a-z, 0-9 and _; repeat it for several' -r -f
complete -c iam-del-key -l user-name -d 'Its owner: 1 to 128 of A-Z, a-z, 0-9 and _+=,.@-' -r -f
complete -c iam-del-key -l from -d 'Keys from a file, - for standard input: IDs, CSV, JSON, or the JSON that this tool prints' -r -F
complete -c iam-del-key -l unused-for -d 'Only if it was not used for AGE, such as 45d, 2w or 12h; never used counts from its creation' -r -f
complete -c iam-del-key -l older-than -d 'Only if it was created AGE ago or longer' -r -f
complete -c iam-del-key -l except-user -d 'Only if its owner is not GLOB, such as ci-*; repeatable; without case, as IAM compares names' -r -f
complete -c iam-del-key -l except-tag -d 'Skip users with this tag, such as team or team=ops; ignores case; repeatable' -r -f
complete -c iam-del-key -l path-prefix -d 'Only users under PATH, such as /ci/; with --whole-account' -r -f
complete -c iam-del-key -l expect-account -d 'Refuse unless the credentials belong to this account, 12 digits; asks STS before anything else' -r -f
complete -c iam-del-key -l max-keys -d 'Refuse if more than N keys match, before anything is changed' -r -f
complete -c iam-del-key -l jobs -d 'How many keys are under way at a time; IAM\'s own pace is kept whatever it is' -r -f
complete -c iam-del-key -l journal -d 'Record each step in FILE, and go on from there in a later run with the same FILE' -r -F
complete -c iam-del-key -l output -d 'Output format [default: table on a terminal, json otherwise]' -r -f -a "json\t'One JSON object per line'
text\t'Tab-separated columns for cut: AccessKeyId, UserName, Outcome, error code, Status, CreateDate, LastUsedDate, LastUsedService, LastUsedRegion, AccountId, Reason'
table\t'One line per key, as wide as the terminal, with ages'
off\t'Nothing'"
complete -c iam-del-key -l query -d 'A JMESPath expression: what of each object --output json or text prints' -r -f
complete -c iam-del-key -l error-format -d 'What standard error gets: json is one object a line' -r -f -a "text\t'Lines for people, with the AWS CLI\'s sentence'
json\t'One JSON object a line'"
complete -c iam-del-key -l color -d 'When messages are coloured' -r -f -a "on\t'Always'
off\t'Never'
auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'"
complete -c iam-del-key -l profile -d 'The profile whose credentials and settings to use; it beats AWS_ACCESS_KEY_ID' -r -f
complete -c iam-del-key -l role-arn -d 'Assume this role with the credentials found, and act in its account' -r -f
complete -c iam-del-key -l external-id -d 'The external ID that the trust policy of --role-arn requires' -r -f
complete -c iam-del-key -l role-session-name -d 'The name of the role\'s session [default: iam-del-key- and the Unix time]' -r -f
complete -c iam-del-key -l serial-number -d 'The MFA device for --role-arn: its ARN, or the serial number of a hardware device' -r -f
complete -c iam-del-key -l token-code -d 'The current code of the MFA device, 6 digits; without it the terminal asks' -r -f
complete -c iam-del-key -l region -d 'The region, which chooses the partition (IAM itself is global)' -r -f
complete -c iam-del-key -l endpoint-url -d 'Another address for IAM' -r -f
complete -c iam-del-key -l ca-bundle -d 'A PEM file of the certificate authorities to trust' -r -F
complete -c iam-del-key -l cli-connect-timeout -d 'Seconds to wait for a connection; 0: only --timeout limits it [default: 5]' -r -f
complete -c iam-del-key -l cli-read-timeout -d 'Seconds to wait for each reply; 0: only --timeout limits it [default: 15]' -r -f
complete -c iam-del-key -l timeout -d 'Seconds for the whole of one key, retries and checks included; credentials have as long again' -r -f
complete -c iam-del-key -l cli-input-json -d 'AccessKeyId and UserName as a JSON object, or file://PATH of one; options beat its members' -r -f
complete -c iam-del-key -l generate-cli-skeleton -d 'Print what --cli-input-json takes, or nothing for output, as the AWS CLI does; contacts nothing' -r -f -a "input\t''
output\t''"
complete -c iam-del-key -l find-user -d 'Ask IAM whose key it is, instead of being told'
complete -c iam-del-key -l all-keys -d 'Every key of --user-name'
complete -c iam-del-key -l whole-account -d 'Every key of every user of the account; needs a condition on the key'
complete -c iam-del-key -l only-inactive -d 'Only if its status is Inactive'
complete -c iam-del-key -s n -l dry-run -d 'Read, decide and print what would happen; change nothing'
complete -c iam-del-key -s i -l interactive -d 'Show what is known of the keys and ask before they go; needs a terminal'
complete -c iam-del-key -s y -l yes -d 'Do not ask; only --all-keys and --whole-account ask by themselves'
complete -c iam-del-key -l deactivate -d 'Make the keys Inactive instead of deleting them, and print how to undo it'
complete -c iam-del-key -l ignore-missing -d 'Succeed if the key no longer exists (like rm -f)'
complete -c iam-del-key -l allow-self -d 'Allow deleting the very key that signs the request'
complete -c iam-del-key -l fail-fast -d 'Begin no further key after the first that is not changed; up to --jobs are under way by then'
complete -c iam-del-key -l response-metadata -d 'Fill ResponseMetadata with what boto3 puts there: request ID, status, headers, retries'
complete -c iam-del-key -s q -l quiet -d 'Print only errors, and warnings about the state of a key'
complete -c iam-del-key -s v -l verbose -d 'Tell on standard error what was chosen and how each attempt went'
complete -c iam-del-key -l debug -d 'Tell more than --verbose: requests and replies, without any secret'
complete -c iam-del-key -s h -l help -d 'Print help: -h for the short of it, --help for all of it'
complete -c iam-del-key -s V -l version -d 'Print the version'
