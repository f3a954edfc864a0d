"""Roles that require MFA: a session that the AWS CLI has cached is used without a question, and the other way round. Both
ask on a real terminal, in the same words."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from program import LIMIT, Program
from server import MOTO, serving
from tally import Tally

SERIAL = "arn:aws:iam::123456789012:mfa/me"
PROMPT = f"Enter MFA code for {SERIAL}: "
KEY = ("--access-key-id", "AKIDPMS9RO4H3FEXAMPLE", "--user-name", "Bob")
NO_SUCH_USER = 3
# What names the file in the cache, beside the role and the device.
PROFILES = {
    "plain": "",
    "all": "external_id = unique:1\nduration_seconds = 1800\nrole_session_name = me@example.com\n",
    "letters": "external_id = é\x7f\U0001f511\"\\/\n",
}


def check(tally: Tally, binary: Path, scratch: Path) -> None:
    aws = Path(sys.executable).parent / "aws"
    with serving(MOTO, scratch) as url:
        for name in [*PROFILES, "outer"]:
            theirs, ours = home(scratch / f"{name}-aws"), home(scratch / f"{name}-ours")
            environment = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}
            as_user = ["sts", "get-caller-identity", "--profile", name]
            deleting = [*KEY, "--profile", name]
            asked = [
                on_terminal([aws, *as_user], theirs, environment),
                on_terminal([binary, *deleting], ours, environment),
            ]
            tally.same(f"MFA: {name}: both ask in the same words", {"asked": True}, {"asked": all(asked)})
            names = {"files": files(theirs)}, {"files": files(ours)}
            tally.same(f"MFA: {name}: both cache it under the same name", *names)
            status = alone([binary, *deleting], theirs, environment)
            tally.same(f"MFA: {name}: the AWS CLI's session is used", {"status": NO_SUCH_USER}, {"status": status})
            status = alone([aws, *as_user], ours, environment)
            tally.same(f"MFA: {name}: the AWS CLI uses ours", {"status": 0}, {"status": status})


def home(folder: Path) -> Path:
    folder.mkdir()
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


def files(place: Path) -> list[str]:
    """The sessions that require MFA. The AWS CLI caches those of other roles too."""
    cache = (place / ".aws" / "cli" / "cache").glob("*.json")
    return sorted(path.name for path in cache if "/outer/" not in path.read_text())


def alone(words: list[object], place: Path, environment: dict[str, str]) -> int:
    """The exit status without a terminal."""
    return subprocess.run(
        words,
        env=cleared(place, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=LIMIT,
        check=False,
    ).returncode


def on_terminal(words: list[object], place: Path, environment: dict[str, str]) -> bool:
    """Whether a program on a terminal asks, and then caches a session."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(words[0], [str(word) for word in words], cleared(place, environment))
    screen, has_asked, deadline = b"", False, time.monotonic() + LIMIT
    while time.monotonic() < deadline and select.select([terminal], [], [], LIMIT)[0]:
        try:
            read = os.read(terminal, 4096)
        except OSError:
            break
        screen += read
        if not has_asked and PROMPT.encode() in screen:
            has_asked = True
            os.write(terminal, b"755224\n")
    os.close(terminal)
    os.waitpid(child, 0)
    return has_asked and b"755224" not in screen and bool(files(place))
