"""A Flask application whose cache is nearcache, through Flask-Caching."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import nearcache
import pytest
from compared import compare, steps
from flask import Flask, request
from flask_caching import Cache
from flask_caching.backends.simplecache import SimpleCache
from nearcache.flask_caching import NearCache

SETTINGS: dict[str, Any] = {
    "CACHE_TYPE": "nearcache.flask_caching.NearCache",
    "CACHE_NEARCACHE_NAME": "flask",
    "CACHE_NEARCACHE_SIZE": "8MiB",
    "CACHE_KEY_PREFIX": "app:",
    "CACHE_OPTIONS": {"mode": 0o600},
}


@pytest.fixture
def application() -> Iterator[tuple[Flask, Cache]]:
    app = Flask("application")
    cache = Cache(app, config=SETTINGS)
    numbers = itertools.count(1)

    @app.route("/page")
    @cache.cached(timeout=60)
    def page() -> str:
        return str(next(numbers))

    @app.route("/queried")
    @cache.cached(query_string=True)
    def queried() -> str:
        return f"{request.args.get('q')} {next(numbers)}"

    @app.route("/long/<path:rest>")
    @cache.cached()
    def long(rest: str) -> str:
        return str(next(numbers))

    @app.route("/square/<int:number>")
    def square(number: int) -> str:
        return str(squared(number))

    @cache.memoize(60)
    def squared(number: int) -> tuple[int, int]:
        return number * number, next(numbers)

    @app.route("/forget/<int:number>")
    def forget(number: int) -> str:
        cache.delete_memoized(squared, number)
        return "forgotten"

    with app.app_context():
        yield app, cache
        cache.clear()


def test_pages_and_functions_are_cached(application: tuple[Flask, Cache]) -> None:
    app, cache = application
    visitor = app.test_client()

    def asked(path: str) -> str:
        return visitor.get(path).get_data(as_text=True)

    assert asked("/page") == asked("/page")
    assert asked("/queried?q=1") == asked("/queried?q=1")
    assert asked("/queried?q=1") != asked("/queried?q=2")
    first, second = (f"/long/{'x' * 300}/{end}" for end in "ab")
    assert asked(first) == asked(first)
    assert asked(first) != asked(second)
    assert asked("/square/3") == asked("/square/3")
    kept, other = asked("/square/3"), asked("/square/4")
    assert asked("/forget/3") == "forgotten"
    assert asked("/square/3") != kept
    assert asked("/square/4") == other
    page = asked("/page")
    cache.clear()
    assert asked("/page") != page


def test_none_is_a_value(application: tuple[Flask, Cache]) -> None:
    app, cache = application
    calls: list[int] = []

    @cache.memoize(60, cache_none=True)
    def nothing(number: int) -> None:
        calls.append(number)

    assert [nothing(1), nothing(1), nothing(2)] == [None, None, None]
    assert calls == [1, 2]


def test_keys_have_the_prefix_and_the_name_is_shared(application: tuple[Flask, Cache]) -> None:
    _, cache = application
    cache.set("k", {"a": 1})
    assert nearcache.Cache(name="flask")["app:k"] == {"a": 1}
    code = """
from nearcache.flask_caching import NearCache
print(NearCache("flask", "8MiB", "app:").get("k"))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "{'a': 1}\n"


CALLS = """
    c.get("none"), c.has("none"), c.delete("none")
    [(c.set("v", value), c.get("v"), c.has("v")) for value in (None, True, 0, -1, 1.5, "x", b"x", [1, {"a": (2,)}])]
    c.add("v", 1), c.add("new", 1), c.get("new")
    c.delete("new"), c.get("new")
    c.set_many({"a": 1, "b": 2}), c.get_many("a", "none", "b"), c.get_dict("a", "none")
    c.delete_many("a", "b"), c.get("a")
    c.inc("n"), c.inc("n", 5), c.dec("n", 2), c.get("n")
    c.dec("m", 3), c.inc("m"), c.dec("m", -10), c.inc("m", -1), c.get("m")
    c.inc("m", -20), c.inc("m", 3), c.get("m")
    c.set("f", 1.5), c.inc("f"), c.get("f")
    c.set("t", 1, timeout=60), c.get("t")
    c.set("t", 1, timeout=0), c.get("t")
    c.clear(), c.get("t")
    """


def test_it_does_what_flask_cachings_own_does() -> None:
    compare(SimpleCache(), NearCache(size="8MiB", manual_clock=True), steps(CALLS))


def test_time_passes() -> None:
    cache = NearCache(size="8MiB", manual_clock=True, default_timeout=60)
    clock = cache._cache
    cache.set("minute", 1)
    cache.set("forty days", 1, 60 * 60 * 24 * 40)
    cache.set("ever", 1, 0)
    cache.inc("counter")
    clock.advance_clock(62)
    assert cache.get_many("minute", "counter", "forty days", "ever") == [None, None, 1, 1]
    clock.advance_clock(60 * 60 * 24 * 40)
    assert cache.get_many("forty days", "ever") == [None, 1]


def test_what_cannot_be_kept_is_not_set() -> None:
    cache = NearCache(size="8MiB")
    assert cache.set("k", "x" * (1 << 22)) is False
    assert cache.set_many({"k": "x" * (1 << 22), "l": 1}) == ["l"]


def test_without_flask_caching_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['flask_caching'] = None; import nearcache.flask_caching"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "needs Flask-Caching: pip install flask-caching" in run.stderr
