"""Python and PHP on one name: what one stores is a hit in the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nearcache
import pytest
from fpm import Fpm, php

OPEN = "$c = new NearCache\\Cache('16M', ['name' => 'app']); "


def in_php(code: str) -> Any:
    """What PHP makes of this expression, by way of JSON."""
    return json.loads(php(f"{OPEN} echo json_encode({code});"))


@pytest.fixture(params=["python", "php"])
def cache(directory: Path, request: pytest.FixtureRequest) -> nearcache.Cache:
    """One cache for both, made by either."""
    if request.param == "php":
        assert in_php("$c->set('made', 'by php')") is True
        made = nearcache.Cache(name="app")
        assert made["made"] == b"by php"
        return made
    return nearcache.Cache("16MiB", name="app")


def test_what_python_stores_php_reads(cache: nearcache.Cache) -> None:
    cache["bytes"] = b"caf\xc3\xa9"
    cache["str"] = "caf\u00e9"
    cache["empty"] = ""
    cache["int"] = -7
    cache["large"] = "x" * 300_000
    cache[b"\x00key"] = "any bytes"
    assert in_php("[$c->get('bytes'), $c->get('str'), $c->get('empty')]") == ["caf\u00e9", "caf\u00e9", ""]
    assert in_php("$c->get('int') == -7")
    assert in_php("strlen($c->get('large'))") == 300_000
    assert in_php('$c->get("\\0key")') == "any bytes"
    assert in_php("$c->getMulti(['str', 'bytes', 'none'])") == {"str": "caf\u00e9", "bytes": "caf\u00e9"}


def test_what_php_stores_python_reads(cache: nearcache.Cache) -> None:
    assert in_php("[$c->set('string', \"caf\u00e9\"), $c->set('int', -7), $c->set('large', str_repeat('x', 300000))]") == [True] * 3
    assert cache["string"] == "caf\u00e9".encode()
    assert cache["int"] == -7
    assert cache["large"] == b"x" * 300_000
    assert in_php("$c->append('string', '!')")
    assert cache["string"] == "caf\u00e9!".encode()


def test_both_count_with_one_counter(cache: nearcache.Cache) -> None:
    assert cache.incr("by python", initial=1) == 1
    assert in_php("$c->increment('by python', 5)") == 6
    assert cache["by python"] == 6
    assert in_php("$c->get('by python') == 6")
    assert in_php("$c->increment('by php', 1, 10)") == 10
    assert cache.incr("by php", 5) == 15
    assert int(cache["by php"]) == 15
    assert in_php("$c->set('set by php', 1)")
    assert cache.incr("set by php") == 2
    assert cache["set by php"] == 2
    cache["large"] = 2**64 - 2
    assert in_php("$c->increment('large')") == str(2**64 - 1)


def test_cas_and_deletions_of_one_are_seen_by_the_other(cache: nearcache.Cache) -> None:
    cache["k"] = "one"
    value, unique = cache.gets("k")
    assert value == "one"
    assert in_php("$c->get('k', null, NearCache\\Cache::GET_EXTENDED)['cas']") == unique
    assert in_php("$c->set('k', 'two')")
    assert cache.cas("k", "three", unique) is False
    assert cache["k"] == b"two"
    assert in_php("$c->delete('k')")
    assert cache.get("k") is None
    cache.set("k", "four", expire=-1)
    assert in_php("$c->get('k')") is False
    cache["k"] = "five"
    assert in_php("$c->flush()")
    assert cache.get("k") is None


def test_python_sees_what_the_workers_of_a_site_cache(directory: Path) -> None:
    with Fpm(directory, 2, nearcache__segment="site", nearcache__memory_size="4M") as fpm:
        site = nearcache.Cache(name="site")
        assert fpm.ask("set", "k", 1, 500) is True
        assert site["k"].startswith(b"k 1 500 ")
        site["from python"] = "hello"
        assert fpm.ask("get", "from python") == "hello"
        names = {process["name"] for process in fpm.ask("processes")}
        assert any(name.startswith("php-fpm") for name in names)
        assert len(names) >= 2
        assert [file.name for file in nearcache.caches()] == ["site"]
