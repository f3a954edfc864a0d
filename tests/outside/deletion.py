"""The main job on a server that is not ours: what the program says, and what the server then has."""

import json
import re
from base64 import b32decode
from typing import NamedTuple

import boto3
from program import Program
from tally import Tally

REGION = "us-east-1"
SIGNER = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-checked-by-these-servers"}
DELETED = '{"ResponseMetadata":{}}\n'
UNKNOWN = "AKIAUNKNOWNUNKNOWN00"

# ministack does not look at the user name: it deletes the key whoever owns it.
WHOEVER_OWNS_IT = {"status": 0, "gone": True, "says": False}
# Where a server is not like IAM: (server, case) to what comes of it instead.
DEVIATIONS: dict[tuple[str, str], dict[str, object]] = {
    ("ministack", "another user's key"): WHOEVER_OWNS_IT,
    ("ministack", "a user that nobody is"): WHOEVER_OWNS_IT,
}


class Account:
    """Users and keys of one server, made and asked for with boto3."""

    def __init__(self, url: str) -> None:
        self.iam = boto3.client(
            "iam",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=SIGNER["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=SIGNER["AWS_SECRET_ACCESS_KEY"],
        )
        self.users = 0

    def user(self, keys: int = 1) -> tuple[str, list[str]]:
        """A new user with so many keys."""
        self.users += 1
        name = f"user+{self.users}=,.@-_"
        self.iam.create_user(UserName=name)
        return name, [self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"] for _ in range(keys)]

    def keys(self) -> set[str]:
        listed = set()
        for users in self.iam.get_paginator("list_users").paginate():
            for user in users["Users"]:
                answer = self.iam.list_access_keys(UserName=user["UserName"])
                listed |= {key["AccessKeyId"] for key in answer["AccessKeyMetadata"]}
        return listed


class Case(NamedTuple):
    name: str
    key: str
    user: str
    options: tuple[str, ...]
    status: int
    stdout: str | None
    gone: bool


def check(tally: Tally, server: str, url: str, program: Program) -> None:
    account = Account(url)
    environment = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, **SIGNER}
    stale = {case for name, case in DEVIATIONS if name == server}
    for case in cases(account):
        before = account.keys()
        ended = program.run("--access-key-id", case.key, "--user-name", case.user, *case.options, environment=environment)
        gone = before - account.keys()
        expected = {"status": case.status, "gone": case.gone, "others gone": set()}
        got = {"status": ended.status, "gone": case.key in gone, "others gone": gone - {case.key}}
        if case.stdout is not None:
            expected["stdout"], got["stdout"] = case.stdout, ended.stdout
        if case.status == 3:
            expected["says"], got["says"] = True, sentence(ended.stderr)
        elif case.gone:
            expected["stderr"], got["stderr"] = "", ended.stderr
        stale.discard(case.name)
        tally.same(f"{server}: {case.name}", expected | DEVIATIONS.get((server, case.name), {}), got)
    tally.same(f"{server}: each deviation was met", {"stale": set()}, {"stale": stale})
    response_metadata(tally, server, account, program, environment)


def sentence(stderr: str) -> bool:
    """Whether the AWS CLI's sentence stands there."""
    return "An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: " in stderr


def cases(account: Account) -> list[Case]:
    bob, (bobs, sibling) = account.user(keys=2)
    alice, (alices,) = account.user()
    carol, (carols,) = account.user()
    account.iam.update_access_key(UserName=carol, AccessKeyId=carols, Status="Inactive")
    dave, (daves, other) = account.user(keys=2)
    return [
        Case("a key of two", bobs, bob, (), 0, DELETED, gone=True),
        Case("the same key again", bobs, bob, (), 3, None, gone=False),
        Case("the same key again, when that is fine", bobs, bob, ("--ignore-missing",), 0, None, gone=False),
        Case("another user's key", alices, bob, (), 3, None, gone=False),
        Case("a key that nobody has", UNKNOWN, bob, (), 3, None, gone=False),
        Case("a user that nobody is", sibling, "nobody", (), 3, None, gone=False),
        Case("a usage error", "short", bob, (), 2, "", gone=False),
        Case("an inactive key", carols, carol, (), 0, DELETED, gone=True),
        Case("as text", daves, dave, ("--output", "text"), 0, as_text(daves, dave), gone=True),
        Case("without output", other, dave, ("--output", "off"), 0, "", gone=True),
    ]


def as_text(key: str, user: str) -> str:
    return "\t".join([key, user, "Deleted", *[""] * 6, account_in(key), ""]) + "\n"


def account_in(key: str) -> str:
    """The account that a key's ID encodes, where it does: 40 bits of the ten bytes that its last 16 characters are."""
    if not re.fullmatch("[A-Z0-9]{4}[Q-Z2-7][A-Z2-7]{15}", key):
        return ""
    head = int.from_bytes(b32decode(key[4:])[:6], "big")
    return f"{(head & 0x7FFFFFFFFF80) >> 7:012}"


def response_metadata(tally: Tally, server: str, account: Account, program: Program, environment: dict[str, str]) -> None:
    user, (key,) = account.user()
    options = ("--access-key-id", key, "--user-name", user, "--response-metadata")
    ended = program.run(*options, environment=environment)
    metadata = json.loads(ended.stdout)["ResponseMetadata"] if ended.status == 0 else {}
    got = {name: type(value).__name__ for name, value in metadata.items()}
    expected = {"RequestId": "str", "HTTPStatusCode": "int", "HTTPHeaders": "dict", "RetryAttempts": "int"}
    tally.same(f"{server}: what boto3 returns", expected, got)
    tally.same(f"{server}: and its key is gone", {"there": False}, {"there": key in account.keys()})
