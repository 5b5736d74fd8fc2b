"""What the tests of single flight run in processes of their own: each says what it got, and how long that took."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import Any

from nearcache import Cache

Answers = SimpleQueue[Any]


def ask(cache: Cache, go: Barrier, answers: Answers) -> None:
    """One of a stampede: asks for a missing key at the same moment as the others."""

    def produce() -> dict[str, int]:
        cache.incr("runs", 1, initial=1)
        # Long enough for all to come, and an end that does not depend on them.
        time.sleep(0.2)
        return {"by": os.getpid()}

    go.wait()
    answers.put(cache.get_or_set("k", produce, ttl=60))


def ask_in_coroutines(cache: Cache, go: Barrier, answers: Answers) -> None:
    """Eight of a stampede, in one thread."""

    async def produce() -> dict[str, int]:
        cache.incr("runs", 1, initial=1)
        await asyncio.sleep(0.2)
        return {"by": os.getpid()}

    async def all_of_them() -> list[dict[str, int]]:
        return await asyncio.gather(*(cache.aget_or_set("k", produce, ttl=60) for _ in range(8)))

    go.wait()
    for answer in asyncio.run(all_of_them()):
        answers.put(answer)


def produce_for_ever(cache: Cache, key: str, stale: float | None, lease: float, answers: Answers) -> None:
    """Wins the key, says so, and never gets done."""

    def produce() -> str:
        answers.put(os.getpid())
        signal.pause()
        return "never"

    cache.get_or_set(key, produce, ttl=60, stale=stale, lease=lease)


def wait_for(cache: Cache, key: str, lease: float, answers: Answers) -> None:
    """Asks for a key that somebody else is making, and says what it got and after how long."""
    answers.put("asking")
    started = time.monotonic()
    answers.put((cache.get_or_set(key, lambda: f"made by {os.getpid()}", ttl=60, lease=lease), time.monotonic() - started))


def stop_while_making(cache: Cache, key: str, lease: float, said: Answers) -> None:
    """Wins the key, is stopped while it makes the value, and says what it got when it goes on."""

    def produce() -> str:
        os.kill(os.getpid(), signal.SIGSTOP)
        return "made late"

    said.put(cache.get_or_set(key, produce, ttl=60, lease=lease))


def be_interrupted(cache: Cache, key: str, lease: float, answers: Answers) -> None:
    """Asks for a key, makes it if it may, and says so; a KeyboardInterrupt is what it waits for."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def produce() -> str:
        answers.put("making")
        signal.pause()
        return "never"

    try:
        if not cache.lease(key, lease).won:
            answers.put("asking")
        else:
            cache.delete(key)
        cache.get_or_set(key, produce, ttl=60, lease=lease)
    except KeyboardInterrupt:
        answers.put("interrupted")


def fail_or_make(cache: Cache, key: str, go: Barrier, answers: Answers) -> None:
    """One of a stampede whose first producers fail; counts those that are at work together."""

    def produce() -> str:
        if cache.incr("at work", 1, initial=1) != 1:
            cache.incr("together", 1, initial=1)
        time.sleep(0.02)
        left = cache.decr("left")
        fails = cache.incr("tries", 1, initial=1) <= 5
        cache.decr("at work")
        if fails:
            raise LookupError(left)
        return "made"

    go.wait()
    try:
        answers.put(cache.get_or_set(key, produce, ttl=60))
    except LookupError:
        answers.put("failed")


def hold_a_lock(cache: Cache, key: str, answers: Answers) -> None:
    """Acquires a lock, says so, and keeps it."""
    assert cache.lock(key, expire=60).acquire()
    answers.put(os.getpid())
    signal.pause()


def count_under_a_lock(cache: Cache, key: str, times: int) -> None:
    """Adds to a counter in two steps that only the lock keeps together."""
    for _ in range(times):
        with cache.lock(key, timeout=60):
            cache[f"{key}:count"] = cache.get(f"{key}:count", 0) + 1


def call_memoized(cache: Cache, go: Barrier, answers: Answers) -> None:
    """Calls a function that is memoized in every process, with arguments whose order of elements is each process's own."""

    @cache.memoize(ttl=60)
    def total(numbers: frozenset[str], *, factor: int, more: dict[str, float]) -> int:
        cache.incr("runs", 1, initial=1)
        return sum(map(int, numbers)) * factor

    go.wait()
    answers.put(total(frozenset(map(str, range(100))), more={"a": 1.0}, factor=2))


def start(work: Callable[..., None], *arguments: Any, method: str = "fork") -> multiprocessing.process.BaseProcess:
    """Runs work in a new process."""
    context: Any = multiprocessing.get_context(method)
    process: multiprocessing.process.BaseProcess = context.Process(target=work, args=arguments)
    process.start()
    return process


def join(processes: list[multiprocessing.process.BaseProcess]) -> None:
    """Waits for their good ends."""
    for process in processes:
        process.join(60)
        assert process.exitcode == 0, process


assert sys.platform == "linux"
