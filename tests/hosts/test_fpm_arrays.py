"""Arrays that PHP-FPM's workers keep decoded: what one stores or deletes, all others see with their next get."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from fpm import Fpm, another_pool, wait_until
from history import value_of
from load import Load, Operation

WORKERS = 8
READS = 4
"""How often arrays.php reads for one get."""


def test_a_changed_array_is_seen_by_every_worker_s_next_get(directory: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    # A pool for each worker, so that it is known which one is asked; they have one cache.
    names = ["", *(f"p{number}" for number in range(1, WORKERS))]
    others = "".join(another_pool(directory, name) for name in names if name)
    with Fpm(directory, 1, "", others, nearcache__memory_size="16M") as fpm:

        def does(name: str, *operations: Operation) -> Any:
            return fpm.send(list(operations), "arrays.php", name)["answers"]

        for version in range(1, 101):
            writer = chance.choice(names)
            verb, length = chance.choice(["set", "set", "set", "delete"]), chance.randint(0, 20_000)
            does(writer, (verb, "k", version, length))
            expected = value_of("k", version, length) if verb == "set" else None
            # The writer, too, and some of them twice: a version once decoded is kept, and one kept is given.
            for reader in chance.sample([*names, *names], WORKERS):
                assert does(reader, ("get", "k", 0, 0)) == [expected], f"version {version} by {writer or 'www'}, read by {reader or 'www'}"
        kept = [does(name, ("stats", "", 0, 0))[0] for name in names]
        # The first two reads of a version decode it, the others have what is kept.
        print("decoded arrays given, by worker:", [stats["l1_hits"] for stats in kept])
        assert min(stats["l1_hits"] for stats in kept) > READS
        assert does("", ("check", "", 0, 0)) == [True]


@pytest.mark.parametrize(("room", "kills"), [("8M", 0), ("64K", 0), ("8M", 80)], ids=["", "little room", "killed"])
def test_decoded_arrays_under_load(directory: Path, seed: int, kills: int, room: str) -> None:
    # With little room they are evicted all the time.
    with Fpm(directory, WORKERS, nearcache__memory_size="32M", nearcache__l1_size=room) as fpm:
        load = Load(lambda operations: fpm.send(operations, "arrays.php"), fpm.workers, seed, pause=0.05, keys=3)
        load.run(requests=1200, kills=kills, seconds=60)
        load.judge()
        load.settle()
        load.check()
        wait_until(lambda: len(fpm.workers()) == WORKERS, "php-fpm does not replace its workers")
        # Whoever settled has read each key several times since.
        wait_until(lambda: fpm.send([("stats", "", 0, 0)], "arrays.php")["answers"][0]["l1_hits"] > 0, "no worker keeps arrays")
