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


def portably_in_php(code: str, **settings: str) -> Any:
    """As in_php; what it stores is portable."""
    settings["nearcache__serializer"] = "portable"
    return json.loads(php(f"{OPEN} echo json_encode({code}, JSON_PRESERVE_ZERO_FRACTION);", **settings))


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


# The same value in Python's words and in PHP's.
PORTABLE: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true"),
    (False, "false"),
    (-7, "-7"),
    (2**63 - 1, "PHP_INT_MAX"),
    (1.5, "1.5"),
    ("", "''"),
    ("caf\u00e9 \0", '"caf\u00e9 \\0"'),
    (b"\xff\x00", '"\\xff\\0"'),
    ([], "[]"),
    ([1, [2.0, None, "three"], b"\xfe"], '[1, [2.0, null, "three"], "\\xfe"]'),
    ({"a": 1, 5: [True], -1: {"b": b"\x80"}}, '["a" => 1, 5 => [true], -1 => ["b" => "\\x80"]]'),
    ({b"\xff": 1}, '["\\xff" => 1]'),
    (["long " * 100] * 50, 'array_fill(0, 50, str_repeat("long ", 100))'),
]


def portable_cache(cache: nearcache.Cache, **options: Any) -> nearcache.Cache:
    """The same cache, written to portably."""
    return nearcache.Cache(name="app", serde="portable", **options)


@pytest.mark.parametrize(("value", "spelled"), PORTABLE, ids=[str(n) for n in range(len(PORTABLE))])
def test_portable_values_go_both_ways(cache: nearcache.Cache, value: Any, spelled: str) -> None:
    writer = portable_cache(cache)
    writer["k"] = value
    # Read by whatever it writes itself.
    for ask in (in_php, portably_in_php):
        assert ask(f"[$c->get('k') === {spelled}, $c->getResultCode()]") == [True, 0]
    bytes_of_python = writer.get_raw("k")
    assert portably_in_php(f"$c->set('k', {spelled})") is True
    for reader in (cache, writer):
        assert repr(reader.get("k", "missing")) == repr(value)
    # An array has no name for an empty map, and keeps the order of its keys; so the bytes are the same, too.
    assert cache.get_raw("k") == bytes_of_python


def test_portable_values_compressed_by_either(cache: nearcache.Cache) -> None:
    value = {"list": ["the same words"] * 1000}
    spelled = "['list' => array_fill(0, 1000, 'the same words')]"
    portable_cache(cache, compress_min=100)["k"] = value
    raw = cache.get_raw("k")
    assert raw is not None and raw[1] == 0x4E43_0008
    assert in_php(f"$c->get('k') === {spelled}")
    assert portably_in_php(f"$c->set('k', {spelled})", nearcache__compression="1") is True
    raw = cache.get_raw("k")
    assert raw is not None and raw[1] == 0x4E43_0008 and len(raw[0]) < 1000
    assert cache["k"] == value


def test_portable_counters_of_either(cache: nearcache.Cache) -> None:
    writer = portable_cache(cache)
    writer["n"] = 41
    assert in_php("[$c->increment('n'), $c->get('n')]") == [42, 42]
    assert portably_in_php("$c->increment('begun', 1, 10)") == 10
    assert writer.incr("begun") == 11
    assert writer["begun"] == 11
    writer["large"] = 2**64 - 1
    assert in_php("$c->get('large')") == str(2**64 - 1)


def test_what_is_being_made_is_a_miss_to_php(cache: nearcache.Cache) -> None:
    """A lease of Python's, while it makes the value; then the value, in an envelope with its tags."""

    def make() -> str:
        assert in_php("[$c->get('k'), $c->getResultMessage(), $c->has('k'), $c->getMulti(['k']), $c->getRaw('k'), $c->append('k', 'x')]") == [
            False, "NOT FOUND", False, [], None, False,
        ]
        return "made"

    assert cache.get_or_set("k", make, tags=["t"]) == "made"
    assert in_php("[$c->get('k'), $c->get('k', null, NearCache\\Cache::GET_EXTENDED)['flags']]") == ["made", 0]
    cache.invalidate_tags("t")
    assert in_php("[$c->get('k'), $c->getResultMessage()]") == [False, "NOT FOUND"]
