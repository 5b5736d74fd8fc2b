"""The drop-in for pymemcache: every call gives on it what it gives on pymemcache's own client with a nearcached."""

from __future__ import annotations

import doctest
import subprocess
import sys
import threading
from contextlib import closing
from typing import Any

import nearcache
import pytest
from compared import compare, steps
from nearcache.compat import pymemcache as ours
from pymemcache import exceptions, serde
from pymemcache.client import base, hash as ring

HALF_MEGABYTE = b"x" * (1 << 19)
TOO_LARGE = b"x" * (1 << 21)

VERBS = steps(
    """
    c.get("nothing")
    c.get("nothing", 5)
    c.gets("nothing")
    c.set("a", b"1")
    c.set("a", b"1", noreply=False)
    c.get("a")
    c.set("a", "text", 0, False)
    c.get(b"a")
    c.set("a", 12, noreply=False)
    c.get("a")
    c.set("a", 1.5, noreply=False)
    c.get("a")
    c.set("a", None, noreply=False)
    c.get("a")
    c.set("a", "\\u00e9", noreply=False)
    c.set("a", b"v", flags=70000, noreply=False)
    c.set("a", b"v", flags=-1, noreply=False)
    c.get("a")
    c.add("a", b"no")
    c.add("a", b"no", noreply=False)
    c.add("new", b"yes", noreply=False)
    c.replace("a", b"yes", noreply=False)
    c.replace("none", b"no", noreply=False)
    c.replace("none", b"no")
    c.append("a", b"2", noreply=False)
    c.prepend("a", b"0", noreply=False)
    c.append("none", b"2", noreply=False)
    c.prepend("none", b"2", noreply=False)
    c.append("none", b"2")
    c.get("a")
    c.cas("a", b"x", 1)
    c.cas("a", b"x", c.gets("a")[1])
    c.cas("a", b"y", c.gets("a")[1].decode())
    c.cas("a", b"z", int(c.gets("a")[1]), 100)
    c.cas("none", b"x", 1)
    c.cas("none", b"x", 1, noreply=True)
    c.cas("a", b"x", "1x")
    c.cas("a", b"x", -1)
    c.cas("a", b"x", 1.0)
    c.cas("a", b"x", 1 << 64)
    type(c.gets("a")[1])
    c.delete("a", noreply=False)
    c.delete("a", noreply=False)
    c.delete("a")
    c.set("n", b"10", noreply=False)
    c.incr("n", 5)
    c.decr("n", 3)
    c.decr("n", 100)
    c.incr("n", 1, noreply=True)
    c.get("n")
    c.incr("none", 1)
    c.decr("none", 1)
    c.incr("n", -1)
    c.incr("n", -1, noreply=True)
    c.incr("n", 1 << 64)
    c.incr("n", (1 << 64) - 1)
    c.incr("n", "1")
    c.incr("n", 1.0)
    c.set("t", "text", noreply=False)
    c.incr("t", 1)
    c.incr("t", 1, noreply=True)
    c.set("e", b"x", expire=-1, noreply=False)
    c.get("e")
    c.set("e", b"x", expire=100, noreply=False)
    c.get("e")
    c.set("e", b"x", expire=1000000000, noreply=False)
    c.get("e")
    c.set("e", b"x", expire=2000000000, noreply=False)
    c.get("e")
    c.set("e", b"x", expire=1.5)
    c.set("e", b"x", expire=None)
    c.set("e", b"x", expire=1 << 70, noreply=False)
    c.set("e", b"x", expire=1 << 70, noreply=True)
    c.set("e", b"x", expire=100, noreply=False)
    c.touch("e", 100, noreply=False)
    c.touch("none", 100, noreply=False)
    c.touch("none", 100)
    c.touch("e", "1")
    c.touch("e", -1, noreply=False)
    c.get("e")
    c.set("big", HALF_MEGABYTE, noreply=False)
    c.get("big") == HALF_MEGABYTE
    c.set("big", TOO_LARGE, noreply=False)
    c.get("big")
    c.set("", b"x", noreply=False)
    c.get("")
    c.set("a b", b"x")
    c.set("a\\tb", b"x")
    c.get("a\\x00b")
    c.get("a\\x0bb")
    c.set("a" * 250, b"x", noreply=False)
    c.get("a" * 250)
    c.set("a" * 251, b"x")
    c.get("\\u00e9")
    c.get(5)
    c.get(None)
    c.set_many({"a": b"1", b"b": b"2"})
    c.set_many({"a": b"1", b"b": b"2"}, noreply=False)
    c.set_many({})
    c.get_many(["a", b"b", "none"])
    c.get_many([])
    c.get_many(("a", "a"))
    c.get_many({"a", "b"})
    c.get_many(["a", "b c"])
    list(c.gets_many(["a", "none"]))
    c.set_many({"a": b"3", "b c": b"2"}, noreply=False)
    c.get("a")
    c.delete_many(["a", "none"])
    c.delete_many(["b"], noreply=False)
    c.delete_many([])
    c.get_many(["a", "b"])
    c.set_multi({"m": b"1"})
    c.get_multi(["m"])
    c.delete_multi(["m"])
    c.flush_all()
    c.get("n")
    c.flush_all(100, noreply=False)
    c.flush_all("1")
    c.flush_all(-1, noreply=False)
    c.close()
    c.disconnect_all()
    c.quit()
    """,
    HALF_MEGABYTE=HALF_MEGABYTE,
    TOO_LARGE=TOO_LARGE,
)

