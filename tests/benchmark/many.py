"""Many keys: lists beside boto3 and the AWS CLI, memory, a throttled account, and a sweep of a large one.

Everything is on loopback over HTTPS, one run after the other. No time fails it; a run that does not do its job does.
"""

import json
import re
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import one
from one import AWS, METER, OURS, PEERS, PYTHON, Bench, Failed, Limit, Run, Server, mb, progress, sandbox, table

KEYS = 10_000
THREADS = 32
# As many as the AWS CLI gets; its time is scaled.
SAMPLE = 40
RATE = 20
USERS, WITH_KEYS = 5_000, 1_500


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bench = Bench(folder)
        lists, ratio = beside_peers(bench, folder)
        peaks = memory(bench, folder)
        throttled = paced(bench, folder)
        sweeps = swept(bench, folder)
    print(f"{KEYS:,} keys of a list, `--jobs {THREADS}`; boto3 in {THREADS} threads; `xargs -P` over the AWS CLI on {SAMPLE} keys, scaled.\n")
    table(["program", "wall", "keys a second", "CPU", "peak memory"], lists)
    table(["keys of a list", "what", "wall", "peak memory"], peaks)
    wall, attempts, keys = throttled
    ideal = keys / RATE
    print(f"{keys:,} keys at an account that allows {RATE} requests a second: {wall:.1f} s (ideal: {ideal:.0f} s), {attempts - keys} of {attempts} requests throttled.\n")
    table([f"{USERS:,} users, {WITH_KEYS:,} keys", "requests", "wall", "peak memory"], sweeps)
    limits = [
        Limit(f"{KEYS:,} keys, times faster than boto3", 20, ratio, "{:.1f}".format),
        Limit("1,000 keys throttled, times the ideal", 1.1, wall / ideal, "{:.2f}".format),
        Limit("requests throttled", 0.05, (attempts - keys) / attempts, "{:.1%}".format),
    ]
    print("| limit | limit | measured |  |\n|---|---:|---:|---:|")
    for number, it in enumerate(limits):
        met = it.measured >= it.most if number == 0 else it.measured <= it.most
        print(f"| {it.what} | {it.show(it.most)} | {it.show(it.measured)} | {'met' if met else 'missed'} |")
    print(f"\n{one.processor()}, 2 threads of the sandbox on the same machine, {date.today()}.")


def plan(bench: Bench, server: Server, file: Path, *more: str) -> list[dict]:
    """All keys of the account, as a dry run lists them, in a file."""
    environment = bench.environment(server.for_sdk("AWS_CA_BUNDLE"))
    printed = one.output([OURS, "--all-users", "--older-than", "1d", "--dry-run", *more], env=environment, stderr=subprocess.DEVNULL)
    rows = [json.loads(line) for line in printed.splitlines()]
    rows = [row for row in rows if row["Outcome"] == "WouldDelete"]
    file.write_text("AccessKeyId,UserName\n" + "".join(f"{row['AccessKeyId']},{row['UserName']}\n" for row in rows))
    return rows


def beside_peers(bench: Bench, folder: Path) -> tuple[list[list[str]], float]:
    file = folder / "list.csv"
    rows = []
    walls = []
    programs = {
        "iam-del-key": [OURS, "--from", file, "--jobs", str(THREADS)],
        "boto3": [PYTHON, PEERS / "boto3-delete-many.py", file, str(THREADS)],
    }
    for name, command in programs.items():
        with sandbox(folder, "--keys", str(KEYS)) as server:
            progress(f"{KEYS} keys, {name}")
            count = len(plan(bench, server, file))
            taken = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))
            gone(bench, server, folder)
        walls.append(taken.wall)
        rows.append([name, f"{taken.wall:.2f} s", f"{count / taken.wall:,.0f}", f"{taken.cpu:.2f} s", mb(taken.peak)])
    with sandbox(folder, "--keys", str(SAMPLE)) as server:
        progress("the AWS CLI")
        keys = plan(bench, server, file)
        (folder / "words").write_text("".join(f"{row['UserName']} {row['AccessKeyId']}\n" for row in keys))
        command = ["xargs", "-a", folder / "words", "-P", "4", "-L", "1", "sh", "-c", f'{AWS} iam delete-access-key --user-name "$0" --access-key-id "$1"']
        taken = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))
        gone(bench, server, folder)
        scaled = taken.wall * KEYS / len(keys)
        rows.append(["`xargs -P 4 aws` (scaled)", f"{scaled:.0f} s", f"{len(keys) / taken.wall:,.1f}", f"{taken.cpu * KEYS / len(keys):.0f} s", mb(taken.peak)])
    return rows, walls[1] / walls[0]


def gone(bench: Bench, server: Server, folder: Path) -> None:
    left = plan(bench, server, folder / "left.csv")
    if left:
        raise Failed(f"{len(left)} keys are left")


def memory(bench: Bench, folder: Path) -> list[list[str]]:
    file = folder / "list.csv"
    rows = []
    for count in (1_000, 100_000):
        with sandbox(folder, "--keys", str(count)) as server:
            progress(f"memory, {count} keys")
            plan(bench, server, file)
            taken = bench.run([OURS, "--from", file, "--jobs", str(THREADS)], server.for_sdk("AWS_CA_BUNDLE"))
            gone(bench, server, folder)
            rows.append([f"{count:,}", "deleted", f"{taken.wall:.2f} s", mb(taken.peak)])
    with sandbox(folder, "--keys", "1") as server:
        for count in (1_000, 1_000_000):
            progress(f"memory, {count} lines")
            file.write_text("AccessKeyId,UserName\n" + "".join(f"AKIAAAAAAAAAA{n:07},Bob\n" for n in range(count)))
            command = [OURS, "--from", file, "--expect-account", "999999999999"]
            taken = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"), status=11)
            rows.append([f"{count:,}", "read, then refused", f"{taken.wall:.2f} s", mb(taken.peak)])
    return rows


def paced(bench: Bench, folder: Path) -> tuple[float, int, int]:
    file = folder / "list.csv"
    with sandbox(folder, "--keys", "1000") as server:
        keys = len(plan(bench, server, file))
    with sandbox(folder, "--keys", "1000", "--throttle", str(RATE)) as server:
        progress(f"{keys} keys at {RATE} a second")
        taken: Run = bench.run([OURS, "--from", file, "-v"], server.for_sdk("AWS_CA_BUNDLE"))
        told = bench.printed.read_text()
        if f"{keys} keys: {keys} deleted" not in told:
            raise Failed(f"not all were deleted: {told[-500:]}")
        attempts = int(re.search(r"(\d+) requests to IAM", told)[1])
    return taken.wall, attempts, keys


def swept(bench: Bench, folder: Path) -> list[list[str]]:
    rows = []
    options = ["--users", str(WITH_KEYS), "--keys-per-user", "1", "--idle-users", str(USERS - WITH_KEYS)]
    for what, condition in (("with the credential report", ["--unused-for", "90d"]), ("by the lists alone", ["--unused-for", "1h"])):
        with sandbox(folder, *options) as server:
            progress(f"a sweep {what}")
            command = [OURS, "--all-users", *condition, "--dry-run", "--output", "off", "--jobs", str(THREADS), "-v"]
            taken = bench.run(command, server.for_sdk("AWS_CA_BUNDLE"))
            attempts = int(re.search(r"(\d+) requests to IAM", bench.printed.read_text())[1])
            rows.append([f"{what}, `{' '.join(condition)}`", f"{attempts:,}", f"{taken.wall:.2f} s", mb(taken.peak)])
    return rows
