"""Measures the growth of each mode: requests, output, time and memory per key, at 1, 10, 100 keys and so on.

The sandbox counts the requests. Requests and output are the same in each run. A mode fails if it has more requests or output
per key at its largest size than at the size before, or if the larger run uses much more memory. Time is only reported.
"""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import one
from many import THREADS, write
from one import MEGABYTE, Bench, Failed, Key, Run, Server, mb, progress, table

LARGEST = 100_000
# The largest number of keys for a mode. An account can have 5,000 users by default. Some modes wait one second for each key, and
# the tool does not read more than 1,000 keys of a user.
OF_LIST, OF_READS, OF_ACCOUNT, OF_FEW = LARGEST, 10_000, 5_000, 1_000
# How much the requests and output per key, and the memory, may grow from the second-largest size to the largest.
GROWTH, MEMORY_GROWTH = 1.1, 10 * MEGABYTE
ROLE, DEVICE, CODE = "Responder", "arn:aws:iam::123456789012:mfa/ops", "123456"
LISTED = ["--page-size", "1000"]


class Job(NamedTuple):
    """A run: its options, its expected outcomes, the expected remaining keys with their statuses, and the expected exit status."""

    options: list
    outcomes: dict[str, int]
    left: dict[Key, str]
    status: int = 0


class Mode(NamedTuple):
    """A mode of the tool: the options of its sandbox, and a function that prepares the job."""

    name: str
    largest: int
    sandbox: Callable[[int], list[str]]
    job: Callable[[Bench, Server], Job]


class Size(NamedTuple):
    keys: int
    users: int
    requests: int
    # The size of the output in bytes.
    output: int
    run: Run

    def per_key(self, amount: float) -> float:
        return amount / self.keys


def run(binaries: Path, largest: int) -> None:
    if largest < 10:
        raise Failed("measuring growth requires at least 10 keys")
    sizes = {}
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), binaries, None)
        for mode in MODES:
            sizes[mode.name] = [measured(bench, mode, keys) for keys in up_to(min(mode.largest, largest))]
    report(sizes)


def up_to(largest: int) -> list[int]:
    """1, 10, 100 and so on, and finally `largest`."""
    smaller = (10**digits for digits in range(len(str(largest))))
    return [*(size for size in smaller if size < largest), largest]


def measured(bench: Bench, mode: Mode, keys: int) -> Size:
    progress(f"{mode.name}: {keys:,} keys")
    # It may contain a cached role session from an earlier sandbox.
    shutil.rmtree(bench.home)
    bench.home.mkdir()
    with suppress(FileNotFoundError):
        journal(bench).unlink()
    with bench.sandbox(*mode.sandbox(keys)) as server:
        job = mode.job(bench, server)
        command = [bench.ours, *job.options, "--jobs", str(THREADS)]
        taken = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"), job.status)
        check_results(bench, job)
        summary = server.end()
    left = {Key(key["UserName"], key["AccessKeyId"]): key["Status"] for key in summary["keys"]}
    planted = set(server.keys)
    if {key: status for key, status in left.items() if key in planted} != job.left:
        raise Failed(f"{mode.name}: the server does not have the keys that it should have")
    return Size(keys, len({key.user for key in planted}), sum(summary["counts"].values()), bench.printed.stat().st_size, taken)


def check_results(bench: Bench, job: Job) -> None:
    """Checks that each key is reported once, with the expected outcomes."""
    rows = [json.loads(line) for line in bench.printed.read_text().splitlines() if line.startswith("{")]
    outcomes = Counter(row["Outcome"] for row in rows)
    if outcomes != Counter(job.outcomes) or len({row["AccessKeyId"] for row in rows}) != len(rows):
        raise Failed(f"the results are {dict(outcomes)}, but should be {job.outcomes}: {bench.printed.read_text()[-500:]}")


# The modes


def account(*more: str) -> Callable[[int], list[str]]:
    """A sandbox whose users have one key each."""
    return lambda keys: ["--users", str(keys), *LISTED, *more]


def deleted(*options: str, owners: bool = True) -> Callable[[Bench, Server], Job]:
    """Deletes all keys in a list."""
    return lambda bench, server: Job([*listed(bench, server.keys, owners), *options], {"Deleted": len(server.keys)}, {})


def swept(*options: str) -> Callable[[Bench, Server], Job]:
    """Deletes all keys in the account."""
    return lambda _, server: Job([*sweep(server), *options], {"Deleted": len(server.keys)}, {})


def sweep(server: Server) -> list[str]:
    """A sweep of all users except those in every sandbox."""
    others = [word for name in ("Bob", "Alice", "admin") for word in ("--except-user", name)]
    return ["--whole-account", "--yes", "--expect-account", server.account, *others]


def listed(bench: Bench, keys: list[Key], owners: bool = True) -> list:
    file = bench.folder / "list"
    if owners:
        write(file, keys)
    else:
        file.write_text("".join(f"{key.id}\n" for key in keys))
    return ["--from", file]


def journal(bench: Bench) -> Path:
    return bench.folder / "journal"


