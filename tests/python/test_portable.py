"""Portable values: every type there and back, the bytes that other languages see, limits, and bytes that are broken."""

from __future__ import annotations

import base64
import enum
import json
import math
import random
import struct
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nearcache
import pytest
from nearcache import Cache

PACKED = 0x4E43_0000
INT = 0x4E43_0001


@pytest.fixture
def portable() -> Iterator[Cache]:
    with Cache("8MiB", serde="portable", item_size_max="4MiB") as cache:
        yield cache
        cache.check()


# A value and its bytes as the specification of MessagePack has them.
SPELLED: list[tuple[Any, bytes]] = [
    (None, b"\xc0"),
    (False, b"\xc2"),
    (True, b"\xc3"),
    (0.0, b"\xcb" + bytes(8)),
    (-1.5, b"\xcb" + struct.pack(">d", -1.5)),
    ("", b"\xa0"),
    ("a" * 31, b"\xbf" + b"a" * 31),
    ("a" * 32, b"\xd9\x20" + b"a" * 32),
    ("a" * 256, b"\xda\x01\x00" + b"a" * 256),
    ("a" * 65536, b"\xdb\x00\x01\x00\x00" + b"a" * 65536),
    ("ключ😀", b"\xac" + "ключ😀".encode()),
    (b"", b"\xc4\x00"),
    (b"\xff" * 255, b"\xc4\xff" + b"\xff" * 255),
    (b"a" * 256, b"\xc5\x01\x00" + b"a" * 256),
    (b"a" * 65536, b"\xc6\x00\x01\x00\x00" + b"a" * 65536),
    ([], b"\x90"),
    ([None] * 15, b"\x9f" + b"\xc0" * 15),
    ([None] * 16, b"\xdc\x00\x10" + b"\xc0" * 16),
    ([None] * 65536, b"\xdd\x00\x01\x00\x00" + b"\xc0" * 65536),
    ({}, b"\x80"),
    ({"a": 1}, b"\x81\xa1a\x01"),
    ({1: "a", b"b": None, "c": [True]}, b"\x83\x01\xa1a\xc4\x01b\xc0\xa1c\x91\xc3"),
    ([0, 127, 128, 255, 256, 65535, 65536], b"\x97\x00\x7f\xcc\x80\xcc\xff\xcd\x01\x00\xcd\xff\xff\xce\x00\x01\x00\x00"),
    ([-1, -32, -33, -128, -129], b"\x95\xff\xe0\xd0\xdf\xd0\x80\xd1\xff\x7f"),
    ([2**32, 2**64 - 1], b"\x92\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xcf" + b"\xff" * 8),
    ([-(2**31) - 1, -(2**63)], b"\x92\xd3\xff\xff\xff\xff\x7f\xff\xff\xff\xd3\x80" + bytes(7)),
]


def same(a: Any, b: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) and same(a[x], b[y]) for x, y in zip(a, b))
    return bool(a == b)


@pytest.mark.parametrize(("value", "packed"), SPELLED, ids=[str(n) for n in range(len(SPELLED))])
def test_every_type_as_the_specification_spells_it(portable: Cache, cache: Cache, value: Any, packed: bytes) -> None:
    portable["k"] = value
    assert portable.get_raw("k") == (packed, PACKED)
    assert same(portable.get("k", 7), value)
    assert same(portable.get_many(["k"])["k"], value)
    # Read whatever serde the reader has.
    cache.set_raw("k", packed, PACKED)
    assert same(cache.get("k", 7), value)
    with Cache("1MiB", allow_pickle=False) as careful:
        careful.set_raw("k", packed, PACKED)
        assert same(careful.get("k", 7), value)


# The bytes that the tests of every language read (tests/portable/README.md).
VECTORS = json.loads((Path(__file__).parents[1] / "portable" / "vectors.json").read_text())


def plain(tagged: Any) -> Any:
    """The value that an entry describes."""
    if tagged is None or isinstance(tagged, bool):
        return tagged
    ((kind, of),) = tagged.items()
    readings: dict[str, Any] = {
        "int": int,
        "float": lambda of: struct.unpack(">d", bytes.fromhex(of))[0],
        "str": str,
        "bin": base64.b64decode,
        "list": lambda of: [plain(one) for one in of],
        "map": lambda of: {plain(key): plain(value) for key, value in of},
    }
    return readings[kind](of)


