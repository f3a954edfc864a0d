"""Replays the settings recorded with AWS CLI version 2. Every difference must be listed in `recorded/differences.toml`."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from authority import Authority
from difference import every, explained
from recording import Recorded, everything, pairs_sent
from replay import AT_A_TIME, replay, shown
from verdict import FINE, Replayed

Replays = Mapping[int, Future[Replayed]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every Nth setting, and all pairs of sources."""
    if "recorded" in metafunc.fixturenames:
        nth = metafunc.config.getoption("replay")
        replayed = [one for one in everything() if one.kind == "pair" or one.number % nth == 0]
        metafunc.parametrize("recorded", replayed, ids=[one.name for one in replayed])


@pytest.fixture(scope="session")
def replays(
    chosen: Callable[[str], list[Recorded]], binary: Path, recorded_authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replays]:
    """The selected settings, by number."""
    scratch = tmp_path_factory.mktemp("replay")
    pool = ThreadPoolExecutor(AT_A_TIME)
    yield {one.number: pool.submit(replay, one, binary, scratch, recorded_authority) for one in chosen("recorded")}
    pool.shutdown(cancel_futures=True)


def test_each_pair_is_recorded() -> None:
    assert set(pairs_sent()) == {one.row.name for one in everything() if one.kind == "pair"}


def test_replay(recorded: Recorded, replays: Replays) -> None:
    replayed = replays[recorded.number].result()
    verdict, reasons = explained(replayed)
    if verdict not in FINE and not reasons:
        pytest.fail(shown(replayed, verdict), pytrace=False)


def test_each_listed_difference_occurs(replays: Replays) -> None:
    if len(replays) < len(everything()):
        pytest.skip("only with every setting: --replay 1")
    met = [reason for replayed in replays.values() for reason in explained(replayed.result())[1]]
    assert [one.settings for one in every() if one not in met] == []
