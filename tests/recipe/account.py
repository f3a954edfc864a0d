"""Many accounts: a matrix of GitHub Actions, and a map of Step Functions, over a sandbox an account."""

import subprocess
from collections.abc import Callable, Iterable
from contextlib import ExitStack

import job
import machine
import task
from bench import LIMIT, Bench, Sandbox
from recipe import Recipe

# What each profile may do, by its name.
Allowed = dict[str, set[str]]


def by_role(sandbox: Sandbox) -> str:
    return f"role_arn = arn:aws:iam::{sandbox.told['account']}:role/sweep\ncredential_source = EcsContainer\n"


def accounts(bench: Bench, stack: ExitStack, allowed: Allowed) -> dict[str, Sandbox]:
    """A sandbox for each profile, and the configuration that has the profiles."""
    sandboxes = {}
    config = ""
    for number, (profile, actions) in enumerate(allowed.items(), 1):
        sandbox = stack.enter_context(bench.sandbox("--account", str(number) * 12, allowed=actions))
        sandboxes[profile] = sandbox
        config += f"[profile {profile}]\nregion = us-east-1\nendpoint_url = {sandbox.told['url']}\n{by_role(sandbox)}"
    (bench.folder / ".aws").mkdir(exist_ok=True)
    (bench.folder / ".aws/config").write_text(config)
    return sandboxes


def one_denied(allowed: set[str], profiles: Iterable[str]) -> Allowed:
    """These profiles may do what is allowed, but for `staging`, which may not delete."""
    return {profile: allowed - ({"iam:DeleteAccessKey"} if profile == "staging" else set()) for profile in profiles}


def each_denied(allowed: set[str]) -> Allowed:
    """A profile for each action, named after it, which may do all that is allowed but this."""
    return {action.partition(":")[2]: allowed - {action} for action in sorted(allowed)}


def left(sandboxes: dict[str, Sandbox]) -> dict[str, int]:
    return {profile: len(sandbox.keys) for profile, sandbox in sandboxes.items()}


def granted(sandboxes: dict[str, Sandbox]) -> set[str]:
    return set().union(*(sandbox.granted() for sandbox in sandboxes.values()))


def jobs(bench: Bench, job_of: dict, allowed: Allowed, delete: str) -> tuple[dict[str, list[int]], dict[str, Sandbox]]:
    """How the job of each account ended."""
    ended, sandboxes = {}, {}
    for number, (account, actions) in enumerate(allowed.items(), 1):
        (bench.work / "done.jsonl").unlink(missing_ok=True)
        with bench.sandbox("--account", str(number) * 12, allowed=actions) as sandbox:
            values = {"matrix.account": str(number) * 12, "inputs.delete": delete}
            ended[account] = job.run(bench, job_of, sandbox.environment(), values).statuses
        sandboxes[account] = sandbox
    return ended, sandboxes


def matrix(bench: Bench, same: Callable) -> None:
    told = Recipe("many-accounts")
    sweep = told.yaml("sweep.yml")["jobs"]["sweep"]
    allowed = told.allowed()
    first, second, third = sweep["strategy"]["matrix"]["account"]
    same("a matrix has a job for each account", {"accounts": ["111111111111", "222222222222", "333333333333"]}, {
        "accounts": [first, second, third],
    })
    all_of_it = dict.fromkeys((first, second, third), allowed)
    ended, sandboxes = jobs(bench, sweep, all_of_it, "false")
    same("which shows the stale keys", {"statuses": [[0]] * 3, "left": [5] * 3}, {
        "statuses": list(ended.values()), "left": list(left(sandboxes).values()),
    })
    denied = {**all_of_it, second: allowed - {"iam:DeleteAccessKey"}}
    ended, sandboxes = jobs(bench, sweep, denied, "true")
    same("and deletes them in its own if that is wanted", {"statuses": [[0, 0], [0, 6], [0, 0]], "left": [3, 5, 3]}, {
        "statuses": list(ended.values()), "left": list(left(sandboxes).values()),
    })
    same("with what the policy allows, and no more", {"granted": allowed}, {"granted": granted(sandboxes)})
    each = each_denied(allowed)
    ended, sandboxes = jobs(bench, sweep, each, "true")
    same("and nothing is deleted without any one of its actions", dict.fromkeys(each, (6, 5)), {
        action: (statuses[-1], left(sandboxes)[action]) for action, statuses in ended.items()
    })


def mapped(
    bench: Bench, definition: dict, allowed: Allowed, unreachable: str | None = None
) -> tuple[str, list[tuple[str, int]], dict[str, Sandbox]]:
    """How the execution and its containers ended; one profile cannot be reached the first time."""
    journals = bench.folder / "journals"
    journals.mkdir(exist_ok=True)
    tries = []
    named = [{"profile": profile, "account": str(number) * 12} for number, profile in enumerate(allowed, 1)]
    with ExitStack() as stack:
        sandboxes = accounts(bench, stack, allowed)
        credentials = stack.enter_context(task.credentials(sandboxes))

        def container(command: list[str]) -> int:
            """Its entry point, with the volume at its place and the role of its task."""
            profile = command[1]
            tries.append(profile)
            words = [word.replace("/journal/", f"{journals}/") for word in command]
            is_cut_off = profile == unreachable and tries.count(profile) == 1
            environment = bench.environment(
                AWS_MAX_ATTEMPTS="1",
                AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{credentials}/{profile}",
                **({"AWS_ENDPOINT_URL_IAM": "http://127.0.0.1:9"} if is_cut_off else {}),
            )
            run = [bench.binaries / "iam-del-key", *words]
            ended = subprocess.run(run, env=environment, cwd=bench.work, capture_output=True, timeout=LIMIT, check=False)
            return ended.returncode

        status, ended = machine.run(definition, {"accounts": named}, container)
    return status, sorted(ended), sandboxes


def states(bench: Bench, same: Callable) -> None:
    told = Recipe("step-functions")
    definition = told.json("machine.json")
    everything = definition["States"]["Accounts"]
    everything["ItemProcessor"]["States"]["Pause"]["Seconds"] = 0
    # moto reads it as a number with a point only.
    everything["ToleratedFailurePercentage"] = float(everything["ToleratedFailurePercentage"])
    # A sandbox is the account of the profile and that of the task in one, so it allows what either policy does.
    allowed = told.allowed("sweep-policy.json") | told.allowed("task-policy.json")
    status, ended, sandboxes = mapped(bench, definition, one_denied(allowed, ("dev", "staging", "prod")), "prod")
    expected = [("dev", 0), ("prod", 0), ("prod", 9), ("staging", 6)]
    same("a map of Step Functions tries again what may be tried", {"status": "SUCCEEDED", "containers": expected}, {
        "status": status, "containers": ended,
    })
    same("and each container deletes what is stale", {"left": {"dev": 3, "staging": 5, "prod": 3}}, {
        "left": left(sandboxes),
    })
    files = sorted(path.name for path in (bench.folder / "journals").iterdir())
    same("with a journal each", {"files": ["dev.jsonl", "prod.jsonl", "staging.jsonl"]}, {"files": files})
    same("with what the policies allow, and no more", {"granted": allowed}, {"granted": granted(sandboxes)})
    each = each_denied(allowed)
    _, ended, sandboxes = mapped(bench, definition, each)
    expected = {"containers": sorted((action, 6) for action in each), "left": dict.fromkeys(each, 5)}
    same("and nothing goes without any one of their actions", expected, {"containers": ended, "left": left(sandboxes)})
