"""Who is measured, and how each of them does each work. What a library lacks it is not asked for."""

from __future__ import annotations

import functools
import importlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nearcache

# A work is done once for each of the keys.
Loop = Callable[[list[str]], None]

VALUE = bytes(32)
DICT = {"id": 7, "name": "Ada", "tags": ["a", "b"], "active": True}
ABSENT = "absent:" + "0" * 13
COUNTER = "counter:" + "0" * 12
DICT_KEY = "dict:" + "0" * 15
# Keys of one get_many.
MANY = 10

SUBSCRIPT, GET, MISS, SET = "c[k]", "c.get(k)", "c.get(absent)", "c.set(k, v)"
GET_DICT, SET_DICT = "get of a small dict", "set of a small dict"
INCR, GET_MANY = "incr", f"get_many of {MANY}, a key"
WORKS = [SUBSCRIPT, GET, MISS, SET, GET_DICT, SET_DICT, INCR, GET_MANY]


@dataclass
class Contestant:
    """`over` says what a call goes to, if it is not this process: its time is then the clock's, not the thread's."""

    name: str
    kind: str
    works: dict[str, Loop] = field(default_factory=dict)
    over: str = ""


# Who has to be imported before it is made.
Named = tuple[str, Callable[[], Contestant]]


def calls(function: Callable[[str], Any]) -> Loop:
    def loop(keys: list[str]) -> None:
        for key in keys:
            function(key)

    return loop


def always(function: Callable[..., Any], *arguments: Any) -> Loop:
    def loop(keys: list[str]) -> None:
        for _ in keys:
            function(*arguments)

    return loop


def subscripts(cache: Any) -> Loop:
    def loop(keys: list[str]) -> None:
        for key in keys:
            cache[key]

    return loop


def puts(function: Callable[[str, Any], Any], value: Any) -> Loop:
    def loop(keys: list[str]) -> None:
        for key in keys:
            function(key, value)

    return loop


def assigns(cache: Any, value: Any) -> Loop:
    def loop(keys: list[str]) -> None:
        for key in keys:
            cache[key] = value

    return loop


def batches(function: Callable[[list[str]], Any]) -> Loop:
    def loop(keys: list[str]) -> None:
        for begin in range(0, len(keys), MANY):
            function(keys[begin : begin + MANY])

    return loop


def filled(name: str, kind: str, cache: Any, keys: list[str], over: str = "", **methods: Any) -> Contestant:
    """Fills a cache and looks whether it has what it was given. `methods`: put, get, incr, get_many; without put it is a
    mapping, without get it has none.
    """
    put = methods.get("put")
    store = put or cache.__setitem__
    for key in keys:
        store(key, VALUE)
    store(DICT_KEY, DICT)
    contestant = Contestant(name, kind, over=over)
    works = contestant.works
    if hasattr(cache, "__getitem__"):
        assert (cache[keys[0]], cache[DICT_KEY]) == (VALUE, DICT), name
        works[SUBSCRIPT] = subscripts(cache)
    if get := methods.get("get"):
        assert (get(keys[0]), get(DICT_KEY)) == (VALUE, DICT), name
        works |= {GET: calls(get), MISS: always(get, ABSENT), GET_DICT: always(get, DICT_KEY)}
    works[SET] = puts(put, VALUE) if put else assigns(cache, VALUE)
    works[SET_DICT] = puts(put, DICT) if put else assigns(cache, DICT)
    # The dict has a key of its own, so that the others keep their values.
    works[SET_DICT] = on(works[SET_DICT], DICT_KEY)
    if incr := methods.get("incr"):
        store(COUNTER, 0)
        incr(COUNTER, 1)
        assert int(methods["get"](COUNTER)) == 1, name
        works[INCR] = always(incr, COUNTER, 1)
    if get_many := methods.get("get_many"):
        assert get_many(keys[:MANY]) == dict.fromkeys(keys[:MANY], VALUE), name
        works[GET_MANY] = batches(get_many)
    return contestant


def on(loop: Loop, key: str) -> Loop:
    """The work on one key instead."""
    return lambda keys: loop([key] * len(keys))


def verbs(cache: Any) -> dict[str, Any]:
    return {"put": cache.set, "get": cache.get, "incr": cache.incr}


def ours(name: str, cache: nearcache.Cache, keys: list[str]) -> Contestant:
    return filled(name, "ours", cache, keys, get_many=cache.get_many, **verbs(cache))


def nearcaches(keys: list[str], stack: ExitStack) -> list[Contestant]:
    name = f"bench-{uuid.uuid4().hex}"
    stack.callback(nearcache.unlink, name)
    kinds = {
        "nearcache": {},
        "nearcache, shared": {"shared": True},
        "nearcache, named": {"name": name},
    }
    return [ours(kind, stack.enter_context(nearcache.Cache("64MiB", **how)), keys) for kind, how in kinds.items()]


