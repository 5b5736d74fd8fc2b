"""The judge of what workers answer: each value is versioned and follows from its key, version and length, so a torn,
stale or exchanged one shows, whoever wrote it.

A key is written through one client at a time, which gives its writes growing versions. A write whose request was
answered is known to be done; one whose worker was killed may be done, partly requested or not. So a get that begins
after a write of version v was answered may give no version below v, nor v itself once its deletion was answered, nor
one that nobody asked for.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field


def value_of(key: str, version: int, length: int) -> str:
    """The value that a worker stores: tests/hosts/page.php and wsgi_app.py make it the same way."""
    seed = hashlib.sha1(f"{key}:{version}".encode()).hexdigest()
    payload = (seed * (length // len(seed) + 1))[:length]
    return f"{key} {version} {length} {payload} {hashlib.md5(payload.encode()).hexdigest()}"


@dataclass
class Key:
    """What is known of one key."""

    issued: int = 0
    """The newest version that was asked for."""
    done: int = 0
    """The newest version that is known to have been written or deleted."""
    is_deleted: bool = False
    """Was that a deletion?"""
    in_doubt: bool = False
    """Is there a newer version in flight, or lost with its worker?"""


@dataclass
class History:
    """Every key's history, and what was seen in it. Any number of threads may use it."""

    keys: dict[str, Key] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    gets: int = 0
    hits: int = 0
    misses_of_the_present: int = 0
    """Misses of keys that were certainly written last and not deleted. A cache may forget; ours has the room not to."""
    faults: list[str] = field(default_factory=list)

    def issue(self, name: str) -> int:
        """A new version to write or delete with."""
        with self.lock:
            key = self.keys.setdefault(name, Key())
            key.issued += 1
            key.in_doubt = True
            return key.issued

    def answered(self, name: str, version: int, deleted: bool) -> None:
        """The write or deletion of this version was answered."""
        with self.lock:
            key = self.keys[name]
            key.done, key.is_deleted = version, deleted
            key.in_doubt = key.issued > version

    def floor(self, name: str) -> tuple[int, bool]:
        """The least version that a get which begins now may give, and whether there must be one."""
        with self.lock:
            key = self.keys.setdefault(name, Key())
            least = key.done + 1 if key.is_deleted else max(key.done, 1)
            return least, not key.is_deleted and key.done > 0 and not key.in_doubt

    def saw(self, name: str, value: str | None, floor: tuple[int, bool]) -> None:
        """A get that began at this floor gave this value."""
        least, present = floor
        with self.lock:
            self.gets += 1
            key = self.keys[name]
            if value is None:
                # Written over by its owner meanwhile, it may have been deleted meanwhile, too.
                if present and not key.in_doubt and not key.is_deleted and key.done == least:
                    self.misses_of_the_present += 1
                return
            self.hits += 1
            try:
                of, version_text, length_text, _ = value.split(" ", 3)
                version, length = int(version_text), int(length_text)
            except ValueError:
                self.faults.append(f"{name}: no value of ours: {value[:80]!r}")
                return
            if of != name:
                self.faults.append(f"{name}: the value of another key, {of}")
            elif value != value_of(name, version, length):
                self.faults.append(f"{name}: version {version} is torn")
            elif not least <= version <= key.issued:
                self.faults.append(f"{name}: version {version}, of {least} to {key.issued}")
