"""Records the requests of AWS CLI version 2 for the pairs in pair.py: only those without a recording, or all."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "process"))

from authority import Authority, made
from recording import NAMED, PAIRS, Event, Recorded, everything, hosts, pairs_sent
from replay import AT_A_TIME, run

DELETE, ASSUME = ("iam", "delete-access-key"), ("sts", "assume-role")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--aws", type=Path, required=True, help="the `aws` command of version 2.36.7")
    parser.add_argument("--all", action="store_true", help="also record pairs that already have a recording")
    given = parser.parse_args()
    chosen = {one.row.name: one for one in everything() if one.kind == "pair"}
    sent = {name: events for name, events in pairs_sent().items() if name in chosen and not given.all}
    missing = [one for name, one in chosen.items() if name not in sent]
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(AT_A_TIME) as pool:
        authority = made(Path(scratch), hosts())
        ran = pool.map(lambda one: record(one, given.aws.resolve(), Path(scratch), authority), missing)
        sent |= zip([one.row.name for one in missing], ran, strict=True)
    write({name: sent[name] for name in chosen})


def record(one: Recorded, aws: Path, scratch: Path, authority: Authority) -> list[Event]:
    """The requests of version 2. For this program's role options, it runs `sts assume-role` and deletes with the session."""

    def sent(words: tuple[str, ...]) -> list[Event]:
        folder = scratch / words[0]
        folder.mkdir(exist_ok=True)
        return run(one._replace(row=one.row._replace(options=words)), aws, folder, authority).sent

    options = one.row.options[len(NAMED) :]
    if "--role-session-name" not in options:
        return sent((*DELETE, *NAMED, *options))
    at = options.index("--role-session-name")
    rest = options[: at - (2 if "--role-arn" in options else 0)] + options[at + 2 :]
    assumed, deletes = sent((*ASSUME, *options)), sent((*DELETE, *NAMED, *rest))
    if not assumed or assumed[-1].get("action") != "AssumeRole":
        return assumed
    session = {"key": "AKIAROLEGIVEN0000000", "secret": "role", "token": "given"}
    return [*assumed, deletes[-1] | session]


def write(sent: Mapping[str, list[Event]]) -> None:
    """Writes each distinct list of requests once, with the names of its pairs."""
    groups: dict[str, list[str]] = {}
    for name, events in sent.items():
        groups.setdefault(json.dumps(events), []).append(name)
    found = [{"sent": json.loads(events), "pairs": names} for events, names in groups.items()]
    PAIRS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
