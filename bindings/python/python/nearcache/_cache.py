"""The class Cache: the native one, with the methods that are made of its verbs.

They are put onto the native class itself. As a subclass of it would, that makes one class of both; but the interpreter
calls a native method directly only on an object of exactly the class that has it (`PRECALL` and `CALL`, specialised),
and `c.get(k)` took 20 % longer on a subclass.
"""

from __future__ import annotations

import inspect
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
    from nearcache._native import Cache as _Native
else:
    _Native = object

__all__ = ["Cache"]

T = TypeVar("T")


class Cache(_Native):
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

        Of all threads, tasks and processes that miss the key at once, one calls its factory; the others wait for it, but
        for one that was killed or stopped no longer than lease seconds (0 to 86400). A value that takes
        longer than that to make is made again by another: choose lease with room to spare. If the key is set or deleted
        meanwhile, the value is returned and not stored; so is one that is too large to keep. An exception of factory
        passes, and another who waits calls his. A factory that asks for its own key is called again, without waiting.
        Nothing of the cache is held while factory runs: it may fork, use the cache, and take its time.

        ttl is seconds from now, however many, or a timedelta; None and 0 are for ever, less is dead at once. With stale
        (seconds or a timedelta), a value is kept for so long more, in which the first who asks makes it anew, and the
        others have the old one at once. With early (0 or more; 1.0 is usual), a value is made anew at random before its
        end, the likelier the nearer that is and the longer it took to make. tags are names of 1 to 236 bytes for
        invalidate_tags; each costs a get more with every get of the value.

        Raises what factory raises, TypeError for a coroutine function, the errors of get and set, and ReadOnlyError if a
        value is missing in a cache that is attached for reading alone.

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

        factory is a coroutine function or a plain one, which is called in the loop's thread. A task that is cancelled
        gives its lease up. Tasks of one loop, threads with loops of their own and other processes may wait for one another.

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

        The key is made of the function's module and qualified name (of a script, of its path) and its arguments, their
        types included: 1, 1.0 and True are three. Arguments that are not plain values or containers of them are what they
        pickle to, a method's self, too. What else a function depends on is not in the key: functions that are made anew
        with other values around them, as in a factory of functions, need a key of their own. key is a function of the
        arguments that returns a key (str or bytes), which is used as it is; tags may be a function of the arguments as well.
        ttl, stale, early and lease are those of get_or_set.

        The function then has invalidate(...), refresh(...) and cache_key(...), which take its arguments, cache_info(), and
        __wrapped__. It is pickled by its name, as functions are. Write it above classmethod and staticmethod, and property
        above it. TypeError is raised at once for what has no name and no key (a lambda, a partial, an object), and for
        generator functions; at the call for arguments that cannot be pickled.

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

        name has 1 to 150 bytes; ValueError otherwise. All who use it, in whatever process, have the same keys.

        >>> users = c.namespace("users")
        >>> users["1"] = "Ada"
        >>> users["1"], c.get("1"), users.invalidate(), users.get("1")
        ('Ada', None, None, None)
        """
        return Namespace(self, name)

    def invalidate_tags(self, *tags: str) -> None:
        """Make every value that has one of these tags missing, in all processes; it costs one incr for each tag.

        A tag has 1 to 236 bytes; IllegalKeyError otherwise. What is being made meanwhile is missing, too.

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

        LockTimeoutError is raised if others have it for timeout seconds (0 or more; 0 tries once). It ends expire seconds
        (more than 0, at most 86400) after it was acquired if it is not released, as when its holder was killed. key has 1
        to 235 bytes, and is not that of an item.

        >>> with c.lock("report", timeout=5, expire=60):
        ...     c["report"] = "made by one"
        """
        return Lock(self, key, timeout, expire)

    def _place(self, key: str | bytes) -> tuple[Cache, str | bytes]:
        """Where a memoized result is kept."""
        return self, key


if not TYPE_CHECKING:
    for _name, _method in vars(Cache).items():
        if inspect.isfunction(_method):
            setattr(_native.Cache, _name, _method)
    Cache = _native.Cache
    Cache.__module__ = "nearcache"
