"""Django's cache in nearcache.

CACHES = {
    "default": {
        "BACKEND": "nearcache.django.NearCache",
        "LOCATION": "app",
        "OPTIONS": {"size": "256MiB"},
    }
}

LOCATION is the cache's name, the same for all processes of this user; without it each process has a cache of its own.
OPTIONS are the arguments of nearcache.Cache. Django makes of it, for each thread, what this makes:

>>> cache = NearCache("", {"TIMEOUT": 300, "OPTIONS": {"size": "8MiB"}})
>>> cache.set("greeting", "hello", 60)
>>> cache.get("greeting"), cache.incr_version("greeting"), cache.get("greeting", version=2)
('hello', 2, 'hello')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from nearcache._native import NotNumericError
from nearcache._opened import opened

try:
    from django.core.cache.backends.base import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
        DEFAULT_TIMEOUT,
        BaseCache,
        InvalidCacheKey,
    )
    from django.core.exceptions import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
        ImproperlyConfigured,
    )
except ImportError as error:
    raise ImportError("nearcache.django needs Django: pip install django") from error

__all__ = ["NearCache"]

KEY_MAX = 250
# Above this, a number of seconds would be taken for a time of the clock.
MONTH = 60 * 60 * 24 * 30
# Of other backends; here the size is the limit.
UNUSED = {"MAX_ENTRIES", "CULL_FREQUENCY"}


class NearCache(BaseCache):  # type: ignore[misc, unused-ignore]
    """A backend of django.core.cache.

    All verbs are direct calls, those of coroutines, too: nothing waits, but get_or_set, of which one caller of all threads
    and processes makes the value. incr and decr are atomic; decr stops at 0, as with memcached. A value that is larger than
    the limit raises ValueTooLargeError, and the old one is gone.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = {name: value for name, value in params.get("OPTIONS", {}).items() if name not in UNUSED}
        place = f"django:{location}:{sorted(options.items())!r}"
        try:
            self._cache = opened(place, location or None, options)
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"the OPTIONS of the cache {location!r}: {error}") from error

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> float | timedelta | None:
        if timeout is DEFAULT_TIMEOUT:
            timeout = self.default_timeout
        if timeout is None:
            return None
        if timeout <= 0:
            return -1
        return timedelta(seconds=timeout) if timeout > MONTH else float(timeout)

    def validate_key(self, key: str) -> None:
        """Keys are anything of 1 to 250 bytes."""
        if not 1 <= len(key.encode()) <= KEY_MAX:
            raise InvalidCacheKey(
                f"the key has {len(key.encode())} bytes, prefix and version included: {key!r}; 1 to {KEY_MAX} are allowed"
            )

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._cache.get(self.make_and_validate_key(key, version), default)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._cache.set(self.make_and_validate_key(key, version), value, self.get_backend_timeout(timeout))

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._cache.add(self.make_and_validate_key(key, version), value, self.get_backend_timeout(timeout))

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._cache.touch(self.make_and_validate_key(key, version), self.get_backend_timeout(timeout))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._cache.delete(self.make_and_validate_key(key, version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        name = self.make_and_validate_key(key, version)
        try:
            number = self._cache.incr(name, delta) if delta >= 0 else self._cache.decr(name, -delta)
        except NotNumericError:
            # Negative or a float: not atomic, as with other backends.
            return super().incr(key, delta, version)
        if number is None:
            raise ValueError(f"there is no key {key!r}")
        return number

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version): key for key in keys}
        return {names[name]: value for name, value in self._cache.get_many(names).items()}

    def set_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        names = {self.make_and_validate_key(key, version): key for key in data}
        values = {name: data[key] for name, key in names.items()}
        return [names[name] for name in self._cache.set_many(values, self.get_backend_timeout(timeout))]

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        self._cache.delete_many([self.make_and_validate_key(key, version) for key in keys])

    def get_or_set(self, key: Any, default: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> Any:
        name, ttl = self.make_and_validate_key(key, version), self.get_backend_timeout(timeout)
        if ttl == -1:
            return super().get_or_set(key, default, timeout, version)
        return self._cache.get_or_set(name, _factory(default), ttl)

    def clear(self) -> None:
        """Everything in the cache goes, whatever its prefix."""
        self._cache.flush_all()

    # Nothing is awaited: a call is shorter than a change of threads.

    async def aget(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self.get(key, default, version)

    async def aset(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self.set(key, value, timeout, version)

    async def aadd(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self.add(key, value, timeout, version)

    async def atouch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self.touch(key, timeout, version)

    async def adelete(self, key: Any, version: int | None = None) -> bool:
        return self.delete(key, version)

    async def aincr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        return self.incr(key, delta, version)

    async def aget_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        return self.get_many(keys, version)

    async def aset_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        return self.set_many(data, timeout, version)

    async def adelete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        self.delete_many(keys, version)

    async def aget_or_set(
        self, key: Any, default: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> Any:
        name, ttl = self.make_and_validate_key(key, version), self.get_backend_timeout(timeout)
        if ttl == -1:
            return await super().aget_or_set(key, default, timeout, version)
        return await self._cache.aget_or_set(name, _factory(default), ttl)

    async def aclear(self) -> None:
        self.clear()


def _factory(default: Any) -> Callable[[], Any]:
    return default if callable(default) else lambda: default
