"""Values: what goes in comes out, of the same type; what cannot is refused in words."""

from __future__ import annotations

import ast
import enum
import gc
import os
import pickle
import sys
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nearcache
import pytest
from nearcache import Cache

INTS = [0, 1, -1, 9, 10, -(2**63), 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**100, -(10**100)]
# Around the stack buffer (512), the inline lengths and the release of the interpreter (256 KiB).
LENGTHS = [0, 1, 7, 8, 31, 32, 511, 512, 513, 4096, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 1_000_000]


@pytest.mark.parametrize("length", LENGTHS)
def test_bytes_of_every_length(cache: Cache, length: int) -> None:
    value = (bytes(range(256)) * (length // 256 + 1))[:length]
    cache["k"] = value
    assert type(cache["k"]) is bytes
    assert cache["k"] == value
    assert cache.gets("k")[0] == value
    assert cache.gat("k") == value
    assert cache.get_raw("k") == (value, 0)
    assert cache.get_many(["k"]) == {"k": value}


@pytest.mark.parametrize("length", LENGTHS)
def test_str_of_every_length(cache: Cache, length: int) -> None:
    value = ("aä€😀" * length)[: length // 4]
    cache["k"] = value
    assert type(cache["k"]) is str
    assert cache["k"] == value
    assert cache.get_raw("k") == (value.encode(), 16)


@pytest.mark.parametrize("value", INTS)
def test_int(cache: Cache, value: int) -> None:
    cache["k"] = value
    assert type(cache["k"]) is int
    assert cache["k"] == value
    assert cache.get_raw("k") == (str(value).encode(), 2)
    assert cache.get_many(["k"]) == {"k": value}


@pytest.mark.parametrize("digits", [4299, 4300, 4301, 20_000])
@pytest.mark.parametrize("sign", [1, -1])
def test_int_beyond_pythons_limit_of_digits(cache: Cache, digits: int, sign: int) -> None:
    value = sign * (10**digits // 7 * 10 + 3)
    cache["k"] = value
    assert cache["k"] == value
    raw = cache.get_raw("k")
    assert raw is not None and raw[1] == 2
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert raw[0] == str(value).encode()
    finally:
        sys.set_int_max_str_digits(limit)


def test_long_is_read_as_int(cache: Cache) -> None:
    cache.set_raw("k", b"12", 4)
    assert cache["k"] == 12


@pytest.mark.parametrize(("stored", "value"), [(b"007", 7), (b"9 ", 9), (b"-5", -5), (b"-0", 0)])
def test_int_as_others_write_it(cache: Cache, stored: bytes, value: int) -> None:
    cache.set_raw("k", stored, 2)
    assert cache["k"] == value


@pytest.mark.parametrize("stored", [b"", b" ", b"-", b"1_000", b"1.5", b"0x1", b"--1", b"abc", b"\xff", "٣".encode()])
def test_int_flag_on_something_else(cache: Cache, stored: bytes) -> None:
    cache.set_raw("k", stored, 2)
    with pytest.raises(nearcache.SerdeError, match=r"flags \(2\) say int, but its bytes are not a decimal number"):
        cache.get("k")
    assert cache.get_raw("k") == (stored, 2)


def test_text_flag_on_something_else(cache: Cache) -> None:
    for length in (1, 1000, 300_000):
        cache.set_raw("k", b"\xff" * length, 16)
        with pytest.raises(nearcache.SerdeError, match=r"flags \(16\) say str, but its bytes are not UTF-8"):
            cache.get("k")
        with pytest.raises(nearcache.SerdeError):
            cache.get_many(["k"])


@pytest.mark.parametrize("flags", [17, 5, 32, 2**31, 0x4E43_0003, 0x4E43_0009])
def test_flags_of_no_known_type(cache: Cache, flags: int) -> None:
    cache.set_raw("k", b"x", flags)
    with pytest.raises(nearcache.SerdeError, match=f"flags are {flags}, .*get_raw"):
        cache["k"]
    assert cache.get_raw("k") == (b"x", flags)


class Text(str):
    pass


class Color(enum.IntEnum):
    RED = 1


OTHERS: list[Any] = [None, True, False, 1.5, [], {"a": {1, 2}}, bytearray(b"x"), Text("x"), Color.RED, (1, None), 2.5j, range(3)]


@pytest.mark.parametrize("value", OTHERS)
def test_other_types_are_pickled(cache: Cache, value: object) -> None:
    for store in (cache.set, cache.replace):
        assert store("k", value) is True
        assert cache["k"] == value and type(cache["k"]) is type(value)
    assert cache.cas("k", value, cache.gets("k")[1]) is True
    assert cache.gets("k", 7)[0] == value
    assert cache.gat("k", 10, default=7) == value
    cache.set_many({"a": value, "b": 1})
    assert cache.get_many(["a", "b"]) == {"a": value, "b": 1}
    raw = cache.get_raw("k")
    assert raw == (pickle.dumps(value, 5), 1)


@pytest.mark.parametrize("value", OTHERS)
def test_other_types_are_refused_where_pickles_are(value: Any) -> None:
    pattern = rf"a value is bytes, str or int .*not {type(value).__name__}, with allow_pickle=False: use serde="
    with Cache("1MiB", allow_pickle=False) as cache:
        verbs: list[Callable[..., object]] = [cache.set, cache.add, cache.replace, cache.__setitem__]
        for verb in verbs:
            with pytest.raises(TypeError, match=pattern):
                verb("k", value)
        with pytest.raises(TypeError, match=pattern):
            cache.cas("k", value, 1)
        with pytest.raises(TypeError, match=pattern):
            cache.set_many({"a": 1, "k": value})
        assert len(cache) == 0
        cache.set_raw("k", pickle.dumps(value), 1)
        with pytest.raises(nearcache.SerdeError, match="allow_pickle=False.*get_raw"):
            cache.get("k")
        with pytest.raises(nearcache.SerdeError, match="allow_pickle=False"):
            cache.get_many(["k"])


def test_an_unpickler_is_not_even_called_where_pickles_are_not_allowed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return open, (str(tmp_path / "made"), "w")

    with Cache("1MiB", allow_pickle=False) as cache:
        for flags in (1, 9):
            data = pickle.dumps(Evil())
            cache.set_raw("k", zlib.compress(data) if flags & 8 else data, flags)
            with pytest.raises(nearcache.SerdeError):
                cache["k"]
    assert not (tmp_path / "made").exists()


def test_broken_pickles(cache: Cache) -> None:
    whole = pickle.dumps([1, "two", {}])
    for stored in (b"", b"x", whole[:-1], whole[3:], b"\x80\x05cnowhere\nnothing\n."):
        cache.set_raw("k", stored, 1)
        with pytest.raises(nearcache.SerdeError, match="flags \\(1\\) say pickle, but it cannot be unpickled") as broken:
            cache["k"]
        assert broken.value.__cause__ is not None
        assert cache.get_raw("k") == (stored, 1)


def test_what_cannot_be_pickled_is_pickles_own_error_and_stores_nothing(cache: Cache) -> None:
    cache["k"] = "old"
    for value in (lambda: 0, sys.stdout, (n for n in range(3))):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            cache["k"] = value
    assert cache["k"] == "old"


def test_an_int_of_phps_is_an_int(cache: Cache) -> None:
    cache.set_raw("k", b"-12", 1)
    assert cache["k"] == -12


def test_code_that_runs_while_a_value_is_made_may_use_the_cache(cache: Cache) -> None:
    assert cache.set("k", Reaching()) is True
    Reaching.cache = cache
    try:
        cache["k"] = Reaching()
        assert type(cache["k"]) is Reaching
        assert cache["written"] == 1 and cache["read"] == 2
    finally:
        Reaching.cache = None


class Reaching:
    """Reads and writes the cache whenever it is pickled and unpickled."""

    cache: Cache | None = None

    def __getstate__(self) -> dict[str, int]:
        if self.cache is not None:
            self.cache["written"] = 1
            self.cache.delete("k")
        return {"a": 1}

    def __setstate__(self, state: dict[str, int]) -> None:
        if self.cache is not None:
            self.cache["read"] = 2
            self.cache.flush_all()
            self.cache.set_many({"written": 1, "read": 2})


@pytest.mark.parametrize("value", ["x" * 5000, b"x" * 5000, ["x"] * 5000, {"a": "b" * 5000}])
@pytest.mark.parametrize("serde", ["auto", "portable"])
def test_what_is_long_is_compressed_if_that_is_asked_for(cache: Cache, value: Any, serde: Any) -> None:
    with Cache("1MiB", compress_min=1000, serde=serde) as small:
        small["k"] = value
        raw = small.get_raw("k")
        assert raw is not None and raw[1] & 8 and len(raw[0]) < 500
        assert small["k"] == value
        assert small.get_many(["k"]) == {"k": value}
        # Read always, whoever reads.
        cache.set_raw("k", *raw)
        assert cache["k"] == value
        small["short"] = "x" * 990
        plain = small.get_raw("short")
        assert plain is not None and not plain[1] & 8
        small["noise"] = os.urandom(2000)
        plain = small.get_raw("noise")
        assert plain is not None and not plain[1] & 8, "zlib does not make it smaller"
        small["n"] = 10**18
        assert small.incr("n") == 10**18 + 1


def test_broken_zlib(cache: Cache) -> None:
    whole = zlib.compress(b"value" * 100)
    assert cache.set_raw("k", whole, 8) and cache["k"] == b"value" * 100
    for stored, why in [(b"", "cut short"), (b"x", "cut short"), (b"value", "are not"), (whole[:-1], "cut short"), (whole + b"x", "more")]:
        for flags in (8, 9, 10, 24, 0x4E43_0008):
            cache.set_raw("k", stored, flags)
            with pytest.raises(nearcache.SerdeError, match=rf"flags \({flags}\) say zlib, but its bytes are {why.replace('are ', '')}"):
                cache["k"]


class Reversed:
    """A serde with pymemcache's protocol."""

    def __init__(self) -> None:
        self.keys: list[object] = []

    def serialize(self, key: Any, value: Any) -> tuple[bytes, int]:
        self.keys.append(key)
        return repr(value).encode()[::-1], 77

    def deserialize(self, key: Any, value: bytes, flags: int) -> Any:
        self.keys.append(key)
        return ast.literal_eval(value[::-1].decode()) if flags == 77 else (value, flags)


def test_a_serde_object_makes_everything() -> None:
    serde = Reversed()
    with Cache("1MiB", serde=serde) as cache:
        for value in (b"x", "x", 1, None, [1, {"a": (2,)}], "long" * 200):
            cache["k"] = value
            assert cache["k"] == value
            assert cache.get_many([b"k"]) == {b"k": value}
            assert cache.get_raw("k") == (repr(value).encode()[::-1], 77)
        assert {str(key) for key in serde.keys} == {"k", "b'k'"}
        cache.set_raw("k", b"raw", 0)
        assert cache["k"] == (b"raw", 0)
        assert cache.incr("n", initial=7) == 7
        assert cache["n"] == (b"7", 2)
        # Portable values are everybody's.
        cache.set_raw("k", b"\xc0", 0x4E43_0000)
        assert cache.get("k", 1) is None


def test_pymemcaches_serdes_work() -> None:
    from pymemcache import serde  # type: ignore[import-untyped]

    for made in (serde.pickle_serde, serde.compressed_serde):
        with Cache("1MiB", serde=made) as cache:
            for value in (b"x", "x", 1, None, [1, {"a": (2,)}], "long" * 2000):
                cache["k"] = value
                assert cache["k"] == value
                raw = cache.get_raw("k")
                assert raw is not None
                with Cache("1MiB") as auto:
                    auto.set_raw("k", *raw)
                    assert auto["k"] == value, "the same flags"


def test_a_serde_that_fails_passes_its_error_on_and_stores_nothing() -> None:
    class Failing:
        answer: Any = None

        def serialize(self, key: Any, value: Any) -> Any:
            if self.answer is None:
                raise LookupError("in serialize")
            return self.answer

        def deserialize(self, key: Any, value: bytes, flags: int) -> Any:
            raise LookupError("in deserialize")

    serde = Failing()
    with Cache("1MiB", serde=serde) as cache:
        with pytest.raises(LookupError, match="in serialize"):
            cache["k"] = 1
        for serde.answer in (b"x", (b"x",), (b"x", 1, 2), (1, 1), [b"x", 1]):
            with pytest.raises(TypeError, match="returns a tuple of bytes"):
                cache["k"] = 1
        for serde.answer, error in (((b"x", "1"), TypeError), ((b"x", 2**32), ValueError)):
            with pytest.raises(error, match="flags is"):
                cache["k"] = 1
        assert len(cache) == 0
        serde.answer = ("text", 3)
        cache["k"] = 1
        assert cache.get_raw("k") == (b"text", 3)
        with pytest.raises(LookupError, match="in deserialize"):
            cache["k"]


def test_a_cycle_through_a_serde_is_collected() -> None:
    serde = Reversed()
    cache = Cache("1MiB", serde=serde)
    serde.keys.append(cache)
    gone = weakref.ref(cache)
    del cache, serde
    gc.collect()
    assert gone() is None


def test_options_of_values_are_judged() -> None:
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"serde": "json"}, ValueError, "serde=\"json\" is unknown"),
        ({"serde": 7}, TypeError, "int has no method serialize"),
        ({"serde": Reversed(), "compress_min": 10}, TypeError, "a serde object decides for itself"),
        ({"serde": Reversed(), "allow_pickle": False}, TypeError, "a serde object decides for itself"),
        ({"compress_min": -1}, ValueError, "compress_min is out of range"),
        ({"compress_min": "1KiB"}, TypeError, "compress_min is an int"),
    ]
    for arguments, error, match in wrong:
        with pytest.raises(error, match=match):
            Cache("1MiB", **arguments)


def test_a_named_cache_is_pickled_with_what_it_says_of_values() -> None:
    with Cache("1MiB", name="serdes", serde="portable", compress_min=100) as portable:
        again = pickle.loads(pickle.dumps(portable))
        again["k"] = [None] * 1000
        raw = portable.get_raw("k")
        assert raw is not None and raw[1] == 0x4E43_0008
    with Cache(name="serdes", allow_pickle=False) as careful:
        again = pickle.loads(pickle.dumps(careful))
        with pytest.raises(TypeError, match="allow_pickle"):
            again["k"] = None
    with Cache(name="serdes", serde=Reversed()) as own:
        again = pickle.loads(pickle.dumps(own))
        again["k"] = None
        assert own.get("k", 1) is None
    nearcache.unlink("serdes")


def test_only_plain_values_grow(cache: Cache) -> None:
    compressed = zlib.compress(b"x" * 100)
    for stored, flags in [(pickle.dumps([]), 1), (compressed, 8), (b"\xc0", 0x4E43_0000), (b"\x93\x00\x00\x80x", 0x4E43_0002)]:
        cache.set_raw("k", stored, flags)
        for verb in (cache.append, cache.prepend):
            with pytest.raises(TypeError, match=rf"flags \({flags}\) say a pickle, compressed or portable"):
                verb("k", "x")
        assert cache.get_raw("k") == (stored, flags)
        assert cache.append_raw("k", b"x") and cache.prepend_raw("k", b"y")
        assert cache.get_raw("k") == (b"y" + stored + b"x", flags)
    values: list[Any] = [None, [], 1.5, object()]
    for value in values:
        with pytest.raises(TypeError, match="what is appended or prepended is bytes, str or int"):
            cache.append("k", value)
    cache.set_raw("n", b"12", 0x4E43_0001)
    assert cache.append("n", 3) and cache["n"] == 123


def test_lone_surrogate_is_refused(cache: Cache) -> None:
    with pytest.raises(nearcache.SerdeError, match="cannot be stored as UTF-8"):
        cache["k"] = "\ud800"


def test_raw_values_are_bytes(cache: Cache) -> None:
    with pytest.raises(TypeError, match="a raw value is bytes, not str"):
        cache.set_raw("k", "x", 0)  # type: ignore[arg-type]
    verbs: list[Callable[[int], object]] = [
        lambda flags: cache.set_raw("k", b"x", flags),
        lambda flags: cache.add_raw("k", b"x", flags),
        lambda flags: cache.replace_raw("k", b"x", flags),
        lambda flags: cache.cas_raw("k", b"x", flags, 1),
    ]
    for verb in verbs:
        for flags in (-1, 2**32, 2**64):
            with pytest.raises(ValueError, match="flags is out of range"):
                verb(flags)
        with pytest.raises(TypeError, match="flags is an int, not str"):
            verb("1")  # type: ignore[arg-type]
