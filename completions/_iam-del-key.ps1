
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
            [CompletionResult]::new('--access-key-id', '--access-key-id', [CompletionResultType]::ParameterName, 'ID of a key; repeat the option for several keys')
            [CompletionResult]::new('--user-name', '--user-name', [CompletionResultType]::ParameterName, 'Owner of the keys (default: the calling user)')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Keys in a file (IDs, CSV or JSON); - means stdin')
            [CompletionResult]::new('--unused-for', '--unused-for', [CompletionResultType]::ParameterName, 'Not used for AGE, such as 90d, 2w or 12h')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Created at least AGE ago')
            [CompletionResult]::new('--except-user', '--except-user', [CompletionResultType]::ParameterName, 'Its owner does not match GLOB (ci-*)')
            [CompletionResult]::new('--except-tag', '--except-tag', [CompletionResultType]::ParameterName, 'Its owner does not have this tag (team=ops)')
            [CompletionResult]::new('--path-prefix', '--path-prefix', [CompletionResultType]::ParameterName, 'Its owner is under PATH, such as /ci/')
            [CompletionResult]::new('--expect-account', '--expect-account', [CompletionResultType]::ParameterName, 'Stop unless this is the account (12 digits)')
            [CompletionResult]::new('--max-keys', '--max-keys', [CompletionResultType]::ParameterName, 'Stop if more than N keys match')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Number of keys to process at the same time')
            [CompletionResult]::new('--journal', '--journal', [CompletionResultType]::ParameterName, 'Record each step in FILE, and resume from it')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile and no other source')
            [CompletionResult]::new('--role-arn', '--role-arn', [CompletionResultType]::ParameterName, 'Assume this role first')
            [CompletionResult]::new('--role-name', '--role-name', [CompletionResultType]::ParameterName, 'Assume this role in the account of the key')
            [CompletionResult]::new('--target-principal', '--target-principal', [CompletionResultType]::ParameterName, 'Act on the root user of this account')
            [CompletionResult]::new('--external-id', '--external-id', [CompletionResultType]::ParameterName, 'External ID that the trust policy of the role requires')
            [CompletionResult]::new('--role-session-name', '--role-session-name', [CompletionResultType]::ParameterName, 'Name of the session of the role')
            [CompletionResult]::new('--serial-number', '--serial-number', [CompletionResultType]::ParameterName, 'MFA device that the role requires')
            [CompletionResult]::new('--token-code', '--token-code', [CompletionResultType]::ParameterName, 'Current code of the MFA device, 6 digits')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Region, which selects the partition')
            [CompletionResult]::new('--endpoint-url', '--endpoint-url', [CompletionResultType]::ParameterName, 'Send requests to this URL instead of AWS')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'PEM file of the certificate authorities to trust')
            [CompletionResult]::new('--cli-connect-timeout', '--cli-connect-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for a connection [default: 5]')
            [CompletionResult]::new('--cli-read-timeout', '--cli-read-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for each response [default: 15]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Maximum number of seconds to spend on each key')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Select parts of each result')
            [CompletionResult]::new('--error-format', '--error-format', [CompletionResultType]::ParameterName, 'Format of messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--cli-input-json', '--cli-input-json', [CompletionResultType]::ParameterName, 'Key and owner as a JSON object')
            [CompletionResult]::new('--generate-cli-skeleton', '--generate-cli-skeleton', [CompletionResultType]::ParameterName, 'Print a template for --cli-input-json')
            [CompletionResult]::new('--find-user', '--find-user', [CompletionResultType]::ParameterName, 'Look up the owner of each key')
            [CompletionResult]::new('--all-keys', '--all-keys', [CompletionResultType]::ParameterName, 'Every key of --user-name or --target-principal')
            [CompletionResult]::new('--whole-account', '--whole-account', [CompletionResultType]::ParameterName, 'Every user''s keys; needs a status or age condition')
            [CompletionResult]::new('--only-inactive', '--only-inactive', [CompletionResultType]::ParameterName, 'Its status is Inactive')
            [CompletionResult]::new('--deactivate', '--deactivate', [CompletionResultType]::ParameterName, 'Set keys to Inactive instead of deleting them')
            [CompletionResult]::new('--reactivate', '--reactivate', [CompletionResultType]::ParameterName, 'Set keys to Active again: undo --deactivate')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would happen; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would happen; change nothing')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Ask for confirmation before changing anything')
            [CompletionResult]::new('--interactive', '--interactive', [CompletionResultType]::ParameterName, 'Ask for confirmation before changing anything')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('--ignore-missing', '--ignore-missing', [CompletionResultType]::ParameterName, 'Succeed if a key no longer exists (like rm -f)')
            [CompletionResult]::new('--allow-self', '--allow-self', [CompletionResultType]::ParameterName, 'Allow deleting your own credentials')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Stop after the first failure')
            [CompletionResult]::new('--response-metadata', '--response-metadata', [CompletionResultType]::ParameterName, 'Fill ResponseMetadata as boto3 does')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors, and warnings about keys')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors, and warnings about keys')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Explain each step on standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Explain each step on standard error')
            [CompletionResult]::new('--debug', '--debug', [CompletionResultType]::ParameterName, 'Also print requests and responses, without secrets')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help: a summary with -h, everything with --help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help: a summary with -h, everything with --help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print the version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print the version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
