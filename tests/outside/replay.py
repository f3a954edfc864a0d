"""Replays a setting that was recorded with AWS CLI version 2.

As a program, `replay.py BINARY NUMBER` replays a setting that needs addresses or users that this machine does not have. It runs
in its own namespaces, and prints the result and the requests."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from authority import Authority, made
from cloud import clouds
from program import Ended, Program
from recording import Event, Recorded, everything, hosts
from verdict import NOT_RUN, Replayed, Verdict, described

AT_A_TIME = 4
# Members that the comparison ignores, because they were not recorded.
NOT_RECORDED = {"by", "type", "trace"}
# Ignore the reads with which only the program verifies a deletion.
READS = {"GetAccessKeyLastUsed", "ListAccessKeys"}
METADATA = [("169.254.170.2", 80), ("169.254.169.254", 80)]
NAMESPACES = ("unshare", "--map-root-user", "--net", "--mount")
WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def replay(recorded: Recorded, binary: Path, scratch: Path, authority: Authority) -> Replayed:
    return in_namespaces(recorded, binary) if recorded.apart else run(recorded, binary, scratch, authority)


def run(
    recorded: Recorded, binary: Path, scratch: Path, authority: Authority, addresses: Sequence[tuple[str, int]] = ()
) -> Replayed:
    folder = scratch / f"{recorded.number}"
    folder.mkdir()
    program = Program(binary, folder)
    with clouds(authority.server, recorded.row.faults, recorded.secrets(), addresses) as (cloud, _):
        places = {
            "url": cloud.url,
            "host": cloud.url.removeprefix("http://"),
            "home": str(program.home),
            "right": str(authority.right),
        }
        options, variables = recorded.today().prepared(program.home, places)
        before = restrict(recorded, program.home)
        try:
            ended = program.run(*options, environment=variables, before=before, at=program.home)
        except subprocess.TimeoutExpired:
            ended = Ended(-1, "", "it did not end")
        printed = ended.stderr.replace(str(program.home), "{home}").replace(places["host"], "{host}")
        return Replayed(recorded, ended._replace(stderr=printed), compared(cloud.seen))


def restrict(recorded: Recorded, home: Path) -> Sequence[str]:
    """Removes the permissions that the setting lacks. Returns the command that starts the program."""
    if recorded.row.name.startswith("not executable"):
        (home / "proc").chmod(0o644)
    if recorded.unreadable:
        (home / recorded.unreadable).chmod(0)
    return WITHOUT_ROOTS_RIGHTS if recorded.unreadable is not None and os.geteuid() == 0 else ()


def compared(events: list[Event]) -> list[Event]:
    """The events, with only the recorded members."""
    kept = [event for event in events if event.get("action") not in READS]
    return [{name: value for name, value in event.items() if kept_member(event, name)} for event in kept]


def kept_member(event: Event, name: str) -> bool:
    if name == "sent" and event.get("asks") == "instance":
        return False
    return name not in NOT_RECORDED and not (name == "secret" and event[name] is None)


def in_namespaces(recorded: Recorded, binary: Path) -> Replayed:
    command = [*NAMESPACES, sys.executable, __file__, str(binary), str(recorded.number)]
    try:
        ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"this machine does not allow the required namespaces: {error}: {getattr(error, 'stderr', '')}"
        return Replayed(recorded, Ended(NOT_RUN, "", why), [])
    ended, sent = json.loads(ran.stdout)
    return Replayed(recorded, Ended(*ended), sent)


def main(binary: str, number: str) -> None:
    for command in (["ip", "link", "set", "lo", "up"], *(["ip", "addr", "add", ip, "dev", "lo"] for ip, _ in METADATA)):
        subprocess.run(command, check=True)
    with tempfile.TemporaryDirectory() as scratch:
        users = Path(scratch) / "passwd"
        users.write_text(f"root:x:0:0:root:{scratch}/{number}/home:/bin/sh\n")
        subprocess.run(["mount", "--bind", users, "/etc/passwd"], check=True)
        try:
            authority = made(Path(scratch), hosts())
            replayed = run(everything()[int(number)], Path(binary), Path(scratch), authority, METADATA)
        finally:
            subprocess.run(["umount", "/etc/passwd"], check=True)
    print(json.dumps((replayed.ended, replayed.sent)))


def shown(one: Replayed, verdict: Verdict) -> str:
    """The setting, the behavior of both programs, and the result."""
    lines = [f"{verdict.upper()}  {one.recorded.name}"]
    lines += [f"    version 2    {described(event)}" for event in one.recorded.sent] or ["    version 2    nothing"]
    lines += [f"    iam-del-key  {described(event)}" for event in one.sent] or ["    iam-del-key  nothing"]
    lines += [f"    status {one.ended.status}: {line}" for line in one.ended.stderr.splitlines()]
    lines += [f"    | {line}" for line in one.recorded.row.text().split("\n")]
    return "\n".join(lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
