"""PHP-FPM and what a cache has to bear: memory that is full, beside APCu, and requests that end while a value is read."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fpm import PHP, Fpm, another_pool, wait_until
from load import Lost

LIMIT = 16 << 20
HOT, COLD, LENGTH, BATCH = 1000, 60_000, 1000, 250
"""Of both caches: about a megabyte that is read again and again, and some 60 that nobody asks for."""


WITH_APCU = [PHP, "-n", "-d", "extension=apcu", "-r", "exit(extension_loaded('apcu') ? 0 : 1);"]


def tell(fpm: Fpm, verb: str, pool: str = "", **more: Any) -> Any:
    """What robust.php answers."""
    return fpm.call("robust.php", verb, pool, **more)["answer"]


@pytest.mark.skipif(subprocess.run(WITH_APCU, capture_output=True).returncode != 0, reason="this PHP has no APCu")
def test_full_memory_evicts_a_little_where_apcu_loses_everything(directory: Path) -> None:
    path = directory / "cache"
    values = {
        # APCu stands beside, not in its place.
        "extension": "apcu",
        "apc.shm_size": f"{LIMIT >> 20}M",
        "nearcache.segment": str(path),
        "nearcache.memory_size": str(LIMIT),
    }
    sides = ("ours", "apcu")
    hot = [f"hot{number}" for number in range(HOT)]
    with Fpm(directory, 4, **values) as fpm, ThreadPoolExecutor(4) as pool:
        for side in sides:
            assert tell(fpm, "store", side=side, keys=hot, length=LENGTH) == HOT
        for begin in range(0, COLD, 4 * BATCH):
            # Four workers store at once what lives an hour, and the hot keys are read meanwhile.
            batches = [[f"cold{number}" for number in range(first, first + BATCH)] for first in range(begin, begin + 4 * BATCH, BATCH)]
            for side in sides:
                storing = [pool.submit(tell, fpm, "store", side=side, keys=keys, length=LENGTH) for keys in batches]
                found = tell(fpm, "fetch", side=side, keys=hot, length=LENGTH)
                assert found["faults"] == 0, side
                stored = sum(future.result() for future in storing)
                assert side == "apcu" or stored == 4 * BATCH, "ours stores everything"
        last = {side: tell(fpm, "fetch", side=side, keys=hot, length=LENGTH)["hits"] for side in sides}
        # Of what nobody asked for, too, the newest is there: a little went each time, and not all at once.
        newest = [f"cold{number}" for number in range(COLD - 2000, COLD)]
        recent = {side: tell(fpm, "fetch", side=side, keys=newest, length=LENGTH)["hits"] for side in sides}
        stats, apcu = tell(fpm, "stats"), tell(fpm, "apcu")
        print(
            f"{LIMIT >> 20} MiB, {HOT} hot keys, {COLD} others of {LENGTH} bytes: hot keys there at the end {last['ours']}, "
            f"APCu {last['apcu']}; of the last 2000 others {recent['ours']}, APCu {recent['apcu']}; "
            f"items {stats['curr_items']}, APCu {apcu['items']}; evicted one by one {stats['evictions']}, APCu wiped {apcu['wipes']} times"
        )
        assert apcu["wipes"] > 0, "both were full"
        assert stats["evictions"] > COLD // 2
        assert last["ours"] >= HOT * 9 // 10 > last["apcu"]
        assert recent["ours"] >= 1800
        assert stats["limit_maxbytes"] == tell(fpm, "info")["size"] == LIMIT
        assert stats["bytes"] <= LIMIT
        # The whole of it, and no more: a file of that size, which is all that its processes share.
        file = os.stat(path)
        assert file.st_size == LIMIT and file.st_blocks * 512 <= LIMIT
        assert tell(fpm, "check") is True


ENDS = {
    "arrays": ({"memory": "6M"}, "Allowed memory size of 6291456 bytes exhausted"),
    "objects": ({"memory": "6M"}, "Allowed memory size of 6291456 bytes exhausted"),
    "time": ({"ending": "time"}, "Maximum execution time of 1 second exceeded"),
    "exit": ({"ending": "exit"}, "ended on purpose"),
    "throw": ({"ending": "throw"}, "thrown on purpose"),
}


def fill(fpm: Fpm) -> int:
    """Stores many times what there is room for, and says how many of them are there."""
    keys, length = [f"cold{number}" for number in range(300)], 100_000
    assert tell(fpm, "store", "other", side="ours", keys=keys, length=length) == len(keys)
    found = tell(fpm, "fetch", side="ours", keys=keys, length=length)
    assert found["faults"] == 0
    return int(found["hits"])


@pytest.mark.parametrize("what", ENDS)
def test_a_request_that_ends_while_it_reads_a_value_ends_alone(directory: Path, what: str) -> None:
    how, said = ENDS[what]
    with Fpm(directory, 1, "", another_pool(directory, "other"), nearcache__memory_size="8M", nearcache__item_size_limit="2M") as fpm:
        before = fpm.workers()
        room = [fill(fpm) for _ in range(3)][-1]
        assert room > 40 and tell(fpm, "flush") is True
        processes = tell(fpm, "processes")
        for _ in range(1 if what == "time" else 10):
            # Written anew each time, so that something held of one would add up.
            assert tell(fpm, "keep", "other", key="k", what=what) is True
            raw = tell(fpm, "raw", key="k")
            complaint = fpm.fails("robust.php", "read", key="k", **how)
            assert said in complaint, complaint
            # The value is as it was; the same worker goes on, and has it, too.
            assert tell(fpm, "raw", key="k") == raw
            assert tell(fpm, "read", key="k") is True
        assert fpm.workers() == before
        # Nobody was left in the cache: the same processes, with as many threads.
        assert [(one["pid"], one["threads"], one["life"]) for one in tell(fpm, "processes")] == [
            (one["pid"], one["threads"], one["life"]) for one in processes
        ]
        # No lease, and the key is anybody's.
        assert tell(fpm, "keys") == ["k"]
        assert tell(fpm, "set", "other", key="k", value="written by another") is True
        assert tell(fpm, "get", key="k") == "written by another"
        assert tell(fpm, "delete", "other", key="k") is True
        assert tell(fpm, "add", "other", key="k", value="added") is True
        # No pin: about as many others find room as before. Each value held would be the room of one of them, or more.
        assert room - [fill(fpm) for _ in range(3)][-1] <= 3
        assert tell(fpm, "check") is True


def test_a_value_may_ask_for_itself_while_it_is_read(directory: Path) -> None:
    with Fpm(directory, 2, nearcache__memory_size="8M") as fpm:
        for _ in range(5):
            assert tell(fpm, "keep", key="k", what="itself") is True
            assert tell(fpm, "read", key="k", ending="itself") is True
            assert tell(fpm, "get", key="k") == "changed within"
        assert tell(fpm, "check") is True


def test_workers_killed_while_memory_is_full(directory: Path, seed: int) -> None:
    # Every store evicts, and each worker lives for some requests: what is found is right, and nothing is lost for good.
    workers, kills, length = 8, 120, 5000
    over = threading.Event()

    def client(number: int) -> Counter[str]:
        own = random.Random(f"{seed}-{number}")
        counts: Counter[str] = Counter()
        while not over.is_set():
            keys = [f"k{own.randrange(2000)}" for _ in range(50)]
            try:
                counts["stored"] += tell(fpm, "store", side="ours", keys=keys, length=length)
                counts.update(tell(fpm, "fetch", side="ours", keys=keys, length=length))
            except Lost:
                counts["lost"] += 1
        return counts

    def kill(chance: random.Random) -> None:
        for _ in range(kills):
            if over.wait(chance.uniform(0, 0.03)):
                return
            with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):
                os.kill(chance.choice(fpm.workers()), signal.SIGKILL)

    with Fpm(directory, workers, nearcache__memory_size="4M") as fpm, ThreadPoolExecutor(workers + 1) as pool:
        clients = [pool.submit(client, number) for number in range(workers)]
        killing = pool.submit(kill, random.Random(f"{seed}-killer"))
        try:
            wait_until(lambda: killing.done() or any(one.done() for one in clients), "the killing does not end", 60)
        finally:
            over.set()
        killing.result()
        counts = sum((one.result() for one in clients), Counter[str]())
        print(f"seed {seed}: {kills} killed, {dict(counts)}")
        assert counts["faults"] == 0
        assert counts["hits"] > counts["misses"], "what was stored a moment ago is there"
        wait_until(lambda: len(fpm.workers()) == workers, "php-fpm does not replace its workers")

        def is_whole() -> bool:
            # The last one killed may have taken a connection, too.
            try:
                return tell(fpm, "check") is True
            except Lost:
                return False

        wait_until(is_whole, "the cache is not whole")
        # Of none it is in doubt whether it lives: that would keep its place from others for seconds.
        assert [one for one in tell(fpm, "processes") if one["life"] == "suspect"] == []
        for number in range(10):
            key = f"new{number}"
            assert tell(fpm, "store", side="ours", keys=[key], length=length) == 1
            assert tell(fpm, "fetch", side="ours", keys=[key], length=length)["hits"] == 1
