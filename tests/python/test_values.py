"""Values: what goes in comes out, of the same type; what cannot is refused in words."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable

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


@pytest.mark.parametrize("flags", [1, 8, 17, 2**31])
def test_flags_of_no_known_type(cache: Cache, flags: int) -> None:
    cache.set_raw("k", b"x", flags)
    with pytest.raises(nearcache.SerdeError, match=f"flags are {flags}, .*get_raw"):
        cache["k"]
    assert cache.get_raw("k") == (b"x", flags)


class Text(str):
    pass


class Color(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize("value", [None, True, False, 1.5, [], {}, bytearray(b"x"), memoryview(b"x"), Text("x"), Color.RED])
def test_other_types_are_refused(cache: Cache, value: object) -> None:
    pattern = rf"a value is bytes, str or int .*not {type(value).__name__}"
    with pytest.raises(TypeError, match=pattern):
        cache["k"] = value  # type: ignore[assignment]
    verbs: list[Callable[..., object]] = [cache.set, cache.add, cache.replace, cache.append, cache.prepend]
    for verb in verbs:
        with pytest.raises(TypeError, match=pattern):
            verb("k", value)
    with pytest.raises(TypeError, match=pattern):
        cache.cas("k", value, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=pattern):
        cache.set_many({"a": 1, "k": value})
    assert len(cache) == 0


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
