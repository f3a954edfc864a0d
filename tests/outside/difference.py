"""The listed differences from AWS CLI version 2. Each has a reason, and patterns that match its settings."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from recording import Event
from verdict import FINE, Replayed, Verdict, described, judge

FILE = Path(__file__).parent / "recorded" / "differences.toml"


class Difference(NamedTuple):
    """`settings` and `reason` are for readers. The patterns are regular expressions that may match anywhere: in `class: name`,
    in the text of the setting, in the requests of version 2, and in the output of the program."""

    settings: str
    reason: str
    result: tuple[Verdict, ...] = ()
    instead: Mapping[str, str] = {}
    """Hosts and regions of version 2 and those that this program uses instead, if nothing else differs."""
    name: str = ""
    setting: str = ""
    version_2: str = ""
    message: str = ""

    def matches(self, replayed: Replayed, verdict: Verdict) -> bool:
        recorded = replayed.recorded
        return verdict in self.result and all(
            re.search(pattern, text, re.MULTILINE)
            for pattern, text in (
                (self.name, recorded.name),
                (self.setting, recorded.row.text()),
                (self.version_2, "\n".join(map(described, recorded.sent))),
                (self.message, replayed.ended.stderr),
            )
        )


@cache
def every() -> list[Difference]:
    found = tomllib.loads(FILE.read_text())["difference"]
    return [Difference(**{**one, "result": tuple(Verdict(word) for word in one.get("result", ()))}) for one in found]


@cache
def named() -> dict[str, str]:
    """The reasons why version 2 differs, by the name of the row in the compatibility table."""
    return tomllib.loads(FILE.read_text())["named"]


def explained(replayed: Replayed) -> tuple[Verdict, list[Difference]]:
    """The result, and the listed differences that explain it. Empty if it needs no explanation or has none."""
    verdict = judge(replayed)
    if verdict in FINE:
        return verdict, []
    hosts = [one for one in every() if one.instead and moved(replayed, one.instead) != replayed]
    rest = replayed
    for one in hosts:
        rest = moved(rest, one.instead)
    left = judge(rest)
    if left in FINE:
        return verdict, hosts
    found = [one for one in every() if one.matches(rest, left)]
    return verdict, [*hosts, *found] if found else []


def moved(replayed: Replayed, instead: Mapping[str, str]) -> Replayed:
    """The same, but with the hosts and regions of version 2 replaced."""

    def move(event: Event) -> Event:
        return {name: instead.get(value, value) if name in ("at", "region") else value for name, value in event.items()}

    recorded = replayed.recorded
    return replayed._replace(recorded=recorded._replace(sent=[move(event) for event in recorded.sent]))
