"""Checks that the replay detects differences. Changes a recorded setting in many ways, each with an expected result."""

from collections.abc import Callable
from pathlib import Path

import pytest
from authority import Authority
from difference import explained
from recording import Event, everything
from replay import run
from verdict import Replayed, Verdict, judge

# A setting in which a profile's key assumes a role.
NAME = "role: role services in source only"
# Settings with a file that is empty or not text, and the bytes of the file.
WITH_MARK = b"\xef\xbb\xbf[default]\naws_access_key_id = AKIABOM0000000000000\naws_secret_access_key = bom\n"
BYTES = [
    ("file syntax: credentials: BOM", ".aws/credentials", WITH_MARK),
    ("web identity: token file not UTF-8, profile", "token", b"\xff\xfe"),
    ("web identity: token file empty", "token", b""),
]


@pytest.fixture(scope="module")
def replayed(binary: Path, recorded_authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    recorded = next(one for one in everything() if one.name == NAME)
    return run(recorded, binary, tmp_path_factory.mktemp("recorded"), recorded_authority)


def test_a_recorded_setting_is_equal(replayed: Replayed) -> None:
    assert judge(replayed) == Verdict.EQUAL


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
    pytest.param(put(-1, "key", "AKIAOTHER00000000000"), Verdict.IDENTITY, id="another key deletes"),
    pytest.param(put(0, "key", "AKIAOTHER00000000000"), Verdict.IDENTITY, id="another key assumes the role"),
    pytest.param(put(0, "secret", "other"), Verdict.IDENTITY, id="another secret"),
    pytest.param(put(-1, "token", "other"), Verdict.IDENTITY, id="another token"),
    pytest.param(form(-1, "UserName", "Eve"), Verdict.IDENTITY, id="another user's key"),
    pytest.param(form(0, "RoleArn", "arn:aws:iam::123456789012:role/two"), Verdict.IDENTITY, id="another role"),
    pytest.param(form(0, "ExternalId", "x"), Verdict.IDENTITY, id="an external ID"),
    pytest.param(put(-1, "region", "eu-west-1"), Verdict.REGION, id="another region of IAM"),
    pytest.param(put(-1, "at", "iam.us-gov.amazonaws.com"), Verdict.HOST, id="another host of IAM"),
    pytest.param(put(0, "at", "sts.eu-west-1.amazonaws.com"), Verdict.HOST, id="another host of STS"),
    pytest.param(drop(0), Verdict.ACCEPTED, id="version 2 sends nothing"),
    pytest.param(drop(1), Verdict.ACCEPTED, id="version 2 does not delete"),
    pytest.param(drop(0, 1), Verdict.SOURCE, id="version 2 has a session of the role already"),
    pytest.param(ask({"asks": "container", "at": "here/x", "form": {}}), Verdict.SOURCE, id="version 2 asks a container"),
    pytest.param(ask({"asks": "SSO", "sent": "t", "at": "here/x", "form": {}}), Verdict.IDENTITY, id="version 2 asks SSO"),
]


@pytest.mark.parametrize(("change", "verdict"), CHANGES)
def test_another_request_differs(replayed: Replayed, change: Callable[[list[Event]], None], verdict: Verdict) -> None:
    recorded = replayed.recorded
    sent = [dict(event, form=dict(event["form"])) for event in recorded.sent]
    change(sent)
    changed = replayed._replace(recorded=recorded._replace(sent=sent, deleted=deletes(sent)))
    assert explained(changed) == (verdict, [])


@pytest.mark.parametrize(
    ("this", "other"),
    [
        pytest.param("AKIAS000000000000000", "AKIAOTHER00000000000", id="key"),
        pytest.param("aws_secret_access_key = s\n", "aws_secret_access_key = t\n", id="secret"),
        pytest.param(":role/one", ":role/two", id="role"),
    ],
)
def test_another_file_is_another_identity(
    replayed: Replayed, this: str, other: str, binary: Path, recorded_authority: Authority, tmp_path: Path
) -> None:
    row = replayed.recorded.row
    changed = replayed.recorded._replace(row=row._replace(config=row.config.replace(this, other)))
    assert judge(run(changed, binary, tmp_path, recorded_authority)) == Verdict.IDENTITY


@pytest.mark.parametrize(("status", "stderr"), [(1, "aborted at x"), (-6, "")], ids=["panic", "signal"])
def test_a_crash_is_detected(replayed: Replayed, status: int, stderr: str) -> None:
    crashed = replayed._replace(ended=replayed.ended._replace(status=status, stderr=stderr))
    assert judge(crashed) == Verdict.CRASH


@pytest.mark.parametrize(("name", "file", "expected"), BYTES)
def test_a_file_has_its_bytes(name: str, file: str, expected: bytes, tmp_path: Path) -> None:
    row = next(one.row for one in everything() if one.name == name)
    row.prepared(tmp_path, {})
    assert (tmp_path / file).read_bytes() == expected


@pytest.mark.parametrize(("status", "verdict"), [(0, Verdict.STATUS), (7, Verdict.REFUSED)])
def test_without_a_request_the_status_decides(replayed: Replayed, status: int, verdict: Verdict) -> None:
    assert judge(replayed._replace(ended=replayed.ended._replace(status=status), sent=[])) == verdict
