"""Stale keys: a plan that is reviewed, and then applied."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import job
from bench import Bench
from recipe import IN_TROUBLE, Recipe

STALE = {"AKIARZPUZDIKFR6565B7", "AKIDPMS9RO4H3FEXAMPLE"}


def checked_out(bench: Bench) -> Path:
    """A repository to push to, checked out where the steps run."""
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


def nightly(bench: Bench, same: Callable) -> None:
    told = Recipe("stale-keys")
    plan = told.yaml("plan.yml")["jobs"]["plan"]
    reading, deleting = told.allowed("plan-policy.json"), told.allowed("delete-policy.json")
    origin = checked_out(bench)
    ended, asked = [], set()
    # Without the report it asks for the users.
    for denied, more in ((set(), 0), ({"iam:GenerateCredentialReport"}, 1), ({"iam:ListAccessKeys"}, 0)):
        with bench.sandbox("--users", str(more), allowed=reading - denied) as sandbox:
            ended.append(job.run(bench, plan, sandbox.environment()).statuses)
        asked |= sandbox.asked()
        ended.append(len(sandbox.keys))
    same("a nightly job plans, unless it may not read", {"ended": [[0, 0], 5, [0, 0], 6, [6], 5]}, {"ended": ended})
    same("with what its policy allows, and no more", {"asked": reading}, {"asked": asked})
    pushed = subprocess.run(
        ["git", "--git-dir", str(origin), "show", "stale-keys:plan.jsonl"], capture_output=True, text=True, check=True
    ).stdout
    found = {name for name in STALE if f'"{name}"' in pushed}
    same("and pushes the plan", {"lines": 3, "keys": STALE}, {"lines": len(pushed.splitlines()), "keys": found})
    made = [call for call in bench.called() if call.startswith("gh pr create ")]
    body = (bench.folder / "body.md").read_text()
    edited = [call for call in bench.called() if call.startswith("gh pr edit ")]
    same("for one pull request, which says what goes", {"made": 1, "edited": 1, "says": True}, {
        "made": len(made), "edited": len(edited), "says": "- AKIDPMS9RO4H3FEXAMPLE of Bob, last used 20" in body,
    })

    apply = told.yaml("delete.yml")["jobs"]["delete"]
    with bench.sandbox("--users", "1", allowed=deleting) as sandbox:
        ended = [job.run(bench, apply, sandbox.environment()) for _ in range(2)]
    same("what was approved goes, and a second run does no harm", {"statuses": [[0], [0]], "left": 3}, {
        "statuses": [each.statuses for each in ended], "left": len(sandbox.keys.keys() - STALE),
    })
    same("with what the policy of that allows", {"asked": deleting}, {"asked": sandbox.asked()})


def used_since(bench: Bench, same: Callable) -> None:
    told = Recipe("stale-keys")
    apply = told.yaml("delete.yml")["jobs"]["delete"]
    deleting = told.allowed("delete-policy.json")
    plan = bench.work / "plan.jsonl"
    fresh, stale = "AKIARZPUZDIKOL7JJ6BK", "AKIARZPUZDIKFR6565B7"
    plan.write_text("".join(f'{{"AccessKeyId": "{key}", "UserName": "Alice"}}\n' for key in (fresh, stale)))
    with bench.sandbox(allowed=deleting) as sandbox:
        ended = job.run(bench, apply, sandbox.environment())
    same("a key that was used since stays", {"statuses": [0], "said": True, "keys": [fresh]}, {
        "statuses": ended.statuses, "said": f"Skipped {fresh} of Alice" in ended.output, "keys": sandbox.of("Alice"),
    })
    (bench.work / "done.jsonl").unlink()
    with bench.sandbox(allowed=deleting - {IN_TROUBLE}) as sandbox:
        ended = job.run(bench, apply, sandbox.environment())
    same("a read that fails fails the job", {"statuses": [6], "left": 2}, {
        "statuses": ended.statuses, "left": len(sandbox.of("Alice")),
    })
