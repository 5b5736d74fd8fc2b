"""nearcached in the binary protocol as pylibmc and PHP's memcached extension see it, both of them libmemcached: with SASL
PLAIN, which only this protocol has, and PHP also without. (pylibmc without is in test_pylibmc.py.)"""

import glob
import os
import pathlib
import shutil
import subprocess

import pytest
from daemons import Daemon

# pylibmc's wheel brings a libsasl of its own, which looks elsewhere for what the system has of PLAIN, and looks once.
os.environ.setdefault("SASL_PATH", ":".join(glob.glob("/usr/lib/*/sasl2")))
import pylibmc  # noqa: E402

SCRIPT = pathlib.Path(__file__).with_name("client_binary.php")


@pytest.fixture
def guarded(tmp_path):
    """A daemon that asks for a user and a password."""
    users = tmp_path / "users"
    users.write_text("foo:bar\nbaz:a long pass phrase\n")
    daemon = Daemon(tmp_path, ["-S", "-Y", str(users)])
    yield daemon
    daemon.stop()


def connect(daemon, user=None, password=None):
    return pylibmc.Client([daemon.name], binary=True, username=user, password=password)


@pytest.mark.parametrize(("user", "password"), [("foo", "bar"), ("baz", "a long pass phrase")])
def test_pylibmc_with_sasl(guarded, user, password):
    client = connect(guarded, user, password)
    assert client.set("key", "value")
    assert client.get("key") == "value"
    assert client.set_multi({f"key{number}": number for number in range(100)}) == []
    assert client.get_multi([f"key{number}" for number in range(100)])["key99"] == 99
    client.set("number", 1)
    assert client.incr("number", 9) == 10
    client.set("large", b"x" * 1_000_000)
    assert client.get("large") == b"x" * 1_000_000


@pytest.mark.parametrize(("user", "password"), [("foo", "baz"), ("nobody", "bar"), ("foo", "a long pass phrase")])
def test_pylibmc_with_a_wrong_password(guarded, user, password):
    with pytest.raises(pylibmc.Error):
        connect(guarded, user, password).set("key", "value")


def test_pylibmc_without_a_password(guarded):
    with pytest.raises(pylibmc.Error):
        connect(guarded).set("key", "value")


def run_php(*arguments):
    php = shutil.which("php8.2") or shutil.which("php")
    assert php, "no php: install php8.2-cli and php8.2-memcached"
    done = subprocess.run([php, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=120)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr or done.stdout


def test_php(server):
    host, port = server if isinstance(server, tuple) else (server, 0)
    run_php(host, str(port))


def test_php_with_sasl(guarded):
    host, port = guarded.address
    run_php(host, str(port), "foo", "bar")
