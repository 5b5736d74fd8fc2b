"""Threads: no torn value, no lost count, no deadlock, closing under load, forking."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable

import nearcache
import pytest
from nearcache import Cache

THREADS = 4


def together(work: Callable[[int], object], threads: int = THREADS) -> None:
    """Runs `work(n)` in each thread, all started at once; the first exception is raised here."""
    barrier = threading.Barrier(threads)
    errors: list[BaseException] = []

    def run(n: int) -> None:
        try:
            barrier.wait()
            work(n)
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]


def test_values_are_never_torn(cache: Cache) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # Shown by pytest if the test fails.
    # Lengths on both sides of the stack buffer and of the release of the interpreter.
    lengths = [0, 1, 32, 512, 513, 5000, 256 << 10, (256 << 10) + 1, 600_000]

    def work(n: int) -> None:
        rng = random.Random(seed + n)
        for _ in range(1500):
            key = f"k{rng.randrange(4)}"
            if rng.random() < 0.5:
                cache[key] = bytes([rng.randrange(256)]) * rng.choice(lengths)
            else:
                value = cache.get(key, b"")
                assert len(value) in lengths
                assert value == value[:1] * len(value)

    together(work)


def test_many_threads_at_once_and_one_after_another(cache: Cache) -> None:
    def work(n: int) -> None:
        cache[f"k{n}"] = n
        assert cache[f"k{n}"] == n
        cache.incr("total", 1, initial=1)

    for round_ in range(1, 6):
        together(work, threads=100)
        assert cache["total"] == 100 * round_


def test_incr_loses_nothing(cache: Cache) -> None:
    cache["n"] = 0
    together(lambda _: [cache.incr("n") for _ in range(5000)])
    assert cache["n"] == THREADS * 5000


def test_incr_with_initial_starts_once(cache: Cache) -> None:
    for round_ in range(200):
        together(lambda _: cache.incr(f"n{round_}", 1, initial=1))
        assert cache[f"n{round_}"] == THREADS


def test_cas_loses_nothing(cache: Cache) -> None:
    cache["n"] = 0

    def work(_: int) -> None:
        for _ in range(1000):
            while True:
                value, unique = cache.gets("n")
                if cache.cas("n", value + 1, unique):
                    break

    together(work)
    assert cache["n"] == THREADS * 1000


def test_batches_and_iteration_together(cache: Cache) -> None:
    keys = [f"k{n}" for n in range(300)]

    def work(n: int) -> None:
        for _ in range(30):
            cache.set_many({key: key for key in keys[n::2]})
            assert all(key == value for key, value in cache.get_many(keys).items())
            for key in cache:
                assert key.decode() in keys
            cache.delete_many(keys[n :: THREADS])

    together(work)


def test_a_shared_iterator_gives_each_key_once(cache: Cache) -> None:
    cache.set_many({f"k{n}": n for n in range(5000)})
    shared = iter(cache)
    met: list[list[bytes]] = [[] for _ in range(THREADS)]
    together(lambda n: met[n].extend(shared))
    assert sorted(sum(met, [])) == sorted(b"k%d" % n for n in range(5000))


def test_close_under_load() -> None:
    for _ in range(20):
        cache = Cache("4MiB")
        value = bytes(300_000)
        cache["large"] = value

        def work(n: int) -> None:
            if n == 0:
                cache.set_many({f"k{i}": i for i in range(100)})
                cache.close()
                return
            with pytest.raises(nearcache.CacheClosedError):
                while True:
                    # Detached copies both ways, and a walk: each is inside the core while another thread closes.
                    cache.set("large", value)
                    cache.get("large")
                    for _ in cache:
                        pass

        together(work)


def test_a_forked_child_has_a_copy_of_its_own(cache: Cache) -> None:
    cache["k"] = b"parent"
    pid = os.fork()
    if pid == 0:
        try:
            mine = cache["k"] == b"parent"
            cache["k"] = b"child"
            os._exit(0 if mine and cache["k"] == b"child" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert cache["k"] == b"parent"
