"""Memoized functions: keys of arguments, methods, coroutines, recursion, what is forgotten and made anew."""

from __future__ import annotations

import asyncio
import datetime
import enum
import inspect
import multiprocessing
import sys
import threading
from dataclasses import dataclass
from typing import Any

import flights
import nearcache
import pytest
from nearcache import AsyncMemoized, Cache, Memoized, MemoInfo

CONTEXT: Any = multiprocessing.get_context("fork")


class Color(enum.IntEnum):
    RED = 1


@dataclass(frozen=True)
class Point:
    x: int
    y: int


def test_a_call_is_made_once(cache: Cache) -> None:
    calls: list[Any] = []

    @cache.memoize(ttl=60)
    def add(a: int, b: int = 1, *more: int, **named: int) -> int:
        """Adds."""
        calls.append(1)
        return a + b + sum(more) + sum(named.values())

    assert isinstance(add, Memoized)
    assert (add.__name__, add.__doc__, add.__wrapped__(1)) == ("add", "Adds.", 2)
    calls.clear()
    assert [add(1, 2), add(1, 2), add(1, 2, 3), add(1, 2, c=3), add(1, c=3, d=4), add(1, d=4, c=3)] == [3, 3, 6, 6, 9, 9]
    assert len(calls) == 4
    assert add.cache_info() == MemoInfo(hits=2, misses=4)
    cache.advance_clock(60)
    add(1, 2)
    assert len(calls) == 5


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, 2**64, -(2**70), 0.0, 1.0, 1.5, "", "1", b"", b"1", (), (1,), [], [1], ["1"], {}, {1: 2},
    {"1": 2}, set(), {1}, frozenset(), frozenset({1}), (1, (2,)), ((1, 2),), ([1], [2]), [[1, 2]], Color.RED, Point(1, 2), Point(2, 1),
    datetime.date(2026, 1, 1), 1j, range(3), "\ud800", int, bytearray(b"1"),
]  # fmt: skip


def test_arguments_are_told_apart_by_value_and_type(cache: Cache) -> None:
    @cache.memoize()
    def same(*args: Any, **kwargs: Any) -> int:
        raise AssertionError

    keys = [same.cache_key(value) for value in VALUES]
    assert len(set(keys)) == len(VALUES)
    assert [same.cache_key(value) for value in VALUES] == keys
    assert len({same.cache_key(*VALUES[:n]) for n in range(20)}) == 20
    shapes = {same.cache_key(1, 2), same.cache_key((1, 2)), same.cache_key(1, b=2), same.cache_key(a=1, b=2), same.cache_key(("b", 2), a=1)}
    assert len(shapes) == 5
    assert same.cache_key(a=1, b=2) == same.cache_key(b=2, a=1)
    assert same.cache_key({"x", "y", "z"}) == same.cache_key({"z", "y", "x"})
    assert all(len(key) <= 250 for key in keys)


def test_functions_are_told_apart(cache: Cache) -> None:
    def one(n: int) -> str:
        return "one"

    def two(n: int) -> str:
        return "two"

    assert (cache.memoize()(one)(1), cache.memoize()(two)(1)) == ("one", "two")
    long = eval("lambda: 1")
    long.__qualname__ = "x" * 1000
    assert cache.memoize()(long)() == 1
    assert cache.namespace("n" * 150).memoize()(long)() == 1
    for length in range(1, 260):
        long.__qualname__ = "x" * length
        for store in (cache, cache.namespace("n"), cache.namespace("n" * 150)):
            assert store.memoize()(long)() == 1


@pytest.mark.parametrize("value", [None, False, 0, "", []])
def test_false_values_are_values(cache: Cache, value: Any) -> None:
    @cache.memoize()
    def nothing() -> Any:
        return value

    for _ in range(3):
        assert nothing() == value
    assert nothing.cache_info() == MemoInfo(hits=2, misses=1)


def test_recursion(cache: Cache) -> None:
    @cache.memoize(lease=3600)
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(50) == 12586269025
    assert fibonacci.cache_info().misses == 51

    depth = 0

    @cache.memoize(lease=3600)
    def again(n: int) -> int:
        nonlocal depth
        depth += 1
        return n if depth == 3 else again(n) + 1

    assert again(1) == 3
    assert again(1) == 3 and depth == 3


def test_keys_and_tags_of_ones_own(cache: Cache) -> None:
    runs = 0

    @cache.memoize(key=lambda user, detail=None: f"user:{user}", tags=lambda user, detail=None: ["users", f"user {user}"])
    def load(user: int, detail: Any = None) -> int:
        nonlocal runs
        runs += 1
        return runs

    assert [load(1), load(1, object()), load(2)] == [1, 1, 2]
    assert cache["user:1"] == 1
    cache.invalidate_tags("user 1")
    assert [load(1), load(2)] == [3, 2]
    cache.invalidate_tags("users")
    assert [load(1), load(2)] == [4, 5]
    cache.delete("user:2")
    assert [load(1), load(2)] == [4, 6]


