"""The shell function for the on-call engineer, run on a terminal."""

import re

import pytest
from bench import Bench
from recipe import Recipe
from terminal import on_terminal

KEY = "AKIARZPUZDIKOL7JJ6BK"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
RECIPE = Recipe("leaked-key")
FUNCTION = RECIPE.text("leaked_key.sh")
ASK_ID, ASK_OFF, ASK_END, ASK_DELETE = "access key ID: ", "deactivate it? [y/N] ", "outlive the key. [y/N] ", "[y/N]"
# The calls that look up the key in CloudTrail and end the sessions of its owner.
LOOKS = re.compile(f"aws cloudtrail lookup-events --region us-east-1 .*AttributeValue={KEY}")
ENDS = re.compile('aws iam put-user-policy --user-name Alice .*"aws:TokenIssueTime": "20')


@pytest.mark.parametrize(
    ("answers", "status", "left", "calls"),
    [
        pytest.param([(ASK_ID, KEY), (ASK_OFF, "y"), (ASK_END, "y"), (ASK_DELETE, "y")], 0, None, [LOOKS, ENDS], id="deleted"),
        pytest.param([(ASK_ID, KEY), (ASK_OFF, "y"), (ASK_END, "n"), (ASK_DELETE, "n")], 11, "Inactive", [LOOKS], id="deactivated"),
        pytest.param([(ASK_ID, KEY), (ASK_OFF, "n")], 1, "Active", [], id="left as it is"),
        pytest.param([(ASK_ID, SECRET)], 2, "Active", [], id="a secret that was pasted instead goes nowhere"),
    ],
)
def test_leaked_key(bench: Bench, answers: list[tuple[str, str]], status: int, left: str | None, calls: list[re.Pattern]) -> None:
    command = ["bash", "--noprofile", "--norc", "-c", f"{FUNCTION}\nleaked_key"]
    with bench.sandbox(allowed=RECIPE.allowed()) as sandbox:
        environment = bench.environment(TERM="dumb", PATH=bench.installed, **sandbox.environment)
        ended, shown = on_terminal(command, environment, answers, bench.work)
    assert ended == status, shown
    assert sandbox.keys.get(KEY, {}).get("Status") == left
    assert ("Alice" in shown) == (status != 2)
    assert len(bench.called()) == len(calls)
    for called, expected in zip(bench.called(), calls, strict=True):
        assert expected.match(called)
    if status == 0:
        # The recipe uses every action in its policy, and no other.
        assert sandbox.requested() | {"cloudtrail:LookupEvents", "iam:PutUserPolicy"} == RECIPE.allowed()
