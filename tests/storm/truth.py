"""Compares the reported result for each key with the final state of the server."""

import json
import re
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

# The status of each key in an account, before or after the runs.
Keys = dict[str, str]

DONE = {"delete": "Deleted", "deactivate": "Deactivated", "reactivate": "Reactivated"}
# The final status of a key after the action. None means that it is gone.
LEFT = {"delete": None, "deactivate": "Inactive", "reactivate": "Active"}
UNCHANGED = {"Failed", "NotTried", "Skipped", "Refused"}


class Named(NamedTuple):
    """A key in the list: its ID, the named user, and whether the key belongs to that user."""

    id: str
    user: str
    is_theirs: bool


class Run(NamedTuple):
    """When a run started and ended, and what it printed."""

    start: float
    end: float
    rows: list[dict]
    stderr: str
    # None if the run was killed.
    status: int | None


class Verdict(NamedTuple):
    outcomes: Counter
    false: list[str]


def rows_of(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def judge(action: str, named: list[Named], rows: list[dict], before: Keys, after: Keys) -> Verdict:
    """Checks that each named key is reported exactly once, and correctly. `before` and `after` have the keys of all users."""
    false = []
    times = Counter(row["AccessKeyId"] for row in rows)
    ids = {key.id for key in named}
    false += [f"{id}: reported {times[id]} times" for id in ids if times[id] != 1]
    false += [f"{id}: reported, although it was not named" for id in times if id not in ids]
    theirs = {key.id: key.is_theirs for key in named}
    for row in rows:
        id, outcome = row["AccessKeyId"], row["Outcome"]
        if not is_true(action, outcome, before.get(id), after.get(id)):
            false.append(f"{id}: {outcome}, but it was {before.get(id)} and is {after.get(id)}: {json.dumps(row)}")
        elif before.get(id) != after.get(id) and not theirs.get(id):
            false.append(f"{id}: changed, although it is another user's: {json.dumps(row)}")
    others = [id for id in before if id not in ids and before[id] != after.get(id)]
    false += [f"{id}: changed, although it was not named" for id in others]
    return Verdict(Counter(row["Outcome"] for row in rows), false)


def judge_end(action: str, ids: Collection[str], run: Run) -> list[str]:
    """The errors in the last line and the exit status of a run over these keys. The rows determine both."""
    outcomes = Counter(row["Outcome"] for row in run.rows)
    try:
        counts = counts_of(run.stderr)
    except ValueError as error:
        return [str(error)]
    earlier = counts.pop("Before", 0)
    false = []
    if counts != outcomes:
        false.append(f"the last line counts {dict(counts)}, but the rows have {dict(outcomes)}")
    if len(run.rows) + earlier != len(ids):
        left_out = set(ids) - {row["AccessKeyId"] for row in run.rows}
        false.append(f"{len(ids)} keys, {len(run.rows)} rows, {earlier} before: {sorted(left_out)}")
    if not is_status(action, run.status, set(outcomes)):
        false.append(f"exit status {run.status} with {dict(outcomes)}")
    return false


def is_status(action: str, status: int, outcomes: set[str]) -> bool:
    """Whether this is the right exit status for a run over a list, which may skip keys."""
    successes = {DONE[action], "Missing", "Skipped"}
    if outcomes <= successes:
        return status == 0
    return status == 12 if outcomes & successes else status != 0


def is_already_inactive(row: dict) -> bool:
    """Whether the run skipped the key because it was already inactive."""
    return row["Outcome"] == "Skipped" and row.get("Reason") == "already inactive"


def is_true(action: str, outcome: str, before: str | None, after: str | None) -> bool:
    """Whether the outcome is true for a key with these statuses before and after. None means that the key did not exist."""
    if outcome == DONE[action]:
        return after == LEFT[action]
    if outcome == "Failed":
        return after == before
    if outcome == "Missing":
        # The key was already gone before this run.
        return before is None and after is None
    # These runs try every key, so the only other valid outcome is Unknown.
    return outcome == "Unknown"


def counts_of(stderr: str) -> Counter:
    """The counts in the last line by outcome. Checks their order and their sum."""
    words = {
        "deleted": "Deleted",
        "deactivated": "Deactivated",
        "reactivated": "Reactivated",
        "already gone": "Missing",
        "skipped": "Skipped",
        "refused": "Refused",
        "failed and not changed": "Failed",
        "unknown": "Unknown",
        "not tried": "NotTried",
        "already inactive": "Skipped",
        "already active": "Skipped",
        "finished by an earlier run": "Before",
    }
    last = re.fullmatch(r"result: (\d+) keys: ([^;]+)(?:; .+)?", stderr.splitlines()[-1])
    if last is None:
        raise ValueError(f"no counts: {stderr}")
    counts, names = Counter(), []
    for part in last[2].split(", "):
        count, what = part.split(" ", 1)
        counts[words[what]] += int(count)
        names.append(what)
    if names != [what for what in words if what in names]:
        raise ValueError(f"the counts are not in order: {last[0]}")
    if counts.total() != int(last[1]):
        raise ValueError(f"the counts do not add up: {last[0]}")
    return counts
