"""The environment of a recipe: a sandbox that allows only the actions of its policy, and a folder with the programs it uses."""

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from program import LIMIT
from recipe import ACTIONS
from sandbox import Sandbox
from server import BESIDE_PYTHON

# Replacements for programs on a CI runner. Each records its arguments and its input.
RECORDING = """#!/bin/sh
{ printf '%s' "${0##*/}"; printf ' %s' "$@"; echo; } >> "$CALLS"
case "${0##*/} $*" in
  "gh secret set "* | "glab variable update "*) cat >> "$CALLS"; echo >> "$CALLS" ;;
  "gh pr list "*) grep -c '^gh pr create ' "$CALLS" ;;
  "curl "*) for word; do case $word in https://*) cp "$PUBLISHED/${word##*/}" . || exit 22 ;; esac; done ;;
esac
exit 0
"""
# The AWS CLI, with replacements for commands that the sandbox does not support.
AWS = """#!/bin/sh
case "$1 $2" in
  "cloudtrail lookup-events" | "iam put-user-policy") { printf 'aws'; printf ' %s' "$@" | tr -d '\\n'; echo; } >> "$CALLS" ;;
  *) exec "$AWS" "$@" ;;
esac
"""
ARCHIVE = "iam-del-key-0.2.0-x86_64-unknown-linux-musl"
# Actions that need no permission: the first is always allowed, and the second is not signed.
FREE = {"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"}


def full(action: str) -> str:
    """The name of an action as in a policy."""
    return next((name for name in (*ACTIONS, *FREE) if name.partition(":")[2] == action), f"iam:{action}")


class Account(Sandbox):
    """A sandbox. `requests` and `keys` are available after it ends."""

    def end(self) -> None:
        end = super().end()
        self.requests: list[dict] = end["requests"]
        self.keys = {key["AccessKeyId"]: key for key in end["keys"]}
        # The number of keys in each account, including the other accounts.
        self.left = {self.description["account"]: len(end["keys"])} | {name: len(keys) for name, keys in end["others"].items()}

    def requested(self) -> set[str]:
        """The requested actions, except those that need no permission."""
        return {full(request["Action"]) for request in self.requests} - FREE

    def granted(self) -> dict[str, set[str]]:
        """The requested actions that were not denied, by the account of the caller."""
        granted = defaultdict(set)
        for request in self.requests:
            if request["Answer"] != "403" and full(request["Action"]) not in FREE:
                granted[request["Account"]].add(full(request["Action"]))
        return dict(granted)

    def of(self, user: str) -> list[str]:
        return [name for name, key in self.keys.items() if key["UserName"] == user]


def publish(binaries: Path, release: Path) -> None:
    """Writes the files of a release."""
    packed = release / ARCHIVE
    packed.mkdir()
    (packed / "iam-del-key").symlink_to(binaries / "iam-del-key")
    archive = f"{ARCHIVE}.tar.gz"
    subprocess.run(["tar", "-czhf", archive, ARCHIVE], cwd=release, check=True)
    with (release / "SHA256SUMS").open("wb") as sums:
        subprocess.run(["sha256sum", archive], cwd=release, stdout=sums, check=True)


class Bench:
    """A working folder, and the programs on its path."""

    def __init__(self, binaries: Path, folder: Path, release: Path) -> None:
        self.binaries = binaries
        self.folder = folder
        self.release = release
        self.calls = folder / "calls"
        self.calls.touch()
        self.work = folder / "work"
        self.work.mkdir()
        tools = folder / "tools"
        tools.mkdir()
        for name in ("gh", "glab", "sleep", "curl", "aws"):
            tool = tools / name
            tool.write_text(AWS if name == "aws" else RECORDING)
            tool.chmod(0o755)
        # The tool is not on this path, so a recipe must install it.
        self.path = f"{tools}:{BESIDE_PYTHON}:{os.defpath}"
        self.installed = f"{binaries}:{self.path}"

    @contextmanager
    def sandbox(self, *options: str, allowed: set[str] | None = None) -> Iterator[Account]:
        """A sandbox that allows only these actions."""
        denied = [] if allowed is None else [f"--deny={name}" for name in ACTIONS if name not in allowed]
        with Account(self.binaries, "--summary", *options, *denied) as sandbox:
            yield sandbox
            sandbox.end()

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": self.path,
            "HOME": str(self.folder),
            "CALLS": str(self.calls),
            "PUBLISHED": str(self.release),
            "AWS": str(BESIDE_PYTHON / "aws"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    def bash(self, script: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
        """Runs a script as CI runs a step. A pipeline fails if its last command fails."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-c", script],
            env=self.environment(**environment),
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()
