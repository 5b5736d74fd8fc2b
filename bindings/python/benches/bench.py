"""The module beside other caches for Python, all in one run: prints a table and writes target/bench/python.json.

One thread, 20-byte str keys, 32-byte bytes values, 1000 keys in a shuffled order, all present. Each contestant does a
work in batches that take about the same time, each after one that is not timed, which brings its data back into the
processor's caches; the batches of all take turns in a new order each round, so that a slow moment of the machine hits all
of them. A time is that of one operation with the loop around it: the thread's CPU time,
so that other processes' turns do not count, or the clock's where a server has to answer. Medians of the rounds; the
spread is half the distance between the quartiles, in percent of the median.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import nearcache
import report
from contestants import WORKS, Contestant, Loop, everybody, memcached

KEYS = 1000
# What a batch takes, in nanoseconds.
BATCH = 200_000
OUTPUT = Path(__file__).resolve().parents[3] / "target/bench/python.json"


@dataclass
class Entry:
    """One contestant at one work."""

    name: str
    loop: Loop
    clock: Callable[[], int]
    keys: list[str]
    times: list[float]

    def turn(self) -> None:
        """A batch as it is when nobody else is in the processor's caches: after another that is not timed."""
        self.loop(self.keys)
        self.times.append(self.batch())

    def batch(self) -> float:
        begin = self.clock()
        self.loop(self.keys)
        return (self.clock() - begin) / len(self.keys)


def entries(work: str, contestants: list[Contestant], keys: list[str]) -> list[Entry]:
    """Each with as many keys as make a batch."""
    able = [contestant for contestant in contestants if work in contestant.works]
    made = []
    for contestant in able:
        clock = time.perf_counter_ns if contestant.over else time.thread_time_ns
        entry = Entry(contestant.name, contestant.works[work], clock, keys[:20], [])
        entry.batch()
        # Tens, so that batches of many keys are whole.
        count = int(BATCH / max(entry.batch(), 1)) // 10 * 10
        entry.keys = (keys * 4)[: max(count, 10)]
        made.append(entry)
    return made


def measure(work: str, contestants: list[Contestant], keys: list[str], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds an operation, by contestant."""
    entered = entries(work, contestants, keys)
    for _ in range(rounds):
        for entry in random.sample(entered, len(entered)):
            entry.turn()
    return {entry.name: entry.times for entry in entered}


def spread(times: list[float]) -> float:
    low, middle, high = statistics.quantiles(times, n=4)
    return 50 * (high - low) / middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=301)
    parser.add_argument("--report", type=Path, help="a directory for the table and the chart")
    arguments = parser.parse_args()

    keys = [f"session:{n:012d}" for n in range(KEYS)]
    random.shuffle(keys)
    with ExitStack() as stack:
        socket = stack.enter_context(memcached())
        contestants, missing = everybody(keys, socket, stack)
        measured = {work: measure(work, contestants, keys, arguments.rounds) for work in WORKS}

    medians = {work: {name: statistics.median(times) for name, times in all.items()} for work, all in measured.items()}
    spreads = {work: {name: spread(times) for name, times in all.items()} for work, all in measured.items()}
    rows = [
        {
            "work": work,
            "peer": peer,
            "ours": round(by_name["nearcache"], 1),
            "theirs": round(theirs, 1),
            "unit": "ns",
            "ratio": round(by_name["nearcache"] / theirs, 4),
            "spread": round(max(spreads[work]["nearcache"], spreads[work][peer]), 1),
        }
        for work, by_name in medians.items()
        for peer, theirs in by_name.items()
        if peer != "nearcache"
    ]
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(rows, indent=1) + "\n")
    told = report.Report(medians, spreads, {c.name: c.kind for c in contestants}, missing, arguments.rounds)
    print(f"Python {sys.version.split()[0]}, nearcache {nearcache.__version__}")
    print(told.markdown())
    if arguments.report:
        told.write(arguments.report)
    print(f"written to {OUTPUT.relative_to(OUTPUT.parents[2])}")


if __name__ == "__main__":
    main()
