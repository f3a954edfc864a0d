"""Runs a job as GitHub Actions does: its steps in order, with the variables that earlier steps set."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from bench import Bench
from recipe import INSTALL


class Ended(NamedTuple):
    statuses: list[int]
    output: str
    # The outputs for other jobs.
    outputs: dict[str, str]


def filled(text: str, values: dict[str, str]) -> str:
    """Replaces the runner's expressions in the text. An unknown expression is an error."""
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: values[found[1]], text)


def should_run(step: dict, values: dict[str, str], has_failed: bool) -> bool:
    """Whether the step should run. Its condition is missing, `always()`, or the name of a value that must be true."""
    condition = step.get("if", "success()")
    return condition == "always()" or (not has_failed and (condition == "success()" or values[condition] == "true"))


def transfer_artifact(bench: Bench, step: dict, values: dict[str, str]) -> int:
    """Runs a step that uploads or downloads an artifact, and returns its status."""
    stored = bench.folder / "artifacts" / filled(step["with"]["name"], values)
    if "actions/upload-artifact@" in step["uses"]:
        stored.mkdir(parents=True, exist_ok=True)
        for path in bench.work.glob(step["with"]["path"]):
            shutil.copy(path, stored)
    elif stored.is_dir():
        shutil.copytree(stored, bench.work, dirs_exist_ok=True)
    else:
        return 1
    return 0


def run(bench: Bench, job: dict, environment: dict[str, str], values: dict[str, str] | None = None) -> Ended:
    """Runs the steps with commands until one fails. The tool is available after a step has installed it."""
    values = {"secrets.SECRETS_TOKEN": "token", "github.token": "token", "github.run_attempt": "1"} | (values or {})
    left, outputs = bench.folder / "github-env", bench.folder / "github-output"
    for file in (left, outputs):
        file.write_text("")
    statuses, output = [], ""
    path = bench.path
    for step in job["steps"]:
        used = step.get("uses", "")
        if used.startswith(INSTALL):
            path = bench.installed
        if not should_run(step, values, any(statuses)):
            continue
        if "-artifact@" in used and transfer_artifact(bench, step, values):
            statuses.append(1)
        if "run" not in step:
            continue
        own = {name: filled(str(value), values) for name, value in step.get("env", {}).items()}
        kept = read_variables(left)
        named = {name: filled(str(value), values) for name, value in job.get("env", {}).items()}
        files = {"GITHUB_ENV": str(left), "GITHUB_OUTPUT": str(outputs)}
        variables = {**named, **kept, **own, **environment, **files, "PATH": path}
        ended = bench.bash(filled(step["run"], values), variables)
        statuses.append(ended.returncode)
        output += ended.stdout + ended.stderr
    return Ended(statuses, output, read_variables(outputs))


def read_variables(file: Path) -> dict[str, str]:
    """The variables that the steps wrote for later steps."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines())
