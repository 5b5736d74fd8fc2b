"""nearcached as pylibmc and PHP's memcached extension see it, both of them libmemcached, with SASL PLAIN, which only the
binary protocol has. (Without it they are in test_pylibmc.py and test_php.py.)"""

import glob
import os
import pathlib
import subprocess
import sys

import pytest
from daemons import Daemon
from test_php import run_php

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def guarded(tmp_path):
    """A daemon that asks for a user and a password."""
    users = tmp_path / "users"
    users.write_text("foo:bar\nbaz:a long pass phrase\n")
    daemon = Daemon(tmp_path, ["-S", "-Y", str(users)])
    yield daemon
    daemon.stop()


def pylibmc(daemon, user, password):
    """What became of it; see client_sasl.py."""
    # The wheel brings a libsasl of its own, which looks elsewhere for what the system has of PLAIN.
    paths = {"SASL_PATH": ":".join(glob.glob("/usr/lib/*/sasl2")), **os.environ}
    done = subprocess.run(
        [sys.executable, str(HERE / "client_sasl.py"), daemon.name, user, password],
        env=paths, capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("user", "password"), [("foo", "bar"), ("baz", "a long pass phrase")])
def test_pylibmc_with_sasl(guarded, user, password):
    assert pylibmc(guarded, user, password) == "served"


@pytest.mark.parametrize(
    ("user", "password"), [("foo", "baz"), ("nobody", "bar"), ("foo", "a long pass phrase"), ("", "")]
)
def test_pylibmc_with_a_wrong_password(guarded, user, password):
    # 41 is libmemcached's AUTH_FAILURE: the server has refused.
    assert "error 41 " in pylibmc(guarded, user, password)


def test_php_with_sasl(guarded):
    host, port = guarded.address
    run_php(host, port, "binary", "foo", "bar")
