"""Adverse storms: requests act late, lists lag, users are renamed, reads are denied, and keys are named with a wrong owner.

Each statement about a key is compared with what the requests up to then have done, also those that act later.
"""

import json
import random
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import truth
from ours import HANGS, LIMITS, killed
from place import Storming

ACCOUNT = "123456789012"
OTHER_ACCOUNTS_KEY = "AKIAY34FZKBO"
SWEEP = ["--whole-account", "--older-than", "1d", "--yes", "--expect-account", ACCOUNT, "--except-user", "Bob", "--except-user", "Alice", "--except-user", "admin"]
# How often a run is killed, and how many runs then go to their end at most.
KILLS, RUNS = 3, 4
AT_ONCE = 12
# What is printed in the one case in which a statement can be wrong: only the caller names the owner, and IAM does not
# confirm it.
PRESUMED = re.compile(r"warning: (\w+) is presumed deleted: .*(?:does not confirm its owner|there is no permission to check the key)")
UNCHECKED = "IAM did not confirm the owner"


class Mode(NamedTuple):
    options: list[str]
    names_owners: bool = True
    has_journal: bool = False

    @property
    def title(self) -> str:
        if self.is_sweep:
            return f"{SWEEP[0]} with a condition"
        words = ["owners" if self.names_owners else "no owners", *self.options]
        return " ".join(words) + (" --journal, killed" if self.has_journal else "")

    @property
    def is_sweep(self) -> bool:
        return SWEEP[0] in self.options

    @property
    def action(self) -> str:
        return "deactivate" if "--deactivate" in self.options else "delete"


MODES = [
    Mode([]),
    Mode(["--ignore-missing"]),
    Mode(["--deactivate"]),
    Mode(["--older-than", "1d"]),
    Mode([], names_owners=False),
    Mode(["--ignore-missing"], names_owners=False),
    Mode(["--find-user"], names_owners=False),
    Mode(["--find-user", "--ignore-missing"], names_owners=False),
    Mode([], has_journal=True),
    Mode(["--ignore-missing"], has_journal=True),
    Mode(["--deactivate"], has_journal=True),
    Mode(["--find-user"], names_owners=False, has_journal=True),
    Mode(["--older-than", "1d"], has_journal=True),
    Mode(SWEEP),
]


class Key(NamedTuple):
    """A key of the list, and the user it is named with."""

    id: str
    user: str
    is_theirs: bool


class Run(NamedTuple):
    start: float
    end: float
    rows: list[dict]
    stderr: str
    # None: it was killed.
    status: int | None


class Result(NamedTuple):
    outcomes: Counter
    reasons: Counter
    # Wrong, and allowed with a warning.
    presumed: int
    false: list[str]
    seconds: float


def keys_of(sandbox: Storming, mode: Mode, seed: int) -> list[Key]:
    """The keys to be named: planted ones, some with a wrong owner, some that nobody has, and some of another account."""
    chance = random.Random(seed)
    named = []
    for place, (id, user) in enumerate(sandbox.planted):
        wrong = sandbox.planted[place - 1][1]
        is_theirs = chance.random() > 0.12 or wrong == user
        named.append(Key(id, user if is_theirs else wrong, is_theirs))
        if chance.random() < 0.06:
            named.append(Key(id[:14] + "ZZ" + id[16:], user, is_theirs=False))
        if chance.random() < 0.04:
            named.append(Key(OTHER_ACCOUNTS_KEY + id[12:], user, is_theirs=False))
    chance.shuffle(named)
    return named


def write(named: list[Key], mode: Mode, file: Path) -> None:
    lines = ["AccessKeyId,UserName"] if mode.names_owners else ["AccessKeyId"]
    lines += [f"{key.id},{key.user}" if mode.names_owners else key.id for key in named]
    file.write_text("\n".join([*lines, ""]))