# A ring of servers has fewer verbs.
SINGLE = steps("""
    c.__setitem__("i", b"v")
    c["i"]
    c["none"]
    c.__delitem__("i")
    c.__delitem__("i")
    c.get("i")
    type(c.version())
    c.stats()[b"curr_items"]
    type(c.stats()[b"get_hits"])
    c.shutdown()
    c.raw_command("nonsense")
    """)

# What only its Client has; a pool takes no defaults.
DEFAULTS = steps("""c.gets("nothing", 1, 2)""")

TYPED = steps("""
    c.set("v", [1, {"a": None}])
    c.set("e", "\u00e9", noreply=False)
    c.get("v")
    c.set("v", 12)
    c.get("v")
    c.incr("v", 1)
    c.get("v")
    c.set("v", "\\u00e9")
    c.get("v")
    c.set("v", b"bytes")
    c.gets("v")[0]
    c.set("v", "long " * 1000)
    c.get_many(["v"])
    """)

ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"default_noreply": False},
    {"key_prefix": "p:"},
    {"key_prefix": b"p:", "default_noreply": False},
    {"allow_unicode_keys": True},
    {"ignore_exc": True},
    {"ignore_exc": True, "default_noreply": False},
]
PAIRS = [(base.Client, ours.Client), (base.PooledClient, ours.PooledClient)]


def fresh(daemon: str) -> None:
    with closing(base.Client(daemon, default_noreply=False)) as client:
        client.flush_all()


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("theirs, here", PAIRS, ids=["Client", "PooledClient"])
def test_the_same_calls_give_the_same(daemon: str, theirs: Any, here: Any, arguments: dict[str, Any]) -> None:
    fresh(daemon)
    calls = {**VERBS, **SINGLE, **(DEFAULTS if theirs is base.Client else {})}
    with closing(theirs(daemon, **arguments)) as client:
        compare(client, here(nearcache.Cache("8MiB"), **arguments), calls)


