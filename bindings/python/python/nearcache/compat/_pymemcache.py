"""The clients of nearcache.compat.pymemcache, one cache each, and their exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, TypeVar, Union

import nearcache
from nearcache._opened import SCHEME, of_address


class MemcacheError(Exception):
    """Base of the errors of a client."""


class MemcacheClientError(MemcacheError):
    """The cache refuses what it was asked for."""


class MemcacheUnknownCommandError(MemcacheClientError):
    """There is no such command."""


class MemcacheIllegalInputError(MemcacheClientError):
    """A key or a value is not legal."""


class MemcacheServerError(MemcacheError):
    """The cache failed."""


class MemcacheUnexpectedCloseError(MemcacheServerError):
    """A connection was closed; there is none here, but programs catch it."""


class MemcacheUnknownError(MemcacheError):
    """A server's answer made no sense; there is none here, but programs catch it."""


if not TYPE_CHECKING:
    # Programs catch pymemcache's own, if it is there.
    with suppress(ImportError):
        from pymemcache.exceptions import (
            MemcacheClientError,
            MemcacheError,
            MemcacheIllegalInputError,
            MemcacheServerError,
            MemcacheUnexpectedCloseError,
            MemcacheUnknownCommandError,
            MemcacheUnknownError,
        )

__all__ = [
    "Client",
    "MemcacheClientError",
    "MemcacheError",
    "MemcacheIllegalInputError",
    "MemcacheServerError",
    "MemcacheUnexpectedCloseError",
    "MemcacheUnknownCommandError",
    "MemcacheUnknownError",
    "PooledClient",
]

Key = Union[str, bytes]
Server = Union[nearcache.Cache, str, tuple[str, int]]
T = TypeVar("T")

KEY_MAX = 250
_SPACE_OR_NUL = re.compile(rb"[\x00\t-\r ]")
_FORMAT = b"bad command line format"
_FLAGS_MAX = (1 << 32) - 1
_CAS_MAX = (1 << 64) - 1


class _Functions:
    """A serde of two functions, of which either may be missing."""

    def __init__(self, serializer: Callable[..., Any] | None, deserializer: Callable[..., Any] | None) -> None:
        self.serialize = serializer or (lambda key, value: (value, 0))
        self.deserialize = deserializer or (lambda key, value, flags: value)


