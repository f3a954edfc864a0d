"""A job as GitHub Actions runs it: its steps in order, with the variables that they leave for the next."""

import re
from pathlib import Path
from typing import NamedTuple

from bench import Bench
from workflow import INSTALL


class Ended(NamedTuple):
    statuses: list[int]
    output: str


def filled(text: str, values: dict[str, str]) -> str:
    """The text with the runner's expressions replaced; an unknown one is an error."""
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: values[found[1]], text)


def wanted(step: dict, values: dict[str, str]) -> bool:
    """Whether its condition, if it has one, is the name of a value that is true."""
    return "if" not in step or values[step["if"]] == "true"


def run(bench: Bench, job: dict, environment: dict[str, str], values: dict[str, str] | None = None) -> Ended:
    """Runs the steps that are commands, until one fails. The tool is there once a step has installed it."""
    values = {"secrets.SECRETS_TOKEN": "token", "github.token": "token"} | (values or {})
    left = Path(bench.folder / "github-env")
    left.write_text("")
    statuses, output = [], ""
    path = bench.path
    for step in job["steps"]:
        if step.get("uses", "").startswith(INSTALL):
            path = bench.installed
        if "run" not in step or not wanted(step, values):
            continue
        own = {name: filled(str(value), values) for name, value in step.get("env", {}).items()}
        kept = dict(line.split("=", 1) for line in left.read_text().splitlines())
        named = {name: filled(str(value), values) for name, value in job.get("env", {}).items()}
        variables = {**named, **kept, **own, **environment, "GITHUB_ENV": str(left), "PATH": path}
        ended = bench.bash(filled(step["run"], values), variables)
        statuses.append(ended.returncode)
        output += ended.stdout + ended.stderr
        if ended.returncode:
            break
    return Ended(statuses, output)
