"""Replays the settings that were recorded with AWS CLI version 2, and says where this program differs.

Prints how many settings came to which result, and those whose difference is not in recorded/differences.toml; the exit
status is 1 if there is any. `--every 10` runs a fixed tenth."""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from authority import Authority, made
from cloud import clouds
from difference import Difference, explained, stale
from program import Ended, Program
from recording import Event, Recorded, everything, hosts, pairs_sent
from tally import Tally
from verdict import FINE, NOT_RUN, Replayed, Verdict, goes_on, told

AT_A_TIME = 4
# What the comparison does not look at: the recordings do not have it.
NOT_RECORDED = {"by", "type", "trace"}
# What the program asks IAM in order to verify a deletion is its own affair.
READS = {"GetAccessKeyLastUsed", "ListAccessKeys"}
METADATA = [("169.254.170.2", 80), ("169.254.169.254", 80)]
NAMESPACES = ("unshare", "--map-root-user", "--net", "--mount")
WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def main() -> int:
    given = arguments()
    binary = given.binary.resolve(strict=True)
    if given.apart:
        return apart(binary, [everything()[number] for number in json.load(sys.stdin)])
    chosen = [one for one in everything()[:: given.every] if given.only in one.name]
    with tempfile.TemporaryDirectory() as scratch:
        replays = replay(chosen, binary, Path(scratch))
    whole = given.every == 1 and not given.only
    return report(replays, given.show, inputs=given.inputs, check_stale=whole)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="the iam-del-key to check")
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="only settings with this in `class: name`")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth setting")
    parser.add_argument("--thorough", action="store_const", dest="every", const=1, help="all settings (the default)")
    parser.add_argument("--show", metavar="RESULT", help="list the settings with this result; also `unlisted`, `all`")
    parser.add_argument("--inputs", action="store_true", help="with what is listed, print the setting and all messages")
    parser.add_argument("--apart", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def replay(chosen: Sequence[Recorded], binary: Path, scratch: Path) -> list[Replayed]:
    authority = made(scratch, hosts())
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        there = [one for one in chosen if not one.apart]
        replays = list(pool.map(lambda one: run(one, binary, scratch, authority), there))
    replays += in_namespaces([one for one in chosen if one.apart], binary)
    return sorted(replays, key=lambda one: one.recorded.number)


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
    """Takes away the rights that the setting lacks; returns the command that the program is started with."""
    if recorded.row.name.startswith("not executable"):
        (home / "proc").chmod(0o644)
    if recorded.unreadable:
        (home / recorded.unreadable).chmod(0)
    return WITHOUT_ROOTS_RIGHTS if recorded.unreadable is not None and os.geteuid() == 0 else ()


def compared(events: list[Event]) -> list[Event]:
    """The events as they were recorded."""
    kept = [event for event in events if event.get("action") not in READS]
    return [{name: value for name, value in event.items() if kept_member(event, name)} for event in kept]


def kept_member(event: Event, name: str) -> bool:
    if name == "sent" and event.get("asks") == "instance":
        return False
    return name not in NOT_RECORDED and not (name == "secret" and event[name] is None)


def in_namespaces(chosen: Sequence[Recorded], binary: Path) -> list[Replayed]:
    """Those that need addresses or users that this machine does not have: a process in namespaces replays them."""
    if not chosen:
        return []
    command = [*NAMESPACES, sys.executable, __file__, "--apart", "--binary", str(binary)]
    numbers = json.dumps([one.number for one in chosen])
    try:
        ran = subprocess.run(command, input=numbers, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"this machine has no namespaces for it: {error}: {getattr(error, 'stderr', '')}"
        return [Replayed(one, Ended(NOT_RUN, "", why), []) for one in chosen]
    found = json.loads(ran.stdout)
    return [Replayed(one, Ended(*ended), sent) for one, (ended, sent) in zip(chosen, found, strict=True)]


def apart(binary: Path, chosen: Sequence[Recorded]) -> int:
    for command in (["ip", "link", "set", "lo", "up"], *(["ip", "addr", "add", ip, "dev", "lo"] for ip, _ in METADATA)):
        subprocess.run(command, check=True)
    with tempfile.TemporaryDirectory() as scratch:
        users = Path(scratch) / "passwd"
        users.touch()
        subprocess.run(["mount", "--bind", users, "/etc/passwd"], check=True)
        authority = made(Path(scratch), hosts())
        found = []
        try:
            for one in chosen:
                users.write_text(f"root:x:0:0:root:{scratch}/{one.number}/home:/bin/sh\n")
                replayed = run(one, binary, Path(scratch), authority, METADATA)
                found.append((replayed.ended, replayed.sent))
        finally:
            subprocess.run(["umount", "/etc/passwd"], check=True)
    print(json.dumps(found))
    return 0


def check(tally: Tally, binary: Path, scratch: Path, every: int) -> None:
    """Replays every Nth setting and all pairs of sources, as a case of the outside check."""
    folder = scratch / "replay"
    folder.mkdir()
    chosen = [one for one in everything() if one.kind == "pair" or one.number % every == 0]
    names = {one.row.name for one in chosen if one.kind == "pair"}
    tally.same("replay: each pair is recorded", {"pairs": names}, {"pairs": set(pairs_sent())})
    replays = replay(chosen, binary, folder)
    status = report(replays, "unlisted", inputs=False, check_stale=every == 1)
    tally.same("replay: no difference without a listed reason", {"status": 0}, {"status": status})


def report(replays: Sequence[Replayed], show: str | None, *, inputs: bool, check_stale: bool) -> int:
    results = [(one, *explained(one)) for one in replays]
    for one, verdict, reasons in results if show else ():
        if show in ("all", verdict) or (show == "unlisted" and verdict not in FINE and not reasons):
            print(shown(one, verdict, reasons, inputs=inputs))
    print(f"{len(results)} settings of AWS CLI 2.36.7")
    without = Counter(verdict for _, verdict, reasons in results if verdict not in FINE and not reasons)
    for verdict, count in Counter(verdict for _, verdict, _ in results).most_common():
        print(f"{count:6} {verdict}" + (f"; {without[verdict]} without a listed reason" if without[verdict] else ""))
    accepted = sum(1 for one, *_ in results if goes_on(one.recorded))
    if without[Verdict.REFUSED]:
        share = f"{without[Verdict.REFUSED] / accepted:.1%} of the {accepted:,} that version 2 accepts"
        print(f"refused without a listed reason: {share}")
    unused = stale(reason for *_, reasons in results for reason in reasons) if check_stale else []
    for difference in unused:
        print(f"listed, but no setting differs like this: {difference.settings}")
    if without and not show:
        print("--show unlisted prints those without a listed reason")
    return 1 if without or unused or not results else 0


def shown(one: Replayed, verdict: Verdict, reasons: Sequence[Difference], *, inputs: bool) -> str:
    lines = [f"{verdict.upper()}  {one.recorded.name}"]
    lines += [f"    version 2    {told(event)}" for event in one.recorded.sent] or ["    version 2    nothing"]
    lines += [f"    iam-del-key  {told(event)}" for event in one.sent] or ["    iam-del-key  nothing"]
    messages = one.ended.stderr.splitlines()
    lines += [f"    status {one.ended.status}: {line}" for line in (messages if inputs else messages[:1])]
    lines += [f"    listed: {reason.settings}" for reason in reasons]
    if inputs:
        lines += [f"    | {line}" for line in one.recorded.row.text().split("\n")]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
