"""Starts one nearcached on TCP and one on a unix socket for the tests of this directory.

The program is named by NEARCACHED; the tests run against each of the two addresses.
"""

import os
import subprocess

import pytest


def start(directory, arguments):
    """Starts the daemon and waits for its own word that it is ready."""
    ports = directory / "ports"
    process = subprocess.Popen(
        [os.environ["NEARCACHED"], "-u", "root", "-v", "-t", "2", *arguments],
        env={**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.strip() == "nearcached: ready":
            return process, ports
    raise RuntimeError(f"nearcached ended with status {process.wait()}")


@pytest.fixture(scope="session", params=["tcp", "unix"])
def server(request, tmp_path_factory):
    """The address of a running daemon, as pymemcache wants it."""
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "tcp":
        process, ports = start(directory, ["-p", "-1", "-l", "127.0.0.1"])
        address = ("127.0.0.1", int(ports.read_text().split()[-1]))
    else:
        path = directory / "socket"
        process, _ = start(directory, ["-s", str(path)])
        address = str(path)
    yield address
    process.terminate()
    assert process.wait(timeout=30) == 0
