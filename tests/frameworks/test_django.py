"""A Django project whose cache is nearcache: the whole interface of its caches, sessions, cached pages, coroutines."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import nearcache
import pytest
from compared import compare, steps
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheKey
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def project(place_for_names: None) -> None:
    if not settings.configured:
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        sys.path.insert(0, str(HERE))
        django.setup()


@pytest.fixture(params=["default", "private"])
def cache(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from emptied(request.param)


@pytest.fixture
def private() -> Iterator[Any]:
    yield from emptied("private")


def emptied(alias: str) -> Iterator[Any]:
    made = caches[alias]
    made.clear()
    yield made
    made.clear()


CALLS = """
    c.get("none")
    c.get("none", 5)
    c.set("a", 1)
    c.get("a")
    c.get("a", version=2)
    c.set("a", 2, version=2)
    c.get("a", version=2), c.get("a")
    [(c.set("v", value), c.get("v", 5), type(c.get("v"))) for value in (None, True, False, 0, -1, 1.5, "", "\\u00e9", b"x", 1 << 80)]
    [(c.set("v", value), c.get("v")) for value in ([1, {"a": (2,)}], {"s": {1}}, Exception)]
    c.set("v", None), c.has_key("v"), "v" in c, "none" in c
    c.add("a", 5), c.add("new", 5), c.get("new")
    c.add("none at once", 5, timeout=0), c.get("none at once")
    c.set("gone", 5, timeout=0), c.get("gone")
    c.set("gone", 5, timeout=-1), c.get("gone")
    c.set("stays", 5, timeout=None), c.get("stays")
    c.set("stays", 5, timeout=60 * 60 * 24 * 40), c.get("stays")
    c.set("stays", 5, timeout=0.5), c.get("stays")
    c.touch("a"), c.touch("none"), c.touch("a", 100), c.touch("a", None)
    c.touch("a", 0), c.get("a")
    c.touch("a", version=2), c.get("a", version=2)
    c.delete("new"), c.delete("new"), c.delete("none")
    c.set("n", 41), c.incr("n"), c.incr("n", 10), c.incr("n", -2), c.get("n"), type(c.get("n"))
    c.decr("n"), c.decr("n", 10), c.decr("n", -1), c.get("n")
    c.incr("none")
    c.decr("none")
    c.set("n", -5), c.incr("n", 3), c.get("n")
    c.set("n", 1.5), c.incr("n", 3), c.get("n")
    c.set("t", "text"), c.incr("t")
    c.set("n", 5, version=2), c.incr("n", version=2), c.get("n", version=2)
    c.set_many({"a": 1, "b": [2]}), c.get_many(["a", "b", "none"])
    c.set_many({"a": 3}, version=2), c.get_many(["a"], version=2), c.get_many(["a"])
    c.set_many({"a": 3}, timeout=0), c.get("a")
    c.set_many({}), c.get_many([])
    c.get_many(key for key in ["b"])
    c.set_many({"a": 1, "b": 2, "c": 3}), c.delete_many(["a", "b"]), c.get_many(["a", "b", "c"])
    c.get_or_set("g", 1), c.get_or_set("g", 2)
    c.get_or_set("h", lambda: 3), c.get_or_set("h", lambda: 4), c.get("h")
    c.get_or_set("i", None), c.has_key("i")
    c.get_or_set("j", lambda: 5, timeout=0), c.get("j")
    c.get_or_set("k", lambda: 5, timeout=60, version=2), c.get("k"), c.get("k", version=2)
    c.get_or_set("l")
    c.set("ver", 1), c.incr_version("ver"), c.get("ver"), c.get("ver", version=2)
    c.decr_version("ver", version=2), c.get("ver")
    c.incr_version("none")
    c.set("spaces are allowed", 1), c.get("spaces are allowed")
    c.set(5, 1), c.get(5), c.get("5")
    run(c.aget("none", 5))
    run(c.aset("a", 1)), run(c.aget("a")), run(c.aadd("a", 2)), run(c.aadd("aa", 2))
    run(c.atouch("a")), run(c.atouch("none")), run(c.adelete("a")), run(c.adelete("a"))
    run(c.aset("n", 1)), run(c.aincr("n")), run(c.adecr("n")), run(c.ahas_key("n"))
    run(c.aincr("none"))
    run(c.aset_many({"a": 1, "b": 2})), run(c.aget_many(["a", "b", "none"])), run(c.adelete_many(["a"])), c.get("a")
    run(c.aget_or_set("ag", lambda: 1)), run(c.aget_or_set("ag", 2)), run(c.aget_or_set("ah", 3, timeout=0)), c.get("ah")
    run(c.aset("av", 1)), run(c.aincr_version("av")), run(c.adecr_version("av", version=2)), run(c.aget("av"))
    run(c.aclear()), c.get("b")
    c.set("b", 1), c.clear(), c.get("b")
    c.close(), run(c.aclose())
    """


@pytest.mark.filterwarnings("ignore::django.core.cache.CacheKeyWarning")
def test_it_does_what_djangos_own_does(cache: Any) -> None:
    theirs = caches["locmem"]
    theirs.clear()
    compare(theirs, cache, steps(CALLS, run=asyncio.run))


def test_prefixes_and_versions_keep_keys_apart() -> None:
    default, versioned, prefixed = caches["default"], caches["versioned"], caches["prefixed"]
    default.clear()
    default.set("k", 1)
    assert (versioned.get("k"), prefixed.get("k")) == (None, None)
    versioned.set("k", 2)
    prefixed.set("k", 3)
    assert default.get_many(["k"]) == {"k": 1}
    assert default.get("k", version=2) == 2
    assert nearcache.Cache(name="django").get("prefix:1:k") == 3


def test_time_passes(private: Any) -> None:
    clock = private._cache
    private.set("minute", 1)
    private.set("two", 1, 120)
    private.set("forty days", 1, 60 * 60 * 24 * 40)
    private.set("ever", 1, None)
    clock.advance_clock(62)
    assert private.get_many(["minute", "two", "forty days", "ever"]) == {"two": 1, "forty days": 1, "ever": 1}
    assert private.touch("two", 120)
    clock.advance_clock(100)
    assert "two" in private
    clock.advance_clock(60 * 60 * 24 * 39)
    assert private.get_many(["two", "forty days", "ever"]) == {"forty days": 1, "ever": 1}
    clock.advance_clock(60 * 60 * 24)
    assert private.get_many(["forty days", "ever"]) == {"ever": 1}


def test_a_key_that_is_too_long_says_so(cache: Any) -> None:
    for call in (cache.get, cache.delete, lambda key: cache.set(key, 1), lambda key: cache.get_many([key])):
        with pytest.raises(InvalidCacheKey, match="254 bytes"):
            call("k" * 251)
        with pytest.raises(InvalidCacheKey, match="303 bytes"):
            call("\u00e9" * 150)
    assert cache.get("\u00e9" * 120) is None


def test_a_value_that_is_too_large_says_so_and_the_old_one_is_gone(cache: Any) -> None:
    cache.set("k", "small")
    with pytest.raises(ValueError, match="limit|large"):
        cache.set("k", "x" * (1 << 22))
    assert cache.get("k") is None
    assert cache.set_many({"k": "x" * (1 << 22), "l": 1}) == ["k"]
    assert cache.get("l") == 1


def test_counters_stop_at_zero(cache: Any) -> None:
    cache.set("n", 3)
    assert cache.decr("n", 5) == 0


def test_portable_values_are_kept_and_others_refused() -> None:
    portable = caches["portable"]
    portable.set("k", {"a": [1, None, True]})
    assert portable.get("k") == {"a": [1, None, True]}
    with pytest.raises(TypeError):
        portable.set("k", Exception)


def test_wrong_options_are_a_wrong_configuration() -> None:
    with pytest.raises(ImproperlyConfigured, match="sizes"):
        caches["wrong"]


def test_threads_have_one_cache(cache: Any) -> None:
    alias = "private" if cache is caches["private"] else "default"
    cache.set("n", 0)
    threads = [threading.Thread(target=lambda: [caches[alias].incr("n") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("n") == 2000


def test_one_thread_of_all_makes_a_value(cache: Any) -> None:
    begun, calls = threading.Event(), []

    def make() -> str:
        calls.append(1)
        assert begun.wait(30)
        return "made"

    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(cache.get_or_set("k", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.set()
    for thread in threads:
        thread.join()
    assert (results, len(calls)) == (["made"] * 4, 1)


def test_other_processes_have_the_named_cache() -> None:
    caches["default"].set("k", {"a": 1})
    code = "import django; django.setup(); from django.core.cache import cache; print(cache.get('k'), cache.incr('n'))"
    caches["default"].set("n", 1)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", "PYTHONPATH": str(HERE)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == "{'a': 1} 2\n"
    assert caches["default"].get("n") == 2


def test_sessions_live_in_the_cache() -> None:
    visitor, other = Client(), Client()
    assert [visitor.get("/visit").content for _ in range(3)] == [b"1", b"2", b"3"]
    assert other.get("/visit").content == b"1"
    assert visitor.session["visits"] == 3
    assert visitor.get("/leave").content == b"gone"
    assert visitor.get("/visit").content == b"1"
    caches["default"].clear()
    assert other.get("/visit").content == b"1"


def test_pages_are_cached() -> None:
    caches["default"].clear()
    visitor = Client()
    first = visitor.get("/page").content
    assert visitor.get("/page").content == first
    assert visitor.get("/page?other").content != first
    caches["default"].clear()
    assert visitor.get("/page").content != first


def test_without_django_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['django'] = None; import nearcache.django"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "nearcache.django needs Django: pip install django" in run.stderr
