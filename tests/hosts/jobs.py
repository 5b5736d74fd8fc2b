"""What the processes of test_multiprocessing.py do; a module of its own, for spawn and forkserver import it."""

from __future__ import annotations

import os
import signal
import sys

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


adopted: nearcache.Cache | None = None


def adopt(cache: nearcache.Cache) -> None:
    """A pool's initialiser."""
    global adopted
    adopted = cache
