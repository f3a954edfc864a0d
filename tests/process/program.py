"""Runs a program in a clean environment, isolated from this machine's settings."""

import os
import subprocess
from collections.abc import Mapping, Sequence
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

    def run(
        self, *arguments: str, environment: Mapping[str, str | None], before: Sequence[str] = (), at: Path | None = None
    ) -> Ended:
        """A variable that is None is not set. `before` is a command that starts the program."""
        cleared = {"HOME": str(self.home), "PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true", **environment}
        ended = subprocess.run(
            [*before, self.binary, *arguments],
            env={name: value for name, value in cleared.items() if value is not None},
            cwd=at,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=LIMIT,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)
