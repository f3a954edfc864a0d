"""The README's picture shows the binary's output on a terminal with 80 columns, light and dark. `--update` redraws it."""

import re
from difflib import unified_diff
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from sandbox import Sandbox
from terminal import COLUMNS, on_terminal

HERE = Path(__file__).parent
COMMANDS = [
    "--whole-account --unused-for 90d --dry-run",
    "--access-key-id AKIARZPUZDIKOL7JJ6BK --find-user --deactivate",
    "--access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob",
]
LIGHT = TerminalTheme(
    (255, 255, 255),
    (31, 35, 40),
    [(31, 35, 40), (207, 34, 46), (17, 99, 41), (125, 78, 0), (5, 80, 174), (130, 80, 223), (27, 124, 131), (110, 119, 129)],
)
DARK = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
)
# A frame, and text in the reader's own monospaced font.
FRAME = """<svg class="rich-terminal" viewBox="0 0 {terminal_width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>iam-del-key on a terminal</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{height}"/></clipPath>
{lines}
</defs>
<rect fill="BACKGROUND" stroke="#8b949e" stroke-opacity="0.4" x="1" y="1" width="{frame_width}" height="{frame_height}" rx="8"/>
<g transform="translate(10, 10)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""

# Replaces every time in the picture, so that the picture does not change each day.
A_TIME = "2026-11-26T09:30:00Z"


def shown(command: list[object], environment: dict[str, str]) -> str:
    """Runs a command, which must succeed, and returns its output on a terminal."""
    status, text = on_terminal(command, environment)
    assert status == 0, text
    # Remove cleared lines, such as the progress bar.
    screen = re.sub(r"[^\n]*\r\x1b\[2K", "", text.replace("\r\n", "\n"))
    return re.sub(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", A_TIME, screen)


def drawn(text: str, theme: TerminalTheme) -> str:
    console = Console(width=COLUMNS, record=True, file=StringIO(), force_terminal=True, color_system="truecolor")
    for line in Text.from_ansi(text).split("\n"):
        for piece in line.divide(range(COLUMNS, len(line), COLUMNS)):
            console.print(piece, no_wrap=True)
    rows = sum(max(1, -(-len(line) // COLUMNS)) for line in Text.from_ansi(text).split("\n"))
    width, height = round(COLUMNS * 12.2) + 22, round(rows * 24.4) + 24
    frame = FRAME.replace("BACKGROUND", theme.background_color.hex)
    frame = frame.replace("{frame_width}", str(width - 2)).replace("{frame_height}", str(height - 2))
    frame = frame.replace("{terminal_width}", str(width)).replace("{height}", str(height))
    return console.export_svg(theme=theme, code_format=frame, unique_id="iam-del-key")


@pytest.fixture(scope="module")
def screen(binaries: Path) -> str:
    """The commands and their output."""
    text = ""
    with Sandbox(binaries) as sandbox:
        environment = {**sandbox.environment, "HOME": "/nonexistent", "TERM": "xterm-256color"}
        for words in COMMANDS:
            command = [binaries / "iam-del-key", *words.split()]
            text += f"\x1b[1m$ iam-del-key {words}\x1b[0m\n{shown(command, environment)}"
    return text.rstrip("\n")


@pytest.mark.parametrize(("name", "theme"), [("light", LIGHT), ("dark", DARK)], ids=["light", "dark"])
def test_the_picture_is_what_the_binary_shows(screen: str, name: str, theme: TerminalTheme, pytestconfig: pytest.Config) -> None:
    file, picture = HERE / f"{name}.svg", drawn(screen, theme)
    if pytestconfig.getoption("update"):
        file.write_text(picture)
    changes = unified_diff(file.read_text().splitlines(), picture.splitlines(), str(file), "with --update", lineterm="")
    assert list(changes) == []
