"""A worker that shares its cache with others: does what it is told on standard input, a line at a time.

    worker.py DATABASE CACHE_NAME CACHE_MIB

    get ID       ->  hit|miss MICROSECONDS VISITS NAME
    update ID    ->  updated MICROSECONDS
"""

import sys
from time import perf_counter_ns

import nearcache
from users import Users


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit("usage: worker.py DATABASE CACHE_NAME CACHE_MIB")
    database, name, mebibytes = sys.argv[1:]
    users = Users(database, nearcache.Cache(f"{mebibytes}MiB", name=name))
    for line in sys.stdin:
        verb, user_id = line.split()
        hits = users.hits
        begin = perf_counter_ns()
        if verb == "update":
            users.update_user(int(user_id))
            print(f"updated {(perf_counter_ns() - begin) / 1e3:.2f}", flush=True)
        else:
            user = users.get_user(int(user_id))
            took = (perf_counter_ns() - begin) / 1e3
            print("hit" if users.hits > hits else "miss", f"{took:.2f}", user.visits, user.name, flush=True)


if __name__ == "__main__":
    main()
