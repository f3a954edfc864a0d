"""The independent servers, and the tested program."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from account import Account
from authority import Authority, made
from program import Program
from recording import hosts
from server import MINISTACK, MOTO, serving


@pytest.fixture(scope="session")
def binary(binaries: Path) -> Path:
    return binaries / "iam-del-key"


@pytest.fixture(scope="session")
def chosen(request: pytest.FixtureRequest) -> Callable[[str], list]:
    """The values of a parameter in the selected tests. Work for these starts before a test waits for it."""
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    return lambda name: [values[name] for values in parameters if name in values]


@pytest.fixture
def program(binary: Path, tmp_path: Path) -> Program:
    return Program(binary, tmp_path)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(MOTO, tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(MINISTACK, tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(scope="session", params=["moto", "ministack"])
def account(request: pytest.FixtureRequest) -> Account:
    """An account on each server."""
    return Account(request.param, request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def recorded_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority for the hosts whose certificate was accepted when the settings were recorded."""
    return made(tmp_path_factory.mktemp("recorded"), hosts())
