"""The exceptions of nearcache.compat.pylibmc: pylibmc's own if it is installed, else equal ones."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

__all__ = [
    "BadKeyProvided",
    "CacheMiss",
    "ClientError",
    "Error",
    "MemcachedError",
    "NotFound",
    "ServerError",
    "TooBig",
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