class Client:
    """pymemcache.client.base.Client on a cache.

    server is a nearcache.Cache, an address, or "nearcache:NAME". All clients of an address have the one cache of this
    process that it stands for; of a name, the one that all processes have. size is that of a cache that is not there yet,
    64 MiB if it is not given. What concerns sockets is taken and has no effect. A client may be used by any number of
    threads.
    """

    def __init__(
        self,
        server: Server,
        serde: Any = None,
        serializer: Callable[..., Any] | None = None,
        deserializer: Callable[..., Any] | None = None,
        connect_timeout: float | None = None,
        timeout: float | None = None,
        no_delay: bool = False,
        ignore_exc: bool = False,
        socket_module: Any = None,
        socket_keepalive: Any = None,
        key_prefix: Key = b"",
        default_noreply: bool = True,
        allow_unicode_keys: bool = False,
        encoding: str = "ascii",
        tls_context: Any = None,
        *,
        size: int | str | None = None,
    ) -> None:
        self.cache, self.server = _cache_and_server(server, size)
        self.serde = serde or _Functions(serializer, deserializer)
        self.ignore_exc = ignore_exc
        if isinstance(key_prefix, str):
            key_prefix = key_prefix.encode("ascii")
        if not isinstance(key_prefix, bytes):
            raise TypeError(f"key_prefix is bytes, not {type(key_prefix).__name__}")
        self.key_prefix = key_prefix
        self.default_noreply = default_noreply
        self.allow_unicode_keys = allow_unicode_keys
        self.encoding = encoding

    def check_key(self, key: Key, key_prefix: bytes) -> bytes:
        """The key as it is stored, or MemcacheIllegalInputError."""
        if isinstance(key, str):
            try:
                key = key.encode("utf8" if self.allow_unicode_keys else "ascii")
            except UnicodeEncodeError:
                raise MemcacheIllegalInputError(f"the key is not ASCII: {key!r}") from None
        key = key_prefix + key
        if len(key) > KEY_MAX:
            raise MemcacheIllegalInputError(f"the key has {len(key)} bytes, more than {KEY_MAX}: {key!r}")
        if _SPACE_OR_NUL.search(key):
            raise MemcacheIllegalInputError(f"the key has white space or a zero byte: {key!r}")
        return key

    def close(self) -> None:
        """Nothing is open that could be closed."""

    disconnect_all = close

    def quit(self) -> None:
        """As close."""

    # Storing.

    def set(self, key: Key, value: Any, expire: int = 0, noreply: bool | None = None, flags: int | None = None) -> bool:
        return self._store("set", key, value, expire, noreply, flags)

    def add(self, key: Key, value: Any, expire: int = 0, noreply: bool | None = None, flags: int | None = None) -> bool:
        return self._store("add", key, value, expire, noreply, flags)

    def replace(
        self, key: Key, value: Any, expire: int = 0, noreply: bool | None = None, flags: int | None = None
    ) -> bool:
        return self._store("replace", key, value, expire, noreply, flags)

    def append(
        self, key: Key, value: Any, expire: int = 0, noreply: bool | None = None, flags: int | None = None
    ) -> bool:
        return self._store("append", key, value, expire, noreply, flags)

    def prepend(
        self, key: Key, value: Any, expire: int = 0, noreply: bool | None = None, flags: int | None = None
    ) -> bool:
        return self._store("prepend", key, value, expire, noreply, flags)

    def cas(
        self,
        key: Key,
        value: Any,
        cas: int | str | bytes,
        expire: int = 0,
        noreply: bool = False,
        flags: int | None = None,
    ) -> bool | None:
        unique = _unique(cas)
        name, data, data_flags = self._encoded(key, value, flags)

        def store() -> bool | None:
            return self.cache.cas_raw(name, data, _checked(data_flags, _FLAGS_MAX), _checked(unique, _CAS_MAX), expire)

        _integer(expire, "expire")
        heard: bool | None = True
        return self._run(noreply, heard, store)

    def set_many(
        self, values: Mapping[Any, Any], expire: int = 0, noreply: bool | None = None, flags: int | None = None
    ) -> list[Any]:
        noreply = self.default_noreply if noreply is None else noreply
        _integer(expire, "expire")
        # All are looked at before any is stored.
        items = [(key, *self._encoded(key, value, flags)) for key, value in values.items()]
        error: MemcacheError | None = None
        failed = []
        for key, name, data, data_flags in items:
            try:
                if not self._put("set", name, data, data_flags, expire, noreply):
                    failed.append(key)
            except MemcacheError as raised:
                error = error or raised
        if error is not None:
            raise error
        return failed

    set_multi = set_many

    # Reading.

    def get(self, key: Key, default: Any = None) -> Any:
        name = self.check_key(key, self.key_prefix)
        try:
            found = self._run(False, None, partial(self.cache.get_raw, name))
            return default if found is None else self.serde.deserialize(key, *found)
        except Exception:
            if self.ignore_exc:
                return default
            raise

    def gets(self, key: Key, default: Any = None, cas_default: Any = None) -> tuple[Any, Any]:
        return self.gets_many([key]).get(key, (default, cas_default))

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        return {key: value for key, (value, _) in self._fetch(keys).items()}

    get_multi = get_many

    def gets_many(self, keys: Iterable[Any]) -> dict[Any, tuple[Any, bytes]]:
        return self._fetch(keys)

    # The rest.

    def delete(self, key: Key, noreply: bool | None = None) -> bool:
        name = self.check_key(key, self.key_prefix)
        noreply = self.default_noreply if noreply is None else noreply
        return self._run(noreply, True, partial(self.cache.delete, name))

    def delete_many(self, keys: Iterable[Key], noreply: bool | None = None) -> bool:
        noreply = self.default_noreply if noreply is None else noreply
        for name in [self.check_key(key, self.key_prefix) for key in keys]:
            self._run(noreply, True, partial(self.cache.delete, name))
        return True

    delete_multi = delete_many

    def incr(self, key: Key, value: int, noreply: bool | None = False) -> int | None:
        return self._count(self.cache.incr, key, value, noreply)

    def decr(self, key: Key, value: int, noreply: bool | None = False) -> int | None:
        return self._count(self.cache.decr, key, value, noreply)

    def touch(self, key: Key, expire: int = 0, noreply: bool | None = None) -> bool:
        name = self.check_key(key, self.key_prefix)
        noreply = self.default_noreply if noreply is None else noreply
        _integer(expire, "expire")
        return self._run(noreply, True, partial(self.cache.touch, name, expire))

    def flush_all(self, delay: int = 0, noreply: bool | None = None) -> bool:
        noreply = self.default_noreply if noreply is None else noreply
        _integer(delay, "delay")
        return self._run(noreply, True, partial(self.cache.flush_all, delay))

    def stats(self, *args: str) -> dict[bytes, Any]:
        if args:
            raise MemcacheClientError(f"stats {' '.join(map(str, args))} is a server's: ask for stats() of the cache")
        return {name.encode(): value for name, value in self.cache.stats().items()}

    def version(self) -> bytes:
        return nearcache.__version__.encode()

    def cache_memlimit(self, memlimit: int) -> bool:
        raise MemcacheClientError("the size of a cache is given when it is made, and stays")

    def raw_command(self, command: Key, end_tokens: Key = "\r\n") -> bytes:
        # There is no protocol, so that no command is known.
        raise MemcacheUnknownCommandError(command.encode() if isinstance(command, str) else command)

    def shutdown(self, graceful: bool = False) -> None:
        raise MemcacheServerError(b"shutdown not enabled")

    def __setitem__(self, key: Key, value: Any) -> None:
        self.set(key, value, noreply=True)

    def __getitem__(self, key: Key) -> Any:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __delitem__(self, key: Key) -> None:
        self.delete(key, noreply=True)

    def _store(self, verb: str, key: Key, value: Any, expire: int, noreply: bool | None, flags: int | None) -> bool:
        _integer(expire, "expire")
        noreply = self.default_noreply if noreply is None else noreply
        return self._put(verb, *self._encoded(key, value, flags), expire, noreply)

    def _put(self, verb: str, name: bytes, data: bytes, flags: int, expire: int, noreply: bool) -> bool:
        def store() -> bool:
            call = getattr(self.cache, f"{verb}_raw")
            checked = _checked(flags, _FLAGS_MAX)
            # What is added to a value has its flags and its expiry.
            return bool(call(name, data) if verb in ("append", "prepend") else call(name, data, checked, expire))

        return self._run(noreply, True, store)

    def _encoded(self, key: Key, value: Any, flags: int | None) -> tuple[bytes, bytes, int]:
        name = self.check_key(key, self.key_prefix)
        data, data_flags = self.serde.serialize(key, value)
        if not isinstance(data, bytes):
            try:
                data = str(data).encode(self.encoding)
            except UnicodeEncodeError as error:
                raise MemcacheIllegalInputError(
                    f"the value is not {self.encoding}: {error}; encode it, or give the client a serde"
                ) from None
        return name, data, data_flags if flags is None else flags

    def _fetch(self, keys: Iterable[Any]) -> dict[Any, tuple[Any, bytes]]:
        names = [(key, self.check_key(key, self.key_prefix)) for key in keys]
        result = {}
        try:
            for key, name in names:
                found = self._run(False, None, partial(self.cache.gets_raw, name))
                if found is not None:
                    data, flags, unique = found
                    result[key] = self.serde.deserialize(key, data, flags), b"%d" % unique
        except Exception:
            if self.ignore_exc:
                return {}
            raise
        return result

    def _count(
        self, verb: Callable[[bytes, int], int | None], key: Key, value: int, noreply: bool | None
    ) -> int | None:
        name = self.check_key(key, self.key_prefix)
        _integer(value, "value")

        def count() -> int | None:
            if not 0 <= value <= _CAS_MAX:
                raise MemcacheClientError(b"invalid numeric delta argument")
            return verb(name, value)

        return self._run(bool(noreply), None, count)

    def _run(self, noreply: bool, unheard: T, call: Callable[[], T]) -> T:
        """What the call returns, its errors in a server's words; if nobody listens, neither."""
        try:
            result = call()
        except MemcacheError:
            if noreply:
                return unheard
            raise
        except nearcache.CacheError as error:
            if noreply:
                return unheard
            raise _translated(error) from error
        except ValueError as error:
            # A number of more than 64 bits.
            if noreply:
                return unheard
            raise MemcacheClientError(_FORMAT) from error
        return unheard if noreply else result


