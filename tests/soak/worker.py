"""The soak's worker in Python: `worker.py NAME SEED SLOT TABLE`. What it does and how it is judged: src/worker.rs, src/table.rs."""

import mmap
import os
import random
import struct
import sys
import time

import nearcache

SLOTS_AT = 64
OPERATIONS, HITS, MISSES, REFUSALS, WORST = 0, 1, 2, 3, 4


def value(key: int, version: int) -> bytes:
    """A key's value of some version, as src/value.rs has it."""
    head = b"%08x%016x|" % (key, version)
    low = version & 0xFFFFFFFF
    length = 70_000 + low * 7919 % 100_000 if key % 32 == 0 else 26 + (low * 61 + key * 17) % 1500
    return (head * (length // len(head) + 1))[:length]


class Worker:
    def __init__(self, name: str, seed: int, slot: int, table: str) -> None:
        self.random = random.Random(seed)
        self.slot = slot
        with open(table, "r+b") as file:
            self.table = mmap.mmap(file.fileno(), 0)
        self.slots, self.keys, self.counters = struct.unpack_from("=3Q", self.table, 8)
        self.keys_at = SLOTS_AT + 16 * self.slots
        self.counters_at = self.keys_at + 2 * self.slots * self.keys
        # A memoryview of words: reads and writes of one are single accesses.
        self.words = memoryview(self.table).cast("Q")
        self.tight = nearcache.Cache(name=name)
        self.exact = nearcache.Cache(name=name + ".exact")

    def die(self, what: str) -> None:
        print(f"FAULT in slot {self.slot} (Python): {what}", file=sys.stderr, flush=True)
        os._exit(3)

    def note(self, which: int, by: int = 1) -> None:
        self.words[SLOTS_AT + 16 * self.slot + which] += by

    def call(self, verb, *arguments):
        """One call, measured; refusals for want of memory or of a place are the string "refused"."""
        begun = time.thread_time_ns()
        try:
            answer = verb(*arguments)
        except nearcache.OutOfMemoryError:
            self.note(REFUSALS)
            answer = "refused"
        worst = SLOTS_AT + 16 * self.slot + WORST
        self.words[worst] = max(self.words[worst], time.thread_time_ns() - begun)
        self.note(OPERATIONS)
        return answer

    def run(self) -> None:
        verbs = [self.store] * 4 + [self.delete, self.add, self.compare_and_add, self.count] + [self.read] * 8
        while self.words[0] == 0:
            self.random.choice(verbs)()

    def own_key(self) -> int:
        return self.slot * self.keys + self.random.randrange(self.keys)

    def store(self) -> None:
        key = self.own_key()
        at = self.keys_at + 2 * key
        version = (self.words[at] >> 1) + 1
        self.words[at] = version << 1
        if self.call(self.tight.set_raw, f"soak {key}", value(key, version)) == "refused":
            # The old value is gone then.
            self.words[at] = self.words[at + 1] = version << 1 | 1
        else:
            self.words[at + 1] = version << 1

    def delete(self) -> None:
        key = self.own_key()
        at = self.keys_at + 2 * key
        code = ((self.words[at] >> 1) + 1) << 1 | 1
        self.words[at] = code
        self.call(self.tight.delete, f"soak {key}")
        self.words[at + 1] = code

    def read(self) -> None:
        key = self.random.randrange(self.slots * self.keys)
        at = self.keys_at + 2 * key
        floor = self.words[at + 1]
        got = self.call(self.tight.get_raw, f"soak {key}")
        begun = self.words[at]
        if got is None:
            self.note(MISSES)
            return
        self.note(HITS)
        data = got[0]
        try:
            of, version = int(data[:8], 16), int(data[8:24], 16)
        except ValueError:
            self.die(f"{len(data)} bytes of key {key} that are no value")
        if of != key or data != value(key, version):
            self.die(f"key {key} has a value of key {of}, or a torn one of version {version}")
        if version < floor >> 1 or (floor & 1 and version == floor >> 1):
            self.die(f"key {key} has version {version}, stale after {floor >> 1} (deleted: {floor & 1})")
        if version > begun >> 1:
            self.die(f"key {key} has version {version}, and {begun >> 1} was the last that was begun")

    def counter(self, number: int) -> int:
        return self.counters_at + 2 * (self.slot * self.counters + number)

    def sums(self, number: int, which: int) -> int:
        return sum(
            self.words[self.counters_at + 2 * (slot * self.counters + number) + which] for slot in range(self.slots)
        )

    def add(self) -> None:
        number = self.random.randrange(self.counters // 2)
        delta = self.random.randint(1, 9)
        at = self.counter(number)
        self.words[at] += delta
        answer = self.call(self.exact.incr, f"counter {number}", delta)
        if answer is None:
            self.die(f"counter {number} is gone")
        if answer != "refused":
            self.words[at + 1] += delta

    def compare_and_add(self) -> None:
        half = self.counters // 2
        number = half + self.random.randrange(half)
        got = self.call(self.exact.gets_raw, f"counter {number}")
        if got is None:
            self.die(f"counter {number} is gone")
        data, flags, unique = got
        at = self.counter(number)
        self.words[at] += 1
        answer = self.call(self.exact.cas_raw, f"counter {number}", b"%d" % (int(data) + 1), flags, unique)
        if answer is True:
            self.words[at + 1] += 1
        elif answer is False:
            self.words[at] -= 1
        elif answer is None:
            self.die(f"counter {number} is gone")

    def count(self) -> None:
        number = self.random.randrange(self.counters)
        least = self.sums(number, 1)
        got = self.call(self.exact.get_raw, f"counter {number}")
        most = self.sums(number, 0)
        if got is None or not least <= int(got[0]) <= most:
            self.die(f"counter {number} is {got}, and should be {least} to {most}")


if __name__ == "__main__":
    Worker(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]).run()
