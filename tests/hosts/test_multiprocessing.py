"""multiprocessing: a cache with a name goes to other processes by every start method, one without by fork alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import jobs
import nearcache
import pytest

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


@pytest.mark.parametrize("method", METHODS)
def test_a_pool(directory: Path, method: str) -> None:
    cache = nearcache.Cache("16MiB", name="app")
    cache["computed"] = 0
    context: Any = multiprocessing.get_context(method)
    with context.Pool(3, jobs.adopt, (cache,)) as pool:
        assert pool.map_async(jobs.square, list(range(50)) * 4).get(PATIENCE) == [n * n for n in range(50)] * 4
    assert 50 <= cache["computed"] <= 150


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("shared", [False, True], ids=["private", "inherited"])
def test_a_cache_without_a_name_says_what_to_do(method: str, shared: bool) -> None:
    cache = nearcache.Cache("4MiB", shared=shared)
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=jobs.work, args=(cache, 0))
    with pytest.raises(TypeError, match='give it a name' if shared else "one with a name"):
        process.start()
