#!/bin/sh
# Does the same as sweep.sh --yes with GNU parallel, which logs the statuses. Run it again to retry the accounts that failed.
set -eu
grep -v '^#' accounts | parallel --jobs 8 --colsep ' ' --joblog statuses --resume-failed \
  'iam-del-key --profile {1} --expect-account {2} --whole-account --unused-for 90d --yes --journal {1}.jsonl \
    --output json > {1}.out 2> {1}.err'
