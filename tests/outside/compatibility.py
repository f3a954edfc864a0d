"""Which settings the program reads, beside the AWS CLI: both run under each row's setting, in a cloud of their own, and
what they sent is compared. The table in the README is written from it."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from address import ADDRESS
from authority import Authority, made
from cloud import Cloud, clouds, owner
from identity import IDENTITY
from known import absent, without_row
from program import Program
from role import ROLES
from row import Row
from tally import Tally

PARTS = [IDENTITY, ROLES, ADDRESS]
ROWS = [row for part in PARTS for row in part]
KEY = "AKIDPMS9RO4H3FEXAMPLE"
README = Path(__file__).parent.parent.parent / "README.md"
BEGIN, END = "<!-- written by tests/outside --update -->\n", "<!-- until here -->\n"
AT_A_TIME = 2
DEFAULT = "us-east-1"


class Sent(NamedTuple):
    """What the AWS CLI sent under one setting, and what the program did."""

    row: Row
    theirs: list[dict[str, object]]
    ours: list[dict[str, object]]


def check(tally: Tally, binary: Path, scratch: Path) -> list[Sent]:
    """Checks every row, and that the README tells of them; returns what was sent."""
    sent = everything(binary, scratch)
    for row, theirs, ours in sent:
        if row.why:
            tally.same(f"setting: {row.name}: is another", {"same": False}, {"same": theirs == ours})
        else:
            tally.same(f"setting: {row.name}", {"sent": theirs}, {"sent": ours})
    names = [row.name for row in ROWS]
    twice = {name for name in names if names.count(name) > 1}
    tally.same("setting: each has a name of its own", {"twice": set()}, {"twice": twice})
    tally.same("setting: each that the AWS CLI knows is there", {"absent": set()}, {"absent": absent(ROWS)})
    unknown = without_row(README.read_text())
    tally.same("option: each that the AWS CLI takes is in the README", {"absent": set()}, {"absent": unknown})
    tally.same("setting: the README has this table (--update writes it)", lines(tabulated(sent)), lines(written()))
    return sent


def update(binary: Path, scratch: Path) -> list[Sent]:
    """Writes the README's table; returns what was sent."""
    sent = everything(binary, scratch)
    write(tabulated(sent))
    return sent


def everything(binary: Path, scratch: Path) -> list[Sent]:
    folder = scratch / "compatibility"
    folder.mkdir()
    authority = made(folder)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda row: compare(row, binary, folder, authority), ROWS))


def compare(row: Row, binary: Path, folder: Path, authority: Authority) -> Sent:
    aws = Path(sys.executable).parent / "aws"
    number = f"{ROWS.index(row)}"
    theirs = run(row, aws, ["iam", "delete-access-key"], folder / f"{number}-aws", authority)
    return Sent(row, theirs, run(row, binary, [], folder / f"{number}-ours", authority))


def run(row: Row, binary: Path, words: list[str], folder: Path, authority: Authority) -> list[dict[str, object]]:
    folder.mkdir()
    program = Program(binary, folder)
    with clouds(authority.server, row.faults) as (cloud, second):
        options, variables = row.prepared(program.home, places(cloud, second, program.home, authority))
        program.run(*words, "--access-key-id", KEY, "--user-name", "Bob", *options, environment=variables)
        # What the program asks to settle a doubt is its own affair.
        return [event for event in cloud.seen if event.get("action") not in ("GetAccessKeyLastUsed", "ListAccessKeys")]


def places(cloud: Cloud, second: Cloud, home: Path, authority: Authority) -> dict[str, str]:
    return {
        "url": cloud.url,
        "second": second.url,
        "host": cloud.url.removeprefix("http://"),
        "home": str(home),
        "right": str(authority.right),
        "wrong": str(authority.wrong),
    }


def told(events: list[dict[str, object]]) -> str:
    """What was sent, in a few words."""
    words = [one(event) for event in events]
    times = {word: words.count(word) for word in words}
    return "; ".join(word if count == 1 else f"{word}, {count} times" for word, count in times.items()) or "nothing"


def one(event: dict[str, object]) -> str:
    by = " by the second proxy" if event.get("by") == "the second proxy" else ""
    if "connect" in event:
        return f"no TLS with {event['connect']}{by}"
    if "asks" in event:
        return f"asks {event['asks']}" + (f" ({event['sent']})" if event["sent"] else "") + by
    form = dict(event["form"])
    special = [form[name] for name in ("ExternalId", "DurationSeconds", "WebIdentityToken") if name in form]
    if form.get("RoleSessionName") == "me":
        special.append("me")
    what = "" if event["action"] == "DeleteAccessKey" else f"role {form['RoleArn'].rpartition('/')[2]} for "
    who = owner(str(event["key"])) if "key" in event else "nobody"
    if event["token"] and event["token"] != who.removeprefix("role "):
        special.append(f"token {event['token']}")
    if event.get("trace"):
        special.append(f"trace {event['trace']}")
    extra = f" ({', '.join(special)})" if special else ""
    region = f", {event['region']}" if event.get("region", DEFAULT) != DEFAULT else ""
    return f"{what}{who}{extra} at {event['at']}{region}{by}"


def tabulated(sent: list[Sent]) -> str:
    """The table: of each part, the settings that come to the same share a line."""
    lines = ["| setting | AWS CLI | iam-del-key | the same |", "|---|---|---|---|"]
    start = 0
    for part in PARTS:
        alike: dict[str, list[str]] = {}
        for row, theirs, ours in sent[start : start + len(part)]:
            same = theirs == ours
            rest = f"{told(theirs)} | {'”' if same else told(ours)} | {'yes' if same else row.why or 'NO'}"
            alike.setdefault(rest, []).append(row.name)
        lines += [f"| {'; '.join(names)} | {rest} |" for rest, names in alike.items()]
        start += len(part)
    return "\n".join(lines) + "\n"


def lines(table: str) -> dict[str, str]:
    """Its lines, by number: of two tables those that differ are shown."""
    return {f"line {number:03}": line for number, line in enumerate(table.splitlines(), 1)}


def written() -> str:
    """The table in the README."""
    return README.read_text().partition(BEGIN)[2].partition(END)[0]


def write(table: str) -> None:
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(before + BEGIN + table + END + rest.partition(END)[2])
