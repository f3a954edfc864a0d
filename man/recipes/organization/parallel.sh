#!/bin/sh
# Does the same as sweep.sh with GNU parallel, which logs the statuses. Run it again to retry the accounts that failed.
# The log refers to accounts by their position: if you edit `accounts` after a run, delete the log.
set -eu
mode=${1:?--dry-run or --yes}
awk '/^[0-9]/ { print $1 }' accounts |
  parallel --jobs 8 --joblog "statuses$mode" --resume-failed "sh account.sh $mode {} 2> {}.err"
