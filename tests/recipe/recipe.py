"""The files of `man/recipes`."""

import json
from pathlib import Path

import yaml

RECIPES = Path(__file__).parent.parent.parent / "man" / "recipes"
INSTALL = "OWNER/iam-del-key/.github/actions/install@v"
# Every policy allows this action, which is needed only after a lost response.
IN_TROUBLE = "iam:GetAccessKeyLastUsed"
ACTIONS = [
    *(
        f"iam:{name}"
        for name in (
            "ListUsers CreateUser ListAccessKeys CreateAccessKey UpdateAccessKey DeleteAccessKey GetAccessKeyLastUsed "
            "GenerateCredentialReport GetCredentialReport"
        ).split()
    ),
    "sts:AssumeRole",
    "sts:GetAccessKeyInfo",
]


class Recipe:
    """The files of one recipe."""

    def __init__(self, name: str) -> None:
        self.folder = RECIPES / name

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def yaml(self, name: str) -> dict:
        return yaml.safe_load(self.text(name))

    def json(self, name: str) -> dict:
        return json.loads(self.text(name))

    def allowed(self, name: str = "policy.json") -> set[str]:
        """The actions of a policy."""
        statements = self.json(name)["Statement"]
        actions = [statement["Action"] for statement in statements if statement["Effect"] == "Allow"]
        return {action for some in actions for action in ([some] if isinstance(some, str) else some)}
