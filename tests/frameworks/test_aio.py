"""The cache for coroutines: what aiocache's own cache returns to the same calls, this one returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import nearcache
import nearcache.aio
import pytest
from aiocache import SimpleMemoryCache
from compared import compare, steps
from nearcache.aio import AsyncCache

CALLS = """
    run(lambda: c.get("none")), run(lambda: c.get("none", 5)), run(lambda: c.get("none", default=5))
    [(run(lambda: c.set("v", value)), run(lambda: c.get("v"))) for value in (0, "x", b"x", 1.5, True, [1, {"a": (2,)}])]
    run(lambda: c.set("v", 1, ttl=100)), run(lambda: c.set("v", 1, 0.5)), run(lambda: c.get("v"))
    run(lambda: c.multi_set([("a", 1), ("b", 2)])), run(lambda: c.multi_get(["a", "none", "b"]))
    run(lambda: c.multi_set([["a", 1]], ttl=100)), run(lambda: c.multi_get([]))
    run(lambda: c.add("a", 5))
    run(lambda: c.add("new", 5)), run(lambda: c.get("new"))
    run(lambda: c.delete("new")), run(lambda: c.delete("new"))
    run(lambda: c.exists("a")), run(lambda: c.exists("none"))
    run(lambda: c.increment("n")), run(lambda: c.increment("n", 5)), run(lambda: c.increment("n", delta=-2)), run(lambda: c.get("n"))
    run(lambda: c.expire("a", 100)), run(lambda: c.expire("a", ttl=0)), run(lambda: c.expire("none", 1)), run(lambda: c.get("a"))
    run(lambda: c.set("k", 1, namespace="x:")), run(lambda: c.get("k")), run(lambda: c.get("k", namespace="x:"))
    run(lambda: c.exists("k", namespace="x:")), run(lambda: c.delete("k", namespace="y:"))
    run(lambda: c.clear(namespace="x:")), run(lambda: c.get("k", namespace="x:")), run(lambda: c.exists("v"))
    run(lambda: c.clear()), run(lambda: c.exists("v"))
    """


def run(call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(call())


def test_it_does_what_aiocaches_own_does() -> None:
    compare(SimpleMemoryCache(timeout=None), AsyncCache(size="8MiB"), steps(CALLS, run=run))


def test_namespaces_and_times_to_live() -> None:
    async def main() -> None:
        raw = nearcache.Cache("8MiB", manual_clock=True)
        cache = AsyncCache(raw, namespace="n:", ttl=60)
        await cache.set("minute", 1)
        await cache.set("ever", 1, None)
        await cache.set("forty days", 1, timedelta(days=40))
        await cache.increment("counter")
        await cache.multi_set([(f"many {number}", None) for number in range(500)])
        raw["other"] = 1
        assert raw["n:minute"] == 1
        assert await cache.exists("many 1")
        raw.advance_clock(62)
        assert await cache.multi_get(["minute", "counter", "ever", "forty days"]) == [None, None, 1, 1]
        await cache.multi_set([(f"many {number}", None) for number in range(500)])
        assert await cache.clear()
        assert list(raw) == [b"other"]
        await cache.close()
        assert raw["other"] == 1

    asyncio.run(main())


def test_one_task_of_all_makes_a_value() -> None:
    calls: list[int] = []

    async def main() -> list[str]:
        begun = asyncio.Event()

        async def make() -> str:
            calls.append(1)
            await begun.wait()
            return "made"

        async with AsyncCache(size="8MiB") as cache:
            tasks = [asyncio.create_task(cache.get_or_set("k", make)) for _ in range(8)]
            await asyncio.sleep(0)
            begun.set()
            return list(await asyncio.gather(*tasks))

    assert asyncio.run(main()) == ["made"] * 8
    assert len(calls) == 1


def test_its_own_cache_is_closed_and_wrong_arguments_say_so() -> None:
    async def main() -> AsyncCache:
        async with AsyncCache(size="8MiB") as cache:
            await cache.set("k", 1)
        return cache

    closed = asyncio.run(main())
    with pytest.raises(nearcache.CacheClosedError):
        run(lambda: closed.get("k"))
    with pytest.raises(TypeError, match="size or name"):
        AsyncCache()
    with pytest.raises(TypeError, match="one was given"):
        AsyncCache(nearcache.Cache("8MiB"), size="8MiB")


def test_a_value_that_is_too_large_is_told() -> None:
    cache = AsyncCache(size="8MiB")
    with pytest.raises(nearcache.ValueTooLargeError):
        run(lambda: cache.set("k", "x" * (1 << 22)))
    assert run(lambda: cache.multi_set([("k", "x" * (1 << 22)), ("l", 1)])) is False
    assert run(lambda: cache.get("l")) == 1


def test_text_is_not_incremented() -> None:
    cache = AsyncCache(size="8MiB")
    assert run(lambda: cache.set("t", "text"))
    with pytest.raises(TypeError, match="non-numeric"):
        run(lambda: cache.increment("t"))
