"""The exceptions of nearcache.compat.pylibmc: pylibmc's own if it is installed, else equal ones."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

__all__ = [
    "BadKeyProvided",
    "CacheMiss",
    "ClientError",
    "Error",
    "MemcachedError",
    "NotFound",
    "ServerError",
    "TooBig",
    "of_servers",
]


class Error(Exception):
    """Base of the errors of a client."""


class CacheMiss(Error):
    """Raised by a deserialize of your own: the value counts as missing."""


class BadKeyProvided(Error):
    """The key is empty, or has white space or control characters."""


class ClientError(Error):
    """The cache refuses what it was asked for."""


class NotFound(Error):
    """There is no such key."""


class ServerError(Error):
    """The cache failed."""


class TooBig(Error):
    """The item is larger than the cache's limit."""


if not TYPE_CHECKING:
    with suppress(ImportError):
        from pylibmc import BadKeyProvided, CacheMiss, ClientError, Error, NotFound, ServerError, TooBig

MemcachedError = Error

# Raised by connections, of which there are none here; but programs catch them.
_NAMES = (
    "AllocationError",
    "ConnectionBindError",
    "ConnectionError",
    "DataDoesNotExist",
    "DataExists",
    "Failure",
    "FetchNotFinished",
    "HostLookupError",
    "InvalidHostProtocolError",
    "NoServers",
    "NotSupportedError",
    "ProtocolError",
    "ReadError",
    "ServerDead",
    "ServerDown",
    "SocketCreateError",
    "SomeErrors",
    "UnixSocketError",
    "UnknownReadFailure",
    "UnknownStatKey",
    "WriteError",
)


def of_servers() -> dict[str, Any]:
    """The exceptions that are never raised here."""
    try:
        installed = importlib.import_module("pylibmc")
    except ImportError:
        return {name: type(name, (Error,), {}) for name in _NAMES}
    return {name: getattr(installed, name) for name in _NAMES}
