"""Users under a path, and users with a tag, on servers that are not ours."""

import boto3
from deletion import REGION, SIGNER, Account
from program import Program
from tally import Tally

SWEEP = ("--whole-account", "--only-inactive", "--yes", "--expect-account")
PATHS = {"build": "/ci/", "deploy": "/ci/aws/", "robot": "/cicd/", "person": "/"}
# The quota, which takes more than one page where a page has fewer.
TAGS = 50
# moto's lists of keys do not say whether they continue, so no sweep takes them for complete.
INCOMPLETE = ["IsTruncated is missing"]


def check(tally: Tally, server: str, url: str, program: Program) -> None:
    iam = Account(url).iam
    signer = {"aws_access_key_id": SIGNER["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": SIGNER["AWS_SECRET_ACCESS_KEY"]}
    sts = boto3.client("sts", endpoint_url=url, region_name=REGION, **signer)
    sweep = (*SWEEP, sts.get_caller_identity()["Account"], "--path-prefix")
    environment = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, **SIGNER}
    keys = {}
    for name, path in PATHS.items():
        iam.create_user(UserName=name, Path=path)
        keys[name] = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        iam.update_access_key(UserName=name, AccessKeyId=keys[name], Status="Inactive")
    iam.tag_user(UserName="deploy", Tags=[{"Key": f"tag-{n:02}", "Value": "x"} for n in range(TAGS - 1)])
    iam.tag_user(UserName="deploy", Tags=[{"Key": "Team", "Value": "Ops"}])

    def deleted(*options: str) -> tuple[int, list[str]]:
        """The exit status of a run, and the users whose keys it deletes, or the error that ends it."""
        before = Account(url).keys()
        ended = program.run(*options, environment=environment)
        gone = before - Account(url).keys()
        incomplete = [error for error in INCOMPLETE if error in ended.stderr]
        return ended.status, incomplete or sorted(name for name, key in keys.items() if key in gone)

    def same(case: str, status: int, expected: list[str], *options: str) -> None:
        tally.same(f"{server}: {case}", {"deleted": (status, expected)}, {"deleted": deleted(*options)})

    key = ("--access-key-id", keys["deploy"], "--user-name", "deploy", "--except-tag")
    same("a tag", 11, [], *key, "TEAM=ops")
    same("the key of a tag", 11, [], *key, "team")
    incomplete = INCOMPLETE if server == "moto" else None
    failed = 1 if incomplete else 0
    same("a path, without a tag", failed, incomplete or ["build"], *sweep, "/ci/", "--except-tag", "team=OPS")
    same("a path", failed, incomplete or ["deploy"], *sweep, "/ci/")
    if incomplete:
        same("another tag", 0, ["deploy"], *key, "team=web")
    same("a path that no user has", 0, [], *sweep, "/c/")
