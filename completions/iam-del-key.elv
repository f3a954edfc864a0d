
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
            cand --access-key-id 'The access key to delete: 16 to 128 of A-Z, a-z, 0-9 and _; repeat it for several'
            cand --user-name 'Its owner: 1 to 128 of A-Z, a-z, 0-9 and _+=,.@-'
            cand --from 'Keys from a file, - for standard input: IDs, CSV, JSON, or the JSON that this tool prints'
            cand --unused-for 'Only if it was not used for AGE, such as 45d, 2w or 12h; never used counts from its creation'
            cand --older-than 'Only if it was created AGE ago or longer'
            cand --except-user 'Only if its owner is not GLOB, such as ci-*; repeatable; without case, as IAM compares names'
            cand --except-tag 'Skip users with this tag, such as team or team=ops; ignores case; repeatable'
            cand --path-prefix 'Only users under PATH, such as /ci/; with --whole-account'
            cand --expect-account 'Refuse unless the credentials belong to this account, 12 digits; asks STS before anything else'
            cand --max-keys 'Refuse if more than N keys match, before anything is changed'
            cand --jobs 'How many keys are under way at a time; IAM''s own pace is kept whatever it is'
            cand --journal 'Record each step in FILE, and go on from there in a later run with the same FILE'
            cand --output 'Output format [default: table on a terminal, json otherwise]'
            cand --query 'A JMESPath expression: what of each object --output json or text prints'
            cand --error-format 'What standard error gets: json is one object a line'
            cand --color 'When messages are coloured'
            cand --profile 'The profile whose credentials and settings to use; it beats AWS_ACCESS_KEY_ID'
            cand --role-arn 'Assume this role with the credentials found, and act in its account'
            cand --external-id 'The external ID that the trust policy of --role-arn requires'
            cand --role-session-name 'The name of the role''s session [default: iam-del-key- and the Unix time]'
            cand --serial-number 'The MFA device for --role-arn: its ARN, or the serial number of a hardware device'
            cand --token-code 'The current code of the MFA device, 6 digits; without it the terminal asks'
            cand --region 'The region, which chooses the partition (IAM itself is global)'
            cand --endpoint-url 'Another address for IAM'
            cand --ca-bundle 'A PEM file of the certificate authorities to trust'
            cand --cli-connect-timeout 'Seconds to wait for a connection; 0: only --timeout limits it [default: 5]'
            cand --cli-read-timeout 'Seconds to wait for each reply; 0: only --timeout limits it [default: 15]'
            cand --timeout 'Seconds for the whole of one key, retries and checks included; credentials have as long again'
            cand --cli-input-json 'AccessKeyId and UserName as a JSON object, or file://PATH of one; options beat its members'
            cand --generate-cli-skeleton 'Print what --cli-input-json takes, or nothing for output, as the AWS CLI does; contacts nothing'
            cand --find-user 'Ask IAM whose key it is, instead of being told'
            cand --all-keys 'Every key of --user-name'
            cand --whole-account 'Every key of every user of the account; needs a condition on the key'
            cand --only-inactive 'Only if its status is Inactive'
            cand -n 'Read, decide and print what would happen; change nothing'
            cand --dry-run 'Read, decide and print what would happen; change nothing'
            cand -i 'Show what is known of the keys and ask before they go; needs a terminal'
            cand --interactive 'Show what is known of the keys and ask before they go; needs a terminal'
            cand -y 'Do not ask; only --all-keys and --whole-account ask by themselves'
            cand --yes 'Do not ask; only --all-keys and --whole-account ask by themselves'
            cand --deactivate 'Make the keys Inactive instead of deleting them, and print how to undo it'
            cand --ignore-missing 'Succeed if the key no longer exists (like rm -f)'
            cand --allow-self 'Allow deleting the very key that signs the request'
            cand --fail-fast 'Begin no further key after the first that is not changed; up to --jobs are under way by then'
            cand --response-metadata 'Fill ResponseMetadata with what boto3 puts there: request ID, status, headers, retries'
            cand -q 'Print only errors, and warnings about the state of a key'
            cand --quiet 'Print only errors, and warnings about the state of a key'
            cand -v 'Tell on standard error what was chosen and how each attempt went'
            cand --verbose 'Tell on standard error what was chosen and how each attempt went'
            cand --debug 'Tell more than --verbose: requests and replies, without any secret'
            cand -h 'Print help: -h for the short of it, --help for all of it'
            cand --help 'Print help: -h for the short of it, --help for all of it'
            cand -V 'Print the version'
            cand --version 'Print the version'
        }
    ]
    $completions[$command]
}