def with_report(_: Bench, server: Server) -> Job:
    """Deletes the keys that were not used recently, which are one in ten."""
    kept = recently_used(len(server.keys))
    left = {key: "Active" for key in server.keys[:kept]}
    return Job([*sweep(server), "--unused-for", "90d"], {"Deleted": len(server.keys) - kept}, left)


def recently_used(keys: int) -> int:
    return keys - max(1, keys // 10)


def except_names(_: Bench, server: Server) -> Job:
    """Uses as many patterns as users, none of which match. A dry run reports which conditions each key meets."""
    patterns = [word for number in range(len(server.keys)) for word in ("--except-user", f"nobody-{number:06}*")]
    options = [*sweep(server), "--unused-for", "1h", *patterns, "--dry-run"]
    return Job(options, {"WouldDelete": len(server.keys)}, dict.fromkeys(server.keys, "Active"))


def tags_denied(_: Bench, server: Server) -> Job:
    options = [*sweep(server), "--unused-for", "1h", "--except-tag", "team=ops"]
    return Job(options, {"Failed": len(server.keys)}, dict.fromkeys(server.keys, "Active"), status=6)


def deletion_denied(bench: Bench, server: Server) -> Job:
    return Job(listed(bench, server.keys), {"Failed": len(server.keys)}, dict.fromkeys(server.keys, "Active"), status=6)


def twice(bench: Bench, server: Server) -> Job:
    """Deletes keys from JSON on one line that contains each key twice."""
    objects = [{"AccessKeyId": key.id, "UserName": key.user} for key in 2 * server.keys]
    file = bench.folder / "list"
    file.write_text(json.dumps(objects))
    return Job(["--from", file], {"Deleted": len(server.keys)}, {})


def dry_run(bench: Bench, server: Server) -> Job:
    options = [*listed(bench, server.keys), "--dry-run"]
    return Job(options, {"WouldDelete": len(server.keys)}, dict.fromkeys(server.keys, "Active"))


def with_journal(bench: Bench, server: Server) -> Job:
    return deleted("--journal", journal(bench))(bench, server)


def resumed(bench: Bench, server: Server) -> Job:
    """Resumes a journal in which every other key is finished. These keys exist again, so a second attempt would delete them."""
    finished = server.keys[::2] if len(server.keys) > 1 else []
    if finished:
        earlier_run(bench, len(server.keys), finished)
    job = with_journal(bench, server)
    left = dict.fromkeys(finished, "Active")
    return job._replace(outcomes={"Deleted": len(server.keys) - len(finished)}, left=left)


def resumed_in_progress(bench: Bench, server: Server) -> Job:
    """Resumes a journal in which all keys were started and none were finished."""
    earlier_run(bench, len(server.keys), server.keys)
    lines = journal(bench).read_text().splitlines(keepends=True)
    journal(bench).write_text("".join(line for line in lines if '"Outcome"' not in line))
    return with_journal(bench, server)


def earlier_run(bench: Bench, count: int, keys: list[Key]) -> None:
    """Deletes these keys on another sandbox that has the same keys."""
    with bench.sandbox("--keys", str(count)) as server:
        command = [bench.ours, *listed(bench, keys), "--journal", journal(bench), "--jobs", str(THREADS)]
        bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))


def missing(*options: str, owners: bool = True) -> Callable[[Bench, Server], Job]:
    """Names keys of these users that do not exist."""

    def job(bench: Bench, server: Server) -> Job:
        keys = [Key(key.user, f"AKIAAAAAAAAAA{number:07}") for number, key in enumerate(server.keys)]
        left = dict.fromkeys(server.keys, "Active")
        return Job([*listed(bench, keys, owners), "--ignore-missing", *options], {"Missing": len(keys)}, left)

    return job


def role_arn(bench: Bench, server: Server) -> Job:
    return deleted("--role-arn", f"arn:aws:iam::{server.account}:role/{ROLE}")(bench, server)


def mfa(bench: Bench, server: Server) -> Job:
    job = role_arn(bench, server)
    return job._replace(options=[*job.options, "--serial-number", DEVICE, "--token-code", CODE])


def deactivated(bench: Bench, server: Server) -> Job:
    return Job([*listed(bench, server.keys), "--deactivate"], {"Deactivated": len(server.keys)}, dict.fromkeys(server.keys, "Inactive"))


def reactivated(bench: Bench, server: Server) -> Job:
    command = [bench.ours, *deactivated(bench, server).options, "--journal", journal(bench), "--jobs", str(THREADS)]
    bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))
    options = ["--from", journal(bench), "--reactivate", "--yes"]
    return Job(options, {"Reactivated": len(server.keys)}, dict.fromkeys(server.keys, "Active"))


def of_one_user(_: Bench, server: Server) -> Job:
    options = ["--user-name", server.keys[0].user, "--all-keys", "--yes"]
    return Job(options, {"Deleted": len(server.keys)}, {})


