"""Compares the program with version 1 of the AWS CLI for each setting, and checks `man/settings.md`, which is generated from the
requests of both."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from difflib import unified_diff
from operator import attrgetter
from pathlib import Path

import pytest
from authority import Authority
from compatibility import ALL_ROWS, ROWS, Sent, compare
from difference import named
from document import DOCUMENT, KINDS, compared, document
from known import absent, without_row
from recording import everything
from row import Row

AWS_CLI = Path(__file__).parents[2] / "man/aws-cli.md"
AT_A_TIME = 2


@pytest.fixture(scope="session")
def sent(
    chosen: Callable[[str], list[Row]], binary: Path, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Row], Sent]]:
    """The requests of both programs for a row."""
    folder = tmp_path_factory.mktemp("settings")
    pool = ThreadPoolExecutor(AT_A_TIME)
    begun: dict[str, Future[Sent]] = {}

    def begin(row: Row) -> Future[Sent]:
        if row.name not in begun:
            begun[row.name] = pool.submit(compare, row, binary, folder, authority)
        return begun[row.name]

    for row in chosen("row") or ALL_ROWS:
        begin(row)
    yield lambda row: begin(row).result()
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("row", ALL_ROWS, ids=attrgetter("name"))
def test_setting(row: Row, sent: Callable[[Row], Sent]) -> None:
    _, theirs, ours = sent(row)
    if row.why:
        assert ours != theirs, f"a reason is listed, but nothing differs: {row.why}"
    else:
        assert ours == theirs


def test_each_setting_has_a_unique_name() -> None:
    assert [name for name, count in Counter(row.name for row in ALL_ROWS).items() if count > 1] == []


def test_each_setting_of_the_aws_cli_has_a_row() -> None:
    assert absent(ROWS) == set()


def test_each_option_of_the_aws_cli_is_in_the_document() -> None:
    assert without_row(AWS_CLI.read_text()) == set()


def test_each_difference_has_a_reason_and_each_reason_a_difference(sent: Callable[[Row], Sent]) -> None:
    differing = {row.name for row, theirs, ours in compared(map(sent, ROWS)) if theirs != ours}
    assert differing == set(named())


def test_each_kind_of_setting_has_a_description() -> None:
    assert {recorded.kind for recorded in everything()} == set(KINDS)


def test_the_document_is_up_to_date(sent: Callable[[Row], Sent], pytestconfig: pytest.Config) -> None:
    expected = document(list(map(sent, ROWS)))
    if pytestconfig.getoption("update"):
        DOCUMENT.write_text(expected)
    changes = unified_diff(DOCUMENT.read_text().splitlines(), expected.splitlines(), "man/settings.md", "with --update", lineterm="")
    assert list(changes) == []
