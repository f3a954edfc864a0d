
use builtin;
use str;

set edit:completion:arg-completer[iam-del-key] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'iam-del-key'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'iam-del-key'= {
            cand --access-key-id 'ID of a key; repeat the option for several keys'
            cand --user-name 'Owner of the keys (default: the calling user)'
            cand --from 'Keys in a file (IDs, CSV or JSON); - means stdin'
            cand --unused-for 'Not used for AGE, such as 90d, 2w or 12h'
            cand --older-than 'Created at least AGE ago'
            cand --except-user 'Its owner does not match GLOB (ci-*)'
            cand --except-tag 'Its owner does not have this tag (team=ops)'
            cand --path-prefix 'Its owner is under PATH, such as /ci/'
            cand --expect-account 'Stop unless this is the account (12 digits)'
            cand --max-keys 'Stop if more than N keys match'
            cand --jobs 'Number of keys to process at the same time'
            cand --journal 'Record each step in FILE, and resume from it'
            cand --profile 'Use this profile and no other source'
            cand --role-arn 'Assume this role first'
            cand --role-name 'Assume this role in the account of the key'
            cand --target-principal 'Act on the root user of this account'
            cand --external-id 'External ID that the trust policy of the role requires'
            cand --role-session-name 'Name of the session of the role'
            cand --serial-number 'MFA device that the role requires'
            cand --token-code 'Current code of the MFA device, 6 digits'
            cand --region 'Region, which selects the partition'
            cand --endpoint-url 'Send requests to this URL instead of AWS'
            cand --ca-bundle 'PEM file of the certificate authorities to trust'
            cand --cli-connect-timeout 'Seconds to wait for a connection [default: 5]'
            cand --cli-read-timeout 'Seconds to wait for each response [default: 15]'
            cand --timeout 'Maximum number of seconds to spend on each key'
            cand --output 'Output format'
            cand --query 'Select parts of each result'
            cand --error-format 'Format of messages on standard error'
            cand --color 'When to use colors'
            cand --cli-input-json 'Key and owner as a JSON object'
            cand --generate-cli-skeleton 'Print a template for --cli-input-json'
            cand --find-user 'Look up the owner of each key'
            cand --all-keys 'Every key of --user-name or --target-principal'
            cand --whole-account 'Every user''s keys; needs a status or age condition'
            cand --only-inactive 'Its status is Inactive'
            cand --deactivate 'Set keys to Inactive instead of deleting them'
            cand --reactivate 'Set keys to Active again: undo --deactivate'
            cand -n 'Show what would happen; change nothing'
            cand --dry-run 'Show what would happen; change nothing'
            cand -i 'Ask for confirmation before changing anything'
            cand --interactive 'Ask for confirmation before changing anything'
            cand -y 'Do not ask for confirmation'
            cand --yes 'Do not ask for confirmation'
            cand --ignore-missing 'Succeed if a key no longer exists (like rm -f)'
            cand --allow-self 'Allow deleting your own credentials'
            cand --fail-fast 'Stop after the first failure'
            cand --response-metadata 'Fill ResponseMetadata as boto3 does'
            cand -q 'Print only errors, and warnings about keys'
            cand --quiet 'Print only errors, and warnings about keys'
            cand -v 'Explain each step on standard error'
            cand --verbose 'Explain each step on standard error'
            cand --debug 'Also print requests and responses, without secrets'
            cand -h 'Print help: a summary with -h, everything with --help'
            cand --help 'Print help: a summary with -h, everything with --help'
            cand -V 'Print the version'
            cand --version 'Print the version'
        }
    ]
    $completions[$command]
}
