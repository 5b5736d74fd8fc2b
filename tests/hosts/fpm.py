"""PHP-FPM, run in the foreground with a configuration of its own, and the command line's PHP beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import fastcgi
from load import Lost, Operation

HERE = Path(__file__).parent
FPM = os.environ["NEARCACHE_FPM"]
PHP = os.environ["NEARCACHE_PHP"]
EXTENSION = os.environ["NEARCACHE_EXTENSION"]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Waits until the condition holds; fails if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s: {what}"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def settings(values: dict[str, str]) -> list[str]:
    """Command line options that set what php.ini would."""
    extension = ["-n", "-d", f"extension={EXTENSION}", "-d", "log_errors=1"]
    return extension + [word for name, value in values.items() for word in ("-d", f"{name}={value}")]


def php(code: str, **values: str) -> str:
    """What PHP's command line says to this code; settings' dots are written as two underscores."""
    given = settings({name.replace("__", "."): value for name, value in values.items()})
    return subprocess.run([PHP, *given, "-r", code], check=True, capture_output=True, text=True).stdout


ONE_WORKER = "pm = static\npm.max_children = 1\n"


def another_pool(directory: Path, name: str, more: str) -> str:
    """The configuration of a pool of one worker besides "www"."""
    return f"[{name}]\nlisten = {directory / 'fpm.sock'}.{name}\n{ONE_WORKER}catch_workers_output = yes\n{more}\n"


class Fpm:
    """A server in a directory of its own."""

    def __init__(self, directory: Path, workers: int, pool: str = "", others: str = "", **values: str) -> None:
        """`pool` is more configuration of the pool "www", `others` what another_pool says of further ones."""
        self.directory = directory
        self.log = directory / "log"
        self.socket = str(directory / "fpm.sock")
        self.script = str(directory / "page.php")
        self.workers_wanted = workers + others.count(ONE_WORKER)
        for page in ("page.php", "settings.php"):
            shutil.copy(HERE / page, directory / page)
        (directory / "fpm.conf").write_text(
            f"[global]\nerror_log = {self.log}\ndaemonize = no\nlog_level = notice\n"
            f"[www]\nlisten = {self.socket}\npm = static\npm.max_children = {workers}\ncatch_workers_output = yes\n{pool}\n{others}"
        )
        given = settings({name.replace("__", "."): value for name, value in values.items()})
        command = [FPM, "-R", "-F", "-y", str(directory / "fpm.conf"), *given]
        with open(directory / "out", "wb") as out:
            self.master = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def __enter__(self) -> Fpm:
        wait_until(self.is_up, f"php-fpm does not answer; {self.said()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.master.send_signal(signal.SIGTERM)
        try:
            status = self.master.wait(30)
        except subprocess.TimeoutExpired:
            self.master.kill()
            self.master.wait()
            raise
        if kind is None:
            assert status == 0, self.said()
            for crash in ("SIGSEGV", "SIGABRT", "SIGBUS", "core dumped"):
                assert crash not in self.said(), self.said()

    def said(self) -> str:
        """All that it wrote to its log and its output."""
        return "\n".join(file.read_text() for file in (self.log, self.directory / "out") if file.exists())

    def is_up(self) -> bool:
        assert self.master.poll() is None, self.said()
        try:
            return bool(self.send([])["pid"])
        except Lost:
            return False

    def workers(self) -> list[int]:
        return children(self.master.pid)

    def send(self, operations: list[Operation]) -> dict[str, Any]:
        """Has a worker do these; {"pid": its number, "answers": one for each}."""
        said = fastcgi.request(self.socket, self.script, json.dumps(operations).encode())
        answer = json.loads(said)
        assert isinstance(answer, dict), said
        return answer

    def page(self, verb: str, pool: str = "", **arguments: Any) -> Any:
        """What settings.php answers to this, in the pool "www" or another."""
        socket = f"{self.socket}.{pool}" if pool else self.socket
        return json.loads(fastcgi.request(socket, str(self.directory / "settings.php"), json.dumps([verb, arguments]).encode()))

    def ask(self, verb: str, key: str = "", version: int = 0, length: int = 0) -> Any:
        """One operation's answer."""
        return self.send([(verb, key, version, length)])["answers"][0]

    def reload(self) -> None:
        """SIGUSR2: the master executes itself anew; returns when only new workers answer."""
        old = set(self.workers())
        self.master.send_signal(signal.SIGUSR2)

        def is_new() -> bool:
            try:
                now = set(self.workers())
                return len(now) == self.workers_wanted and not now & old and self.send([])["pid"] in now
            except (Lost, FileNotFoundError):
                return False

        wait_until(is_new, f"the reload did not end; {self.said()}")
