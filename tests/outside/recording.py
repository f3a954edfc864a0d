"""The recorded requests of AWS CLI 2.36.7 with 2,911 settings. Each is also a row for this program.

`recorded/identity-2.36.7.jsonl.xz` has one object per line: `class`, `name`, the setting (`env`, `options`, `config`,
`credentials`, `files`, `faults`), the requests in `sent`, and whether the key was `deleted`. `ll` marks settings that need the
addresses of container or instance metadata, or a home folder in the user database. `nodac` marks settings with an unreadable
file. A file that is not text is a Python bytes literal. The settings of `pair.py` follow these, and their requests are in
`recorded/pairs-2.36.7.json`."""

import ast
import json
import lzma
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pair import pairs
from row import Row

PAIRS = Path(__file__).parent / "recorded" / "pairs-2.36.7.json"
FILE = Path(__file__).parent / "recorded" / "identity-2.36.7.jsonl.xz"
NAMED = ("--access-key-id", "AKIDPMS9RO4H3FEXAMPLE", "--user-name", "Bob")
# The settings were recorded at three different times. The seconds in their dates identify the time.
RECORDED = {
    "48": datetime(2026, 11, 26, 8, 39, 48, tzinfo=UTC),
    "11": datetime(2026, 11, 26, 8, 48, 11, tzinfo=UTC),
    "51": datetime(2026, 11, 26, 8, 44, 51, tzinfo=UTC),
}
BYTES = re.compile(r"""b(['"]).*\1""")
DATE = re.compile(r"2026-11-2[67](?:([T ])\d\d:\d\d:(\d\d))?")
SECRETS = re.compile(r"""(?:aws_secret_access_key\s*[=:]|"SecretAccessKey": *")\s*([^"\n]*[^"\s])""", re.IGNORECASE)
# The unreadable file of each setting, by the name of the setting.
UNREADABLE = {
    "credentials, keys in config": ".aws/credentials",
    "config with role, keys in credentials": ".aws/config",
    "config with region, keys in credentials": ".aws/config",
    ".aws": ".aws",
    "web token file": "token",
}

Event = dict[str, object]


class Recorded(NamedTuple):
    """A setting, and the behavior of AWS CLI version 2 with it."""

    number: int
    kind: str
    row: Row
    sent: list[Event]
    deleted: bool
    apart: bool
    """Whether it runs in its own namespaces."""
    unreadable: str | None
    """The unreadable file. Empty if there is none, but file permissions must apply."""

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.row.name}"

    def today(self) -> Row:
        """The row with its dates moved by the time since the recording."""
        return self.row._replace(
            variables={name: value and DATE.sub(shift, value) for name, value in self.row.variables.items()},
            config=DATE.sub(shift, self.row.config),
            credentials=DATE.sub(shift, self.row.credentials),
            files={name: DATE.sub(shift, text) for name, text in self.row.files.items()},
        )

    def secrets(self) -> list[str]:
        """The secrets that could sign: the recorded ones, those in the setting, and those of all settings."""
        named = "SECRET_ACCESS_KEY"
        variables = [value for name, value in self.row.variables.items() if value and name.endswith(named)]
        texts = [self.row.config, self.row.credentials, *self.row.files.values()]
        inputs = [found for text in texts for found in SECRETS.findall(text)]
        recorded = [str(event["secret"]) for event in self.sent if event.get("secret")]
        return list(dict.fromkeys([*recorded, *variables, *inputs, *all_secrets()]))


@cache
def everything() -> list[Recorded]:
    lines = lzma.decompress(FILE.read_bytes()).decode().split("\n")
    found = [read(number, json.loads(line)) for number, line in enumerate(lines) if line]
    sent = pairs_sent()
    for row, unreadable in pairs():
        events = sent.get(row.name, [])
        row = row._replace(options=(*NAMED, *row.options))
        deleted = any(event.get("action") == "DeleteAccessKey" for event in events)
        found.append(Recorded(len(found), "pair", row, events, deleted, False, unreadable))
    return found


def pairs_sent() -> dict[str, list[Event]]:
    """The requests of version 2, by the name of the pair."""
    groups = json.loads(PAIRS.read_text()) if PAIRS.exists() else []
    return {name: group["sent"] for group in groups for name in group["pairs"]}


@cache
def all_secrets() -> list[str]:
    return sorted({str(event["secret"]) for event in events() if event.get("secret")} | {"decoy"})


@cache
def hosts() -> list[str]:
    """The hosts whose certificate was accepted. The others had no certificate, for either program."""
    there = {str(event["at"]).partition("/")[0] for event in events() if "at" in event}
    return ["localhost", *sorted(host for host in there if not re.fullmatch(r"here|[\d.]+", host))]


def events() -> Iterator[Event]:
    return (event for recorded in everything() for event in recorded.sent)


def read(number: int, line: dict) -> Recorded:
    options = (*(NAMED if "who" not in line else ()), *line.get("options", ()))
    row = Row(
        line["name"],
        line.get("env", {}),
        line.get("config", ""),
        line.get("credentials", ""),
        options,
        {name: contents(text) for name, text in line.get("files", {}).items()},
        frozenset(line.get("faults", ())),
    )
    plain = row.name.removesuffix(" +instance")
    unreadable = UNREADABLE.get(plain, "") if "nodac" in line else None
    return Recorded(number, line["class"], row, line["sent"], line["deleted"], "ll" in line, unreadable)


def contents(text: str) -> str:
    """The text of a file. Bytes that are not UTF-8 become surrogates."""
    return ast.literal_eval(text).decode(errors="surrogateescape") if BYTES.fullmatch(text) else text


def shift(date: re.Match[str]) -> str:
    separator, seconds = date.groups()
    age = datetime.now(UTC) - RECORDED[seconds or "48"]
    if not seconds:
        return f"{datetime.fromisoformat(date[0]) + timedelta(days=age.days):%Y-%m-%d}"
    moved = datetime.fromisoformat(date[0]) + timedelta(seconds=round(age.total_seconds()))
    return f"{moved:%Y-%m-%d{separator}%H:%M:%S}"
