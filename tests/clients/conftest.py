"""Starts nearcached for the tests of this directory: one daemon on TCP and one on a unix socket, shared by all tests of
a run, and rings of several for those that ask."""

import os
import subprocess
import threading

import pytest
from daemons import Daemon


@pytest.fixture(scope="session", params=["tcp", "unix"])
def server(request, tmp_path_factory):
    """The address of a running daemon, as pymemcache wants it."""
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "tcp":
        daemon = Daemon(directory)
        yield daemon.address
        daemon.stop()
        return
    path = directory / "socket"
    process = subprocess.Popen(
        [os.environ["NEARCACHED"], "-u", "root", "-v", "-t", "2", "-s", str(path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.strip() == "nearcached: ready":
            break
    else:
        raise RuntimeError(f"nearcached ended with status {process.wait()}")
    threading.Thread(target=process.stderr.read, daemon=True).start()
    yield str(path)
    process.terminate()
    assert process.wait(timeout=30) == 0


@pytest.fixture
def ring(tmp_path):
    """Three daemons."""
    daemons = [Daemon(tmp_path / str(number)) for number in range(3)]
    yield daemons
    for daemon in daemons:
        daemon.stop()
