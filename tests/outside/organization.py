"""Several accounts: a role by name in the account that moto says a key belongs to, and the root user of a member account,
whose session boto3 understands as this program does."""

import json
from pathlib import Path

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from program import Program
from server import MOTO, Server, serving
from tally import Tally

OWN, MEMBER = "123456789012", "210987654321"
REGION = "us-east-1"
# The administrator of the sandbox. moto does not look at the secret.
ADMIN = {
    "AWS_ACCESS_KEY_ID": "AKIARZPUZDIKGB2VALC4",
    "AWS_SECRET_ACCESS_KEY": "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",
}
POLICY = "arn:aws:iam::aws:policy/root-task/IAM{}RootUserCredentials"
DELETED = '{"ResponseMetadata":{}}\n'
NO_SUCH_ENTITY, REFUSED = 3, 11


def check(tally: Tally, binary: Path, scratch: Path) -> None:
    program = Program(binary, scratch)
    with serving(MOTO, scratch) as url:
        roles(tally, url, program)
    words = ["serve", "--port", "{port}", "--other-account", MEMBER]
    sandbox = Server("sandbox", [str(binary.parent / "iam-sandbox"), *words], {})
    with serving(sandbox, scratch) as url:
        root(tally, url, program)


def client(service: str, url: str, credentials: dict[str, str] | None = None) -> BaseClient:
    """With the administrator's key, or a session's."""
    given = credentials or {"AccessKeyId": ADMIN["AWS_ACCESS_KEY_ID"], "SecretAccessKey": ADMIN["AWS_SECRET_ACCESS_KEY"]}
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given.get("SessionToken"),
    )


def roles(tally: Tally, url: str, program: Program) -> None:
    environment = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, **ADMIN}
    role = f"arn:aws:iam::{MEMBER}:role/Responder"
    session = client("sts", url).assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    theirs, ours = client("iam", url, session), client("iam", url)
    for iam, user in ((theirs, "carol"), (ours, "carol"), (ours, "dave")):
        iam.create_user(UserName=user)
    keys = [theirs.create_access_key(UserName="carol")["AccessKey"]["AccessKeyId"] for _ in range(2)]
    own = ours.create_access_key(UserName="dave")["AccessKey"]["AccessKeyId"]

    def run(key: str, *more: str) -> dict[str, object]:
        named = ("--access-key-id", key, *more)
        ended = program.run(*named, "--role-name", "Responder", environment=environment)
        listed = theirs.list_access_keys(UserName="carol")["AccessKeyMetadata"]
        return {"status": ended.status, "left": len(listed)}

    expected = {"status": REFUSED, "left": 2}
    tally.same("moto: a key of an account that nobody confirms", expected, run(keys[0], "--find-user"))
    expected = {"status": 0, "left": 1}
    tally.same("moto: a role by name", expected, run(keys[0], "--find-user", "--expect-account", MEMBER))
    tally.same("moto: a role by name in one's own account", {"status": 0, "left": 1}, run(own, "--user-name", "dave"))
    deleting = ("--access-key-id", keys[1], "--user-name", "carol")
    missing = program.run(*deleting, environment=environment)
    hint = f"the key belongs to account {MEMBER}, but your credentials belong to account {OWN}"
    expected, got = {"status": NO_SUCH_ENTITY, "hint": True}, {"status": missing.status, "hint": hint in missing.stderr}
    tally.same("moto: a hint names the account of a key", expected, got)
    ended = program.run(*deleting, "--role-arn", role, environment=environment)
    expected, got = {"status": 0, "stdout": DELETED}, {"status": ended.status, "stdout": ended.stdout}
    tally.same("moto: a role of another account", expected, got)


def root(tally: Tally, url: str, program: Program) -> None:
    environment = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, **ADMIN}

    def session(task: str) -> dict[str, str]:
        policy = {"arn": POLICY.format(task)}
        answer = client("sts", url).assume_root(TargetPrincipal=MEMBER, TaskPolicyArn=policy)
        return answer["Credentials"]

    audit = session("Audit")
    identity = client("sts", url, audit).get_caller_identity()
    tally.same("boto3: whose session AssumeRoot gives", {"arn": f"arn:aws:iam::{MEMBER}:root"}, {"arn": identity["Arn"]})
    listed = client("iam", url, audit).list_access_keys()["AccessKeyMetadata"]
    key = listed[0]["AccessKeyId"]
    code = ""
    try:
        client("iam", url, audit).delete_access_key(AccessKeyId=key)
    except ClientError as error:
        code = error.response["Error"]["Code"]
    tally.same("boto3: the audit policy deletes nothing", {"code": "AccessDenied"}, {"code": code})
    of_root = ("--target-principal", MEMBER, "--all-keys")
    shown = program.run(*of_root, "--dry-run", environment=environment)
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    got = {"status": shown.status, "keys": [row["AccessKeyId"] for row in rows]}
    tally.same("the root user's keys are those that boto3 lists", {"status": 0, "keys": [key]}, got)
    deleted = program.run(*of_root, "--yes", environment=environment)
    left = client("iam", url, session("Delete")).list_access_keys()["AccessKeyMetadata"]
    got = {"status": deleted.status, "left": left}
    tally.same("and boto3 lists none when they are deleted", {"status": 0, "left": []}, got)
