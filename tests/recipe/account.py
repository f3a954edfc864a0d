"""Every account of an organization: scripts, a matrix of GitHub Actions, and a map of Step Functions, over a sandbox with
several accounts."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import boto3
import job
import listing
import machine
import task
from bench import LIMIT, Bench, Sandbox
from recipe import RECIPES, Recipe
from server import MOTO, serving

REGION = "us-east-1"
MANAGEMENT, DEV, STAGING, PROD = "123456789012", "111111111111", "222222222222", "333333333333"
SUSPENDED, CLOSED = "444444444444", "555555555555"
# Its role does not exist, and a session of another account comes instead.
ELSEWHERE = "999999999999"
OTHERS = [DEV, STAGING, PROD, SUSPENDED, CLOSED]
PAGES = [
    [
        {"Id": MANAGEMENT, "Name": "Management", "State": "ACTIVE"},
        {"Id": SUSPENDED, "Name": "Suspended", "State": "SUSPENDED", "Status": "ACTIVE"},
        {"Id": DEV, "Name": "Bob's \"dev\"", "State": "ACTIVE"},
    ],
    [],
    [
        {"Id": STAGING, "Name": "Staging", "Status": "ACTIVE"},
        {"Id": CLOSED, "Name": "Closed", "Status": "SUSPENDED"},
        {"Id": PROD, "Name": "Production", "State": "ACTIVE", "Status": "ACTIVE"},
    ],
]
ACTIVE = [f"{MANAGEMENT} Management", f"{DEV} Bob's \"dev\"", f"{STAGING} Staging", f"{PROD} Production"]
# Of five keys in each account, two are stale.
UNCHANGED = dict.fromkeys((MANAGEMENT, *OTHERS), 5)
# Credentials for a server that does not check them.
ANYBODY = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
ORGANIZATION = Recipe("organization")
CALLER, SWEEP = ORGANIZATION.allowed("caller-policy.json"), ORGANIZATION.allowed("sweep-policy.json")


class Organization(NamedTuple):
    sandbox: Sandbox
    environment: dict[str, str]
    # The actions of AWS Organizations that were requested.
    asked: set[str]


@contextmanager
def organization(bench: Bench, denied: set[str] | None = None) -> Iterator[Organization]:
    """The organization, in which only what the policies allow is allowed."""
    others = [f"--other-account={account}" for account in OTHERS]
    allowed = (CALLER | SWEEP) - (denied or set())
    with listing.serving(PAGES) as (url, asked), bench.sandbox(*others, allowed=allowed) as sandbox:
        yield Organization(sandbox, sandbox.environment() | {"AWS_ENDPOINT_URL_ORGANIZATIONS": url}, asked)


def checked_out(bench: Bench) -> None:
    """The scripts are where the steps run, and nothing else is."""
    shutil.rmtree(bench.work)
    bench.work.mkdir()
    for script in RECIPES.glob("organization/*.sh"):
        shutil.copy(script, bench.work)


def lines(bench: Bench, script: str, environment: dict[str, str]) -> list[str]:
    ended = bench.bash(script, environment | {"PATH": bench.installed})
    return sorted(ended.stdout.splitlines())


def listed(bench: Bench, same: Callable) -> None:
    checked_out(bench)
    accounts = bench.work / "accounts"
    neither = [[{"Id": MANAGEMENT, "Name": "Management", "State": "ACTIVE"}, {"Id": DEV, "Name": "Dev"}]]
    results = {}
    for name, pages in (("all pages", PAGES), ("denied", None), ("no state", neither)):
        with listing.serving(pages) as (url, _):
            ended = bench.bash("sh list.sh", ANYBODY | {"AWS_ENDPOINT_URL_ORGANIZATIONS": url})
        results[name] = (ended.returncode == 0, accounts.read_text().splitlines())
    # What cannot be listed leaves the list as it was.
    expected = {"all pages": (True, ACTIVE), "denied": (False, ACTIVE), "no state": (False, ACTIVE)}
    same("the active accounts of an organization are listed", expected, results)


def in_moto(bench: Bench, same: Callable) -> None:
    checked_out(bench)
    with serving(MOTO, bench.folder) as url:
        signed = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        client = boto3.client("organizations", REGION, endpoint_url=url, **signed)
        client.create_organization()
        created = [client.create_account(AccountName=name, Email=f"{name}@example.com") for name in ("dev", "closed")]
        dev, closed = (each["CreateAccountStatus"]["AccountId"] for each in created)
        client.close_account(AccountId=closed)
        shown = lines(bench, "sh list.sh && sh sweep.sh --dry-run", ANYBODY | {"AWS_ENDPOINT_URL": url})
    names = (bench.work / "accounts").read_text().splitlines()
    same("moto: the active accounts are swept", {"accounts": [f"{MANAGEMENT} master", f"{dev} dev"], "shown": True}, {
        "accounts": names, "shown": shown == sorted([f"0 {MANAGEMENT}", f"0 {dev}"]),
    })


def scripts(bench: Bench, same: Callable) -> None:
    # Nothing shows its absence: the tool compares the account of a session with that of the role, too.
    said = '--expect-account "$account"' in ORGANIZATION.text("account.sh")
    same("each process names the account that it is for", {"said": True}, {"said": said})
    for name, script in (("xargs", "sweep.sh"), ("GNU parallel", "parallel.sh")):
        checked_out(bench)
        accounts = bench.work / "accounts"

        def run(mode: str, script: str = script) -> list[str]:
            """The status of each account."""
            printed = lines(bench, f"sh {script} {mode}", ours.environment)
            if script == "sweep.sh":
                return printed
            # The seventh column is the status, and the ninth the command, of which the fourth word is the account.
            rows = [row.split("\t") for row in (bench.work / f"statuses{mode}").read_text().splitlines()[1:]]
            (bench.work / f"statuses{mode}").unlink()
            return sorted(f"{row[6]} {row[8].split()[3]}" for row in rows)

        with organization(bench) as ours:
            lines(bench, "sh list.sh", ours.environment)
            reviewed = [line for line in accounts.read_text().splitlines() if MANAGEMENT not in line and PROD not in line]
            accounts.write_text("\n".join([*reviewed, f"{ELSEWHERE} Elsewhere"]) + "\n")
            unplanned = run("--yes")
            shown = run("--dry-run")
            plan = bench.work / f"{DEV}.plan"
            planned = plan.read_text().splitlines(keepends=True)
            plan.write_text(planned[0])
            deleted = run("--yes")
            # Without its journal it finds that the keys are gone.
            for journal in bench.work.glob("*.journal"):
                journal.unlink()
            again = run("--yes")
        expected = {
            "unplanned": [f"2 {DEV}", f"2 {STAGING}", f"2 {ELSEWHERE}"],
            "shown": [f"0 {DEV}", f"0 {STAGING}", f"11 {ELSEWHERE}"],
            "keys": 2,
        }
        same(f"{name}: nothing is deleted without a dry run", expected, {
            "unplanned": unplanned, "shown": shown, "keys": len(planned),
        })
        statuses = [f"0 {DEV}", f"0 {STAGING}", f"2 {ELSEWHERE}"]
        expected = {"statuses": statuses, "again": statuses, "left": UNCHANGED | {DEV: 4, STAGING: 3}}
        same("and no other account and no other key is touched", expected, {
            "statuses": deleted, "again": again, "left": ours.sandbox.left,
        })
        granted = ours.sandbox.granted()
        granted[MANAGEMENT] |= ours.asked
        same("with what the policies allow, and no more", {MANAGEMENT: CALLER, DEV: SWEEP, STAGING: SWEEP}, granted)


def matrix(bench: Bench, same: Callable) -> None:
    jobs = ORGANIZATION.yaml("sweep.yml")["jobs"]
    show, delete = jobs["show"], jobs["delete"]
    same("a matrix has a job for each listed account, and deletes after a review", {
        "matrix": ["${{ fromJSON(needs.list.outputs.accounts) }}"] * 2,
        "needs": ["list", "show"],
        "if": "inputs.delete && !cancelled() && needs.list.result == 'success'",
        "environment": "delete-keys",
    }, {
        "matrix": [each["strategy"]["matrix"]["account"] for each in (show, delete)],
        **{name: delete[name] for name in ("needs", "if", "environment")},
    })

    def each(of: dict, accounts: list[str], environment: dict[str, str]) -> list[list[int]]:
        """The statuses of the job of each account."""
        statuses = []
        for account in accounts:
            checked_out(bench)
            statuses.append(job.run(bench, of, environment, {"matrix.account": account}).statuses)
        return statuses

    with organization(bench) as ours:
        checked_out(bench)
        accounts = json.loads(job.run(bench, jobs["list"], ours.environment).outputs["accounts"])
        unplanned = each(delete, accounts, ours.environment)
        shown = each(show, [*accounts, ELSEWHERE], ours.environment)
        deleted = each(delete, [*accounts, ELSEWHERE], ours.environment)
    same("the active ones", {"accounts": [line[:12] for line in ACTIVE]}, {"accounts": accounts})
    expected = {"unplanned": [[1]] * 4, "shown": [[0, 0]] * 4 + [[11]], "deleted": [[0]] * 4 + [[1]]}
    same("each with a dry run first", expected, {"unplanned": unplanned, "shown": shown, "deleted": deleted})
    same("and with what is stale deleted", UNCHANGED | dict.fromkeys(accounts, 3), ours.sandbox.left)
    granted = ours.sandbox.granted()
    granted[MANAGEMENT] |= ours.asked
    expected = dict.fromkeys(accounts, SWEEP) | {MANAGEMENT: CALLER | SWEEP}
    same("with what the policies allow, and no more", expected, granted)
    statuses, left = {}, {}
    actions = sorted(SWEEP | {"sts:AssumeRole"})
    for action in actions:
        shutil.rmtree(bench.folder / "artifacts")
        with organization(bench, {action}) as ours:
            (shown,), (deleted,) = (each(of, [DEV], ours.environment) for of in (show, delete))
        statuses[action], left[action] = (shown + deleted)[-1], ours.sandbox.left
    denied = {"statuses": dict.fromkeys(actions, 1) | {"iam:DeleteAccessKey": 6}, "left": dict.fromkeys(actions, UNCHANGED)}
    same("and nothing is deleted without any one of their actions", denied, {"statuses": statuses, "left": left})


def mapped(bench: Bench, ours: Organization, accounts: list[str], approved: list[str]) -> machine.Execution:
    """How the execution and its containers ended; one account cannot be reached at the first deletion."""
    definition = Recipe("step-functions").json("machine.json")
    everything = definition["States"]["Accounts"]
    everything["ItemProcessor"]["States"]["Pause"]["Seconds"] = 0
    # moto reads it as a number with a point only.
    everything["ToleratedFailurePercentage"] = float(everything["ToleratedFailurePercentage"])
    journals = bench.folder / "journals"
    journals.mkdir(exist_ok=True)
    cut_off = [PROD]

    def container(command: list[str]) -> int:
        """Its entry point, with the volume at its place and the role of its task."""
        words = [word.replace("/journal/", f"{journals}/") for word in command]
        environment = bench.environment(
            AWS_ENDPOINT_URL=ours.sandbox.told["url"],
            AWS_REGION=REGION,
            AWS_MAX_ATTEMPTS="1",
            AWS_CONTAINER_CREDENTIALS_FULL_URI=credentials,
        )
        if "--yes" in command and command[3] in cut_off:
            cut_off.remove(command[3])
            environment["AWS_ENDPOINT_URL_IAM"] = "http://127.0.0.1:9"
        run = [bench.binaries / "iam-del-key", *words]
        ended = subprocess.run(run, env=environment, cwd=bench.work, capture_output=True, timeout=LIMIT, check=False)
        return ended.returncode

    with task.credentials(ours.sandbox) as credentials:
        return machine.run(definition, {"accounts": accounts}, {"accounts": approved}, container)


def states(bench: Bench, same: Callable) -> None:
    caller = Recipe("step-functions").allowed("task-policy.json")
    accounts = [DEV, STAGING, PROD, ELSEWHERE]
    with organization(bench) as ours:
        # The reviewer approves one that was not in the dry run, too.
        execution = mapped(bench, ours, accounts, [DEV, PROD, MANAGEMENT])
    shown = [("--dry-run", DEV, 0), ("--dry-run", STAGING, 0), ("--dry-run", PROD, 0), ("--dry-run", ELSEWHERE, 11)]
    deleted = [("--yes", DEV, 0), ("--yes", PROD, 0), ("--yes", PROD, 9)]
    expected = machine.Execution("SUCCEEDED", [accounts], shown + deleted)
    same("a map of Step Functions deletes where a reviewer approves it", expected._asdict(), execution._asdict())
    same("what is stale", UNCHANGED | {DEV: 3, PROD: 3}, ours.sandbox.left)
    files = sorted(path.name for path in (bench.folder / "journals").iterdir())
    same("with a journal each", {"files": [f"{DEV}.jsonl", f"{PROD}.jsonl"]}, {"files": files})
    expected = {MANAGEMENT: caller, DEV: SWEEP, STAGING: SWEEP - {"iam:DeleteAccessKey"}, PROD: SWEEP}
    same("with what the policies allow, and no more", expected, ours.sandbox.granted())
    statuses, left = {}, {}
    for action in sorted(SWEEP | caller):
        with organization(bench, {action}) as ours:
            statuses[action] = mapped(bench, ours, [DEV], [DEV]).containers[-1]
        left[action] = ours.sandbox.left
    expected = {"statuses": dict.fromkeys(statuses, ("--yes", DEV, 6)), "left": dict.fromkeys(left, UNCHANGED)}
    same("and nothing is deleted without any one of their actions", expected, {"statuses": statuses, "left": left})
