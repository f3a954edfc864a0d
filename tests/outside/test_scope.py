"""Users under a path and users with a tag, on independent servers."""

from pathlib import Path

import pytest
from account import Account
from program import Program

SWEEP = ("--whole-account", "--only-inactive", "--yes")
PATHS = {"build": "/ci/", "deploy": "/ci/aws/", "robot": "/cicd/", "person": "/"}
# The quota for tags, which is more than one page on some servers.
TAGS = 50


class Users:
    """Users with different paths, each with an inactive key. One of them has tags."""

    def __init__(self, account: Account, folder: str) -> None:
        self.folder = f"/{folder}"
        self.found = {name: account.user(path=self.folder + path) for name, path in PATHS.items()}
        for user, (key,) in self.found.values():
            account.iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
        deploy, _ = self.found["deploy"]
        account.iam.tag_user(UserName=deploy, Tags=[{"Key": f"tag-{n:02}", "Value": "x"} for n in range(TAGS - 1)])
        account.iam.tag_user(UserName=deploy, Tags=[{"Key": "Team", "Value": "Ops"}])

    def of(self, keys: set[str]) -> list[str]:
        """The owners of these keys."""
        return [name for name, (_, (key,)) in self.found.items() if key in keys]


@pytest.fixture
def users(account: Account, tmp_path: Path) -> Users:
    return Users(account, tmp_path.name)


@pytest.mark.parametrize(
    ("path", "tag", "owners"),
    [
        pytest.param("/ci/", [], ["build", "deploy"], id="a path"),
        pytest.param("/ci/", ["--except-tag", "team=OPS"], ["build"], id="a path, without a tag"),
        pytest.param("/c/", [], [], id="a path that no user has"),
    ],
)
def test_sweep(account: Account, program: Program, users: Users, path: str, tag: list[str], owners: list[str]) -> None:
    sweep = (*SWEEP, "--expect-account", account.id, "--path-prefix", users.folder + path, *tag)
    ended, gone = account.run(program, *sweep)
    if account.server == "moto" and owners:
        # moto's lists of keys lack IsTruncated, so a sweep does not accept them as complete.
        assert (ended.status, gone, "IsTruncated is missing" in ended.stderr) == (1, set(), True)
    else:
        assert (ended.status, users.of(gone), len(gone)) == (0, owners, len(owners))


@pytest.mark.parametrize(
    ("tag", "status", "owners"),
    [
        pytest.param("TEAM=ops", 11, [], id="a tag"),
        pytest.param("team", 11, [], id="the key of a tag"),
        pytest.param("team=web", 0, ["deploy"], id="another tag"),
    ],
)
def test_named_key(account: Account, program: Program, users: Users, tag: str, status: int, owners: list[str]) -> None:
    user, (key,) = users.found["deploy"]
    ended, gone = account.run(program, "--access-key-id", key, "--user-name", user, "--except-tag", tag)
    assert (ended.status, users.of(gone), len(gone)) == (status, owners, len(owners))
