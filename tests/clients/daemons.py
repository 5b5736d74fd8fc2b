"""Daemons for the tests of this directory: started on ports that the system picks, killed, and brought back."""

import os
import pathlib
import subprocess
import threading
import time

PATIENCE = 60


class Daemon:
    """A nearcached (named by NEARCACHED) on TCP, and its memory of where it listened."""

    # Whose port it is, in the words of the port file, and the option that names it.
    role, option = "TCP", "-p"

    def __init__(self, directory, arguments=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.arguments = list(arguments)
        self.port = 0
        self.process = None
        self.start()

    def start(self):
        """Starts it, on the port that it had before, and waits for its own word that it is ready."""
        ports = self.directory / "ports"
        self.process = subprocess.Popen(
            [
                os.environ["NEARCACHED"], "-u", "root", "-v", "-t", "2", "-l", "127.0.0.1",
                self.option, str(self.port or -1), *self.arguments,
            ],
            env={**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            if line.strip() == "nearcached: ready":
                break
        else:
            raise RuntimeError(f"nearcached ended with status {self.process.wait()}")
        # Its later words are read, so that the pipe never fills.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        lines = dict(line.split(": ") for line in ports.read_text().splitlines())
        self.port = int(lines[f"{self.role} INET"])

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def name(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=PATIENCE) == 0


class StoreDaemon(Daemon):
    """A nearcached that serves a store, and no cache."""

    role, option = "STORE", "--store-port"

    def __init__(self, directory, arguments=()):
        super().__init__(directory, ["-p", "0", "--store", str(directory / "db"), *arguments])


def eventually(ask, what):
    """Asks until the answer is true; other programs act when they act."""
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline, f"it does not happen: {what}"
        time.sleep(0.01)
