"""gunicorn --preload: one Cache(shared=True) for all workers, whichever of them are killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
