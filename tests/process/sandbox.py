"""The sandbox as a process. It prints its URL, credentials and keys when it starts, and a summary when it ends."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Self

from program import LIMIT


class Sandbox:
    def __init__(self, binaries: Path, *options: str) -> None:
        self.process = subprocess.Popen([binaries / "iam-sandbox", "serve", *options], stdout=subprocess.PIPE, text=True)
        self.description = json.loads(self.process.stdout.readline())
        # The variables that connect a program to the sandbox as its administrator.
        self.environment = {
            "AWS_ENDPOINT_URL": self.description["url"],
            "AWS_ACCESS_KEY_ID": self.description["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.description["secret_access_key"],
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def end(self) -> dict:
        """Ends the sandbox after all late requests have taken effect. Returns the summary."""
        self.process.send_signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=LIMIT)
        return json.loads(printed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
