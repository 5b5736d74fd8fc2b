"""dogpile.cache's regions in nearcache.

>>> from dogpile.cache import make_region
>>> region = make_region().configure("nearcache", expiration_time=60, arguments={"size": "8MiB"})
>>> region.get_or_create("answer", lambda: 42)
42

Arguments: name (of the cache, the same for all processes of this user; without it each process has a cache of its own),
distributed_lock (one creator of all processes instead of one of each), lock_timeout (seconds after which the lock of a
killed creator ends, 30), expire (seconds after which the cache forgets a value; dogpile's own expiration_time does not free
memory), and those of nearcache.Cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from nearcache._cache import Cache
from nearcache._lock import Lock
from nearcache._opened import opened

try:
    from dogpile.cache.api import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
        NO_VALUE,
        BytesBackend,
    )
except ImportError as error:
    raise ImportError("nearcache.dogpile needs dogpile.cache: pip install dogpile.cache") from error

__all__ = ["NearCacheBackend"]

KEY_MAX = 250


class Mutex:
    """The lock of a key, which a region has once for all its threads."""

    def __init__(self, cache: Cache, key: str, expire: float) -> None:
        self._cache = cache
        self._key = key
        self._expire = expire
        self._held: Lock | None = None

    def acquire(self, wait: bool = True) -> bool:
        lock = self._cache.lock(self._key, self._expire if wait else 0, self._expire)
        while not lock.acquire():
            if not wait:
                return False
        self._held = lock
        return True

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.release()

    def locked(self) -> bool:
        return self._held is not None


class NearCacheBackend(BytesBackend):  # type: ignore[misc, unused-ignore]
    """A backend of dogpile.cache, "nearcache"."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        options = dict(arguments)
        name = options.pop("name", None)
        self._distributed = bool(options.pop("distributed_lock", False))
        self._lock_timeout = float(options.pop("lock_timeout", 30))
        expire = options.pop("expire", None)
        self._expire = timedelta(seconds=expire) if expire else None
        self._cache = opened(f"dogpile:{name}:{sorted(options.items())!r}", name, options)

    def key_mangler(self, key: str) -> str:
        """A key that is too long is its digest."""
        data = key.encode()
        # The lock of a key adds a few bytes to it.
        return key if len(data) <= KEY_MAX - 20 else blake2b(data, digest_size=32).hexdigest()

    def has_lock_timeout(self) -> bool:
        return self._distributed

    def get_mutex(self, key: str) -> Any:
        return Mutex(self._cache, key, self._lock_timeout) if self._distributed else None

    def get_serialized(self, key: str) -> Any:
        return self._cache.get(key, NO_VALUE)

    def get_serialized_multi(self, keys: Iterable[str]) -> list[Any]:
        names = list(keys)
        found = self._cache.get_many(names)
        return [found.get(name, NO_VALUE) for name in names]

    def set_serialized(self, key: str, value: bytes) -> None:
        self._cache.set(key, value, self._expire)

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        self._cache.set_many(dict(mapping), self._expire)

    def delete(self, key: str) -> None:
        self._cache.delete(key)

    def delete_multi(self, keys: Iterable[str]) -> None:
        self._cache.delete_many(list(keys))
