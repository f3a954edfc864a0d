"""Measures runs with many keys: lists compared with boto3 and the AWS CLI, memory, a throttled account, and a large sweep.

Everything runs on loopback over HTTPS, one run at a time. A slow run does not fail the benchmark, but a wrong result does.
"""

import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import one
from one import AWS, MEGABYTE, PEERS, PYTHON, Bench, Failed, Key, Limit, Run, mb, medians, progress, table

KEYS = 10_000
THREADS = 32
# The number of runs of each compared program, in addition to one warm-up run.
ROUNDS = 5
# The number of keys for the AWS CLI. Its time is scaled up.
SAMPLE = 40
# The allowed requests per second, and the seconds that a run takes at that rate.
RATES = (20, 1_000)
LASTS = 50
# How much more memory a long list may use than a list of 1,000 keys.
GROWTH = 10 * MEGABYTE
# The size of the sweep: users, users with a key, and keys not used for 90 days. Alice and Bob each have one of those.
USERS, WITH_KEYS, UNUSED = 5_000, 1_500, 100
USERS_IN_PAGE = 1_000
# One request for each page of users, two for each matching key, and three for the report.
SWEEP = 1.1 * (USERS / USERS_IN_PAGE + 2 * UNUSED + 3)


class Paced(NamedTuple):
    """A run in an account that allows `rate` requests per second: keys, wall seconds, and the number of requests."""

    rate: int
    keys: int
    wall: float
    requests: int

    @property
    def ideal(self) -> float:
        return self.keys / self.rate

    @property
    def ratio(self) -> float:
        return self.wall / self.ideal

    @property
    def throttled(self) -> float:
        return (self.requests - self.keys) / self.requests


def run(binaries: Path, other: Path | None) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), binaries, other)
        lists, ratio = compare_with_peers(bench)
        peaks, growth = memory(bench)
        throttled = [paced(bench, rate) for rate in RATES]
        sweeps, sweep = swept(bench)
    print(f"{KEYS:,} keys in a list, `--jobs {THREADS}`; boto3 in {THREADS} threads; `xargs -P` over the AWS CLI on {SAMPLE} keys, scaled.")
    print(f"Each figure is the median of {ROUNDS} runs, but the AWS CLI runs once.\n")
    table(["program", "wall", "keys per second", "CPU", "peak memory"], lists)
    table(["keys of a list", "what", "wall", "peak memory", f"more than for 1,000 (limit: {mb(GROWTH)})"], peaks)
    table(["allowed requests per second", "keys", "wall", "ideal", "times the ideal", "requests throttled"], map(pace, throttled))
    table([f"{USERS:,} users, {WITH_KEYS:,} keys", "requests", "wall", "peak memory"], sweeps)
    limits = [
        Limit(f"{KEYS:,} keys, times faster than boto3", 14, ratio, "{:.1f}".format),
        Limit("1,000,000 lines, more memory than 1,000", GROWTH, growth, mb),
        Limit("1,000 keys throttled, times the ideal", 1.1, throttled[0].ratio, "{:.2f}".format),
        Limit("requests throttled", 0.05, throttled[0].throttled, "{:.1%}".format),
        Limit("requests of a sweep with the credential report", SWEEP, sweep, "{:,.0f}".format),
    ]
    print("| limit | limit | measured |  |\n|---|---:|---:|---:|")
    for number, it in enumerate(limits):
        met = it.measured >= it.most if number == 0 else it.measured <= it.most
        print(f"| {it.what} | {it.show(it.most)} | {it.show(it.measured)} | {'met' if met else 'missed'} |")
    print(f"\n{one.processor()}, 2 threads of the sandbox on the same machine, {date.today()}.")


def write(file: Path, keys: Iterable[Key]) -> None:
    """Writes a list of keys for `--from`."""
    file.write_text("AccessKeyId,UserName\n" + "".join(f"{key.id},{key.user}\n" for key in keys))


