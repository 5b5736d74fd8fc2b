"""expire: memcached's rule for numbers, timedeltas from now, fractions rounded up; the clock is moved by hand."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from nearcache import Cache

DAY = 86_400
MONTH = 30 * DAY


def lifetime(cache: Cache, expire: float | timedelta | None, horizon: int = 5) -> int | None:
    """Whole seconds that an item stored now lives, up to the horizon; None is longer."""
    cache.set("k", b"v", expire)
    for second in range(horizon):
        if "k" not in cache:
            return second
        cache.advance_clock(1)
    return None if "k" in cache else horizon


@pytest.mark.parametrize("expire", [None, 0, 0.0])
def test_never(cache: Cache, expire: float | None) -> None:
    cache.set("k", b"v", expire)
    cache.advance_clock(2**31)
    assert cache["k"] == b"v"


@pytest.mark.parametrize("expire", [-1, -0.5, -(2**63), timedelta(0), timedelta(seconds=-1), timedelta(microseconds=-1)])
def test_dead_at_once_and_the_old_value_is_gone(cache: Cache, expire: float | timedelta) -> None:
    cache["k"] = b"old"
    assert cache.set("k", b"new", expire) is True
    assert cache.get("k") is None


@pytest.mark.parametrize(
    ("expire", "seconds"),
    [
        (1, 1),
        (3, 3),
        (0.001, 1),
        (1.0, 1),
        (1.5, 2),
        (timedelta(microseconds=1), 1),
        (timedelta(seconds=2), 2),
        (timedelta(seconds=2, microseconds=1), 3),
    ],
)
def test_seconds(cache: Cache, expire: float | timedelta, seconds: int) -> None:
    assert lifetime(cache, expire) == seconds


def test_thirty_days_are_relative_and_more_is_a_unix_time(cache: Cache) -> None:
    cache.set("month", 1, MONTH)
    cache.set("past", 1, MONTH + 1)
    cache.set("future", 1, cache.unix_time() + 10)
    assert cache["month"] == 1
    assert cache.get("past") is None
    assert cache["future"] == 1
    cache.advance_clock(11)
    assert cache.get("future") is None
    cache.advance_clock(MONTH)
    assert cache.get("month") is None


def test_a_timedelta_is_relative_however_long(cache: Cache) -> None:
    cache.set("k", 1, timedelta(days=60))
    cache.set("long", 1, timedelta.max)
    cache.advance_clock(60 * DAY - 1)
    assert cache["k"] == 1
    cache.advance_clock(2)
    assert cache.get("k") is None
    assert cache["long"] == 1


def test_every_verb_that_takes_an_expiry(cache: Cache) -> None:
    delta = timedelta(seconds=10)
    cache.add("add", 1, delta)
    cache["replace"] = cache["cas"] = cache["touch"] = cache["gat"] = cache["gats"] = 1
    cache.replace("replace", 1, delta)
    cache.cas("cas", 1, cache.gets("cas")[1], delta)
    cache.touch("touch", delta)
    cache.gat("gat", delta)
    cache.gats("gats", delta)
    cache.set_many({"many": 1}, delta)
    cache.incr("incr", 1, 5, delta)
    cache.set_raw("raw", b"", 0, delta)
    assert len(list(cache)) == 9
    cache.advance_clock(9)
    assert len(list(cache)) == 9
    cache.advance_clock(2)
    assert list(cache) == []


@pytest.mark.parametrize("expire", [math.inf, -math.inf, math.nan])
def test_not_finite(cache: Cache, expire: float) -> None:
    with pytest.raises(ValueError, match="expire must be finite.*None is for ever"):
        cache.set("k", b"", expire)


@pytest.mark.parametrize("expire", [2**63, -(2**63) - 1])
def test_out_of_range(cache: Cache, expire: int) -> None:
    with pytest.raises(ValueError, match="expire is out of range"):
        cache.set("k", b"", expire)


@pytest.mark.parametrize("expire", ["60", b"60", True, [60]])
def test_other_types(cache: Cache, expire: object) -> None:
    with pytest.raises(TypeError, match="expire is None, a number of seconds .* or a datetime.timedelta, not"):
        cache.set("k", b"", expire)  # type: ignore[arg-type]
    assert len(cache) == 0


def test_the_systems_clock_runs(cache: Cache) -> None:
    import time

    with Cache("64MiB") as real:
        assert abs(real.unix_time() - time.time()) < 5
    before = cache.unix_time()
    cache.advance_clock(7)
    assert cache.unix_time() == before + 7
