"""What the processes of test_multiprocessing.py do; a module of its own, for spawn and forkserver import it."""

from __future__ import annotations

import os
import signal
import sys
import time

import nearcache
from history import value_of

ROUNDS = 500


def work(cache: nearcache.Cache, number: int) -> None:
    """Counts with the others, writes keys of its own, reads everybody's."""
    for round_ in range(1, ROUNDS + 1):
        cache.incr("sum")
        cache[f"{number}-{round_ % 10}"] = value_of(f"{number}-{round_ % 10}", round_, round_ * 7)
        for key in [f"{other}-{round_ % 10}" for other in range(4)]:
            value = cache.get(key)
            if value is not None:
                of, version, length, _ = value.split(" ", 3)
                if value != value_of(key, int(version), int(length)):
                    sys.exit(f"{key} is torn: {value[:100]}")
    cache[f"pid-{number}"] = os.getpid()


def count_and_die(cache: nearcache.Cache) -> None:
    """Ends in the middle of its work, without notice."""
    for _ in range(100):
        cache.incr("sum")
    os.kill(os.getpid(), signal.SIGKILL)


def square(number: int) -> int:
    """For a pool: through the cache that `adopt` was given."""
    assert adopted is not None
    cached = adopted.get(f"square-{number}")
    if cached is None:
        cached = number * number
        adopted[f"square-{number}"] = cached
        adopted.incr("computed")
    return int(cached)


LEASE = 1.0
"""Seconds of single flight: what a producer's death may cost the others."""


def make_once(cache: nearcache.Cache, key: str, hold: float = 0.0, stale: float | None = None) -> tuple[int, float]:
    """Who made the value of a key that many ask for, and how many seconds this one waited for it."""

    def produce() -> int:
        cache.incr(f"runs-{key}", initial=1)
        # So long that the others come meanwhile.
        time.sleep(hold)
        return os.getpid()

    began = time.monotonic()
    return cache.get_or_set(key, produce, ttl=60, stale=stale, lease=LEASE), time.monotonic() - began


def make_never(cache: nearcache.Cache, key: str, stale: float | None = None) -> None:
    """Says that it makes a value, and does not get done."""

    def produce() -> int:
        cache[f"making-{key}"] = os.getpid()
        while True:
            signal.pause()

    cache.get_or_set(key, produce, ttl=60, stale=stale, lease=LEASE)


def ask(key: str) -> tuple[int, float]:
    """For a pool: one of a stampede, through the cache that `adopt` was given."""
    assert adopted is not None
    return make_once(adopted, key, hold=0.3)


adopted: nearcache.Cache | None = None


def adopt(cache: nearcache.Cache) -> None:
    """A pool's initialiser."""
    global adopted
    adopted = cache
