"""Compares the settings that the program and version 1 of the AWS CLI read. Runs both with the setting of each row, each with its
own cloud, and compares their requests."""

from pathlib import Path
from typing import NamedTuple

from address import ADDRESS, MIXED_CASE
from authority import Authority
from cloud import Cloud, clouds, owner
from identity import IDENTITY
from program import Program
from role import ROLES
from row import Row
from server import BESIDE_PYTHON

PARTS = [IDENTITY, ROLES, ADDRESS]
ROWS = [row for part in PARTS for row in part]
ALL_ROWS = ROWS + MIXED_CASE
KEY = "AKIDPMS9RO4H3FEXAMPLE"
DELETE = ["iam", "delete-access-key"]
DEFAULT = "us-east-1"


class Sent(NamedTuple):
    """The requests of the AWS CLI and of the program with one setting."""

    row: Row
    theirs: list[dict[str, object]]
    ours: list[dict[str, object]]


def compare(row: Row, binary: Path, folder: Path, authority: Authority) -> Sent:
    number = f"{ALL_ROWS.index(row)}"
    theirs = run(row, BESIDE_PYTHON / "aws", DELETE, folder / f"{number}-aws", authority)
    return Sent(row, theirs, run(row, binary, [], folder / f"{number}-ours", authority))


def run(row: Row, binary: Path, words: list[str], folder: Path, authority: Authority) -> list[dict[str, object]]:
    folder.mkdir(exist_ok=True)
    program = Program(binary, folder)
    with clouds(authority.server, row.faults) as (cloud, second):
        options, variables = row.prepared(program.home, places(cloud, second, program.home, authority))
        user = ["--user-name", row.user] if row.user else []
        program.run(*words, "--access-key-id", KEY, *user, *options, environment=variables)
        # Ignore the reads with which only the program verifies a result.
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


def described(events: list[dict[str, object]]) -> str:
    """A short description of the requests."""
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
