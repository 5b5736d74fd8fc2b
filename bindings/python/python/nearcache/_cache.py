"""The class Cache: the native one, and what is made of its verbs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from nearcache import _native
from nearcache._flight import MISSING, Terms, asingle, single
from nearcache._lock import Lock
from nearcache._memoize import KEY_MAX, Tags, memoizer
from nearcache._namespace import Namespace

if TYPE_CHECKING:
    from datetime import timedelta

    from nearcache._memoize import Memoizer

__all__ = ["Cache"]

T = TypeVar("T")


class Cache(_native.Cache):
    __doc__ = _native.Cache.__doc__
    __module__ = "nearcache"
    # Nothing on top of the native object, so that its verbs cost what they cost there.
    __slots__ = ()

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
        """Return the value of key; if it is missing, call factory, store what it returns for ttl seconds, and return that.

        Of all threads, tasks and processes that miss the key at once, one calls its factory; the others wait for it,
        but for one that was killed no longer than lease seconds. A value that takes longer than that to make is made
        again by another: choose lease with room to spare. If the key is set or deleted meanwhile, the value is returned and not stored; so is one that is too large
        to keep. An exception of factory passes, and another who waits calls his. A factory that asks for its own key is
        called again, without waiting.

        ttl is seconds from now, however many, or a timedelta; None and 0 are for ever. With stale, a value is kept for so
        many seconds more, in which the first who asks makes it anew, and the others have the old one at once. With early
        (1.0 is usual), a value is made anew at random before its end, the likelier the nearer that is and the longer it
        took to make. tags are names for invalidate_tags; each costs a get more with every get of the value.

        >>> c.get_or_set("answer", lambda: 42, ttl=60), c.get_or_set("answer", lambda: 43)
        (42, 42)
        """
        if not early and stale is None:
            found = self.get(key, MISSING)
            if found is not MISSING:
                return cast("T", found)
        return cast("T", single(self, key, factory, Terms(ttl, early, stale, lease, tags)))

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
        """As get_or_set, for coroutines: what factory returns is awaited if it can be, and who waits lets others run.

        >>> import asyncio
        >>> async def produce():
        ...     return 42
        >>> asyncio.run(c.aget_or_set("answer", produce, ttl=60))
        42
        """
        if not early and stale is None:
            found = self.get(key, MISSING)
            if found is not MISSING:
                return found
        return await asingle(self, key, factory, Terms(ttl, early, stale, lease, tags))

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
        """Return a decorator that keeps the results of a function, a coroutine function or a method, as get_or_set does.

        The key is made of the function's module and qualified name and its arguments, their types included: 1, 1.0 and
        True are three. Arguments that are not plain values or containers of them are what they pickle to, a method's
        self, too. key is a function of the arguments that returns another key, which is used as it is; tags may be a
        function of the arguments as well.

        The function then has invalidate(...), refresh(...) and cache_key(...), which take its arguments, cache_info(), and
        __wrapped__.

        >>> @c.memoize(ttl=60, tags=["numbers"])
        ... def fibonacci(n):
        ...     return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
        >>> fibonacci(30), fibonacci.cache_info().misses
        (832040, 31)
        >>> fibonacci.invalidate(30), c.invalidate_tags("numbers")
        (True, None)
        """
        return memoizer(self, key, tags, Terms(ttl, early, stale, lease, ()), KEY_MAX)

    def namespace(self, name: str) -> Namespace:
        """Return a view of the cache whose keys are its own, and which is emptied at once for all processes.

        >>> users = c.namespace("users")
        >>> users["1"] = "Ada"
        >>> users["1"], c.get("1"), users.invalidate(), users.get("1")
        ('Ada', None, None, None)
        """
        return Namespace(self, name)

    def invalidate_tags(self, *tags: str) -> None:
        """Make every value that has one of these tags missing, in all processes; it costs one incr for each tag.

        >>> c.get_or_set("page", lambda: "old", tags=["site", "page"])
        'old'
        >>> c.invalidate_tags("site")
        >>> c.get("page") is None
        True
        """
        for tag in tags:
            self._invalidate_tag(tag)

    def lock(self, key: str | bytes, timeout: float = 10.0, expire: float = 30.0) -> Lock:
        """Return a lock for with and async with, which one holder at a time has, of all threads, tasks and processes.

        LockTimeoutError is raised if others have it for timeout seconds. It ends expire seconds after it was acquired if
        it is not released, as when its holder was killed.

        >>> with c.lock("report", timeout=5, expire=60):
        ...     c["report"] = "made by one"
        """
        return Lock(self, key, timeout, expire)

    def _place(self, key: str | bytes) -> tuple[Cache, str | bytes]:
        """Where a memoized result is kept."""
        return self, key
