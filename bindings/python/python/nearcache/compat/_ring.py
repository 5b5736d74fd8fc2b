"""The client of nearcache.compat.pymemcache that takes a list of servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable, TypeVar

from nearcache.compat._pymemcache import Client, Key, MemcacheError, Server

__all__ = ["HashClient"]

T = TypeVar("T")


class HashClient:
    """pymemcache.client.hash.HashClient: its servers are one cache, that of the first."""

    client_class: type[Client] = Client

    def __init__(
        self,
        servers: Iterable[Server],
        hasher: Any = None,
        serde: Any = None,
        serializer: Callable[..., Any] | None = None,
        deserializer: Callable[..., Any] | None = None,
        connect_timeout: float | None = None,
        timeout: float | None = None,
        no_delay: bool = False,
        socket_module: Any = None,
        socket_keepalive: Any = None,
        key_prefix: Key = b"",
        max_pool_size: int | None = None,
        pool_idle_timeout: float = 0,
        lock_generator: Any = None,
        retry_attempts: int = 2,
        retry_timeout: float = 1,
        dead_timeout: float = 60,
        use_pooling: bool = False,
        ignore_exc: bool = False,
        allow_unicode_keys: bool = False,
        default_noreply: bool = True,
        encoding: str = "ascii",
        tls_context: Any = None,
        *,
        size: int | str | None = None,
    ) -> None:
        listed = list(servers)
        if not listed:
            raise MemcacheError("the list of servers is empty")
        self.ignore_exc = ignore_exc
        self._client = self.client_class(
            listed[0],
            serde,
            serializer,
            deserializer,
            key_prefix=key_prefix,
            allow_unicode_keys=allow_unicode_keys,
            default_noreply=default_noreply,
            encoding=encoding,
            size=size,
        )
        self.clients = {self._client.server: self._client}

    def close(self) -> None:
        """Nothing is open that could be closed."""

    disconnect_all = close

    def quit(self) -> None:
        """As close."""

    def get(self, key: Key, default: Any = None) -> Any:
        return self._run("get", key, default, default)

    def gets(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("gets", key, None, *args, **kwargs)

    def get_many(self, keys: Iterable[Any], gets: bool = False) -> dict[Any, Any]:
        listed = list(keys)
        for key in listed:
            self._client.check_key(key, self._client.key_prefix)
        verb = self._client.gets_many if gets else self._client.get_many
        return self._ignoring({}, verb, listed)

    get_multi = get_many

    def gets_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        return self.get_many(keys, gets=True)

    gets_multi = gets_many

    def set_many(self, values: Mapping[Any, Any], *args: Any, **kwargs: Any) -> list[Any]:
        for key in values:
            self._client.check_key(key, self._client.key_prefix)
        return self._ignoring([], self._client.set_many, values, *args, **kwargs)

    set_multi = set_many

    def delete_many(self, keys: Iterable[Key], *args: Any, **kwargs: Any) -> bool:
        for key in keys:
            self._run("delete", key, False, *args, **kwargs)
        return True

    delete_multi = delete_many

    def set(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("set", key, False, *args, **kwargs)

    def add(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("add", key, False, *args, **kwargs)

    def replace(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("replace", key, False, *args, **kwargs)

    def append(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("append", key, False, *args, **kwargs)

    def prepend(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("prepend", key, False, *args, **kwargs)

    def cas(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("cas", key, False, *args, **kwargs)

    def delete(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("delete", key, False, *args, **kwargs)

    def incr(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("incr", key, False, *args, **kwargs)

    def decr(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("decr", key, False, *args, **kwargs)

    def touch(self, key: Key, *args: Any, **kwargs: Any) -> Any:
        return self._run("touch", key, False, *args, **kwargs)

    def flush_all(self, *args: Any, **kwargs: Any) -> None:
        self._ignoring(False, self._client.flush_all, *args, **kwargs)

    def _run(self, verb: str, key: Key, otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        # A ring of servers looks at the key first, and that error is never ignored.
        self._client.check_key(key, self._client.key_prefix)
        return self._ignoring(otherwise, getattr(self._client, verb), key, *args, **kwargs)

    def _ignoring(self, otherwise: T, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            return call(*args, **kwargs)
        except Exception:
            if self.ignore_exc:
                return otherwise
            raise
