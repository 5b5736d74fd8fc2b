"""memcached as near as a function call: a cache with a memory limit, expiry and eviction, in one process or
shared by many.

>>> import nearcache
>>> c = nearcache.Cache("64MiB")
>>> c.set("greeting", "hello", expire=60)
True
>>> c["greeting"]
'hello'
"""

from nearcache._cache import Cache
from nearcache._lock import Lock
from nearcache._memoize import AsyncMemoized, MemoInfo, Memoized
from nearcache._namespace import Namespace
from nearcache._native import (
    AttachError,
    CacheClosedError,
    CacheError,
    CacheFile,
    CacheInfo,
    CacheProcess,
    IllegalKeyError,
    KeyIterator,
    LayoutMismatchError,
    Lease,
    LockTimeoutError,
    NotNumericError,
    OutOfMemoryError,
    Pin,
    ReadOnlyError,
    SerdeError,
    ValueTooLargeError,
    __version__,
    caches,
    unlink,
)

__all__ = [
    "AsyncMemoized",
    "AttachError",
    "Cache",
    "CacheClosedError",
    "CacheError",
    "CacheFile",
    "CacheInfo",
    "CacheProcess",
    "IllegalKeyError",
    "KeyIterator",
    "LayoutMismatchError",
    "Lease",
    "Lock",
    "LockTimeoutError",
    "MemoInfo",
    "Memoized",
    "Namespace",
    "NotNumericError",
    "OutOfMemoryError",
    "Pin",
    "ReadOnlyError",
    "SerdeError",
    "ValueTooLargeError",
    "__version__",
    "caches",
    "unlink",
]

# Users know the package, not its rooms.
for _class in (AsyncMemoized, Lock, MemoInfo, Memoized, Namespace):
    _class.__module__ = "nearcache"
del _class
