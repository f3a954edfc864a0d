"""Stale keys: a plan that is reviewed and then applied."""

import subprocess
from pathlib import Path

import job
import pytest
from bench import Bench
from recipe import IN_TROUBLE, Recipe

STALE_KEYS = Recipe("stale-keys")
PLAN = STALE_KEYS.yaml("plan.yml")["jobs"]["plan"]
DELETE = STALE_KEYS.yaml("delete.yml")["jobs"]["delete"]
READING, DELETING = STALE_KEYS.allowed("plan-policy.json"), STALE_KEYS.allowed("delete-policy.json")
USED_SINCE, STALE_OF_ALICE = "AKIARZPUZDIKOL7JJ6BK", "AKIARZPUZDIKFR6565B7"
STALE = {STALE_OF_ALICE, "AKIDPMS9RO4H3FEXAMPLE"}


def check_out(bench: Bench) -> Path:
    """Creates a repository to push to, and checks it out in the working folder."""
    origin = bench.folder / "origin.git"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    for command in (
        [*git, "init", "--quiet", "--bare", str(origin)],
        [*git, "clone", "--quiet", str(origin), "."],
        [*git, "commit", "--quiet", "--allow-empty", "--message", "first"],
        [*git, "push", "--quiet", "origin", "HEAD:main"],
    ):
        subprocess.run(command, cwd=bench.work, env=bench.environment(), check=True, capture_output=True)
    return origin


def test_a_nightly_job_plans_and_an_approved_plan_is_applied(bench: Bench) -> None:
    origin = check_out(bench)
    ended, requested = [], set()
    # Without the report, the job lists the users.
    for denied, more in ((set(), 0), ({"iam:GenerateCredentialReport"}, 1), ({"iam:ListAccessKeys"}, 0)):
        with bench.sandbox("--users", str(more), allowed=READING - denied) as sandbox:
            statuses = job.run(bench, PLAN, sandbox.environment).statuses
        ended.append((statuses, len(sandbox.keys)))
        requested |= sandbox.requested()
    # A job without read permission does not create a plan.
    assert ended == [([0, 0], 5), ([0, 0], 6), ([6], 5)]
    # The job uses every action in its policy, and no other.
    assert requested == READING
    pushed = subprocess.run(
        ["git", "--git-dir", str(origin), "show", "stale-keys:plan.jsonl"], capture_output=True, text=True, check=True
    ).stdout
    assert len(pushed.splitlines()) == 3
    assert {name for name in STALE if f'"{name}"' in pushed} == STALE
    # There is one pull request, which lists the keys to delete.
    assert len([call for call in bench.called() if call.startswith("gh pr create ")]) == 1
    assert len([call for call in bench.called() if call.startswith("gh pr edit ")]) == 1
    assert "- AKIDPMS9RO4H3FEXAMPLE of Bob, last used 20" in (bench.folder / "body.md").read_text()

    with bench.sandbox("--users", "1", allowed=DELETING) as sandbox:
        ended = [job.run(bench, DELETE, sandbox.environment).statuses for _ in range(2)]
    # A second run is harmless.
    assert ended == [[0], [0]]
    assert len(sandbox.keys.keys() - STALE) == 3
    assert sandbox.requested() == DELETING


@pytest.fixture
def planned(bench: Bench) -> Bench:
    """A plan was approved, and then one of its keys was used."""
    lines = [f'{{"AccessKeyId": "{key}", "UserName": "Alice"}}\n' for key in (USED_SINCE, STALE_OF_ALICE)]
    (bench.work / "plan.jsonl").write_text("".join(lines))
    return bench


def test_a_key_that_was_used_since_stays(planned: Bench) -> None:
    with planned.sandbox(allowed=DELETING) as sandbox:
        ended = job.run(planned, DELETE, sandbox.environment)
    assert ended.statuses == [0]
    assert f"Skipped {USED_SINCE} of Alice" in ended.output
    assert sandbox.of("Alice") == [USED_SINCE]


def test_a_failed_read_fails_the_job(planned: Bench) -> None:
    with planned.sandbox(allowed=DELETING - {IN_TROUBLE}) as sandbox:
        ended = job.run(planned, DELETE, sandbox.environment)
    assert ended.statuses == [6]
    assert len(sandbox.of("Alice")) == 2
