"""nearcached's queues as real clients see them: pymemcache, pylibmc and PHP's memcached extension put messages in and
process them, one after another and together, and one of them is killed."""

import pathlib
import shutil
import subprocess
import sys
import threading

import pylibmc
import pytest
from daemons import PATIENCE, Daemon
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

SCRIPT = pathlib.Path(__file__).with_name("client_queue.php")

WORKER = """
import sys
from pymemcache.client.base import Client
client = Client(("127.0.0.1", int(sys.argv[1])))
while (job := client.get("jobs/open/echo/t=500")) is not None:
    if sys.argv[2] == "hang":
        print("has", job.decode(), flush=True)
        sys.stdin.read()
    client.get("jobs/close")
    print(job.decode(), flush=True)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    directory = tmp_path_factory.mktemp("queues")
    daemon = Daemon(directory, ["--queue", str(directory / "queue"), "--queue-port", "-1"])
    lines = dict(line.split(": ") for line in (directory / "ports").read_text().splitlines())
    yield int(lines["QUEUE INET"])
    daemon.stop()


@pytest.fixture
def client(port):
    client = Client(("127.0.0.1", port), timeout=PATIENCE, default_noreply=False)
    for queue in client.stats("queue"):
        client.delete(queue)
    yield client
    client.close()


def test_pymemcache(client):
    assert client.get("q") is None
    assert client.set("q", b"one") and client.set("q", b"two", noreply=True) is True
    assert client.get("q/peek/echo") == b"one"
    assert client.get("q") == b"one"
    assert client.get("q/open/echo") == b"two"
    assert client.get("q/close") is None
    assert client.get("q/t=10") is None
    client.set("x", b"1")
    client.set("y", b"2")
    assert client.get_many(["x", "y", "z"]) == {"x": b"1", "y": b"2"}
    assert client.stats("queue") == {b"q": b"2/2", b"x": b"1/1", b"y": b"1/1"}
    assert client.stats()[b"queue_q_total_items"] == 2
    assert client.version() and client.flush_all()
    assert client.delete("q") and not client.delete("q")
    assert client.touch("q", 10) is False


def test_what_cannot_be_is_an_exception(client):
    for call, kind in [
        (lambda: client.set("q", b"x" * (2 << 20)), MemcacheServerError),
        (lambda: client.add("q", b"x"), MemcacheClientError),
        (lambda: client.get("q/hurry"), MemcacheClientError),
        (lambda: client.incr("q", 1), MemcacheClientError),
    ]:
        with pytest.raises(kind) as caught:
            call()
        assert len(str(caught.value)) > 20
    # Nothing is out of step.
    assert client.set("q", b"x") and client.get("q") == b"x"


def test_a_wait_ends_with_a_message(client, port):
    consumer = Client(("127.0.0.1", port), timeout=PATIENCE)
    got = []
    thread = threading.Thread(target=lambda: got.append(consumer.get("q/t=60000/echo")))
    thread.start()
    client.set("q", b"here")
    thread.join()
    assert got == [b"here"]


def test_pylibmc(client, port):
    lib = pylibmc.Client([f"127.0.0.1:{port}"], behaviors={"tcp_nodelay": True})
    for value in [5, 2.5, "text", b"bytes", ["a", {"b": None}], "long " * 100_000]:
        assert lib.set("q", value)
        assert lib.get("q") == value
    assert lib.get("q") is None
    lib.set("q", "one")
    lib.set("q", "two")
    assert lib.get("q/open") == "one"
    assert lib.get("q/close/open") == "two"
    assert lib.get("q/abort") is None
    assert client.get("q") == b"two"
    lib.set("x", 1)
    lib.set("y", 2)
    assert lib.get_multi(["x", "y", "z"]) == {"x": 1, "y": 2}
    assert lib.delete("q") and not lib.delete("q")
    with pytest.raises(pylibmc.TooBig):
        lib.set("q", b"x" * (2 << 20))


def php(port, *arguments):
    program = shutil.which("php8.2") or shutil.which("php")
    assert program, "no php: install php8.2-cli and php8.2-memcached"
    return [program, str(SCRIPT), "127.0.0.1", str(port), *arguments]


def test_php_memcached(client, port):
    done = subprocess.run(php(port, "check"), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr or done.stdout


def test_workers_in_two_languages_and_one_is_killed(client, port):
    jobs = [f"job-{number}" for number in range(300)]
    python = [sys.executable, "-c", WORKER, str(port)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    client.set("jobs", jobs[0].encode())
    hangs = subprocess.Popen([*python, "hang"], **pipes)
    assert hangs.stdout.readline() == "has job-0\n"
    for job in jobs[1:]:
        client.set("jobs", job.encode(), noreply=True)
    workers = [subprocess.Popen(command, **pipes) for command in ([*python, "go"], php(port, "work", "jobs", "500"))]
    hangs.kill()
    hangs.wait()
    done = []
    for worker in workers:
        said, _ = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0
        done += said.split()
    hangs.stdout.close()
    assert sorted(done) == sorted(jobs)
    stats = client.stats()
    assert (stats[b"queue_jobs_items"], stats[b"queue_jobs_open_transactions"]) == (0, 0)
