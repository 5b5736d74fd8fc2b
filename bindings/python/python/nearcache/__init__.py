"""memcached as near as a function call: an in-process cache with a memory limit, expiry and eviction.

>>> import nearcache
>>> c = nearcache.Cache("64MiB")
>>> c.set("greeting", "hello", expire=60)
True
>>> c["greeting"]
'hello'
"""

from nearcache._native import (
    Cache,
    CacheClosedError,
    CacheError,
    IllegalKeyError,
    KeyIterator,
    NotNumericError,
    OutOfMemoryError,
    SerdeError,
    ValueTooLargeError,
    __version__,
)

__all__ = [
    "Cache",
    "CacheClosedError",
    "CacheError",
    "IllegalKeyError",
    "KeyIterator",
    "NotNumericError",
    "OutOfMemoryError",
    "SerdeError",
    "ValueTooLargeError",
    "__version__",
]
