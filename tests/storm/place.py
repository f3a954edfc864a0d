"""The sandbox in a storm, and the list of keys that is worked on there."""

import json
import os
import signal
from pathlib import Path

from sandbox import Sandbox
from truth import Keys, Named

# Every so many keys, one is named with another's user, and one that nobody has is named too.
WRONG_OWNER, NOBODYS = 40, 50
# Nothing of this machine's settings gets in.
ALONE = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "HOME": "/nonexistent",
    "PATH": os.defpath,
}


class Storming(Sandbox):
    """A sandbox in a storm. Its truth is what it tells when it ends."""

    def __init__(self, binaries: Path, keys: int, *more: str, https: bool = True) -> None:
        scheme = ["--https"] if https else []
        super().__init__(binaries, *scheme, "--keys", str(keys), "--tell", *more)
        # The requests that changed a key, and when they came.
        self.changes: list[dict] = []
        self.planted = [(key["AccessKeyId"], key["UserName"]) for key in self.told["keys"]]
        self.before: Keys = {key["AccessKeyId"]: "Active" for key in self.told["keys"]}
        self.environment |= ALONE
        if https:
            # The one is read by the tool and by boto3, the other by the SDK for Rust.
            self.environment |= {"AWS_CA_BUNDLE": self.told["ca"], "SSL_CERT_FILE": self.told["ca"]}

    def settle(self) -> None:
        """Waits until each request of the runs that ended was carried out, also those that act late."""
        self.process.send_signal(signal.SIGUSR1)
        if json.loads(self.process.stdout.readline()) != {"settled": True}:
            raise TimeoutError("a request is still to be carried out")

    def end(self) -> Keys:
        """The status of each key that there is."""
        told = super().end()
        self.changes = told["changes"]
        return {key["AccessKeyId"]: key["Status"] for key in told["keys"] if key["AccessKeyId"] in self.before}


def listed(planted: list[tuple[str, str]]) -> list[Named]:
    """The keys to be named: those that were planted, some of them with another's user, and some that nobody has."""
    named = []
    for place, (id, user) in enumerate(planted):
        if place % WRONG_OWNER == 7:
            named.append(Named(id, planted[place - 1][1], is_theirs=False))
        else:
            named.append(Named(id, user, is_theirs=True))
        if place % NOBODYS == 31:
            # Higher than any number that was planted, in the same account.
            named.append(Named(id[:14] + "ZZ" + id[16:], user, is_theirs=False))
    return named


def write(named: list[Named], file: Path) -> None:
    file.write_text("AccessKeyId,UserName\n" + "".join(f"{key.id},{key.user}\n" for key in named))
