"""Caches that processes share: homes, attaching, reading alone, who is there, pickling, refusals."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nearcache
import pytest


@pytest.fixture
def names(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of this test's own for names; what is left in it goes."""
    directory = Path(os.environ["NEARCACHE_DIR"]) / "own"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv("NEARCACHE_DIR", str(directory))
    yield directory
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()


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


def test_an_inherited_cache_is_shared_over_a_fork() -> None:
    cache = nearcache.Cache("4MiB", shared=True)
    assert (cache.shared, cache.name, cache.info().path) == (True, None, None)
    cache["before"] = "seen"

    def child() -> bool:
        cache["pid"] = os.getpid()
        return cache["before"] == "seen" and os.getpid() in [p.pid for p in cache.processes()]

    in_child(child)
    assert cache["pid"] != os.getpid()
    cache.check()


def test_a_private_cache_is_not() -> None:
    cache = nearcache.Cache("4MiB")
    cache["k"] = "mine"

    def child() -> bool:
        cache["k"] = "another"
        return bool(cache["k"] == "another")

    in_child(child)
    assert cache["k"] == "mine"
    assert not cache.shared
    assert not cache.info().shared


def test_a_name_leads_to_one_cache(names: Path) -> None:
    first = nearcache.Cache("4MiB", name="app", mode=0o640)
    first["k"] = "v"
    second = nearcache.Cache("8MiB", name="app", evict=False)
    third = nearcache.Cache(name="app")
    by_path = nearcache.Cache(name=str(names / "app"))
    by_pathlib = nearcache.Cache(name=names / "app")
    for cache in (second, third, by_path, by_pathlib):
        assert cache["k"] == "v"
        assert cache.info().size == 4 << 20
    assert [first.name, by_path.name, by_pathlib.name] == ["app", str(names / "app"), str(names / "app")]
    assert "'app'" in repr(first).replace('"', "'")
    info = third.info()
    assert (info.name, info.path, info.shared, info.read_only) == ("app", names / "app", True, False)
    assert info.evict, "as it was made, not as the second asked for"
    assert (info.uid, info.mode, info.created > 1_700_000_000) == (os.getuid(), 0o640, True)
    assert info.processes_max >= 64
    assert info.threads_max >= info.processes_max
    assert (names / "app").stat().st_mode & 0o777 == 0o640
    assert info == first.info()
    assert repr(info).startswith("nearcache.CacheInfo(name='app', path=PosixPath(")


def test_it_stays_until_it_is_unlinked(names: Path) -> None:
    with nearcache.Cache("4MiB", name="app") as cache:
        cache["k"] = 1
    assert nearcache.Cache(name="app")["k"] == 1
    kept = nearcache.Cache(name="app")
    assert nearcache.unlink("app") is True
    assert nearcache.unlink("app") is False
    assert kept["k"] == 1
    assert nearcache.Cache("4MiB", name="app").get("k") is None
    assert nearcache.unlink(names / "app") is True


def test_caches_are_listed(names: Path) -> None:
    assert nearcache.caches() == []
    first, second = nearcache.Cache("4MiB", name="b"), nearcache.Cache("2MiB", name="a")
    (names / "foreign").write_text("no cache")
    a, b, foreign = nearcache.caches()
    assert [(f.name, f.path, f.size, f.uid, f.trouble) for f in (a, b)] == [
        ("a", names / "a", 2 << 20, os.getuid(), None),
        ("b", names / "b", 4 << 20, os.getuid(), None),
    ]
    assert foreign.name == "foreign"
    assert foreign.trouble
    assert repr(a).startswith("nearcache.CacheFile(name='a'")
    assert (first.name, second.name) == ("b", "a")


