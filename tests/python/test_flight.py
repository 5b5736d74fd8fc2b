"""Single flight: of all who miss a key one makes its value, in threads, tasks and processes, whoever is killed meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import flights
import nearcache
import pytest
from nearcache import Cache

CONTEXT: Any = multiprocessing.get_context("fork")


@pytest.fixture
def shared() -> Iterator[Cache]:
    with Cache("16MiB", name="flights") as cache:
        yield cache
        cache.check()
    nearcache.unlink("flights")


def fail() -> Any:
    raise AssertionError("the factory ran")


def test_it_makes_what_is_missing_once(cache: Cache) -> None:
    assert cache.get_or_set("k", lambda: 42, ttl=60) == 42
    assert cache.get_or_set("k", fail, ttl=60) == 42
    cache.advance_clock(59)
    assert cache["k"] == 42
    cache.advance_clock(1)
    assert cache.get_or_set("k", lambda: 43) == 43
    cache.advance_clock(1 << 30)
    assert cache["k"] == 43, "no ttl is for ever"


@pytest.mark.parametrize("value", [None, False, 0, "", b"", [], {}])
@pytest.mark.parametrize("arguments", [{}, {"stale": 10}, {"early": 1.0}, {"tags": ["a"]}])
def test_false_values_are_values(cache: Cache, value: Any, arguments: dict[str, Any]) -> None:
    assert cache.get_or_set("k", lambda: value, 60, **arguments) == value
    assert cache.get_or_set("k", fail, 60, **arguments) == value
    assert asyncio.run(cache.aget_or_set("k", fail, 60, **arguments)) == value
    assert cache.get("k", "missing") == value


@pytest.mark.parametrize(("ttl", "lives"), [(40 * 86_400, 40 * 86_400), (timedelta(seconds=10), 10), (1.5, 2), (-1, 0)])
def test_a_ttl_is_from_now_however_long(cache: Cache, ttl: Any, lives: int) -> None:
    assert cache.get_or_set("k", lambda: 1, ttl) == 1
    if lives:
        cache.advance_clock(lives - 1)
        assert cache["k"] == 1
        cache.advance_clock(1)
    assert cache.get("k") is None


def test_an_exception_passes_and_the_next_makes_it(cache: Cache) -> None:
    class Oh(BaseException):
        pass

    def raising() -> Any:
        raise Oh

    for arguments in ({}, {"tags": ["a"]}):
        with pytest.raises(Oh):
            cache.get_or_set("k", raising, **arguments)  # type: ignore[arg-type]
        with pytest.raises(Oh):
            asyncio.run(cache.aget_or_set("k", raising))
        assert len(cache) == (1 if arguments else 0), "no lease is left, only the tag"
    assert cache.get_or_set("k", lambda: 1) == 1


def test_what_cannot_be_stored_is_an_error_and_leaves_no_lease(cache: Cache) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        cache.get_or_set("k", lambda: lambda: 0)
    assert len(cache) == 0
    large = b"x" * (1 << 20)
    assert cache.get_or_set("k", lambda: large) is large
    assert len(cache) == 0


def test_who_sets_or_deletes_meanwhile_wins(cache: Cache) -> None:
    def overtaken() -> str:
        cache["k"] = "newer"
        return "made from the old"

    assert cache.get_or_set("k", overtaken) == "made from the old"
    assert cache["k"] == "newer"

    def deleted() -> str:
        cache.delete("gone")
        return "made from the old"

    assert cache.get_or_set("gone", deleted) == "made from the old"
    assert "gone" not in cache


def test_a_factory_that_asks_for_its_own_key_does_not_wait_for_itself(cache: Cache) -> None:
    depth = 0

    def produce() -> int:
        nonlocal depth
        depth += 1
        return cache.get_or_set("k", produce, lease=3600) + 1 if depth < 5 else 0

    assert cache.get_or_set("k", produce, lease=3600) == 4
    assert cache["k"] == 4

    async def aproduce() -> int:
        nonlocal depth
        depth += 1
        # A task of its own, that its maker awaits.
        return await asyncio.create_task(cache.aget_or_set("a", aproduce, lease=3600)) + 1 if depth < 10 else 0

    assert asyncio.run(cache.aget_or_set("a", aproduce, lease=3600)) == 4
    depth = 0
    users = cache.namespace("users")

    def nested() -> int:
        nonlocal depth
        depth += 1
        return users.get_or_set("k", nested, lease=3600) + 1 if depth < 3 else 0

    assert users.get_or_set("k", nested, lease=3600) == 2


def test_another_handle_of_the_same_cache_is_the_same_cache(shared: Cache) -> None:
    again = Cache(name="flights")
    assert shared.get_or_set("k", lambda: again.get_or_set("k", lambda: 1, lease=3600) + 1, lease=3600) == 2


def test_threads_ask_once(cache: Cache) -> None:
    runs: list[int] = []
    answers: list[str] = []
    asking = threading.Semaphore(0)

    def produce() -> str:
        runs.append(threading.get_ident())
        # The others are on their way; who comes after the value was stored has a hit.
        for _ in range(16):
            assert asking.acquire(timeout=60)
        return "made"

    def work() -> None:
        asking.release()
        answers.append(cache.get_or_set("k", produce, ttl=60, lease=3600))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["made"] * 16
    assert len(runs) == 1


def test_a_stampede_of_processes_and_coroutines_runs_the_producer_once(shared: Cache) -> None:
    answers = CONTEXT.SimpleQueue()
    go = CONTEXT.Barrier(33)
    asking = [flights.start(flights.ask, shared, go, answers) for _ in range(32)]
    asking.append(flights.start(flights.ask_in_coroutines, shared, go, answers))
    told = [answers.get() for _ in range(40)]
    flights.join(asking)
    assert shared["runs"] == 1
    assert len({answer["by"] for answer in told}) == 1


def test_a_producer_that_is_killed_delays_nobody_longer_than_its_lease(shared: Cache) -> None:
    answers = CONTEXT.SimpleQueue()
    doomed = flights.start(flights.produce_for_ever, shared, "k", None, 2.0, answers)
    assert answers.get() == doomed.pid
    waiting = [flights.start(flights.wait_for, shared, "k", 2.0, answers) for _ in range(4)]
    # They may ask only after it was killed: the lease is longer than that.
    assert [answers.get() for _ in waiting] == ["asking"] * 4
    os.kill(doomed.pid or 0, signal.SIGKILL)
    doomed.join()
    told = [answers.get() for _ in waiting]
    flights.join(waiting)
    assert len({value for value, _ in told}) == 1, "one of them made it"
    # Two seconds of lease, and what a loaded machine takes to look.
    assert all(delay < 6.0 for _, delay in told), told


def test_while_a_stale_value_is_made_anew_the_others_have_it_at_once(shared: Cache) -> None:
    answers = CONTEXT.SimpleQueue()
    shared.set("k", "old", 50)
    doomed = flights.start(flights.produce_for_ever, shared, "k", 100.0, 2.0, answers)
    assert answers.get() == doomed.pid
    for _ in range(100):
        assert shared.get_or_set("k", fail, ttl=60, stale=100, lease=2) == "old"
    os.kill(doomed.pid or 0, signal.SIGKILL)
    doomed.join()
    # Once the lease has ended the old value is gone, and the next makes a new one.
    started = time.monotonic()
    while (value := shared.get_or_set("k", lambda: "new", ttl=60, stale=100, lease=2)) == "old":
        assert time.monotonic() - started < 10
        time.sleep(0.01)
    assert value == "new"


def test_stale_on_the_clock(cache: Cache) -> None:
    def get(value: str) -> str:
        return cache.get_or_set("k", lambda: value, ttl=60, stale=20, lease=5)

    assert get("first") == "first"
    cache.advance_clock(59)
    assert get("second") == "first"
    cache.advance_clock(2)
    assert cache["k"] == "first", "kept for the time of stale, too"
    inner: list[str] = []

    def slow() -> str:
        inner.append(cache["k"])
        return "second"

    assert cache.get_or_set("k", slow, ttl=60, stale=20, lease=5) == "second"
    assert inner == ["first"]
    assert get("third") == "second"
    cache.advance_clock(79)
    assert get("third") == "third"
    cache.advance_clock(80)
    assert cache.get("k") is None


def test_a_stale_value_survives_an_exception(cache: Cache) -> None:
    cache.get_or_set("k", lambda: "first", ttl=60, stale=20)
    cache.advance_clock(61)
    for _ in range(3):
        with pytest.raises(AssertionError):
            cache.get_or_set("k", fail, ttl=60, stale=20)
    assert cache["k"] == "first"
    assert cache.get_or_set("k", lambda: "second", ttl=60, stale=20) == "second"


def test_early_makes_anew_before_the_end(cache: Cache) -> None:
    assert cache.get_or_set("k", lambda: "first", ttl=60, early=1.0) == "first"
    assert cache.get_or_set("k", fail, ttl=60, early=1.0) == "first", "it took no time to make"
    assert cache.get_or_set("k", fail, ttl=60, early=0.0) == "first"
    # As if time were worth nothing: whatever it took is long.
    assert cache.get_or_set("k", lambda: "second", ttl=60, early=1e18) == "second"
    assert cache["k"] == "second"


def test_tags(cache: Cache) -> None:
    runs: list[int] = []

    def get(key: str, *tags: str) -> int:
        def produce() -> int:
            runs.append(1)
            return len(runs)

        return cache.get_or_set(key, produce, ttl=60, tags=tags)

    first = [get("a", "x"), get("b", "x", "y"), get("c", "y"), get("d")]
    assert [get("a", "x"), get("b", "x", "y"), get("c", "y"), get("d")] == first == [1, 2, 3, 4]
    cache.invalidate_tags("x")
    assert cache.get_many(["a", "b", "c", "d"]) == {"c": 3, "d": 4}
    assert [get("a", "x"), get("b", "x", "y"), get("c", "y"), get("d")] == [5, 6, 3, 4]
    cache.invalidate_tags("y", "nobody's")
    assert cache.get_many(["a", "b", "c", "d"]) == {"a": 5, "d": 4}
    # A tag's generation that was evicted: what has it is a miss, and stays one.
    cache.delete("nearcache:tag:x")
    assert cache.get("a") is None
    assert get("other", "x") == 7
    assert cache.get("a") is None


def test_a_tags_generation_that_was_evicted_begins_later_than_it_ended(cache: Cache) -> None:
    def generation() -> int:
        cache._generations(["x"])
        return int(cache["nearcache:tag:x"])

    first = generation()
    for _ in range(20_000):
        cache.incr("nearcache:tag:x")
    assert generation() == first + 20_000
    cache.delete("nearcache:tag:x")
    assert generation() > first + 20_000


def test_what_is_invalidated_while_it_is_made_is_not_valid(cache: Cache) -> None:
    def produce() -> str:
        cache.invalidate_tags("x")
        return "made from the old"

    assert cache.get_or_set("k", produce, tags=["x"]) == "made from the old"
    assert cache.get("k") is None


@pytest.mark.parametrize("tags", ["x", b"x"])
def test_one_tag_given_for_many(cache: Cache, tags: Any) -> None:
    with pytest.raises(TypeError, match="tags is an iterable of str, not one"):
        cache.get_or_set("k", fail, tags=tags)
    for wrong in ("", "t" * 237):
        with pytest.raises(nearcache.IllegalKeyError, match="a tag has 1 to 236 bytes"):
            cache.get_or_set("k", fail, tags=[wrong])
        with pytest.raises(nearcache.IllegalKeyError, match="a tag has 1 to 236 bytes"):
            cache.invalidate_tags(wrong)
    assert len(cache) == 0


def test_coroutine_functions_and_functions_are_told_apart(cache: Cache) -> None:
    async def produce() -> int:
        return 1

    with pytest.raises(TypeError, match="await aget_or_set"):
        cache.get_or_set("k", produce)  # type: ignore[unused-coroutine]
    assert len(cache) == 0
    assert asyncio.run(cache.aget_or_set("k", produce)) == 1
    assert asyncio.run(cache.aget_or_set("other", lambda: 2)) == 2


def test_a_cancelled_task_gives_the_lease_up(cache: Cache) -> None:
    async def scene() -> str:
        started = asyncio.Event()

        async def never() -> str:
            started.set()
            await asyncio.Event().wait()
            return "never"

        async def produce() -> str:
            return "made"

        task = asyncio.create_task(cache.aget_or_set("k", never, lease=3600))
        await started.wait()
        other = asyncio.create_task(cache.aget_or_set("k", produce, lease=3600))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await other

    assert asyncio.run(scene()) == "made"


def test_tasks_in_one_thread_run_while_others_wait(cache: Cache) -> None:
    async def scene() -> tuple[list[str], int]:
        release = asyncio.Event()
        ticks = 0

        async def produce() -> str:
            await release.wait()
            return "made"

        async def tick() -> None:
            nonlocal ticks
            for ticks in range(100):
                await asyncio.sleep(0)
            release.set()

        asking = [asyncio.create_task(cache.aget_or_set("k", produce)) for _ in range(8)]
        await tick()
        return await asyncio.gather(*asking), ticks

    assert asyncio.run(scene()) == (["made"] * 8, 99)


def test_a_fork_in_a_factory(shared: Cache) -> None:
    def produce() -> str:
        child = os.fork()
        if child == 0:
            # The child knows what its parent is making, who waits for it.
            os._exit(0 if shared.get_or_set("k", lambda: "the child's", lease=3600) == "the child's" else 1)
        assert os.waitpid(child, 0)[1] == 0
        return "the parent's"

    assert shared.get_or_set("k", produce, lease=3600) == "the parent's"
    assert shared["k"] == "the parent's"


def test_a_read_only_cache_has_what_is_there(shared: Cache) -> None:
    shared["k"] = 1
    with Cache(name="flights", read_only=True) as reader:
        assert reader.get_or_set("k", fail) == 1
        with pytest.raises(nearcache.ReadOnlyError):
            reader.get_or_set("other", lambda: 2)


CASES: list[tuple[Callable[[Cache], object], type[Exception]]] = [
    (lambda c: c.get_or_set("", fail), nearcache.IllegalKeyError),
    (lambda c: c.get_or_set(1, fail), TypeError),  # type: ignore[arg-type]
    (lambda c: c.get_or_set("k", 42), TypeError),  # type: ignore[arg-type]
    (lambda c: c.get_or_set("k", lambda: 1, "60"), TypeError),  # type: ignore[arg-type]
    (lambda c: c.get_or_set("k", lambda: 1, float("nan")), ValueError),
    (lambda c: c.get_or_set("k", lambda: 1, early=-1), ValueError),
    (lambda c: c.get_or_set("k", lambda: 1, stale=-1), ValueError),
    (lambda c: c.get_or_set("k", lambda: 1, lease=-1), ValueError),
]


@pytest.mark.parametrize(("call", "error"), CASES)
def test_bad_arguments_leave_nothing(cache: Cache, call: Callable[[Cache], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call(cache)
    assert len(cache) == 0