def in_process(keys: list[str]) -> Iterator[Named]:
    """What has the objects themselves, and hands them out again."""
    room = 2 * len(keys)

    def mapping(name: str, module: str, make: Callable[[Any], Any]) -> Named:
        def entered() -> Contestant:
            cache = make(importlib.import_module(module))
            return filled(name, "objects", cache, keys, get=cache.get)

        return name, entered

    def memoized() -> Contestant:
        known: dict[str, Any] = {**dict.fromkeys(keys, VALUE), DICT_KEY: DICT}
        cached = functools.lru_cache(maxsize=room)(known.__getitem__)
        for key in known:
            cached(key)
        return Contestant("functools.lru_cache", "objects", {GET: calls(cached), GET_DICT: always(cached, DICT_KEY)})

    def theine() -> Contestant:
        cache = importlib.import_module("theine").Cache(room)
        # It answers with a pair, value and truth; to take that apart is not measured.
        contestant = filled("theine", "objects", cache, keys, put=cache.set, get=lambda key: cache.get(key)[0])
        get = cache.get
        contestant.works |= {GET: calls(get), MISS: always(get, ABSENT), GET_DICT: always(get, DICT_KEY)}
        return contestant

    yield mapping("dict", "builtins", lambda _: {})
    yield "functools.lru_cache", memoized
    yield mapping("cachebox.Cache", "cachebox", lambda module: module.Cache(room))
    yield mapping("cachebox.LRUCache", "cachebox", lambda module: module.LRUCache(room))
    yield mapping("lru-dict", "lru", lambda module: module.LRU(room))
    yield mapping("cachetools.LRUCache", "cachetools", lambda module: module.LRUCache(room))
    yield "theine", theine


def shared(keys: list[str], stack: ExitStack) -> Iterator[Named]:
    """What several processes can have, without a server."""

    def ultra() -> Contestant:
        cache = importlib.import_module("UltraDict").UltraDict(
            name=f"bench-{uuid.uuid4().hex[:16]}", buffer_size=1 << 20, full_dump_size=1 << 20, auto_unlink=True
        )
        stack.callback(cache.close, unlink=True)
        return filled("UltraDict", "shared", cache, keys, get=cache.get)

    def shared_memory() -> Contestant:
        module = importlib.import_module("shared_memory_dict")
        cache = module.SharedMemoryDict(name=f"bench-{uuid.uuid4().hex[:16]}", size=1 << 20)
        stack.callback(cache.shm.unlink)
        stack.callback(cache.shm.close)
        # Each access pickles or unpickles all of it: fewer keys, or filling it takes longer than the measurement.
        return filled("shared-memory-dict", "shared", cache, keys[:100], get=cache.get)

    def disk() -> Contestant:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        cache = importlib.import_module("diskcache").Cache(directory)
        stack.callback(cache.close)
        return filled("diskcache", "shared", cache, keys, **verbs(cache))

    yield "UltraDict", ultra
    yield "shared-memory-dict", shared_memory
    yield "diskcache", disk


def clients(keys: list[str], socket: Path) -> Iterator[Named]:
    """Clients of a memcached on this machine."""
    over = "memcached over a unix socket"

    def pylibmc() -> Contestant:
        client = importlib.import_module("pylibmc").Client([str(socket)])
        return filled("pylibmc", "socket", client, keys, over, get_many=client.get_multi, **verbs(client))

    def pymemcache() -> Contestant:
        serde = importlib.import_module("pymemcache.serde").pickle_serde
        # With an answer to each store, as the others have.
        client = importlib.import_module("pymemcache").Client(f"unix:{socket}", serde=serde, default_noreply=False)
        return filled("pymemcache", "socket", client, keys, over, get_many=client.get_many, **verbs(client))

    yield "pylibmc", pylibmc
    yield "pymemcache", pymemcache


@contextmanager
def memcached() -> Iterator[Path]:
    """The machine's memcached, on a socket of its own."""
    program = shutil.which("memcached")
    if program is None:
        raise SystemExit("error: memcached is missing: run scripts/setup.sh memcached")
    with tempfile.TemporaryDirectory() as directory:
        socket = Path(directory) / "socket"
        user = ["-u", "root"] if os.getuid() == 0 else []
        with subprocess.Popen([program, "-s", str(socket), "-a", "700", "-m", "256", *user]) as server:
            try:
                deadline = time.monotonic() + 10
                while not socket.is_socket():
                    if server.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit("error: memcached did not start")
                    time.sleep(0.01)
                yield socket
            finally:
                server.terminate()


def everybody(keys: list[str], socket: Path, stack: ExitStack) -> tuple[list[Contestant], list[str]]:
    """Who is there, and a sentence for each who is not."""
    there, missing = nearcaches(keys, stack), []
    for name, entered in [*in_process(keys), *shared(keys, stack), *clients(keys, socket)]:
        try:
            there.append(entered())
        except ImportError as error:
            missing.append(f"{name} ({error})")
    return there, missing
