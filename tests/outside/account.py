"""An account on an independent server, set up and inspected with boto3."""

from itertools import count

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from program import Ended, Program

REGION = "us-east-1"
# The administrator of the sandbox. The other servers do not check the secret.
ADMIN = {
    "AWS_ACCESS_KEY_ID": "AKIARZPUZDIKGB2VALC4",
    "AWS_SECRET_ACCESS_KEY": "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",
}
NUMBERS = count(1)


def client(service: str, url: str, session: dict[str, str] | None = None) -> BaseClient:
    """A client with the administrator's key or a session's credentials."""
    given = session or {"AccessKeyId": ADMIN["AWS_ACCESS_KEY_ID"], "SecretAccessKey": ADMIN["AWS_SECRET_ACCESS_KEY"]}
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given.get("SessionToken"),
    )


class Account:
    def __init__(self, server: str, url: str, session: dict[str, str] | None = None) -> None:
        self.server = server
        self.environment = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, **ADMIN}
        self.iam = client("iam", url, session)
        self.sts = client("sts", url, session)
        caller = self.sts.get_caller_identity()
        self.id, self.arn = caller["Account"], caller["Arn"]

    def user(self, keys: int = 1, path: str = "/") -> tuple[str, list[str]]:
        """Creates a user with this many keys."""
        name = f"user+{next(NUMBERS)}=,.@-_"
        self.iam.create_user(UserName=name, Path=path)
        return name, [self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"] for _ in range(keys)]

    def keys(self) -> set[str]:
        listed = set()
        for users in self.iam.get_paginator("list_users").paginate():
            for user in users["Users"]:
                answer = self.iam.list_access_keys(UserName=user["UserName"])
                listed |= {key["AccessKeyId"] for key in answer["AccessKeyMetadata"]}
        return listed

    def owner_of(self, key: str) -> str:
        """The account that STS returns for a key, or else this account."""
        try:
            return self.sts.get_access_key_info(AccessKeyId=key)["Account"]
        except ClientError:
            return self.id

    def run(self, program: Program, *options: str) -> tuple[Ended, set[str]]:
        """Runs the program with the administrator's key. Returns its result and the keys that it deleted."""
        before = self.keys()
        ended = program.run(*options, environment=self.environment)
        return ended, before - self.keys()
