"""Each verb: what it answers and what it leaves behind."""

from __future__ import annotations

import nearcache
import pytest
from nearcache import Cache


def test_get_of_a_present_and_a_missing_key(cache: Cache) -> None:
    cache["k"] = b"v"
    assert cache.get("k") == b"v"
    assert cache.get("missing") is None
    assert cache.get("missing", 7) == 7
    assert cache.get("missing", default="d") == "d"
    assert cache.get("k", "d") == b"v"


def test_mapping_protocol(cache: Cache) -> None:
    with pytest.raises(KeyError) as missing:
        cache["k"]
    assert missing.value.args == ("k",)
    cache["k"] = b"v"
    assert cache["k"] == b"v"
    assert "k" in cache
    assert len(cache) == 1
    del cache["k"]
    assert "k" not in cache
    assert len(cache) == 0
    with pytest.raises(KeyError):
        del cache["k"]


def test_str_and_bytes_name_the_same_key(cache: Cache) -> None:
    cache["ключ"] = 1
    assert cache["ключ".encode()] == 1
    cache[b"\x00\xff"] = 2
    assert cache[b"\x00\xff"] == 2


def test_subclasses_of_key_types_are_keys(cache: Cache) -> None:
    class Text(str):
        pass

    class Bytes(bytes):
        pass

    cache[Text("k")] = 1
    assert cache[Bytes(b"k")] == 1


def test_set_overwrites_value_and_expiry(cache: Cache) -> None:
    assert cache.set("k", b"1", 10) is True
    assert cache.set("k", b"2") is True
    cache.advance_clock(100)
    assert cache["k"] == b"2"


def test_arguments_have_pymemcaches_names_and_order(cache: Cache) -> None:
    assert cache.set(key="k", value=b"1", expire=0) is True
    assert cache.get(key="k", default=None) == b"1"
    value, unique = cache.gets(key="k")
    assert cache.cas(key="k", value=b"2", cas=unique, expire=0) is True
    assert cache.cas("k", b"3", cache.gets("k")[1], 0) is True
    assert cache.delete(key="k") is True
    cache["n"] = 1
    assert cache.incr(key="n", value=2) == 3


def test_add_and_replace(cache: Cache) -> None:
    assert cache.replace("k", b"0") is False
    assert cache.add("k", b"1") is True
    assert cache.add("k", b"2") is False
    assert cache["k"] == b"1"
    assert cache.replace("k", b"3") is True
    assert cache["k"] == b"3"


def test_append_and_prepend_keep_type_and_expiry(cache: Cache) -> None:
    assert cache.append("k", b"x") is False
    assert cache.prepend("k", b"x") is False
    assert "k" not in cache
    cache.set("k", "b", expire=10)
    assert cache.append("k", b"c") is True
    assert cache.prepend("k", "a") is True
    assert cache["k"] == "abc"
    cache.advance_clock(11)
    assert cache.get("k") is None


def test_append_to_a_number_lengthens_it(cache: Cache) -> None:
    cache["n"] = 12
    assert cache.append("n", 3) is True
    assert cache["n"] == 123


def test_append_past_the_limit_is_refused_and_keeps_the_value(cache: Cache) -> None:
    cache["k"] = b"x" * 1_000_000
    assert cache.append("k", b"y" * 100_000) is False
    assert cache["k"] == b"x" * 1_000_000


@pytest.mark.parametrize("verb", ["append", "prepend", "append_raw", "prepend_raw"])
def test_an_append_that_is_too_large_by_itself_is_an_error_and_keeps_the_value(cache: Cache, verb: str) -> None:
    cache["k"] = b"old"
    # The longest value with a key of one byte has 1 048 516 bytes.
    for length in (1_048_517, 1 << 20, 3 << 20):
        with pytest.raises(nearcache.ValueTooLargeError, match="the limit is 1048576"):
            getattr(cache, verb)("k", bytes(length))
        assert cache["k"] == b"old"
    assert getattr(cache, verb)("k", bytes(1_048_516)) is False
    assert cache["k"] == b"old"


def test_gets_and_cas(cache: Cache) -> None:
    assert cache.gets("k") == (None, None)
    assert cache.gets("k", 1, 2) == (1, 2)
    assert cache.cas("k", b"x", 1) is None
    cache["k"] = b"1"
    value, unique = cache.gets("k")
    assert value == b"1" and isinstance(unique, int) and unique > 0
    assert cache.cas("k", b"2", unique) is True
    assert cache.cas("k", b"3", unique) is False
    assert cache["k"] == b"2"


