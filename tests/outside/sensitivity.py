"""The replay notices a difference: one recorded setting is changed in many ways, and each must have its result."""

from collections.abc import Callable
from pathlib import Path

from authority import made
from difference import explained
from recording import Event, Recorded, everything, hosts
from replay import run
from tally import Tally
from verdict import Replayed, Verdict, judge

# A role that a profile's key assumes.
NAME = "role: role services in source only"
# Settings with a file that is not text, or empty, and its bytes.
WITH_MARK = b"\xef\xbb\xbf[default]\naws_access_key_id = AKIABOM0000000000000\naws_secret_access_key = bom\n"
BYTES = [
    ("file syntax: credentials: BOM", ".aws/credentials", WITH_MARK),
    ("web identity: token file not UTF-8, profile", "token", b"\xff\xfe"),
    ("web identity: token file empty", "token", b""),
]


def check(tally: Tally, binary: Path, scratch: Path) -> None:
    folder = scratch / "sensitivity"
    folder.mkdir()
    authority = made(folder, hosts())
    recorded = next(one for one in everything() if one.name == NAME)
    replayed = run(recorded, binary, folder, authority)
    tally.same("replay: a recorded setting", {"result": Verdict.EQUAL}, {"result": judge(replayed)})
    for what, change, verdict in CHANGES:
        sent = [dict(event, form=dict(event["form"])) for event in recorded.sent]
        change(sent)
        changed = replayed._replace(recorded=recorded._replace(sent=sent, deleted=deletes(sent)))
        expected = {"result": verdict, "reasons": []}
        found, reasons = explained(changed)
        tally.same(f"replay: {what}", expected, {"result": found, "reasons": reasons})
    for what, config in setting_changes(recorded):
        (folder / what).mkdir()
        changed = recorded._replace(row=recorded.row._replace(config=config))
        found = judge(run(changed, binary, folder / what, authority))
        tally.same(f"replay: {what}", {"result": Verdict.IDENTITY}, {"result": found})
    for what, ended in (("a panic", "aborted at x"), ("a signal", "")):
        crashed = replayed._replace(ended=replayed.ended._replace(status=1 if ended else -6, stderr=ended))
        tally.same(f"replay: {what}", {"result": Verdict.CRASH}, {"result": judge(crashed)})
    for name, file, expected in BYTES:
        row = next(one.row for one in everything() if one.name == name)
        home = folder / name
        row.prepared(home, {})
        tally.same(f"replay: {name}", {"bytes": expected}, {"bytes": (home / file).read_bytes()})
    silent = Replayed(recorded, replayed.ended, [])
    tally.same("replay: success without a request", {"result": Verdict.STATUS}, {"result": judge(silent)})
    refused = silent._replace(ended=replayed.ended._replace(status=7))
    tally.same("replay: a refusal", {"result": Verdict.REFUSED}, {"result": judge(refused)})


def deletes(sent: list[Event]) -> bool:
    return any(event.get("action") == "DeleteAccessKey" for event in sent)


def put(number: int, name: str, value: str) -> Callable[[list[Event]], None]:
    def change(sent: list[Event]) -> None:
        sent[number][name] = value

    return change


def form(number: int, name: str, value: str) -> Callable[[list[Event]], None]:
    def change(sent: list[Event]) -> None:
        sent[number]["form"][name] = value

    return change


def drop(first: int, end: int | None = None) -> Callable[[list[Event]], None]:
    def change(sent: list[Event]) -> None:
        del sent[first:end]

    return change


def ask(event: Event) -> Callable[[list[Event]], None]:
    def change(sent: list[Event]) -> None:
        sent.insert(0, event)

    return change


CHANGES = [
    ("another key deletes", put(-1, "key", "AKIAOTHER00000000000"), Verdict.IDENTITY),
    ("another key assumes the role", put(0, "key", "AKIAOTHER00000000000"), Verdict.IDENTITY),
    ("another secret", put(0, "secret", "other"), Verdict.IDENTITY),
    ("another token", put(-1, "token", "other"), Verdict.IDENTITY),
    ("another user's key", form(-1, "UserName", "Eve"), Verdict.IDENTITY),
    ("another role", form(0, "RoleArn", "arn:aws:iam::123456789012:role/two"), Verdict.IDENTITY),
    ("an external ID", form(0, "ExternalId", "x"), Verdict.IDENTITY),
    ("another region of IAM", put(-1, "region", "eu-west-1"), Verdict.REGION),
    ("another host of IAM", put(-1, "at", "iam.us-gov.amazonaws.com"), Verdict.HOST),
    ("another host of STS", put(0, "at", "sts.eu-west-1.amazonaws.com"), Verdict.HOST),
    ("version 2 sends nothing", drop(0), Verdict.ACCEPTED),
    ("version 2 does not delete", drop(1), Verdict.ACCEPTED),
    ("version 2 has a session of the role already", drop(0, 1), Verdict.SOURCE),
    ("version 2 asks a container", ask({"asks": "container", "at": "here/x", "form": {}}), Verdict.SOURCE),
    ("version 2 asks SSO", ask({"asks": "SSO", "sent": "t", "at": "here/x", "form": {}}), Verdict.IDENTITY),
]


def setting_changes(recorded: Recorded) -> list[tuple[str, str]]:
    config = recorded.row.config
    return [
        ("a changed key in the file", config.replace("AKIAS000000000000000", "AKIAOTHER00000000000")),
        ("a changed secret in the file", config.replace("aws_secret_access_key = s\n", "aws_secret_access_key = t\n")),
        ("a changed role in the file", config.replace(":role/one", ":role/two")),
    ]
