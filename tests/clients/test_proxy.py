"""nearcached behind a proxy: Debian's nutcracker (twemproxy) spreads keys over three daemons, ejects one that was killed
and takes it back."""

import shutil
import socket
import subprocess

import pytest
from daemons import PATIENCE, eventually
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

POOL = """\
ring:
  listen: {listen}
  hash: fnv1a_64
  distribution: ketama
  auto_eject_hosts: true
  server_retry_timeout: 4000
  server_failure_limit: 1
  timeout: 5000
  servers:
{servers}"""


@pytest.fixture
def proxy(ring, tmp_path):
    nutcracker = shutil.which("nutcracker") or shutil.which("nutcracker", path="/usr/sbin")
    assert nutcracker, "no nutcracker: install nutcracker"
    listen = tmp_path / "proxy"
    servers = "".join(f"   - {daemon.name}:1 daemon{number}\n" for number, daemon in enumerate(ring))
    configuration = tmp_path / "nutcracker.yml"
    configuration.write_text(POOL.format(listen=listen, servers=servers))
    # Its own statistics have a port, too: one that was free a moment ago.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [nutcracker, "-c", str(configuration), "-s", str(port), "-a", "127.0.0.1", "-o", str(tmp_path / "log")],
    )

    def answers():
        assert process.poll() is None, (tmp_path / "log").read_text()
        try:
            with socket.socket(socket.AF_UNIX) as trial:
                trial.connect(str(listen))
        except OSError:
            return False
        return True

    eventually(answers, "nutcracker listens")
    yield str(listen)
    process.terminate()
    process.wait(timeout=PATIENCE)


def held(daemon):
    connection = Client(daemon.address, timeout=30)
    count = connection.stats()[b"curr_items"]
    connection.close()
    return count


def test_everything_that_it_forwards(proxy, ring):
    client = Client(proxy, timeout=30, connect_timeout=30, default_noreply=False)
    values = {f"key{number}": f"value {number}".encode() for number in range(600)}
    assert client.set_many(values) == []
    assert client.get_many(values) == values
    counts = [held(daemon) for daemon in ring]
    assert sum(counts) == len(values) and all(counts), counts
    assert client.add("new", b"10") and not client.add("new", b"x")
    assert client.incr("new", 5) == 15 and client.decr("new", 1) == 14
    assert client.append("new", b"5") and client.prepend("new", b"1")
    value, unique = client.gets("new")
    assert value == b"1145"
    assert client.cas("new", b"x", unique) and client.cas("new", b"y", unique) is False
    assert client.replace("new", b"z") and client.get("new") == b"z"
    assert client.touch("new", 1000)
    assert client.delete("new") and not client.delete("new")
    large = bytes(range(256)) * 4000
    assert client.set("large", large) and client.get("large") == large
    client.close()


def test_a_daemon_that_dies_and_comes_back(proxy, ring):
    client = Client(proxy, timeout=30, connect_timeout=30, default_noreply=False)
    keys = [f"key{number}" for number in range(300)]

    def serves_all():
        def put(key):
            try:
                return client.set(key, key) and client.get(key) == key.encode()
            except (OSError, MemcacheError):
                return False
        return all([put(key) for key in keys])

    assert serves_all()
    share = held(ring[0])
    assert share > 0
    ring[0].kill()
    eventually(serves_all, "the others serve all keys")
    assert held(ring[1]) + held(ring[2]) == len(keys)
    ring[0].start()

    def takes_its_share_again():
        serves_all()
        return held(ring[0]) == share

    eventually(takes_its_share_again, "the one that was killed takes its share again")
    client.close()
