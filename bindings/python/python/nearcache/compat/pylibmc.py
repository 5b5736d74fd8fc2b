"""pylibmc's client on a cache of this process, or of a name: same signatures, results and exceptions.

Where a program says ``import pylibmc``, say ``from nearcache.compat import pylibmc``. pylibmc and libmemcached need not be
installed; if they are, the exceptions are pylibmc's own.

>>> client = Client(["localhost"], size="8MiB")
>>> client["cats"] = ["on acid", "furry"]
>>> client["cats"], client.set_multi({"a": 1}, key_prefix="p:"), client.incr("p:a")
(['on acid', 'furry'], [], 2)
"""

from __future__ import annotations

import pickle
import re
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import index
from queue import Queue
from typing import Any, TypeVar, Union

import nearcache
from nearcache.compat._behaviors import DEFAULTS, Behaviors, checked
from nearcache.compat._pylibmc_errors import (
    BadKeyProvided,
    CacheMiss,
    ClientError,
    Error,
    MemcachedError,
    NotFound,
    ServerError,
    TooBig,
    of_servers,
)
from nearcache._opened import of_address

__all__ = [
    "BadKeyProvided",
    "CacheMiss",
    "Client",
    "ClientError",
    "ClientPool",
    "Error",
    "MemcachedError",
    "NotFound",
    "ServerError",
    "ThreadMappedPool",
    "TooBig",
]

Key = Union[str, bytes]
K = TypeVar("K", bound=Union[str, bytes])

KEY_MAX = 250
PICKLE, BOOL, INTEGER, ZLIB, TEXT = 1, 2, 4, 8, 16
_TYPES = PICKLE | BOOL | INTEGER | TEXT
_DELTA_MAX = (1 << 63) - 1
_SPACE_OR_CONTROL = re.compile(rb"[\x00-\x20\x7f]")
_MISSING = object()
_of_servers = of_servers()


