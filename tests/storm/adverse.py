"""Adverse storms: requests take effect late, lists lag, users are renamed, reads are denied, and keys have a wrong owner.

Compares each result for a key with the effects of all requests up to that time, even those that take effect later.
"""

import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import truth
from ours import LIMITS
from place import Storming, write_deactivated
from truth import Named, Run

ACCOUNT = "123456789012"
OTHER_ACCOUNTS_KEY = "AKIAY34FZKBO"
SWEEP = ["--whole-account", "--older-than", "1d", "--yes", "--expect-account", ACCOUNT, "--except-user", "Bob", "--except-user", "Alice", "--except-user", "admin"]
# How many runs are killed, and how many more runs may complete.
KILLS, RUNS = 3, 4
AT_ONCE = 12
# The warning in the only case in which a result may be wrong: only the caller names the owner, and IAM does not confirm it.
PRESUMED = re.compile(r"warning: (\w+) is presumed deleted: .*(?:does not confirm its owner|there is no permission to check the key)")
UNCHECKED = "IAM did not confirm the owner"
# The start of the error if a journal is used and STS does not return the account.
NO_ACCOUNT = "iam-del-key: error: the journal needs the account: "
# The last line of a run that ended before its first key. It may count keys that are unknown from earlier runs.
NOTHING_CHANGED = re.compile(r"\nresult: (no key was changed|this run changed no key; (\d+) keys? that earlier runs started to change (is|are) still unknown)\n$")
# The possible results if there are no conditions and all reads are allowed.
TRIED = {*truth.DONE.values(), "Missing", "Failed", "Unknown"}


class Mode(NamedTuple):
    options: list[str]
    names_owners: bool = True
    has_journal: bool = False
    # Whether all reads are allowed and show new keys immediately.
    can_read: bool = False

    @property
    def title(self) -> str:
        if self.is_sweep:
            return f"{SWEEP[0]} with a condition"
        words = ["owners" if self.names_owners else "no owners", *self.options]
        return " ".join(words) + (" --journal, killed" if self.has_journal else "") + (", may read" if self.can_read else "")

    @property
    def is_sweep(self) -> bool:
        return SWEEP[0] in self.options

    @property
    def action(self) -> str:
        return next((action for action in ("deactivate", "reactivate") if f"--{action}" in self.options), "delete")

    @property
    def storm(self) -> list[str]:
        # A single failed read ends a sweep.
        percent = 6 if self.is_sweep else 30 if self.can_read else 40
        adverse = "changes" if self.is_sweep or self.can_read else "poor-reads"
        return ["--storm-percent", str(percent), "--adverse", adverse]


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
    Mode(["--reactivate", "--yes"]),
    Mode(["--ignore-missing"], can_read=True),
    Mode(["--deactivate"], can_read=True),
    Mode(["--reactivate", "--yes"], can_read=True),
]


class Result(NamedTuple):
    outcomes: Counter
    reasons: Counter
    # Wrong results that are allowed because of a warning.
    presumed: int
    false: list[str]
    seconds: float


def keys_of(sandbox: Storming, seed: int) -> list[Named]:
    """The keys to name: planted keys, some with a wrong owner, and some that do not exist or belong to another account."""
    chance = random.Random(seed)
    named = []
    for place, (id, user) in enumerate(sandbox.planted):
        wrong = sandbox.planted[place - 1][1]
        is_theirs = chance.random() > 0.12 or wrong == user
        named.append(Named(id, user if is_theirs else wrong, is_theirs))
        if chance.random() < 0.06:
            named.append(Named(id[:14] + "ZZ" + id[16:], user, is_theirs=False))
        if chance.random() < 0.04:
            named.append(Named(OTHER_ACCOUNTS_KEY + id[12:], user, is_theirs=False))
    chance.shuffle(named)
    return named


def write(named: list[Named], mode: Mode, file: Path) -> None:
    if mode.action == "reactivate":
        write_deactivated(named, file)
        return
    lines = ["AccessKeyId,UserName"] if mode.names_owners else ["AccessKeyId"]
    lines += [f"{key.id},{key.user}" if mode.names_owners else key.id for key in named]
    file.write_text("\n".join([*lines, ""]))


