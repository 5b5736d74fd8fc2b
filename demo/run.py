"""Runs the demo: the same users and requests in C, Python and PHP, from four sources each, as one table a language; then
the three of them with one cache, and orders that must not be forgotten.

    run.py --work DIRECTORY --users-c PROGRAM [--php PHP] --php-extension FILE.so --nearcached PROGRAM --nearcache PROGRAM

`make run` builds what it takes and calls it. Every run starts from a fresh copy of the database. It fails if any
program fails, finds a cached row that differs from the database's, or has nothing cached to compare.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from orders import deliver
from shared import share
from tables import print_table

HERE = Path(__file__).resolve().parent
CACHE_MIB = 16
HEAD = ("source", "rows/s", "get p50 us", "get p99 us", "hit rate", "memory MiB", "verified rows")


class Progress:
    """One line that rewrites itself on a terminal; a plain line per finished run elsewhere."""

    WIDTH = 30

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()

    def update(self, label: str, done: int, total: int) -> None:
        """Shows how far the present run is."""
        if self._live:
            filled = self.WIDTH * done // total
            bar = "#" * filled + "." * (self.WIDTH - filled)
            print(f"\r  {label:<36} [{bar}] {100 * done // total:3} %", end="", flush=True)

    def finish(self, label: str, seconds: float) -> None:
        """The run is over; the next one starts on the same line of a terminal."""
        if self._live:
            print("\r" + " " * (self.WIDTH + 48) + "\r", end="", flush=True)
        else:
            print(f"  {label:<36} {seconds:5.1f} s", flush=True)


class Server:
    """A memcached, or what speaks like one, on a unix socket of its own for as long as the `with` lasts."""

    def __init__(self, program: str) -> None:
        self._directory = tempfile.mkdtemp(prefix="nearcache-demo-")
        self.path = os.path.join(self._directory, "socket")
        # Threads: 1, as the demo's client asks one question at a time. A server started by root wants a user named.
        command = [program, "-s", self.path, "-U", "0", "-m", str(CACHE_MIB), "-t", "1"]
        if os.getuid() == 0:
            command += ["-u", "root"]
        self._log = os.path.join(self._directory, "log")
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> "Server":
        deadline = time.monotonic() + 10
        while True:
            if self._process.poll() is not None:
                said = Path(self._log).read_text()
                self.__exit__()
                raise SystemExit(f"error: {self._process.args[0]} ended at once, status {self._process.returncode}: {said}")
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(self.path)
                    return self
                except OSError as error:
                    if time.monotonic() > deadline:
                        self.__exit__()
                        raise SystemExit(f"error: {self._process.args[0]} does not answer on {self.path}: {error}")
            time.sleep(0.01)

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def memory_kib(self) -> int:
        """The server's resident memory."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise SystemExit("error: /proc does not tell the server's memory")


