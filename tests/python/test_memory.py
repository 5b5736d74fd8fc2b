"""Memory: the limit holds whatever is stored, closing gives it back, and nothing leaks per call."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path

import pytest
from nearcache import Cache, Store


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_the_limit_holds_while_ten_times_as_much_is_stored() -> None:
    size = 32 << 20
    before = resident()
    with Cache(size) as cache:
        for n in range(10 * size // 4096):
            cache[f"key:{n}"] = n.to_bytes(8, "big") * 512
        stats = cache.stats()
        assert stats["evictions"] > 0
        assert stats["bytes"] <= stats["limit_maxbytes"] <= size
        assert len(cache) > size // 4096 // 2, "most of the memory holds items"
        # 8 MiB for the interpreter's own.
        assert resident() - before < size + (8 << 20)
        cache.check()


def test_close_gives_the_memory_back() -> None:
    before = resident()
    for _ in range(20):
        cache = Cache("32MiB")
        for n in range(4000):
            cache[f"{n}"] = bytes(4096)
        cache.close()
    assert resident() - before < 48 << 20


@pytest.mark.parametrize("length", [32, 1000, 300_000])
def test_calls_leak_nothing(cache: Cache, length: int) -> None:
    value = bytes(length)
    cache["k"] = value
    cache["s"] = "ä" * (length // 2)
    cache["n"] = 10**30

    def calls() -> None:
        for _ in range(50):
            cache["k"] = value
            cache["k"], cache.get("s"), cache["n"], cache.get("missing")
            cache.get_many(["k", "s"]), cache.gets("k"), cache.get_raw("k"), list(cache), cache.stats()
            cache.set_many({"k": value})
            for bad in ("", "k" * 251):
                with pytest.raises(ValueError):
                    cache.get(bad)

    calls()
    gc.collect()
    tracemalloc.start()
    try:
        calls()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            calls()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


def test_values_leak_no_native_memory(cache: Cache) -> None:
    value = bytes(1_000_000)
    cache["k"] = value
    before = resident()
    for _ in range(300):
        cache["k"] = value
        assert len(cache["k"]) == len(value)
        cache.get_many(["k"])
    assert resident() - before < 80 << 20


def test_calls_of_a_store_and_its_queues_leak_nothing(store: Store) -> None:
    queue = store.queue("q")
    queue.configure()
    store["n"] = 1

    def calls() -> None:
        for _ in range(20):
            store["k"] = {"a": [1]}
            store["k"], store.get("missing"), store.gets("k"), store.get_many(["k"]), store.incr("n"), store.get_raw("k")
            store.range(), list(store.scan()), store.stats(), store.queue("q"), store.queues(), queue.stats(), queue.settings
            queue.put_many([[1], "x", None])
            for message in queue.consume(wait=0):
                with message, store.batch() as batch:
                    batch.set("k", message.value)
                    batch.ack(message)
            with store.snapshot() as then:
                then["k"], list(then)
            for bad in ("", "k" * 251):
                with pytest.raises(ValueError):
                    store.get(bad)
            with pytest.raises(LookupError):
                store.queue("missing").stats()

    calls()
    gc.collect()
    tracemalloc.start()
    try:
        calls()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            calls()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


def test_reading_from_a_store_leaks_no_native_memory(store: Store) -> None:
    store["k"] = bytes(1_000_000)
    store.queue("q").put(bytes(1_000_000))
    before = resident()
    for _ in range(300):
        assert len(store["k"]) == len(store.get_many(["k"])["k"]) == len(store.queue("q").peek()[0].value)
        with store.snapshot() as then:
            assert len(then["k"]) == 1_000_000
    assert resident() - before < 80 << 20


def test_a_closed_store_gives_its_memory_and_threads_back(directory: Path) -> None:
    threads = len(os.listdir("/proc/self/task"))
    before = resident()
    for n in range(10):
        with Store(directory / str(n), near="8MiB") as store:
            store.set_many({f"{m}": bytes(1000) for m in range(1000)})
    assert len(os.listdir("/proc/self/task")) == threads
    assert resident() - before < 64 << 20
