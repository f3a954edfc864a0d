"""Roles that require MFA. The program and the AWS CLI use each other's cached sessions without a prompt, and show the same prompt
on a real terminal."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from program import LIMIT, Program
from server import BESIDE_PYTHON
from terminal import on_terminal

SERIAL = "arn:aws:iam::123456789012:mfa/me"
PROMPT = f"Enter MFA code for {SERIAL}: "
AWS = BESIDE_PYTHON / "aws"
KEY = ("--access-key-id", "AKIDPMS9RO4H3FEXAMPLE", "--user-name", "Bob")
NO_SUCH_USER = 3
# Settings that determine the name of the cache file, in addition to the role and the device.
PROFILES = {
    "plain": "",
    "all": "external_id = unique:1\nduration_seconds = 1800\nrole_session_name = me@example.com\n",
    "letters": "external_id = =,.@:/-\n",
}


class Both(NamedTuple):
    """The home folders and commands of the AWS CLI and this program, and whether each asked on a terminal."""

    homes: tuple[Path, Path]
    theirs: list[object]
    ours: list[object]
    environment: dict[str, str]
    asked: list[bool]


@pytest.fixture(scope="module", params=[*PROFILES, "outer"])
def both(request: pytest.FixtureRequest, moto: str, binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    homes = home(tmp_path_factory.mktemp("aws")), home(tmp_path_factory.mktemp("ours"))
    environment = {"AWS_ENDPOINT_URL": moto, "AWS_DEFAULT_REGION": "us-east-1"}
    commands = [AWS, "sts", "get-caller-identity"], [binary, *KEY]
    for command in commands:
        command += ["--profile", request.param]
    asked = [asks(command, place, environment) for command, place in zip(commands, homes, strict=True)]
    return Both(homes, *commands, environment, asked)


def test_both_show_the_same_prompt(both: Both) -> None:
    assert both.asked == [True, True]


def test_both_cache_a_session_under_the_same_name(both: Both) -> None:
    theirs, ours = both.homes
    assert files(ours) == files(theirs)


def test_the_session_of_the_aws_cli_is_used(both: Both) -> None:
    theirs, _ = both.homes
    assert alone(both.ours, theirs, both.environment) == NO_SUCH_USER


def test_the_aws_cli_uses_our_session(both: Both) -> None:
    _, ours = both.homes
    assert alone(both.theirs, ours, both.environment) == 0


def home(folder: Path) -> Path:
    place = Program(Path(), folder).home
    role = "role_arn = arn:aws:iam::123456789012:role"
    sections = [
        f"[profile {name}]\n{role}/{name}\nsource_profile = base\nmfa_serial = {SERIAL}\n{more}"
        for name, more in PROFILES.items()
    ]
    sections.append(f"[profile outer]\n{role}/outer\nsource_profile = all\n")
    sections.append("[profile base]\naws_access_key_id = AKIARZPUZDIKGB2VALC4\naws_secret_access_key = secret\n")
    (place / ".aws").mkdir()
    (place / ".aws" / "config").write_text("".join(sections), encoding="utf-8")
    return place


def cleared(place: Path, environment: dict[str, str]) -> dict[str, str]:
    return {"HOME": str(place), "PATH": os.defpath, "LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true", **environment}


def asks(command: list[object], place: Path, environment: dict[str, str]) -> bool:
    """Whether a program on a terminal asks for the code, does not show it, and caches a session."""
    _, shown = on_terminal(command, cleared(place, environment), [(PROMPT, "755224")])
    return PROMPT in shown and "755224" not in shown and bool(files(place))


def files(place: Path) -> list[str]:
    """The cached sessions that require MFA. The AWS CLI also caches those of other roles."""
    cache = (place / ".aws" / "cli" / "cache").glob("*.json")
    return sorted(path.name for path in cache if "/outer/" not in path.read_text())


def alone(words: list[object], place: Path, environment: dict[str, str]) -> int:
    """Runs without a terminal, and returns the exit status."""
    return subprocess.run(
        words,
        env=cleared(place, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=LIMIT,
        check=False,
    ).returncode
