"""Caches that settings stand for: one for all who ask, also in a child that is forked while another opens one."""

from __future__ import annotations

import os
import signal

from nearcache import _opened


def test_a_place_is_one_cache() -> None:
    first = _opened.opened("a place", None, {"size": "8MiB", "mode": None})
    assert _opened.opened("a place", None, {}) is first
    assert _opened.opened("another place", None, {"size": "8MiB"}) is not first
    named = _opened.opened("a name", "opened", {"size": "8MiB"})
    assert _opened.opened("to read", "opened", {"read_only": True}).info().read_only
    assert (named.name, named.info().size) == ("opened", 8 << 20)


def test_a_child_opens_what_a_thread_of_its_parent_was_opening() -> None:
    with _opened._lock:
        child = os.fork()
        if child == 0:
            # Should it wait for ever after all, this ends it.
            signal.alarm(30)
            _opened.opened("of a child", None, {"size": "8MiB"})
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