def fresh_database(work: Path) -> str:
    """A copy of the database that nobody has written to yet."""
    copy = work / "run.db"
    for suffix in ("", "-wal", "-shm"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(work / "users.db", copy)
    return str(copy)


def run_program(command: list, label: str, progress: Progress) -> dict:
    """Runs one program, follows its progress, returns its report."""
    begin = time.monotonic()
    complaints = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # The report is one short line, but a reader of its own keeps a chatty program from blocking on a full pipe.
        answer = []
        reader = threading.Thread(target=lambda: answer.append(process.stdout.read()))
        reader.start()
        for line in process.stderr:
            words = line.split()
            if len(words) == 3 and words[0] == "progress":
                progress.update(label, int(words[1]), int(words[2]))
            else:
                complaints.append(line)
        reader.join()
    progress.finish(label, time.monotonic() - begin)
    if process.returncode != 0:
        raise SystemExit(f"{label} failed with status {process.returncode}:\n{''.join(complaints)}{answer[0]}")
    sys.stderr.write("".join(complaints))
    return json.loads(answer[0])


def table_row(source: str, report: dict, memory_kib: int) -> tuple:
    """One row of the table, as text."""
    asked = report["hits"] + report["misses"]
    return (
        source,
        f"{report['requests'] / report['seconds']:,.0f}",
        f"{report['p50_us']:.2f}",
        f"{report['p99_us']:.2f}",
        f"{100 * report['hits'] / asked:.1f} %" if asked else "-",
        f"{memory_kib / 1024:.1f}",
        f"{report['verified']:,}" if asked else "-",
    )


def run_language(language: str, command: list, asked: argparse.Namespace, progress: Progress) -> int:
    """The four sources of one language; returns how many rows were verified."""
    sources = [("database alone", "database", None)]
    memcached = shutil.which("memcached")
    if memcached:
        sources.append(("memcached, unix socket", "socket", memcached))
    sources.append(("nearcached over a socket", "socket", asked.nearcached))
    sources.append(("nearcache, in the process", "nearcache", None))
    rows, verified = [], 0
    for name, source, program in sources:
        label = f"{language}: {name}"
        arguments = [source, fresh_database(asked.work), str(asked.work / "requests.bin")]
        if program:
            with Server(program) as server:
                report = run_program([*command, *arguments, server.path], label, progress)
                memory = server.memory_kib()
        else:
            report = run_program([*command, *arguments, "", str(CACHE_MIB)], label, progress)
            memory = report["memory_kib"]
        if source != "database" and report["verified"] == 0:
            raise SystemExit(f"{label}: nothing was cached at the end, so nothing was verified")
        verified += report["verified"]
        rows.append(table_row(name, report, memory))
    print_table(language, HEAD, rows)
    return verified


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the cache-aside demo in C, Python and PHP.")
    parser.add_argument("--work", type=Path, required=True, help="where users.db and requests.bin are")
    parser.add_argument("--users-c", required=True, help="the C program")
    parser.add_argument("--php", default="php", help="the PHP the extension was built for")
    parser.add_argument("--php-extension", required=True, help="the built PHP extension")
    parser.add_argument("--nearcached", required=True, help="the daemon")
    parser.add_argument("--nearcache", required=True, help="the command-line tool")
    parser.add_argument("--orders", type=int, default=2000, help="how many orders the last act has")
    asked = parser.parse_args()
    progress = Progress()
    begin = time.monotonic()
    php = [asked.php, "-d", f"extension={asked.php_extension}"]
    verified = run_language("C", [asked.users_c], asked, progress)
    verified += run_language("Python", [sys.executable, str(HERE / "python" / "main.py")], asked, progress)
    verified += run_language("PHP", [*php, str(HERE / "php" / "main.php")], asked, progress)
    workers = [
        ("C", [asked.users_c, "worker"]),
        ("Python", [sys.executable, str(HERE / "python" / "worker.py")]),
        ("PHP", [*php, str(HERE / "php" / "worker.php")]),
    ]
    seen = share(workers, fresh_database(asked.work), CACHE_MIB, asked.nearcache)
    packed = deliver(
        [sys.executable, str(HERE / "python" / "orders_worker.py")],
        [*php, str(HERE / "php" / "orders_worker.php")],
        asked.nearcached,
        asked.orders,
    )
    print(
        f"\nverified {verified:,} rows: what was cached at the end equals the database; and {seen:,} gets of the shared\n"
        f"cache: each saw the last update, whoever made it. {packed:,} orders were packed, each once.\n"
        f"Each run: the same stream of requests, Zipf(0.99), 95 % get_user and 5 % update_user; the first half warms\n"
        f"the cache of {CACHE_MIB} MiB up, the second half is measured. rows/s counts gets and updates, p50 and p99 the gets.\n"
        f"Memory is the growth of the process, or all of the server where there is one.\n"
        f"The runs took {time.monotonic() - begin:.0f} s."
    )


if __name__ == "__main__":
    main()
