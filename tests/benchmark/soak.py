"""Measures a long run at a steady rate, to show whether memory, threads and open files grow.

Reads /proc every second. Slowness or growth does not fail it, but a key that is not deleted or not reported does.
"""

import json
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import one
from many import THREADS, Paced, write
from one import Bench, Failed, Key, Server, mb, progress, table

RATE = 150
# Seconds between samples.
EVERY = 1
# After this many seconds, resource use should no longer grow.
EARLY = 20
PROC = Path("/proc")


class Sample(NamedTuple):
    """The resource use of the process at one time: resident bytes, their peak, CPU seconds so far, threads and open files."""

    second: float
    memory: int
    peak: int
    cpu: float
    threads: int
    files: int


def run(binaries: Path, seconds: int) -> None:
    if not (PROC / "self/status").exists():
        raise Failed("a soak test requires /proc, which this system does not have")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), binaries, None)
        with bench.sandbox("--keys", str(RATE * seconds), "--throttle", str(RATE)) as server:
            progress(f"{len(server.keys)} keys at {RATE} per second")
            wall, samples = soaked(bench, server)
            server.check_deleted()
        report(Paced(RATE, len(server.keys), wall, bench.requests()), samples)


def soaked(bench: Bench, server: Server) -> tuple[float, list[Sample]]:
    """Deletes all keys as in a long production run: concurrently, with a journal, and with verbose messages."""
    file, results = bench.folder / "list.csv", bench.folder / "results"
    write(file, server.keys)
    command = [bench.ours, "--from", file, "--jobs", str(THREADS), "--journal", bench.folder / "journal", "-v"]
    environment = bench.environment(server.for_sdk("AWS_CA_BUNDLE"))
    with results.open("w") as out, bench.printed.open("w") as log:
        started = time.monotonic()
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log) as process:
            samples = watch(process)
        wall = time.monotonic() - started
    if process.returncode:
        raise Failed(f"iam-del-key ended with {process.returncode}: {bench.printed.read_text()[-500:]}")
    check_results(server.keys, results)
    if not samples:
        raise Failed("the run ended before the first sample; please give it more seconds")
    return wall, samples


def check_results(keys: list[Key], results: Path) -> None:
    """Checks that each of these keys, and no other, is reported as deleted exactly once."""
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    deleted = sorted(Key(row["UserName"], row["AccessKeyId"]) for row in rows if row["Outcome"] == "Deleted")
    if len(rows) != len(keys) or deleted != sorted(keys):
        raise Failed(f"{len(deleted)} of {len(keys)} keys are reported as deleted, in {len(rows)} results")


def watch(process: subprocess.Popen) -> list[Sample]:
    started = time.monotonic()
    samples = []
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(EVERY)
            return samples
        # A process that just ended has no memory figures.
        with suppress(KeyError):
            samples.append(sample(PROC / str(process.pid), time.monotonic() - started))


def sample(process: Path, second: float) -> Sample:
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    memory, peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    # The process name before the parenthesis may contain spaces.
    ticks = sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13]))
    cpu = ticks / os.sysconf("SC_CLK_TCK")
    return Sample(second, memory, peak, cpu, int(status["Threads"]), len(os.listdir(process / "fd")))


def report(run: Paced, samples: list[Sample]) -> None:
    end = samples[-1]
    early = next((it for it in samples if it.second >= EARLY), end)
    after = f"after {early.second:.0f} s"
    figures = {
        "wall": f"{run.wall:.1f} s",
        "ideal": f"{run.ideal:.0f} s",
        "requests throttled": f"{run.throttled:.1%}",
        f"memory {after}": mb(early.memory),
        "memory at the end": mb(end.memory),
        "peak memory": mb(end.peak),
        "CPU": f"{end.cpu:.2f} s",
        "threads": str(max(it.threads for it in samples)),
        f"open files {after}": str(early.files),
        "open files at the end": str(end.files),
    }
    table(["a long run", *figures], [[f"{run.keys:,} keys at {run.rate} a second", *figures.values()]])
    print(f"{one.processor()}, {date.today()}.")
