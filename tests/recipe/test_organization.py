"""Sweeps of every account in an organization: scripts, a GitHub Actions matrix, and a Step Functions map, in a sandbox with
several accounts."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import boto3
import job
import listing
import machine
import pytest
import task
from bench import Account, Bench
from program import LIMIT
from recipe import RECIPES, Recipe
from server import MOTO, serving

REGION = "us-east-1"
MANAGEMENT, DEV, STAGING, PROD = "123456789012", "111111111111", "222222222222", "333333333333"
SUSPENDED, CLOSED = "444444444444", "555555555555"
# The role in this account does not exist. The sandbox returns a session in another account.
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
WITHOUT_STATE = [[{"Id": MANAGEMENT, "Name": "Management", "State": "ACTIVE"}, {"Id": DEV, "Name": "Dev"}]]
ACTIVE = [f"{MANAGEMENT} Management", f"{DEV} Bob's \"dev\"", f"{STAGING} Staging", f"{PROD} Production"]
# Each account has five keys, of which two are stale.
UNCHANGED = dict.fromkeys((MANAGEMENT, *OTHERS), 5)
# Credentials for a server that does not check them.
ANYBODY = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
ORGANIZATION = Recipe("organization")
CALLER, SWEEP = ORGANIZATION.allowed("caller-policy.json"), ORGANIZATION.allowed("sweep-policy.json")
TASK = Recipe("step-functions").allowed("task-policy.json")
JOBS = ORGANIZATION.yaml("sweep.yml")["jobs"]
SHOW, DELETE = JOBS["show"], JOBS["delete"]


class Organization(NamedTuple):
    sandbox: Account
    environment: dict[str, str]
    # The requested actions of AWS Organizations.
    requested: set[str]

    def granted(self) -> dict[str, set[str]]:
        """The requested actions that were not denied, by the account of the caller. Available after the sandbox ends."""
        granted = self.sandbox.granted()
        granted[MANAGEMENT] |= self.requested
        return granted


@contextmanager
def organization(bench: Bench, denied: set[str] | None = None) -> Iterator[Organization]:
    """The organization, which allows only the actions of the policies."""
    others = [f"--other-account={account}" for account in OTHERS]
    allowed = (CALLER | SWEEP) - (denied or set())
    with listing.serving(PAGES) as (url, requested), bench.sandbox(*others, allowed=allowed) as sandbox:
        yield Organization(sandbox, sandbox.environment | {"AWS_ENDPOINT_URL_ORGANIZATIONS": url}, requested)


def check_out(bench: Bench) -> None:
    """Puts only the scripts into the working folder."""
    shutil.rmtree(bench.work)
    bench.work.mkdir()
    for script in RECIPES.glob("organization/*.sh"):
        shutil.copy(script, bench.work)


def lines(bench: Bench, script: str, environment: dict[str, str]) -> list[str]:
    ended = bench.bash(script, environment | {"PATH": bench.installed})
    return sorted(ended.stdout.splitlines())


@pytest.mark.parametrize(
    ("pages", "is_listed"),
    [
        pytest.param(PAGES, True, id="all pages"),
        pytest.param(None, False, id="denied"),
        pytest.param(WITHOUT_STATE, False, id="no state"),
    ],
)
def test_the_active_accounts_of_an_organization_are_listed(bench: Bench, pages: list | None, is_listed: bool) -> None:
    check_out(bench)
    accounts = bench.work / "accounts"
    accounts.write_text("earlier\n")
    with listing.serving(pages) as (url, _):
        ended = bench.bash("sh list.sh", ANYBODY | {"AWS_ENDPOINT_URL_ORGANIZATIONS": url})
    assert (ended.returncode == 0) == is_listed, ended.stderr
    # A failed listing does not change the file.
    assert accounts.read_text().splitlines() == (ACTIVE if is_listed else ["earlier"])


def test_the_active_accounts_of_an_organization_in_moto_are_swept(bench: Bench) -> None:
    check_out(bench)
    with serving(MOTO, bench.folder) as url:
        signed = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        client = boto3.client("organizations", REGION, endpoint_url=url, **signed)
        client.create_organization()
        created = [client.create_account(AccountName=name, Email=f"{name}@example.com") for name in ("dev", "closed")]
        dev, closed = (each["CreateAccountStatus"]["AccountId"] for each in created)
        client.close_account(AccountId=closed)
        shown = lines(bench, "sh list.sh && sh sweep.sh --dry-run", ANYBODY | {"AWS_ENDPOINT_URL": url})
    assert (bench.work / "accounts").read_text().splitlines() == [f"{MANAGEMENT} master", f"{dev} dev"]
    assert shown == sorted([f"0 {MANAGEMENT}", f"0 {dev}"])


def test_each_process_names_its_account() -> None:
    # No run detects that this option is missing, because the tool also compares the account of a session with that of the role.
    assert '--expect-account "$account"' in ORGANIZATION.text("account.sh")


def run(bench: Bench, script: str, mode: str, environment: dict[str, str]) -> list[str]:
    """The status of each account."""
    printed = lines(bench, f"sh {script} {mode}", environment)
    if script == "sweep.sh":
        return printed
    # The seventh column is the status. The ninth is the command, whose fourth word is the account.
    rows = [row.split("\t") for row in (bench.work / f"statuses{mode}").read_text().splitlines()[1:]]
    (bench.work / f"statuses{mode}").unlink()
    return sorted(f"{row[6]} {row[8].split()[3]}" for row in rows)


@pytest.mark.parametrize("script", ["sweep.sh", "parallel.sh"])
def test_a_script_deletes_the_keys_of_the_dry_run(bench: Bench, script: str) -> None:
    check_out(bench)
    accounts = bench.work / "accounts"
    with organization(bench) as ours:
        lines(bench, "sh list.sh", ours.environment)
        reviewed = [line for line in accounts.read_text().splitlines() if MANAGEMENT not in line and PROD not in line]
        accounts.write_text("\n".join([*reviewed, f"{ELSEWHERE} Elsewhere"]) + "\n")
        # Without a dry run, nothing is deleted.
        assert run(bench, script, "--yes", ours.environment) == [f"2 {DEV}", f"2 {STAGING}", f"2 {ELSEWHERE}"]
        assert run(bench, script, "--dry-run", ours.environment) == [f"0 {DEV}", f"0 {STAGING}", f"11 {ELSEWHERE}"]
        plan = bench.work / f"{DEV}.plan"
        planned = plan.read_text().splitlines(keepends=True)
        assert len(planned) == 2
        plan.write_text(planned[0])
        deleted = run(bench, script, "--yes", ours.environment)
        # Without its journal, the script finds that the keys are gone.
        for journal in bench.work.glob("*.journal"):
            journal.unlink()
        again = run(bench, script, "--yes", ours.environment)
    assert deleted == again == [f"0 {DEV}", f"0 {STAGING}", f"2 {ELSEWHERE}"]
    # No other account and no other key is touched.
    assert ours.sandbox.left == UNCHANGED | {DEV: 4, STAGING: 3}
    assert ours.granted() == {MANAGEMENT: CALLER, DEV: SWEEP, STAGING: SWEEP}


def test_a_matrix_has_a_job_for_each_listed_account_and_deletes_after_a_review() -> None:
    assert [each["strategy"]["matrix"]["account"] for each in (SHOW, DELETE)] == ["${{ fromJSON(needs.list.outputs.accounts) }}"] * 2
    assert DELETE["needs"] == ["list", "show"]
    assert DELETE["if"] == "inputs.delete && !cancelled() && needs.list.result == 'success'"
    assert DELETE["environment"] == "delete-keys"


def run_in_each_account(bench: Bench, of: dict, accounts: list[str], environment: dict[str, str]) -> list[list[int]]:
    """The exit statuses of the steps in each account's job."""
    statuses = []
    for account in accounts:
        check_out(bench)
        statuses.append(job.run(bench, of, environment, {"matrix.account": account}).statuses)
    return statuses


