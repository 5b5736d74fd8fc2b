"""What a type checker makes of the module's use; checked by mypy in test_docs.py, never run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, assert_type

import nearcache
from nearcache import Cache

cache = Cache("64MiB", item_size_max=1 << 20, evict=True, manual_clock=False)

assert_type(cache.set("k", b"v", timedelta(minutes=1)), bool)
assert_type(cache.gets("k"), tuple[Any, int | Any])
assert_type(cache.cas("k", 1, 2, 0.5), bool | None)
assert_type(cache.get_many(["a"]), dict[str, Any])
assert_type(cache.get_many([b"a"]), dict[bytes, Any])
assert_type(cache.set_many({"a": 1}), list[str])
assert_type(cache.delete_many({"a", "b"}), int)
assert_type(cache.incr("n"), int | None)
assert_type(cache.incr("n", 1, 0), int)
assert_type(cache.incr("n", initial=0), int)
assert_type(cache.get_raw("k"), tuple[bytes, int] | None)
assert_type(list(cache), list[bytes])
assert_type(cache.stats(), dict[str, int])
with cache as same:
    assert_type(same, Cache)
assert_type(Cache("64MiB", shared=True), Cache)
assert_type(Cache("64MiB", name="app", mode=0o600), Cache)
assert_type(Cache(name=Path("app"), read_only=True), Cache)
assert_type(cache.info(), nearcache.CacheInfo)
assert_type([process.life for process in cache.processes()][0] == "alive", bool)
assert_type(nearcache.caches(), list[nearcache.CacheFile])
assert_type(nearcache.unlink("app"), bool)
assert_type(Cache("64MiB", serde="portable", compress_min=1000), Cache)
with cache.pin("k") as view:
    assert_type(view, memoryview)
lease = cache.lease("k", 5, stale=10, early=1.0)
assert_type((lease.value, lease.hit, lease.token, lease.ttl), tuple[Any, bool, int, int | None])

assert_type(cache.get_or_set("k", lambda: 1, timedelta(1), stale=5, tags=["a"]), int)


@cache.memoize(ttl=60, tags=lambda number: [f"number {number}"])
def text(number: int) -> str:
    return str(number)


@cache.namespace("n").memoize(stale=timedelta(1))
async def atext(number: int) -> str:
    return str(number)


class Kinds:
    @cache.memoize()
    def method(self, number: int) -> str:
        return text(number)

    @cache.memoize()
    @classmethod
    def of_class(cls, number: int) -> str:
        return text(number)

    @cache.memoize()
    @staticmethod
    def static(number: int) -> str:
        return text(number)


async def coroutines() -> None:
    async def produce() -> str:
        return "made"

    assert_type(await atext(1), str)
    assert_type(await atext.refresh(1), str)
    assert_type(await cache.aget_or_set("k", produce), str)
    assert_type(await cache.aget_or_set("k", lambda: 1), int)
    async with cache.lock("k") as lock:
        assert_type(lock, nearcache.Lock)


assert_type((text(1), text.refresh(1), text.invalidate(1), text.cache_key(1)), tuple[str, str, bool, str | bytes])
assert_type((Kinds().method(1), Kinds.of_class(1), Kinds.static(1), Kinds().static(1)), tuple[str, str, str, str])
text("1")  # type: ignore[arg-type]
text.invalidate()  # type: ignore[call-arg]
cache.memoize(text)  # type: ignore[arg-type]
cache.get_or_set("k", 1)  # type: ignore[arg-type]

store = nearcache.Store(Path("orders"), policy=0.5, near="8MiB", quota=1 << 30, manual_clock=True)
assert_type((store.set("k", 1), store.cas("k", 1, 2), store.gets("k")), tuple[bool, bool | None, tuple[Any, int | Any]])
assert_type((store.incr("n"), store.incr("n", initial=0)), tuple[int | None, int])
assert_type((store.range("a", limit=5), list(store.scan())), tuple[list[tuple[bytes, Any]], list[tuple[bytes, Any]]])
assert_type((list(store), store.get_many(["a"]), store.queues()), tuple[list[bytes], dict[str, Any], list[str]])
queue = store.queue("q")
assert_type((queue.put(1, delay=timedelta(1), id="7"), queue.put_many([1])), tuple[int | None, list[int]])
assert_type((queue.get(wait=None, lease=5), queue.get_many(5)), tuple[nearcache.Message | None, list[nearcache.Message]])
assert_type((queue.settings["lease"], queue.stats()["readers"]), tuple[int, list[str]])
for message in queue.consume(wait=5):
    with message as held, store.batch() as batch, store.snapshot() as then:
        assert_type((held.value, held.ack(), held.nak(), held.receipt), tuple[Any, bool, bool | None, str | None])
        batch.push(queue, then["k"])
        batch.ack(held)
assert_type(batch.results, list[int])

nearcache.Store()  # type: ignore[call-arg]
nearcache.Store("orders", policy="often")  # type: ignore[arg-type]
queue.get(5)  # type: ignore[call-arg]
queue.configure(leases=5)  # type: ignore[call-arg]
Cache()  # type: ignore[call-overload]
Cache("64MiB", name="app", read_only=True)  # type: ignore[call-overload]
Cache("64MiB", serde="json")  # type: ignore[call-overload]
cache.set(1, b"")  # type: ignore[arg-type]
cache.append("k", None)  # type: ignore[arg-type]
