"""Cache-aside in Python: users in SQLite, a cache in front.

The cache is anything with pymemcache's `get`, `set` and `delete`; nearcache has them under the same names, so the
same class serves from the process itself or from a memcached. A row is cached as the same bytes that demo/c packs:
explicit, compact, and faster to read back than JSON.
"""

import sqlite3
import struct
from typing import NamedTuple, Optional

# How long a row may be served from the cache: the bound on staleness should a delete get lost.
ROW_SECONDS = 300

# id, visits, created_at, the five texts' lengths in bytes; the texts follow.
_HEAD = struct.Struct("<IIq5B")
_HEAD_SIZE = _HEAD.size


class User(NamedTuple):
    """One row."""

    id: int
    name: str
    email: str
    city: str
    country: str
    bio: str
    created_at: int
    visits: int

    def packed(self) -> bytes:
        """The form in the cache; a struct.error if a text is longer than 255 bytes."""
        texts = [text.encode() for text in self[1:6]]
        return b"".join((_HEAD.pack(self.id, self.visits, self.created_at, *map(len, texts)), *texts))

    @classmethod
    def unpacked(cls, packed: bytes) -> "User":
        """Back from the form in the cache; a struct.error or ValueError if it is not one."""
        user_id, visits, created_at, name, email, city, country, bio = _HEAD.unpack_from(packed)
        # From lengths to ends, without a loop: this is the whole cost of a hit.
        name += _HEAD_SIZE
        email += name
        city += email
        country += city
        if len(packed) != country + bio:
            raise ValueError(f"{len(packed)} bytes are not a packed user")
        return cls(
            user_id,
            packed[_HEAD_SIZE:name].decode(),
            packed[name:email].decode(),
            packed[email:city].decode(),
            packed[city:country].decode(),
            packed[country:].decode(),
            created_at,
            visits,
        )


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
