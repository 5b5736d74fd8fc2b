"""Locks: one holder at a time, of all threads, tasks and processes; a killed holder's lock ends by itself."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from typing import Any

import flights
import nearcache
import pytest
from nearcache import Cache, LockTimeoutError

CONTEXT: Any = multiprocessing.get_context("fork")


def test_one_holder_at_a_time(cache: Cache) -> None:
    with cache.lock("k") as held:
        with pytest.raises(LockTimeoutError, match="the lock 'k' was held by others for 0 seconds") as refused:
            cache.lock("k", timeout=0).__enter__()
        assert isinstance(refused.value, TimeoutError) and isinstance(refused.value, nearcache.CacheError)
        assert cache.lock("k", timeout=0.05).acquire() is False
        assert cache.lock("other", timeout=0).acquire() is True
        assert cache.get("k") is None, "the key itself is free"
    assert held.release() is False
    assert cache.lock("k", timeout=0).acquire() is True


def test_a_lock_of_ones_own_is_not_another(cache: Cache) -> None:
    lock = cache.lock(b"k")
    assert lock.acquire()
    with pytest.raises(RuntimeError, match="acquired already"):
        lock.acquire()
    assert lock.release()
    assert lock.acquire(), "used again"


def test_who_comes_too_late_releases_nothing(cache: Cache) -> None:
    late = cache.lock("k", expire=10)
    assert late.acquire()
    cache.advance_clock(10)
    assert not cache.lock("k", timeout=0).acquire(), "it lasts what was asked for"
    cache.advance_clock(1)
    successor = cache.lock("k", timeout=0)
    assert successor.acquire()
    assert late.release() is False
    assert not cache.lock("k", timeout=0).acquire()
    assert successor.release() is True


def test_threads_count_under_a_lock(cache: Cache) -> None:
    threads = [threading.Thread(target=flights.count_under_a_lock, args=(cache, "k", 25)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache["k:count"] == 200


def test_processes_count_under_a_lock() -> None:
    with Cache("4MiB", shared=True) as cache:
        flights.join([flights.start(flights.count_under_a_lock, cache, "k", 25) for _ in range(8)])
        assert cache["k:count"] == 200


def test_tasks_count_under_a_lock(cache: Cache) -> None:
    async def work() -> None:
        for _ in range(10):
            async with cache.lock("k", timeout=60):
                count = cache.get("count", 0)
                await asyncio.sleep(0)
                cache["count"] = count + 1

    async def scene() -> None:
        await asyncio.gather(*(work() for _ in range(8)))
        async with cache.lock("k"):
            with pytest.raises(LockTimeoutError):
                async with cache.lock("k", timeout=0):
                    pass

    asyncio.run(scene())
    assert cache["count"] == 80


def test_a_killed_holder() -> None:
    with Cache("4MiB", shared=True, manual_clock=True) as cache:
        answers = CONTEXT.SimpleQueue()
        holder = flights.start(flights.hold_a_lock, cache, "k", answers)
        assert answers.get() == holder.pid
        os.kill(holder.pid or 0, signal.SIGKILL)
        holder.join()
        assert not cache.lock("k", timeout=0).acquire()
        cache.advance_clock(61)
        assert cache.lock("k", timeout=0).acquire()


def test_an_exception_releases(cache: Cache) -> None:
    with pytest.raises(ZeroDivisionError), cache.lock("k"):
        1 / 0
    assert cache.lock("k", timeout=0).acquire()


@pytest.mark.parametrize("arguments", [{"timeout": -1}, {"timeout": float("inf")}, {"expire": 0}, {"expire": 90_000}, {"expire": float("nan")}])
def test_arguments_are_judged(cache: Cache, arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is a number of seconds"):
        cache.lock("k", **arguments)


def test_keys_are_judged(cache: Cache) -> None:
    with pytest.raises(nearcache.IllegalKeyError):
        cache.lock("k" * 240).acquire()
