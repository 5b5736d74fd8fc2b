"""Several daemons as one cache: clients that spread the keys over three of them by consistent hashing, while one is
killed and brought back."""

import pylibmc
import pytest
from daemons import eventually
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheError

KEYS = [f"key{number}" for number in range(600)]


def items(daemon):
    """How many items this daemon holds."""
    connection = pylibmc.Client([daemon.name])
    [(_, stats)] = connection.get_stats()
    return int(stats["curr_items"])


def fill(client):
    for key in KEYS:
        assert client.set(key, key)


def ketama(ring, binary):
    """A client of libmemcached's: it takes a server off its ring when it fails."""
    return pylibmc.Client(
        [daemon.name for daemon in ring],
        binary=binary,
        behaviors={
            "ketama": True, "tcp_nodelay": True, "remove_failed": 1, "retry_timeout": 4, "dead_timeout": 4,
            "connect_timeout": 2000,
        },
    )


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_ketama(ring, binary):
    client = ketama(ring, binary)
    fill(client)
    shares = [items(daemon) for daemon in ring]
    assert sum(shares) == len(KEYS) and all(share > len(KEYS) // 10 for share in shares), shares
    lost = ring[1]
    lost.kill()

    def serves_all():
        # Each failing call brings the client nearer to taking the dead one off its ring.
        def put(key):
            try:
                return client.set(key, key) and client.get(key) == key
            except pylibmc.Error:
                return False
        return all([put(key) for key in KEYS])

    eventually(serves_all, "the others serve all keys")
    assert items(ring[0]) + items(ring[2]) == len(KEYS)
    lost.start()
    assert items(lost) == 0
    eventually(serves_all, "all keys are served again")
    # When a client that was there takes it back is libmemcached's affair; one that comes now gives it its share, no more
    # and no less.
    newcomer = ketama(ring, binary)
    fill(newcomer)
    assert items(lost) == shares[1]
    assert newcomer.get_multi(KEYS) == {key: key for key in KEYS}
    # What it did not hold was never moved: the shares of the others are what they were, besides what they stood in for.
    assert items(ring[0]) >= shares[0] and items(ring[2]) >= shares[2]


def test_hash_client(ring):
    client = HashClient(
        [daemon.address for daemon in ring],
        default_noreply=False, timeout=10, connect_timeout=10, retry_attempts=0, retry_timeout=1, dead_timeout=4,
    )
    fill(client)
    shares = [items(daemon) for daemon in ring]
    assert sum(shares) == len(KEYS) and all(shares), shares
    assert client.get_many(KEYS) == {key: key.encode() for key in KEYS}
    lost = ring[2]
    lost.kill()

    def serves_all():
        def put(key):
            try:
                return client.set(key, key) and client.get(key) == key.encode()
            except (OSError, MemcacheError):
                return False
        return all([put(key) for key in KEYS])

    eventually(serves_all, "the others serve all keys")
    assert items(ring[0]) + items(ring[1]) == len(KEYS)
    lost.start()

    def takes_its_share_again():
        serves_all()
        return items(lost) == shares[2]

    eventually(takes_its_share_again, "the one that was killed takes its share again")
    client.close()
