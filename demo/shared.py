"""The second act of the demo: C, Python and PHP share one cache by its name.

Three workers that know nothing of one another attach the cache of one name. What one of them caches is a hit in the
others; what one updates, the others see with their next get. Each answer is compared with what the database must say
by then, and one that differs ends the demo with an error.
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
from typing import NamedTuple

from tables import print_table

NAME = "app"
HEAD = ("wrote", "what", "read by", "saw", "visits", "get p50 us")
# Rounds, each about a user of its own and with the next language as the writer.
ROUNDS = 300


class Answer(NamedTuple):
    """What a worker saw."""

    outcome: str
    microseconds: float
    visits: int
    name: str


class Worker:
    """A process in one of the languages that does what it is told."""

    def __init__(self, language: str, command: list, environment: dict) -> None:
        self.language = language
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_) -> None:
        # One that has ended already does not read what was left for it.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def get(self, user_id: int) -> Answer:
        """get_user in that language."""
        outcome, took, visits, name = self._ask("get", user_id).split(maxsplit=3)
        return Answer(outcome, float(took), int(visits), name)

    def update(self, user_id: int) -> None:
        """update_user in that language; it has happened when this returns."""
        self._ask("update", user_id)

    def _ask(self, verb: str, user_id: int) -> str:
        # That a worker has ended is told below, where its answer is missing.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{verb} {user_id}\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer.endswith("\n"):
            raise SystemExit(f"error: the worker in {self.language} ended with status {self._process.wait()}")
        return answer.strip()


class Act:
    """Who did what, and what was seen."""

    def __init__(self) -> None:
        # The first of each kind, and the times of all of its kind.
        self._shown = []
        self._times = {}
        self.hits = 0
        self.gets = 0
        # What the database must say by now, by the user's id: the visits and the name.
        self._known = {}

    def cache(self, writer: Worker, user_id: int) -> None:
        """The first to ask: a miss, and the row is left in the cache."""
        answer = writer.get(user_id)
        if answer.outcome != "miss":
            raise SystemExit(f"error: user {user_id} was cached before {writer.language} asked for it")
        self._known[user_id] = (answer.visits, answer.name)

    def update(self, writer: Worker, user_id: int) -> None:
        """A visit more."""
        writer.update(user_id)
        visits, name = self._known[user_id]
        self._known[user_id] = (visits + 1, name)

    def read(self, writer: str, what: str, reader: Worker, user_id: int, expected: str) -> None:
        """A get whose answer is known."""
        answer = reader.get(user_id)
        if (answer.visits, answer.name) != self._known[user_id]:
            visits, name = self._known[user_id]
            raise SystemExit(
                f"error: {writer} {what}; then {reader.language} saw user {user_id} as {answer.name} with "
                f"{answer.visits} visits, and it is {name} with {visits}"
            )
        if answer.outcome != expected:
            raise SystemExit(f"error: {writer} {what}; then the get in {reader.language} was a {answer.outcome}")
        self.gets += 1
        self.hits += answer.outcome == "hit"
        kind = (writer, what, reader.language)
        if kind not in self._times:
            saw = "hit" if answer.outcome == "hit" else "miss: asks the database"
            self._shown.append((kind, saw, f"{answer.visits:,}"))
        self._times.setdefault(kind, []).append(answer.microseconds)

    def rows(self) -> list:
        """What was seen first of each kind, with the median time of all of its kind."""
        median = {kind: statistics.median(times) for kind, times in self._times.items()}
        return [(*kind, saw, visits, f"{median[kind]:.2f}") for kind, saw, visits in self._shown]

    def round(self, writer: Worker, others: list, user_id: int) -> None:
        """One caches, the others read; one updates, all read."""
        self.cache(writer, user_id)
        for reader in others:
            self.read(writer.language, "cached a row", reader, user_id, "hit")
        self.update(writer, user_id)
        first, *rest = others
        self.read(writer.language, "updated it", first, user_id, "miss")
        for reader in [*rest, writer]:
            self.read(writer.language, "updated it", reader, user_id, "hit")


def listing(program: str, environment: dict) -> str:
    """What the command-line tool says of the caches."""
    asked = subprocess.run([program, "ls"], stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return asked.stdout


def play(languages: list, environment: dict, program: str) -> tuple:
    """The whole act, and what the tool said while everybody was there."""
    act = Act()
    with (
        Worker(*languages[0], environment) as one,
        Worker(*languages[1], environment) as two,
        Worker(*languages[2], environment) as three,
    ):
        workers = [one, two, three]
        for worker in workers:
            worker.get(1)  # The first answer of each pays for waking up.
            worker.update(1)
        for turn in range(ROUNDS):
            writer, *others = workers[turn % 3 :] + workers[: turn % 3]
            act.round(writer, others, 2 + turn)
        meanwhile = listing(program, environment)
    # Everybody has ended; the cache has not.
    with Worker(*languages[0], environment) as again:
        again.get(1)
        act.read("all", "ended", again, 2, "hit")
    return act, meanwhile


def share(languages: list, database: str, mebibytes: int, program: str) -> int:
    """Plays the act; `languages` are pairs of a name and a worker's command. Returns how many gets were verified."""
    workers = [(language, [*command, database, NAME, str(mebibytes)]) for language, command in languages]
    # Named caches are looked for in a directory of the user's in /dev/shm; the demo's are kept apart from them, and go
    # with the directory.
    with tempfile.TemporaryDirectory(prefix="nearcache-demo-", dir="/dev/shm") as directory:
        act, meanwhile = play(workers, {**os.environ, "NEARCACHE_DIR": directory}, program)
    print_table("One cache for C, Python and PHP", HEAD, act.rows(), words=4)
    print(
        f"  {ROUNDS} users, a round each: {act.gets:,} gets after another's write, {act.hits:,} of them hits, none of them old.\n"
        "  The visits are those of the first round, the times the medians of all."
    )
    print("\n  $ nearcache ls")
    print("".join(f"  {line}\n" for line in meanwhile.splitlines()), end="")
    return act.gets
