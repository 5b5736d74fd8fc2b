"""The durable store: every verb, values of every type there and back, lifetimes, order, snapshots, options, what it refuses."""

from __future__ import annotations

import base64
import errno
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import nearcache
import pytest
from nearcache import Cache, Store

VECTORS = json.loads((Path(__file__).parents[1] / "portable" / "vectors.json").read_text())
VALUES: list[Any] = [b"", b"\xff" * 1000, "", "ключ😀", 0, -1, 2**64, 10**100, True, None, 1.5, [1, [None]], {"a": (1, 2)}, {1, 2}]
SHARED = [None, True, False, 0, -5, 2**64 - 1, 1.5, "text", b"bytes", [1, "a", None], {"a": {"b": [b"c"]}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_what_they_were_also_from_disk(directory: Path, value: Any) -> None:
    with Store(directory / "s") as store:
        store["k"] = value
        assert (store["k"], type(store["k"])) == (value, type(value))
    with Store(directory / "s", near=0) as store:
        for found in (store["k"], store.get("k", 7), store.gets("k")[0], store.gat("k"), store.get_many(["k"])["k"]):
            assert (found, type(found)) == (value, type(value))
        assert list(store.scan()) == [(b"k", value)]


@pytest.mark.parametrize("value", SHARED, ids=repr)
def test_portable_values_are_the_caches_byte_for_byte(store: Store, value: Any) -> None:
    cache = Cache("4MiB", serde="portable")
    with Store(store.place, serde="portable", allow_pickle=False) as portable:
        cache["k"] = portable["k"] = value
        raw = portable.get_raw("k")
        assert raw is not None and raw == cache.get_raw("k") and raw[1] >> 16 == 0x4E43
        assert (portable["k"], store["k"]) == (value, value)
        store.set_raw("other", *raw)
        assert portable["other"] == value


def test_the_vectors_of_every_language_are_read(store: Store) -> None:
    for vector in VECTORS:
        data = base64.b64decode(vector["bytes"])
        with Cache("8MiB") as cache:
            cache.set_raw("k", data, vector["flags"])
            store.set_raw("k", data, vector["flags"])
            # What is known of a value's making is a cache's.
            if "value" not in vector or vector["flags"] == 0x4E43_0002:
                with pytest.raises(nearcache.SerdeError):
                    store["k"]
            else:
                assert repr(store["k"]) == repr(cache["k"])
                store.queue("q").put(cache["k"])
                assert repr(store.queue("q").take_many(1)[0].value) == repr(cache["k"])


def test_what_cannot_be_read_or_written_is_refused(store: Store) -> None:
    store.set_raw("k", b"\xff", 16)
    with pytest.raises(nearcache.SerdeError, match="get_raw"):
        store["k"]
    assert store.get_raw("k") == (b"\xff", 16)
    store["k"] = [1]
    with Store(store.place, allow_pickle=False) as careful:
        with pytest.raises(nearcache.SerdeError, match="allow_pickle"):
            careful["k"]
        with pytest.raises(TypeError):
            careful["k"] = [1]
    assert store["k"] == [1]


class Reversed:
    """A serde object, which may lead back to what uses it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def serialize(self, key: Any, value: Any) -> tuple[bytes, int]:
        self.seen.append(key)
        return value[::-1], 7

    def deserialize(self, key: Any, value: bytes, flags: int) -> Any:
        assert flags == 7
        return value[::-1]


def test_a_serde_object(store: Store) -> None:
    serde = Reversed()
    with Store(store.place, serde=serde) as own:
        own["k"] = b"abc"
        assert (own["k"], own.get_raw("k")) == (b"abc", (b"cba", 7))
        queue = own.queue("q")
        assert queue.put(b"xyz")
        assert own.queue("q").peek()[0].value == b"xyz"
        assert serde.seen == ["k", "q"]


def test_the_storing_verbs(store: Store) -> None:
    assert (store.set("a", 1), store.add("a", 2), store.add("b", 2), store.replace("c", 3), store.replace("a", 3)) == (
        True,
        False,
        True,
        False,
        True,
    )
    value, unique = store.gets("a")
    assert (value, store.cas("a", 4, unique), store.cas("a", 5, unique), store.cas("no", 5, unique)) == (3, True, False, None)
    assert store.gets("no", 1, 2) == (1, 2)
    unique = store.gets("a")[1]
    assert (store.delete("a", cas=unique + 1), store.delete("a", cas=unique), store.delete("a")) == (False, True, False)
    assert "a" not in store and "b" in store and len(store) == 1
    with pytest.raises(KeyError, match="a"):
        store["a"]
    with pytest.raises(KeyError, match="a"):
        del store["a"]
    del store["b"]
    assert not list(store)


def test_append_and_prepend_keep_the_type(store: Store) -> None:
    store["s"], store["n"], store["p"] = "b", 1, [1]
    assert (store.append("s", "c"), store.prepend("s", b"a"), store["s"]) == (True, True, "abc")
    assert (store.append("n", 2), store["n"]) == (True, 12)
    assert not store.append("missing", "x")
    with pytest.raises(TypeError, match="pickle"):
        store.append("p", "x")
    with pytest.raises(TypeError, match="bytes, str or int"):
        store.append("s", [1])  # type: ignore[arg-type]
    assert store["p"] == [1]


def test_counters(store: Store) -> None:
    assert (store.incr("n"), store.incr("n", initial=5), store.incr("n", 2), store.decr("n", 10)) == (None, 5, 7, 0)
    assert (store["n"], type(store["n"])) == (0, int)
    store["n"] = 2**64 - 1
    assert store.incr("n") == 0
    store["t"] = "text"
    with pytest.raises(nearcache.NotNumericError):
        store.incr("t")
    with pytest.raises(ValueError, match="out of range"):
        store.incr("n", -1)
    with Store(store.place, serde="portable") as portable:
        assert (portable.incr("m", initial=1), portable.incr("m"), store["m"]) == (1, 2, 2)


def test_many_keys_in_one_step(store: Store) -> None:
    before = store.stats()["operations"]
    assert store.set_many({f"k{n}": n for n in range(300)}) == []
    assert store.stats()["operations"] == before + 1
    keys: list[str] = [f"k{n}" for n in range(-1, 300)]
    assert store.get_many(keys) == {f"k{n}": n for n in range(300)}
    assert store.get_many([b"k1"]) == {b"k1": 1}
    with pytest.raises(nearcache.ValueTooLargeError):
        store.set_many({"new": 1, "large": bytes(2 << 20)})
    with pytest.raises(nearcache.IllegalKeyError):
        store.set_many({"new": 1, "": 2})
    assert "new" not in store
    assert store.delete_many([*keys, "missing"]) == 300
    for verb in (store.get_many, store.delete_many):
        with pytest.raises(TypeError, match="not one str"):
            verb("key")


def test_lifetimes_end_by_the_stores_clock_and_outlive_it(directory: Path) -> None:
    with Store(directory, manual_clock=1_900_000_000) as store:
        assert store.unix_time() == 1_900_000_000
        lives: dict[str, float | timedelta | None] = {
            "ten": 10,
            "half": 9.5,
            "delta": timedelta(seconds=10),
            "date": 1_900_000_010,
            "never": None,
        }
        for key, expire in lives.items():
            store.set(key, key, expire)
        store.set("past", 1, -1)
        assert store.get("past") is None
        store.advance_clock(9)
        assert store.get_many(lives) == {key: key for key in lives}
        assert store.touch("ten", 100) and store.gat("half", expire=100) == "half"
        store.advance_clock(1)
        assert list(store.keys()) == [b"half", b"never", b"ten"]
    with Store(directory, manual_clock=1_900_000_109) as store:
        assert store.get_many(lives) == {"never": "never"}
    with Store(directory) as store:
        for seconds in (1, -1):
            with pytest.raises(ValueError):
                store.advance_clock(seconds)


def test_flush_all(store: Store) -> None:
    store["a"] = 1
    store.queue("q").put("stays")
    assert store.flush_all(10) and store["a"] == 1
    store.advance_clock(11)
    assert "a" not in store
    store["b"] = 1
    assert store.flush_all(-1) and "b" not in store and len(store.queue("q")) == 1


def test_ranges_and_prefixes_in_the_order_of_bytes(store: Store) -> None:
    names = [b"a", b"a\x00", b"aa", b"b", b"\xc3\xa4", b"\xff"]
    store.set_many({name: n for n, name in enumerate(names)})
    everything = [(name, n) for n, name in enumerate(names)]
    for view in (store, store.snapshot()):
        assert view.range() == list(view.scan()) == everything
        assert view.range("a", "b") == everything[:4]
        assert view.range("a", "b", left_open=True, right_open=True) == everything[1:3]
        assert view.range(end="a") == everything[:1] and view.range("c") == everything[4:]
        assert view.range("b", "a") == [] and view.range(limit=2) == everything[:2]
        assert list(view.keys("a")) == names[:3] and list(view.scan("ä")) == everything[4:5]
        assert list(view.keys("nothing")) == []
        for limit in (0, 10_001):
            with pytest.raises(ValueError, match="limit is"):
                view.range(limit=limit)


def test_scans_page_and_threads_share_one(store: Store) -> None:
    store.set_many({f"{n:05}": n for n in range(1050)})
    assert [value for _, value in store.scan()] == list(range(1050))
    scan, met = store.scan(), [[], []]  # type: ignore[var-annotated]
    threads = [threading.Thread(target=lambda part=part: part.extend(value for _, value in scan)) for part in met]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(met[0] + met[1]) == list(range(1050))
    walk = iter(store)
    first = next(walk)
    store.delete_many([f"{n:05}" for n in range(500)])
    rest = list(walk)
    assert first == b"00000" and rest[-1] == b"01049" and len(rest) >= 549


def test_a_snapshot_shows_one_moment_and_ends_with_its_store(directory: Path) -> None:
    store = Store(directory)
    store.set_many({f"{n}": n for n in range(300)})
    then = store.snapshot()
    store.flush_all()
    store["new"] = 1
    assert (then["7"], then.get("new"), "7" in then, len(list(then)), len(list(store))) == (7, None, True, 300, 1)
    with pytest.raises(KeyError):
        then["new"]
    # The iterator keeps it.
    assert len(list(store.snapshot().scan())) == 1
    with store.snapshot() as short:
        assert short["new"] == 1
    with pytest.raises(nearcache.StoreError, match="snapshot is closed"):
        short["new"]
    walk = iter(then)
    next(walk)
    store.close()
    for use in (lambda: then["7"], lambda: list(then.scan())):
        with pytest.raises(nearcache.StoreError, match="snapshot is closed"):
            use()
    # Nothing of it keeps the directory.
    program = "import nearcache, sys; nearcache.Store(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, directory], check=True)


KEYS: list[tuple[Any, type[Exception]]] = [
    ("", nearcache.IllegalKeyError),
    ("k" * 251, nearcache.IllegalKeyError),
    ("\ud800", nearcache.IllegalKeyError),
    (1, TypeError),
    (None, TypeError),
    (bytearray(b"k"), TypeError),
]
VERBS: list[Callable[[Store, Any], object]] = [
    lambda s, k: s[k],
    lambda s, k: s.get(k),
    lambda s, k: s.gets(k),
    lambda s, k: s.gat(k),
    lambda s, k: s.get_raw(k),
    lambda s, k: k in s,
    lambda s, k: s.set(k, 1),
    lambda s, k: s.cas(k, 1, 1),
    lambda s, k: s.append(k, "x"),
    lambda s, k: s.incr(k),
    lambda s, k: s.delete(k),
    lambda s, k: s.touch(k),
    lambda s, k: s.get_many([k]),
    lambda s, k: s.set_many({k if k.__hash__ else "": 1}),
    lambda s, k: s.delete_many([k]),
    lambda s, k: s.batch().set(k, 1),
    lambda s, k: s.batch().delete(k),
    lambda s, k: s.batch().incr(k),
]


@pytest.mark.parametrize(("key", "error"), KEYS)
def test_keys_are_judged_everywhere(store: Store, key: Any, error: type[Exception]) -> None:
    for verb in VERBS:
        with pytest.raises((error, nearcache.IllegalKeyError)):
            verb(store, key)
    assert len(store) == 0


def test_what_is_too_large_leaves_the_old_value(directory: Path) -> None:
    with Store(directory, item_size_max="10KiB", quota=50_000) as store:
        store["k"] = "old"
        with pytest.raises(nearcache.ValueTooLargeError, match="10240"):
            store["k"] = bytes(11_000)
        with pytest.raises(nearcache.ValueTooLargeError):
            store.queue("q").put(bytes(11_000))
        with pytest.raises(nearcache.QuotaExceededError, match="quota is 50000"):
            for n in range(10):
                store[f"n{n}"] = bytes(9_000)
        assert store["k"] == "old" and 5 <= len(store) <= 6
        assert store.delete_many([f"n{n}" for n in range(10)]) > 3
        store["k"] = bytes(9_000)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"policy": "often"}, ValueError, "always"),
        ({"policy": -1}, ValueError, "0 or more"),
        ({"policy": 0}, ValueError, "Always"),
        ({"policy": b""}, TypeError, "number of seconds"),
        ({"near": 1000}, ValueError, "near is 1000"),
        ({"near": "much"}, ValueError, "not a size"),
        ({"near_name": ".x"}, ValueError, "cannot name a cache"),
        ({"item_size_max": 1}, ValueError, "1 KiB to 1 GiB"),
        ({"manual_clock": "now"}, TypeError, "Unix time"),
        ({"serde": "json"}, ValueError, "unknown"),
        ({"create": False}, nearcache.StoreOSError, "there is no store"),
    ],
)
def test_options_are_judged_before_anything_is_made(
    directory: Path, arguments: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as raised:
        Store(directory / "s", **arguments)
    assert not (directory / "s").exists()
    if isinstance(raised.value, OSError):
        assert raised.value.errno == errno.ENOENT and isinstance(raised.value, nearcache.CacheError)


@pytest.mark.parametrize("place", [7, None, b"/tmp", "", "a\0b", "unix:", "tcp:host", "tcp:host:port"])
def test_places_are_judged(place: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Store(place)


def test_a_directory_is_opened_once_with_one_set_of_options(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(directory / "s", policy=0.5, near="8MiB")
    store["k"] = 1
    monkeypatch.chdir(directory)
    for again in (Store(directory / "s"), Store("s"), Store("./s", policy=0.5, near=8 << 20)):
        assert again["k"] == 1 and again.place == str(directory / "s")
        again.close()
    with pytest.raises(ValueError, match="policy EveryMillis"):
        Store("s", policy="always")
    assert "near_limit" in store.stats() and store.stats()["near_limit"] <= 8 << 20
    store.close()
    # The last has gone: other options are as good.
    Store("s", policy="never", near=0).close()


def test_a_near_tier_with_a_name_is_read_by_others(directory: Path) -> None:
    name = str(directory / "near")
    with Store(directory / "s", near="4MiB", near_name=name) as store:
        store["k"] = "hot"
        assert store["k"] == "hot"
        assert Cache(name=name, read_only=True)["k"] == "hot"
        store["k"] = "changed"
        assert Cache(name=name, read_only=True).get("k", "changed") == "changed"


def test_a_closed_store_says_so_and_so_do_its_parts(directory: Path) -> None:
    with Store(directory) as store:
        queue, batch, scan = store.queue("q"), store.batch(), store.scan()
        queue.put("x")
        message = queue.get()
        assert message is not None
    store.close()
    uses: list[Callable[[], object]] = [
        lambda: store.get("k"),
        lambda: store.set("k", 1),
        lambda: store.stats(),
        lambda: store.queue("q"),
        lambda: store.batch(),
        lambda: store.snapshot(),
        lambda: store.verify(),
        lambda: next(scan),
        lambda: queue.put("x"),
        lambda: queue.get(wait=None),
        lambda: len(queue),
        message.ack,
        batch.commit,
    ]
    for use in uses:
        with pytest.raises(nearcache.CacheClosedError, match="the store is closed"):
            use()
    assert message.value == "x" and repr(store) == f"<nearcache.Store {directory}>"


def test_a_directory_is_not_pickled(store: Store) -> None:
    for thing in (store, store.queue("q")):
        with pytest.raises(TypeError, match="daemon"):
            pickle.dumps(thing)


def test_backups_can_be_opened_and_long_work_tells_and_stops(store: Store, directory: Path) -> None:
    store.set_many({f"{n}": n for n in range(3000)})
    store.queue("q").put_many(range(10))
    told: list[tuple[int, int]] = []
    store.backup(directory / "copy", progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (3010, 3010) and len(told) > 2
    with Store(directory / "copy", create=False) as copy:
        copy.verify()
        assert copy["7"] == 7 and len(copy.queue("q")) == 10
    with pytest.raises(nearcache.StoreOSError, match="holds a store already"):
        store.backup(directory / "copy")
    with pytest.raises(nearcache.StoreError, match="stopped"):
        store.verify(progress=lambda done, of: False)

    def fail(done: int, of: int) -> None:
        raise RuntimeError("no more")

    works: list[Callable[..., None]] = [store.verify, store.compact, lambda **p: store.backup(directory / "other", **p)]
    for work in works:
        with pytest.raises(RuntimeError, match="no more"):
            work(progress=fail)
    store.backup(directory / "other")
    store.compact()


def test_what_is_no_store_is_left_alone(directory: Path) -> None:
    (directory / "s").mkdir()
    (directory / "s" / "letter").write_text("dear")
    (directory / "file").write_text("dear")
    for name in ("s", "file"):
        with pytest.raises(nearcache.StoreError):
            Store(directory / name)
    assert (directory / "s" / "letter").read_text() == "dear" and [*os.listdir(directory / "s")] == ["letter"]


def test_a_damaged_store_is_not_opened(directory: Path) -> None:
    with Store(directory) as store:
        store.set_many({f"{n}": os.urandom(1000) for n in range(50)})
    journals = sorted(file for file in directory.rglob("*") if file.is_file() and file.stat().st_size > 50_000)
    assert journals
    for journal in journals:
        damaged = bytearray(journal.read_bytes())
        for at in range(0, len(damaged), 500):
            damaged[at] ^= 0x10
        journal.write_bytes(damaged)
    with pytest.raises(nearcache.StoreError):
        with Store(directory) as store:
            store.verify()