def play(binaries: Path, mode: Mode, seed: int, jobs: int, users: int) -> Result:
    """All runs of one mode in one storm, and what of their statements is false."""
    begun = time.monotonic()
    options = ["--storm", str(seed), "--users", str(users), "--remember", "1000000"]
    # One read that fails ends a sweep.
    percent, adverse = ("6", "changes") if mode.is_sweep else ("40", "poor-reads")
    options += ["--storm-percent", percent, "--adverse", adverse]
    options += ["--own-keys", str(users // 2)] if not mode.names_owners else []
    with tempfile.TemporaryDirectory() as scratch, Storming(binaries, users + users // 4, *options, https=False) as sandbox:
        file, journal = Path(scratch) / "list.csv", Path(scratch) / "done.jsonl"
        named = keys_of(sandbox, mode, seed)
        write(named, mode, file)
        command = [binaries / "iam-del-key", "--jobs", str(jobs), *LIMITS, *mode.options]
        command += [] if mode.is_sweep else ["--from", file]
        command += ["--journal", journal] if mode.has_journal else []
        runs = list(runs_of(command, mode, sandbox, journal, seed, len(named)))
        recorded = recorded_in(journal) if mode.has_journal else None
        after = sandbox.end()
    if mode.is_sweep:
        named = [Key(id, user, is_theirs=True) for id, user in sandbox.planted]
    judge = Judge(mode, named, runs, sandbox, after)
    return judge.result(recorded, time.monotonic() - begun)


def runs_of(command: list, mode: Mode, sandbox: Storming, journal: Path, seed: int, keys: int) -> Iterator[Run]:
    moments = random.Random(seed)
    for _ in range(KILLS if mode.has_journal else 0):
        start = time.time()
        printed = killed(command, sandbox.environment, journal, moments.randint(2, max(3, keys // 3)))
        yield Run(start, time.time(), truth.rows_of(printed), "", None)
    for _ in range(RUNS if mode.has_journal else 1):
        start = time.time()
        ended = subprocess.run(command, env=sandbox.environment, capture_output=True, text=True, timeout=HANGS)
        yield Run(start, time.time(), truth.rows_of(ended.stdout), ended.stderr, ended.returncode)
        if ended.returncode == 0:
            return


def recorded_in(journal: Path) -> dict[str, str]:
    """The last that the journal says about each key. A change that was only started is unknown."""
    lines = journal.read_text().splitlines(keepends=True)[1:]
    # The last line of a killed run may be cut off.
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return {row["AccessKeyId"]: row.get("Outcome", "Unknown") for row in rows}


class Judge:
    def __init__(self, mode: Mode, named: list[Key], runs: list[Run], sandbox: Storming, after: truth.Keys) -> None:
        self.mode, self.runs, self.after = mode, runs, after
        self.named = {key.id: key for key in named}
        self.before = sandbox.before
        # When the request came that changed the key, whenever it acted.
        self.changed: dict[str, float] = {}
        for change in sandbox.changes:
            self.changed.setdefault(change["AccessKeyId"], change["Time"])
        self.false: list[str] = []
        self.presumed = 0
        ended = [run for run in runs if run.status is not None]
        self.presumed_ids = {id for run in ended for id in PRESUMED.findall(run.stderr)}
        self.unchecked_ids = {row["AccessKeyId"] for run in runs for row in run.rows if row.get("Reason") == UNCHECKED}
        self.heard = {row["AccessKeyId"] for run in ended for row in run.rows}

    def result(self, recorded: dict[str, str] | None, seconds: float) -> Result:
        for run in self.runs:
            self.judge_run(run)
        last = {row["AccessKeyId"]: row for run in self.runs for row in run.rows}
        outcomes = Counter(row["Outcome"] for row in last.values())
        if recorded is not None:
            for id, outcome in recorded.items():
                self.judge_row({"AccessKeyId": id, "Outcome": outcome}, self.runs[-1], "the journal")
            # Of what a killed run did not print, the journal tells.
            outcomes = Counter(recorded.get(id, "NotTried") for id in self.named)
            self.judge_repeats()
        elif self.mode.is_sweep and not self.runs[-1].rows and self.runs[-1].status != 0:
            # It ended with an error, and says nothing about any key.
            outcomes = Counter({"NotTried": len(self.named)})
            self.false += [f"{id}: changed by a sweep that failed" for id in self.changed]
        reasons = Counter(reason_of(row) for row in last.values() if row["Outcome"] == "Unknown")
        return Result(outcomes, reasons, self.presumed, self.false, seconds)

    def judge_run(self, run: Run) -> None:
        times = Counter(row["AccessKeyId"] for row in run.rows)
        self.false += [f"{id}: printed {count} times" for id, count in times.items() if count > 1]
        self.false += [f"{id}: printed, and not named" for id in times if id not in self.named]
        for row in run.rows:
            self.judge_row(row, run, "the output")
        if run.status is None or self.mode.is_sweep and not run.rows and run.status != 0:
            return
        try:
            counts = truth.counts_of(run.stderr)
        except ValueError as error:
            self.false.append(str(error))
            return
        earlier = counts.pop("Before", 0)
        printed = Counter(row["Outcome"] for row in run.rows)
        if counts != printed:
            self.false.append(f"the last line counts {dict(counts)}, and the rows are {dict(printed)}")
        if len(run.rows) + earlier != len(self.named):
            left_out = [id for id in self.named if id not in times]
            self.false.append(f"{len(self.named)} keys, {len(run.rows)} rows, {earlier} before: {left_out}")
        if (run.status == 0) != truth.is_success(self.mode.action, printed):
            self.false.append(f"exit status {run.status} with {dict(printed)}")

    def judge_row(self, row: dict, run: Run, where: str) -> None:
        id, outcome = row["AccessKeyId"], row["Outcome"]
        is_changed = self.changed.get(id, float("inf")) <= run.end
        is_there = id in self.after
        if outcome == truth.DONE[self.mode.action]:
            is_true = is_changed or self.is_excused(id, self.presumed_ids, where)
        elif outcome == "Missing":
            is_true = not is_there and (id not in self.before or self.mode.has_journal and is_changed) or self.is_excused(id, self.unchecked_ids, where)
        elif truth.is_already_inactive(row):
            # Whoever made it so: an earlier run perhaps.
            is_true = self.mode.action == "deactivate" and self.after.get(id) == "Inactive"
        elif outcome in truth.UNCHANGED:
            is_true = not is_changed
        else:
            is_true = outcome == "Unknown"
        if not is_true:
            changed = f"changed at {self.changed[id] - self.runs[0].start:.1f} s" if id in self.changed else "never changed"
            self.false.append(f"{id}: {where}: {outcome}; {changed}, there: {is_there}: {json.dumps(row)}")

    def is_excused(self, id: str, warned: set[str], where: str) -> bool:
        """Whether the owner is one that only the caller names, and wrong, and a run has warned of it."""
        key = self.named.get(id)
        if key is None or key.is_theirs or not self.mode.names_owners:
            return False
        # A run can be killed after it recorded a key and before it printed a warning.
        has_warned = id in warned or id not in self.heard
        self.presumed += has_warned and where == "the output"
        return has_warned

    def judge_repeats(self) -> None:
        """No key is printed as deleted twice, and nothing else is printed of it afterward. A deactivation is checked again."""
        final = {"Deleted", "Missing"}
        ended: dict[str, str] = {}
        for run in self.runs:
            for row in run.rows:
                id, outcome = row["AccessKeyId"], row["Outcome"]
                if id in ended:
                    self.false.append(f"{id}: {ended[id]}, and later {outcome}")
                elif outcome in final:
                    ended[id] = outcome


def reason_of(row: dict) -> str:
    code = (row.get("Error") or {}).get("Code", "")
    return f"{code} {re.sub(r'user-[0-9]+(-renamed)?', 'USER', row.get('Reason', ''))}".strip()


def run(binaries: Path, seeds: range, users: int, jobs: int | None, modes: list[int]) -> int:
    print("| seed | mode | jobs | seconds | keys | done | missing | not changed | unknown | presumed | false |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    plan = []
    for seed in seeds:
        # One at a time takes long: fewer keys.
        for number in modes:
            at_once = jobs or (1 if (seed + number) % 4 == 0 else 32)
            plan.append((seed, MODES[number], at_once, users if at_once > 1 else max(users // 6, 4)))
    false, total, reasons, presumed = [], Counter(), Counter(), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda each: play(binaries, each[1], each[0], each[2], each[3]), plan)
        for (seed, mode, at_once, _), result in zip(plan, results):
            line(seed, mode.title, at_once, result)
            false += [f"seed {seed}, {mode.title}, {at_once} jobs: {text}" for text in result.false]
            total += result.outcomes
            reasons += result.reasons
            presumed += result.presumed
    line("all", "", "", Result(total, reasons, presumed, false, 0))
    print(f"\nUnknown: {total['Unknown'] / max(total.total(), 1):.2%}\n")
    print("".join(f"- {count}: {reason}\n" for reason, count in reasons.most_common()))
    print("".join(f"FALSE: {text}\n" for text in false), end="")
    return 1 if false else 0


def line(seed: object, mode: str, jobs: object, result: Result) -> None:
    counted = result.outcomes
    cells = [
        seed,
        mode,
        jobs,
        f"{result.seconds:.0f}",
        counted.total(),
        counted["Deleted"] + counted["Deactivated"],
        counted["Missing"],
        sum(counted[outcome] for outcome in truth.UNCHANGED),
        counted["Unknown"],
        result.presumed,
        len(result.false),
    ]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
