"""The fixtures for the recipes."""

from pathlib import Path

import pytest
from bench import Bench, publish


@pytest.fixture(scope="session")
def release(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a release."""
    release = tmp_path_factory.mktemp("release")
    publish(binaries, release)
    return release


@pytest.fixture
def bench(binaries: Path, tmp_path: Path, release: Path) -> Bench:
    return Bench(binaries, tmp_path, release)
