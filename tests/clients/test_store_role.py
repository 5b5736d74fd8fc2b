"""The daemon's store role as other people's clients see it, in text and in binary, and what they find after a restart."""

import os
import pathlib
import shutil
import socket
import subprocess

import pylibmc
import pytest
from daemons import StoreDaemon
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def store(tmp_path):
    daemon = StoreDaemon(tmp_path)
    yield daemon
    daemon.stop()


def rget(address, line):
    """MemcacheDB's own command, which no client of memcached knows: the items, as pairs."""
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(line + b"\r\n")
        lines = connection.makefile("rb")
        items = []
        while (line := lines.readline()) != b"END\r\n":
            word, key, _flags, length = line.split()
            assert word == b"VALUE", line
            items.append((key, lines.read(int(length) + 2)[:-2]))
        return items


def test_pymemcache(store):
    client = Client(store.address, timeout=60)
    assert client.set("a", b"1", noreply=False)
    assert client.get("a") == b"1"
    assert client.set_many({"b": b"2", "c": b"3"}, noreply=False) == []
    assert client.get_many(["a", "b", "c", "d"]) == {"a": b"1", "b": b"2", "c": b"3"}
    value, unique = client.gets("a")
    assert client.cas("a", b"10", unique, noreply=False)
    assert client.cas("a", b"11", unique, noreply=False) is False
    assert client.incr("a", 5) == 15
    assert client.decr("a", 20) == 0
    assert client.touch("a", 1000, noreply=False)
    assert client.append("b", b"!", noreply=False) and client.prepend("b", b"-", noreply=False)
    assert client.get("b") == b"-2!"
    assert client.add("b", b"x", noreply=False) is False
    assert client.replace("d", b"x", noreply=False) is False
    assert client.delete("c", noreply=False)
    assert rget(store.address, b"rget a z 0 0 100") == [(b"a", b"0 "), (b"b", b"-2!")]
    assert rget(store.address, b"rget a z 1 0 100") == [(b"b", b"-2!")]
    assert client.stats()[b"curr_items"] == 2
    assert client.stats("rep")[b"rep_ismaster"] == b"REP_MASTER"
    # Unasked for, unanswered, and there all the same.
    for number in range(500):
        client.set(f"n{number}", str(number), noreply=True)
    assert client.get("n499") == b"499"
    store.stop()
    store.start()
    client = Client(store.address, timeout=60)
    assert client.get("b") == b"-2!"
    assert len(client.get_many([f"n{number}" for number in range(500)])) == 500
    ring = HashClient([store.address], use_pooling=True, timeout=60)
    assert ring.get_many(["a", "b"]) == {"a": b"0 ", "b": b"-2!"}
    assert client.flush_all(noreply=False)
    assert client.get("b") is None


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_pylibmc(store, binary):
    def connect():
        return pylibmc.Client([store.name], binary=binary, behaviors={"cas": True, "tcp_nodelay": True})

    client = connect()
    values = {"int": 5, "text": "text", "bytes": b"\x00\r\n", "list": ["a", {"b": None}], "long": "long " * 100_000}
    assert client.set_multi(values) == []
    assert client.get_multi([*values, "missing"]) == values
    assert client.incr("int", 5) == 10 and client.decr("int", 3) == 7
    value, unique = client.gets("text")
    assert client.cas("text", "other", unique)
    assert not client.cas("text", "third", unique)
    assert client.touch("text", 1000)
    assert client.delete("bytes") and not client.delete("bytes")
    assert not client.add("int", 1)
    with pytest.raises(pylibmc.TooBig):
        client.set("text", bytes(2_000_000))
    # What is too large has not cost what was there.
    assert client.get("text") == "other"
    store.kill()
    store.start()
    client = connect()
    assert client.get_multi(["int", "text", "list"]) == {"int": 7, "text": "other", "list": values["list"]}
    assert [key for key, _ in rget(store.address, b"rget a z 0 0 100")] == [b"int", b"list", b"long", b"text"]


def php(script, *arguments):
    program = shutil.which("php8.2") or shutil.which("php")
    assert program, "no php: install php8.2-cli and php8.2-memcached"
    done = subprocess.run(
        [program, HERE / script, *arguments],
        capture_output=True, text=True, timeout=120, env={**os.environ, "STORE": "1"},
    )
    assert done.returncode == 0, done.stderr or done.stdout


@pytest.mark.parametrize("protocol", ["text", "binary"])
def test_php_memcached(store, protocol):
    php("client.php", "127.0.0.1", str(store.port), protocol)
    php("store.php", str(store.port), protocol, "write")
    store.kill()
    store.start()
    php("store.php", str(store.port), protocol, "read")