def test_a_process_that_is_killed_is_not_alive_and_harms_none(names: Path) -> None:
    cache = nearcache.Cache("4MiB", name="app")
    cache["k"] = 0
    program = "import nearcache, sys; c = nearcache.Cache(name='app'); c['k'] = 1; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        lives = {p.pid: p.life for p in cache.processes()}
        assert lives[os.getpid()] == "alive"
        assert lives[other.pid] == "alive"
        other.send_signal(signal.SIGKILL)
    assert other.returncode == -signal.SIGKILL
    assert {p.pid: p.life for p in cache.processes()}.get(other.pid, "dead") != "alive"
    assert cache["k"] == 1
    cache["k"] = 2
    assert cache["k"] == 2


WRITES: list[Callable[[nearcache.Cache], object]] = [
    lambda c: c.set("k", 1),
    lambda c: c.add("new", 1),
    lambda c: c.__setitem__("k", 1),
    lambda c: c.append("k", "x"),
    lambda c: c.cas("k", 1, 1),
    lambda c: c.delete("k"),
    lambda c: c.__delitem__("k"),
    lambda c: c.touch("k", 5),
    lambda c: c.gat("k", 5),
    lambda c: c.incr("n"),
    lambda c: c.incr("new", initial=1),
    lambda c: c.set_many({"k": 1}),
    lambda c: c.delete_many(["k"]),
    lambda c: c.set_raw("k", b""),
    lambda c: c.flush_all(),
    lambda c: c.flush_all(10),
    lambda c: c.reset_stats(),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_read_only_cache_cannot_be_changed(names: Path, write: Callable[[nearcache.Cache], object]) -> None:
    cache = nearcache.Cache("4MiB", name="app")
    cache["k"], cache["n"] = "v", 7
    before = cache.stats()
    reader = nearcache.Cache(name="app", read_only=True)
    assert reader.info().read_only
    with pytest.raises(nearcache.ReadOnlyError, match="reading alone"):
        write(reader)
    assert (reader["k"], reader.get("n"), reader.get_many(["k"]), len(reader)) == ("v", 7, {"k": "v"}, 2)
    assert sorted(reader) == [b"k", b"n"]
    assert cache.stats() == before, "a reader counts nothing"


def test_what_cannot_be_attached_says_why(names: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(nearcache.AttachError, match="no cache at") as missing:
            nearcache.Cache(name="app", read_only=read_only)
        assert missing.value.errno == errno.ENOENT
        assert isinstance(missing.value, OSError)
        assert isinstance(missing.value, nearcache.CacheError)
    (names / "foreign").write_text("no cache")
    for attach in (lambda: nearcache.Cache("4MiB", name="foreign"), lambda: nearcache.unlink("foreign")):
        with pytest.raises(nearcache.AttachError, match="foreign"):
            attach()
    assert (names / "foreign").read_text() == "no cache"
    with pytest.raises(nearcache.AttachError) as nowhere:
        nearcache.Cache("4MiB", name=names / "no" / "such")
    assert nowhere.value.errno == errno.ENOENT


def test_a_symbolic_link_is_not_followed(names: Path) -> None:
    nearcache.Cache("4MiB", name="app")
    (names / "link").symlink_to(names / "app")
    with pytest.raises(nearcache.AttachError, match="symbolic link"):
        nearcache.Cache("4MiB", name="link")


def test_what_is_damaged_is_replaced_only_by_who_may_create(names: Path) -> None:
    nearcache.Cache("4MiB", name="app")["k"] = 1
    os.truncate(names / "app", 2 << 20)
    with pytest.raises(nearcache.AttachError, match="damaged") as damaged:
        nearcache.Cache(name="app")
    assert damaged.value.errno == errno.EIO
    with nearcache.Cache("4MiB", name="app") as anew:
        assert anew.get("k") is None
        assert anew.set("k", 2)


def test_what_the_system_refuses_has_its_errno_and_says_what_to_do(names: Path) -> None:
    program = """if True:
        import errno, nearcache, resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        for arguments in ({"name": "app"}, {"shared": True}):
            try:
                nearcache.Cache("4MiB", **arguments)
            except nearcache.AttachError as error:
                assert error.errno == errno.EFBIG, error
                assert "ulimit -f" in str(error), error
            else:
                raise AssertionError("made beyond the limit")
        assert nearcache.Cache("4MiB").set("k", 1), "a private one needs no file"
    """
    subprocess.run([sys.executable, "-c", program], check=True)
    assert list(names.iterdir()) == []


def test_another_layout_is_named_and_left_alone(names: Path) -> None:
    nearcache.Cache("4MiB", name="app")["k"] = 1
    with open(names / "app", "r+b") as file:
        head = bytearray(file.read(4096))
        # The layout's version is the word behind the magic.
        head[8] ^= 0x40
        file.seek(0)
        file.write(head)
    with pytest.raises(nearcache.LayoutMismatchError, match="layout") as mismatch:
        nearcache.Cache(name="app")
    assert isinstance(mismatch.value, nearcache.AttachError)
    assert [file.name for file in nearcache.caches() if file.trouble] == ["app"]
    with nearcache.Cache("4MiB", name="app") as beside:
        assert beside.get("k") is None
        assert beside.info().path != names / "app"


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, TypeError, "size is missing"),
        ({"shared": True}, TypeError, "size is missing"),
        ({"size": "4MiB", "mode": 0o600}, TypeError, "give name"),
        ({"read_only": True}, TypeError, "give name"),
        ({"size": "4MiB", "name": "a", "read_only": True}, TypeError, "leave size out"),
        ({"size": "4MiB", "name": "a", "mode": 0o1000}, ValueError, "0o777"),
        ({"size": "4MiB", "name": "a", "mode": "0600"}, TypeError, "permission bits"),
        ({"size": "4MiB", "name": 7}, TypeError, "path-like"),
        ({"size": "4MiB", "name": ".a"}, ValueError, "cannot name a cache"),
        ({"size": "4MiB", "name": ""}, ValueError, "cannot name a cache"),
        ({"size": "4MiB", "name": "a" * 101}, ValueError, "100 letters"),
    ],
)
def test_arguments_are_judged(names: Path, arguments: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        nearcache.Cache(**arguments)  # type: ignore[call-overload]
    assert list(names.iterdir()) == []


class Own(nearcache.Cache):
    note: str


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_named_cache_is_pickled_as_its_name(names: Path, protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Own("4MiB", name="app")
    cache.note = "mine"
    cache["k"] = "v"
    again = pickle.loads(pickle.dumps(cache, protocol))
    assert type(again) is Own
    assert (again["k"], again.name, again.note) == ("v", "app", "mine")
    again["k"] = "both"
    assert cache["k"] == "both"
    assert copy.copy(cache)["k"] == "both"
    reader = pickle.loads(pickle.dumps(nearcache.Cache(name="app", read_only=True), protocol))
    assert reader.info().read_only
    # A relative path means what it meant when the cache was opened.
    monkeypatch.chdir(names)
    by_path = nearcache.Cache(name="./app")
    monkeypatch.chdir("/")
    assert pickle.loads(pickle.dumps(by_path, protocol))["k"] == "both"
    sent = pickle.dumps(cache, protocol)
    nearcache.unlink("app")
    with pytest.raises(nearcache.AttachError, match="no cache at"):
        pickle.loads(sent)


def test_others_refuse_to_be_pickled_and_say_what_to_do(names: Path) -> None:
    for cache in (nearcache.Cache("4MiB"), nearcache.Cache("4MiB", shared=True)):
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="name="):
                way(cache)
    closed = nearcache.Cache("4MiB", name="app")
    closed.close()
    with pytest.raises(nearcache.CacheClosedError):
        pickle.dumps(closed)
    for ask in (closed.info, closed.processes):
        with pytest.raises(nearcache.CacheClosedError):
            ask()
    assert closed.name == "app"
