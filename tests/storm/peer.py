"""Runs other programs in the same storm, and counts how often their results are wrong."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import truth
from ours import Storm
from place import listed, write
from truth import Keys, Named

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "tests/peers"
OURS = "iam-del-key"
PROGRAMS = {
    "boto3": [sys.executable, PEERS / "boto3-report.py"],
    "plain SDK": [ROOT / "target/peers/debug/plain-sdk-report"],
}


def prepare() -> None:
    command = ["cargo", "build", "--quiet", "--locked", "--manifest-path", PEERS / "Cargo.toml", "--target-dir", ROOT / "target/peers"]
    subprocess.run([*command, "--bin", "plain-sdk-report"], check=True)


class Errors(NamedTuple):
    """The number of named keys, and of wrong results for them."""

    keys: int = 0
    # Reported as deleted, but still exists.
    deleted_and_there: int = 0
    # `NoSuchEntity`, but the program itself deleted it.
    not_found_and_gone: int = 0
    # Another error, but it was deleted.
    failed_and_gone: int = 0
    # Reported as unknown.
    unknown: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(*(ours + theirs for ours, theirs in zip(self, other)))


def errors(named: list[Named], rows: list[dict], before: Keys, after: Keys) -> Errors:
    reported = {row["AccessKeyId"]: row for row in rows}
    counted = Errors(keys=len(named))
    for key in named:
        row = reported.get(key.id, {"Outcome": "Failed"})
        was_deleted = key.id in before and key.id not in after
        code = (row.get("Error") or {}).get("Code")
        counted += Errors(
            deleted_and_there=row["Outcome"] == "Deleted" and key.id in after,
            not_found_and_gone=row["Outcome"] in ("Failed", "Missing") and was_deleted and code == "NoSuchEntity",
            failed_and_gone=row["Outcome"] == "Failed" and was_deleted and code != "NoSuchEntity",
            unknown=row["Outcome"] == "Unknown",
        )
    return counted


def run(storm: Storm, name: str) -> Errors:
    """Runs a program in a storm. It takes a list and the number of concurrent jobs, and prints a line of JSON for each key."""
    with tempfile.TemporaryDirectory() as scratch, storm.sandbox() as sandbox:
        file = Path(scratch) / "list.csv"
        named = listed(sandbox.planted)
        write(named, file)
        command = storm.command(file) if name == OURS else [*PROGRAMS[name], file, str(storm.jobs)]
        run = sandbox.run(command)
        after = sandbox.end()
    return errors(named, run.rows, sandbox.before, after)


def table(counted: dict[str, Errors]) -> None:
    print("| program | keys | reported as deleted, but still exists | `NoSuchEntity`, but the program deleted it | another error, but deleted | reported as unknown |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, it in counted.items():
        shares = (f"{count} ({count / it.keys:.2%})" for count in it[1:])
        print(f"| {name} | {it.keys:,} | {' | '.join(shares)} |")
