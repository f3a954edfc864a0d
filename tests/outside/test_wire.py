"""What is sent: for each setting, the request of iam-del-key beside those of the AWS CLI and of boto3."""

import sys
from operator import attrgetter
from pathlib import Path

import pytest
from program import Program
from recorder import Recorder
from server import BESIDE_PYTHON
from setting import KEY, SETTINGS, Setting

PEERS = {
    "aws": (BESIDE_PYTHON / "aws", ["iam", "delete-access-key"]),
    "boto3": (Path(sys.executable), [str(Path(__file__).parent / "boto3_delete.py")]),
}
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=attrgetter("name"))


def sent(setting: Setting, program: Program, recorder: Recorder, words: list[str]) -> dict[str, object]:
    """The one request that a program sends."""
    setting.write(recorder.url, program.home)
    environment = setting.environment(recorder.url, program.home)
    ended = program.run(*words, *setting.options(recorder.url), environment=environment)
    requests = recorder.taken()
    assert len(requests) == 1, ended.stderr
    return requests[0]


@each_setting
def test_the_request_has_what_was_asked_for(setting: Setting, program: Program, recorder: Recorder) -> None:
    request = sent(setting, program, recorder, [])
    user = {"UserName": setting.user} if setting.user else {}
    form = {"Action": "DeleteAccessKey", "Version": "2010-05-08", "AccessKeyId": KEY, **user}
    # A request to CONNECT has none.
    assert request.get("form", form) == form


@pytest.mark.parametrize("peer", PEERS)
@each_setting
def test_the_request_is_that_of_a_peer(setting: Setting, peer: str, program: Program, recorder: Recorder) -> None:
    ours = sent(setting, program, recorder, [])
    binary, words = PEERS[peer]
    theirs = sent(setting, Program(binary, program.home.parent), recorder, words)
    if setting.peers_region:
        ours["scope"]["region"] = setting.peers_region
    assert theirs == ours
