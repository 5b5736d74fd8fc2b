"""dogpile.cache's regions on nearcache."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
from dogpile.cache import CacheRegion, make_region
from dogpile.cache.api import NO_VALUE, CantDeserializeException


def region(**arguments: Any) -> CacheRegion:
    made = make_region().configure("nearcache", expiration_time=3600, arguments={"size": "8MiB", **arguments})
    made.backend._cache.flush_all()
    return made


@pytest.fixture(params=[{}, {"name": "dogpile"}, {"name": "dogpile", "distributed_lock": True}], ids=str)
def made(request: pytest.FixtureRequest) -> CacheRegion:
    return region(**request.param)


def test_a_region_keeps_values(made: CacheRegion) -> None:
    assert made.get("none") is NO_VALUE
    for value in (None, False, 0, "x", b"x", [1, {"a": (2,)}], {1, 2}):
        made.set("k", value)
        assert made.get("k") == value
    made.delete("k")
    made.delete("k")
    assert made.get("k") is NO_VALUE
    made.set_multi({"a": 1, "b": None})
    assert made.get_multi(["a", "none", "b"]) == [1, NO_VALUE, None]
    made.delete_multi(["a", "none"])
    assert made.get_multi(["a", "b"]) == [NO_VALUE, None]


def test_long_keys_are_kept(made: CacheRegion) -> None:
    made.set("k" * 500, 1)
    made.set("k" * 499 + "\u00e9", 2)
    assert (made.get("k" * 500), made.get("k" * 499 + "\u00e9")) == (1, 2)
    assert made.get_or_create("l" * 230, lambda: 3) == made.get("l" * 230) == 3


def test_values_are_made_once_by_all_threads(made: CacheRegion) -> None:
    begun, calls = threading.Event(), []

    def make() -> str:
        calls.append(1)
        assert begun.wait(30)
        return "made"

    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(made.get_or_create("k", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.set()
    for thread in threads:
        thread.join()
    assert (results, len(calls)) == (["made"] * 4, 1)
    assert made.get_or_create_multi(["k", "l"], lambda *keys: [key * 2 for key in keys]) == ["made", "ll"]


def test_functions_are_cached_refreshed_and_invalidated(made: CacheRegion) -> None:
    calls: list[int] = []

    @made.cache_on_arguments(namespace="n")
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    assert [double(1), double(1), double(2), double.get(1)] == [2, 2, 4, 2]  # type: ignore[attr-defined]
    assert calls == [1, 2]
    double.invalidate(1)  # type: ignore[attr-defined]
    assert (double(1), calls) == (2, [1, 2, 1])
    assert (double.refresh(2), calls) == (4, [1, 2, 1, 2])  # type: ignore[attr-defined]
    made.invalidate()
    assert (double(2), calls) == (4, [1, 2, 1, 2, 2])


def test_a_creator_that_raises_gives_its_lock_up(made: CacheRegion) -> None:
    def fail() -> int:
        raise OSError("not today")

    with pytest.raises(OSError, match="not today"):
        made.get_or_create("k", fail)
    assert made.get_or_create("k", lambda: 1) == 1


def test_a_value_that_cannot_be_read_is_made_anew(made: CacheRegion) -> None:
    def refuse(data: bytes) -> Any:
        raise CantDeserializeException()

    made.set("k", 1)
    made.deserializer = refuse
    assert made.get("k") is NO_VALUE


def test_the_cache_forgets_after_expire() -> None:
    made = region(expire=60, manual_clock=True)
    made.set("k", 1)
    made.set_multi({"l": 1})
    made.backend._cache.advance_clock(30)
    assert made.get_multi(["k", "l"]) == [1, 1]
    made.backend._cache.advance_clock(32)
    assert made.get_multi(["k", "l"]) == [NO_VALUE, NO_VALUE]


CHILD = """
import sys
from dogpile.cache import make_region
region = make_region().configure("nearcache", arguments={"name": "dogpile", "size": "8MiB", "distributed_lock": True})

def make():
    print("making", flush=True)
    sys.stdin.readline()
    return "made"

print(region.get_or_create("k", make), flush=True)
"""


def test_one_process_of_all_makes_a_value() -> None:
    made = region(name="dogpile", distributed_lock=True)
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "making\n"
    # Held by the other process: not waited for without need.
    mutex = made.backend.get_mutex("k")
    assert mutex is not None
    assert (mutex.acquire(False), mutex.locked()) == (False, False)
    results: list[str] = []
    waiter = threading.Thread(target=lambda: results.append(made.get_or_create("k", lambda: "made twice")))
    waiter.start()
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.communicate(timeout=30)[0] == "made\n"
    waiter.join()
    assert results == ["made"]


def test_the_lock_of_a_killed_process_ends() -> None:
    made = region(name="dogpile", distributed_lock=True, lock_timeout=1)
    code = CHILD.replace('"distributed_lock": True', '"distributed_lock": True, "lock_timeout": 1')
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "making\n"
    child.kill()
    child.communicate()
    assert made.get_or_create("k", lambda: "made by another") == "made by another"


def test_without_dogpile_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['dogpile'] = None; import nearcache.dogpile"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "needs dogpile.cache: pip install dogpile.cache" in run.stderr
