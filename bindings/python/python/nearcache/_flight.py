"""Single flight: of all who miss a key, in whatever thread, task or process, one makes its value.

The lease that decides is in the cache, where a killed process cannot keep it for long. Who has lost polls it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, Union

from nearcache._native import Lease, OutOfMemoryError, ValueTooLargeError

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    from nearcache._native import Cache

__all__ = ["MISSING", "Making", "claim", "is_making", "pauses"]

Mark = tuple[Union[str, int], bytes]

MISSING: Final = object()
# Seconds; the first wait is as short as a sleep can be, the longest is what a late hit may cost.
_SHORTEST: Final = 0.0002
_LONGEST: Final = 0.01

# What this thread or task is making now, the callers' keys included: to wait for one of them would be for ever.
_making: ContextVar[frozenset[Mark]] = ContextVar("nearcache_making", default=frozenset())


def _mark(cache: Cache, key: str | bytes) -> Mark:
    """The key, the same through every object that leads to the same cache."""
    return cache.name or id(cache), key if isinstance(key, bytes) else key.encode()


def is_making(cache: Cache, key: str | bytes) -> bool:
    """Does a caller of the running code make this very value?"""
    return bool(_making.get()) and _mark(cache, key) in _making.get()


def pauses() -> Generator[float, None, None]:
    """How long to sleep before each look: short at first, then longer."""
    pause = _SHORTEST
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST)


def claim(
    cache: Cache, key: str | bytes, seconds: float, stale: float | timedelta | None, early: float
) -> Generator[float, None, Lease]:
    """Yield how long to sleep, until there is a value or the right to make it, which is returned.

    One holder of the lease is waited for as long as the lease lasts; then it is taken from him.
    """
    token, takeover, until = 0, None, 0.0
    waits = pauses()
    while True:
        lease = cache.lease(key, seconds, stale=stale, early=early, takeover=takeover)
        if lease.hit or lease.won:
            return lease
        now = time.monotonic()
        if lease.token != token:
            token, takeover, until = lease.token, None, now + seconds
        if now >= until:
            takeover = token
        else:
            yield min(next(waits), until - now)


class Making:
    """The making of a value that a lease was won for: gives the lease up if it fails."""

    __slots__ = ("_cache", "_key", "_lease", "_ttl", "_stale", "_early", "_tags", "_generations", "_started", "_reset")

    def __init__(
        self,
        cache: Cache,
        key: str | bytes,
        lease: Lease,
        ttl: float | timedelta | None,
        stale: float | timedelta | None,
        early: float,
        tags: Iterable[str],
    ) -> None:
        self._cache = cache
        self._key = key
        self._lease = lease
        self._ttl = ttl
        self._stale = stale
        self._early = early
        self._tags = tags
        self._generations: bytes | None = None
        self._started = 0.0
        self._reset: Token[frozenset[Mark]] | None = None

    def __enter__(self) -> Making:
        try:
            # Before the value: what is invalidated while it is made is not valid.
            self._generations = generations(self._cache, self._tags)
        except BaseException:
            self._cache._give_up(self._key, self._lease)
            raise
        self._reset = _making.set(_making.get() | {_mark(self._cache, self._key)})
        self._started = time.perf_counter()
        return self

    def keep(self, value: Any) -> None:
        """Store the value, unless somebody has stored or deleted the key meanwhile."""
        cost = time.perf_counter() - self._started if self._early else None
        try:
            self._cache._fill(self._key, value, self._lease.token, self._ttl, self._stale, cost, self._generations)
        except (ValueTooLargeError, OutOfMemoryError):
            # The value is as good as any; it only cannot be kept.
            self._cache._give_up(self._key, self._lease)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._reset is not None:
            _making.reset(self._reset)
        if exc is not None:
            self._cache._give_up(self._key, self._lease)


def generations(cache: Cache, tags: Iterable[str]) -> bytes | None:
    """The present generations of tags; None if there are none."""
    if isinstance(tags, (str, bytes)):
        raise TypeError(f"tags is an iterable of str, not one {type(tags).__name__}")
    listed = list(tags)
    return cache._generations(listed) if listed else None
