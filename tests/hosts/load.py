"""Load on a host's workers while they are killed at random: clients write, read and delete through whatever carries their
requests, and `history.py` judges the answers."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from history import History

Operation = tuple[str, str, int, int]
Answer = dict[str, Any]


class Lost(Exception):
    """The worker ended before it answered."""


class Hangs(Exception):
    """No answer within the time in which any host that does not hang answers."""


PATIENCE = 30.0
"""Seconds that a request may take: far above what a busy machine needs, for a host that hangs hangs for ever."""


@dataclass
class Load:
    """CLIENTS threads, each with keys of its own to write and everybody's to read."""

    send: Callable[[list[Operation]], Answer]
    """Carries a request and gives its answer: {"pid": ..., "answers": [...]}; raises Lost or Hangs."""
    workers: Callable[[], list[int]]
    """The workers' process numbers."""
    seed: int
    pause: float
    """Seconds between two deaths, at most."""
    clients: int = 8
    keys: int = 24
    length: int = 20_000
    history: History = field(default_factory=History)
    answered: int = 0
    lost: int = 0
    killed: int = 0
    last_killed: int = 0
    served_by: set[int] = field(default_factory=set)
    worst: float = 0.0
    broken: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, requests: int, kills: int, seconds: float) -> None:
        """Goes on until so many requests were answered and so many workers killed; fails after so many seconds."""
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(self.clients)]
        threads.append(threading.Thread(target=self._killer, args=(kills,)))
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.start()
        while not self.broken and (self.answered < requests or self.killed < kills):
            if time.monotonic() > deadline:
                self.broken.append(AssertionError(f"{self.answered} answers and {self.killed} deaths in {seconds} s"))
            self.over.wait(0.05)
        self.over.set()
        for thread in threads:
            thread.join()
        if self.broken:
            raise self.broken[0]
        # The last one killed may still take a connection, and be gone before it answers.
        while self.last_killed in self.workers():
            assert time.monotonic() < deadline, f"{self.last_killed} does not end"
            time.sleep(0.01)

    def judge(self) -> None:
        """Asserts that nothing wrong was seen, and that there was enough to see."""
        history = self.history
        print(
            f"seed {self.seed}: {self.answered} requests by {len(self.served_by)} processes, {self.killed} killed, "
            f"{self.lost} requests lost with them, {history.hits} hits of {history.gets} gets, "
            f"{history.misses_of_the_present} items forgotten, worst answer {self.worst * 1000:.0f} ms"
        )
        assert history.faults == []
        assert history.hits > history.gets // 4
        assert history.misses_of_the_present <= history.hits // 100
        assert len(self.served_by) > self.clients // 2

    def settle(self) -> None:
        """With nobody killed any more, each key is read once, written once, and then there."""
        for name in list(self.history.keys):
            floor = self.history.floor(name)
            self.history.saw(name, self.send([("get", name, 0, 0)])["answers"][0], floor)
            version = self.history.issue(name)
            assert self.send([("set", name, version, 100)])["answers"] == [True]
            self.history.answered(name, version, False)
            assert self.send([("get", name, 0, 0)])["answers"][0] is not None
        assert self.history.faults == []

    def check(self) -> None:
        """Asserts that the cache is whole."""
        assert self.send([("check", "", 0, 0)])["answers"] == [True]

    def _client(self, number: int) -> None:
        chance = random.Random(f"{self.seed}-{number}")
        try:
            while not self.over.is_set():
                self._request(number, chance)
        except BaseException as error:
            self.broken.append(error)
            self.over.set()

    def _request(self, number: int, chance: random.Random) -> None:
        operations: list[Operation] = []
        for _ in range(chance.randint(1, 12)):
            verb = chance.choice(["set", "set", "delete", "get", "get", "get", "get", "get"])
            owner = number if verb != "get" else chance.randrange(self.clients)
            name = f"client{owner}-key{chance.randrange(self.keys)}"
            version = self.history.issue(name) if verb != "get" else 0
            operations.append((verb, name, version, chance.randint(0, self.length)))
        floors = [self.history.floor(name) for _, name, _, _ in operations]
        begin = time.monotonic()
        try:
            answer = self.send(operations)
        except Lost:
            with self.lock:
                self.lost += 1
            return
        finally:
            self.worst = max(self.worst, time.monotonic() - begin)
        for (verb, name, version, _), floor, said in zip(operations, floors, answer["answers"], strict=True):
            if verb == "get":
                self.history.saw(name, said, floor)
            else:
                self.history.answered(name, version, verb == "delete")
        with self.lock:
            self.answered += 1
            self.served_by.add(answer["pid"])

    def _killer(self, kills: int) -> None:
        chance = random.Random(f"{self.seed}-killer")
        while self.killed < kills and not self.over.wait(chance.uniform(0.0, self.pause)):
            try:
                workers = self.workers()
                if workers:
                    self.last_killed = chance.choice(workers)
                    os.kill(self.last_killed, signal.SIGKILL)
                    self.killed += 1
            except (ProcessLookupError, FileNotFoundError):
                # It had ended already.
                continue
