"""gunicorn --preload: one Cache(shared=True) for all workers, whichever of them are killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jobs
import pytest
from fpm import children, wait_until
from load import PATIENCE, Hangs, Load, Lost, Operation

HERE = Path(__file__).parent
WORKERS = 4


class OverUnix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.host)


class Gunicorn:
    def __init__(self, directory: Path) -> None:
        self.socket = str(directory / "gunicorn.sock")
        self.log = directory / "log"
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", str(WORKERS), "--bind", f"unix:{self.socket}"]
        # Workers that are busy are not late: what hangs is found by the client.
        command += ["--timeout", "120", "--worker-tmp-dir", str(directory), "--no-control-socket", "--chdir", str(HERE)]
        with open(self.log, "wb") as log:
            self.master = subprocess.Popen([*command, "wsgi_app:app"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def workers(self) -> list[int]:
        return children(self.master.pid)

    def send(self, operations: list[Operation]) -> dict[str, Any]:
        connection = OverUnix(self.socket)
        try:
            connection.request("POST", "/", json.dumps(operations))
            response = connection.getresponse()
            body = response.read()
        except TimeoutError as error:
            raise Hangs(f"no answer in {PATIENCE} s") from error
        except (ConnectionError, FileNotFoundError, http.client.HTTPException) as error:
            raise Lost(str(error)) from error
        finally:
            connection.close()
        assert response.status == 200, body.decode() + self.log.read_text()
        answer = json.loads(body)
        assert isinstance(answer, dict)
        return answer

    def is_up(self) -> bool:
        assert self.master.poll() is None, self.log.read_text()
        try:
            return bool(self.send([])["pid"])
        except Lost:
            return False


@pytest.fixture
def gunicorn(directory: Path) -> Iterator[Gunicorn]:
    server = Gunicorn(directory)
    try:
        wait_until(server.is_up, "gunicorn does not answer")
        yield server
    finally:
        server.master.send_signal(signal.SIGTERM)
        try:
            status = server.master.wait(30)
        except subprocess.TimeoutExpired:
            server.master.kill()
            server.master.wait()
            raise
    assert status == 0, server.log.read_text()


def test_workers_are_killed_under_load(gunicorn: Gunicorn, seed: int) -> None:
    # gunicorn takes its time between two new workers.
    load = Load(gunicorn.send, gunicorn.workers, seed, pause=0.5)
    load.run(requests=2000, kills=40, seconds=180)
    load.judge()
    wait_until(lambda: len(gunicorn.workers()) == WORKERS, "gunicorn does not replace its workers")
    load.settle()
    load.check()


def test_all_workers_have_one_cache(gunicorn: Gunicorn) -> None:
    by: set[int] = set()
    number = 0

    def has_met_all() -> bool:
        nonlocal number
        number += 1
        answer = gunicorn.send([("increment", "n", 0, 0)])
        assert answer["answers"] == [number]
        by.add(answer["pid"])
        return len(by) > 1

    wait_until(has_met_all, "one worker does all")
    # The master, which only forks, has no place in the cache.
    seen = set(gunicorn.send([("processes", "", 0, 0)])["answers"][0])
    assert by <= seen
    assert gunicorn.master.pid not in seen
    for worker in gunicorn.workers():
        os.kill(worker, signal.SIGKILL)

    def is_back() -> bool:
        try:
            return bool(gunicorn.send([])["pid"] not in by)
        except Lost:
            return False

    wait_until(is_back, "no new worker answers")
    assert gunicorn.send([("increment", "n", 0, 0)])["answers"] == [number + 1]


def ask(gunicorn: Gunicorn, key: str, hold: int = 0, stale: int = 0) -> tuple[Any, float]:
    """What one request gets for a key that many ask for, and after how many seconds."""
    ((value, waited),) = gunicorn.send([("once", key, hold, stale)])["answers"]
    return value, waited


def runs(gunicorn: Gunicorn, key: str) -> int:
    ((count),) = gunicorn.send([("get", f"runs-{key}", 0, 0)])["answers"]
    return int(count or 0)


def producing(gunicorn: Gunicorn, key: str) -> int | None:
    ((pid),) = gunicorn.send([("get", f"making-{key}", 0, 0)])["answers"]
    return pid if pid is None else int(pid)


def begin_for_ever(gunicorn: Gunicorn, threads: ThreadPoolExecutor, key: str, stale: int = 0) -> int:
    """The worker that makes the value of a key and does not get done."""

    def lose() -> None:
        with pytest.raises((Lost, Hangs)):
            gunicorn.send([("never", key, 0, stale)])

    threads.submit(lose)
    wait_until(lambda: producing(gunicorn, key) is not None, "nobody makes it")
    pid = producing(gunicorn, key)
    assert pid in gunicorn.workers()
    return pid


def test_a_stampede_over_all_workers_makes_it_once(gunicorn: Gunicorn) -> None:
    with ThreadPoolExecutor(32) as threads:
        told = list(threads.map(lambda _: ask(gunicorn, "k", hold=500), range(32)))
    assert len({value for value, _ in told}) == 1
    assert runs(gunicorn, "k") == 1
    assert sum(waited > 0.1 for _, waited in told) > 1, "they came together"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_ends_while_it_makes_a_value(gunicorn: Gunicorn, end: signal.Signals) -> None:
    with ThreadPoolExecutor(9) as threads:
        producer = begin_for_ever(gunicorn, threads, "k")
        os.kill(producer, end)
        told = list(threads.map(lambda _: ask(gunicorn, "k"), range(8)))
        os.kill(producer, signal.SIGKILL) if end == signal.SIGSTOP else None
    assert len({value for value, _ in told}) == 1 and told[0][0] != producer
    assert runs(gunicorn, "k") == 1
    assert max(waited for _, waited in told) < jobs.LEASE + 5, told


def test_a_stale_value_is_served_while_a_worker_makes_it_anew_and_is_killed(gunicorn: Gunicorn) -> None:
    with ThreadPoolExecutor(1) as threads:
        # Kept for a minute, so that less is left of it than the time of stale.
        old = ask(gunicorn, "k")[0]
        producer = begin_for_ever(gunicorn, threads, "k", stale=100)
        for _ in range(20):
            value, waited = ask(gunicorn, "k", stale=100)
            assert value == old and waited < 1.0
        os.kill(producer, signal.SIGKILL)
    deadline = time.monotonic() + jobs.LEASE + 10
    while runs(gunicorn, "k") == 1:
        assert time.monotonic() < deadline, "nobody makes it anew"
        value, _ = ask(gunicorn, "k", stale=100)
        time.sleep(0.02)
    assert value not in (producer, None)
