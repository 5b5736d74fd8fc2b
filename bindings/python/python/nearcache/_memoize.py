"""Functions whose results are kept in a cache: what Cache.memoize makes of a function or a coroutine function."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, Union, cast, overload

from nearcache._flight import MISSING
from nearcache._native import _arguments

if sys.version_info >= (3, 10):
    from typing import ParamSpec
else:
    # Only a name here: annotations are not looked at.
    ParamSpec = TypeVar

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["KEY_MAX", "AsyncMemoized", "MemoInfo", "Memoized", "Memoizer", "Options", "Store", "Tags", "memoizer"]

P = ParamSpec("P")
R = TypeVar("R")
Tags = Union[Iterable[str], "Callable[..., Iterable[str]]"]

KEY_MAX = 250
# Bytes; twice as many hexadecimal digits.
DIGEST = 16


class Store(Protocol):
    """A cache or a namespace."""

    def get(self, key: str | bytes, default: Any = None) -> Any: ...
    def delete(self, key: str | bytes) -> bool: ...
    def get_or_set(
        self,
        key: str | bytes,
        factory: Callable[[], Any],
        ttl: float | timedelta | None = None,
        *,
        early: float = 0.0,
        stale: float | timedelta | None = None,
        lease: float = 30.0,
        tags: Iterable[str] = (),
    ) -> Any: ...
    async def aget_or_set(
        self,
        key: str | bytes,
        factory: Callable[[], Any],
        ttl: float | timedelta | None = None,
        *,
        early: float = 0.0,
        stale: float | timedelta | None = None,
        lease: float = 30.0,
        tags: Iterable[str] = (),
    ) -> Any: ...
    def _put(
        self,
        key: str | bytes,
        value: Any,
        ttl: float | timedelta | None,
        stale: float | timedelta | None,
        cost: float | None,
        generations: bytes | None,
    ) -> None: ...
    def _tagged(self, tags: Iterable[str]) -> bytes | None: ...


class MemoInfo(NamedTuple):
    """What a memoized function has done in this process: calls that were answered from the cache, and that were not."""

    hits: int
    misses: int


class Options(NamedTuple):
    """The arguments of memoize."""

    ttl: float | timedelta | None
    key: Callable[..., str | bytes] | None
    tags: Tags
    stale: float | timedelta | None
    early: float
    lease: float


class _Counts:
    """Counted without a lock: threads may lose a few."""

    __slots__ = ("calls", "misses")

    def __init__(self) -> None:
        self.calls = 0
        self.misses = 0


class Memoized(Generic[P, R]):
    """A function whose results are kept in a cache; made by Cache.memoize.

    >>> @c.memoize(ttl=60)
    ... def add(a, b):
    ...     return a + b
    >>> add(1, 2), add(1, 2), add.cache_info()
    (3, 3, MemoInfo(hits=1, misses=1))
    """

    def __init__(self, store: Store, function: Callable[P, Any], options: Options, room: int) -> None:
        functools.update_wrapper(self, function)
        self._store = store
        self._function = function
        self._options = options
        self._bound: tuple[Any, ...] = ()
        self._counts = _Counts()
        self._name = _name(function, room)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        options, counts = self._options, self._counts
        key = self.cache_key(*args, **kwargs)
        counts.calls += 1
        if not options.early and options.stale is None:
            found = self._store.get(key, MISSING)
            if found is not MISSING:
                return cast("R", found)

        def make() -> Any:
            counts.misses += 1
            return self._function(*self._bound, *args, **kwargs)

        made = self._store.get_or_set(
            key,
            make,
            options.ttl,
            early=options.early,
            stale=options.stale,
            lease=options.lease,
            tags=self._tags(args, kwargs),
        )
        return cast("R", made)

    def __get__(self, instance: object, owner: type | None = None) -> Memoized[..., R]:
        """The method of an instance, which is the first argument like any other."""
        if instance is None:
            return self
        bound = type(self).__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._bound = (*self._bound, instance)
        return bound

    def __repr__(self) -> str:
        return f"<nearcache.{type(self).__name__} {self._name}>"

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str | bytes:
        """Return the key under which the result of a call with these arguments is kept.

        >>> @c.memoize(key=lambda user: f"user:{user}")
        ... def name(user):
        ...     return "Ada"
        >>> name(1), name.cache_key(1), c["user:1"]
        ('Ada', 'user:1', 'Ada')
        """
        if self._options.key is not None:
            return self._options.key(*self._bound, *args, **kwargs)
        try:
            data = _arguments((*self._bound, *args), kwargs)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise TypeError(
                f"the arguments of {self._name} cannot be made into a key: {error}; give memoize key=, a function of "
                "the arguments that returns a key"
            ) from error
        return f"{self._name}:{blake2b(data, digest_size=DIGEST).hexdigest()}"

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result of a call with these arguments; False if there was none.

        >>> @c.memoize()
        ... def double(n):
        ...     return 2 * n
        >>> double(4), double.invalidate(4), double.invalidate(4)
        (8, True, False)
        """
        return self._store.delete(self.cache_key(*args, **kwargs))

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, keep its result whatever is there, and return it.

        >>> numbers = iter([1, 2])
        >>> @c.memoize()
        ... def following():
        ...     return next(numbers)
        >>> following(), following(), following.refresh(), following()
        (1, 1, 2, 2)
        """
        generations, started = self._begin(args, kwargs)
        value = self._function(*self._bound, *args, **kwargs)
        self._end(self.cache_key(*args, **kwargs), value, generations, started)
        return cast("R", value)

    def cache_info(self) -> MemoInfo:
        """Return how many calls of this process were answered from the cache, and how many ran the function.

        >>> @c.memoize()
        ... def zero():
        ...     return 0
        >>> zero(), zero(), zero(), zero.cache_info()
        (0, 0, 0, MemoInfo(hits=2, misses=1))
        """
        misses = self._counts.misses
        return MemoInfo(max(self._counts.calls - misses, 0), misses)

    def _tags(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[str]:
        tags = self._options.tags
        return tags(*self._bound, *args, **kwargs) if callable(tags) else tags

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes | None, float]:
        """The generations of the tags and the time, before the function runs."""
        self._counts.calls += 1
        self._counts.misses += 1
        return self._store._tagged(self._tags(args, kwargs)), time.perf_counter()

    def _end(self, key: str | bytes, value: Any, generations: bytes | None, started: float) -> None:
        options = self._options
        cost = time.perf_counter() - started if options.early else None
        self._store._put(key, value, options.ttl, options.stale, cost, generations)


class AsyncMemoized(Memoized[P, Coroutine[Any, Any, R]]):
    """A coroutine function whose results are kept in a cache; made by Cache.memoize.

    >>> import asyncio
    >>> @c.memoize(ttl=60)
    ... async def answer():
    ...     return 42
    >>> asyncio.run(answer()), asyncio.run(answer()), answer.cache_info().hits
    (42, 42, 1)
    """

    def __init__(self, store: Store, function: Callable[P, Any], options: Options, room: int) -> None:
        super().__init__(store, function, options, room)
        # So that frameworks know that a call is to be awaited.
        if sys.version_info >= (3, 12):
            inspect.markcoroutinefunction(self)
        else:
            self._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined, unused-ignore]

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        options, counts = self._options, self._counts
        key = self.cache_key(*args, **kwargs)
        counts.calls += 1
        if not options.early and options.stale is None:
            found = self._store.get(key, MISSING)
            if found is not MISSING:
                return cast("R", found)

        def make() -> Any:
            counts.misses += 1
            return self._function(*self._bound, *args, **kwargs)

        made = await self._store.aget_or_set(
            key,
            make,
            options.ttl,
            early=options.early,
            stale=options.stale,
            lease=options.lease,
            tags=self._tags(args, kwargs),
        )
        return cast("R", made)

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Await the function, keep its result whatever is there, and return it."""
        generations, started = self._begin(args, kwargs)
        value = await self._function(*self._bound, *args, **kwargs)
        self._end(self.cache_key(*args, **kwargs), value, generations, started)
        return cast("R", value)


class Memoizer(Protocol):
    """What memoize returns: the decorator."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncMemoized[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Memoized[P, R]: ...


def memoizer(store: Store, options: Options, room: int) -> Memoizer:
    """The decorator; room is how long a key may be."""
    if callable(options.ttl):
        raise TypeError("memoize has arguments: write @cache.memoize() or @cache.memoize(ttl=60)")

    def decorate(function: Callable[..., Any], /) -> Memoized[..., Any]:
        kind = AsyncMemoized if inspect.iscoroutinefunction(function) else Memoized
        return kind(store, function, options, room)

    return cast("Memoizer", decorate)


def _name(function: Callable[..., Any], room: int) -> str:
    """What the function's keys begin with; a colon and the digest of the arguments come behind it."""
    module = getattr(function, "__module__", None) or "?"
    name = f"{module}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    if len(name.encode()) <= room - 1 - 2 * DIGEST:
        return name
    return blake2b(name.encode(), digest_size=DIGEST).hexdigest()
