"""One run of a program in an environment of its own: nothing of this machine's settings gets in."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

LIMIT = 60


class Ended(NamedTuple):
    status: int
    stdout: str
    stderr: str


class Program:
    """A program with an empty home."""

    def __init__(self, binary: Path, scratch: Path) -> None:
        self.binary = binary
        self.home = scratch / "home"
        self.home.mkdir(exist_ok=True)

    def run(self, *arguments: str, environment: dict[str, str]) -> Ended:
        cleared = {"HOME": str(self.home), "PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true", **environment}
        ended = subprocess.run(
            [self.binary, *arguments], env=cleared, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)
