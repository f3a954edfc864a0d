"""Deletions on independent servers: the program's output, and the keys that remain on the server."""

import json
import re
from base64 import b32decode

import pytest
from account import Account
from program import Program

DELETED = '{"ResponseMetadata":{}}\n'
NOT_FOUND = "An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: "
# ministack ignores the user name, and deletes the key of any owner.
IGNORES_OWNER = {"another user's key", "a user that nobody is"}


def named(key: str, user: str) -> tuple[str, ...]:
    return "--access-key-id", key, "--user-name", user


@pytest.mark.parametrize("status", ["Active", "Inactive"])
def test_one_of_two_keys_is_deleted(account: Account, program: Program, status: str) -> None:
    user, (key, _) = account.user(keys=2)
    account.iam.update_access_key(UserName=user, AccessKeyId=key, Status=status)
    assert account.run(program, *named(key, user)) == ((0, DELETED, ""), {key})


def test_a_deleted_key_is_printed_as_text(account: Account, program: Program) -> None:
    user, (key,) = account.user()
    row = "\t".join([key, user, "Deleted", *[""] * 6, account_in(key), ""]) + "\n"
    assert account.run(program, *named(key, user), "--output", "text") == ((0, row, ""), {key})


def test_nothing_is_printed_without_output(account: Account, program: Program) -> None:
    user, (key,) = account.user()
    assert account.run(program, *named(key, user), "--output", "off") == ((0, "", ""), {key})


@pytest.mark.parametrize(
    "case", ["the same key again", "another user's key", "a key that nobody has", "a user that nobody is"]
)
def test_a_key_is_not_found(account: Account, program: Program, case: str) -> None:
    (user, (key,)), (other, _) = account.user(), account.user()
    if case == "the same key again":
        account.iam.delete_access_key(UserName=user, AccessKeyId=key)
    key = "AKIAUNKNOWNUNKNOWN00" if case == "a key that nobody has" else key
    user = {"another user's key": other, "a user that nobody is": "nobody"}.get(case, user)
    ended, gone = account.run(program, *named(key, user))
    if account.server == "ministack" and case in IGNORES_OWNER:
        assert (ended.status, NOT_FOUND in ended.stderr, gone) == (0, False, {key})
    else:
        assert (ended.status, NOT_FOUND in ended.stderr, gone) == (3, True, set())


def test_a_missing_key_can_be_ignored(account: Account, program: Program) -> None:
    user, (key,) = account.user()
    account.iam.delete_access_key(UserName=user, AccessKeyId=key)
    ended, gone = account.run(program, *named(key, user), "--ignore-missing")
    # ministack's IDs are random, and its STS decodes an account from many of them. A missing key of another account is not a
    # success, but a valid account has 12 digits.
    theirs = account_in(key) or account.owner_of(key)
    is_ours = theirs == account.id or len(theirs) != 12
    assert (ended.status, gone) == (0 if is_ours else 3, set())


def test_a_usage_error_deletes_nothing(account: Account, program: Program) -> None:
    user, _ = account.user()
    ended, gone = account.run(program, *named("short", user))
    assert (ended.status, ended.stdout, gone) == (2, "", set())


def test_the_metadata_of_a_response_is_what_boto3_returns(account: Account, program: Program) -> None:
    user, (key,) = account.user()
    ended, gone = account.run(program, *named(key, user), "--response-metadata")
    metadata = json.loads(ended.stdout)["ResponseMetadata"]
    kinds = {"RequestId": str, "HTTPStatusCode": int, "HTTPHeaders": dict, "RetryAttempts": int}
    assert {name: type(value) for name, value in metadata.items()} == kinds
    assert (ended.status, gone) == (0, {key})


def account_in(key: str) -> str:
    """The account in a key's ID, if any: 40 bits of the ten bytes that the last 16 characters encode."""
    if not re.fullmatch("[A-Z0-9]{4}[Q-Z2-7][A-Z2-7]{15}", key):
        return ""
    head = int.from_bytes(b32decode(key[4:])[:6], "big")
    return f"{(head & 0x7FFFFFFFFF80) >> 7:012}"
