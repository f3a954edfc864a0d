"""The sandbox as a process: it prints what it has when it starts, and what it has and was asked when it ends."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Self

from program import LIMIT


class Sandbox:
    def __init__(self, binaries: Path, *options: str) -> None:
        self.process = subprocess.Popen([binaries / "iam-sandbox", "serve", *options], stdout=subprocess.PIPE, text=True)
        self.told = json.loads(self.process.stdout.readline())
        # What reaches it as its administrator.
        self.environment = {
            "AWS_ENDPOINT_URL": self.told["url"],
            "AWS_ACCESS_KEY_ID": self.told["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.told["secret_access_key"],
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def end(self) -> dict:
        """Ends it, once what acts late has acted; what it then prints."""
        self.process.send_signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=LIMIT)
        return json.loads(printed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
