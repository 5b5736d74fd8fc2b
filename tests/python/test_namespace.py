"""Namespaces: keys of their own, emptied in one step for all, and nothing old ever comes back."""

from __future__ import annotations

import os
import pickle
from typing import Any

import flights
import nearcache
import pytest
from nearcache import Cache


def test_keys_are_its_own(cache: Cache) -> None:
    users, pages = cache.namespace("users"), cache.namespace("pages")
    cache["1"], users["1"], pages["1"] = "cache", "users", "pages"
    assert (cache["1"], users["1"], pages["1"]) == ("cache", "users", "pages")
    assert cache.namespace("users")["1"] == "users"
    users.invalidate()
    assert (cache.get("1"), users.get("1"), pages.get("1")) == ("cache", None, "pages")
    assert "1" not in users
    assert repr(users).startswith("<nearcache.Namespace 'users' of <nearcache.Cache")


def test_every_verb(cache: Cache) -> None:
    n = cache.namespace("n")
    assert n.set("k", 1, 60) and n["k"] == 1 and n.get(b"k") == 1
    assert n.add("k", 2) is False and n.replace("k", 2) is True
    value, unique = n.gets("k")
    assert value == 2 and n.cas("k", 3, unique) is True and n.cas("k", 4, unique) is False and n.cas("no", 1, 1) is None
    assert n.gets("no", 1, 2) == (1, 2) and n.gats("no", 1, 1, 2) == (1, 2)
    assert n.gat("k", 10) == 3 and n.gats("k", 10)[0] == 3 and n.gat("no", 10, "d") == "d"
    assert n.incr("k") == 4 and n.decr("k", 2) == 2 and n.incr("no") is None and n.incr("new", initial=7) == 7
    n["s"] = "b"
    assert n.append("s", "c") and n.prepend("s", "a") and n["s"] == "abc"
    assert n.touch("s", 10) and not n.touch("no", 10)
    with n.pin("s") as view:
        assert bytes(view) == b"abc"
    mixed: dict[Any, Any] = {"a": 1, b"b": 2}
    assert n.set_many(mixed) == []
    assert n.set_many({"large": b"x" * (1 << 20), "small": 1}) == ["large"]
    keys: list[Any] = ["a", b"b", "no"]
    assert n.get_many(keys) == mixed
    assert {key: value for key, (value, _) in n.gets_many(keys).items()} == mixed
    assert sorted(n) == [b"a", b"b", b"k", b"new", b"s", b"small"]
    assert sorted(n.keys("s")) == [b"s", b"small"]
    assert n.delete_many(["a", "no"]) == 1
    assert n.delete("k") and not n.delete("k")
    lease = n.lease("k")
    assert lease.won and n.delete("k", cas=lease.token)
    assert n.get_or_set("k", lambda: 5) == 5
    del n["k"]
    for gone in (n.__getitem__, n.__delitem__):
        with pytest.raises(KeyError) as missing:
            gone("k")
        assert missing.value.args == ("k",)
    with n.lock("k"), cache.lock("k", timeout=0):
        assert not n.lock("k", timeout=0).acquire()


def test_what_is_stored_while_it_is_emptied_is_lost(cache: Cache) -> None:
    n = cache.namespace("n")

    def produce() -> str:
        n.invalidate()
        return "made from the old"

    assert n.get_or_set("k", produce) == "made from the old"
    assert n.get("k") is None


def test_nothing_old_comes_back_when_the_generation_was_evicted(cache: Cache) -> None:
    n = cache.namespace("n")
    n["k"] = "old"
    # As fast as can be: the beginning of the next must be later all the same.
    for _ in range(20_000):
        cache.incr("nearcache:namespace:n")
    n["k"] = "newer"
    before = n.key("")
    assert cache.delete("nearcache:namespace:n")
    assert n.get("k") is None
    assert n.key("") > before
    cache.delete("nearcache:namespace:n")
    n.invalidate()
    assert n.get("k") is None


def test_all_processes_see_it_empty() -> None:
    with Cache("4MiB", shared=True) as cache:
        n = cache.namespace("n")
        n["k"] = 1

        def child() -> None:
            same = n["k"] == 1
            n.invalidate()
            n["child"] = 2
            os._exit(0 if same else 1)

        process = flights.start(child)
        flights.join([process])
        assert n.get("k") is None
        assert n["child"] == 2


def test_a_reader_that_may_not_write() -> None:
    with Cache("4MiB", name="spaces") as cache:
        reader = Cache(name="spaces", read_only=True)
        assert reader.namespace("n").get("k") is None
        cache.namespace("n")["k"] = 1
        assert reader.namespace("n").get("k") == 1
    nearcache.unlink("spaces")


def test_it_is_pickled_with_its_cache(cache: Cache) -> None:
    with Cache("4MiB", name="spaces") as named:
        space = named.namespace("n")
        space["k"] = 1
        again = pickle.loads(pickle.dumps(space))
        assert (again.name, again["k"]) == ("n", 1)
        space.invalidate()
        assert again.get("k") is None
    nearcache.unlink("spaces")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(cache.namespace("n"))


def test_an_empty_one_is_true(cache: Cache) -> None:
    assert cache.namespace("n")
    with pytest.raises(TypeError):
        len(cache.namespace("n"))  # type: ignore[arg-type]


def test_arguments_are_judged(cache: Cache) -> None:
    for name in ("", "n" * 151):
        with pytest.raises(ValueError, match="it has 1 to 150"):
            cache.namespace(name)
    n = cache.namespace("n" * 150)
    n["k" * 79] = 1
    with pytest.raises(nearcache.IllegalKeyError):
        n["k" * 80] = 1
    for many in (n.get_many, n.delete_many):
        with pytest.raises(TypeError, match="keys is an iterable of keys, not one"):
            many("abc")
