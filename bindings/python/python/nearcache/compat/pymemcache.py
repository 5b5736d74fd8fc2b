"""pymemcache's clients on a cache of this process, or of a name: same signatures, results and exceptions.

Where a program says ``from pymemcache.client.base import Client``, say ``from nearcache.compat.pymemcache import Client``.
pymemcache need not be installed; if it is, the exceptions are its own.

>>> client = Client("localhost", size="8MiB")
>>> client.set("greeting", b"hello", expire=60), client.get("greeting")
(True, b'hello')
"""

from __future__ import annotations

from nearcache.compat._pymemcache import (
    Client,
    MemcacheClientError,
    MemcacheError,
    MemcacheIllegalInputError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
    MemcacheUnknownCommandError,
    MemcacheUnknownError,
    PooledClient,
)
from nearcache.compat._ring import HashClient

__all__ = [
    "Client",
    "HashClient",
    "MemcacheClientError",
    "MemcacheError",
    "MemcacheIllegalInputError",
    "MemcacheServerError",
    "MemcacheUnexpectedCloseError",
    "MemcacheUnknownCommandError",
    "MemcacheUnknownError",
    "PooledClient",
]