def test_cas_unique_changes_with_each_store_and_not_with_touch(cache: Cache) -> None:
    cache["k"] = 1
    first = cache.gets("k")[1]
    cache.touch("k", 10)
    cache.gat("k", 10)
    assert cache.gets("k")[1] == first
    cache["k"] = 1
    assert cache.gets("k")[1] != first


def test_cas_sets_the_expiry(cache: Cache) -> None:
    cache["k"] = 1
    assert cache.cas("k", 2, cache.gets("k")[1], expire=10) is True
    cache.advance_clock(11)
    assert "k" not in cache


def test_delete(cache: Cache) -> None:
    assert cache.delete("k") is False
    cache["k"] = b""
    assert cache.delete("k") is True
    assert cache.get("k") is None


def test_incr_and_decr(cache: Cache) -> None:
    assert cache.incr("n") is None
    assert cache.decr("n") is None
    cache["n"] = 10
    assert cache.incr("n") == 11
    assert cache.incr("n", 5) == 16
    assert cache.decr("n", 15) == 1
    assert cache.decr("n", 2) == 0
    assert cache["n"] == 0


def test_incr_wraps_and_decr_stops(cache: Cache) -> None:
    cache["n"] = 2**64 - 1
    assert cache.incr("n") == 0
    cache["n"] = 3
    assert cache.decr("n", 2**64 - 1) == 0


def test_a_number_that_shrank_is_still_a_number(cache: Cache) -> None:
    cache["n"] = 10
    assert cache.decr("n") == 9
    assert cache["n"] == 9
    # memcached's padding, as every client of a memcached sees it.
    assert cache.get_raw("n") == (b"9 ", 2)


def test_incr_of_bytes_and_str_digits(cache: Cache) -> None:
    cache["b"] = b"7"
    cache["s"] = "7"
    assert cache.incr("b") == cache.incr("s") == 8
    assert cache["b"] == b"8"
    assert cache["s"] == "8"


def test_incr_initial(cache: Cache) -> None:
    assert cache.incr("n", 5, initial=100, expire=10) == 100
    assert cache["n"] == 100
    assert cache.incr("n", 5, initial=100, expire=10) == 105
    cache.advance_clock(11)
    assert "n" not in cache
    assert cache.decr("m", 5, initial=2**64 - 1) == 2**64 - 1
    assert cache["m"] == 2**64 - 1


@pytest.mark.parametrize("value", [b"", b"abc", b"1a", -1, 2**64, "x"])
def test_incr_of_what_is_no_number(cache: Cache, value: bytes | str | int) -> None:
    cache["n"] = value
    with pytest.raises(nearcache.NotNumericError, match="non-numeric"):
        cache.incr("n")
    with pytest.raises(nearcache.NotNumericError):
        cache.decr("n", initial=1)
    assert cache["n"] == value


@pytest.mark.parametrize("delta", [-1, 2**64])
def test_incr_by_what_is_out_of_range(cache: Cache, delta: int) -> None:
    with pytest.raises(ValueError, match=r"value is out of range: it is 0 to 2\*\*64 - 1"):
        cache.incr("n", delta)
    with pytest.raises(ValueError, match="initial is out of range"):
        cache.incr("n", 1, initial=delta)


@pytest.mark.parametrize("delta", [1.0, "1", True])
def test_incr_by_what_is_no_int(cache: Cache, delta: object) -> None:
    with pytest.raises(TypeError, match="value is an int, not"):
        cache.incr("n", delta)  # type: ignore[call-overload]


def test_touch(cache: Cache) -> None:
    assert cache.touch("k", 10) is False
    cache["k"] = b"v"
    assert cache.touch("k", 10) is True
    cache.advance_clock(9)
    assert cache["k"] == b"v"
    cache.advance_clock(2)
    assert cache.get("k") is None


def test_touch_without_an_expiry_makes_it_last(cache: Cache) -> None:
    cache.set("k", b"v", 10)
    assert cache.touch("k") is True
    cache.advance_clock(1000)
    assert cache["k"] == b"v"


