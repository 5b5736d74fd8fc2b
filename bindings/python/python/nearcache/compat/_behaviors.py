"""pylibmc's behaviors: kept and given back, as programs set them; only few mean something without sockets and rings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nearcache.compat.pylibmc import Client

__all__ = ["DEFAULTS", "Behaviors", "checked"]

HASHES = {"default", "md5", "crc", "fnv1_64", "fnv1a_64", "fnv1_32", "fnv1a_32", "hsieh", "murmur", "jenkins"}
DISTRIBUTIONS = {
    "modula",
    "consistent",
    "consistent ketama",
    "consistent ketama spy",
    "consistent weighted",
    "consistent max",
    "random",
    "virtual bucket",
}

# What a client of libmemcached has if it is told nothing.
DEFAULTS: dict[str, Any] = {
    "no_block": 0,
    "tcp_nodelay": 0,
    "tcp_keepalive": 0,
    "hash": "default",
    "ketama_hash": 0,
    "ketama": 0,
    "ketama_weighted": 0,
    "distribution": "modula",
    "cas": 0,
    "buffer_requests": 0,
    "verify_keys": 0,
    "connect_timeout": 4000,
    "send_timeout": 0,
    "receive_timeout": 0,
    "num_replicas": 0,
    "auto_eject": 0,
    "retry_timeout": 2,
    "remove_failed": 5,
    "failure_limit": 5,
    "dead_timeout": 0,
    "_io_msg_watermark": 500,
    "_io_bytes_watermark": 66560,
    "_io_key_prefetch": 0,
    "_hash_with_prefix_key": 0,
    "_noreply": 0,
    "_sort_hosts": 0,
    "_poll_timeout": 5000,
    "_socket_send_size": 4194304,
    "_socket_recv_size": 131072,
    "pickle_protocol": -1,
}


class Behaviors(dict[str, Any]):
    """A copy of a client's behaviors that passes on what is changed in it."""

    def __init__(self, client: Client, behaviors: Mapping[str, Any]) -> None:
        super().__init__(behaviors)
        self.client = client

    def __setitem__(self, name: str, value: Any) -> None:
        self.client.set_behaviors({name: value})
        super().__setitem__(name, value)

    def update(self, behaviors: Mapping[str, Any]) -> None:  # type: ignore[override]
        self.client.set_behaviors(behaviors)
        super().update(behaviors)


def checked(behaviors: Mapping[str, Any] | None) -> dict[str, Any]:
    """Behaviors as they are kept, or the error that pylibmc raises."""
    made = dict(behaviors or {})
    if "_retry_timeout" in made:
        made.setdefault("retry_timeout", made.pop("_retry_timeout"))
    unknown = sorted(set(made) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"no such behavior: {', '.join(unknown)}")
    for name, value in made.items():
        if name in ("hash", "distribution"):
            if value not in (HASHES if name == "hash" else DISTRIBUTIONS):
                raise KeyError(value)
        elif name == "ketama_hash" and value in HASHES:
            pass
        elif not isinstance(value, int):
            raise TypeError(f"the behavior {name} is an int, not {type(value).__name__}")
        else:
            made[name] = int(value)
    return made
