"""The shell function of the one on call, typed at a terminal."""

import os
import pty
import subprocess
from collections.abc import Callable

from bench import LIMIT, Bench
from recipe import Recipe

KEY = "AKIARZPUZDIKOL7JJ6BK"


def typed(bench: Bench, function: str, environment: dict[str, str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """The status and what the terminal showed, when each question is answered as it comes."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-c", f"{function}\nleaked_key"],
        env=bench.environment(TERM="dumb", PATH=bench.installed, **environment),
        cwd=bench.work,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, answered = "", 0
    while True:
        try:
            some = os.read(ours, 4096)
        except OSError:
            break
        if not some:
            break
        shown += some.decode()
        if answers and answers[0][0] in shown[answered:]:
            answered = len(shown)
            os.write(ours, f"{answers.pop(0)[1]}\n".encode())
    os.close(ours)
    return process.wait(timeout=LIMIT), shown


def leaked(bench: Bench, same: Callable) -> None:
    told = Recipe("leaked-key")
    function = told.text("leaked_key.sh")
    ask_id, ask_off, ask_end, ask_delete = "access key ID: ", "deactivate it? [y/N] ", "outlive the key. [y/N] ", "[y/N]"
    cases = [
        ("a leaked key is shown, deactivated and deleted", [(ask_id, KEY), (ask_off, "y"), (ask_end, "y"), (ask_delete, "y")], 0, None),
        ("it can stay deactivated", [(ask_id, KEY), (ask_off, "y"), (ask_end, "n"), (ask_delete, "n")], 11, "Inactive"),
        ("it can stay as it is", [(ask_id, KEY), (ask_off, "n")], 1, "Active"),
        ("a secret that was pasted instead goes nowhere", [(ask_id, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")], 2, "Active"),
    ]
    asked = set()
    for name, answers, status, left in cases:
        with bench.sandbox(allowed=told.allowed()) as sandbox:
            ended, shown = typed(bench, function, sandbox.environment(), list(answers))
        asked |= sandbox.asked()
        key = sandbox.keys.get(KEY, {}).get("Status")
        got = {"status": ended, "left": key, "shows the owner": "Alice" in shown}
        same(name, {"status": status, "left": left, "shows the owner": status != 2}, got)
    calls = bench.called()
    looked = [call for call in calls if call.startswith("aws cloudtrail lookup-events --region us-east-1 ")]
    ended = [call for call in calls if call.startswith("aws iam put-user-policy --user-name Alice ")]
    same("CloudTrail is asked for it, and sessions end if that is wanted", {"looked": 2, "ended": 1, "all": 3}, {
        "looked": len([call for call in looked if f"AttributeValue={KEY}" in call]),
        "ended": len([call for call in ended if '"aws:TokenIssueTime": "20' in call]),
        "all": len(calls),
    })
    asked |= {"cloudtrail:LookupEvents", "iam:PutUserPolicy"}
    same("with what the policy allows, and no more", {"asked": told.allowed()}, {"asked": asked})
