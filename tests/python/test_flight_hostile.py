"""Single flight when it is disturbed: producers stopped, interrupted, failing, forking; tasks that are cancelled or live too long."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import flights
import nearcache
import pytest
from nearcache import Cache

CONTEXT: Any = multiprocessing.get_context("fork")
HOUR = 3600.0


@pytest.fixture
def shared() -> Iterator[Cache]:
    with Cache("16MiB", name="hostile") as cache:
        yield cache
        cache.check()
    nearcache.unlink("hostile")


def fail() -> Any:
    raise AssertionError("the factory ran")


def test_a_producer_that_is_stopped_delays_nobody_longer_than_its_lease_and_overwrites_nothing(shared: Cache) -> None:
    answers, said = CONTEXT.SimpleQueue(), CONTEXT.SimpleQueue()
    stopped = flights.start(flights.stop_while_making, shared, "k", 1.0, said)
    assert os.waitpid(stopped.pid or 0, os.WUNTRACED)[0] == stopped.pid
    waiting = [flights.start(flights.wait_for, shared, "k", 1.0, answers) for _ in range(4)]
    assert [answers.get() for _ in waiting] == ["asking"] * 4
    told = [answers.get() for _ in waiting]
    flights.join(waiting)
    ((value,), delays) = {value for value, _ in told}, [delay for _, delay in told]
    assert max(delays) < 5.0, delays
    # It goes on as if nothing had been: what it makes is its own, and what is there stays.
    os.kill(stopped.pid or 0, signal.SIGCONT)
    assert said.get() == "made late"
    flights.join([stopped])
    assert shared["k"] == value != "made late"


def test_an_interrupted_producer_gives_the_lease_up(shared: Cache) -> None:
    answers = CONTEXT.SimpleQueue()
    producer = flights.start(flights.be_interrupted, shared, "k", HOUR, answers)
    assert answers.get() == "making"
    os.kill(producer.pid or 0, signal.SIGINT)
    assert answers.get() == "interrupted"
    flights.join([producer])
    assert shared.get_or_set("k", lambda: "made", lease=HOUR) == "made"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_who_waits_can_be_interrupted_and_the_producer_goes_on(shared: Cache) -> None:
    answers, release = CONTEXT.SimpleQueue(), threading.Event()
    making = threading.Event()

    def produce() -> str:
        making.set()
        assert release.wait(60)
        return "made"

    producer = threading.Thread(target=lambda: shared.get_or_set("k", produce, lease=HOUR))
    producer.start()
    assert making.wait(60)
    waiting = flights.start(flights.be_interrupted, shared, "k", HOUR, answers)
    os.kill(waiting.pid or 0, signal.SIGINT) if answers.get() == "asking" else fail()
    assert answers.get() == "interrupted"
    flights.join([waiting])
    release.set()
    producer.join()
    assert shared["k"] == "made"


def test_of_many_whose_producers_fail_one_at_a_time_tries(shared: Cache) -> None:
    answers, go = CONTEXT.SimpleQueue(), CONTEXT.Barrier(8)
    shared["left"] = 5
    asking = [flights.start(flights.fail_or_make, shared, "k", go, answers) for _ in range(8)]
    told = [answers.get() for _ in asking]
    flights.join(asking)
    assert sorted(told) == ["failed"] * 5 + ["made"] * 3
    assert shared.get("together", 0) == 0, "two made it at once"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_while_another_thread_makes_it(shared: Cache) -> None:
    making, release = threading.Event(), threading.Event()

    def produce() -> str:
        making.set()
        assert release.wait(60)
        return f"made by {os.getpid()}"

    producer = threading.Thread(target=lambda: shared.get_or_set("k", produce, lease=HOUR))
    producer.start()
    assert making.wait(60)
    # The child has not the thread that makes it, and waits for its parent's.
    answers = CONTEXT.SimpleQueue()
    child = flights.start(flights.wait_for, shared, "k", HOUR, answers)
    assert answers.get() == "asking"
    release.set()
    producer.join()
    assert answers.get()[0] == f"made by {os.getpid()}"
    flights.join([child])


def test_a_cache_that_is_emptied_while_a_value_is_made_stays_empty(cache: Cache) -> None:
    def produce() -> str:
        cache.flush_all()
        return "made from the old"

    assert cache.get_or_set("k", produce, ttl=60, stale=10, tags=["t"]) == "made from the old"
    assert cache.get("k") is None


def test_a_name_and_its_path_are_one_cache(shared: Cache) -> None:
    path = shared.info().path
    assert path is not None
    by_path = Cache(name=path)
    assert shared.get_or_set("k", lambda: by_path.get_or_set("k", lambda: 1, lease=HOUR) + 1, lease=HOUR) == 2


def test_a_task_that_outlives_the_making_is_not_taken_for_its_maker(cache: Cache) -> None:
    runs: list[int] = []
    background: list[asyncio.Task[int]] = []

    async def later(over: asyncio.Event) -> int:
        await over.wait()
        cache.delete("k")
        answers = await asyncio.gather(*(cache.aget_or_set("k", count, lease=HOUR) for _ in range(4)))
        assert len(set(answers)) == 1
        return answers[0]

    async def count() -> int:
        runs.append(1)
        await asyncio.sleep(0.01)
        return len(runs)

    async def scene() -> None:
        over = asyncio.Event()

        async def produce() -> int:
            background.append(asyncio.create_task(later(over)))
            return await count()

        assert await cache.aget_or_set("k", produce, lease=HOUR) == 1
        over.set()
        assert await background[0] == 2

    asyncio.run(scene())
    assert (len(runs), cache["k"]) == (2, 2), "made once, and kept"


def test_a_waiting_task_that_is_cancelled_harms_none(cache: Cache) -> None:
    async def scene() -> list[Any]:
        release = asyncio.Event()

        async def produce() -> str:
            await release.wait()
            return "made"

        tasks = [asyncio.create_task(cache.aget_or_set("k", produce, lease=HOUR)) for _ in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(tasks[3], 0.01)
        tasks[5].cancel()
        release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(scene())
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [n in (3, 5) for n in range(8)]
    assert {answer for answer in answers if isinstance(answer, str)} == {"made"}


@pytest.mark.parametrize("end", ["close", "forget"])
def test_a_coroutine_that_is_thrown_away_gives_the_lease_up(cache: Cache, end: str) -> None:
    async def never() -> str:
        await asyncio.sleep(60)
        return "never"

    coroutine = cache.aget_or_set("k", never, lease=HOUR)
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        # One step, in a context that is not the one it ends in.
        contextvars.copy_context().run(coroutine.send, None)

    try:
        loop.run_until_complete(begin())
        assert cache.get_or_set("other", lambda: 1) == 1 and "k" not in cache
        coroutine.close() if end == "close" else None
        del coroutine
        gc.collect()
    finally:
        loop.close()
    assert cache.get_or_set("k", lambda: "made", lease=HOUR) == "made"


@pytest.mark.parametrize("verb", ["get", "gets", "set", "add", "delete", "incr", "touch", "get_or_set", "lock", "pin", "lease"])
@pytest.mark.parametrize("key", [1, None, bytearray(b"k"), "\ud800"])
def test_keys_are_judged_everywhere_as_by_the_cache(cache: Cache, verb: str, key: Any) -> None:
    arguments = {"set": (1,), "add": (1,), "get_or_set": (fail,)}.get(verb, ())
    errors = []
    for place in (cache, cache.namespace("n")):
        with pytest.raises((TypeError, nearcache.IllegalKeyError)) as raised:
            getattr(place, verb)(key, *arguments)
        errors.append((raised.type, str(raised.value)))
    assert errors[0] == errors[1]
    with pytest.raises(TypeError, match="the namespace's name is a str, not int"):
        cache.namespace(7)  # type: ignore[arg-type]


def test_no_thread_is_started(shared: Cache) -> None:
    before = len(os.listdir("/proc/self/task"))

    async def asynchronous() -> int:
        async with shared.lock("async"):
            return await shared.aget_or_set("a", lambda: 1, ttl=60, stale=10, early=1.0, tags=["t"])

    shared.get_or_set("k", lambda: 1, ttl=60, stale=10, early=1.0, tags=["t"])
    asyncio.run(asynchronous())
    with shared.lock("k"), shared.pin("k"):
        shared.namespace("n").memoize()(len)("abc")
    shared["large"] = bytes(900_000)
    assert len(shared["large"]) == 900_000 and len(list(shared)) == len(shared)
    shared.flush_all()
    assert len(os.listdir("/proc/self/task")) == before


def test_a_wait_takes_no_time_of_the_processor(cache: Cache) -> None:
    release, making = threading.Event(), threading.Event()

    def produce() -> str:
        making.set()
        assert release.wait(60)
        return "made"

    producer = threading.Thread(target=lambda: cache.get_or_set("k", produce, lease=HOUR))
    producer.start()
    assert making.wait(60)
    threading.Timer(0.5, release.set).start()
    used = time.thread_time()
    assert cache.get_or_set("k", fail, lease=HOUR) == "made"
    assert time.thread_time() - used < 0.2
    producer.join()


def test_a_cache_that_is_closed_while_a_value_is_made(shared: Cache) -> None:
    closed = Cache(name="hostile")
    with pytest.raises(nearcache.CacheClosedError):
        closed.get_or_set("k", closed.close, lease=1)
    assert shared.get_or_set("k", lambda: "made", lease=1) == "made"
    assert shared["k"] == "made", "nobody is making it any more"


@pytest.mark.parametrize("arguments", [{"timeout": "1"}, {"expire": None}, {"timeout": True}])
def test_a_locks_seconds_are_numbers(cache: Cache, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="is a number of seconds, not (str|NoneType|bool)"):
        cache.lock("k", **arguments)
