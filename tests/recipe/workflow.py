"""What holds for every workflow, and for the page that helps to choose a recipe."""

import json
import re
from collections.abc import Callable

import yaml

from recipe import RECIPES, Recipe

INSTALL = "OWNER/iam-del-key/.github/actions/install@v"
PINNED = re.compile(r"- uses: (?:[\w-]+/)+[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
IGNORED = {"README.md"}


def every(same: Callable) -> None:
    workflows = [path for path in RECIPES.glob("*/*.yml") if "jobs" in yaml.safe_load(path.read_text())]
    same("there are workflows", {"some": True}, {"some": len(workflows) > 3})
    for path in workflows:
        name = str(path.relative_to(RECIPES))
        lines = [line.strip() for line in path.read_text().splitlines() if "uses:" in line]
        loose = {line for line in lines if INSTALL not in line and not PINNED.match(line)}
        same(f"{name} pins its actions by commit", {"loose": set()}, {"loose": loose})
        workflow = yaml.safe_load(path.read_text())
        users = [job["steps"] for job in workflow["jobs"].values() if any(map(uses, job["steps"]))]
        same(f"{name} has permissions, and installs what it runs", {"permissions": True, "installs": True}, {
            "permissions": "permissions" in workflow, "installs": bool(users) and all(map(installs, users)),
        })
    readme = (RECIPES.parent.parent / "README.md").read_text()
    there = {line.strip() for path in workflows for line in path.read_text().splitlines()}
    used = {line.strip() for line in readme.splitlines() if "uses:" in line}
    (policy,) = re.findall(r"^```json\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    same("the job and the policy of the README are those of recipes", {"used": True, "other": set(), "policy": True}, {
        "used": bool(used),
        "other": used - there,
        "policy": json.loads(policy) == Recipe("stale-keys").json("delete-policy.json"),
    })
    page = (RECIPES / "README.md").read_text()
    files = {str(path.relative_to(RECIPES)) for path in RECIPES.rglob("*") if path.is_file()} - IGNORED
    same("the page links every file", {"absent": set()}, {"absent": {name for name in files if f"({name})" not in page}})


def uses(step: dict) -> bool:
    return "iam-del-key " in step.get("run", "") or "sh account.sh " in step.get("run", "")


def installs(steps: list[dict]) -> bool:
    """Whether the tool is installed before it is used."""
    used = next(number for number, step in enumerate(steps) if uses(step))
    before = [step for step in steps[:used] if step.get("uses", "").startswith(INSTALL)]
    return bool(before) and all(step["uses"] == INSTALL + step["with"]["version"] for step in before)
