"""Options for the Python tests: `target/venv/bin/pytest tests`."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--binaries", type=Path, default=ROOT / "target/debug", help="the folder with iam-del-key and iam-sandbox (default: target/debug)"
    )
    parser.addoption(
        "--replay",
        type=int,
        default=10,
        metavar="N",
        help="replay every Nth setting recorded with AWS CLI version 2, and all pairs of credential sources (default: 10)",
    )
    parser.addoption("--update", action="store_true", help="write the generated files instead of comparing them")


@pytest.fixture(scope="session")
def binaries(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.getoption("binaries").resolve(strict=True)
