"""The difference between the behavior of the program and of AWS CLI version 2 with a setting."""

import json
import re
from enum import StrEnum
from typing import NamedTuple

from program import Ended
from recording import Event, Recorded

# The members of an event that describe the destination. The others describe the identity.
WHERE = {"at", "region", "service", "path", "connect"}
CRASH = re.compile(r"panicked|aborted at|stack overflow", re.IGNORECASE)
REFUSALS = {1, 2, 6, 7, 9, 11}
NOT_RUN = -1000


class Verdict(StrEnum):
    EQUAL = "equal"
    BOTH_REFUSE = "both refuse, version 2 later"
    REFUSED = "refused, version 2 goes on"
    SOURCE = "same deletion, other sources asked"
    EXTRA = "both refuse, after a request that version 2 does not send"
    ACCEPTED = "deletes, version 2 refuses"
    IDENTITY = "another identity"
    REGION = "another region"
    HOST = "another host"
    STATUS = "refused with an unexpected status"
    CRASH = "crash"
    NOT_RUN = "not run"


# Results that need no reason.
FINE = {Verdict.EQUAL, Verdict.BOTH_REFUSE}


class Replayed(NamedTuple):
    """The behavior of the program with a recorded setting."""

    recorded: Recorded
    ended: Ended
    sent: list[Event]

    @property
    def deleted(self) -> bool:
        return any(event.get("action") == "DeleteAccessKey" for event in self.sent)


def judge(replayed: Replayed) -> Verdict:
    recorded, ended, ours = replayed
    theirs = recorded.sent
    if ended.status == NOT_RUN:
        return Verdict.NOT_RUN
    if CRASH.search(ended.stderr) or ended.status < 0 or ended.status > 100:
        return Verdict.CRASH
    if (ended.status == 0) != replayed.deleted or (ended.status and ended.status not in REFUSALS):
        return Verdict.STATUS
    if sorted(texts(ours)) == sorted(texts(theirs)):
        return Verdict.EQUAL
    if not replayed.deleted and set(texts(ours)) <= set(texts(theirs)):
        return Verdict.REFUSED if continues(recorded) else Verdict.BOTH_REFUSE
    return differing(replayed)


def continues(recorded: Recorded) -> bool:
    """Whether version 2 deletes the key, or would if the cloud had a certificate for that host."""
    return recorded.deleted or bool(recorded.sent) and "connect" in recorded.sent[-1]


def texts(events: list[Event]) -> list[str]:
    return [json.dumps(event, sort_keys=True) for event in events]


def differing(replayed: Replayed) -> Verdict:
    """The most serious difference between the requests. Metadata requests count only if nothing else differs."""
    theirs, ours = without_metadata(replayed.recorded.sent), without_metadata(replayed.sent)
    if replayed.deleted and not continues(replayed.recorded):
        return Verdict.ACCEPTED
    if replayed.deleted and ours[-1:] == theirs[-1:] and all(event in ours for event in theirs):
        # Version 2 already had a session of the role.
        return Verdict.SOURCE
    found = {difference(one, another) for one, another in zip(theirs, ours, strict=False)}
    for verdict in (Verdict.IDENTITY, Verdict.HOST, Verdict.REGION):
        if verdict in found:
            return verdict
    if replayed.deleted:
        return Verdict.SOURCE if len(theirs) == len(ours) else Verdict.IDENTITY
    if len(ours) > len(theirs):
        return Verdict.EXTRA
    return Verdict.REFUSED if continues(replayed.recorded) else Verdict.BOTH_REFUSE


def without_metadata(events: list[Event]) -> list[Event]:
    return [event for event in events if event.get("asks") not in ("instance", "container")]


def difference(theirs: Event, ours: Event) -> Verdict:
    if "connect" in theirs or "connect" in ours:
        return Verdict.EQUAL if host(theirs) == host(ours) else Verdict.HOST
    if {**theirs, **dict.fromkeys(WHERE)} != {**ours, **dict.fromkeys(WHERE)}:
        return Verdict.IDENTITY
    if theirs["at"] != ours["at"]:
        return Verdict.HOST
    return Verdict.EQUAL if theirs == ours else Verdict.REGION


def host(event: Event) -> str:
    return str(event.get("connect") or event["at"]).partition("/")[0]


def described(event: Event) -> str:
    """An event in one line."""
    if "connect" in event:
        return f"no TLS with {event['connect']}"
    form = dict(event.get("form", {}))
    form.pop("Version", None)
    what = event.get("action") or f"asks {event['asks']}"
    words = {name: value for name, value in event.items() if name not in ("form", "asks", "action")}
    return " ".join([str(what), *(f"{name}={value!r}" for name, value in sorted(words.items()) + sorted(form.items()))])
