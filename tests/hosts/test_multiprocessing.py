"""multiprocessing: a cache with a name goes to other processes by every start method, one without by fork alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jobs
import nearcache
import pytest
from fpm import wait_until

METHODS = ["fork", "spawn", "forkserver"]
PROCESSES = 4
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def no_forkserver_of_another_test() -> None:
    # It has the environment of whoever started it first, and with it the directory for names.
    from multiprocessing import forkserver

    forkserver._forkserver._stop()  # type: ignore[attr-defined]


def run(method: str, cache: nearcache.Cache) -> None:
    context: Any = multiprocessing.get_context(method)
    cache["sum"] = 0
    dying = [context.Process(target=jobs.count_and_die, args=(cache,)) for _ in range(2)]
    working = [context.Process(target=jobs.work, args=(cache, number)) for number in range(PROCESSES)]
    for process in dying + working:
        process.start()
    for process in dying + working:
        process.join(PATIENCE)
    assert [process.exitcode for process in dying] == [-signal.SIGKILL] * 2
    assert [process.exitcode for process in working] == [0] * PROCESSES
    assert cache["sum"] == 200 + PROCESSES * jobs.ROUNDS
    assert [cache[f"pid-{number}"] for number in range(PROCESSES)] == [process.pid for process in working]
    lives = {process.pid: process.life for process in cache.processes()}
    assert lives[os.getpid()] == "alive"
    assert all(life != "alive" for pid, life in lives.items() if pid != os.getpid())
    cache.check()


@pytest.mark.parametrize("method", METHODS)
def test_a_named_cache_by_every_start_method(directory: Path, method: str) -> None:
    run(method, nearcache.Cache("16MiB", name="app"))
    assert nearcache.Cache(name="app")["sum"] == 200 + PROCESSES * jobs.ROUNDS


def test_an_inherited_cache_by_fork(directory: Path) -> None:
    run("fork", nearcache.Cache("16MiB", shared=True))


@pytest.mark.parametrize("name", [None, "app"], ids=["inherited", "named"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forks_while_threads_are_at_work(directory: Path, name: str | None) -> None:
    cache = nearcache.Cache("64MiB", shared=True, name=name)
    over = threading.Event()

    def work(number: int) -> None:
        # So large that the interpreter is released meanwhile: forks meet threads within the cache.
        large = bytes([number]) * 400_000
        while not over.is_set():
            cache[f"large-{number}"] = large
            assert cache.get(f"large-{number}", large) == large
            cache.incr("by threads", initial=1)

    with ThreadPoolExecutor(3) as threads:
        working = [threads.submit(work, number) for number in range(3)]
        try:
            for round_ in range(1, 41):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        grandchild = os.fork()
                        cache.incr("by children", initial=1)
                        cache[f"pid-{os.getpid()}"] = b"x" * 300_000
                        if grandchild:
                            os.waitpid(grandchild, 0)
                        status = 0
                    finally:
                        os._exit(status)
                ended = [0, 0]

                def has_ended(child: int = child, ended: list[int] = ended) -> bool:
                    ended[:] = os.waitpid(child, os.WNOHANG)
                    return ended[0] == child

                wait_until(has_ended, "a child hangs")
                assert ended == [child, 0]
                assert cache["by children"] == 2 * round_
        finally:
            over.set()
        for thread in working:
            thread.result()
    assert cache["by threads"] > 40
    cache.check()


@pytest.mark.parametrize("method", METHODS)
def test_a_pool(directory: Path, method: str) -> None:
    cache = nearcache.Cache("16MiB", name="app")
    cache["computed"] = 0
    context: Any = multiprocessing.get_context(method)
    with context.Pool(3, jobs.adopt, (cache,)) as pool:
        assert pool.map_async(jobs.square, list(range(50)) * 4).get(PATIENCE) == [n * n for n in range(50)] * 4
    assert 50 <= cache["computed"] <= 150


HOMES = [("fork", "inherited"), *((method, "named") for method in METHODS)]


def make(home: str) -> nearcache.Cache:
    return nearcache.Cache("16MiB", shared=True) if home == "inherited" else nearcache.Cache("16MiB", name="app")


@pytest.mark.parametrize(("method", "home"), HOMES)
def test_a_stampede_in_a_pool_makes_it_once(directory: Path, method: str, home: str) -> None:
    cache = make(home)
    context: Any = multiprocessing.get_context(method)
    # A pool pickles its initialiser's arguments unless it forks.
    with context.Pool(8, jobs.adopt, (cache,)) as pool:
        told = pool.map_async(jobs.ask, ["k"] * 32, chunksize=1).get(PATIENCE)
    assert cache["runs-k"] == 1
    assert {pid for pid, _ in told} == {cache["k"]}


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize(("method", "home"), HOMES)
def test_a_producer_that_ends_costs_the_others_no_more_than_its_lease(
    directory: Path, method: str, home: str, end: signal.Signals
) -> None:
    cache = make(home)
    context: Any = multiprocessing.get_context(method)
    producer = context.Process(target=jobs.make_never, args=(cache, "k"))
    producer.start()
    try:
        wait_until(lambda: cache.get("making-k") == producer.pid, "nobody makes it")
        os.kill(producer.pid, end)
        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(lambda _: jobs.make_once(cache, "k", hold=0.1), range(8)))
    finally:
        producer.kill()
        producer.join(PATIENCE)
    assert cache["runs-k"] == 1
    assert {pid for pid, _ in told} == {os.getpid()}
    # What a busy machine takes to look comes on top.
    assert max(delay for _, delay in told) < jobs.LEASE + 5, told


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("shared", [False, True], ids=["private", "inherited"])
def test_a_cache_without_a_name_says_what_to_do(method: str, shared: bool) -> None:
    cache = nearcache.Cache("4MiB", shared=shared)
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=jobs.work, args=(cache, 0))
    with pytest.raises(TypeError, match='give it a name' if shared else "one with a name"):
        process.start()