def test_a_matrix_deletes_the_keys_of_the_dry_run(bench: Bench) -> None:
    with organization(bench) as ours:
        check_out(bench)
        accounts = json.loads(job.run(bench, JOBS["list"], ours.environment).outputs["accounts"])
        unplanned = run_in_each_account(bench, DELETE, accounts, ours.environment)
        shown = run_in_each_account(bench, SHOW, [*accounts, ELSEWHERE], ours.environment)
        deleted = run_in_each_account(bench, DELETE, [*accounts, ELSEWHERE], ours.environment)
    assert accounts == [line[:12] for line in ACTIVE]
    assert unplanned == [[1]] * 4
    assert shown == [[0, 0]] * 4 + [[11]]
    assert deleted == [[0]] * 4 + [[1]]
    assert ours.sandbox.left == UNCHANGED | dict.fromkeys(accounts, 3)
    assert ours.granted() == dict.fromkeys(accounts, SWEEP) | {MANAGEMENT: CALLER | SWEEP}


@pytest.mark.parametrize("action", sorted(SWEEP | {"sts:AssumeRole"}))
def test_a_matrix_deletes_nothing_without_an_action_of_its_policies(bench: Bench, action: str) -> None:
    with organization(bench, {action}) as ours:
        (shown,), (deleted,) = (run_in_each_account(bench, of, [DEV], ours.environment) for of in (SHOW, DELETE))
    assert (shown + deleted)[-1] == (6 if action == "iam:DeleteAccessKey" else 1)
    assert ours.sandbox.left == UNCHANGED


