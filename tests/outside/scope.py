"""Users under a path, and users with a tag, on servers that are not ours."""

from deletion import REGION, SIGNER, Account
from program import Program
from tally import Tally

PATHS = {"build": "/ci/", "deploy": "/ci/aws/", "robot": "/cicd/", "person": "/"}
# The quota, which takes more than one page where a page has fewer.
TAGS = 50
# moto's lists of keys do not say whether they continue, so no sweep takes them for complete.
INCOMPLETE = ["IsTruncated is missing"]
USAGE = 2


def check(tally: Tally, server: str, url: str, program: Program) -> None:
    iam = Account(url).iam
    environment = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, **SIGNER}
    keys = {}
    for name, path in PATHS.items():
        arn = iam.create_user(UserName=name, Path=path)["User"]["Arn"]
        keys[name] = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        iam.update_access_key(UserName=name, AccessKeyId=keys[name], Status="Inactive")
    iam.tag_user(UserName="deploy", Tags=[{"Key": f"tag-{n:02}", "Value": "x"} for n in range(TAGS - 1)])
    iam.tag_user(UserName="deploy", Tags=[{"Key": "Team", "Value": "Ops"}])
    account = arn.split(":")[4]
    sweep = ("--whole-account", "--only-inactive", "--yes", "--expect-account", account, "--path-prefix")

    def deleted(*options: str) -> list[str]:
        """The users whose keys a run deletes, or the error that ends it."""
        before = Account(url).keys()
        ended = program.run(*options, environment=environment)
        gone = before - Account(url).keys()
        errors = [error for error in INCOMPLETE if error in ended.stderr]
        # A usage error deletes nothing either.
        errors += [ended.stderr] if ended.status == USAGE else []
        return errors or sorted(name for name, key in keys.items() if key in gone)

    def same(case: str, expected: list[str], *options: str) -> None:
        tally.same(f"{server}: {case}", {"deleted": expected}, {"deleted": deleted(*options)})

    key = ("--access-key-id", keys["deploy"], "--user-name", "deploy", "--except-tag")
    same("a tag", [], *key, "TEAM=ops")
    same("the key of a tag", [], *key, "team")
    incomplete = INCOMPLETE if server == "moto" else None
    same("a path, without a tag", incomplete or ["build"], *sweep, "/ci/", "--except-tag", "team=OPS")
    same("a path", incomplete or ["deploy"], *sweep, "/ci/")
    if incomplete:
        same("another tag", ["deploy"], *key, "team=web")
    same("a path that no user has", [], *sweep, "/c/")
