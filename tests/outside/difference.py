"""The listed differences from AWS CLI version 2: each has a reason, and patterns that its settings match."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from verdict import Replayed, Verdict

FILE = Path(__file__).parent / "recorded" / "differences.toml"


class Difference(NamedTuple):
    """A setting has it if all patterns are found: in `class: name`, in the text of the setting, in the program's message."""

    reason: str
    result: list[str]
    name: str = ""
    setting: str = ""
    message: str = ""

    def matches(self, replayed: Replayed, verdict: Verdict) -> bool:
        return (
            verdict in self.result
            and bool(re.search(self.name, replayed.recorded.name))
            and bool(re.search(self.setting, replayed.recorded.row.text()))
            and bool(re.search(self.message, replayed.ended.stderr))
        )


@cache
def every() -> list[Difference]:
    return [Difference(**one) for one in tomllib.loads(FILE.read_text()).get("difference", [])]


def listed(replayed: Replayed, verdict: Verdict) -> Difference | None:
    return next((one for one in every() if one.matches(replayed, verdict)), None)


def stale(found: Iterable[Difference | None]) -> list[Difference]:
    """Those that no setting has."""
    used = set(map(id, found))
    return [one for one in every() if id(one) not in used]
