#!/bin/sh
# Sweeps the accounts in the file `accounts`, eight at a time, and prints an exit status for each.
#
#   sh list.sh               writes `accounts`. Remove the lines of accounts to leave alone.
#   sh sweep.sh --dry-run    writes the stale keys to ACCOUNT.plan. Remove the lines of keys to keep.
#   sh sweep.sh --yes        deletes the keys in the plans that are still stale. Run it again to resume.
#
# Messages are in ACCOUNT.err. Use a new folder for each sweep.
set -eu
mode=${1:?--dry-run or --yes}
# The inner shell replaces the variables:
# shellcheck disable=SC2016
awk '/^[0-9]/ { print $1 }' accounts | xargs -r -P 8 -n 1 sh -c '
  status=0
  sh account.sh "$1" "$2" 2> "$2.err" || status=$?
  echo "$status $2"' sweep "$mode"
