"""The verbs of many keys, below and above the size at which they run detached from the interpreter."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import nearcache
import pytest
from nearcache import Cache

SIZES = [0, 1, 63, 64, 65, 128, 129, 1000]


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(cache: Cache, size: int) -> None:
    values = {f"k{n}": [n, str(n), b"%d" % n][n % 3] for n in range(size)}
    assert cache.set_many(values) == []
    assert cache.get_many(list(values) + ["missing"]) == values
    with_cas = cache.gets_many(values)
    assert {key: value for key, (value, _) in with_cas.items()} == values
    assert all(cache.gets(key) == pair for key, pair in with_cas.items())
    assert cache.delete_many(["missing", *values]) == size
    assert len(cache) == 0


def test_keys_come_back_as_they_were_given(cache: Cache) -> None:
    cache["k"] = 1
    assert list(cache.get_many(["k"])) == ["k"]
    assert list(cache.get_many([b"k"])) == [b"k"]
    mixed: list[Any] = ["k", b"k"]
    assert cache.get_many(mixed) == {"k": 1, b"k": 1}


@pytest.mark.parametrize("make", [list, tuple, set, iter, dict.fromkeys])
def test_keys_are_any_iterable(cache: Cache, make: Callable[[list[str]], Iterable[str]]) -> None:
    cache.set_many({"a": 1, "b": 2})
    assert cache.get_many(make(["a", "b", "c"])) == {"a": 1, "b": 2}
    assert cache.delete_many(make(["a", "b", "c"])) == 2


def test_duplicates(cache: Cache) -> None:
    cache["a"] = 1
    assert cache.get_many(["a", "a"]) == {"a": 1}
    assert cache.delete_many(["a", "a"]) == 1


def test_an_iterable_that_raises(cache: Cache) -> None:
    def keys() -> Iterator[str]:
        yield "a"
        raise RuntimeError("enough")

    cache["a"] = 1
    with pytest.raises(RuntimeError, match="enough"):
        cache.delete_many(keys())
    assert cache["a"] == 1


def test_nothing_is_stored_if_one_is_illegal(cache: Cache) -> None:
    with pytest.raises(nearcache.IllegalKeyError):
        cache.set_many({"a": 1, "": 2})
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        cache.set_many({"a": 1, "b": lambda: 0})
    cache["a"] = 1
    with pytest.raises(nearcache.IllegalKeyError):
        cache.delete_many(["a", "k" * 251])
    assert cache["a"] == 1


def test_failed_keys_are_returned_and_the_rest_is_stored(cache: Cache) -> None:
    cache["large"] = b"old"
    assert cache.set_many({"a": 1, "large": bytes(1 << 20), "b": 2}, expire=10) == ["large"]
    assert cache.get_many(["a", "large", "b"]) == {"a": 1, "b": 2}
    cache.advance_clock(11)
    assert cache.get_many(["a", "b"]) == {}


def test_large_values(cache: Cache) -> None:
    values = {f"k{n}": bytes([n]) * 300_000 for n in range(70)}
    assert cache.set_many(values) == []
    assert cache.get_many(values) == values


def test_hostile_keys_cannot_reach_a_held_cache(cache: Cache) -> None:
    class Hostile(str):
        def __hash__(self) -> int:
            cache.set("touched", 1)
            cache.delete("k")
            return hash(str(self))

        def __eq__(self, other: object) -> bool:
            cache["touched"] = 2
            return str(self) == other

    cache["k"] = 1
    assert cache.get_many([Hostile("k"), Hostile("k")]) == {"k": 1}
    assert "k" not in cache
