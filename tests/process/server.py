"""Starts independent IAM servers on loopback, and always stops them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

READY_WITHIN = 60
BESIDE_PYTHON = Path(sys.executable).parent


class Server(NamedTuple):
    name: str
    command: list[str]
    environment: dict[str, str]


# `{port}` is replaced when the server starts.
MOTO = Server("moto", [str(BESIDE_PYTHON / "moto_server"), "-H", "127.0.0.1", "-p", "{port}"], {})
MINISTACK = Server(
    "ministack",
    [str(BESIDE_PYTHON / "ministack")],
    {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": "{port}", "IOT_MTLS_ENABLED": "0"},
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(server: Server, scratch: Path) -> Iterator[str]:
    """The server's URL, while it runs."""
    port = str(free_port())
    environment = {"HOME": str(scratch), "PATH": os.defpath, "TMPDIR": str(scratch)}
    environment |= {name: value.format(port=port) for name, value in server.environment.items()}
    printed = scratch / f"{server.name}.log"
    with printed.open("w") as log:
        process = subprocess.Popen(
            [word.format(port=port) for word in server.command],
            env=environment,
            cwd=scratch,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, int(port), printed)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(process: subprocess.Popen, port: int, printed: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {printed.read_text()}")
