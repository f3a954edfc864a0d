"""Runs a program on a terminal with 80 columns."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from program import LIMIT

COLUMNS = 80


def on_terminal(
    command: Sequence[object], environment: Mapping[str, str], answers: Iterable[tuple[str, str]] = (), at: Path | None = None
) -> tuple[int, str]:
    """Answers each question when it appears. Returns the exit status and the text on the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    words = ["setsid", "--ctty", *command]
    process = subprocess.Popen(words, env=environment, cwd=at, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    left, shown, answered = list(answers), b"", 0
    while select.select([ours], [], [], LIMIT)[0]:
        # Reading fails after the program has closed the terminal.
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
        if left and left[0][0].encode() in shown[answered:]:
            answered = len(shown)
            os.write(ours, f"{left.pop(0)[1]}\n".encode())
    else:
        process.kill()
    os.close(ours)
    return process.wait(LIMIT), shown.decode()
