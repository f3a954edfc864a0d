#!/bin/sh
# Sweeps one account.
#
#   sh account.sh --dry-run ACCOUNT    writes the stale keys to ACCOUNT.plan
#   sh account.sh --yes ACCOUNT        deletes those of them that are still stale, and no other key
set -eu
mode=$1 account=$2
sweep() {
  iam-del-key --role-arn "arn:aws:iam::$account:role/sweep" --expect-account "$account" --unused-for 90d --output json "$@"
}
case $mode in
--dry-run)
  rm -f "$account.plan"
  sweep --whole-account --dry-run > "$account.found"
  jq -c 'select(.Outcome == "WouldDelete")' "$account.found" > "$account.plan"
  ;;
--yes) sweep --from "$account.plan" --ignore-missing --yes --journal "$account.journal" >> "$account.out" ;;
*) echo "--dry-run or --yes, not $mode" >&2 && exit 2 ;;
esac