class PooledClient(Client):
    """pymemcache.client.base.PooledClient: a Client, which needs no pool."""

    def __init__(
        self,
        server: Server,
        serde: Any = None,
        serializer: Callable[..., Any] | None = None,
        deserializer: Callable[..., Any] | None = None,
        connect_timeout: float | None = None,
        timeout: float | None = None,
        no_delay: bool = False,
        ignore_exc: bool = False,
        socket_module: Any = None,
        socket_keepalive: Any = None,
        key_prefix: Key = b"",
        max_pool_size: int | None = None,
        pool_idle_timeout: float = 0,
        lock_generator: Any = None,
        default_noreply: bool = True,
        allow_unicode_keys: bool = False,
        encoding: str = "ascii",
        tls_context: Any = None,
        *,
        size: int | str | None = None,
    ) -> None:
        super().__init__(
            server,
            serde,
            serializer,
            deserializer,
            ignore_exc=ignore_exc,
            key_prefix=key_prefix,
            default_noreply=default_noreply,
            allow_unicode_keys=allow_unicode_keys,
            encoding=encoding,
            size=size,
        )

    def get(self, key: Key, default: Any = None) -> Any:
        return self._ignoring(default, super().get, key, default)

    def gets(self, key: Key, default: Any = None, cas_default: Any = None) -> tuple[Any, Any]:
        return self._ignoring((default, cas_default), super().gets, key, default, cas_default)

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        return self._ignoring({}, super().get_many, keys)

    get_multi = get_many

    def gets_many(self, keys: Iterable[Any]) -> dict[Any, tuple[Any, bytes]]:
        return self._ignoring({}, super().gets_many, keys)

    def _ignoring(self, otherwise: T, call: Callable[..., T], *args: Any) -> T:
        """A pool ignores every error of a reading verb, that of an illegal key, too."""
        try:
            return call(*args)
        except Exception:
            if self.ignore_exc:
                return otherwise
            raise


