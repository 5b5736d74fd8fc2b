"""What an installed nearcache has to do before anything else is worth testing; needs nothing but the interpreter."""

from __future__ import annotations

import asyncio
import importlib.util
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

import nearcache


def main() -> None:
    here = Path(nearcache.__file__)
    assert Path(sys.prefix) in here.parents, f"{here} is not what was installed in {sys.prefix}"
    assert (here.parent / "py.typed").exists(), "type checkers would pass the package over"
    verbs(nearcache.Cache("8MiB"))
    shared()
    durable()
    for module in ("aio", "compat.pymemcache", "compat.pylibmc"):
        importlib.import_module(f"nearcache.{module}")
    for module, needs in [("django", "django"), ("flask_caching", "flask_caching"), ("dogpile", "dogpile")]:
        missing_framework_is_named(module, needs)
    print(f"nearcache {nearcache.__version__} works in {sys.version.split()[0]}")


def verbs(cache: nearcache.Cache) -> None:
    for value in (b"bytes", "text", 7, None, False, 1.5, [1, {"a": (2,)}]):
        cache["k"] = value
        assert (cache["k"], type(cache["k"])) == (value, type(value))
    assert cache.get("missing") is None and cache.incr("n", initial=1) == 1 and cache.incr("n") == 2
    assert cache.get_or_set("made", lambda: 42, ttl=60) == cache.get_or_set("made", lambda: 43) == 42

    @cache.memoize(ttl=60)
    async def double(number: int) -> int:
        return 2 * number

    async def twice() -> list[int]:
        return [await double(4), await double(4)]

    assert asyncio.run(twice()) == [8, 8] and double.cache_info() == (1, 1)
    with cache.pin("k") as view:
        assert view.readonly
    assert cache.stats()["curr_items"] == len(cache)
    cache.check()


def shared() -> None:
    """A child that is spawned has the same cache by its name."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        os.environ["NEARCACHE_DIR"] = directory
        cache = nearcache.Cache("2MiB", name="selfcheck", serde="portable")
        process = multiprocessing.get_context("spawn").Process(target=child, args=(cache,))
        process.start()
        process.join()
        assert process.exitcode == 0 and cache["child"] == {"pid": process.pid}


def durable() -> None:
    """A store and its queues outlive those who have them open."""
    with tempfile.TemporaryDirectory() as directory:
        with nearcache.Store(directory) as store, store.batch() as batch:
            batch.set("order", {"tea": 2})
            batch.push("orders", "order")
        with nearcache.Queue(directory, "orders") as orders, nearcache.Store(directory) as store:
            with orders.get(wait=1) or sys.exit("the message is lost") as message:
                assert store[message.value] == {"tea": 2}
            assert len(orders) == 0


def child(cache: nearcache.Cache) -> None:
    cache["child"] = {"pid": os.getpid()}


def missing_framework_is_named(module: str, needs: str) -> None:
    if importlib.util.find_spec(needs) is not None:
        return
    try:
        importlib.import_module(f"nearcache.{module}")
    except ImportError as error:
        assert "pip install" in str(error), error
    else:
        raise AssertionError(f"nearcache.{module} was imported without {needs}")


if __name__ == "__main__":
    main()
