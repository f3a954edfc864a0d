#!/bin/sh
# Writes the active accounts of the organization to the file `accounts`: an ID and a name per line.
# Remove the lines of the accounts to leave alone. No other account is swept.
set -eu
all=$(aws organizations list-accounts --output json)
# `State` replaced `Status` in 2026.
active=$(printf '%s\n' "$all" | jq -r '.Accounts[]
  | select((.State // .Status // error("\(.Id) has no State: update the AWS CLI")) == "ACTIVE")
  | "\(.Id) \(.Name)"')
printf '%s\n' "$active" > accounts
