"""Replays the demo's requests through users.py and reports what a get cost.

    main.py SOURCE DATABASE REQUESTS [SOCKET] [CACHE_MIB]

SOURCE is database, nearcache or socket. The first half of the stream warms the cache up, the second half is
measured. Progress goes to standard error, one JSON object to standard output.
"""

import array
import json
import os
import sys
from time import perf_counter_ns

from users import Users

UPDATE = 1 << 31
SAMPLES = 5000


def open_cache(source: str, socket: str, mebibytes: int):
    """The cache that was asked for; None is the database alone."""
    if source == "nearcache":
        import nearcache

        return nearcache.Cache(f"{mebibytes}MiB")
    if source == "socket" and socket:
        from pymemcache.client.base import Client

        return Client(f"unix:{socket}", no_delay=True, default_noreply=False)
    if source == "database":
        return None
    raise SystemExit(f"error: the source is database, nearcache, or socket with a path; not {source}")


def load_requests(path: str) -> array.array:
    """The stream of demo/make_users.py."""
    requests = array.array("I")
    with open(path, "rb") as stream:
        requests.frombytes(stream.read())
    if sys.byteorder == "big":
        requests.byteswap()
    return requests


def resident_kib() -> int:
    """The memory this process really occupies."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def replay(users: Users, requests: array.array, start: int, stop: int, latency: array.array) -> int:
    """Replays requests[start:stop], fills `latency` with the nanoseconds of each get, returns how many."""
    gets = 0
    for position in range(start, stop):
        if position % 10_000 == 0:
            print("progress", position, len(requests), file=sys.stderr, flush=True)
        request = requests[position]
        if request & UPDATE:
            users.update_user(request & ~UPDATE)
            continue
        begin = perf_counter_ns()
        user = users.get_user(request)
        latency[gets] = perf_counter_ns() - begin
        gets += 1
        if user is None or user.id != request:
            raise SystemExit(f"error: there is no user {request}")
    return gets


def verify(users: Users, requests: array.array) -> int:
    """Compares users that are cached now with their rows; returns how many were compared."""
    verified = 0
    count = len(requests)
    step = count // SAMPLES + 1
    for sample in range(min(SAMPLES, count)):
        user_id = requests[count - 1 - sample * step % count] & ~UPDATE
        cached = users.cached(user_id)
        if cached is None:
            continue
        if cached != users.read_row(user_id):
            raise SystemExit(f"error: user {user_id}: the cached row is not the database's")
        verified += 1
    return verified


def main() -> None:
    if len(sys.argv) < 4:
        raise SystemExit("usage: main.py database|nearcache|socket DATABASE REQUESTS [SOCKET] [CACHE_MIB]")
    source, database, stream = sys.argv[1:4]
    socket = sys.argv[4] if len(sys.argv) > 4 else ""
    mebibytes = sys.argv[5] if len(sys.argv) > 5 else "16"
    requests = load_requests(stream)
    total = len(requests)
    latency = array.array("Q", [1]) * total  # resident before memory is measured
    resident = resident_kib()
    users = Users(database, open_cache(source, socket, int(mebibytes)))

    replay(users, requests, 0, total // 2, latency)
    users.hits = users.misses = 0
    begin = perf_counter_ns()
    gets = replay(users, requests, total // 2, total, latency)
    seconds = (perf_counter_ns() - begin) / 1e9
    grown = resident_kib() - resident
    report = {
        "requests": total - total // 2,
        "seconds": seconds,
        "hits": users.hits,
        "misses": users.misses,
        "verified": verify(users, requests),
        "memory_kib": grown,
    }
    ordered = sorted(latency[:gets])
    report["p50_us"] = ordered[gets // 2] / 1e3
    report["p99_us"] = ordered[gets * 99 // 100] / 1e3
    print(json.dumps(report))


if __name__ == "__main__":
    main()
