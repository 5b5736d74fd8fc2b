"""Single flight: of all who miss a key, in whatever thread, task or process, one makes its value.

The lease that decides is in the cache, where a killed process cannot keep it for long. Who has lost polls it.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Union

from nearcache._native import IllegalKeyError, Lease, OutOfMemoryError, ValueTooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from types import TracebackType

    from nearcache._native import Cache

__all__ = ["MISSING", "Making", "Terms", "asingle", "encoded", "listed", "pauses", "single"]

Mark = tuple[Union[str, int], bytes]

MISSING: Final = object()
# Seconds; the first wait is as short as a sleep can be, the longest is what a late hit may cost.
_SHORTEST: Final = 0.0002
_LONGEST: Final = 0.01


class Terms(NamedTuple):
    """How a value is to be made and kept, as get_or_set has it."""

    ttl: float | timedelta | None
    early: float
    stale: float | timedelta | None
    lease: float
    tags: Iterable[str]


def single(cache: Cache, key: str | bytes, factory: Callable[[], Any], terms: Terms) -> Any:
    """The value of a key: what is there, what another makes, or what factory returns."""
    if _is_making(cache, key):
        return _made(factory)
    claim = _Claim(cache, key, terms)
    for pause in claim:
        time.sleep(pause)
    won = claim.lease
    if not won.won:
        return won.value
    with Making(cache, key, won, terms) as making:
        value = _made(factory)
        making.keep(value)
    return value


async def asingle(cache: Cache, key: str | bytes, factory: Callable[[], Any], terms: Terms) -> Any:
    """As single; what factory returns is awaited if it can be, and who waits lets others run."""
    if _is_making(cache, key):
        return await _awaited(factory)
    claim = _Claim(cache, key, terms)
    for pause in claim:
        await asyncio.sleep(pause)
    won = claim.lease
    if not won.won:
        return won.value
    with Making(cache, key, won, terms) as making:
        value = await _awaited(factory)
        making.keep(value)
    return value


def _made(factory: Callable[[], Any]) -> Any:
    value = factory()
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError("factory is a coroutine function: await aget_or_set instead")
    return value


async def _awaited(factory: Callable[[], Any]) -> Any:
    made = factory()
    return await made if inspect.isawaitable(made) else made


def pauses() -> Generator[float, None, None]:
    """How long to sleep before each look: short at first, then longer."""
    pause = _SHORTEST
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST)


class _Claim:
    """Iterates over how long to sleep, until lease is a hit or the right to make the value.

    One holder of the lease is waited for as long as the lease lasts; then it is taken from him.
    """

    __slots__ = ("_cache", "_key", "_terms", "lease")

    lease: Lease

    def __init__(self, cache: Cache, key: str | bytes, terms: Terms) -> None:
        self._cache = cache
        self._key = key
        self._terms = terms

    def __iter__(self) -> Iterator[float]:
        seconds, early, stale = self._terms.lease, self._terms.early, self._terms.stale
        token, takeover, until = 0, None, 0.0
        waits = pauses()
        while True:
            lease = self._cache.lease(self._key, seconds, stale=stale, early=early, takeover=takeover)
            if lease.hit or lease.won:
                self.lease = lease
                return
            now = time.monotonic()
            if lease.token != token:
                token, takeover, until = lease.token, None, now + seconds
            if now >= until:
                takeover = token
            else:
                yield min(next(waits), until - now)


class Making:
    """The making of a value: gives the lease that was won for it up if it fails. Without a lease it is made anyway."""

    __slots__ = ("_active", "_cache", "_generations", "_key", "_lease", "_reset", "_started", "_terms")

    def __init__(self, cache: Cache, key: str | bytes, lease: Lease | None, terms: Terms) -> None:
        self._cache = cache
        self._key = key
        self._lease = lease
        self._terms = terms
        self._active = False
        self._generations: bytes | None = None
        self._started = 0.0
        self._reset: Token[Mapping[Mark, Making]] | None = None

    def __enter__(self) -> Making:
        try:
            # Before the value: what is invalidated while it is made is not valid.
            tags = listed(self._terms.tags)
            self._generations = self._cache._generations(tags) if tags else None
            mark = _mark(self._cache, self._key)
        except BaseException:
            self._give_up()
            raise
        self._active = True
        self._reset = _making.set({**_making.get(), mark: self})
        self._started = time.perf_counter()
        return self

    def is_active(self) -> bool:
        """Is it not over yet? A task that was begun meanwhile may live longer."""
        return self._active

    def keep(self, value: Any) -> None:
        """Store the value, unless somebody has stored or deleted the key since the lease was won."""
        ttl, early, stale, _, _ = self._terms
        cost = time.perf_counter() - self._started if early else None
        token = None if self._lease is None else self._lease.token
        try:
            self._cache._fill(self._key, value, token, ttl, stale, cost, self._generations)
        except (ValueTooLargeError, OutOfMemoryError):
            # The value is as good as any; it only cannot be kept.
            self._give_up()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._active = False
        if self._reset is not None:
            # A coroutine may be closed in another context than it was begun in, as by the garbage collector.
            with suppress(ValueError):
                _making.reset(self._reset)
        if exc is not None:
            self._give_up()

    def _give_up(self) -> None:
        if self._lease is not None:
            self._cache._give_up(self._key, self._lease)


# What this thread or task is making now, the callers' keys included: to wait for one of them would be for ever.
_making: ContextVar[Mapping[Mark, Making]] = ContextVar("nearcache_making", default=MappingProxyType({}))


def _is_making(cache: Cache, key: str | bytes) -> bool:
    """Does a caller of the running code make this very value?"""
    making = _making.get()
    if not making:
        return False
    found = making.get(_mark(cache, key))
    return found is not None and found.is_active()


def _mark(cache: Cache, key: str | bytes) -> Mark:
    """The key, the same through every object that leads to the same cache."""
    path = cache.info().path
    return id(cache) if path is None else str(path), encoded(key)


def encoded(key: str | bytes) -> bytes:
    """The bytes of a key, with the errors of the native verbs."""
    if isinstance(key, bytes):
        return key
    if not isinstance(key, str):
        raise TypeError(f"a key is str or bytes, not {type(key).__name__}")
    try:
        return key.encode()
    except UnicodeEncodeError as error:
        raise IllegalKeyError(f"the key cannot be encoded as UTF-8: {error}") from None


def listed(tags: Iterable[str]) -> list[str]:
    """Tags that were given as any iterable; one str is none."""
    if isinstance(tags, (str, bytes)):
        raise TypeError(f"tags is an iterable of str, not one {type(tags).__name__}")
    return list(tags)
