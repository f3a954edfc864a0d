# shellcheck shell=bash
# A leaked access key: find its owner, deactivate it, see what it did, end its sessions, and delete it.
# Load this file with `. ./leaked_key.sh` in bash, then run `leaked_key`. It asks before each change.
leaked_key() {
  local id owner used region answer now
  printf 'access key ID: ' && read -r id
  iam-del-key --access-key-id "$id" --find-user --dry-run --output table || return
  IFS=$'\t' read -r owner used <<< "$(iam-del-key --access-key-id "$id" --find-user --dry-run \
    --query '[UserName, LastUsedRegion]' --output text 2> /dev/null)"

  printf 'deactivate it? [y/N] ' && read -r answer
  [ "$answer" = y ] || return 1
  iam-del-key --access-key-id "$id" --find-user --deactivate --output off || return

  echo 'What it did in the last 90 days, in us-east-1 and where it was used last:'
  for region in $(printf '%s\n' us-east-1 "$used" | grep -E '^[a-z-]+-[0-9]$' | sort -u); do
    aws cloudtrail lookup-events --region "$region" --max-items 50 \
      --lookup-attributes "AttributeKey=AccessKeyId,AttributeValue=$id" \
      --query 'Events[].[EventTime, EventSource, EventName]' --output text
  done

  printf "end %s's sessions? They outlive the key. [y/N] " "$owner" && read -r answer
  if [ "$answer" = y ]; then
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    aws iam put-user-policy --user-name "$owner" --policy-name "end-sessions-$id" --policy-document '{
      "Version": "2012-10-17",
      "Statement": {
        "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": { "DateLessThan": { "aws:TokenIssueTime": "'"$now"'" } }
      }
    }' || return
  fi

  iam-del-key --access-key-id "$id" --find-user --only-inactive --interactive --output json
}
