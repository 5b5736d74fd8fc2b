"""memcached as near as a function call: a cache with a memory limit, expiry and eviction, in one process or
shared by many.

>>> import nearcache
>>> c = nearcache.Cache("64MiB")
>>> c.set("greeting", "hello", expire=60)
True
>>> c["greeting"]
'hello'

What must not be forgotten is in a Store and its Queues, in a directory or behind a daemon's socket.
"""

from nearcache._cache import Cache
from nearcache._lock import Lock
from nearcache._memoize import AsyncMemoized, MemoInfo, Memoized
from nearcache._namespace import Namespace
from nearcache._native import (
    AttachError,
    Batch,
    BatchRefusedError,
    CacheClosedError,
    CacheError,
    CacheFile,
    CacheInfo,
    CacheProcess,
    Consumer,
    DiskFullError,
    IllegalKeyError,
    KeyIterator,
    LayoutMismatchError,
    Lease,
    LeaseEndedError,
    LockTimeoutError,
    Message,
    NoQueueError,
    NotNumericError,
    OutOfMemoryError,
    Pin,
    Queue,
    QueueFullError,
    QuotaExceededError,
    ReadOnlyError,
    SerdeError,
    Snapshot,
    Store,
    StoreConnectionError,
    StoreDamagedError,
    StoreError,
    StoreInUseError,
    StoreIterator,
    StoreOSError,
    ValueTooLargeError,
    __version__,
    caches,
    unlink,
)

__all__ = [
    "AsyncMemoized",
    "AttachError",
    "Batch",
    "BatchRefusedError",
    "Cache",
    "CacheClosedError",
    "CacheError",
    "CacheFile",
    "CacheInfo",
    "CacheProcess",
    "Consumer",
    "DiskFullError",
    "IllegalKeyError",
    "KeyIterator",
    "LayoutMismatchError",
    "Lease",
    "LeaseEndedError",
    "Lock",
    "LockTimeoutError",
    "MemoInfo",
    "Memoized",
    "Message",
    "Namespace",
    "NoQueueError",
    "NotNumericError",
    "OutOfMemoryError",
    "Pin",
    "Queue",
    "QueueFullError",
    "QuotaExceededError",
    "ReadOnlyError",
    "SerdeError",
    "Snapshot",
    "Store",
    "StoreConnectionError",
    "StoreDamagedError",
    "StoreError",
    "StoreInUseError",
    "StoreIterator",
    "StoreOSError",
    "ValueTooLargeError",
    "__version__",
    "caches",
    "unlink",
]

# Users know the package, not its rooms.
for _class in (AsyncMemoized, Lock, MemoInfo, Memoized, Namespace):
    _class.__module__ = "nearcache"
del _class