@pytest.mark.parametrize("vector", VECTORS, ids=[str(n) for n in range(len(VECTORS))])
def test_bytes_that_all_languages_agree_on(portable: Cache, vector: dict[str, Any]) -> None:
    stored = (base64.b64decode(vector["bytes"]), vector["flags"])
    portable.set_raw("k", *stored)
    if vector.get("error"):
        with pytest.raises(nearcache.SerdeError):
            portable["k"]
        return
    value = plain(vector["value"])
    assert same(portable["k"], value)
    if "python" in vector["writers"]:
        portable["k"] = value
        assert portable.get_raw("k") == stored


@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1])
def test_an_int_is_digits_that_can_be_counted_on(portable: Cache, value: int) -> None:
    portable["n"] = value
    assert portable.get_raw("n") == (str(value).encode(), INT)
    assert type(portable["n"]) is int and portable["n"] == value
    if 0 <= value < 2**64 - 1:
        assert portable.incr("n") == value + 1 == portable["n"]


def test_an_initial_number_is_portable(portable: Cache) -> None:
    assert portable.incr("n", initial=10) == 10
    assert portable.get_raw("n") == (b"10", INT)
    assert portable.decr("n") == 9
    assert portable["n"] == 9, "padded with a space, as memcached does"


def test_as_others_may_write_it(portable: Cache) -> None:
    """Longer forms than needed, 32-bit floats, a lone int: legal MessagePack."""
    for packed, value in [
        (b"\xd9\x01a", "a"),
        (b"\xdb\x00\x00\x00\x01a", "a"),
        (b"\xdd\x00\x00\x00\x01\xc0", [None]),
        (b"\xdf\x00\x00\x00\x01\xa1a\xcc\x01", {"a": 1}),
        (b"\xde\x00\x01\xd0\xff\xca" + struct.pack(">f", 0.5), {-1: 0.5}),
        (b"\x05", 5),
        (b"\xd3" + b"\x00" * 7 + b"\x05", 5),
        (b"\x82\x01\xa1a\x01\xa1b", {1: "b"}),
    ]:
        portable.set_raw("k", packed, PACKED)
        assert same(portable["k"], value)
    for special in (math.inf, -math.inf):
        portable["k"] = special
        assert portable["k"] == special
    portable["k"] = math.nan
    assert math.isnan(portable["k"])
    portable["k"] = -0.0
    assert math.copysign(1, portable["k"]) == -1


def test_a_tuple_comes_back_as_a_list(portable: Cache) -> None:
    portable["k"] = (1, (2, ()))
    assert portable["k"] == [1, [2, []]]


class Text(str):
    pass


class Color(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (2**64, TypeError, "64 bits"),
        (-(2**63) - 1, TypeError, "64 bits"),
        ([2**64], TypeError, "64 bits"),
        ({2**64: 1}, TypeError, "64 bits"),
        ({1, 2}, TypeError, "a portable value is .*not set"),
        (Text("x"), TypeError, "not Text"),
        (Color.RED, TypeError, "not Color"),
        (OrderedDict(a=1), TypeError, "not OrderedDict"),
        (bytearray(b"x"), TypeError, "not bytearray"),
        ([1, [object()]], TypeError, "not object"),
        ({None: 1}, TypeError, "a key of a portable dict is str, bytes or int .*not NoneType"),
        ({True: 1}, TypeError, "not bool"),
        ({1.5: 1}, TypeError, "not float"),
        ({(1, 2): 1}, TypeError, "not tuple"),
        ("\ud800", nearcache.SerdeError, "UTF-8"),
        (["\ud800"], nearcache.SerdeError, "UTF-8"),
    ],
)
def test_what_is_not_portable_is_refused(portable: Cache, value: Any, error: type[Exception], match: str) -> None:
    portable["k"] = "old"
    with pytest.raises(error, match=match):
        portable["k"] = value
    with pytest.raises(error, match=match):
        portable.set_many({"a": 1, "b": value})
    assert portable["k"] == "old" and "a" not in portable


