"""Which cache a client's server address stands for.

Programs that come from memcached name a server. Every address is one cache of this process, the same for all clients
that name it; ``nearcache:NAME`` is the cache of that name, which other processes have, too.
"""

from __future__ import annotations

import threading
from typing import Union

import nearcache

__all__ = ["SCHEME", "cache_of"]

SCHEME = "nearcache:"
# What memcached has if it is told nothing.
SIZE = "64MiB"

_caches: dict[str, nearcache.Cache] = {}
_lock = threading.Lock()


def cache_of(address: str, size: Union[int, str, None]) -> nearcache.Cache:
    """The cache that an address stands for, made of size if it is not there."""
    with _lock:
        cache = _caches.get(address)
        if cache is None:
            name = address[len(SCHEME) :] if address.startswith(SCHEME) else None
            if name is None:
                cache = nearcache.Cache(SIZE if size is None else size)
            elif size is None:
                cache = _attached(name)
            else:
                cache = nearcache.Cache(size, name=name)
            _caches[address] = cache
        return cache


def _attached(name: str) -> nearcache.Cache:
    """The cache of that name, whatever its size."""
    try:
        return nearcache.Cache(name=name)
    except FileNotFoundError:
        return nearcache.Cache(SIZE, name=name)
