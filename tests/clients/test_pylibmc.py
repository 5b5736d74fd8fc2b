"""nearcached as pylibmc (libmemcached) sees it, in text and in binary, over TCP and a unix socket."""

import threading

import pylibmc
import pytest


def address(server):
    return server if isinstance(server, str) else f"{server[0]}:{server[1]}"


@pytest.fixture(params=[False, True], ids=["text", "binary"])
def client(request, server):
    connection = pylibmc.Client([address(server)], binary=request.param, behaviors={"cas": True, "tcp_nodelay": True})
    connection.flush_all()
    return connection


def test_set_get_delete(client):
    assert client.get("key") is None
    assert client.set("key", "value")
    assert client.get("key") == "value"
    assert client.delete("key")
    assert not client.delete("key")


def test_storing_verbs(client):
    assert not client.replace("key", "x")
    assert client.add("key", "value")
    assert not client.add("key", "x")
    assert client.replace("key", "other")
    assert client.get("key") == "other"
    client.set("text", b"b")
    assert client.append("text", b"c") and client.prepend("text", b"a")
    assert client.get("text") == b"abc"
    assert not client.append("missing", b"x")


def test_values_of_every_type_and_size(client):
    for value in [5, True, False, 2.5, "text", b"bytes", ["a", {"b": None}], b"x" * 1_000_000, "long " * 100_000]:
        assert client.set("key", value)
        assert client.get("key") == value
    with pytest.raises(pylibmc.TooBig):
        client.set("key", bytes(2_000_000))


def test_compressed(client):
    value = "text that is the same again and again, " * 10_000
    assert client.set("key", value, min_compress_len=100)
    assert client.get("key") == value


def test_uniques(client):
    client.set("key", "one")
    value, unique = client.gets("key")
    assert value == "one"
    assert client.cas("key", "two", unique)
    assert not client.cas("key", "three", unique)
    assert client.get("key") == "two"
    with pytest.raises(pylibmc.NotFound):
        client.cas("missing", "x", unique)


def test_many(client):
    values = {f"key{number}": "v" * number for number in range(300)}
    assert client.set_multi(values) == []
    assert client.get_multi([*values, "missing"]) == values
    assert client.add_multi({"key1": "x", "new": "y"}) == ["key1"]
    assert client.delete_multi(list(values))
    assert client.get_multi(list(values)) == {}


def test_numbers(client):
    with pytest.raises(pylibmc.NotFound):
        client.incr("number")
    client.set("number", 10)
    assert client.incr("number", 5) == 15
    assert client.decr("number", 100) == 0
    client.set("text", "text")
    with pytest.raises(pylibmc.Error):
        client.incr("text")


def test_expiry(client):
    client.set("key", "value", time=1000)
    assert client.touch("key", 2000)
    assert not client.touch("missing", 2000)
    assert client.get("key") == "value"
    client.set("key", "value", time=1)
    # A date of the past.
    client.set("key", "value", time=2_600_000)
    assert client.get("key") is None


def test_keys(client):
    assert client.set("k" * 250, "x")
    assert client.get("k" * 250) == "x"
    with pytest.raises((ValueError, pylibmc.Error)):
        client.set("k" * 251, "x")


def test_stats(client):
    [(_, stats)] = client.get_stats()
    assert stats["version"] == b"1.6.45" and int(stats["threads"]) == 2


def test_threads(client):
    client.set("shared", 0)

    def count():
        mine = client.clone()
        for _ in range(200):
            mine.incr("shared")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("shared") == 1600
