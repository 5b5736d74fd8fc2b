"""The module against dict, functools.lru_cache, cachetools, cachebox and lru-dict, all in one run.

One thread, 20-byte str keys, 32-byte bytes values, everything present, 1000 keys in a shuffled order. Each contestant
runs the same loop over the keys; the rounds alternate between the contestants, so that a slow moment of the machine
hits all of them. A time is the thread's CPU time, so that other processes' turns do not count; the median of the
rounds, per operation and with the loop. The spread is the distance between the quartiles in percent of the median,
the larger of ours and theirs. Prints a table and writes target/bench/python.json.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cachebox
import cachetools
import lru
import nearcache

KEYS = 1000
OUTPUT = Path(__file__).resolve().parents[3] / "target/bench/python.json"

Loop = Callable[[], None]


def subscript_loop(cache: object, keys: list[str]) -> Loop:
    def loop() -> None:
        for key in keys:
            cache[key]  # type: ignore[index]

    return loop


def call_loop(call: Callable[[str], object], keys: list[str]) -> Loop:
    def loop() -> None:
        for key in keys:
            call(key)

    return loop


def store_loop(cache: object, keys: list[str], value: bytes) -> Loop:
    def loop() -> None:
        for key in keys:
            cache[key] = value  # type: ignore[index]

    return loop


def contestants(keys: list[str], value: bytes) -> dict[str, dict[str, Loop]]:
    """For each work the loops by name; those of this module are named nearcache..."""
    ours = nearcache.Cache("64MiB")
    peers = {
        "dict": {},
        "cachebox.Cache": cachebox.Cache(2 * KEYS),
        "cachebox.LRUCache": cachebox.LRUCache(2 * KEYS),
        "lru-dict": lru.LRU(2 * KEYS),
        "cachetools.LRUCache": cachetools.LRUCache(2 * KEYS),
    }

    @functools.lru_cache(maxsize=2 * KEYS)
    def cached(key: str) -> bytes:
        return value

    for key in keys:
        cached(key)
        ours[key] = value
        for peer in peers.values():
            peer[key] = value

    get = {f"{name}.get": call_loop(peer.get, keys) for name, peer in peers.items()}
    subscript = {f"{name}[k]": subscript_loop(peer, keys) for name, peer in peers.items()}
    hits = {**get, **subscript, "functools.lru_cache": call_loop(cached, keys)}
    stores = {f"{name}[k]=v": store_loop(peer, keys, value) for name, peer in peers.items()}
    return {
        "c[k]": {"nearcache": subscript_loop(ours, keys), **hits},
        "c.get(k)": {"nearcache": call_loop(ours.get, keys), **hits},
        "c[k]=v": {"nearcache": store_loop(ours, keys, value), **stores},
    }


def measure(loops: dict[str, Loop], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds per operation of each loop, one figure a round."""
    times: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop()
    names = list(loops)
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            loop = loops[name]
            begin = time.thread_time_ns()
            loop()
            loop()
            times[name].append((time.thread_time_ns() - begin) / (2 * KEYS))
    return times


def spread(times: list[float]) -> float:
    low, middle, high = statistics.quantiles(times, n=4)
    return 100 * (high - low) / middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=501)
    rounds = parser.parse_args().rounds

    keys = [f"session:{n:012d}" for n in range(KEYS)]
    random.shuffle(keys)
    rows = []
    print(f"Python {sys.version.split()[0]}, nearcache {nearcache.__version__}, {rounds} rounds")
    print(f"{'work':10} {'peer':26} {'ours ns':>8} {'theirs ns':>10} {'ratio':>7} {'spread %':>9}")
    for work, loops in contestants(keys, bytes(32)).items():
        times = measure(loops, rounds)
        ours = times.pop("nearcache")
        for peer, theirs in times.items():
            row = {
                "work": work,
                "peer": peer,
                "ours": round(statistics.median(ours), 1),
                "theirs": round(statistics.median(theirs), 1),
                "unit": "ns",
                "ratio": round(statistics.median(ours) / statistics.median(theirs), 3),
                "spread": round(max(spread(ours), spread(theirs)), 1),
            }
            rows.append(row)
            print(
                f"{work:10} {peer:26} {row['ours']:8} {row['theirs']:10} {row['ratio']:7.2f} {row['spread']:9}",
            )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"written to {OUTPUT.relative_to(OUTPUT.parents[2])}")


if __name__ == "__main__":
    main()
