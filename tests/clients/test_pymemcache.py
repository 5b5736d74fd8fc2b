"""nearcached as pymemcache sees it: every command of its Client, against TCP and a unix socket."""

import threading

import pytest
from pymemcache import serde
from pymemcache.client.base import Client, PooledClient
from pymemcache.exceptions import MemcacheClientError, MemcacheIllegalInputError, MemcacheServerError


@pytest.fixture
def client(server):
    connection = Client(server, timeout=30, connect_timeout=30, default_noreply=False)
    connection.flush_all()
    yield connection
    connection.close()


def test_set_get_delete(client):
    assert client.get("key") is None
    assert client.get("key", "default") == "default"
    assert client.set("key", b"value")
    assert client.get("key") == b"value"
    assert client.delete("key")
    assert not client.delete("key")


def test_storing_verbs(client):
    assert not client.replace("key", b"x")
    assert not client.append("key", b"x")
    assert not client.prepend("key", b"x")
    assert client.add("key", b"b", flags=7)
    assert not client.add("key", b"x")
    assert client.append("key", b"c")
    assert client.prepend("key", b"a")
    assert client.get("key") == b"abc"
    assert client.replace("key", b"other")
    assert client.get("key") == b"other"


def test_cas(client):
    assert client.gets("key") == (None, None)
    client.set("key", b"one")
    value, unique = client.gets("key")
    assert value == b"one" and unique.isdigit()
    assert client.cas("key", b"two", unique)
    assert client.cas("key", b"three", unique) is False
    assert client.cas("missing", b"x", unique) is None
    assert client.get("key") == b"two"


def test_many(client):
    values = {f"key{number}": str(number).encode() * number for number in range(200)}
    assert client.set_many(values) == []
    assert client.get_many(list(values) + ["missing"]) == values
    got = client.gets_many(["key1", "key2"])
    assert {key: value for key, (value, _) in got.items()} == {"key1": b"1", "key2": b"22"}
    assert client.delete_many(list(values))
    assert client.get_many(list(values)) == {}


def test_numbers(client):
    assert client.incr("number", 1) is None
    client.set("number", b"10")
    assert client.incr("number", 5) == 15
    assert client.decr("number", 100) == 0
    client.set("number", b"18446744073709551615")
    assert client.incr("number", 2) == 1
    client.set("text", b"text")
    with pytest.raises(MemcacheClientError, match="non-numeric"):
        client.incr("text", 1)


def test_expiry(client):
    client.set("key", b"value", expire=-1)
    assert client.get("key") is None
    assert not client.touch("key", 100)
    client.set("key", b"value", expire=1000)
    assert client.touch("key", 2000)
    assert client.raw_command("gat 3000 key", end_tokens="END\r\n") == b"VALUE key 0 5\r\nvalue\r\n"
    assert client.touch("key", -1)
    assert client.get("key") is None


def test_values_of_every_size_and_byte(client):
    for size in [0, 1, 100, 16_383, 16_384, 65_536, 500_000, 1_048_000]:
        value = bytes(number * 7 % 256 for number in range(min(size, 1000))) * (size // 1000 + 1)
        value = value[:size]
        assert client.set("key", value)
        assert client.get("key") == value
    assert client.set("kept", b"old")
    with pytest.raises(MemcacheServerError, match="too large"):
        client.set("kept", b"x" * 2_000_000)
    assert client.get("kept") is None


def test_serialised_values_and_their_flags(server):
    client = Client(server, serde=serde.pickle_serde, default_noreply=False)
    for value in ["text", 5, {"a": [1, 2.5, None]}, b"bytes"]:
        client.set("key", value)
        assert client.get("key") == value
    client.close()


def test_noreply_and_what_follows(server):
    client = Client(server, default_noreply=True)
    for number in range(1000):
        client.set(f"quiet{number}", str(number))
    client.incr("quiet1", 5, noreply=True)
    client.delete("quiet2")
    assert client.get_many([f"quiet{number}" for number in range(4)]) == {
        "quiet0": b"0",
        "quiet1": b"6",
        "quiet3": b"3",
    }
    client.close()


def test_flush_stats_version(client):
    client.set("key", b"value")
    assert client.flush_all()
    assert client.get("key") is None
    assert client.version() == b"1.6.45"
    stats = client.stats()
    assert stats[b"threads"] == 2 and stats[b"curr_connections"] >= 1
    assert client.stats("settings")[b"maxconns"] == 1024
    assert client.cache_memlimit(64)


def test_keys(client):
    longest = "k" * 250
    client.set(longest, b"x")
    assert client.get(longest) == b"x"
    with pytest.raises(MemcacheIllegalInputError):
        client.set(longest + "k", b"x")
    # A server must refuse it, too, when a client does not.
    with pytest.raises(MemcacheClientError, match="bad command line format"):
        client.raw_command(f"get {longest}k")


def test_threads_share_a_counter(server):
    pool = PooledClient(server, max_pool_size=8, default_noreply=False, timeout=30)
    pool.set("shared", b"0")

    def count():
        for _ in range(200):
            pool.incr("shared", 1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pool.get("shared") == b"1600"
    pool.close()


def test_meta_commands(client):
    """pymemcache has no methods for the meta commands, but sends what it is given."""

    def meta(command, end="\r\n"):
        return client.raw_command(command, end_tokens=end)

    assert meta("ms key 5 T100 F7 c\r\nvalue").startswith(b"HD c")
    assert meta("mg key v f t s k Oabc") == b"VA 5 f7 t100 s5 kkey Oabc"
    assert meta("mg missing v") == b"EN"
    assert meta("ma count N0 J10 v", "10\r\n") == b"VA 2\r\n"
    assert meta("ma count D5 v", "15\r\n") == b"VA 2\r\n"
    assert meta("md key q\r\nmn") == b"MN"
    assert meta("mg key v") == b"EN"
    assert meta("mg fresh N30 t") == b"HD t30 W"
    assert meta("mg fresh N30 t") == b"HD t30 Z"
