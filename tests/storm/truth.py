"""What is said of each key, held against what the server has at the end."""

import json
import re
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

# What the account had before, and has at the end: the status of each key.
Keys = dict[str, str]

DONE = {"delete": "Deleted", "deactivate": "Deactivated", "reactivate": "Reactivated"}
# The status of a key that is done, if it is still there.
LEFT = {"delete": None, "deactivate": "Inactive", "reactivate": "Active"}
UNCHANGED = {"Failed", "NotTried", "Skipped", "Refused"}


class Named(NamedTuple):
    """A key of the list: its ID, the user it is named with, and whether it is that user's."""

    id: str
    user: str
    is_theirs: bool


class Run(NamedTuple):
    """When a run started and ended, and what it printed."""

    start: float
    end: float
    rows: list[dict]
    stderr: str
    # None: it was killed.
    status: int | None


class Verdict(NamedTuple):
    outcomes: Counter
    false: list[str]


def rows_of(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def judge(action: str, named: list[Named], rows: list[dict], before: Keys, after: Keys) -> Verdict:
    """Each named key is told exactly once, and what is told is so. `before` and `after` have the keys of all users."""
    false = []
    times = Counter(row["AccessKeyId"] for row in rows)
    ids = {key.id for key in named}
    false += [f"{id}: told {times[id]} times" for id in ids if times[id] != 1]
    false += [f"{id}: told, and not named" for id in times if id not in ids]
    theirs = {key.id: key.is_theirs for key in named}
    for row in rows:
        id, outcome = row["AccessKeyId"], row["Outcome"]
        if not so(action, outcome, before.get(id), after.get(id)):
            false.append(f"{id}: {outcome}, and it was {before.get(id)} and is {after.get(id)}: {json.dumps(row)}")
        elif before.get(id) != after.get(id) and not theirs.get(id):
            false.append(f"{id}: another user's, and changed: {json.dumps(row)}")
    others = [id for id in before if id not in ids and before[id] != after.get(id)]
    false += [f"{id}: changed, and not named" for id in others]
    return Verdict(Counter(row["Outcome"] for row in rows), false)


def judge_end(action: str, ids: Collection[str], run: Run) -> list[str]:
    """What is false in the last line and the exit status of a run over these keys: both follow from the rows."""
    outcomes = Counter(row["Outcome"] for row in run.rows)
    try:
        counts = counts_of(run.stderr)
    except ValueError as error:
        return [str(error)]
    earlier = counts.pop("Before", 0)
    false = []
    if counts != outcomes:
        false.append(f"the last line counts {dict(counts)}, and the rows are {dict(outcomes)}")
    if len(run.rows) + earlier != len(ids):
        left_out = set(ids) - {row["AccessKeyId"] for row in run.rows}
        false.append(f"{len(ids)} keys, {len(run.rows)} rows, {earlier} before: {sorted(left_out)}")
    if not is_status(action, run.status, set(outcomes)):
        false.append(f"exit status {run.status} with {dict(outcomes)}")
    return false


def is_status(action: str, status: int, outcomes: set[str]) -> bool:
    """Whether a run over a list, which may skip keys, exits with this."""
    successes = {DONE[action], "Missing", "Skipped"}
    if outcomes <= successes:
        return status == 0
    return status == 12 if outcomes & successes else status != 0


def is_already_inactive(row: dict) -> bool:
    """Whether the key was to be made inactive, and is."""
    return row["Outcome"] == "Skipped" and row.get("Reason") == "already inactive"


def so(action: str, outcome: str, before: str | None, after: str | None) -> bool:
    """Whether the outcome is true of a key that had this status before, if it was there, and has that one now."""
    if outcome == DONE[action]:
        return after == LEFT[action]
    if outcome == "Failed":
        return after == before
    if outcome == "Missing":
        # Gone already: not by this run.
        return before is None and after is None
    # No other outcome says that the key was tried.
    return outcome == "Unknown"


def counts_of(stderr: str) -> Counter:
    """The counts of the last line, by outcome, which are in this order."""
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
    counts, said = Counter(), []
    for part in last[2].split(", "):
        count, what = part.split(" ", 1)
        counts[words[what]] += int(count)
        said.append(what)
    if said != [what for what in words if what in said]:
        raise ValueError(f"the counts are not in order: {last[0]}")
    if counts.total() != int(last[1]):
        raise ValueError(f"the counts do not add up: {last[0]}")
    return counts
