"""The store among processes: forks, a directory in use, processes that are killed, Ctrl-C, and many workers on one socket."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nearcache
import pytest
from nearcache import Queue, Store

# Seconds in which everything that is waited for here happens, however busy the machine.
PATIENCE = 60
# The store has threads, and CPython says that a fork with threads may go wrong.
forks = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def in_child(work: Callable[[], bool]) -> None:
    """Runs work in a forked child, which must end with True."""
    child = os.fork()
    if child == 0:
        done = False
        try:
            done = work()
        finally:
            os._exit(0 if done else 1)
    assert os.waitpid(child, 0)[1] == 0


def eventually(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def run(program: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A program in a process of its own, whose output can be read."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


@forks
def test_a_forked_child_is_told_and_harms_nothing(directory: Path) -> None:
    store = Store(directory)
    store["k"] = 1
    queue, then = store.queue("q"), store.snapshot()
    queue.put("x")
    message = queue.get()
    assert message is not None

    def child() -> bool:
        uses: list[Callable[[], object]] = [
            lambda: store["k"],
            lambda: store.set("k", 2),
            lambda: queue.put("y"),
            lambda: queue.get(wait=None),
            lambda: then["k"],
            lambda: list(then.scan()),
            store.snapshot,
            store.verify,
            message.ack,
        ]
        for use in uses:
            try:
                use()
                return False
            except nearcache.StoreError as error:
                if "fork" not in str(error):
                    return False
        try:
            Store(directory)
            return False
        except nearcache.StoreInUseError as error:
            if str(os.getppid()) not in str(error):
                return False
        then.close()
        store.close()
        return True

    in_child(child)
    assert (store["k"], len(queue), then["k"], message.ack()) == (1, 1, 1, True)
    store.verify()
    store.close()

    def another() -> bool:
        with Store(directory) as mine:
            mine["k"] += 1
            return len(mine.queue("q")) == 0

    in_child(another)
    assert Store(directory)["k"] == 2


def test_a_directory_that_is_in_use_names_who_has_it(directory: Path) -> None:
    program = "import nearcache, sys; s = nearcache.Store(sys.argv[1]); s['k'] = 1; print('ready', flush=True); sys.stdin.read()"
    with run(program, directory) as other:
        assert other.stdout and other.stdout.readline() == "ready\n"
        with pytest.raises(nearcache.StoreInUseError, match=f"{other.pid}") as raised:
            Store(directory)
        assert raised.value.errno == errno.EBUSY and isinstance(raised.value, nearcache.StoreOSError)
        other.kill()
    assert Store(directory)["k"] == 1


WRITER = """if True:
    import nearcache, sys
    store = nearcache.Store(sys.argv[1])
    queue = store.queue("q")
    for n in range(int(sys.argv[2]), 10**9):
        with store.batch() as batch:
            batch.set(f"k{n}", n)
            batch.push(queue, n)
        print(n, flush=True)
"""


def test_what_a_killed_process_was_told_is_there(directory: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # Shown by pytest if the test fails.
    rng, told = random.Random(seed), -1
    for _ in range(3):
        with run(WRITER, directory, told + 1) as writer:
            assert writer.stdout
            for _ in range(rng.randrange(1, 60)):
                told = int(writer.stdout.readline())
            writer.kill()
            told = max([told, *map(int, writer.stdout.read().split("\n")[:-1])])
        with Store(directory) as store:
            store.verify()
            keys = {value for _, value in store.scan()}
            messages = [message.value for message in store.queue("q").peek(10_000)]
            # Both or neither, and at most one that nobody was told of.
            assert messages == sorted(keys) and set(range(told + 1)) <= keys <= set(range(told + 2))
            told = max(keys)


WAITER = """if True:
    import nearcache, sys
    queue = nearcache.Queue(sys.argv[1], "q")
    try:
        print("waiting", flush=True)
        for message in queue.consume():
            pass
    except KeyboardInterrupt:
        queue.put("interrupted")
        print("interrupted", flush=True)
