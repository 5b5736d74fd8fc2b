"""Namespaces: a view of a cache whose keys carry a generation, so that raising that number empties it at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from nearcache._flight import MISSING, Terms, encoded
from nearcache._memoize import KEY_MAX, Tags, memoizer
from nearcache._native import ReadOnlyError

if TYPE_CHECKING:
    from datetime import timedelta

    from nearcache._cache import Cache
    from nearcache._lock import Lock
    from nearcache._memoize import Memoizer
    from nearcache._native import Lease, Pin

__all__ = ["Namespace"]

T = TypeVar("T")
K = TypeVar("K", str, bytes)

NAME_MAX = 150
# Its digits and the colon behind them.
GENERATION = 20


class Namespace:
    """A view of a cache whose keys are its own; made by Cache.namespace.

    It has the verbs of a cache that take keys. Its keys are stored with its name and a generation in front, which take the
    name's length and 21 bytes of the 250 that a key has. invalidate raises the generation, which is one step for all
    processes however many keys there are; what was stored before is never found again, and is evicted in time. Each verb
    reads the generation first. Any number of threads, and forked children, may use one; it is pickled with a named cache.

    A verb of bytes and flags is the cache's, with key(k). There is no len(): to count is to walk over the whole cache.

    >>> users = c.namespace("users")
    >>> users["1"] = "Ada"
    >>> c.get_raw(users.key("1")), sum(1 for _ in users)
    ((b'Ada', 16), 1)
    """

    __slots__ = ("_cache", "_counter", "_head", "_name")

    def __init__(self, cache: Cache, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the namespace's name is a str, not {type(name).__name__}")
        head = encoded(name)
        if not 1 <= len(head) <= NAME_MAX:
            raise ValueError(f"the namespace's name has {len(head)} bytes: it has 1 to {NAME_MAX}")
        self._cache = cache
        self._name = name
        self._head = head + b":"
        self._counter = b"nearcache:namespace:" + head

    @property
    def name(self) -> str:
        """The name.

        >>> c.namespace("users").name
        'users'
        """
        return self._name

    @property
    def cache(self) -> Cache:
        """The cache that it is a view of.

        >>> c.namespace("users").cache is c
        True
        """
        return self._cache

    def invalidate(self) -> None:
        """Empty the namespace, for all processes, in one step.

        >>> users = c.namespace("users")
        >>> users["1"] = "Ada"
        >>> users.invalidate()
        >>> users.get("1") is None
        True
        """
        self._cache.incr(self._counter, 1, initial=_beginning())

    def key(self, key: str | bytes) -> bytes:
        """Return the key as it is stored now.

        >>> c.namespace("users").key("1").startswith(b"users:")
        True
        """
        return self._prefix() + encoded(key)

    def _prefix(self) -> bytes:
        generation = self._cache.get_raw(self._counter)
        if generation is not None:
            return self._head + generation[0].strip() + b":"
        try:
            # It may have been evicted: one that begins with the time is greater than any that was there.
            return self._head + b"%d:" % self._cache.incr(self._counter, 0, initial=_beginning())
        except ReadOnlyError:
            # Of no generation, and so of none that has keys.
            return self._head + b"0:"

    def __repr__(self) -> str:
        return f"<nearcache.Namespace {self._name!r} of {self._cache!r}>"

    # The mapping protocol.

    def __getitem__(self, key: str | bytes, /) -> Any:
        value = self._cache.get(self.key(key), MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str | bytes, value: Any, /) -> None:
        self._cache[self.key(key)] = value

    def __delitem__(self, key: str | bytes, /) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key: str | bytes, /) -> bool:
        return self.key(key) in self._cache

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def keys(self, prefix: str | bytes = b"") -> Iterator[bytes]:
        """Return an iterator over the keys that start with prefix, as bytes, in no order.

        >>> users = c.namespace("users")
        >>> users["1"] = "Ada"
        >>> list(users.keys())
        [b'1']
        """
        head = self._prefix()
        return (key[len(head) :] for key in self._cache.keys(head + encoded(prefix)))

    # Reading.

    def get(self, key: str | bytes, default: Any = None) -> Any:
        """As Cache.get.

        >>> c.namespace("users").get("nobody", "none")
        'none'
        """
        return self._cache.get(self.key(key), default)

    def gets(self, key: str | bytes, default: Any = None, cas_default: Any = None) -> tuple[Any, int | Any]:
        """As Cache.gets."""
        return self._cache.gets(self.key(key), default, cas_default)

    def gat(self, key: str | bytes, expire: float | timedelta | None = None, default: Any = None) -> Any:
        """As Cache.gat."""
        return self._cache.gat(self.key(key), expire, default)

    def gats(
        self,
        key: str | bytes,
        expire: float | timedelta | None = None,
        default: Any = None,
        cas_default: Any = None,
    ) -> tuple[Any, int | Any]:
        """As Cache.gats."""
        return self._cache.gats(self.key(key), expire, default, cas_default)

    def get_many(self, keys: Iterable[K]) -> dict[K, Any]:
        """As Cache.get_many.

        >>> users = c.namespace("users")
        >>> users.set_many({"1": "Ada", "2": "Bob"})
        []
        >>> users.get_many(["1", "2", "3"])
        {'1': 'Ada', '2': 'Bob'}
        """
        names = self._keys(keys)
        return {names[key]: value for key, value in self._cache.get_many(names).items()}

    def gets_many(self, keys: Iterable[K]) -> dict[K, tuple[Any, int]]:
        """As Cache.gets_many."""
        names = self._keys(keys)
        return {names[key]: value for key, value in self._cache.gets_many(names).items()}

    def pin(self, key: str | bytes) -> Pin:
        """As Cache.pin."""
        return self._cache.pin(self.key(key))

    # Writing.

    def set(self, key: str | bytes, value: Any, expire: float | timedelta | None = None) -> bool:
        """As Cache.set.

        >>> c.namespace("users").set("1", "Ada", expire=60)
        True
        """
        return self._cache.set(self.key(key), value, expire)

    def add(self, key: str | bytes, value: Any, expire: float | timedelta | None = None) -> bool:
        """As Cache.add."""
        return self._cache.add(self.key(key), value, expire)

    def replace(self, key: str | bytes, value: Any, expire: float | timedelta | None = None) -> bool:
        """As Cache.replace."""
        return self._cache.replace(self.key(key), value, expire)

    def append(self, key: str | bytes, value: bytes | str | int) -> bool:
        """As Cache.append."""
        return self._cache.append(self.key(key), value)

    def prepend(self, key: str | bytes, value: bytes | str | int) -> bool:
        """As Cache.prepend."""
        return self._cache.prepend(self.key(key), value)

    def cas(self, key: str | bytes, value: Any, cas: int, expire: float | timedelta | None = None) -> bool | None:
        """As Cache.cas."""
        return self._cache.cas(self.key(key), value, cas, expire)

    def delete(self, key: str | bytes, cas: int | None = None) -> bool:
        """As Cache.delete."""
        return self._cache.delete(self.key(key), cas)

    def touch(self, key: str | bytes, expire: float | timedelta | None = None) -> bool:
        """As Cache.touch."""
        return self._cache.touch(self.key(key), expire)

    def incr(
        self, key: str | bytes, value: int = 1, initial: int | None = None, expire: float | timedelta | None = None
    ) -> int | None:
        """As Cache.incr."""
        return self._cache.incr(self.key(key), value, initial, expire)

    def decr(
        self, key: str | bytes, value: int = 1, initial: int | None = None, expire: float | timedelta | None = None
    ) -> int | None:
        """As Cache.decr."""
        return self._cache.decr(self.key(key), value, initial, expire)

    def set_many(self, values: dict[K, Any], expire: float | timedelta | None = None) -> list[K]:
        """As Cache.set_many."""
        names = self._keys(values)
        failed = self._cache.set_many({key: values[name] for key, name in names.items()}, expire)
        return [names[key] for key in failed]

    def delete_many(self, keys: Iterable[K]) -> int:
        """As Cache.delete_many."""
        return self._cache.delete_many(self._keys(keys))

    # What is made of them.

    def lease(
        self,
        key: str | bytes,
        seconds: float = 30.0,
        *,
        stale: float | timedelta | None = None,
        early: float = 0.0,
        takeover: int | None = None,
    ) -> Lease:
        """As Cache.lease."""
        return self._cache.lease(self.key(key), seconds, stale=stale, early=early, takeover=takeover)

    def get_or_set(
        self,
        key: str | bytes,
        factory: Callable[[], T],
        ttl: float | timedelta | None = None,
        *,
        early: float = 0.0,
        stale: float | timedelta | None = None,
        lease: float = 30.0,
        tags: Iterable[str] = (),
    ) -> T:
        """As Cache.get_or_set. A value that is made while the namespace is invalidated is returned, and lost.

        >>> c.namespace("users").get_or_set("1", lambda: "Ada", ttl=60)
        'Ada'
        """
        key = self.key(key)
        return self._cache.get_or_set(key, factory, ttl, early=early, stale=stale, lease=lease, tags=tags)

    @overload
    async def aget_or_set(
        self,
        key: str | bytes,
        factory: Callable[[], Awaitable[T]],
        ttl: float | timedelta | None = None,
        *,
        early: float = 0.0,
        stale: float | timedelta | None = None,
        lease: float = 30.0,
        tags: Iterable[str] = (),
    ) -> T: ...
    @overload
    async def aget_or_set(
        self,
        key: str | bytes,
        factory: Callable[[], T],
        ttl: float | timedelta | None = None,
        *,
        early: float = 0.0,
        stale: float | timedelta | None = None,
        lease: float = 30.0,
        tags: Iterable[str] = (),
    ) -> T: ...
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
    ) -> Any:
        """As Cache.aget_or_set."""
        key = self.key(key)
        return await self._cache.aget_or_set(key, factory, ttl, early=early, stale=stale, lease=lease, tags=tags)

    def memoize(
        self,
        ttl: float | timedelta | None = None,
        *,
        key: Callable[..., str | bytes] | None = None,
        tags: Tags = (),
        stale: float | timedelta | None = None,
        early: float = 0.0,
        lease: float = 30.0,
    ) -> Memoizer:
        """As Cache.memoize: results go with the namespace.

        >>> squares = c.namespace("squares")
        >>> @squares.memoize()
        ... def square(n):
        ...     return n * n
        >>> square(3), square(3), squares.invalidate(), square(3), square.cache_info()
        (9, 9, None, 9, MemoInfo(hits=1, misses=2))
        """
        return memoizer(
            self, key, tags, Terms(ttl, early, stale, lease, ()), KEY_MAX - len(self._head) - GENERATION
        )

    def lock(self, key: str | bytes, timeout: float = 10.0, expire: float = 30.0) -> Lock:
        """As Cache.lock; the name is the namespace's, and invalidate does not end it."""
        return self._cache.lock(self._head + encoded(key), timeout, expire)

    def _keys(self, keys: Iterable[K]) -> dict[bytes, K]:
        """Keys as they are stored now, and as they were given."""
        if isinstance(keys, (str, bytes)):
            raise TypeError(f"keys is an iterable of keys, not one {type(keys).__name__}")
        prefix = self._prefix()
        return {prefix + encoded(key): key for key in keys}

    def _place(self, key: str | bytes) -> tuple[Cache, str | bytes]:
        """Where a memoized result is kept: as long as it is made, also if the namespace is emptied meanwhile."""
        return self._cache, self.key(key)


def _beginning() -> int:
    """A generation that none has had: the time in nanoseconds, which runs faster than generations can be raised.

    Microseconds do not: an invalidation takes less than one.
    """
    return time.time_ns()
