"""The last act of the demo: orders that must not be forgotten.

A shop stores each order and queues it, in one step, in a store that nearcached keeps on disk. Workers in Python and PHP
take the orders out of the queue; a worker marks its order, counts it, and acknowledges the message, in one step too. One
worker is killed with an order in its hands, and the daemon itself once; both come back, and at the end every order has
been packed once, and the sums agree.
"""

import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import nearcache
from tables import print_table

HEAD = ("worker", "ended", "orders", "delivered again")
# A message whose worker was killed is another's after so many seconds.
LEASE = 1
# A worker ends when there has been nothing for so many seconds: longer than a lease.
IDLE = 2.5


class Daemon:
    """nearcached with a store and queues in one directory, and no cache."""

    def __init__(self, program: str, directory: str) -> None:
        self.socket = os.path.join(directory, "socket")
        self._log = os.path.join(directory, "log")
        data = os.path.join(directory, "shop")
        self._command = [program, "-p", "0", "-U", "0", "--store", data, "--store-socket", self.socket]
        self._command += ["--store-near-name", os.path.join(directory, "near")]
        if os.getuid() == 0:
            self._command += ["-u", "root"]
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(self.socket)
                    return
                except OSError as error:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        said = Path(self._log).read_text()
                        raise SystemExit(f"error: nearcached does not answer on {self.socket}: {error}\n{said}")
            time.sleep(0.01)

    def kill(self) -> None:
        """As a machine's out-of-memory killer would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Worker(threading.Thread):
    """A process that packs, and what it says."""

    def __init__(self, name: str, command: list, daemon: Daemon) -> None:
        super().__init__()
        self.name = name
        self.done = 0
        self.again = 0
        self.ended = "at the end"
        self.started = 0
        self._is_doomed = False
        self._process = subprocess.Popen(
            [*command, daemon.socket, str(LEASE), str(IDLE)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.start()

    def run(self) -> None:
        for line in self._process.stdout:
            verb, _, *deliveries = line.split()
            if verb == "done":
                self.done += 1
                self.again += int(deliveries[0]) > 1
                continue
            self.started += 1
            if self._is_doomed and self.started > 10:
                # With an order in its hands.
                self._process.kill()
                self.ended = "killed"
        self._said = self._process.stderr.read()
        self._process.wait()

    def doom(self) -> None:
        """It does not live long."""
        self._is_doomed = True

    def check(self) -> None:
        """It ended as it was to."""
        self.join()
        expected = -signal.SIGKILL if self.ended == "killed" else 0
        if self._process.returncode != expected:
            raise SystemExit(f"error: {self.name} ended with status {self._process.returncode}: {self._said}")


def place(store: nearcache.Store, number: int, chance: random.Random) -> int:
    """An order is stored, counted and queued, or nothing of it; its price in cents."""
    cents = chance.randrange(100, 10_000)
    with store.batch() as batch:
        batch.add(f"order:{number}", {"cents": cents, "work_ms": chance.randrange(0, 4), "state": "placed"})
        batch.incr("placed")
        batch.push("orders", number, id=str(number))
    return cents


def agree(store: nearcache.Store, placed: int, cents: int) -> None:
    """Nothing was lost, and nothing done twice."""
    left = store.queue("orders").stats()
    states = [order["state"] for _, order in store.scan("order:")]
    packed = sum(state.startswith("packed") for state in states)
    said = {
        "orders placed": (store.get("placed"), placed),
        "orders in the store": (len(states), placed),
        "orders packed": (packed, placed),
        "packed by the workers' count": (store.get("packed"), placed),
        "cents by the workers' count": (store.get("cents"), cents),
        "messages left": (left["messages"], 0),
        "dead letters": (left["dead"], 0),
    }
    for what, (found, expected) in said.items():
        if found != expected:
            raise SystemExit(f"error: {what}: {found}, and {expected} were expected")
    store.verify()


def deliver(python: list, php: list, nearcached: str, count: int) -> int:
    """Plays the act; returns how many orders were packed."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="nearcache-demo-") as directory:
        daemon = Daemon(nearcached, directory)
        try:
            store = nearcache.Store(daemon.socket, serde="portable")
            for counter in ("placed", "packed", "cents"):
                store.set(counter, 0)
            begin = time.monotonic()
            cents = sum(place(store, number, chance) for number in range(count // 2))
            daemon.kill()
            daemon.start()
            workers = [Worker(f"Python {n}", python, daemon) for n in (1, 2)]
            workers += [Worker(f"PHP {n}", php, daemon) for n in (1, 2)]
            workers[1].doom()
            cents += sum(place(store, number, chance) for number in range(count // 2, count))
            for worker in workers:
                worker.check()
            took = time.monotonic() - begin
            agree(store, count, cents)
            near = store.stats().get("near_items", 0)
            store.close()
        finally:
            daemon.stop()
    rows = [(w.name, w.ended, f"{w.done:,}", f"{w.again:,}") for w in workers]
    if not any(worker.ended == "killed" for worker in workers):
        raise SystemExit("error: the worker that was to be killed never had an order")
    print_table("Orders that must not be forgotten: stored and queued in one step, packed once", HEAD, rows, words=2)
    print(
        f"  {count:,} orders placed and packed in {took:.1f} s, each step synced to the disk; the daemon was killed after the first\n"
        f"  half of them, a worker with an order in its hands. Counts, sums and verification agree. {near:,} items are hot."
    )
    return count