def play(binaries: Path, mode: Mode, seed: int, jobs: int, users: int, more: list[str]) -> Result:
    """Runs one mode in one storm, and judges the results."""
    begun = time.monotonic()
    options = ["--storm", str(seed), "--users", str(users), *mode.storm]
    options += ["--inactive"] if mode.action == "reactivate" else []
    options += ["--own-keys", str(users // 2)] if not mode.names_owners else []
    with tempfile.TemporaryDirectory() as scratch, Storming(binaries, users + users // 4, *options, https=False) as sandbox:
        file, journal = Path(scratch) / "list.csv", Path(scratch) / "done.jsonl"
        named = keys_of(sandbox, seed)
        write(named, mode, file)
        command = [binaries / "iam-del-key", "--jobs", str(jobs), *LIMITS, *mode.options, *more]
        command += [] if mode.is_sweep else ["--from", file]
        command += ["--journal", journal] if mode.has_journal else []
        runs = list(runs_of(command, mode, sandbox, journal, seed, len(named)))
        recorded = recorded_in(sandbox.read(journal)) if mode.has_journal else None
        after = sandbox.end()
    if mode.is_sweep:
        named = [Named(id, user, is_theirs=True) for id, user in sandbox.planted]
    judge = Judge(mode, named, runs, sandbox, after)
    return judge.result(recorded, time.monotonic() - begun)


def runs_of(command: list, mode: Mode, sandbox: Storming, journal: Path, seed: int, keys: int) -> Iterator[Run]:
    moments = random.Random(seed)
    for _ in range(KILLS if mode.has_journal else 0):
        yield sandbox.run_and_kill(command, journal, moments.randint(2, max(3, keys // 3)))
    for _ in range(RUNS if mode.has_journal else 1):
        run = sandbox.run(command)
        yield run
        if run.status == 0:
            return


# The result in a journal for a key that a run found inactive, after it or an earlier run had started to deactivate it.
FOUND_INACTIVE = {"already inactive", "deactivated"}


def recorded_in(records: list[dict]) -> dict[str, dict]:
    """The last result for each key in a journal, as a row. A change without a result is unknown."""
    rows, deactivated = {}, {}
    for record in records:
        id, outcome = record["AccessKeyId"], record.get("Outcome", "Unknown")
        if outcome == "NotTried" and id in deactivated:
            # A run that learned nothing does not replace the result of an earlier run.
            rows[id] = deactivated[id]
            continue
        reason = {"Reason": "already inactive"} if record.get("Result") in FOUND_INACTIVE else {}
        rows[id] = {"AccessKeyId": id, "Outcome": outcome, **reason}
        if outcome == "Deactivated":
            deactivated[id] = rows[id]
    return rows


class Judge:
    def __init__(self, mode: Mode, named: list[Named], runs: list[Run], sandbox: Storming, after: truth.Keys) -> None:
        self.mode, self.runs, self.after = mode, runs, after
        self.named = {key.id: key for key in named}
        self.before = sandbox.before
        # When the first request that changed the key arrived, and when the first change took effect.
        self.changed: dict[str, float] = {}
        self.acted: dict[str, float] = {}
        for change in sandbox.changes:
            self.changed.setdefault(change["AccessKeyId"], change["Time"])
        for change in sorted(sandbox.changes, key=lambda change: change["Acted"]):
            self.acted.setdefault(change["AccessKeyId"], change["Acted"])
        self.false = [f"{id}: changed, although it is another user's or was not named" for id in self.changed if not self.may_change(id)]
        self.presumed = 0
        ended = [run for run in runs if run.status is not None]
        self.presumed_ids = {id for run in ended for id in PRESUMED.findall(run.stderr)}
        self.unchecked_ids = {row["AccessKeyId"] for run in runs for row in run.rows if row.get("Reason") == UNCHECKED}
        self.heard = {row["AccessKeyId"] for run in ended for row in run.rows}

    def result(self, recorded: dict[str, dict] | None, seconds: float) -> Result:
        for run in self.runs:
            self.judge_run(run)
        last = {row["AccessKeyId"]: row for run in self.runs for row in run.rows}
        outcomes = Counter(row["Outcome"] for row in last.values())
        if recorded is not None:
            for row in recorded.values():
                self.judge_row(row, self.runs[-1], "the journal")
            # The journal has the results that a killed run did not print.
            untried = {"Outcome": "NotTried"}
            outcomes = Counter(recorded.get(id, untried)["Outcome"] for id in self.named)
            self.judge_repeats()
        elif self.mode.is_sweep and not self.runs[-1].rows and self.runs[-1].status != 0:
            # The sweep ended with an error before it reported a result.
            outcomes = Counter({"NotTried": len(self.named)})
            self.false += [f"{id}: changed by a sweep that failed" for id in self.changed]
        reasons = Counter(reason_of(row) for row in last.values() if row["Outcome"] == "Unknown")
        return Result(outcomes, reasons, self.presumed, self.false, seconds)

    def judge_run(self, run: Run) -> None:
        times = Counter(row["AccessKeyId"] for row in run.rows)
        self.false += [f"{id}: printed {count} times" for id, count in times.items() if count > 1]
        self.false += [f"{id}: printed, although it was not named" for id in times if id not in self.named]
        for row in run.rows:
            self.judge_row(row, run, "the output")
        ended_early = NOTHING_CHANGED.search(run.stderr)
        if NO_ACCOUNT in run.stderr and ended_early:
            if int(ended_early[2] or 0) > len(self.named):
                self.false.append(f"{ended_early[2]} keys are unknown, and {len(self.named)} are named")
            # STS did not return the account, so the run ended before the first key.
            changed = [id for id, time in self.changed.items() if run.start <= time <= run.end]
            self.false += [f"{id}: changed by a run without an account" for id in changed]
            if run.rows or run.status == 0:
                self.false.append(f"exit status {run.status} without an account, and {len(run.rows)} rows")
        elif run.status is not None and (run.rows or run.status == 0 or not self.mode.is_sweep):
            self.false += truth.judge_end(self.mode.action, self.named, run)

    def judge_row(self, row: dict, run: Run, where: str) -> None:
        id, outcome = row["AccessKeyId"], row["Outcome"]
        is_changed = self.changed.get(id, float("inf")) <= run.end
        is_there = id in self.after
        if self.mode.can_read and outcome not in TRIED:
            is_true = False
        elif outcome == truth.DONE[self.mode.action]:
            is_done = self.acted.get(id, float("inf")) <= run.end and self.after.get(id) == truth.LEFT[self.mode.action]
            is_true = is_done or self.is_excused(id, self.presumed_ids, where)
        elif outcome == "Missing":
            is_true = not is_there and (id not in self.before or self.mode.has_journal and is_changed) or self.is_excused(id, self.unchecked_ids, where)
        elif truth.is_already_inactive(row):
            # An earlier run may have deactivated the key.
            is_true = self.mode.action == "deactivate" and self.after.get(id) == "Inactive"
        elif outcome in truth.UNCHANGED:
            is_true = not is_changed
        else:
            is_true = outcome == "Unknown"
        if not is_true:
            changed = f"changed at {self.changed[id] - self.runs[0].start:.1f} s" if id in self.changed else "never changed"
            self.false.append(f"{id}: {where}: {outcome}; {changed}, there: {is_there}: {json.dumps(row)}")

    def may_change(self, id: str) -> bool:
        key = self.named.get(id)
        return key is not None and (key.is_theirs or not self.mode.names_owners)

    def is_excused(self, id: str, warned: set[str], where: str) -> bool:
        """Whether only the caller named the owner, the owner is wrong, and a run printed a warning."""
        key = self.named.get(id)
        if key is None or key.is_theirs or not self.mode.names_owners or self.mode.can_read and id in self.before:
            return False
        # A run may be killed after it recorded a result but before it printed the warning.
        has_warned = id in warned or id not in self.heard
        self.presumed += has_warned and where == "the output"
        return has_warned

    def judge_repeats(self) -> None:
        """Checks that no key is reported again after it was deleted.

        Later runs check deactivations and presumed deletions again, so those may be reported again.
        """
        final = {"Deleted", "Missing"}
        ended: dict[str, str] = {}
        for run in self.runs:
            for row in run.rows:
                id, outcome = row["AccessKeyId"], row["Outcome"]
                if id in ended:
                    self.false.append(f"{id}: {ended[id]}, and later {outcome}")
                elif outcome in final and not row.get("OwnerUnchecked"):
                    ended[id] = outcome


def reason_of(row: dict) -> str:
    code = (row.get("Error") or {}).get("Code", "")
    return f"{code} {re.sub(r'user-[0-9]+(-renamed)?', 'USER', row.get('Reason', ''))}".strip()


def run(binaries: Path, seeds: range, users: int, jobs: int | None, modes: list[int], more: list[str]) -> int:
    print("| seed | mode | jobs | seconds | keys | done | missing | not changed | unknown | presumed | false |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    plan = []
    for seed in seeds:
        # Use fewer keys with one job, because it is slow.
        for number in modes:
            at_once = jobs or (1 if (seed + number) % 4 == 0 else 32)
            plan.append((seed, MODES[number], at_once, users if at_once > 1 else max(users // 6, 4)))
    false, total, reasons, presumed = [], Counter(), Counter(), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda each: play(binaries, each[1], each[0], each[2], each[3], more), plan)
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
        sum(counted[done] for done in truth.DONE.values()),
        counted["Missing"],
        sum(counted[outcome] for outcome in truth.UNCHANGED),
        counted["Unknown"],
        result.presumed,
        len(result.false),
    ]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