def nested(depth: int) -> Any:
    value: Any = []
    for n in range(depth - 1):
        value = [value] if n % 2 else {"a": value}
    return value


def test_depth_is_limited(portable: Cache) -> None:
    portable["k"] = nested(128)
    assert portable["k"] == nested(128)
    for value in (nested(129), nested(100_000)):
        with pytest.raises(ValueError, match="at most 128 containers in one another"):
            portable["k"] = value
        # A deep chain is taken apart step by step, or its end would be recursive.
        while value:
            value = value.popitem()[1] if isinstance(value, dict) else value.pop()
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="at most 128"):
        portable["k"] = cycle
    for packed in (b"\x91" * 128 + b"\x90", b"\x81\x01" * 129, b"\x91" * 1_000_000):
        portable.set_raw("k", packed, PACKED)
        with pytest.raises(nearcache.SerdeError, match="more than 128 containers in one another"):
            portable["k"]


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (b"", "cut short"),
        (b"\xc1", "extension or reserved"),
        (b"\xd4\x01x", "extension or reserved"),
        (b"\xd8\x01" + b"x" * 16, "extension or reserved"),
        (b"\xc7\x01\x01x", "extension or reserved"),
        (b"\xd6\xff\x00\x00\x00\x00", "extension or reserved"),
        (b"\x91\xc1", "extension or reserved"),
        (b"\xc0\xc0", "more than one value"),
        (b"\x90\x00", "more than one value"),
        (b"\xa1", "cut short"),
        (b"\xdb\xff\xff\xff\xffa", "cut short"),
        (b"\xc6\xff\xff\xff\xffa", "cut short"),
        (b"\xdd\xff\xff\xff\xff\xc0", "cut short"),
        (b"\xdf\xff\xff\xff\xff\x01\x01", "cut short"),
        (b"\xcb\x00", "cut short"),
        (b"\xa1\xff", "not UTF-8"),
        (b"\x81\xc0\x01", "a key that is no str, bytes or int"),
        (b"\x81\x90\x01", "a key that is no str, bytes or int"),
        (b"\x81\xcb" + bytes(8) + b"\x01", "a key that is no str, bytes or int"),
    ],
)
def test_broken_bytes(cache: Cache, packed: bytes, why: str) -> None:
    cache.set_raw("k", packed, PACKED)
    with pytest.raises(nearcache.SerdeError, match=rf"flags \({PACKED}\) say MessagePack, but its bytes are .*{why}"):
        cache["k"]
    with pytest.raises(nearcache.SerdeError):
        cache.get_many(["k"])
    assert cache.get_raw("k") == (packed, PACKED)


def test_broken_digits(cache: Cache) -> None:
    for stored in (b"", b"x", b"1.5", b"\xc0"):
        cache.set_raw("k", stored, INT)
        with pytest.raises(nearcache.SerdeError, match="say int, but its bytes are not a decimal number"):
            cache["k"]


def draw(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 7)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in (1, 2):
        return rng.randrange(-(2 ** rng.randrange(64)), 2 ** rng.randrange(1, 65))
    if kind == 3:
        return rng.uniform(-1e9, 1e9)
    if kind in (4, 5):
        return "".join(rng.choice("aä€😀\0") for _ in range(rng.randrange(40)))
    if kind == 6:
        return rng.randbytes(rng.randrange(300))
    if kind == 7:
        return [draw(rng, depth - 1) for _ in range(rng.randrange(20))]
    return {rng.choice([str(n), n, b"%d" % n]): draw(rng, depth - 1) for n in range(rng.randrange(20))}


def test_any_value_comes_back_and_no_damage_does_worse_than_an_error(portable: Cache) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # Shown by pytest if the test fails.
    rng = random.Random(seed)
    for _ in range(2000):
        value = draw(rng, 3)
        portable["k"] = value
        assert same(portable.get("k", 7), value)
        raw = portable.get_raw("k")
        assert raw is not None
        damaged = bytearray(raw[0])
        for _ in range(rng.randrange(1, 4)):
            if damaged:
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        portable.set_raw("k", bytes(damaged[: rng.randrange(len(damaged) + 1)]), raw[1])
        try:
            portable["k"]
        except nearcache.SerdeError:
            pass