# With a prefix that is a str it raises a TypeError of its own.
@pytest.mark.parametrize("arguments", [made for made in ARGUMENTS if made.get("key_prefix") != "p:"], ids=str)
@pytest.mark.parametrize("pooling", [False, True])
def test_a_ring_is_one_cache(daemon: str, arguments: dict[str, Any], pooling: bool) -> None:
    fresh(daemon)
    with closing(ring.HashClient([daemon], use_pooling=pooling, **arguments)) as client:
        compare(client, ours.HashClient([nearcache.Cache("8MiB")], use_pooling=pooling, **arguments), VERBS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"encoding": "utf8"},  # which a pool does not pass on
        {"serde": serde.pickle_serde},
        {"serde": serde.compressed_serde},
        {"serializer": serde.python_memcache_serializer, "deserializer": serde.python_memcache_deserializer},
        {"serializer": serde.python_memcache_serializer},
    ],
    ids=["encoding", "pickle", "compressed", "functions", "serializer"],
)
def test_its_serdes_and_encodings_serve_here(daemon: str, arguments: dict[str, Any]) -> None:
    fresh(daemon)
    with closing(base.Client(daemon, **arguments)) as client:
        compare(client, ours.Client(nearcache.Cache("8MiB"), **arguments), TYPED)


def test_what_a_serde_raises_passes_or_is_a_miss() -> None:
    def refuse(key: object, value: object, flags: int) -> None:
        raise OSError("not today")

    cache = nearcache.Cache("8MiB")
    client = ours.Client(cache, deserializer=refuse)
    client.set("k", b"v")
    for read in (client.get, client.gets):
        with pytest.raises(OSError, match="not today"):
            read("k")
    assert ours.Client(cache, deserializer=refuse, ignore_exc=True).get("k", 5) == 5


@pytest.mark.parametrize(
    "server", ["localhost", "localhost:11212", ("10.0.0.1", 11211), "/run/m.sock", "unix:/run/m.sock", "[::1]:11211"]
)
def test_an_address_is_kept_as_pymemcache_keeps_it(server: Any) -> None:
    assert ours.Client(server, size="8MiB").server == base.Client(server).server


def test_an_address_is_one_cache_for_all_clients() -> None:
    ours.Client("one.example", size="8MiB").set("k", b"v")
    assert ours.PooledClient(("one.example", 11211)).get("k") == b"v"
    assert ours.HashClient([("one.example", 11211), ("two.example", 11211)]).get("k") == b"v"
    assert ours.Client("three.example", size="8MiB").get("k") is None


def test_a_name_is_one_cache_for_all_processes() -> None:
    client = ours.Client("nearcache:compat", size="8MiB", default_noreply=False)
    client.set("k", b"v")
    code = "from nearcache.compat.pymemcache import Client; print(Client('nearcache:compat').get('k'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "b'v'\n"
    assert client.cache.name == "compat"


def test_a_wrong_server_or_prefix_says_so() -> None:
    with pytest.raises(ValueError, match="nearcache:NAME"):
        ours.Client(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="key_prefix is bytes"):
        ours.Client("localhost", key_prefix=5)  # type: ignore[arg-type]
    with pytest.raises(ours.MemcacheError, match="empty"):
        ours.HashClient([])


def test_the_exceptions_are_pymemcaches() -> None:
    for name, error in vars(exceptions).items():
        if isinstance(error, type) and issubclass(error, Exception):
            assert getattr(ours, name) is error


def test_without_pymemcache_there_are_equal_exceptions() -> None:
    code = """
import sys
sys.modules["pymemcache"] = None
from nearcache.compat.pymemcache import Client, MemcacheClientError, MemcacheError, MemcacheIllegalInputError
assert issubclass(MemcacheIllegalInputError, MemcacheClientError) and issubclass(MemcacheClientError, MemcacheError)
try:
    Client("localhost", size="8MiB").get("a b")
except MemcacheIllegalInputError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "white space" in run.stdout


def test_threads_share_a_client() -> None:
    client = ours.Client(nearcache.Cache("8MiB"), default_noreply=False)
    client.set("n", 0)
    threads = [threading.Thread(target=lambda: [client.incr("n", 1) for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("n") == b"4000"


def test_its_examples_run() -> None:
    result = doctest.testmod(ours)
    assert (result.failed, result.attempted > 0) == (0, True)
