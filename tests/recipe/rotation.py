"""A new key, and the old one goes: in GitHub Actions, and in GitLab CI, where the key replaces itself."""

from collections.abc import Callable

import job
from bench import Bench
from recipe import IN_TROUBLE, Recipe

OWNER = "user-000001"


def on_github(bench: Bench, same: Callable) -> None:
    told = Recipe("rotate-github")
    rotate = told.yaml("rotate.yml")["jobs"]["rotate"]
    with bench.sandbox("--users", "1", allowed=told.allowed()) as sandbox:
        (old,) = (key["AccessKeyId"] for key in sandbox.told["keys"])
        ended = job.run(bench, rotate, {**sandbox.environment(), "OWNER": OWNER})
    (new,) = sandbox.of(OWNER)
    same("a GitHub job rotates a key", {"statuses": [0, 0, 0, 0], "is new": True, "said": True}, {
        "statuses": ended.statuses, "is new": new != old, "said": f"{old} is deleted" in ended.output,
    })
    same("with what its policy allows, and no more", {"asked": told.allowed() - {IN_TROUBLE}}, {"asked": sandbox.asked()})
    calls = bench.called()
    same("and hands the new one over first", {"given": ["gh secret set UPLOAD_KEY_ID", new, "gh secret set UPLOAD_SECRET"]}, {
        "given": calls[:3],
    })


def on_github_in_trouble(bench: Bench, same: Callable) -> None:
    told = Recipe("rotate-github")
    rotate = told.yaml("rotate.yml")["jobs"]["rotate"]
    with bench.sandbox("--users", "1", allowed=told.allowed() - {"iam:DeleteAccessKey"}) as sandbox:
        denied = job.run(bench, rotate, {**sandbox.environment(), "OWNER": OWNER})
        again = job.run(bench, rotate, {**sandbox.environment(), "OWNER": OWNER})
    same("a role that may not delete ends the job", {"statuses": [0, 0, 0, 1], "said": True, "keys": 2}, {
        "statuses": denied.statuses, "said": "::error::the role may not delete" in denied.output, "keys": len(sandbox.of(OWNER)),
    })
    same("and the next does not make a third key", {"statuses": [1], "said": True}, {
        "statuses": again.statuses, "said": "must have exactly one key" in again.output,
    })
    with bench.sandbox("--users", "1") as sandbox:
        (old,) = (key["AccessKeyId"] for key in sandbox.told["keys"])
        last = {"env": {**rotate["env"], "OLD": old}, "steps": [rotate["steps"][0], rotate["steps"][-1]]}
        gone = {**sandbox.environment(), "OWNER": "Bob"}
        missing = job.run(bench, last, gone)
        nowhere = {**sandbox.environment(), "AWS_ENDPOINT_URL_IAM": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
        lost = job.run(bench, last, nowhere)
    same("a key that is gone is a warning", {"statuses": [0], "said": True}, {
        "statuses": missing.statuses, "said": f"::warning::{old} no longer exists" in missing.output,
    })
    pauses = [call for call in bench.called() if call.startswith("sleep ")]
    same("an IAM out of reach is tried again", {"statuses": [1], "said": True, "pauses": ["sleep 30", "sleep 120", "sleep 0"]}, {
        "statuses": lost.statuses, "said": f"{old} is still to be deleted, status 9" in lost.output, "pauses": pauses,
    })


def on_gitlab(bench: Bench, same: Callable) -> None:
    told = Recipe("rotate-gitlab")
    rotate = told.yaml("rotate.yml")["rotate"]
    allowed = told.allowed()
    archive = bench.publish()
    script = "\n".join(rotate["before_script"] + rotate["script"])
    # The administrator is the one user of the sandbox who can sign.
    with bench.sandbox(allowed=allowed) as sandbox:
        old = sandbox.told["access_key_id"]
        ended = bench.bash(script, {**rotate["variables"], **sandbox.environment()})
    (new,) = sandbox.of("admin")
    calls = [call for call in bench.called() if not call.startswith("curl ")]
    same("a GitLab job replaces the key that it signs with", {"status": 0, "is new": True, "given": True}, {
        "status": ended.returncode,
        "is new": new != old,
        "given": calls[:3] == ["glab variable update AWS_ACCESS_KEY_ID", new, "glab variable update AWS_SECRET_ACCESS_KEY --masked"],
    })
    # It may list its own keys too, to settle a lost answer.
    asked = allowed - {IN_TROUBLE, "iam:ListAccessKeys"}
    same("with what its policy allows, and no more", {"asked": asked}, {"asked": sandbox.asked()})
    with bench.sandbox(allowed=allowed - {"iam:DeleteAccessKey"}) as sandbox:
        denied = bench.bash(script, {**rotate["variables"], **sandbox.environment()})
    same("its status is that of the deletion", {"status": 6, "keys": 2}, {
        "status": denied.returncode, "keys": len(sandbox.of("admin")),
    })
    same("and what is yellow is what may be done later", {"yellow": [3, 5, 8, 9, 10]}, {
        "yellow": rotate["allow_failure"]["exit_codes"],
    })
    archive.write_bytes(archive.read_bytes() + b"changed")
    with bench.sandbox(allowed=allowed) as sandbox:
        changed = bench.bash(script, {**rotate["variables"], **sandbox.environment()})
    same("and a changed archive is not run", {"status": 1, "asked": set(), "keys": 1}, {
        "status": changed.returncode, "asked": sandbox.asked(), "keys": len(sandbox.of("admin")),
    })