def test_gat_and_gats(cache: Cache) -> None:
    assert cache.gat("k", 10) is None
    assert cache.gat("k", 10, "d") == "d"
    assert cache.gats("k", 10) == (None, None)
    assert cache.gats("k", 10, 1, 2) == (1, 2)
    cache["k"] = "v"
    unique = cache.gets("k")[1]
    assert cache.gat("k", 10) == "v"
    assert cache.gats("k", 20) == ("v", unique)
    cache.advance_clock(19)
    assert cache["k"] == "v"
    cache.advance_clock(2)
    assert cache.get("k") is None


def test_flush_all(cache: Cache) -> None:
    cache["k"] = b"v"
    assert cache.flush_all() is True
    assert cache.get("k") is None
    cache["k"] = b"w"
    assert cache["k"] == b"w"


def test_flush_all_with_a_delay_kills_what_is_stored_until_then(cache: Cache) -> None:
    cache["a"] = 1
    cache.flush_all(10)
    cache.advance_clock(5)
    cache["b"] = 2
    assert cache["a"] == 1
    cache.advance_clock(6)
    assert cache.get("a") is None
    assert cache.get("b") is None
    cache["c"] = 3
    assert cache["c"] == 3


def test_flush_all_of_a_negative_delay_is_now(cache: Cache) -> None:
    cache["a"] = 1
    cache.flush_all(-(2**70))
    assert cache.get("a") is None


def test_stats_and_reset_stats(cache: Cache) -> None:
    cache["k"] = b"v"
    cache.get("k")
    cache.get("missing")
    "k" in cache
    cache.delete("missing")
    stats = cache.stats()
    assert {name: stats[name] for name in ("cmd_get", "get_hits", "get_misses", "cmd_set", "delete_misses")} == {
        "cmd_get": 2,
        "get_hits": 1,
        "get_misses": 1,
        "cmd_set": 1,
        "delete_misses": 1,
    }
    assert stats["curr_items"] == 1
    assert stats["limit_maxbytes"] == 64 << 20
    assert all(isinstance(value, int) for value in stats.values())
    cache.reset_stats()
    stats = cache.stats()
    assert stats["cmd_get"] == stats["cmd_set"] == 0
    assert stats["curr_items"] == 1


def test_raw_verbs_pass_bytes_and_flags_unchanged(cache: Cache) -> None:
    assert cache.get_raw("k") is None
    assert cache.gets_raw("k") is None
    assert cache.gat_raw("k") is None
    assert cache.gats_raw("k") is None
    assert cache.replace_raw("k", b"") is False
    assert cache.add_raw("k", b"\x80\x00", 2**32 - 1) is True
    assert cache.add_raw("k", b"") is False
    assert cache.get_raw("k") == (b"\x80\x00", 2**32 - 1)
    assert cache.replace_raw("k", b"r", 3, 10) is True
    assert cache.get_raw("k") == (b"r", 3)
    hit = cache.gets_raw("k")
    assert hit is not None
    assert cache.cas_raw("k", b"c", 4, hit[2]) is True
    assert cache.cas_raw("k", b"d", 4, hit[2]) is False
    assert cache.cas_raw("missing", b"d", 4, hit[2]) is None
    assert cache.gat_raw("k", 10) == (b"c", 4)
    hit = cache.gats_raw("k", 10)
    assert hit is not None and hit[:2] == (b"c", 4)
    assert cache.set_raw("k", b"s") is True
    assert cache.get_raw("k") == (b"s", 0)


def test_iteration_meets_every_key(cache: Cache) -> None:
    assert list(cache) == []
    keys = {b"key:%d" % n for n in range(1000)} | {b"other"}
    for key in keys:
        cache[key] = b""
    assert set(cache) == keys
    assert len(list(cache)) == len(keys)
    assert set(cache.keys()) == keys
    assert set(cache.keys("key:1")) == {key for key in keys if key.startswith(b"key:1")}
    assert list(cache.keys(b"other")) == [b"other"]
    assert list(cache.keys("x" * 300)) == []


def test_iteration_while_the_cache_changes(cache: Cache) -> None:
    for n in range(2000):
        cache[f"k{n}"] = n
    met = []
    for key in cache.keys("k"):
        met.append(key)
        cache.delete(key)
        cache[b"new" + key] = 1
    assert sorted(met) == sorted(b"k%d" % n for n in range(2000))


def test_expired_items_are_not_met(cache: Cache) -> None:
    cache.set("dead", 1, 10)
    cache["alive"] = 1
    cache.advance_clock(11)
    assert list(cache) == [b"alive"]
