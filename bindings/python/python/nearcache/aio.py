"""A cache for coroutines, with aiocache's names: AsyncCache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Union

from nearcache._cache import Cache
from nearcache._flight import MISSING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["AsyncCache"]

Ttl = Union[float, timedelta, None]

# What clear deletes in one go.
_BATCH = 64


class _Default:
    """The ttl that the cache was made with."""

    def __repr__(self) -> str:
        return "the cache's"


DEFAULT: Any = _Default()


class AsyncCache:
    """A cache whose verbs are coroutines, under aiocache's names and with its results.

    cache is a nearcache.Cache; without it one is made of the options, which are those of nearcache.Cache. namespace goes in
    front of the keys, ttl is the seconds that a value is kept if set is not told otherwise; None and 0 are for ever.

    A call is done when it returns: nothing waits and no thread is used. Only get_or_set waits, for another who makes the
    same value. Where aiocache takes None for missing, here it is a value.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncCache(size="8MiB", namespace="users:", ttl=60) as cache:
    ...         await cache.set("1", {"name": "Ada"})
    ...         return await cache.get("1"), await cache.multi_get(["1", "2"]), await cache.increment("visits")
    >>> asyncio.run(main())
    ({'name': 'Ada'}, [{'name': 'Ada'}, None], 1)
    """

    def __init__(self, cache: Cache | None = None, *, namespace: str = "", ttl: Ttl = None, **options: Any) -> None:
        if cache is not None and options:
            raise TypeError(f"{', '.join(options)}: options are for a cache that is made here, and one was given")
        if cache is None and "size" not in options and "name" not in options:
            raise TypeError("AsyncCache needs a nearcache.Cache, or the size or name of one")
        self.cache = Cache(**options) if cache is None else cache
        self._owned = cache is None
        self.namespace = namespace
        self.ttl = ttl

    def __repr__(self) -> str:
        return f"<nearcache.aio.AsyncCache {self.namespace!r} of {self.cache!r}>"

    def build_key(self, key: str, namespace: str | None = None) -> str:
        """The key as it is stored."""
        return f"{self.namespace if namespace is None else namespace}{key}"

    async def get(self, key: str, default: Any = None, *, namespace: str | None = None) -> Any:
        """The value, or default."""
        return self.cache.get(self.build_key(key, namespace), default)

    async def multi_get(self, keys: Iterable[str], *, namespace: str | None = None) -> list[Any]:
        """The values in the order of the keys, None for those that are missing."""
        names = [self.build_key(key, namespace) for key in keys]
        found = self.cache.get_many(names)
        return [found.get(name) for name in names]

    async def set(self, key: str, value: Any, ttl: Ttl = DEFAULT, *, namespace: str | None = None) -> bool:
        """Store a value; True."""
        return self.cache.set(self.build_key(key, namespace), value, self._expire(ttl))

    async def multi_set(
        self, pairs: Iterable[tuple[str, Any]], ttl: Ttl = DEFAULT, *, namespace: str | None = None
    ) -> bool:
        """Store many values; False if one of them could not be kept."""
        values = {self.build_key(key, namespace): value for key, value in pairs}
        return not self.cache.set_many(values, self._expire(ttl))

    async def add(self, key: str, value: Any, ttl: Ttl = DEFAULT, *, namespace: str | None = None) -> bool:
        """Store a value; ValueError if there is one."""
        if not self.cache.add(self.build_key(key, namespace), value, self._expire(ttl)):
            raise ValueError(f"the key {key!r} exists: set replaces it")
        return True

    async def delete(self, key: str, *, namespace: str | None = None) -> int:
        """Delete a value; how many there were: 1 or 0."""
        return int(self.cache.delete(self.build_key(key, namespace)))

    async def exists(self, key: str, *, namespace: str | None = None) -> bool:
        """Is there a value?"""
        return self.cache.get(self.build_key(key, namespace), MISSING) is not MISSING

    async def increment(self, key: str, delta: int = 1, *, namespace: str | None = None) -> int:
        """Add delta to a number, which is 0 if it is missing; as in memcached it does not go below 0."""
        name, expire = self.build_key(key, namespace), self._expire(DEFAULT)
        if delta < 0:
            return self.cache.decr(name, -delta, 0, expire)
        return self.cache.incr(name, delta, delta, expire)

    async def expire(self, key: str, ttl: Ttl, *, namespace: str | None = None) -> bool:
        """Give a value another time to live; False if there is none."""
        return self.cache.touch(self.build_key(key, namespace), self._expire(ttl))

    async def clear(self, namespace: str | None = None) -> bool:
        """Delete what is in the namespace; without one everything in the cache."""
        prefix = self.build_key("", namespace)
        if not prefix:
            return self.cache.flush_all()
        keys = self.cache.keys(prefix)
        while batch := list(islice(keys, _BATCH)):
            self.cache.delete_many(batch)
        return True

    async def get_or_set(
        self,
        key: str,
        factory: Callable[[], Union[Awaitable[Any], Any]],
        ttl: Ttl = DEFAULT,
        *,
        namespace: str | None = None,
        early: float = 0.0,
        stale: float | timedelta | None = None,
        lease: float = 30.0,
        tags: Iterable[str] = (),
    ) -> Any:
        """The value; if it is missing, one caller of all tasks, threads and processes makes it, as Cache.aget_or_set."""
        return await self.cache.aget_or_set(
            self.build_key(key, namespace),
            factory,
            self._expire(ttl),
            early=early,
            stale=stale,
            lease=lease,
            tags=tags,
        )

    async def close(self) -> None:
        """Close a cache that was made here."""
        if self._owned:
            self.cache.close()

    async def __aenter__(self) -> AsyncCache:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    def _expire(self, ttl: Ttl) -> timedelta | None:
        """Seconds from now, however many."""
        if ttl is DEFAULT:
            ttl = self.ttl
        if not ttl:
            return None
        return ttl if isinstance(ttl, timedelta) else timedelta(seconds=ttl)
