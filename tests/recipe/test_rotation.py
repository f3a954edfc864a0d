"""Key rotation in GitHub Actions, and in GitLab CI, where the key replaces itself."""

import shutil

import job
from bench import ARCHIVE, Bench
from recipe import IN_TROUBLE, Recipe

OWNER = "user-000001"
GITHUB, GITLAB = Recipe("rotate-github"), Recipe("rotate-gitlab")
ROTATE = GITHUB.yaml("rotate.yml")["jobs"]["rotate"]
GITLAB_JOB = GITLAB.yaml("rotate.yml")["rotate"]
GITLAB_SCRIPT = "\n".join(GITLAB_JOB["before_script"] + GITLAB_JOB["script"])


def test_a_github_job_rotates_a_key(bench: Bench) -> None:
    with bench.sandbox("--users", "1", allowed=GITHUB.allowed()) as sandbox:
        (old,) = (key["AccessKeyId"] for key in sandbox.description["keys"])
        ended = job.run(bench, ROTATE, {**sandbox.environment, "OWNER": OWNER})
    (new,) = sandbox.of(OWNER)
    assert ended.statuses == [0, 0, 0, 0]
    assert new != old
    assert f"{old} is deleted" in ended.output
    # The job uses every action in its policy, and no other.
    assert sandbox.requested() == GITHUB.allowed() - {IN_TROUBLE}
    # The job stores the new key first.
    assert bench.called()[:3] == ["gh secret set UPLOAD_KEY_ID", new, "gh secret set UPLOAD_SECRET"]


def test_a_github_job_without_delete_permission_fails_and_the_next_creates_no_third_key(bench: Bench) -> None:
    with bench.sandbox("--users", "1", allowed=GITHUB.allowed() - {"iam:DeleteAccessKey"}) as sandbox:
        denied = job.run(bench, ROTATE, {**sandbox.environment, "OWNER": OWNER})
        again = job.run(bench, ROTATE, {**sandbox.environment, "OWNER": OWNER})
    assert denied.statuses == [0, 0, 0, 1]
    assert "::error::the role may not delete" in denied.output
    assert again.statuses == [1]
    assert "must have exactly one key" in again.output
    assert len(sandbox.of(OWNER)) == 2


def last_step(bench: Bench, **more: str) -> tuple[str, job.Ended]:
    """The old key, and how the deletion in the end goes."""
    with bench.sandbox("--users", "1") as sandbox:
        (old,) = (key["AccessKeyId"] for key in sandbox.description["keys"])
        last = {"env": {**ROTATE["env"], "OLD": old}, "steps": [ROTATE["steps"][0], ROTATE["steps"][-1]]}
        return old, job.run(bench, last, {**sandbox.environment, "OWNER": "Bob", **more})


def test_a_missing_key_is_a_warning(bench: Bench) -> None:
    old, ended = last_step(bench)
    assert ended.statuses == [0]
    assert f"::warning::{old} no longer exists" in ended.output


def test_an_unreachable_iam_is_retried(bench: Bench) -> None:
    old, ended = last_step(bench, AWS_ENDPOINT_URL_IAM="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert ended.statuses == [1]
    assert f"{old} is still to be deleted, status 9" in ended.output
    assert [call for call in bench.called() if call.startswith("sleep ")] == ["sleep 30", "sleep 120", "sleep 0"]


def test_a_gitlab_job_replaces_the_key_that_it_signs_with(bench: Bench) -> None:
    # Only the administrator of the sandbox can sign.
    with bench.sandbox(allowed=GITLAB.allowed()) as sandbox:
        old = sandbox.description["access_key_id"]
        ended = bench.bash(GITLAB_SCRIPT, {**GITLAB_JOB["variables"], **sandbox.environment})
    (new,) = sandbox.of("admin")
    calls = [call for call in bench.called() if not call.startswith("curl ")]
    assert ended.returncode == 0, ended.stderr
    assert new != old
    assert calls[:3] == ["glab variable update AWS_ACCESS_KEY_ID", new, "glab variable update AWS_SECRET_ACCESS_KEY --masked"]
    # The job uses every action in its policy, and no other. Listing its own keys is needed only after a lost response.
    assert sandbox.requested() == GITLAB.allowed() - {IN_TROUBLE, "iam:ListAccessKeys"}


def test_a_gitlab_job_has_the_status_of_the_deletion(bench: Bench) -> None:
    with bench.sandbox(allowed=GITLAB.allowed() - {"iam:DeleteAccessKey"}) as sandbox:
        denied = bench.bash(GITLAB_SCRIPT, {**GITLAB_JOB["variables"], **sandbox.environment})
    assert denied.returncode == 6, denied.stderr
    assert len(sandbox.of("admin")) == 2
    # The job may fail with the statuses that a later run can resolve.
    assert GITLAB_JOB["allow_failure"]["exit_codes"] == [3, 5, 8, 9, 10]


def test_a_gitlab_job_does_not_run_a_changed_archive(bench: Bench) -> None:
    bench.release = shutil.copytree(bench.release, bench.folder / "release")
    with (bench.release / f"{ARCHIVE}.tar.gz").open("ab") as archive:
        archive.write(b"changed")
    with bench.sandbox(allowed=GITLAB.allowed()) as sandbox:
        changed = bench.bash(GITLAB_SCRIPT, {**GITLAB_JOB["variables"], **sandbox.environment})
    assert changed.returncode == 1, changed.stderr
    assert sandbox.requested() == set()
    assert len(sandbox.of("admin")) == 1
