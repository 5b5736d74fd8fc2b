"""Pins: a value's bytes in place, read only, for as long as somebody looks at them; not in a forked child."""

from __future__ import annotations

import gc
import os
import pickle
import weakref
from typing import Any

import nearcache
import pytest
from nearcache import Cache


@pytest.mark.parametrize("length", [0, 1, 100, 8192, 100_000, 500_000, 900_000])
def test_the_bytes_are_the_values(cache: Cache, length: int) -> None:
    value = (b"0123456789" * (length // 10 + 1))[:length]
    cache["k"] = value
    with cache.pin("k") as view:
        assert view == value
        assert (view.readonly, view.nbytes, view.format, view.ndim) == (True, length, "B", 1)
        if length:
            with pytest.raises(TypeError, match="read-only"):
                view[0] = 1
    with pytest.raises(ValueError, match="released"):
        len(view)


def test_of_every_type_the_bytes(cache: Cache) -> None:
    cache["text"], cache["n"], cache["list"] = "ä", 12, [1]
    for key, flags, value in [("text", 16, "ä".encode()), ("n", 2, b"12"), ("list", 1, pickle.dumps([1], 5))]:
        pin = cache.pin(key)
        assert pin.flags == flags
        with pin as view:
            assert view == value
    with cache.pin("list") as view:
        assert pickle.loads(view) == [1]


def test_a_missing_key(cache: Cache) -> None:
    with pytest.raises(KeyError) as missing:
        cache.pin("k")
    assert missing.value.args == ("k",)
    assert cache.lease("k").won
    with pytest.raises(KeyError):
        cache.pin("k")


def test_the_bytes_stay_whatever_happens_to_the_item(cache: Cache) -> None:
    value = os.urandom(20_000)
    cache["k"] = value
    with cache.pin("k") as view:
        cache["k"] = b"other"
        cache.delete("k")
        for n in range(20_000):
            cache[f"k{n}"] = bytes(20_000)
        assert cache.stats()["evictions"] > 0
        assert view == value


def test_a_slice_outlives_the_with_statement(cache: Cache) -> None:
    value = os.urandom(20_000)
    cache["k"] = value
    with cache.pin("k") as view:
        part = view[10_000:]
    cache.delete("k")
    for n in range(20_000):
        cache[f"k{n}"] = bytes(20_000)
    assert part == value[10_000:]
    part.release()


def test_a_buffer_of_the_view_itself_is_an_error_at_the_end_and_still_safe(cache: Cache) -> None:
    value = os.urandom(20_000)
    cache["k"] = value
    holder: list[object] = []
    with pytest.raises(BufferError, match="exported buffer"):
        with cache.pin("k") as view:
            holder.append(pickle.PickleBuffer(view))
    cache.delete("k")
    for n in range(20_000):
        cache[f"k{n}"] = bytes(20_000)
    kept = holder[0]
    assert isinstance(kept, pickle.PickleBuffer)
    assert kept.raw() == value
    kept.release()


def test_a_pin_ends_and_its_cache_goes(cache: Cache) -> None:
    mine = Cache("4MiB")
    mine["k"] = b"x" * 10_000
    pin: Any = mine.pin("k")
    with pin as view:
        mine.close()
        assert view == b"x" * 10_000, "closed, but not while somebody looks"
    with pytest.raises(BufferError, match="pin has ended"):
        memoryview(pin)
    with pytest.raises(BufferError, match="pin has ended"), pin:
        pass
    with pytest.raises(nearcache.CacheClosedError):
        mine.pin("k")
    gone = weakref.ref(mine)
    del mine
    gc.collect()
    assert gone() is None


def test_without_a_with_statement(cache: Cache) -> None:
    cache["k"] = b"x" * 10_000
    pin: Any = cache.pin("k")
    view = memoryview(pin)
    assert view == b"x" * 10_000
    cache.delete("k")
    assert bytes(view[:3]) == b"xxx"


@pytest.mark.parametrize("shared", [False, True])
def test_a_forked_child_cannot_use_its_parents_pin(shared: bool) -> None:
    with Cache("4MiB", shared=shared) as cache:
        cache["k"] = b"x" * 10_000
        pin: Any = cache.pin("k")
        with pin as view:
            child = os.fork()
            if child == 0:
                done = False
                try:
                    for use in (memoryview, lambda pin: pin.__enter__()):
                        with pytest.raises((BufferError, RuntimeError), match="pin the key anew in the child"):
                            use(pin)
                    with cache.pin("k") as own:
                        done = own == b"x" * 10_000
                    pin.__exit__(None, None, None)
                finally:
                    os._exit(0 if done else 1)
            assert os.waitpid(child, 0)[1] == 0
            assert view == b"x" * 10_000
        cache.check()


def test_many_pins_at_once(cache: Cache) -> None:
    """More than the cache has places for: those are copies."""
    for n in range(300):
        cache[f"k{n}"] = b"%d" % n * 1000
    pins = [cache.pin(f"k{n}") for n in range(300)]
    views = [pin.__enter__() for pin in pins]
    cache.flush_all()
    assert all(view == b"%d" % n * 1000 for n, view in enumerate(views))
    for pin in pins:
        pin.__exit__(None, None, None)


def test_a_read_only_cache_has_pins_too() -> None:
    with Cache("4MiB", name="pins") as cache:
        cache["k"] = b"x" * 10_000
        with Cache(name="pins", read_only=True) as reader, reader.pin("k") as view:
            assert view == b"x" * 10_000
    nearcache.unlink("pins")