def _cache_and_server(server: Server, size: int | str | None) -> tuple[nearcache.Cache, Any]:
    """The cache, and the address as pymemcache would have it."""
    if isinstance(server, nearcache.Cache):
        return server, server
    if isinstance(server, tuple):
        address = server
    elif not isinstance(server, str):
        raise ValueError(f"a server is a nearcache.Cache, an address or nearcache:NAME, not {server!r}")
    elif server.startswith((SCHEME, "/")):
        return of_address(server, size), server
    elif server.startswith("unix:"):
        return of_address(server[5:], size), server[5:]
    else:
        host, colon, port = server.rpartition(":")
        address = (server, 11211) if not colon or server.endswith("]") else (host, int(port))
    host = address[0].strip("[]")
    return of_address(f"{host}:{address[1]}", size), (host, address[1])


def _integer(value: object, name: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MemcacheIllegalInputError(f"{name} is an integer, not {value!r}")


def _unique(cas: object) -> int:
    text = cas.decode("latin-1") if isinstance(cas, bytes) else cas
    if not isinstance(text, (int, str)) or not re.fullmatch(r"[0-9]+", str(text)):
        raise MemcacheIllegalInputError(f"cas is an integer, or a str or bytes of digits, not {cas!r}")
    return int(text)


def _checked(number: int, most: int) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise MemcacheClientError(_FORMAT)
    return number


def _translated(error: nearcache.CacheError) -> MemcacheError:
    if isinstance(error, nearcache.IllegalKeyError):
        # All that passes check_key and is none: an empty one.
        return MemcacheClientError(_FORMAT)
    if isinstance(error, nearcache.NotNumericError):
        return MemcacheClientError(b"cannot increment or decrement non-numeric value")
    if isinstance(error, nearcache.ValueTooLargeError):
        return MemcacheServerError(b"object too large for cache")
    if isinstance(error, nearcache.OutOfMemoryError):
        return MemcacheServerError(b"out of memory storing object")
    return MemcacheServerError(str(error).encode())
