"""A daemon with data in it and clients at work, for what looks at it over HTTP."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from browser import Browser

# What a page would do with this if it took keys for HTML.
EVIL_KEY = "<img/src=x/onerror=document.title='taken'>"


@dataclass
class Served:
    """Where the daemon is."""

    process: subprocess.Popen[str]
    port: int
    site: str


def ask(connection: socket.socket, request: bytes, end: bytes) -> bytes:
    """Sends, and reads up to `end`."""
    connection.sendall(request)
    answer = b""
    while not answer.endswith(end):
        data = connection.recv(1 << 16)
        assert data, f"closed after {answer!r}"
        answer += data
    return answer


def store(key: str, value: bytes, lifetime: int) -> bytes:
    return b"set %s 0 %d %d noreply\r\n%s\r\n" % (key.encode(), lifetime, len(value), value)


def fill(port: int) -> None:
    """More than fits, so that some is evicted; of many sizes and lifetimes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        lifetimes = [0, 30, 500, 3000, 90_000]
        for start in range(0, 40_000, 1000):
            numbers = range(start, start + 1000)
            sets = [store(f"item:{n}", b"x" * (20 + n % 700), lifetimes[n % 5]) for n in numbers]
            ask(connection, b"".join(sets) + b"mn\r\n", b"MN\r\n")
        ask(connection, store(EVIL_KEY, b"x" * 300_000, 0) + store("large", b"x" * 200_000, 600) + b"mn\r\n", b"MN\r\n")


def work(port: int, begun: threading.Event, done: threading.Event) -> None:
    """Four reads in five are of one key; one in ten is of a key that is not there."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        ask(connection, store("popular", b"x" * 100, 0) + b"mn\r\n", b"MN\r\n")
        keys = ["popular"] * 16 + ["item:39999", "item:39998", "missing:1", "missing:2"]
        line = ("get " + " ".join(keys) + "\r\nmn\r\n").encode()
        while not done.is_set():
            ask(connection, line * 5, b"MN\r\n")
            begun.set()
            ask(connection, store("item:39999", b"x" * 100, 500) + b"mn\r\n", b"MN\r\n")
            done.wait(0.01)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    process = subprocess.Popen(
        [os.environ["NEARCACHED"], "-u", "root", "-v", "-p", "-1", "-l", "127.0.0.1", "-m", "8", "--http", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port, site = 0, ""
    for line in process.stderr:
        if found := re.search(r"listening .* tcp:127\.0\.0\.1:(\d+)", line):
            port = int(found[1])
        if found := re.search(r"serves (http://\S+)", line):
            site = found[1]
        if "ready" in line:
            break
    assert port and site, "the daemon did not say where it is"
    fill(port)
    begun, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=work, args=(port, begun, done))
    worker.start()
    assert begun.wait(timeout=30)
    try:
        yield Served(process, port, site)
    finally:
        done.set()
        worker.join()
        process.terminate()
        said = process.stderr.read()
        process.stderr.close()
        assert process.wait(timeout=30) == 0, said


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    browser = Browser(os.environ["CHROMIUM"], tmp_path / "profile")
    try:
        yield browser
    finally:
        browser.close()
