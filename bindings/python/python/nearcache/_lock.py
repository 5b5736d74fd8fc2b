"""A lock among threads, tasks and processes: an item that only one can add, and that ends by itself."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Generator
from typing import TYPE_CHECKING

from nearcache._flight import encoded, pauses
from nearcache._native import LockTimeoutError

if TYPE_CHECKING:
    from types import TracebackType

    from nearcache._native import Cache

__all__ = ["Lock"]

_PREFIX = b"nearcache:lock:"


class Lock:
    """A lock that one holder at a time has, of all who use the cache; made by Cache.lock.

    It ends with release, or expire seconds after it was acquired (at most two more), so that a holder who was killed
    keeps nobody waiting for ever. Eviction and flush_all end it, too: it saves work, and is no place for safety.
    It is not re-entrant, and each holder has a Lock of his own.
    """

    __slots__ = ("_cache", "_key", "_timeout", "_expire", "_token")

    def __init__(self, cache: Cache, key: str | bytes, timeout: float, expire: float) -> None:
        for name, seconds in (("timeout", timeout), ("expire", expire)):
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise TypeError(f"{name} is a number of seconds, not {type(seconds).__name__}")
        if not 0 <= timeout < math.inf:
            raise ValueError(f"timeout is a number of seconds from 0 on, not {timeout}")
        if not 0 < expire <= 86_400:
            raise ValueError(f"expire is a number of seconds, more than 0 and at most 86400 (a day), not {expire}")
        self._cache = cache
        self._key = _PREFIX + encoded(key)
        self._timeout = timeout
        self._expire = expire
        self._token = b""

    def acquire(self) -> bool:
        """Wait for the lock, up to the timeout; False if others have had it all the time.

        >>> first, second = c.lock("job"), c.lock("job", timeout=0)
        >>> first.acquire(), second.acquire(), first.release(), second.acquire()
        (True, False, True, True)
        """
        for pause in self._attempts():
            time.sleep(pause)
        return bool(self._token)

    async def aacquire(self) -> bool:
        """As acquire, for coroutines."""
        for pause in self._attempts():
            await asyncio.sleep(pause)
        return bool(self._token)

    def release(self) -> bool:
        """Give the lock up; False if it had ended before, and may have been somebody else's."""
        token, self._token = self._token, b""
        held = self._cache.gets_raw(self._key)
        # An item that is another's has another token, and another unique should it change in between.
        return held is not None and held[0] == token and self._cache.delete(self._key, cas=held[2])

    def _attempts(self) -> Generator[float, None, None]:
        """Yield how long to sleep until the token is stored, or time is up."""
        if self._token:
            raise RuntimeError("the lock was acquired already: each holder needs a Lock of its own")
        token = os.urandom(16)
        # One second for the clock's running one.
        expire = math.ceil(self._expire) + 1
        until = time.monotonic() + self._timeout
        for pause in pauses():
            if self._cache.add_raw(self._key, token, 0, expire):
                self._token = token
                return
            left = until - time.monotonic()
            if left <= 0:
                return
            yield min(pause, left)

    def _refused(self) -> LockTimeoutError:
        name = self._key[len(_PREFIX) :].decode(errors="backslashreplace")
        return LockTimeoutError(f"the lock {name!r} was held by others for {self._timeout} seconds")

    def __enter__(self) -> Lock:
        if not self.acquire():
            raise self._refused()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()

    async def __aenter__(self) -> Lock:
        if not await self.aacquire():
            raise self._refused()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()
