"""Many accounts: a matrix of GitHub Actions, and a map of Step Functions, over a sandbox an account."""

import subprocess
from collections.abc import Callable
from contextlib import ExitStack

import job
import machine
from bench import LIMIT, Bench, Sandbox
from page import recipe, section

ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}


def accounts(bench: Bench, stack: ExitStack, denied: dict[str, str]) -> dict[str, Sandbox]:
    """A sandbox for each profile, and the configuration that has the profiles."""
    sandboxes = {}
    config = ""
    for profile, account in ACCOUNTS.items():
        options = ["--account", account, *([f"--deny={denied[profile]}"] if profile in denied else [])]
        sandbox = stack.enter_context(bench.sandbox(*options))
        sandboxes[profile] = sandbox
        config += (
            f"[profile {profile}]\nregion = us-east-1\nendpoint_url = {sandbox.told['url']}\n"
            f"aws_access_key_id = {sandbox.told['access_key_id']}\n"
            f"aws_secret_access_key = {sandbox.told['secret_access_key']}\n"
        )
    (bench.folder / ".aws").mkdir(exist_ok=True)
    (bench.folder / ".aws/config").write_text(config)
    return sandboxes


def matrix(bench: Bench, same: Callable) -> None:
    told = section("Many accounts").yaml()
    ended = {}
    with ExitStack() as stack:
        sandboxes = accounts(bench, stack, {"staging": "iam:DeleteAccessKey"})
        for profile in told["strategy"]["matrix"]["profile"]:
            (bench.work / "done.jsonl").unlink(missing_ok=True)
            ended[profile] = job.run(bench, told, {}, {"matrix.profile": profile}).statuses
    same("a matrix has a job an account", {"statuses": {"dev": [0], "staging": [6], "prod": [0]}}, {"statuses": ended})
    left = {profile: len(sandbox.keys) for profile, sandbox in sandboxes.items()}
    same("and each deletes what is stale in its own", {"left": {"dev": 3, "staging": 5, "prod": 3}}, {"left": left})


def states(bench: Bench, same: Callable) -> None:
    definition = recipe("AWS Step Functions").json()
    everything = definition["States"]["Accounts"]
    everything["ItemProcessor"]["States"]["Pause"]["Seconds"] = 0
    # moto reads it as a number with a point only.
    everything["ToleratedFailurePercentage"] = float(everything["ToleratedFailurePercentage"])
    journals = bench.folder / "journals"
    journals.mkdir()
    tries = []

    def container(command: list[str]) -> int:
        """Its entry point, with the volume at its place; `prod` cannot be reached the first time."""
        tries.append(command[1])
        words = [word.replace("/journal/", f"{journals}/") for word in command]
        trouble = {"HTTP_PROXY": "http://127.0.0.1:9"} if tries.count("prod") == 1 and command[1] == "prod" else {}
        environment = bench.environment(AWS_MAX_ATTEMPTS="1", **trouble)
        run = [bench.binaries / "iam-del-key", *words]
        return subprocess.run(run, env=environment, cwd=bench.work, capture_output=True, timeout=LIMIT, check=False).returncode

    with ExitStack() as stack:
        sandboxes = accounts(bench, stack, {"staging": "iam:DeleteAccessKey"})
        status, ended = machine.run(definition, {"profiles": list(ACCOUNTS)}, container)
    expected = [("dev", 0), ("prod", 0), ("prod", 9), ("staging", 6)]
    same("a map of Step Functions tries again what may be tried", {"status": "SUCCEEDED", "containers": expected}, {
        "status": status, "containers": sorted(ended),
    })
    left = {profile: len(sandbox.keys) for profile, sandbox in sandboxes.items()}
    same("and each container deletes what is stale", {"left": {"dev": 3, "staging": 5, "prod": 3}}, {"left": left})
    files = sorted(path.name for path in journals.iterdir())
    same("with a journal each", {"files": ["dev.jsonl", "prod.jsonl", "staging.jsonl"]}, {"files": files})