def __getattr__(name: str) -> Any:
    """pylibmc.ServerDown and the like, which are never raised here."""
    try:
        return _of_servers[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


class Client:
    """pylibmc.Client on a cache.

    servers is a list of addresses, of "nearcache:NAME" or of a nearcache.Cache; it is one cache, that of the first. All
    clients of an address have the one cache of this process that it stands for; of a name, the one that all processes have.
    size is that of a cache that is not there yet, 64 MiB if it is not given. Any number of threads may use a client.
    serialize and deserialize may be overridden.
    """

    def __init__(
        self,
        servers: Iterable[Any],
        behaviors: Mapping[str, Any] | None = None,
        binary: bool = False,
        username: str | None = None,
        password: str | None = None,
        *,
        size: int | str | None = None,
    ) -> None:
        self.addresses = list(servers)
        self.binary = binary
        if not self.addresses:
            raise Error("the list of servers is empty")
        first = self.addresses[0]
        if isinstance(first, nearcache.Cache):
            self.cache = first
        else:
            self.cache = of_address(_address(first), size)
        self._behaviors = {**DEFAULTS, **checked(behaviors)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.addresses!r}, binary={self.binary!r})"

    def __str__(self) -> str:
        return f"<{type(self).__name__} for {', '.join(map(str, self.addresses))}, binary={self.binary!r}>"

    def clone(self) -> Client:
        """Another client of the same cache."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.addresses = list(self.addresses)
        other._behaviors = dict(self._behaviors)
        return other

    def disconnect_all(self) -> None:
        """Nothing is connected."""

    # Behaviors.

    def get_behaviors(self) -> Behaviors:
        return Behaviors(self, self._behaviors)

    def set_behaviors(self, behaviors: Mapping[str, Any] | None) -> None:
        self._behaviors.update(checked(behaviors))

    behaviors = property(get_behaviors, set_behaviors)

    # Values.

    def serialize(self, value: Any) -> tuple[bytes, int]:
        """The bytes and flags of a value."""
        if type(value) is bytes:
            return value, 0
        if isinstance(value, str):
            return value.encode(), TEXT
        if isinstance(value, bool):
            return b"%d" % value, BOOL
        if isinstance(value, int):
            return str(value).encode(), INTEGER
        return pickle.dumps(value, self._behaviors["pickle_protocol"]), PICKLE

    def deserialize(self, data: bytes, flags: int) -> Any:
        """The value of bytes and flags; CacheMiss makes it a miss."""
        kind = flags & _TYPES
        if kind == 0:
            return data
        if kind == TEXT:
            return data.decode()
        if kind in (BOOL, INTEGER):
            return int(data)
        if kind == PICKLE:
            return pickle.loads(data)
        raise Error(f"the flags {flags} are no value's")

    def _stored(self, value: Any, min_compress_len: int, compress_level: int) -> tuple[bytes, int]:
        data, flags = self.serialize(value)
        if min_compress_len and len(data) >= min_compress_len:
            compressed = zlib.compress(data, compress_level)
            if len(compressed) < len(data):
                return compressed, flags | ZLIB
        return data, flags

    def _loaded(self, data: bytes, flags: int, otherwise: Any) -> Any:
        try:
            return self.deserialize(zlib.decompress(data) if flags & ZLIB else data, flags & ~ZLIB)
        except CacheMiss:
            return otherwise

    # Reading.

    def get(self, key: Key, default: Any = None, /) -> Any:
        name = _name(key)
        found = self.cache.get_raw(name) if name else None
        return default if found is None else self._loaded(*found, default)

    def gets(self, key: Key, /) -> tuple[Any, int | None]:
        self._need_cas("gets")
        name = _name(key)
        found = self.cache.gets_raw(name) if name else None
        if found is None:
            return None, None
        data, flags, unique = found
        return self._loaded(data, flags, None), unique

    def get_multi(self, keys: Iterable[K], key_prefix: Key | None = None) -> dict[K, Any]:
        made = {}
        for key in _listed(keys):
            value = self.get(_prefixed(key_prefix, key), _MISSING) if key else _MISSING
            if value is not _MISSING:
                made[key] = value
        return made

    # Storing.

    def set(self, key: Key, val: Any, time: int = 0, min_compress_len: int = 0, compress_level: int = -1) -> bool:
        return self._store("set_raw", key, val, time, min_compress_len, compress_level)

    def add(self, key: Key, val: Any, time: int = 0, min_compress_len: int = 0, compress_level: int = -1) -> bool:
        return self._store("add_raw", key, val, time, min_compress_len, compress_level)

    def replace(self, key: Key, val: Any, time: int = 0, min_compress_len: int = 0, compress_level: int = -1) -> bool:
        return self._store("replace_raw", key, val, time, min_compress_len, compress_level)

    def append(self, key: Key, val: Any, time: int = 0, min_compress_len: int = 0, compress_level: int = -1) -> bool:
        name, data = _name(key), self.serialize(val)[0]
        return _raising(self.cache.append_raw, name, data) is True if name else False

    def prepend(self, key: Key, val: Any, time: int = 0, min_compress_len: int = 0, compress_level: int = -1) -> bool:
        name, data = _name(key), self.serialize(val)[0]
        return _raising(self.cache.prepend_raw, name, data) is True if name else False

    def cas(self, key: Key, val: Any, cas: int, time: int = 0) -> bool:
        self._need_cas("cas")
        name = _needed(key)
        stored = _raising(self.cache.cas_raw, name, *self.serialize(val), index(cas), index(time))
        if stored is None:
            raise NotFound(f"there is no {key!r}")
        return bool(stored)

    def set_multi(
        self,
        mapping: Mapping[Any, Any],
        time: int = 0,
        key_prefix: Key | None = None,
        min_compress_len: int = 0,
        compress_level: int = -1,
    ) -> list[Any]:
        return self._store_multi("set_raw", mapping, time, key_prefix, min_compress_len, compress_level)

    def add_multi(
        self,
        mapping: Mapping[Any, Any],
        time: int = 0,
        key_prefix: Key | None = None,
        min_compress_len: int = 0,
        compress_level: int = -1,
    ) -> list[Any]:
        return self._store_multi("add_raw", mapping, time, key_prefix, min_compress_len, compress_level)

    def _store(self, verb: str, key: Key, val: Any, time: int, min_compress_len: int, compress_level: int) -> bool:
        name, until = _name(key), index(time)
        data, flags = self._stored(val, min_compress_len, compress_level)
        return bool(name and _raising(getattr(self.cache, verb), name, data, flags, until))

    def _store_multi(
        self,
        verb: str,
        mapping: Mapping[Any, Any],
        time: int,
        key_prefix: Key | None,
        min_compress_len: int,
        compress_level: int,
    ) -> list[Any]:
        if not isinstance(mapping, dict):
            raise TypeError(f"mapping is a dict, not {type(mapping).__name__}")
        return [
            key
            for key, val in mapping.items()
            if not key or not self._store(verb, _prefixed(key_prefix, key), val, time, min_compress_len, compress_level)
        ]

    # The rest.

    def delete(self, key: Key, /) -> bool:
        name = _name(key)
        return bool(name and _raising(self.cache.delete, name))

    def delete_multi(self, keys: Iterable[Key], key_prefix: Key | None = None) -> bool:
        deleted = [bool(key) and self.delete(_prefixed(key_prefix, key)) for key in _listed(keys)]
        return all(deleted)

    def touch(self, key: Key, time: int, /) -> bool:
        name, until = _name(key), index(time)
        return bool(name and _raising(self.cache.touch, name, until))

    def incr(self, key: Key, delta: int = 1, /) -> int:
        return self._count("incr", key, delta)

    def decr(self, key: Key, delta: int = 1, /) -> int:
        return self._count("decr", key, delta)

    def incr_multi(self, keys: Iterable[Key], key_prefix: Key | None = None, delta: int = 1) -> None:
        missing = 0
        for key in _listed(keys):
            try:
                self.incr(_prefixed(key_prefix, key), delta)
            except NotFound:
                missing += 1
        if missing:
            raise NotFound(f"{missing} keys are not there")

    def flush_all(self, time: int = 0) -> bool:
        return bool(_raising(self.cache.flush_all, index(time)))

    def get_stats(self, args: str | None = None, /) -> list[tuple[bytes, dict[str, bytes]]]:
        if args:
            raise Error(f"stats {args} is a server's: ask for get_stats() of the cache")
        stats = {name: b"%d" % value for name, value in self.cache.stats().items()}
        return [(f"{self.addresses[0]} (0)".encode(), stats)]

    def hash(self, key: Key, /) -> int:
        """The number of the server that has the key: the one that there is."""
        _name(key)
        return 0

    def _count(self, verb: str, key: Key, delta: int) -> int:
        name, by = _needed(key), index(delta)
        if by < 0:
            raise ValueError(f"delta is 0 or more, not {by}")
        if by > _DELTA_MAX:
            raise OverflowError(f"delta is at most {_DELTA_MAX}, not {by}")
        counted = _raising(getattr(self.cache, verb), name, by)
        if counted is None:
            raise NotFound(f"there is no {key!r}")
        return int(counted)

    def _need_cas(self, verb: str) -> None:
        if not self._behaviors["cas"]:
            raise ValueError(f'{verb} needs the behavior cas: client.behaviors["cas"] = True')

    # The mapping protocol.

    def __getitem__(self, key: Key) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Key, value: Any) -> None:
        if not self.set(key, value):
            raise KeyError(f"it cannot be stored: {key!r}")

    def __delitem__(self, key: Key) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key: Key) -> bool:
        return self.get(key, _MISSING) is not _MISSING


class ClientPool(Queue["Client"]):
    """pylibmc.ClientPool; a client needs none, as any number of threads may use it."""

    def __init__(self, mc: Client | None = None, n_slots: int = 0) -> None:
        super().__init__(n_slots)
        if mc is not None and n_slots:
            self.fill(mc, n_slots)

    @contextmanager
    def reserve(self, block: bool = False) -> Iterator[Client]:
        client = self.get(block)
        try:
            yield client
        finally:
            self.put(client)

    def fill(self, mc: Client, n_slots: int) -> None:
        for _ in range(n_slots):
            self.put(mc.clone())


class ThreadMappedPool(dict[int, Client]):
    """pylibmc.ThreadMappedPool; a client needs none, as any number of threads may use it."""

    def __init__(self, master: Client) -> None:
        super().__init__()
        self.master = master

    @contextmanager
    def reserve(self) -> Iterator[Client]:
        client = self.pop(threading.get_ident(), None) or self.master.clone()
        try:
            yield client
        finally:
            self[threading.get_ident()] = client

    def relinquish(self) -> Client | None:
        return self.pop(threading.get_ident(), None)


def _address(server: object) -> str:
    """An address as a key among addresses."""
    if isinstance(server, tuple):
        # (type, host, port), as pylibmc's C half has it.
        return f"{server[-2]}:{server[-1]}"
    if not isinstance(server, str):
        raise TypeError(f"a server is a nearcache.Cache, an address or nearcache:NAME, not {server!r}")
    address = server[4:] if server.startswith("udp:") else server
    if address.startswith("/") or ":" in address.rpartition("]")[2]:
        return address
    return f"{address.strip('[]')}:11211"


def _name(key: Key) -> bytes:
    """The key's bytes, none if it is empty."""
    if isinstance(key, str):
        key = key.encode()
    elif not isinstance(key, bytes):
        raise TypeError(f"a key is str or bytes, not {type(key).__name__}")
    if len(key) > KEY_MAX:
        raise ValueError(f"the key has {len(key)} bytes, more than {KEY_MAX}")
    if _SPACE_OR_CONTROL.search(key):
        raise BadKeyProvided(f"the key has white space or control characters: {key!r}")
    return key


def _needed(key: Key) -> bytes:
    name = _name(key)
    if not name:
        raise BadKeyProvided("the key is empty")
    return name


def _prefixed(prefix: Key | None, key: Key) -> Key:
    if not isinstance(key, (str, bytes)):
        raise TypeError(f"a key is str or bytes, not {type(key).__name__}")
    if not prefix:
        return key
    return (prefix.encode() if isinstance(prefix, str) else prefix) + (key.encode() if isinstance(key, str) else key)


def _listed(keys: Iterable[K]) -> list[K]:
    if isinstance(keys, Mapping):
        raise TypeError("keys are a sequence, not a mapping")
    return list(keys)


def _raising(call: Any, *args: Any) -> Any:
    """What the call returns, with its errors as pylibmc's."""
    try:
        return call(*args)
    except nearcache.ValueTooLargeError as error:
        raise TooBig(str(error)) from error
    except nearcache.NotNumericError as error:
        raise ClientError(str(error)) from error
    except nearcache.CacheError as error:
        raise ServerError(str(error)) from error