"""


def interrupted_while_waiting(place: object) -> None:
    with run(WAITER, place) as waiting:
        assert waiting.stdout and waiting.stdout.readline() == "waiting\n"
        status = Path(f"/proc/{waiting.pid}/status")
        eventually(lambda: "S (sleeping)" in status.read_text())
        begun = time.monotonic()
        waiting.send_signal(signal.SIGINT)
        assert waiting.stdout.readline() == "interrupted\n"
        assert time.monotonic() - begun < PATIENCE / 2
    assert waiting.returncode == 0


def test_ctrl_c_ends_a_wait(directory: Path) -> None:
    interrupted_while_waiting(directory)
    with Queue(directory, "q") as queue:
        assert len(queue) == 1


def test_signal_handlers_run_during_a_wait(store: Store) -> None:
    queue = store.queue("q")
    before = signal.signal(signal.SIGUSR1, lambda *_: queue.put("from the handler"))
    try:
        sender = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        sender.start()
        message = queue.get(wait=PATIENCE)
        assert message is not None and message.value == "from the handler"
        sender.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


class Daemon:
    """A nearcached with a store and queues in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.socket = directory, directory / "socket"
        self.start()

    def start(self) -> None:
        program = os.environ["NEARCACHED"]
        data, cache = str(self.directory / "data"), str(self.directory / "cache")
        roles = ["--store", data, "--store-socket", str(self.socket), "--queue", data, "--queue-socket", f"{self.socket}-2"]
        command = [program, "-u", "root", "-v", "-t", "2", "-s", cache, *roles]
        with open(self.directory / "said", "w+") as said:
            self.process = subprocess.Popen(command, stderr=said)
            eventually(lambda: "nearcached: ready" in (self.directory / "said").read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, (self.directory / "said").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def daemon(directory: Path) -> Iterator[Daemon]:
    if not os.environ.get("NEARCACHED"):
        pytest.skip("NEARCACHED names no nearcached: tests/python/run.sh builds one")
    daemon = Daemon(directory)
    yield daemon
    daemon.kill()


def test_a_daemons_store_is_used_as_a_directory(daemon: Daemon) -> None:
    with Store(daemon.socket) as store, Store(f"unix:{daemon.socket}") as other:
        assert store.place == other.place == f"unix:{daemon.socket}"
        store.set_many({"a": [1], "b": 2})
        assert (other["a"], other.incr("b"), other.range(), list(other.keys())) == ([1], 3, [(b"a", [1]), (b"b", 3)], [b"a", b"b"])
        queue = store.queue("q")
        with store.batch() as batch:
            batch.add("c", "x")
            batch.push(queue, {"tea": 2}, id="1")
        with other.queue("q").consume(wait=PATIENCE).__next__() as message:
            assert (message.value, message.id, len(queue)) == ({"tea": 2}, b"1", 1)
        assert (queue.get(wait=0.3), len(queue), store.stats()["curr_items"]) == (None, 0, 3)
        told: list[tuple[int, int]] = []
        store.verify(progress=lambda done, of: told.append((done, of)))
        store.backup(daemon.directory / "copy")
        store.compact()
        assert told[-1][0] >= 3 and Store(daemon.directory / "copy")["a"] == [1]
        with pytest.raises(nearcache.BatchRefusedError), store.batch() as batch:
            batch.add("c", 1)
        for here in (store.snapshot, store.unix_time, lambda: store.advance_clock(1)):
            with pytest.raises(nearcache.StoreError):
                here()
    with pytest.raises(ValueError, match="without options"):
        Store(daemon.socket, policy="never")
    with pytest.raises(nearcache.StoreInUseError, match=f"{daemon.process.pid}"):
        Store(daemon.directory / "data")


def test_a_daemon_that_goes_and_comes_back(daemon: Daemon) -> None:
    store = Store(daemon.socket)
    queue = store.queue("q")
    queue.put("kept")
    daemon.kill()
    for use in (lambda: store["k"], lambda: store.set("k", 1), lambda: queue.get(wait=None)):
        with pytest.raises(nearcache.StoreConnectionError) as raised:
            use()
        assert isinstance(raised.value, ConnectionError)
    with pytest.raises(nearcache.StoreConnectionError, match="nearcached"):
        Store(f"unix:{daemon.socket}")
    daemon.start()
    with queue.get(wait=PATIENCE) or pytest.fail("lost") as message:
        assert message.value == "kept"


def test_ctrl_c_ends_a_wait_on_a_socket(daemon: Daemon) -> None:
    interrupted_while_waiting(daemon.socket)


@forks
def test_the_child_of_a_fork_has_connections_of_its_own(daemon: Daemon) -> None:
    store = Store(daemon.socket)
    store["k"] = 0

    def child() -> bool:
        return all(store.incr("k") for _ in range(100))

    children = [threading.Thread(target=in_child, args=(child,)) for _ in range(2)]
    for thread in children:
        thread.start()
    for _ in range(100):
        store.incr("k")
    for thread in children:
        thread.join()
    assert store["k"] == 300


def consume(tasks: Queue, store: Store, dies: bool) -> None:
    """Does what each message says in the step that acknowledges it, until one says that it is over; or dies with the first."""
    for message in tasks.consume(lease=1 if dies else 60):
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if message.value is None:
            message.ack()
            return
        with message, store.batch() as batch:
            batch.add(f"done:{message.value}", os.getpid())
            batch.incr("count")
            batch.ack(message)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@forks
def test_workers_on_one_socket_do_each_task_once_though_one_is_killed(daemon: Daemon, method: Any) -> None:
    store = Store(daemon.socket, serde="portable")
    tasks = store.queue("tasks")
    store["count"] = 0
    tasks.put_many(range(200))
    context: Any = multiprocessing.get_context(method)
    # Pickled as its place and name, and opened anew where it arrives.
    again = pickle.loads(pickle.dumps(tasks))
    assert (again.name, again.peek()[0].flags >> 16) == ("tasks", 0x4E43)
    killed = context.Process(target=consume, args=(tasks, store, True))
    killed.start()
    killed.join()
    workers = [context.Process(target=consume, args=(tasks, store, False)) for _ in range(3)]
    for worker in workers:
        worker.start()
    eventually(lambda: len(tasks) == 0)
    tasks.put_many([None] * 3)
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in (killed, *workers)] == [-signal.SIGKILL, 0, 0, 0]
    assert store["count"] == len(list(store.keys("done:"))) == 200
    assert tasks.stats()["returned"] == 1


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """A file system of its own, of a few megabytes, in a mount namespace."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is missing")
    program = """if True:
        import errno, nearcache, os, subprocess, sys
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", sys.argv[1]], check=True)
        with nearcache.Store(sys.argv[1] + "/s", near=0) as store:
            store["k"] = "old"
            with open(sys.argv[1] + "/ballast", "wb") as ballast:
                try:
                    while True:
                        ballast.write(bytes(1 << 20))
                        ballast.flush()
                except OSError:
                    pass
            try:
                for n in range(1000):
                    store[f"n{n}"] = os.urandom(1_000_000)
            except nearcache.DiskFullError as error:
                assert error.errno == errno.ENOSPC and isinstance(error, OSError), error
            else:
                raise AssertionError("it was not full")
            assert store["k"] == "old"
            os.unlink(sys.argv[1] + "/ballast")
            store["k"] = "new"
            store.verify()
        assert nearcache.Store(sys.argv[1] + "/s")["k"] == "new"
    """
    command = ["unshare", "--map-root-user", "--mount", sys.executable, "-c", program, str(tmp_path)]
    if subprocess.run([*command[:3], "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    done = subprocess.run(command, capture_output=True, text=True, timeout=10 * PATIENCE)
    assert done.returncode == 0, done.stderr


def test_threads_that_wait_do_not_spoil_the_programs_end(directory: Path) -> None:
    program = """if True:
        import nearcache, sys, threading, time
        queue, started = nearcache.Queue(sys.argv[1], "q"), threading.Barrier(3)

        class Slow:
            sleep = time.sleep

            def __del__(self):
                self.sleep(0.2)  # Longer than a thread waits without a look at the interpreter, which is ending.

        def work():
            started.wait()
            for message in queue.consume():
                pass

        for _ in range(2):
            threading.Thread(target=work, daemon=True).start()
        started.wait()
        slow = Slow()
    """
    assert subprocess.run([sys.executable, "-c", program, directory], timeout=PATIENCE).returncode == 0
    Store(directory).close()
