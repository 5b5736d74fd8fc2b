"""Bad input, limits, closing: each error says what was wrong and what the limit is."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import nearcache
import pytest
from nearcache import Cache

ONE_KEY_VERBS: list[Callable[[Any, Any], object]] = [
    lambda c, k: c.get(k),
    lambda c, k: c[k],
    lambda c, k: k in c,
    lambda c, k: c.gets(k),
    lambda c, k: c.gat(k),
    lambda c, k: c.gats(k),
    lambda c, k: c.get_raw(k),
    lambda c, k: c.gets_raw(k),
    lambda c, k: c.gat_raw(k),
    lambda c, k: c.gats_raw(k),
    lambda c, k: c.set(k, b""),
    lambda c, k: c.__setitem__(k, b""),
    lambda c, k: c.__delitem__(k),
    lambda c, k: c.add(k, b""),
    lambda c, k: c.replace(k, b""),
    lambda c, k: c.append(k, b""),
    lambda c, k: c.prepend(k, b""),
    lambda c, k: c.cas(k, b"", 1),
    lambda c, k: c.set_raw(k, b""),
    lambda c, k: c.add_raw(k, b""),
    lambda c, k: c.replace_raw(k, b""),
    lambda c, k: c.cas_raw(k, b"", 0, 1),
    lambda c, k: c.append_raw(k, b""),
    lambda c, k: c.prepend_raw(k, b""),
    lambda c, k: c.pin(k),
    lambda c, k: c.lease(k),
    lambda c, k: c.delete(k, cas=1),
    lambda c, k: c.delete(k),
    lambda c, k: c.touch(k),
    lambda c, k: c.incr(k),
    lambda c, k: c.decr(k, initial=1),
    lambda c, k: c.get_many(["a", k]),
    lambda c, k: c.gets_many(("a", k)),
    lambda c, k: c.set_many({"a": 1, k: 1}),
    lambda c, k: c.delete_many(iter(["a", k])),
]
WHOLE_CACHE_VERBS: list[Callable[[Cache], object]] = [
    len,
    iter,
    lambda c: c.keys(),
    lambda c: c.stats(),
    lambda c: c.reset_stats(),
    lambda c: c.flush_all(),
    lambda c: c.item_size_max,
    lambda c: c.unix_time(),
    lambda c: c.advance_clock(1),
    lambda c: c.check(),
]


def test_the_exceptions_are_what_they_promise() -> None:
    bases = {
        nearcache.IllegalKeyError: ValueError,
        nearcache.ValueTooLargeError: ValueError,
        nearcache.OutOfMemoryError: MemoryError,
        nearcache.NotNumericError: TypeError,
        nearcache.SerdeError: Exception,
        nearcache.CacheClosedError: Exception,
        nearcache.LockTimeoutError: TimeoutError,
    }
    for error, base in bases.items():
        assert issubclass(error, nearcache.CacheError)
        assert issubclass(error, base)
        assert error.__module__ == "nearcache"
        assert error.__doc__
        assert type(pickle.loads(pickle.dumps(error("why")))) is error


@pytest.mark.parametrize("verb", ONE_KEY_VERBS)
def test_keys_are_1_to_250_bytes(cache: Cache, verb: Callable[[Any, Any], object]) -> None:
    for key in ("", b""):
        with pytest.raises(nearcache.IllegalKeyError, match="the key is empty: a key has 1 to 250 bytes"):
            verb(cache, key)
    for key in ("k" * 251, b"k" * 251, "ä" * 126):
        with pytest.raises(nearcache.IllegalKeyError, match=r"the key has 25\d bytes: the limit is 250"):
            verb(cache, key)
    with pytest.raises(nearcache.IllegalKeyError, match="the key cannot be encoded as UTF-8"):
        verb(cache, "\ud800")
    assert len(cache) == 0


@pytest.mark.parametrize("verb", ONE_KEY_VERBS)
@pytest.mark.parametrize("key", [None, 1, 1.5, ("k",)])
def test_keys_are_str_or_bytes(cache: Cache, verb: Callable[[Any, Any], object], key: object) -> None:
    with pytest.raises(TypeError, match=f"a key is str or bytes, not {type(key).__name__}"):
        verb(cache, key)
    assert len(cache) == 0


def test_keys_of_250_bytes(cache: Cache) -> None:
    for key in ("k" * 250, "ä" * 125, b"\n" * 250):
        cache[key] = 1
        assert cache[key] == 1


def test_too_large_a_value_removes_the_old_one(cache: Cache) -> None:
    cache["k"] = b"old"
    with pytest.raises(nearcache.ValueTooLargeError, match=r"the item takes \d+ bytes: the limit is 1048576"):
        cache.set("k", b"x" * (1 << 20))
    assert "k" not in cache
    cache["k"] = b"old"
    with pytest.raises(nearcache.ValueTooLargeError):
        cache.replace("k", b"x" * (1 << 20))
    assert cache["k"] == b"old"


def test_item_size_max() -> None:
    with Cache("64MiB", item_size_max="4MiB") as cache:
        assert cache.item_size_max == 4 << 20
        value = bytes(3 << 20)
        cache["k"] = value
        assert cache["k"] == value
        with pytest.raises(nearcache.ValueTooLargeError):
            cache["k"] = bytes(4 << 20)


def test_without_eviction_a_full_cache_refuses() -> None:
    with Cache("1MiB", evict=False) as cache:
        with pytest.raises(nearcache.OutOfMemoryError, match="out of memory"):
            for n in range(10_000):
                cache[f"k{n}"] = bytes(1000)
        assert cache["k0"] == bytes(1000)
        assert cache.stats()["evictions"] == 0
        failed = cache.set_many({f"more{n}": bytes(1000) for n in range(100)})
        assert failed and all(key not in cache for key in failed)


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        (1 << 20, 1 << 20),
        ("1048576", 1 << 20),
        ("2097152B", 2 << 20),
        ("1024KiB", 1 << 20),
        ("64MiB", 64 << 20),
        (" 64 mib ", 64 << 20),
        ("2000kB", 2_000_000),
        ("10MB", 10_000_000),
    ],
)
def test_sizes(size: int | str, limit: int) -> None:
    with Cache(size) as cache:
        # Whole pages of it may be used, never more than was asked for.
        assert limit - (1 << 20) < cache.stats()["limit_maxbytes"] <= limit


@pytest.mark.parametrize("size", ["", "MiB", "64 M", "1.5GiB", "-1", "64MiBs", "0x10", "9999999999TiB"])
def test_sizes_that_are_none(size: str) -> None:
    with pytest.raises(ValueError, match="is not a size: write a whole number of bytes, or one with a unit"):
        Cache(size)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, "1KiB"])
def test_sizes_that_are_too_small(size: int | str) -> None:
    with pytest.raises(ValueError):
        Cache(size)


@pytest.mark.parametrize("size", [-1, 2**64])
def test_sizes_out_of_range(size: int) -> None:
    with pytest.raises(ValueError, match="size is out of range"):
        Cache(size)


@pytest.mark.parametrize("size", [1.5, True, b"64MiB"])
def test_sizes_of_other_types(size: object) -> None:
    with pytest.raises(TypeError, match='size is an int .* or a str such as "64MiB", not'):
        Cache(size)  # type: ignore[call-overload]


def test_options_that_cannot_be_met() -> None:
    with pytest.raises(ValueError):
        Cache("64MiB", item_size_max=1)
    with pytest.raises(TypeError, match="item_size_max is an int"):
        Cache("64MiB", item_size_max=1.5)  # type: ignore[call-overload]


def test_numbers_out_of_range(cache: Cache) -> None:
    with pytest.raises(ValueError, match="item_size_hint is out of range"):
        Cache("64MiB", item_size_hint=-1)
    for number in (-1, 2**32):
        with pytest.raises(ValueError, match=r"seconds is out of range: it is 0 to 2\*\*\d\d - 1"):
            cache.advance_clock(number)
    for delay in (2**32, 2**70):
        with pytest.raises(ValueError, match="delay is out of range"):
            cache.flush_all(delay)
    for wrong in (1.5, "1", True):
        with pytest.raises(TypeError, match="delay is an int, not"):
            cache.flush_all(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("keyword", ["home", "path"])
def test_unknown_keywords_are_refused(keyword: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{keyword}'"):
        Cache("64MiB", **{keyword: "x"})  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        Cache()  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        Cache("64MiB", 1)  # type: ignore[call-overload]


def test_one_key_given_for_many(cache: Cache) -> None:
    for keys in ("abc", b"abc"):
        with pytest.raises(TypeError, match="keys is an iterable of keys, not one"):
            cache.get_many(keys)  # type: ignore[type-var]
        with pytest.raises(TypeError, match="keys is an iterable of keys, not one"):
            cache.delete_many(keys)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        cache.get_many(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        cache.set_many([("a", 1)])  # type: ignore[arg-type]


@pytest.mark.parametrize("unique", [-1, 2**64])
def test_cas_uniques_out_of_range(cache: Cache, unique: int) -> None:
    with pytest.raises(ValueError, match="cas is out of range"):
        cache.cas("k", b"", unique)


def test_the_clock_of_the_system_is_not_moved() -> None:
    with Cache("64MiB") as cache, pytest.raises((ValueError, nearcache.CacheError)):
        cache.advance_clock(1)


def test_close(cache: Cache) -> None:
    closed = Cache("64MiB", manual_clock=True)
    closed["k"] = 1
    keys = closed.keys()
    closed.close()
    closed.close()
    for verb in ONE_KEY_VERBS:
        with pytest.raises(nearcache.CacheClosedError, match="the cache is closed"):
            verb(closed, "k")
    for whole in WHOLE_CACHE_VERBS:
        with pytest.raises(nearcache.CacheClosedError, match="the cache is closed"):
            whole(closed)
    with pytest.raises(nearcache.CacheClosedError):
        next(keys)
    assert "closed" in repr(closed)


def test_with_closes() -> None:
    with Cache("64MiB") as cache:
        cache["k"] = 1
    with pytest.raises(nearcache.CacheClosedError):
        cache["k"]


def test_a_cache_is_neither_pickled_nor_copied(cache: Cache) -> None:
    refusers: list[Callable[[Cache], object]] = [pickle.dumps, copy.copy, copy.deepcopy]
    for refused in refusers:
        with pytest.raises(TypeError, match="cannot be pickled or copied: make one in each process"):
            refused(cache)


def test_a_cache_is_collected_though_its_iterator_lives() -> None:
    cache = Cache("64MiB")
    cache["k"] = 1
    keys = cache.keys()
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is not None, "the iterator keeps its cache"
    assert list(keys) == [b"k"]
    del keys
    gc.collect()
    assert gone() is None


def test_repr(cache: Cache) -> None:
    cache["k"] = 1
    assert repr(cache) == f"<nearcache.Cache of {cache.stats()['limit_maxbytes']} bytes, 1 items>"


def test_a_subclass_works() -> None:
    class Mine(Cache):
        def double(self, key: str) -> int:
            return 2 * int(self[key])

    with Mine("64MiB") as cache:
        cache["k"] = 21
        assert cache.double("k") == 42
