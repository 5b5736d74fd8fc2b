"""What the tests with real hosts share: a directory for names away from the user's own, a seed that is told."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory in memory, for this test alone; names of caches are looked for in it, by all that it starts."""
    # Its path is short: that of a unix socket has 107 bytes at most.
    made = Path(tempfile.mkdtemp(prefix="nearcache-hosts-", dir="/dev/shm"))
    names = made / "names"
    names.mkdir(mode=0o700)
    monkeypatch.setenv("NEARCACHE_DIR", str(names))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def seed() -> int:
    """NEARCACHE_SEED, or a new one."""
    given = os.environ.get("NEARCACHE_SEED")
    return int(given) if given else random.SystemRandom().randrange(1 << 32)
