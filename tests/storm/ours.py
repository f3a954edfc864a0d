"""iam-del-key in a storm: one run from beginning to end, or runs that are killed and gone on with."""

import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import truth
from place import Storming, listed, write
from truth import Verdict

LIMITS = ["--cli-connect-timeout", "2", "--cli-read-timeout", "1", "--timeout", "20"]
# What the seeds do, one after another.
WAYS = [[], ["--ignore-missing"], ["--deactivate"]]
# A run that is killed, and how often; then one after the other runs to its end.
KILLS, RUNS = 4, 6
HANGS = 600
# Requests a second, as many as a development build makes.
RATE = 1000


class Storm(NamedTuple):
    binaries: Path
    seed: int
    percent: int
    keys: int
    jobs: int

    @contextmanager
    def sandbox(self) -> Iterator[Storming]:
        options = ["--storm", str(self.seed), "--storm-percent", str(self.percent), "--throttle", str(RATE)]
        with Storming(self.binaries, self.keys, *options) as sandbox:
            yield sandbox

    def command(self, file: Path, *more: object) -> list:
        return [self.binaries / "iam-del-key", "--from", file, "--jobs", str(self.jobs), *LIMITS, *more]


def one_run(storm: Storm, way: list[str]) -> Verdict:
    """One run, and its rows, its counts and its exit status held against the truth."""
    action = "deactivate" if "--deactivate" in way else "delete"
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        file = Path(scratch) / "list.csv"
        named = listed(sandbox.planted)
        write(named, file)
        ended = subprocess.run(storm.command(file, *way), env=sandbox.environment, capture_output=True, text=True, timeout=HANGS)
        after = sandbox.end()
    verdict = truth.judge(action, named, truth.rows_of(ended.stdout), sandbox.before, after)
    counts = truth.counts_of(ended.stderr)
    if counts != verdict.outcomes:
        verdict.false.append(f"the last line counts {dict(counts)}, and the rows are {dict(verdict.outcomes)}")
    if (ended.returncode == 0) != truth.is_success(action, verdict.outcomes):
        verdict.false.append(f"exit status {ended.returncode} with {dict(verdict.outcomes)}")
    return verdict


def killed_and_resumed(storm: Storm) -> Verdict:
    """Deletes keys with one journal. Some runs are killed at random."""
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        file, journal = Path(scratch) / "list.csv", Path(scratch) / "done.jsonl"
        named = own_keys(sandbox, file)
        outputs = resumed(storm, storm.command(file, "--journal", journal), sandbox, journal, len(named))
        after = sandbox.end()
        recorded = recorded_in(journal)
    return judge_runs(named, outputs, recorded, sandbox.before, after)


def undone(storm: Storm) -> Verdict:
    """Deactivates keys, and reactivates them from the journal. Some runs of each kind are killed at random."""
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        file, journal, undo = (Path(scratch) / name for name in ("list.csv", "done.jsonl", "undone.jsonl"))
        named = own_keys(sandbox, file)
        resumed(storm, storm.command(file, "--deactivate", "--journal", journal), sandbox, journal, len(named))
        # A key without a result was only started.
        deactivated = {row["AccessKeyId"]: row.get("Outcome", "Unknown") for row in truth.rows_of(journal.read_text())[1:]}
        # A request of a killed run must not act after the undo.
        sandbox.settle()
        command = storm.command(journal, "--reactivate", "--yes", "--journal", undo)
        # One run is enough: keys stay refused if no response said that this tool deactivated them.
        outputs = resumed(storm, command, sandbox, undo, len(named), runs=1)
        after = sandbox.end()
        told = {row["AccessKeyId"]: row["Outcome"] for output in outputs for row in truth.rows_of(output)}
        told |= recorded_in(undo)
    return judge_undo(deactivated, told, after)


def own_keys(sandbox: Storming, file: Path) -> list[truth.Named]:
    """Writes a list of keys that exist and belong to the users it names. About others, each run says the same again."""
    named = [key for key in listed(sandbox.planted) if key.is_theirs]
    write(named, file)
    return named


def resumed(storm: Storm, command: list, sandbox: Storming, journal: Path, keys: int, runs: int = RUNS) -> list[str]:
    """Starts and kills runs with one journal, then runs to the end until all keys are done, and returns what they print."""
    random_moments = random.Random(storm.seed)
    outputs = []
    for _ in range(KILLS):
        outputs.append(killed(command, sandbox.environment, journal, random_moments.randint(10, keys // 2)))
    for _ in range(runs):
        ended = subprocess.run(command, env=sandbox.environment, capture_output=True, text=True, timeout=HANGS)
        outputs.append(ended.stdout)
        if ended.returncode == 0:
            break
    return outputs


def killed(command: list, environment: dict[str, str], journal: Path, records: int) -> str:
    """Starts a run and kills it so many records of the journal later; what it printed in whole lines."""
    size = lambda: journal.stat().st_size if journal.exists() else 0
    until = size() + 200 * records
    deadline = time.monotonic() + HANGS
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=subprocess.DEVNULL)
        while size() < until and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        process.wait()
        printed.seek(0)
        return printed.read().rpartition("\n")[0]


def recorded_in(journal: Path) -> dict[str, str]:
    """The last result of each key."""
    rows = truth.rows_of(journal.read_text())[1:]
    return {row["AccessKeyId"]: row["Outcome"] for row in rows if "Outcome" in row}


def judge_runs(named: list[truth.Named], outputs: list[str], recorded: dict[str, str], before: truth.Keys, after: truth.Keys) -> Verdict:
    false = []
    told: dict[str, list[str]] = {}
    for output in outputs:
        for row in truth.rows_of(output):
            told.setdefault(row["AccessKeyId"], []).append(row["Outcome"])
    for id, outcomes in told.items():
        if outcomes.count("Deleted") > 1:
            false.append(f"{id}: told as deleted {outcomes.count('Deleted')} times")
        if "Deleted" in outcomes and id in after:
            false.append(f"{id}: {outcomes}, and it is there")
        if "Missing" in outcomes:
            false.append(f"{id}: {outcomes}, and it was there")
    # What was told last counts, unless the journal went on after it: its run was killed before it could tell.
    rows = [{"AccessKeyId": key.id, "Outcome": recorded.get(key.id, "nothing")} for key in named]
    verdict = truth.judge("delete", named, rows, before, after)
    return Verdict(verdict.outcomes, false + verdict.false)


def judge_undo(deactivated: dict[str, str], told: dict[str, str], after: truth.Keys) -> Verdict:
    """Every key was Active before it was deactivated. Exactly the keys that the journal calls deactivated may be active again."""
    false = []
    for id, earlier in deactivated.items():
        outcome, status = told.get(id, "nothing"), after.get(id)
        if outcome in ("Reactivated", "Skipped"):
            is_true = status == "Active" and earlier in ("Deactivated", "Unknown")
        elif outcome == "Unknown" or earlier == "Unknown":
            is_true = status is not None
        else:
            is_true = status == ("Inactive" if earlier == "Deactivated" else "Active") and outcome != "Missing"
        if not is_true:
            false.append(f"{id}: {earlier}, then {outcome}, and it is {status}")
    false += [f"{id}: {told[id]}, and not in the journal" for id in told if id not in deactivated]
    return Verdict(Counter(told.values()), false)
