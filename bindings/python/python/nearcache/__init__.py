"""memcached as near as a function call: a cache with a memory limit, expiry and eviction, in one process or
shared by many.

>>> import nearcache
>>> c = nearcache.Cache("64MiB")
>>> c.set("greeting", "hello", expire=60)
True
>>> c["greeting"]
'hello'
"""

from nearcache._native import (
    AttachError,
    Cache,
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
    "LockTimeoutError",
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
