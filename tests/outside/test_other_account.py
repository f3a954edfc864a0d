"""Several accounts: a role by name in the account that moto returns for a key, and the root user of a member account, whose
session boto3 uses as this program does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from account import Account, client
from botocore.exceptions import ClientError
from program import Program
from sandbox import Sandbox

OWN, MEMBER = "123456789012", "210987654321"
ROLE = f"arn:aws:iam::{MEMBER}:role/Responder"
POLICY = "arn:aws:iam::aws:policy/root-task/IAM{}RootUserCredentials"
OF_ROOT = ("--target-principal", MEMBER, "--all-keys")
BY_NAME = ("--role-name", "Responder")
DELETED = '{"ResponseMetadata":{}}\n'
NO_SUCH_ENTITY, REFUSED = 3, 11


@pytest.fixture(scope="session")
def own(moto: str) -> Account:
    return Account("moto", moto)


@pytest.fixture(scope="session")
def member(moto: str) -> Account:
    session = client("sts", moto).assume_role(RoleArn=ROLE, RoleSessionName="setup")["Credentials"]
    return Account("moto", moto, session)


def test_a_key_in_an_unconfirmed_account_is_refused(member: Account, program: Program) -> None:
    _, (key,) = member.user()
    ended, gone = member.run(program, "--access-key-id", key, "--find-user", *BY_NAME)
    assert (ended.status, gone) == (REFUSED, set())


def test_a_role_is_assumed_by_name(member: Account, program: Program) -> None:
    _, (key, _) = member.user(keys=2)
    ended, gone = member.run(program, "--access-key-id", key, "--find-user", *BY_NAME, "--expect-account", MEMBER)
    assert (ended.status, gone) == (0, {key})


def test_a_role_is_assumed_by_name_in_the_own_account(own: Account, program: Program) -> None:
    user, (key,) = own.user()
    ended, gone = own.run(program, "--access-key-id", key, "--user-name", user, *BY_NAME)
    assert (ended.status, gone) == (0, {key})


def test_a_hint_names_the_account_of_a_key(member: Account, program: Program) -> None:
    user, (key,) = member.user()
    ended, gone = member.run(program, "--access-key-id", key, "--user-name", user)
    assert (ended.status, gone) == (NO_SUCH_ENTITY, set())
    assert f"the key belongs to account {MEMBER}, but your credentials belong to account {OWN}" in ended.stderr


def test_a_role_of_another_account_is_assumed(member: Account, program: Program) -> None:
    user, (key,) = member.user()
    ended, gone = member.run(program, "--access-key-id", key, "--user-name", user, "--role-arn", ROLE)
    assert (ended.status, ended.stdout, gone) == (0, DELETED, {key})


Rooted = Callable[[str], Account]


@pytest.fixture
def rooted(binaries: Path) -> Iterator[Rooted]:
    """Opens a session of the member account's root user for a task, with boto3."""
    with Sandbox(binaries, "--other-account", MEMBER) as sandbox:
        url = sandbox.description["url"]

        def account(task: str) -> Account:
            policy = {"arn": POLICY.format(task)}
            answer = client("sts", url).assume_root(TargetPrincipal=MEMBER, TaskPolicyArn=policy)
            return Account("sandbox", url, answer["Credentials"])

        yield account


def keys(root: Account) -> list[str]:
    return [key["AccessKeyId"] for key in root.iam.list_access_keys()["AccessKeyMetadata"]]


def test_the_session_of_assume_root_belongs_to_the_root_user(rooted: Rooted) -> None:
    assert rooted("Audit").arn == f"arn:aws:iam::{MEMBER}:root"


def test_the_audit_policy_deletes_nothing(rooted: Rooted) -> None:
    root = rooted("Audit")
    (key,) = keys(root)
    with pytest.raises(ClientError, match="AccessDenied"):
        root.iam.delete_access_key(AccessKeyId=key)


def test_the_keys_of_the_root_user_are_those_that_boto3_lists(rooted: Rooted, program: Program) -> None:
    root = rooted("Audit")
    shown = program.run(*OF_ROOT, "--dry-run", environment=root.environment)
    assert (shown.status, [json.loads(line)["AccessKeyId"] for line in shown.stdout.splitlines()]) == (0, keys(root))
    assert len(keys(root)) == 1


def test_boto3_lists_no_key_of_the_root_user_when_they_are_deleted(rooted: Rooted, program: Program) -> None:
    root = rooted("Delete")
    deleted = program.run(*OF_ROOT, "--yes", environment=root.environment)
    assert (deleted.status, keys(root)) == (0, [])
