"""The alias in `man/aws-cli.md`, run by the AWS CLI itself. It passes on the options that it can, and rejects those that would be
lost. Also checks the skeletons that both programs print."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from authority import Authority
from cloud import Cloud, clouds, key
from compatibility import DELETE, KEY
from program import Program
from row import SIGNER, profile
from server import BESIDE_PYTHON

DOCUMENT = Path(__file__).parents[2] / "man/aws-cli.md"
DELETED = '{"ResponseMetadata":{}}\n'
NAMED = ("--access-key-id", KEY, "--user-name", "Bob")
WORK = ("--profile", "work")
BY_VARIABLES, BY_PROFILE = [key("variable")], [key("work")]


@pytest.fixture
def aws(tmp_path: Path) -> Program:
    """The AWS CLI, with the alias file from the document."""
    aws = Program(BESIDE_PYTHON / "aws", tmp_path)
    folder = aws.home / ".aws"
    (folder / "cli").mkdir(parents=True)
    (folder / "cli" / "alias").write_text(DOCUMENT.read_text().split("```ini\n", 1)[1].split("```", 1)[0])
    (folder / "config").write_text("")
    (folder / "credentials").write_text(profile("work"))
    return aws


@pytest.fixture
def cloud(authority: Authority) -> Iterator[Cloud]:
    with clouds(authority.server, frozenset()) as (cloud, _):
        yield cloud


@pytest.fixture
def environment(binaries: Path, cloud: Cloud) -> dict[str, str]:
    here = {"AWS_ENDPOINT_URL": cloud.url, "AWS_DEFAULT_REGION": "us-east-1"}
    return {**SIGNER, **here, "PATH": f"{binaries}:{os.defpath}"}


@pytest.mark.parametrize(
    ("arguments", "status", "stdout", "signers", "explains"),
    [
        pytest.param(("del-key", *NAMED), 0, DELETED, BY_VARIABLES, False, id="a key"),
        pytest.param(("del-key", "--", *NAMED, *WORK), 0, DELETED, BY_PROFILE, False, id="options behind --"),
        pytest.param(
            ("del-key", "--", *NAMED, "--query", "[a,  'b c']"), 0, '[null,"b c"]\n', BY_VARIABLES, False, id="a word with a space"
        ),
        pytest.param(("del-key", "--access-key-id", "short"), 2, "", [], False, id="a status of its own"),
        pytest.param((*WORK, "del-key", *NAMED), 2, "", [], True, id="a profile before it"),
        pytest.param(("del-key", *NAMED, *WORK), 2, "", [], True, id="a profile behind it"),
        pytest.param(("del-key", *NAMED[:2], *WORK, *NAMED[2:]), 2, "", [], True, id="a profile in the middle"),
        pytest.param((*WORK, "del-key", "--", *NAMED, *WORK), 2, "", [], True, id="a profile before and behind"),
        pytest.param(("del-key", *NAMED, "--profile=work"), 2, "", [], True, id="a profile joined"),
    ],
)
def test_alias(
    aws: Program,
    environment: dict[str, str],
    cloud: Cloud,
    arguments: tuple[str, ...],
    status: int,
    stdout: str,
    signers: list[str],
    explains: bool,
) -> None:
    ended = aws.run(*arguments, environment=environment)
    assert (ended.status, ended.stdout) == (status, stdout), ended.stderr
    assert [request["key"] for request in cloud.seen] == signers
    assert ("put all options after --" in ended.stderr) == explains


@pytest.mark.parametrize("kind", [(), ("input",), ("output", *NAMED)], ids=["no kind", "input", "output"])
def test_skeleton(
    aws: Program, program: Program, environment: dict[str, str], cloud: Cloud, kind: tuple[str, ...]
) -> None:
    words = ("--generate-cli-skeleton", *kind)
    theirs = aws.run(*DELETE, *words, environment=environment)
    ours = program.run(*words, environment=environment)
    assert (ours.status, ours.stdout) == (theirs.status, theirs.stdout)
    assert cloud.seen == []
