"""What is sent: for each setting, the request of iam-del-key beside those of the AWS CLI and of boto3."""

import sys
from collections.abc import Iterator
from pathlib import Path

from program import Program
from recorder import Recorder, recording
from setting import KEY, SETTINGS, VARIABLES, Setting
from tally import Tally

HERE = Path(__file__).parent

# Where a peer sends something else: (setting, peer) to what differs, and the reason for it.
DIFFERENCES: dict[tuple[str, str], dict[str, object]] = {
    # Version 1 of the AWS CLI and boto3 do not know AWS_REGION, which version 2 and the other SDKs read first.
    ("the region by the newer variable", peer): {
        "scope": {"key": VARIABLES["AWS_ACCESS_KEY_ID"], "region": "us-east-1", "service": "iam"}
    }
    for peer in ("aws", "boto3")
}


class Peers:
    """The three programs, each run with the same arguments."""

    def __init__(self, binary: Path, scratch: Path) -> None:
        beside_python = Path(sys.executable).parent
        self.home = scratch / "home"
        self.ours = Program(binary, scratch)
        self.aws = Program(beside_python / "aws", scratch)
        self.python = Program(Path(sys.executable), scratch)

    def run(self, setting: Setting, recorder: Recorder) -> Iterator[tuple[str, dict[str, object]]]:
        """Each program's name, and what it sent."""
        options = setting.options(recorder.url)
        environment = setting.environment(recorder.url, self.home)
        for name, program, words in [
            ("iam-del-key", self.ours, []),
            ("aws", self.aws, ["iam", "delete-access-key"]),
            ("boto3", self.python, [str(HERE / "boto3_delete.py")]),
        ]:
            ended = program.run(*words, *options, environment=environment)
            sent = recorder.taken()
            if not sent:
                print(f"        {name} sent nothing: {ended.stderr.strip()}")
            yield name, {"requests": len(sent), **(sent[0] if sent else {})}


def check(tally: Tally, binary: Path, scratch: Path) -> None:
    peers = Peers(binary, scratch)
    stale = set(DIFFERENCES)
    with recording() as recorder:
        for setting in SETTINGS:
            setting.write(recorder.url, peers.home)
            sent = dict(peers.run(setting, recorder))
            ours = sent.pop("iam-del-key")
            asked = {"AccessKeyId": KEY} | ({"UserName": setting.user} if setting.user else {})
            form = {"Action": "DeleteAccessKey", "Version": "2010-05-08", **asked}
            tally.same(f"wire: {setting.name}", {"form": form}, {"form": ours.get("form", form)})
            for peer, theirs in sent.items():
                stale.discard((setting.name, peer))
                expected = ours | DIFFERENCES.get((setting.name, peer), {})
                tally.same(f"wire: {setting.name}: as {peer}", expected, theirs)
    tally.same("wire: each difference was met", {"stale": set()}, {"stale": stale})
