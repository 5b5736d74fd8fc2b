"""Makes the demo's input: a SQLite database of users and a stream of requests for them.

Both follow from the seed alone, so every language replays the same requests on the same rows.

    make_users.py DIRECTORY [--users 300000] [--requests 150000] [--seed 20]

writes DIRECTORY/users.db and DIRECTORY/requests.bin. A request is one little-endian 32-bit word:
the user's id, with the highest bit set if the request is an update. The ids follow Zipf's law with
exponent 0.99, as the public key-value benchmarks have it, over a random ranking of the users.
"""

import argparse
import array
import itertools
import os
import random
import sqlite3
import sys

UPDATE = 1 << 31
UPDATE_SHARE = 0.05
ZIPF_EXPONENT = 0.99

SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    city TEXT NOT NULL,
    country TEXT NOT NULL,
    bio TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    visits INTEGER NOT NULL
)
"""

FIRST = (
    "Ada Ben Chloe Dmitri Elena Farid Grace Hugo Ines Jonas Kaori Liam Mei Nadia Omar Priya "
    "Quentin Rosa Samir Tereza Ulrik Vera Wei Ximena Yusuf Zoe Anton Bianca Carlos Daria Emil Freya"
).split()
LAST = (
    "Abe Baker Costa Dubois Eriksen Fischer Garcia Haddad Ivanov Jansen Khan Larsen Moreau Novak "
    "Okafor Petrov Quispe Rossi Sato Tanaka Ueda Varga Weber Xu Yilmaz Zhang Brandt Cohen Diaz Evans"
).split()
PLACES = [
    ("Lisbon", "PT"), ("Prague", "CZ"), ("Lagos", "NG"), ("Osaka", "JP"), ("Lima", "PE"),
    ("Oslo", "NO"), ("Izmir", "TR"), ("Lyon", "FR"), ("Pune", "IN"), ("Graz", "AT"),
    ("Porto Alegre", "BR"), ("Salt Lake City", "US"), ("Chiang Mai", "TH"), ("Leipzig", "DE"),
    ("Cork", "IE"), ("Gdansk", "PL"), ("Busan", "KR"), ("Tunis", "TN"), ("Quito", "EC"), ("Perth", "AU"),
]
WORDS = (
    "writes maps of old towns and keeps bees when the weather allows reads about tides trains "
    "clocks bridges and bread likes long walks short songs slow mornings black tea cold water "
    "builds small boats repairs radios collects stamps plays chess badly and the cello well"
).split()


def users(count: int, draw: random.Random):
    """Yields `count` rows in the order of the schema's columns."""
    for number in range(1, count + 1):
        first, last = draw.choice(FIRST), draw.choice(LAST)
        city, country = draw.choice(PLACES)
        start, length = draw.randrange(len(WORDS)), 8 + int(draw.random() * 16)
        bio = " ".join((WORDS * 2)[start : start + length])
        created_at = 1_500_000_000 + int(draw.random() * 200_000_000)
        email = f"{first}.{last}.{number}@example.com".lower()
        yield number, f"{first} {last}", email, city, country, bio, created_at, int(draw.random() * 500)


def make_database(path: str, count: int, seed: int) -> None:
    """Writes the table in one transaction; a half-made file is never left under the final name."""
    making = path + ".making"
    if os.path.exists(making):
        os.remove(making)
    database = sqlite3.connect(making, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    database.execute(SCHEMA)
    rows = users(count, random.Random(seed))
    database.executemany("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    os.replace(making, path)


def make_requests(path: str, count: int, user_count: int, seed: int) -> None:
    """Writes the request stream: Zipf over a shuffled ranking, a twentieth of it updates."""
    draw = random.Random(seed + 1)
    ranking = list(range(1, user_count + 1))
    draw.shuffle(ranking)
    weights = itertools.accumulate(rank**-ZIPF_EXPONENT for rank in range(1, user_count + 1))
    ids = draw.choices(ranking, cum_weights=list(weights), k=count)
    stream = array.array("I", (i | UPDATE if draw.random() < UPDATE_SHARE else i for i in ids))
    if stream.itemsize != 4:
        raise SystemExit("this Python's unsigned int has not 32 bits")
    if sys.byteorder == "big":
        stream.byteswap()
    with open(path + ".making", "wb") as out:
        stream.tofile(out)
    os.replace(path + ".making", path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the demo's users and requests.")
    parser.add_argument("directory")
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--requests", type=int, default=150_000)
    parser.add_argument("--seed", type=int, default=20)
    asked = parser.parse_args()
    if not 1 <= asked.users < UPDATE or asked.requests < 1:
        parser.error("--users is 1 to 2147483647 and --requests at least 1")
    os.makedirs(asked.directory, exist_ok=True)
    make_database(os.path.join(asked.directory, "users.db"), asked.users, asked.seed)
    make_requests(os.path.join(asked.directory, "requests.bin"), asked.requests, asked.users, asked.seed)


if __name__ == "__main__":
    main()
