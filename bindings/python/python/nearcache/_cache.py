"""The class Cache: the native one, with the methods that are made of its verbs.

They are put onto the native class itself. As a subclass of it would, that makes one class of both; but the interpreter
calls a native method directly only on an object of exactly the class that has it (`PRECALL` and `CALL`, specialised),
and `c.get(k)` took 20 % longer on a subclass.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from nearcache import _native
from nearcache._flight import MISSING, Making, claim, generations, is_making
from nearcache._lock import Lock
from nearcache._memoize import KEY_MAX, Options, Tags, memoizer
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
        if is_making(self, key):
            return factory()
        claims = claim(self, key, lease, stale, early)
        while True:
            try:
                pause = next(claims)
            except StopIteration as done:
                won: _native.Lease = done.value
                break
            time.sleep(pause)
        if not won.won:
            return cast("T", won.value)
        with Making(self, key, won, ttl, stale, early, tags) as making:
            value = factory()
            if inspect.iscoroutine(value):
                value.close()
                raise TypeError("factory is a coroutine function: await aget_or_set instead")
            making.keep(value)
        return value

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
        if is_making(self, key):
            return await _awaited(factory)
        claims = claim(self, key, lease, stale, early)
        while True:
            try:
                pause = next(claims)
            except StopIteration as done:
                won: _native.Lease = done.value
                break
            await asyncio.sleep(pause)
        if not won.won:
            return won.value
        with Making(self, key, won, ttl, stale, early, tags) as making:
            value = await _awaited(factory)
            making.keep(value)
        return value

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
        return memoizer(self, Options(ttl, key, tags, stale, early, lease), KEY_MAX)

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

    def _put(
        self,
        key: str | bytes,
        value: Any,
        ttl: float | timedelta | None,
        stale: float | timedelta | None,
        cost: float | None,
        generations: bytes | None,
    ) -> None:
        self._fill(key, value, None, ttl, stale, cost, generations)

    def _tagged(self, tags: Iterable[str]) -> bytes | None:
        return generations(self, tags)


async def _awaited(factory: Callable[[], Any]) -> Any:
    made = factory()
    return await made if inspect.isawaitable(made) else made


if not TYPE_CHECKING:
    for _name, _method in vars(Cache).items():
        if inspect.isfunction(_method):
            setattr(_native.Cache, _name, _method)
    Cache = _native.Cache
    Cache.__module__ = "nearcache"
