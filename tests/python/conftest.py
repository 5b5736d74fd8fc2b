"""What the tests share: a fresh cache whose clock is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator

import nearcache
import pytest


@pytest.fixture
def cache() -> Iterator[nearcache.Cache]:
    with nearcache.Cache("64MiB", manual_clock=True) as cache:
        yield cache
        cache.check()
