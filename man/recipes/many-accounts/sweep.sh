#!/bin/sh
# Deletes the stale keys of every account in the file `accounts`, eight accounts at a time.
#
#   sh sweep.sh --dry-run    shows what would be deleted
#   sh sweep.sh --yes        deletes it; run it again to resume
#
# Prints an exit status for each profile. Results are in PROFILE.out, messages in PROFILE.err.
set -eu
case ${1-} in
--dry-run | --yes) ;;
*) echo "usage: sh sweep.sh --dry-run|--yes" >&2 && exit 2 ;;
esac
# The inner shell replaces the variables:
# shellcheck disable=SC2016
grep -v '^#' accounts | xargs -P 8 -L 1 sh -c '
  status=0
  iam-del-key --profile "$2" --expect-account "$3" --whole-account --unused-for 90d "$1" --journal "$2.jsonl" \
    --output json > "$2.out" 2> "$2.err" || status=$?
  echo "$status $2"' sweep "$1"
