"""Flask-Caching's cache in nearcache.

>>> from flask import Flask
>>> from flask_caching import Cache
>>> app = Flask("example")
>>> app.config["CACHE_TYPE"] = "nearcache.flask_caching.NearCache"
>>> app.config["CACHE_NEARCACHE_SIZE"] = "8MiB"
>>> cache = Cache(app)
>>> with app.app_context():
...     cache.set("answer", 42), cache.get("answer")
(True, 42)

CACHE_NEARCACHE_NAME is the cache's, the same for all processes of this user; without it each process has a cache of its own.
CACHE_OPTIONS are further arguments of nearcache.Cache; CACHE_KEY_PREFIX goes in front of the keys.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import Any

from nearcache._native import CacheError, NotNumericError
from nearcache._opened import opened

try:
    from flask_caching.backends.base import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
        BaseCache,
    )
except ImportError as error:
    raise ImportError("nearcache.flask_caching needs Flask-Caching: pip install flask-caching") from error

__all__ = ["NearCache"]

KEY_MAX = 250
_MISSING = object()


class NearCache(BaseCache):  # type: ignore[misc, unused-ignore]
    """A backend of flask_caching.Cache.

    A key of more than 250 bytes, as of a long path, is stored under its digest. set is False for what cannot be kept.
    """

    def __init__(
        self,
        name: str | None = None,
        size: int | str | None = None,
        key_prefix: str = "",
        default_timeout: int = 300,
        ignore_delete_many_errors: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(default_timeout)
        # Earlier versions of Flask-Caching take the one argument alone.
        self.ignore_delete_many_errors = ignore_delete_many_errors
        options["size"] = size
        self._prefix = key_prefix
        self._cache = opened(f"flask:{name}:{sorted(options.items())!r}", name, options)

    @classmethod
    def factory(cls, app: Any, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> NearCache:
        return cls(
            config.get("CACHE_NEARCACHE_NAME"),
            config.get("CACHE_NEARCACHE_SIZE"),
            config.get("CACHE_KEY_PREFIX") or "",
            *args,
            **kwargs,
        )

    def _name(self, key: str) -> bytes:
        name = (self._prefix + key).encode()
        return name if len(name) <= KEY_MAX else blake2b(name, digest_size=32).hexdigest().encode()

    def _expire(self, timeout: Any) -> timedelta | None:
        """0 is for ever."""
        seconds = self._normalize_timeout(timeout)
        return timedelta(seconds=seconds) if seconds else None

    def get(self, key: str) -> Any:
        return self._cache.get(self._name(key))

    def has(self, key: str) -> bool:
        return self._cache.get(self._name(key), _MISSING) is not _MISSING

    def get_many(self, *keys: str) -> list[Any]:
        names = [self._name(key) for key in keys]
        found = self._cache.get_many(names)
        return [found.get(name) for name in names]

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        try:
            return self._cache.set(self._name(key), value, self._expire(timeout))
        except CacheError:
            return False

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        try:
            return self._cache.add(self._name(key), value, self._expire(timeout))
        except CacheError:
            return False

    def delete(self, key: str) -> bool:
        return self._cache.delete(self._name(key))

    def clear(self) -> bool:
        """Everything in the cache goes, whatever its prefix."""
        return self._cache.flush_all()

    def inc(self, key: str, delta: int = 1) -> int | None:
        if delta < 0:
            return self.dec(key, -delta)
        try:
            return self._cache.incr(self._name(key), delta, delta, self._expire(None))
        except NotNumericError:
            # Negative or a float: not atomic, as with other backends.
            number: int | None = super().inc(key, delta)
            return number

    def dec(self, key: str, delta: int = 1) -> int | None:
        # Not atomic: a counter of the cache stops at 0, and these do not.
        number: int | None = super().dec(key, delta)
        return number
