"""The judge of the other tests finds what they look for: fed with each kind of fault, it names it."""

from __future__ import annotations

import pytest
from history import History, value_of


@pytest.fixture
def history() -> History:
    """Version 1 was deleted, 2 and 3 were written, and the worker that was to write 4 was killed."""
    history = History()
    for version in (1, 2, 3, 4):
        assert history.issue("k") == version
    history.answered("k", 1, deleted=True)
    history.answered("k", 3, deleted=False)
    return history


@pytest.mark.parametrize("version", [3, 4])
def test_what_may_be_there_is_no_fault(history: History, version: int) -> None:
    history.saw("k", value_of("k", version, 50), history.floor("k"))
    history.saw("k", None, history.floor("k"))
    assert history.faults == []
    assert (history.gets, history.hits, history.misses_of_the_present) == (2, 1, 0)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (value_of("k", 2, 50), "version 2, of 3 to 4"),
        (value_of("k", 5, 50), "version 5, of 3 to 4"),
        (value_of("other", 3, 50), "another key, other"),
        (value_of("k", 3, 50)[:-1], "torn"),
        (value_of("k", 3, 50)[:60] + value_of("k", 4, 50)[60:], "torn"),
        (value_of("k", 3, 50).replace(" 50 ", " 49 "), "torn"),
        ("", "no value of ours"),
    ],
)
def test_what_may_not_is(history: History, value: str, fault: str) -> None:
    history.saw("k", value, history.floor("k"))
    assert len(history.faults) == 1
    assert fault in history.faults[0]


def test_a_deleted_value_is_stale(history: History) -> None:
    history.answered("k", 4, deleted=True)
    floor = history.floor("k")
    history.saw("k", None, floor)
    assert history.faults == []
    history.saw("k", value_of("k", 4, 50), floor)
    assert history.faults == ["k: version 4, of 5 to 4"]


def test_a_miss_of_what_is_there_is_counted(history: History) -> None:
    history.answered("k", 4, deleted=False)
    history.saw("k", None, history.floor("k"))
    assert history.misses_of_the_present == 1
    # A write that began meanwhile may have been a deletion.
    floor = history.floor("k")
    history.issue("k")
    history.saw("k", None, floor)
    assert history.misses_of_the_present == 1
