"""nearcached over TLS as pymemcache sees it: with and without client certificates."""

import shutil
import ssl
import subprocess

import pytest
from daemons import Daemon, StoreDaemon
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for the server that is its own authority, and so is a client's."""
    openssl = shutil.which("openssl")
    assert openssl, "no openssl: install openssl"
    directory = tmp_path_factory.mktemp("certificates")
    key, chain = directory / "key.pem", directory / "chain.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            # An authority may not be a client.
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-days", "2", "-keyout", str(key), "-out", str(chain),
        ],
        check=True, capture_output=True,
    )
    return key, chain


CLIENTS_TOO = ["-o", "ssl_verify_mode=2"]


@pytest.fixture(
    params=[(Daemon, []), (Daemon, CLIENTS_TOO), (StoreDaemon, []), (StoreDaemon, CLIENTS_TOO)],
    ids=["server", "both", "store-server", "store-both"],
)
def secured(request, certificate, tmp_path):
    """A daemon that serves a cache or a store, and what a client needs to trust it (and, where asked for, to be trusted)."""
    key, chain = certificate
    files = f"ssl_chain_cert={chain},ssl_key={key},ssl_ca_cert={chain}"
    kind, asked = request.param
    daemon = kind(tmp_path / "daemon", ["-Z", "-o", files, *asked])
    context = ssl.create_default_context(cafile=str(chain))
    if asked:
        context.load_cert_chain(str(chain), str(key))
    yield daemon, context
    daemon.stop()


def test_verbs_and_values(secured):
    daemon, context = secured
    client = Client(("localhost", daemon.port), tls_context=context, timeout=30, default_noreply=False)
    assert client.set("key", b"value") and client.get("key") == b"value"
    assert client.incr("key", 1, noreply=True) is None
    large = bytes(range(256)) * 4000
    assert client.set("large", large) and client.get("large") == large
    values = {f"key{number}": str(number).encode() * number for number in range(300)}
    assert client.set_many(values) == []
    assert client.get_many(values) == values
    value, unique = client.gets("key5")
    assert client.cas("key5", b"new", unique) and client.cas("key5", b"x", unique) is False
    assert client.raw_command("mg key5 v t", end_tokens="new\r\n") == b"VA 3 t-1\r\n"
    assert client.delete("key5") and client.get("key5") is None
    client.close()


def test_pools_and_rings(secured):
    daemon, context = secured
    for client in [
        PooledClient(("localhost", daemon.port), tls_context=context, max_pool_size=4, timeout=30),
        HashClient([("localhost", daemon.port)], tls_context=context, timeout=30),
    ]:
        client.set("key", b"value", noreply=False)
        assert client.get("key") == b"value"
        client.close()


def test_strangers_are_told_to_go(secured):
    daemon, _ = secured
    unknown = ssl.create_default_context()
    client = Client(("localhost", daemon.port), tls_context=unknown, timeout=30)
    with pytest.raises(ssl.SSLError):
        client.get("key")
    plain = Client(daemon.address, timeout=30)
    with pytest.raises(Exception):  # noqa: B017 - pymemcache says it in several ways
        plain.get("key")
