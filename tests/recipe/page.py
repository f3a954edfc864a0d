"""The recipes as the README has them."""

import json
import re
from pathlib import Path

import yaml

README = (Path(__file__).parent.parent.parent / "README.md").read_text()
# Of every policy: it is asked for only where an answer is lost.
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
]


class Recipe:
    """The blocks of code of one recipe, by language and in order."""

    def __init__(self, text: str) -> None:
        self.blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)

    def all(self, language: str) -> list[str]:
        return [code for name, code in self.blocks if name == language]

    def yaml(self, number: int = 0) -> dict:
        return yaml.safe_load(self.all("yaml")[number])

    def json(self, number: int = 0) -> dict:
        return json.loads(self.all("json")[number])

    def allowed(self, number: int = 0) -> set[str]:
        """The actions of a policy."""
        statements = self.json(number)["Statement"]
        actions = [statement["Action"] for statement in statements if statement["Effect"] == "Allow"]
        return {action for some in actions for action in ([some] if isinstance(some, str) else some)}


def recipe(summary: str) -> Recipe:
    """The recipe whose summary begins so."""
    (text,) = re.findall(rf"<summary>{re.escape(summary)}.*?</summary>(.*?)</details>", README, re.DOTALL)
    return Recipe(text)


def section(title: str) -> Recipe:
    (text,) = re.findall(rf"^### {re.escape(title)}\n(.*?)^### ", README, re.DOTALL | re.MULTILINE)
    return Recipe(text)
