"""The sandbox in a storm, and the list of keys that is worked on there."""

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from sandbox import Sandbox
from truth import Keys, Named, Run, rows_of

HANGS = 600
# What only a signed request has.
SIGNED = ["AWS4-HMAC-SHA256", "Signature="]

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
    """A sandbox in a storm, and the runs there. Its truth is what it tells when it ends."""

    def __init__(self, binaries: Path, keys: int, *more: str, https: bool = True) -> None:
        scheme = ["--https"] if https else []
        super().__init__(binaries, *scheme, "--keys", str(keys), "--summary", "--remember", "1000000", *more)
        # The requests that changed a key, when they came and when they acted.
        self.changes: list[dict] = []
        self.planted = [(key["AccessKeyId"], key["UserName"]) for key in self.told["keys"]]
        self.before: Keys = {key["AccessKeyId"]: key["Status"] for key in self.told["keys"]}
        self.environment |= ALONE
        if https:
            # The one is read by the tool and by boto3, the other by the SDK for Rust.
            self.environment |= {"AWS_CA_BUNDLE": self.told["ca"], "SSL_CERT_FILE": self.told["ca"]}

    def run(self, command: list) -> Run:
        """A run to its end."""
        start = time.time()
        ended = subprocess.run(command, env=self.environment, capture_output=True, encoding="utf-8", timeout=HANGS)
        self.search(ended.stdout, ended.stderr)
        return Run(start, time.time(), rows_of(ended.stdout), ended.stderr, ended.returncode)

    def run_and_kill(self, command: list, journal: Path, records: int) -> Run:
        """A run that is killed so many records of the journal later. It has what was printed in whole lines."""
        size = lambda: journal.stat().st_size if journal.exists() else 0
        until = size() + 200 * records
        start = time.time()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as stdout, tempfile.TemporaryFile("w+", encoding="utf-8") as stderr:
            process = subprocess.Popen(command, env=self.environment, stdout=stdout, stderr=stderr)
            while size() < until and process.poll() is None and time.time() < start + HANGS:
                time.sleep(0.002)
            is_hanging = size() < until and process.poll() is None
            process.kill()
            process.wait()
            end = time.time()
            if is_hanging:
                raise TimeoutError(f"no {records} records in {HANGS} seconds")
            printed, said = (file.seek(0) or file.read() for file in (stdout, stderr))
        self.search(printed, said)
        return Run(start, end, rows_of(printed.rpartition("\n")[0]), said, None)

    def read(self, journal: Path) -> list[dict]:
        """The records of a journal."""
        text = journal.read_text()
        self.search(text)
        return rows_of(text)[1:]

    def search(self, *texts: str) -> None:
        """No secret may be in what the tool wrote."""
        for secret in (self.told["secret_access_key"], *SIGNED):
            if any(secret in text for text in texts):
                raise ValueError(f"a secret was written: {secret}")

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


def write_deactivated(named: list[Named], file: Path) -> None:
    """Writes the results of a run that deactivated all of them."""
    deactivated = {"Outcome": "Deactivated", "PreviousStatus": "Active"}
    rows = ({"AccessKeyId": key.id, "UserName": key.user, **deactivated} for key in named)
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