NO_LAST_USE = ("--deny", "iam:GetAccessKeyLastUsed")
MODES = [
    Mode("sweep, `--unused-for 1h`", OF_ACCOUNT, account(), swept("--unused-for", "1h")),
    Mode(
        "sweep, `--unused-for 90d` with the credential report, one key in ten is unused",
        OF_ACCOUNT,
        lambda keys: ["--users", str(keys), *LISTED, "--used-keys", str(recently_used(keys))],
        with_report,
    ),
    Mode("sweep, `--except-tag`", OF_ACCOUNT, account(), swept("--unused-for", "1h", "--except-tag", "team=ops")),
    Mode("sweep, `--except-tag`, `ListUserTags` denied", OF_ACCOUNT, account("--deny", "iam:ListUserTags"), tags_denied),
    Mode("sweep, `--path-prefix`", OF_ACCOUNT, account(), swept("--unused-for", "1h", "--path-prefix", "/")),
    Mode("sweep, as many `--except-user` as users, `--dry-run`", OF_FEW, account(), except_names),
    Mode("`--user-name --all-keys`, one user", OF_FEW, lambda keys: ["--users", "1", "--keys", str(keys)], of_one_user),
    Mode("`--from`", OF_LIST, account(), deleted()),
    Mode("`--from`, JSON on one line, each key twice", OF_LIST, account(), twice),
    Mode("`--from --unused-for 1h`", OF_READS, account(), deleted("--unused-for", "1h")),
    Mode("`--from --dry-run`", OF_READS, account(), dry_run),
    Mode("`--from`, `DeleteAccessKey` denied", OF_READS, account("--deny", "iam:DeleteAccessKey"), deletion_denied),
    Mode("`--from --journal`", OF_LIST, account(), with_journal),
    Mode("resumed journal, half of the keys are finished", OF_LIST, account(), resumed),
    Mode("resumed journal, all keys are in progress", OF_FEW, account(), resumed_in_progress),
    Mode("`--from --ignore-missing`, no key exists", OF_FEW, account(), missing()),
    Mode("`--from --find-user`", OF_LIST, account(), deleted("--find-user", owners=False)),
    Mode("`--from --find-user`, `GetAccessKeyLastUsed` denied", OF_ACCOUNT, account(*NO_LAST_USE), deleted("--find-user", owners=False)),
    Mode(
        "`--from --find-user --ignore-missing`, `GetAccessKeyLastUsed` denied, no key exists",
        OF_ACCOUNT,
        account(*NO_LAST_USE),
        missing("--find-user", owners=False),
    ),
    Mode("`--from --deactivate`", OF_READS, account(), deactivated),
    Mode("`--from --deactivate`, then `--from JOURNAL --reactivate`", OF_READS, account(), reactivated),
    Mode("`--from --role-arn`", OF_READS, account(), role_arn),
    Mode("`--from --role-arn --serial-number`, MFA", OF_READS, account("--mfa", f"{ROLE}={DEVICE}", "--mfa-code", CODE), mfa),
    Mode("`--from --role-name`, one account", OF_READS, account(), deleted("--role-name", ROLE)),
]


# The report


def report(modes: dict[str, list[Size]]) -> None:
    print(f"Each mode with `--jobs {THREADS}`, one run for each size, on a sandbox with a key for each user.\n")
    table(
        ["mode", "keys", "users", "requests", "requests per key", "output per key", "wall per key", "CPU per key", "peak memory"],
        (row(name if number == 0 else "", size) for name, sizes in modes.items() for number, size in enumerate(sizes)),
    )
    print("The largest size of each mode, compared with the size before:\n")
    judged = [(name, *verdict(sizes[-2], sizes[-1])) for name, sizes in modes.items()]
    at_most = f"(at most {GROWTH} times)"
    table(
        ["mode", "keys", f"requests per key {at_most}", f"output per key {at_most}", f"more memory (at most {mb(MEMORY_GROWTH)})", "wall per key", ""],
        ([name, *cells, "met" if met else "missed"] for name, cells, met in judged),
    )
    print(f"{one.processor()}, {os.cpu_count()} cores, {date.today()}.")
    missed = [name for name, _, met in judged if not met]
    if missed:
        raise Failed(f"these modes grow faster than the number of keys: {', '.join(missed)}")


def row(name: str, size: Size) -> list[str]:
    per_key = size.per_key
    return [
        name,
        f"{size.keys:,}",
        f"{size.users:,}",
        f"{size.requests:,}",
        f"{per_key(size.requests):.2f}",
        f"{per_key(size.output):,.0f} B",
        us(per_key(size.run.wall)),
        us(per_key(size.run.cpu)),
        mb(size.run.peak),
    ]


def verdict(before: Size, largest: Size) -> tuple[list[str], bool]:
    """The cells of the row, and whether nothing grew faster than the number of keys did."""
    requests, output, wall = (
        largest.per_key(more) / before.per_key(less)
        for more, less in (
            (largest.requests, before.requests),
            (largest.output, before.output),
            (largest.run.wall, before.run.wall),
        )
    )
    memory = largest.run.peak - before.run.peak
    cells = [f"{largest.keys:,}", f"{requests:.2f}", f"{output:.2f}", mb(memory), f"{wall:.2f}"]
    return cells, requests <= GROWTH and output <= GROWTH and memory <= MEMORY_GROWTH


def us(seconds: float) -> str:
    return f"{seconds * 1_000_000:,.0f} µs"
