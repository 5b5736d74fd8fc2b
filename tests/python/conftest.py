"""What the tests share: a fresh cache whose clock is moved by hand, and a place for names away from the user's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nearcache
import pytest


@pytest.fixture(scope="session", autouse=True)
def place_for_names() -> Iterator[None]:
    directory = tempfile.mkdtemp(prefix="nearcache-tests-", dir="/dev/shm")
    os.environ["NEARCACHE_DIR"] = directory
    yield
    del os.environ["NEARCACHE_DIR"]
    shutil.rmtree(directory)


@pytest.fixture
def cache() -> Iterator[nearcache.Cache]:
    with nearcache.Cache("64MiB", manual_clock=True) as cache:
        yield cache
        cache.check()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for stores, in memory: the disk is not what these tests are about."""
    with tempfile.TemporaryDirectory(prefix="nearcache-tests-", dir="/dev/shm") as directory:
        yield Path(directory)


@pytest.fixture
def store(directory: Path) -> Iterator[nearcache.Store]:
    """A fresh store whose clock is moved by hand; at the end it is counted again."""
    with nearcache.Store(directory / "store", manual_clock=True) as store:
        yield store
        store.verify()
