"""Cache-aside in Python: users in SQLite, a cache in front.

The cache is anything with pymemcache's `get`, `set` and `delete`; nearcache has them under the same names, so the
same class serves from the process itself or from a memcached. A row is cached as a JSON array: explicit, compact,
and readable from any language.
"""

import json
import sqlite3
from typing import NamedTuple, Optional

# How long a row may be served from the cache: the bound on staleness should a delete get lost.
ROW_SECONDS = 300

_pack = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class User(NamedTuple):
    """One row; the order of the fields is the order in the cached array."""

    id: int
    name: str
    email: str
    city: str
    country: str
    bio: str
    created_at: int
    visits: int

    def packed(self) -> bytes:
        """The form in the cache."""
        return _pack(self).encode()

    @classmethod
    def unpacked(cls, packed: bytes) -> "User":
        """Back from the form in the cache; a ValueError or TypeError if it is not one."""
        return cls._make(json.loads(packed))


class Users:
    """The table of users behind a cache, or alone if `cache` is None."""

    def __init__(self, database_path: str, cache=None) -> None:
        self._database = sqlite3.connect(database_path, isolation_level=None)
        # A commit appends to the log without waiting for the disk: the usual setting of a web application.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._cache = cache
        self.hits = 0
        self.misses = 0

    def get_user(self, user_id: int) -> Optional[User]:
        """The cache first; on a miss the database, and the row is left in the cache for the next one."""
        if self._cache is None:
            return self.read_row(user_id)
        key = f"user:{user_id}"
        packed = self._cache.get(key)
        if packed is not None:
            self.hits += 1
            return User.unpacked(packed)
        self.misses += 1
        user = self.read_row(user_id)
        if user is not None:
            self._cache.set(key, user.packed(), expire=ROW_SECONDS)
        return user

    def update_user(self, user_id: int) -> None:
        """Counts a visit: the row first, then the cache forgets it.

        The other way round a reader could put the old row back between the two.
        """
        self._database.execute("UPDATE users SET visits = visits + 1 WHERE id = ?", (user_id,))
        if self._cache is not None:
            self._cache.delete(f"user:{user_id}")

    def read_row(self, user_id: int) -> Optional[User]:
        """Straight from the database."""
        row = self._database.execute(
            "SELECT id, name, email, city, country, bio, created_at, visits FROM users WHERE id = ?", (user_id,)
        ).fetchone()
        return None if row is None else User._make(row)

    def cached(self, user_id: int) -> Optional[User]:
        """What the cache holds of this user now, if anything."""
        packed = None if self._cache is None else self._cache.get(f"user:{user_id}")
        return None if packed is None else User.unpacked(packed)