def test_forget_and_refresh(cache: Cache) -> None:
    runs = 0

    @cache.memoize(ttl=60, tags=["t"])
    def count(n: int) -> int:
        nonlocal runs
        runs += 1
        return runs

    assert count(1) == 1
    assert count.refresh(1) == 2 and count(1) == 2
    assert count.invalidate(1) is True and count.invalidate(1) is False
    assert count(1) == 3
    assert count.refresh(2) == 4 and count(2) == 4
    cache.invalidate_tags("t")
    assert count(2) == 5


def test_methods(cache: Cache) -> None:
    class Account:
        def __init__(self, name: str) -> None:
            self.name = name

        def __reduce__(self) -> Any:
            return Account, (self.name,)

        @cache.memoize()
        def greeting(self, word: str) -> str:
            """Greets."""
            Account.runs += 1
            return f"{word}, {self.name}"

        runs = 0

    globals()["Account"] = Account
    Account.__qualname__ = "Account"
    ada, bob = Account("Ada"), Account("Bob")
    for _ in range(2):
        assert ada.greeting("Hello") == "Hello, Ada"
        assert bob.greeting("Hello") == "Hello, Bob"
        assert Account("Ada").greeting(word="Hello") == "Hello, Ada"
    assert Account.runs == 3, "word= is another call"
    assert ada.greeting.invalidate("Hello") is True
    assert ada.greeting.cache_key("Hello") == Account.greeting.cache_key(ada, "Hello")
    assert Account.greeting.cache_info() == bob.greeting.cache_info() == MemoInfo(3, 3)
    assert ada.greeting.__doc__ == "Greets."


def test_coroutine_functions(cache: Cache) -> None:
    runs = 0

    @cache.memoize(ttl=60)
    async def load(n: int) -> int:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return n * 10

    async def scene() -> list[int]:
        return await asyncio.gather(*(load(n % 2) for n in range(8)))

    assert isinstance(load, AsyncMemoized)
    assert (inspect if sys.version_info >= (3, 12) else asyncio).iscoroutinefunction(load)
    assert asyncio.run(scene()) == [0, 10] * 4
    assert runs == 2
    assert load.cache_info() == MemoInfo(6, 2)
    assert asyncio.run(load.refresh(1)) == 10 and runs == 3  # type: ignore[arg-type, comparison-overlap, unused-ignore]
    assert load.invalidate(1) is True
    assert asyncio.run(load(1)) == 10 and runs == 4  # type: ignore[arg-type, comparison-overlap, unused-ignore]

    @cache.memoize(lease=3600)
    async def fibonacci(n: int) -> int:
        return n if n < 2 else await fibonacci(n - 1) + await fibonacci(n - 2)

    assert asyncio.run(fibonacci(30)) == 832040


def test_stale_and_early(cache: Cache) -> None:
    runs = 0

    @cache.memoize(ttl=60, stale=20, early=1e-9)
    def count() -> int:
        nonlocal runs
        runs += 1
        return runs

    assert [count(), count()] == [1, 1]
    cache.advance_clock(61)
    assert [count(), count()] == [2, 2]
    assert count.refresh() == 3
    assert count.cache_info() == MemoInfo(2, 3)


def test_what_cannot_be_a_key_says_what_to_do(cache: Cache) -> None:
    @cache.memoize()
    def call(thing: Any) -> int:
        return 1

    for thing in (lambda: 0, threading.Lock(), [object, lambda: 0]):
        with pytest.raises(TypeError, match="call cannot be made into a key: .*give memoize key="):
            call(thing)
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="more than 128 containers .*give memoize key="):
        call(cycle)
    with pytest.raises(TypeError, match=r"write @cache.memoize\(\)"):
        cache.memoize(lambda: 1)  # type: ignore[arg-type]


def test_an_exception_is_not_kept(cache: Cache) -> None:
    runs = 0

    @cache.memoize()
    def failing() -> int:
        nonlocal runs
        runs += 1
        raise LookupError(runs)

    for _ in range(3):
        with pytest.raises(LookupError):
            failing()
    assert runs == 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_share_what_is_memoized(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    with Cache("4MiB", name="memo") as cache:
        answers = context.SimpleQueue()
        go = context.Barrier(4)
        calling = [flights.start(flights.call_memoized, cache, go, answers, method=method) for _ in range(4)]
        assert [answers.get() for _ in calling] == [9900] * 4
        flights.join(calling)
        assert cache["runs"] == 1
    nearcache.unlink("memo")
