"""Checks of all workflows, and of the page that helps to choose a recipe."""

import json
import re
from pathlib import Path

import pytest
import yaml
from recipe import INSTALL, RECIPES, Recipe

PINNED = re.compile(r"- uses: (?:[\w-]+/)+[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
IGNORED = {"README.md"}
WORKFLOWS = [path for path in RECIPES.glob("*/*.yml") if "jobs" in yaml.safe_load(path.read_text())]
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: f"{path.parent.name}/{path.name}")


def test_there_are_workflows() -> None:
    assert len(WORKFLOWS) > 3


@each_workflow
def test_a_workflow_pins_its_actions_by_commit(path: Path) -> None:
    lines = [line.strip() for line in path.read_text().splitlines() if "uses:" in line]
    assert [line for line in lines if INSTALL not in line and not PINNED.match(line)] == []


@each_workflow
def test_a_workflow_has_permissions_and_installs_what_it_runs(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    users = [job["steps"] for job in workflow["jobs"].values() if any(map(uses, job["steps"]))]
    assert "permissions" in workflow
    assert users
    assert [steps for steps in users if not installs(steps)] == []


def test_the_job_and_the_policy_in_the_readme_match_the_recipes() -> None:
    readme = (RECIPES.parent.parent / "README.md").read_text()
    there = {line.strip() for path in WORKFLOWS for line in path.read_text().splitlines()}
    used = {line.strip() for line in readme.splitlines() if "uses:" in line}
    (policy,) = re.findall(r"^```json\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert used
    assert used - there == set()
    assert json.loads(policy) == Recipe("stale-keys").json("delete-policy.json")


def test_the_page_links_every_file() -> None:
    page = (RECIPES / "README.md").read_text()
    files = {str(path.relative_to(RECIPES)) for path in RECIPES.rglob("*") if path.is_file()} - IGNORED
    assert {name for name in files if f"({name})" not in page} == set()


def uses(step: dict) -> bool:
    return "iam-del-key " in step.get("run", "") or "sh account.sh " in step.get("run", "")


def installs(steps: list[dict]) -> bool:
    """Whether the tool is installed before it is used."""
    used = next(number for number, step in enumerate(steps) if uses(step))
    before = [step for step in steps[:used] if step.get("uses", "").startswith(INSTALL)]
    return bool(before) and all(step["uses"] == INSTALL + step["with"]["version"] for step in before)
