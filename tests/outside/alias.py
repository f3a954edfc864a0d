"""The alias of `man/aws-cli.md`, run by the AWS CLI itself: what it hands on, and what it would lose is refused. And what both
print of a request's members."""

import os
import sys
from pathlib import Path

from program import Ended, Program
from recorder import Recorder, recording
from setting import KEY, KEYS, VARIABLES
from tally import Tally

DOCUMENT = Path(__file__).parents[2] / "man/aws-cli.md"
DELETED = '{"ResponseMetadata":{}}\n'
NAMED = ("--access-key-id", KEY, "--user-name", "Bob")
WORK = ("--profile", "work")
LOST = {"status": 2, "stdout": "", "signers": [], "told": True}


def line() -> str:
    """The alias file as the document has it."""
    return DOCUMENT.read_text().split("```ini\n", 1)[1].split("```", 1)[0]


def check(tally: Tally, binary: Path, scratch: Path) -> None:
    aws = Program(Path(sys.executable).parent / "aws", scratch)
    folder = aws.home / ".aws"
    (folder / "cli").mkdir(parents=True, exist_ok=True)
    (folder / "cli" / "alias").write_text(line())
    (folder / "config").write_text("")
    (folder / "credentials").write_text(f"[work]\n{KEYS}")
    with recording() as recorder:
        environment = {**VARIABLES, "AWS_ENDPOINT_URL": recorder.url, "AWS_DEFAULT_REGION": "us-east-1"}
        environment["PATH"] = f"{binary.parent}:{os.defpath}"
        for name, arguments, expected in cases():
            ended = aws.run(*arguments, environment=environment)
            tally.same(f"alias: {name}", expected, seen(ended, recorder))
        skeletons(tally, aws, Program(binary, scratch), environment)
        tally.same("alias: a skeleton asks nobody", {"requests": 0}, {"requests": len(recorder.taken())})


def cases() -> list[tuple[str, tuple[str, ...], dict[str, object]]]:
    deleted = {"status": 0, "stdout": DELETED, "told": False}
    return [
        ("a key", ("del-key", *NAMED), {**deleted, "signers": [VARIABLES["AWS_ACCESS_KEY_ID"]]}),
        ("options behind --", ("del-key", "--", *NAMED, *WORK), {**deleted, "signers": ["AKIAPROFILEPROFILE00"]}),
        ("a word with a space", ("del-key", "--", *NAMED, "--query", "[a,  'b c']"), {
            "status": 0, "stdout": '[null,"b c"]\n', "told": False, "signers": [VARIABLES["AWS_ACCESS_KEY_ID"]],
        }),
        ("a status of its own", ("del-key", "--access-key-id", "short"), {**LOST, "told": False}),
        ("a profile before it", (*WORK, "del-key", *NAMED), LOST),
        ("a profile behind it", ("del-key", *NAMED, *WORK), LOST),
        ("a profile in the middle", ("del-key", *NAMED[:2], *WORK, *NAMED[2:]), LOST),
        ("a profile before and behind", (*WORK, "del-key", "--", *NAMED, *WORK), LOST),
        ("a profile joined", ("del-key", *NAMED, "--profile=work"), LOST),
    ]


def seen(ended: Ended, recorder: Recorder) -> dict[str, object]:
    return {
        "status": ended.status,
        "stdout": ended.stdout,
        "signers": [request["scope"]["key"] for request in recorder.taken()],
        "told": "put all options after --" in ended.stderr,
    }


def skeletons(tally: Tally, aws: Program, ours: Program, environment: dict[str, str]) -> None:
    for kind in ([], ["input"], ["output", *NAMED]):
        words = ["--generate-cli-skeleton", *kind]
        theirs = aws.run("iam", "delete-access-key", *words, environment=environment)
        printed = ours.run(*words, environment=environment)
        tally.same(
            f"skeleton: {' '.join(kind[:1]) or 'no kind'}",
            {"status": theirs.status, "stdout": theirs.stdout},
            {"status": printed.status, "stdout": printed.stdout},
        )
