"""The drop-in for pylibmc: every call gives on it what it gives on pylibmc's own client with a nearcached."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import Any

import nearcache
import pylibmc as theirs
import pytest
from compared import compare, steps
from nearcache.compat import pylibmc as ours

LARGE = b"x" * (1 << 19)
TOO_LARGE = b"x" * (1 << 21)

VERBS = steps(
    """
    c.get("nothing")
    c.get("nothing", 3)
    c.set("a", "x")
    c.get("a")
    c.get(b"a")
    c.set("b", 5)
    c.incr("b")
    c.incr("b", 3)
    c.decr("b", 100)
    c.get("b")
    c.incr("nothing")
    c.decr("nothing")
    c.incr("a")
    c.incr("b", -1)
    c.decr("b", -1)
    c.incr("b", "1")
    c.incr("b", 1.5)
    c.incr("b", 1 << 70)
    c.incr("b", delta=1)
    [(c.set("v", value), c.get("v"), type(c.get("v"))) for value in (True, False, None, 1.5, [1], {"a": ()}, -5, 1 << 80)]
    [(c.set("v", value), c.get("v"), type(c.get("v"))) for value in ("", b"", "\\u00e9", b"\\xff", 0, "12", b"12")]
    c.set("n", "12"), c.incr("n"), c.get("n")
    c.set("n", b"12"), c.incr("n"), c.get("n")
    c.set("n", -5), c.get("n")
    c.incr("n")
    c.set("n", (1 << 64) - 1), c.incr("n"), c.get("n")
    c.set("by", b"bytes")
    c.append("by", b"x"), c.prepend("by", b"0"), c.get("by")
    c.append("nothing", b"x")
    c.prepend("nothing", b"x")
    c.append("a", "y"), c.get("a")
    c.append("b", 3), c.get("b")
    c.append("b", val=3)
    c.add("a", "1")
    c.add("new", "1")
    c.replace("a", "1")
    c.replace("nothing", "1")
    c.delete("a")
    c.delete("a")
    c.delete(key="a")
    c.touch("b", 100)
    c.touch("nothing", 100)
    c.touch("b")
    c.touch("b", "x")
    c.gets("b")
    c.cas("b", 1, 5)
    c.get("")
    c.get("", 5)
    c.set("", 1)
    c.add("", 1)
    c.replace("", 1)
    c.append("", b"1")
    c.touch("", 1)
    c.delete("")
    c.incr("")
    c.get("a" * 251)
    c.set("a" * 251, 1)
    c.incr("a" * 251)
    c.delete("a" * 251)
    c.set("a" * 249, 1), c.get("a" * 249)
    c.get(1)
    c.set(1, 1)
    c.set("e", 1, "1")
    c.set("e", 1, 1.5)
    c.set("\\u00e9", 1), c.get("\\u00e9")
    c.set("large", LARGE), c.get("large") == LARGE
    c.set("large", TOO_LARGE)
    c.get("large")
    c.set_multi({"a": 1, "b": 2})
    c.get_multi(["a", "b", "c"])
    c.get_multi([b"a", "b"])
    c.get_multi(("a", "a"))
    c.get_multi({"a"})
    c.get_multi({"a": 1})
    c.get_multi("abc")
    c.get_multi([])
    c.get_multi([""])
    c.get_multi([1])
    c.get_multi(["a" * 251])
    c.set_multi({"a": 3, "b": 4}, key_prefix="p:")
    c.get_multi(["a", "b", "c"], key_prefix="p:")
    c.get_multi(["a", "b", "c"], b"p:")
    c.get("p:a")
    c.delete_multi(["a", "zz"], key_prefix="p:")
    c.delete_multi(["b"], key_prefix="p:")
    c.delete_multi(["a"])
    c.delete_multi([])
    c.delete_multi([""])
    c.delete_multi({"c": 1})
    c.set_multi({"a": 1, "c": 3}, 0, "pp", 0, 5), c.get("ppc")
    c.set_multi({"": 1, "d": 2}), c.get("d")
    c.set_multi({1: 1})
    c.set_multi([("a", 1)])
    c.set_multi({"a": 1}, time=-1), c.get("a")
    c.set_multi({"a" * 251: 1})
    c.set_multi({"x": TOO_LARGE})
    c.add_multi({"c": 1, "f": 2})
    c.add_multi({"c": 1, "e": 2})
    c.add_multi({"c": 1, "e": 2}, key_prefix="q")
    c.set_multi({"c": 5, "d": 6})
    c.incr_multi(["c", "d"])
    c.incr_multi(["c", "nothing"])
    c.get("c")
    c.incr_multi(["c", "d"], delta=3), c.get_multi(["c", "d"])
    c.incr_multi(["c"], key_prefix="q"), c.get("qc")
    c.incr_multi({"c": 3})
    c["c"]
    c["nothing"]
    c.__setitem__("m", 1)
    c.__delitem__("m")
    c.__delitem__("m")
    c.__setitem__("", 1)
    "c" in c, "nothing" in c
    c.set("e", 1, -1), c.get("e")
    c.set("e", 1, time=100), c.get("e")
    c.set("e", 1, time=1000000000), c.get("e")
    c.set("e", 1, time=2000000000), c.get("e")
    c.set("e", "text" * 1000, min_compress_len=100), c.get("e")
    c.set("e", "text" * 1000, 0, 100, 9), c.get("e")
    c.set("e", b"short", min_compress_len=1), c.get("e")
    c.set(key="e", val=4), c.get("e")
    c.set(key="e", value=4)
    c.get(key="e")
    c.get("a", 1, 2)
    [c.serialize(value) for value in ("x", 5, True, b"x", 1 << 80, None, [1])]
    c.deserialize(b"5", 2), c.deserialize(b"5", 4), c.deserialize(b"5", 16), c.deserialize(b"5", 0)
    c.deserialize(b"5", 3)
    c.deserialize(b"x", 2)
    c.deserialize(b"bad", 1)
    c.set("f", lambda: 1)
    c.get_stats("nothing")
    type(c.get_stats()[0][0]), type(c.get_stats()[0][1]["get_hits"])
    c.hash("a")
    c.disconnect_all()
    c.flush_all(), c.get("c")
    c.flush_all(time=100)
    c.flush_all(100)
    c.clone().set("k", 1), c.get("k")
    """,
    LARGE=LARGE,
    TOO_LARGE=TOO_LARGE,
)

UNIQUES = steps("""
    c.set_behaviors({"cas": True})
    c.set("b", 5)
    c.gets("nothing")
    c.gets("")
    c.gets("b")[0]
    c.cas("b", 6, 999)
    c.cas("b", 6, c.gets("b")[1]), c.get("b")
    c.cas("b", 7, c.gets("b")[1], 100), c.get("b")
    c.cas("b", 8, c.gets("b")[1], time=100), c.get("b")
    c.cas("nothing", 6, 999)
    c.cas("", 6, 999)
    c.cas("b", 1, "x")
    """)

BEHAVIORS = steps("""
    sorted(c.behaviors)
    [value for name, value in sorted(c.behaviors.items()) if "_socket_" not in name]
    c.set_behaviors({"nothing": 1})
    c.set_behaviors({"hash": "nothing"})
    c.set_behaviors({"hash": "md5", "distribution": "consistent"})
    c.behaviors["hash"], c.behaviors["distribution"]
    c.set_behaviors({"tcp_nodelay": True, "connect_timeout": 100})
    c.behaviors["tcp_nodelay"], c.behaviors["connect_timeout"]
    c.set_behaviors({"tcp_nodelay": "x"})
    c.set_behaviors({"_retry_timeout": 7}), c.behaviors["retry_timeout"]
    c.set_behaviors({})
    c.behaviors.__setitem__("num_replicas", 1), c.behaviors["num_replicas"]
    c.behaviors.update({"pickle_protocol": 2}), c.serialize([1])
    c.behaviors["nothing"]
    c.clone().behaviors["pickle_protocol"]
    """)


@pytest.mark.parametrize("calls", [VERBS, UNIQUES, BEHAVIORS], ids=["verbs", "uniques", "behaviors"])
def test_the_same_calls_give_the_same(daemon: str, calls: dict[str, Any]) -> None:
    client = theirs.Client([daemon])
    client.flush_all()
    compare(client, ours.Client([nearcache.Cache("8MiB")]), calls)


@pytest.mark.parametrize("arguments", [{"behaviors": {"nothing": 1}}, {"behaviors": {"cas": True}}], ids=str)
def test_a_client_is_made_as_theirs(daemon: str, arguments: dict[str, Any]) -> None:
    calls = steps("c.Client([address], **arguments).set('k', 1)", address=daemon, arguments=arguments)
    compare(theirs, ours, calls)
    client = ours.Client([daemon], binary=True)
    assert (repr(client), str(client)) == (
        repr(theirs.Client([daemon], binary=True)),
        str(theirs.Client([daemon], binary=True)),
    )


def test_no_server_is_an_error() -> None:
    with pytest.raises(theirs.Error, match="empty"):
        ours.Client([])
    with pytest.raises(TypeError, match="nearcache:NAME"):
        ours.Client([5])


@pytest.mark.parametrize("key", ["a b", "a\nb", "a\0b", "\x7f"])
def test_a_key_that_would_break_the_protocol_is_refused(key: str) -> None:
    client = ours.Client([nearcache.Cache("8MiB")])
    for call in (client.get, client.delete, client.incr, lambda key: client.set(key, 1)):
        with pytest.raises(ours.BadKeyProvided, match="white space or control"):
            call(key)


def test_a_subclass_serializes_as_it_likes() -> None:
    class Upper(ours.Client):
        def serialize(self, value: Any) -> tuple[bytes, int]:
            return str(value).upper().encode(), 0

        def deserialize(self, data: bytes, flags: int) -> Any:
            if data == b"GONE":
                raise ours.CacheMiss()
            return data.decode()

    client = Upper([nearcache.Cache("8MiB")])
    client.set_multi({"a": "a", "b": "gone"})
    assert client.get_multi(["a", "b"]) == {"a": "A"}
    assert client.get("b", 5) == 5
    assert "b" not in client


def test_servers_are_one_cache_and_addresses_are_shared() -> None:
    ours.Client(["four.example", "five.example"], size="8MiB").set("k", "v")
    assert ours.Client(["four.example:11211"]).get("k") == "v"
    cache = nearcache.Cache("8MiB", name="libmc")
    cache["k"] = "named"
    assert ours.Client(["nearcache:libmc"]).get("k") == "named"


def test_pools_serve() -> None:
    client = ours.Client([nearcache.Cache("8MiB")])
    pool = ours.ClientPool(client, 2)
    with pool.reserve() as first, pool.reserve() as second:
        first.set("k", 1)
        assert second.get("k") == 1
    mapped = ours.ThreadMappedPool(client)
    with mapped.reserve() as reserved:
        assert reserved.get("k") == 1
    assert mapped.relinquish() is reserved
    assert mapped.relinquish() is None


def test_the_exceptions_are_pylibmcs() -> None:
    for name, error in vars(theirs).items():
        if isinstance(error, type) and issubclass(error, theirs.Error):
            assert getattr(ours, name) is error
    with pytest.raises(AttributeError, match="nothing"):
        ours.nothing
    assert ours.NotFound is theirs.NotFound
    assert ours.MemcachedError is theirs.MemcachedError


def test_without_pylibmc_there_are_equal_exceptions() -> None:
    code = """
import sys
sys.modules["pylibmc"] = None
from nearcache.compat import pylibmc
try:
    pylibmc.Client(["localhost"], size="8MiB").incr("nothing")
except pylibmc.NotFound as error:
    print(type(error).__module__, isinstance(error, pylibmc.MemcachedError), issubclass(pylibmc.ServerDown, pylibmc.Error))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "nearcache.compat._pylibmc_errors True True\n"


def test_its_examples_run() -> None:
    result = doctest.testmod(ours)
    assert (result.failed, result.attempted > 0) == (0, True)
