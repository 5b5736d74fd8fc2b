"""Caches that settings and addresses stand for: opened once in a process, and the same for all who ask.

Frameworks make a client for every thread; those of one setting are to have one cache.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from nearcache._cache import Cache

__all__ = ["SCHEME", "of_address", "opened"]

SCHEME = "nearcache:"
# What memcached has if it is told nothing.
SIZE = "64MiB"

_caches: dict[str, Cache] = {}
_lock = threading.Lock()


def _renew() -> None:
    """A child does not wait for a thread that it does not have."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew)


def opened(place: str, name: str | None, options: Mapping[str, Any]) -> Cache:
    """The cache of a place, which is opened if that has not happened: by name, or private to the process."""
    with _lock:
        cache = _caches.get(place)
        if cache is None:
            made = {key: value for key, value in options.items() if value is not None}
            if not made.get("read_only"):
                made.setdefault("size", SIZE)
            if name:
                made["name"] = name
            cache = _caches[place] = Cache(**made)
        return cache


def of_address(address: str, size: int | str | None) -> Cache:
    """The cache that a server's address stands for; ``nearcache:NAME`` is the one of that name."""
    name = address[len(SCHEME) :] if address.startswith(SCHEME) else None
    return opened(address, name, {"size": size})