def run_map(bench: Bench, ours: Organization, accounts: list[str], approved: list[str]) -> machine.Execution:
    """Runs the state machine, and returns its result. One account is unreachable during the first deletion."""
    definition = Recipe("step-functions").json("machine.json")
    everything = definition["States"]["Accounts"]
    everything["ItemProcessor"]["States"]["Pause"]["Seconds"] = 0
    # moto accepts only a floating-point number here.
    everything["ToleratedFailurePercentage"] = float(everything["ToleratedFailurePercentage"])
    journals = bench.folder / "journals"
    journals.mkdir(exist_ok=True)
    cut_off = [PROD]

    def container(command: list[str]) -> int:
        """Runs the container's entry point with its volume and the role of its task."""
        words = [word.replace("/journal/", f"{journals}/") for word in command]
        environment = bench.environment(
            AWS_ENDPOINT_URL=ours.sandbox.description["url"],
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


def test_a_map_of_step_functions_deletes_stale_keys_in_approved_accounts(bench: Bench) -> None:
    accounts = [DEV, STAGING, PROD, ELSEWHERE]
    with organization(bench) as ours:
        # The reviewer also approves an account that was not in the dry run.
        execution = run_map(bench, ours, accounts, [DEV, PROD, MANAGEMENT])
    shown = [("--dry-run", DEV, 0), ("--dry-run", STAGING, 0), ("--dry-run", PROD, 0), ("--dry-run", ELSEWHERE, 11)]
    deleted = [("--yes", DEV, 0), ("--yes", PROD, 0), ("--yes", PROD, 9)]
    assert execution == machine.Execution("SUCCEEDED", [accounts], shown + deleted)
    assert ours.sandbox.left == UNCHANGED | {DEV: 3, PROD: 3}
    # Each swept account has a journal.
    assert sorted(path.name for path in (bench.folder / "journals").iterdir()) == [f"{DEV}.jsonl", f"{PROD}.jsonl"]
    granted = {MANAGEMENT: TASK, DEV: SWEEP, STAGING: SWEEP - {"iam:DeleteAccessKey"}, PROD: SWEEP}
    assert ours.sandbox.granted() == granted


@pytest.mark.parametrize("action", sorted(SWEEP | TASK))
def test_a_map_of_step_functions_deletes_nothing_without_an_action_of_its_policies(bench: Bench, action: str) -> None:
    with organization(bench, {action}) as ours:
        execution = run_map(bench, ours, [DEV], [DEV])
    assert execution.containers[-1] == ("--yes", DEV, 6)
    assert ours.sandbox.left == UNCHANGED
