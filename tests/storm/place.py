"""The sandbox in a storm, and the list of keys to change there."""

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
# Text that only a signed request contains.
SIGNED = ["AWS4-HMAC-SHA256", "Signature="]

# How many keys there are for each key with the wrong owner, and for each key that does not exist.
WRONG_OWNER, NOBODYS = 40, 50
# Isolates programs from this machine's settings.
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
    """A sandbox in a storm, and the runs against it. Its summary contains the actual state of the keys."""

    def __init__(self, binaries: Path, keys: int, *more: str, https: bool = True) -> None:
        scheme = ["--https"] if https else []
        super().__init__(binaries, *scheme, "--keys", str(keys), "--summary", "--remember", "1000000", *more)
        # The requests that changed a key, with the times when they arrived and took effect.
        self.changes: list[dict] = []
        self.planted = [(key["AccessKeyId"], key["UserName"]) for key in self.description["keys"]]
        self.before: Keys = {key["AccessKeyId"]: key["Status"] for key in self.description["keys"]}
        self.environment |= ALONE
        if https:
            # The tool and boto3 read the first variable, and the SDK for Rust reads the second.
            self.environment |= {"AWS_CA_BUNDLE": self.description["ca"], "SSL_CERT_FILE": self.description["ca"]}

    def run(self, command: list) -> Run:
        """Runs the command until it ends."""
        start = time.time()
        ended = subprocess.run(command, env=self.environment, capture_output=True, encoding="utf-8", timeout=HANGS)
        self.search(ended.stdout, ended.stderr)
        return Run(start, time.time(), rows_of(ended.stdout), ended.stderr, ended.returncode)

    def run_and_kill(self, command: list, journal: Path, records: int) -> Run:
        """Kills the command after it has added about this many records to the journal. Keeps only complete lines of its output."""
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
            printed, messages = (file.seek(0) or file.read() for file in (stdout, stderr))
        self.search(printed, messages)
        return Run(start, end, rows_of(printed.rpartition("\n")[0]), messages, None)

    def read(self, journal: Path) -> list[dict]:
        """The records of a journal."""
        text = journal.read_text()
        self.search(text)
        return rows_of(text)[1:]

    def search(self, *texts: str) -> None:
        """Fails if the tool wrote a secret."""
        for secret in (self.description["secret_access_key"], *SIGNED):
            if any(secret in text for text in texts):
                raise ValueError(f"a secret was written: {secret}")

    def settle(self) -> None:
        """Waits until all requests of the earlier runs have taken effect, even late ones."""
        self.process.send_signal(signal.SIGUSR1)
        if json.loads(self.process.stdout.readline()) != {"settled": True}:
            raise TimeoutError("some requests have not taken effect yet")

    def end(self) -> Keys:
        """Ends the sandbox. Returns the status of each remaining key."""
        summary = super().end()
        self.changes = summary["changes"]
        return {key["AccessKeyId"]: key["Status"] for key in summary["keys"] if key["AccessKeyId"] in self.before}


def listed(planted: list[tuple[str, str]]) -> list[Named]:
    """The keys to name: the planted keys, some with a wrong owner, and some keys that do not exist."""
    named = []
    for place, (id, user) in enumerate(planted):
        if place % WRONG_OWNER == 7:
            named.append(Named(id, planted[place - 1][1], is_theirs=False))
        else:
            named.append(Named(id, user, is_theirs=True))
        if place % NOBODYS == 31:
            # This ID has the same account but a higher serial number than any planted key.
            named.append(Named(id[:14] + "ZZ" + id[16:], user, is_theirs=False))
    return named


def write(named: list[Named], file: Path) -> None:
    file.write_text("AccessKeyId,UserName\n" + "".join(f"{key.id},{key.user}\n" for key in named))


def write_deactivated(named: list[Named], file: Path) -> None:
    """Writes the results of a run that deactivated all these keys."""
    deactivated = {"Outcome": "Deactivated", "PreviousStatus": "Active"}
    rows = ({"AccessKeyId": key.id, "UserName": key.user, **deactivated} for key in named)
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
