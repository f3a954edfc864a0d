
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'iam-del-key' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'iam-del-key'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'iam-del-key' {
            [CompletionResult]::new('--access-key-id', '--access-key-id', [CompletionResultType]::ParameterName, 'The access key to delete: 16 to 128 of A-Z, a-z, 0-9 and _; repeat it for several')
            [CompletionResult]::new('--user-name', '--user-name', [CompletionResultType]::ParameterName, 'Its owner: 1 to 128 of A-Z, a-z, 0-9 and _+=,.@-')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Keys from a file, - for standard input: IDs, CSV, JSON, or the JSON that this tool prints')
            [CompletionResult]::new('--unused-for', '--unused-for', [CompletionResultType]::ParameterName, 'Only if it was not used for AGE, such as 45d, 2w or 12h; never used counts from its creation')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Only if it was created AGE ago or longer')
            [CompletionResult]::new('--except-user', '--except-user', [CompletionResultType]::ParameterName, 'Only if its owner is not GLOB, such as ci-*; repeatable; without case, as IAM compares names')
            [CompletionResult]::new('--except-tag', '--except-tag', [CompletionResultType]::ParameterName, 'Skip users with this tag, such as team or team=ops; ignores case; repeatable')
            [CompletionResult]::new('--path-prefix', '--path-prefix', [CompletionResultType]::ParameterName, 'Only users under PATH, such as /ci/; with --whole-account')
            [CompletionResult]::new('--expect-account', '--expect-account', [CompletionResultType]::ParameterName, 'Refuse unless the credentials belong to this account, 12 digits; asks STS before anything else')
            [CompletionResult]::new('--max-keys', '--max-keys', [CompletionResultType]::ParameterName, 'Refuse if more than N keys match, before anything is changed')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many keys are under way at a time; IAM''s own pace is kept whatever it is')
            [CompletionResult]::new('--journal', '--journal', [CompletionResultType]::ParameterName, 'Record each step in FILE, and go on from there in a later run with the same FILE')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format [default: table on a terminal, json otherwise]')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'A JMESPath expression: what of each object --output json or text prints')
            [CompletionResult]::new('--error-format', '--error-format', [CompletionResultType]::ParameterName, 'What standard error gets: json is one object a line')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When messages are coloured')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The profile whose credentials and settings to use; it beats AWS_ACCESS_KEY_ID')
            [CompletionResult]::new('--role-arn', '--role-arn', [CompletionResultType]::ParameterName, 'Assume this role with the credentials found, and act in its account')
            [CompletionResult]::new('--external-id', '--external-id', [CompletionResultType]::ParameterName, 'The external ID that the trust policy of --role-arn requires')
            [CompletionResult]::new('--role-session-name', '--role-session-name', [CompletionResultType]::ParameterName, 'The name of the role''s session [default: iam-del-key- and the Unix time]')
            [CompletionResult]::new('--serial-number', '--serial-number', [CompletionResultType]::ParameterName, 'The MFA device for --role-arn: its ARN, or the serial number of a hardware device')
            [CompletionResult]::new('--token-code', '--token-code', [CompletionResultType]::ParameterName, 'The current code of the MFA device, 6 digits; without it the terminal asks')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region, which chooses the partition (IAM itself is global)')
            [CompletionResult]::new('--endpoint-url', '--endpoint-url', [CompletionResultType]::ParameterName, 'Another address for IAM')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'A PEM file of the certificate authorities to trust')
            [CompletionResult]::new('--cli-connect-timeout', '--cli-connect-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for a connection; 0: only --timeout limits it [default: 5]')
            [CompletionResult]::new('--cli-read-timeout', '--cli-read-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for each reply; 0: only --timeout limits it [default: 15]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Seconds for the whole of one key, retries and checks included; credentials have as long again')
            [CompletionResult]::new('--cli-input-json', '--cli-input-json', [CompletionResultType]::ParameterName, 'AccessKeyId and UserName as a JSON object, or file://PATH of one; options beat its members')
            [CompletionResult]::new('--generate-cli-skeleton', '--generate-cli-skeleton', [CompletionResultType]::ParameterName, 'Print what --cli-input-json takes, or nothing for output, as the AWS CLI does; contacts nothing')
            [CompletionResult]::new('--find-user', '--find-user', [CompletionResultType]::ParameterName, 'Ask IAM whose key it is, instead of being told')
            [CompletionResult]::new('--all-keys', '--all-keys', [CompletionResultType]::ParameterName, 'Every key of --user-name')
            [CompletionResult]::new('--whole-account', '--whole-account', [CompletionResultType]::ParameterName, 'Every key of every user of the account; needs a condition on the key')
            [CompletionResult]::new('--only-inactive', '--only-inactive', [CompletionResultType]::ParameterName, 'Only if its status is Inactive')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Read, decide and print what would happen; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Read, decide and print what would happen; change nothing')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Show what is known of the keys and ask before they go; needs a terminal')
            [CompletionResult]::new('--interactive', '--interactive', [CompletionResultType]::ParameterName, 'Show what is known of the keys and ask before they go; needs a terminal')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask; only --all-keys and --whole-account ask by themselves')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask; only --all-keys and --whole-account ask by themselves')
            [CompletionResult]::new('--deactivate', '--deactivate', [CompletionResultType]::ParameterName, 'Make the keys Inactive instead of deleting them, and print how to undo it')
            [CompletionResult]::new('--ignore-missing', '--ignore-missing', [CompletionResultType]::ParameterName, 'Succeed if the key no longer exists (like rm -f)')
            [CompletionResult]::new('--allow-self', '--allow-self', [CompletionResultType]::ParameterName, 'Allow deleting the very key that signs the request')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Begin no further key after the first that is not changed; up to --jobs are under way by then')
            [CompletionResult]::new('--response-metadata', '--response-metadata', [CompletionResultType]::ParameterName, 'Fill ResponseMetadata with what boto3 puts there: request ID, status, headers, retries')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors, and warnings about the state of a key')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors, and warnings about the state of a key')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what was chosen and how each attempt went')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what was chosen and how each attempt went')
            [CompletionResult]::new('--debug', '--debug', [CompletionResultType]::ParameterName, 'Tell more than --verbose: requests and replies, without any secret')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help: -h for the short of it, --help for all of it')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help: -h for the short of it, --help for all of it')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print the version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print the version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