def compare_with_peers(bench: Bench) -> tuple[list[list[str]], float]:
    file = bench.folder / "list.csv"
    programs = {
        **{name: [build, "--from", file, "--jobs", str(THREADS)] for name, build in bench.builds.items()},
        "boto3": [PYTHON, PEERS / "boto3-delete-many.py", file, str(THREADS)],
    }
    runs = {name: [] for name in programs}
    for number in range(ROUNDS + 1):
        for name, command in programs.items():
            with bench.sandbox("--keys", str(KEYS)) as server:
                progress(f"{KEYS} keys, {name}, round {number} of {ROUNDS}" if number else f"{KEYS} keys, {name}, warming up")
                write(file, server.keys)
                runs[name].append(bench.run(command, server.for_sdk("AWS_CA_BUNDLE")))
                server.check_deleted()
    taken = medians(runs)
    rows = [
        [name, f"{run.wall:.2f} s", f"{KEYS / run.wall:,.0f}", f"{run.cpu:.2f} s", mb(run.peak)]
        for name, run in taken.items()
    ]
    with bench.sandbox("--keys", str(SAMPLE)) as server:
        progress("the AWS CLI")
        words = bench.folder / "words"
        words.write_text("".join(f"{key.user} {key.id}\n" for key in server.keys))
        command = ["xargs", "-a", words, "-P", "4", "-L", "1", "sh", "-c", f'{AWS} iam delete-access-key --user-name "$0" --access-key-id "$1"']
        sample = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))
        server.check_deleted()
        scale = KEYS / SAMPLE
        rows.append(["`xargs -P 4 aws` (scaled)", f"{sample.wall * scale:.0f} s", f"{SAMPLE / sample.wall:,.1f}", f"{sample.cpu * scale:.0f} s", mb(sample.peak)])
    return rows, taken["boto3"].wall / taken["iam-del-key"].wall


def memory(bench: Bench) -> tuple[list[list[str]], float]:
    """Rows for a short and a long list of each job, and how much more memory the longest list uses."""
    rows = []
    for what, job, count in (("deleted", deleted, 100_000), ("read, then refused", refused, 1_000_000)):
        short, long = job(bench, 1_000), job(bench, count)
        growth = long.peak - short.peak
        rows.append(["1,000", what, f"{short.wall:.2f} s", mb(short.peak), ""])
        rows.append([f"{count:,}", what, f"{long.wall:.2f} s", mb(long.peak), mb(growth)])
    return rows, growth


def deleted(bench: Bench, count: int) -> Run:
    file = bench.folder / "list.csv"
    with bench.sandbox("--keys", str(count)) as server:
        progress(f"memory, {count} keys")
        write(file, server.keys)
        taken = bench.run([bench.ours, "--from", file, "--jobs", str(THREADS)], server.for_sdk("AWS_CA_BUNDLE"))
        server.check_deleted()
    return taken


def refused(bench: Bench, count: int) -> Run:
    file = bench.folder / "list.csv"
    with bench.sandbox("--keys", "1") as server:
        progress(f"memory, {count} lines")
        write(file, (Key("Bob", f"AKIAAAAAAAAAA{n:07}") for n in range(count)))
        command = [bench.ours, "--from", file, "--expect-account", "999999999999"]
        return bench.run(command, server.for_sdk("AWS_CA_BUNDLE"), status=11)


def paced(bench: Bench, rate: int) -> Paced:
    file = bench.folder / "list.csv"
    keys = LASTS * rate
    with bench.sandbox("--keys", str(keys), "--throttle", str(rate)) as server:
        progress(f"{keys} keys at {rate} per second")
        write(file, server.keys)
        taken = bench.run([bench.ours, "--from", file, "-v"], server.for_sdk("AWS_CA_BUNDLE"))
        output = bench.printed.read_text()
        if f"{keys} keys: {keys} deleted" not in output:
            raise Failed(f"some keys were not deleted: {output[-500:]}")
        server.check_deleted()
    return Paced(rate, keys, taken.wall, bench.requests())


def pace(run: Paced) -> list[str]:
    return [f"{run.rate:,}", f"{run.keys:,}", f"{run.wall:.1f} s", f"{run.ideal:.0f} s", f"{run.ratio:.2f}", f"{run.throttled:.1%}"]


def swept(bench: Bench) -> tuple[list[list[str]], int]:
    """Rows for sweeps with and without the credential report, and the number of requests of the first."""
    rows, requests = [], []
    # Bob, Alice and the administrator are users too.
    idle = USERS - WITH_KEYS - 3
    options = ["--users", str(WITH_KEYS), "--keys-per-user", "1", "--idle-users", str(idle), "--page-size", str(USERS_IN_PAGE)]
    options += ["--used-keys", str(WITH_KEYS - UNUSED + 2)]
    for what, condition in (("with the credential report", ["--unused-for", "90d"]), ("with the lists alone", ["--unused-for", "1h"])):
        with bench.sandbox(*options) as server:
            progress(f"a sweep {what}")
            command = [bench.ours, "--whole-account", *condition, "--dry-run", "--output", "off", "--jobs", str(THREADS), "-v"]
            taken = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))
            requests.append(bench.requests())
            rows.append([f"{what}, `{' '.join(condition)}`", f"{requests[-1]:,}", f"{taken.wall:.2f} s", mb(taken.peak)])
    return rows, requests[0]
