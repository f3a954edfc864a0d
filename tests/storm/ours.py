"""Runs iam-del-key in a storm: one complete run, or runs that are killed and resumed."""

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import truth
from place import Storming, listed, write, write_deactivated
from truth import Run, Verdict

LIMITS = ["--cli-connect-timeout", "2", "--cli-read-timeout", "1", "--timeout", "20"]
# How many runs are killed, how many more runs may complete, and how many may be needed until all keys are deleted.
KILLS, RUNS, LAST = 4, 6, 20
# The limit of requests per second, which is close to the speed of a debug build.
RATE = 1000


class Storm(NamedTuple):
    binaries: Path
    seed: int
    percent: int
    keys: int
    jobs: int
    # Additional options for every run.
    more: list[str]

    @contextmanager
    def sandbox(self, *more: str) -> Iterator[Storming]:
        options = ["--storm", str(self.seed), "--storm-percent", str(self.percent), "--throttle", str(RATE)]
        with Storming(self.binaries, self.keys, *options, *more) as sandbox:
            yield sandbox

    def command(self, file: Path, *more: object) -> list:
        return [self.binaries / "iam-del-key", "--from", file, "--jobs", str(self.jobs), *LIMITS, *self.more, *more]


def one_run(storm: Storm, action: str, *options: str) -> Verdict:
    """Runs once, and checks the rows, the counts and the exit status."""
    is_undo = action == "reactivate"
    status = ["--inactive"] if is_undo else []
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox(*status) as sandbox:
        file = Path(scratch) / "list"
        named = listed(sandbox.planted)
        (write_deactivated if is_undo else write)(named, file)
        run = sandbox.run(storm.command(file, *options))
        after = sandbox.end()
    verdict = truth.judge(action, named, run.rows, sandbox.before, after)
    return Verdict(verdict.outcomes, verdict.false + truth.judge_end(action, [key.id for key in named], run))


def killed_and_resumed(storm: Storm) -> Verdict:
    """Deletes keys with one journal, and kills some runs at random."""
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        named, runs, recorded = resumed(storm, sandbox, Path(scratch), RUNS)
        after = sandbox.end()
    return judge_runs(named, runs, recorded, sandbox, after)


def killed_and_finished(storm: Storm) -> Verdict:
    """The same, until all keys are deleted. The tool sees each key in a list first, so a missing key must have been deleted."""
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        named, runs, recorded = resumed(storm, sandbox, Path(scratch), LAST, "--older-than", "1d")
        after = sandbox.end()
    verdict = judge_runs(named, runs, recorded, sandbox, after)
    left = [f"{key.id}: {recorded.get(key.id)} at last" for key in named if recorded.get(key.id) != "Deleted"]
    return Verdict(verdict.outcomes, verdict.false + left)


def resumed(storm: Storm, sandbox: Storming, scratch: Path, runs: int, *more: str) -> tuple[list[truth.Named], list[Run], dict[str, str]]:
    """The keys to delete, the runs, and the last result for each key in the journal."""
    file, journal = scratch / "list.csv", scratch / "done.jsonl"
    named = own_keys(sandbox, file)
    command = storm.command(file, "--journal", journal, *more)
    return named, list(runs_of(storm, command, sandbox, journal, len(named), runs)), results(sandbox.read(journal))


def undone(storm: Storm) -> Verdict:
    """Deactivates keys, and reactivates them from the journal. Kills some runs of each kind at random."""
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        file, journal, undo = (Path(scratch) / name for name in ("list.csv", "done.jsonl", "undone.jsonl"))
        named = own_keys(sandbox, file)
        command = storm.command(file, "--deactivate", "--journal", journal)
        list(runs_of(storm, command, sandbox, journal, len(named)))
        # A key without a result is unknown.
        deactivated = {row["AccessKeyId"]: row.get("Outcome", "Unknown") for row in sandbox.read(journal)}
        # A request of a killed run must not take effect after the undo.
        sandbox.settle()
        command = storm.command(journal, "--reactivate", "--yes", "--journal", undo)
        # One run is enough, because it always refuses keys that no response confirms this tool deactivated.
        runs = list(runs_of(storm, command, sandbox, undo, len(named), runs=1))
        after = sandbox.end()
        reported = {row["AccessKeyId"]: row["Outcome"] for run in runs for row in run.rows}
        reported |= results(sandbox.read(undo))
    return judge_undo(deactivated, reported, after)


def own_keys(sandbox: Storming, file: Path) -> list[truth.Named]:
    """Writes a list of the keys that exist and have the right owner. Every run would report the others again."""
    named = [key for key in listed(sandbox.planted) if key.is_theirs]
    write(named, file)
    return named


def runs_of(storm: Storm, command: list, sandbox: Storming, journal: Path, keys: int, runs: int = RUNS) -> Iterator[Run]:
    """Starts and kills runs with one journal, and then completes runs until all keys are done."""
    random_moments = random.Random(storm.seed)
    for _ in range(KILLS):
        yield sandbox.run_and_kill(command, journal, random_moments.randint(10, keys // 2))
    for _ in range(runs):
        run = sandbox.run(command)
        yield run
        if run.status == 0:
            return


def results(records: list[dict]) -> dict[str, str]:
    """The last result of each key."""
    return {row["AccessKeyId"]: row["Outcome"] for row in records if "Outcome" in row}


def judge_runs(named: list[truth.Named], runs: list[Run], recorded: dict[str, str], sandbox: Storming, after: truth.Keys) -> Verdict:
    false = []
    acted = {change["AccessKeyId"]: change["Acted"] for change in sandbox.changes}
    reported: dict[str, list[str]] = {}
    for run in runs:
        for row in run.rows:
            id, outcome = row["AccessKeyId"], row["Outcome"]
            reported.setdefault(id, []).append(outcome)
            if outcome == "Deleted" and acted.get(id, float("inf")) > run.end:
                false.append(f"{id}: reported as deleted, but it still existed")
        if run.status is not None:
            false += truth.judge_end("delete", [key.id for key in named], run)
            if run.status not in (0, 1, 5, 10, 12):
                false.append(f"exit status {run.status}")
    for id, outcomes in reported.items():
        if outcomes.count("Deleted") > 1:
            false.append(f"{id}: reported as deleted {outcomes.count('Deleted')} times")
        if not set(outcomes) <= {"Deleted", "Failed", "Unknown"}:
            false.append(f"{id}: {outcomes}, although it existed")
    # Judge the results in the journal, because a killed run may have recorded results that it did not print.
    rows = [{"AccessKeyId": key.id, "Outcome": recorded.get(key.id, "nothing")} for key in named]
    verdict = truth.judge("delete", named, rows, sandbox.before, after)
    return Verdict(verdict.outcomes, false + verdict.false)


def judge_undo(deactivated: dict[str, str], reported: dict[str, str], after: truth.Keys) -> Verdict:
    """Checks that only keys that are deactivated in the journal were reactivated. Every key was active before."""
    false = []
    for id, earlier in deactivated.items():
        outcome, status = reported.get(id, "nothing"), after.get(id)
        if outcome in ("Reactivated", "Skipped"):
            is_true = status == "Active" and earlier in ("Deactivated", "Unknown")
        elif outcome == "Unknown" or earlier == "Unknown":
            is_true = status is not None
        else:
            is_true = status == ("Inactive" if earlier == "Deactivated" else "Active") and outcome != "Missing"
        if not is_true:
            false.append(f"{id}: {earlier}, then {outcome}, but it is {status}")
    false += [f"{id}: {reported[id]}, but not in the journal" for id in reported if id not in deactivated]
    return Verdict(Counter(reported.values()), false)
