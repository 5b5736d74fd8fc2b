"""Leases as the verb gives them: one wins, the others are told; what is no value yet is a miss to every reading verb."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import nearcache
import pytest
from nearcache import Cache

LEASE = 0x4E43_00FF
ENVELOPE = 0x4E43_0002


def test_one_wins_and_the_others_are_told(cache: Cache) -> None:
    first, second = cache.lease("k", 10), cache.lease("k", 10)
    assert (first.hit, first.won, first.stale, first.value) == (False, True, False, None)
    assert (second.hit, second.won, second.stale, second.value) == (False, False, False, None)
    assert first.token == second.token
    assert cache.cas("k", None, first.token) is True
    third = cache.lease("k", 10)
    assert (third.hit, third.won, third.value, third.ttl) == (True, False, None, None)
    assert repr(third) == "<nearcache.Lease hit=True won=False stale=False>"


READS: list[tuple[Callable[[Cache], object], object]] = [
    (lambda c: c.get("k", 7), 7),
    (lambda c: c.gets("k"), (None, None)),
    (lambda c: c.gat("k", 5, 7), 7),
    (lambda c: c.gats("k", 5), (None, None)),
    (lambda c: c.get_many(["k"]), {}),
    (lambda c: c.gets_many(["k"]), {}),
    (lambda c: c.get_raw("k"), None),
    (lambda c: c.gets_raw("k"), None),
    (lambda c: c.gat_raw("k", 5), None),
    (lambda c: c.gats_raw("k", 5), None),
    (lambda c: "k" in c, False),
    (lambda c: c.append("k", "x"), False),
    (lambda c: c.prepend_raw("k", b"x"), False),
    (lambda c: c.incr("k"), None),
    (lambda c: c.decr("k"), None),
]


@pytest.mark.parametrize(("read", "answer"), READS)
def test_a_lease_is_a_miss_to_every_reading_verb(cache: Cache, read: Callable[[Cache], object], answer: object) -> None:
    lease = cache.lease("k", 10)
    assert read(cache) == answer
    with pytest.raises(KeyError):
        cache["k"]
    assert list(cache) == [b"k"], "iteration shows it"
    assert cache.cas("k", "made", lease.token) is True


def test_a_store_or_a_deletion_meanwhile_beats_the_winner(cache: Cache) -> None:
    lease = cache.lease("k", 10)
    cache["k"] = "newer"
    assert cache.cas("k", "computed from the old", lease.token) is False
    assert cache["k"] == "newer"
    lease = cache.lease("gone", 10)
    cache.delete("gone")
    assert cache.cas("gone", "computed from the old", lease.token) is None
    assert "gone" not in cache


def test_a_number_begins_where_a_lease_is(cache: Cache) -> None:
    lease = cache.lease("n", 10)
    assert cache.incr("n", initial=5) == 5
    assert cache.incr("n", initial=5) == 6
    assert cache.cas("n", 0, lease.token) is False


def test_a_lease_is_given_up(cache: Cache) -> None:
    lease = cache.lease("k", 10)
    assert cache.delete("k", cas=lease.token + 1) is False
    assert cache.delete("k", cas=lease.token) is True
    assert cache.delete("k", cas=lease.token) is False
    assert cache.lease("k", 10).won


def test_a_lease_ends_by_itself(cache: Cache) -> None:
    assert cache.lease("k", 10).won
    cache.advance_clock(10)
    assert not cache.lease("k", 10).won, "it lasts what was asked for"
    cache.advance_clock(1)
    assert cache.lease("k", 10).won


def test_a_lease_is_taken_over_by_its_token_alone(cache: Cache) -> None:
    dead = cache.lease("k", 10)
    assert not cache.lease("k", 10, takeover=dead.token + 1).won
    successor = cache.lease("k", 10, takeover=dead.token)
    assert successor.won and successor.token != dead.token
    assert not cache.lease("k", 10, takeover=dead.token).won
    assert cache.cas("k", "late", dead.token) is False
    assert cache.cas("k", "made", successor.token) is True


def test_stale_gives_the_right_to_one_and_the_value_to_all(cache: Cache) -> None:
    cache.set("k", "old", 60)
    assert not cache.lease("k", 5, stale=20).stale
    cache.advance_clock(41)
    winner, other = cache.lease("k", 5, stale=20), cache.lease("k", 5, stale=20)
    assert (winner.hit, winner.won, winner.stale, winner.value) == (True, True, True, "old")
    assert (other.hit, other.won, other.stale, other.value) == (True, False, True, "old")
    assert cache["k"] == "old"
    # The winner has died: the old value goes with the lease, and the next makes it.
    cache.advance_clock(6)
    assert cache.get("k") is None
    assert cache.lease("k", 5, stale=20).won


def test_a_winner_of_a_stale_value_makes_it_fresh(cache: Cache) -> None:
    cache.set("k", "old", 60)
    cache.advance_clock(41)
    winner = cache.lease("k", 5, stale=20)
    assert cache.cas("k", "new", winner.token, 60) is True
    fresh = cache.lease("k", 5, stale=20)
    assert (fresh.won, fresh.stale, fresh.value, fresh.ttl) == (False, False, "new", 60)


def test_a_winner_that_gives_up_leaves_the_old_value_its_life_and_another_the_right(cache: Cache) -> None:
    cache.set("k", "old", 60)
    cache.advance_clock(41)
    winner = cache.lease("k", 5, stale=20)
    cache._give_up("k", winner)
    again = cache.lease("k", 5, stale=20)
    assert (again.won, again.value, again.ttl) == (True, "old", 19)


def test_a_value_that_outlives_the_lease_is_not_lengthened(cache: Cache) -> None:
    cache.set("k", "old", 10)
    assert cache.lease("k", 100, stale=20).won
    cache.advance_clock(10)
    assert cache.get("k") is None


def test_early_wins_the_likelier_the_more_it_cost(cache: Cache) -> None:
    generations = cache._generations([])
    for cost, wins in ((0.0, False), (1e9, True)):
        cache._fill("k", "v", None, 60, None, cost, generations)
        assert cache["k"] == "v"
        assert cache.lease("k", 5, early=0.0).won is False
        won = [cache.lease("k", 5, early=1.0) for _ in range(5)]
        assert [lease.won for lease in won] == [wins] + [False] * 4, "one of those who would"
        assert all(lease.hit and lease.value == "v" for lease in won)
        cache.advance_clock(59)
        assert cache["k"] == "v", "an early winner shortens nothing"


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"seconds": -1}, ValueError, "a lease lasts 0 to 86400 seconds"),
        ({"seconds": float("nan")}, ValueError, "a lease lasts 0 to 86400 seconds"),
        ({"seconds": 1e9}, ValueError, "a lease lasts 0 to 86400 seconds"),
        ({"seconds": "1"}, TypeError, "."),
        ({"stale": -1}, ValueError, "stale is a number of seconds"),
        ({"stale": "1"}, TypeError, "."),
        ({"early": -1}, ValueError, "early is 0"),
        ({"early": float("inf")}, ValueError, "early is 0"),
        ({"takeover": -1}, ValueError, "takeover is out of range"),
    ],
)
def test_arguments_are_judged(cache: Cache, arguments: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        cache.lease("k", **arguments)
    assert len(cache) == 0


@pytest.mark.parametrize(
    "stored",
    [b"", b"\x90", b"\x93", b"\x93\x00\x00", b"\x93\xc0\x00\x80", b"\x93\x00\x00\x81", b"\x93\x00\x00\x81\xa1a\xc0", b"\x92\x00\x80"],
)
def test_broken_envelopes(cache: Cache, stored: bytes) -> None:
    cache.set_raw("k", stored, ENVELOPE)
    with pytest.raises(nearcache.SerdeError, match="say a value in an envelope, but its bytes are not those of one"):
        cache["k"]
    with pytest.raises(nearcache.SerdeError):
        cache.lease("k")
    with pytest.raises(nearcache.SerdeError):
        cache.pin("k")


def test_an_envelope_in_an_envelope_is_broken(cache: Cache) -> None:
    for flags in (ENVELOPE, LEASE):
        cache.set_raw("k", b"\x93\x00\xce" + flags.to_bytes(4, "big") + b"\x80" + b"\x93\x00\x00\x80x", ENVELOPE)
        with pytest.raises(nearcache.SerdeError):
            cache["k"]


@pytest.mark.parametrize("value", [b"", b"bytes", "str", 7, None, [1], b"x" * 100_000])
def test_every_reading_verb_looks_into_envelopes(cache: Cache, value: Any) -> None:
    cache._fill("k", value, None, None, None, 0.25, cache._generations(["a", "b"]))
    raw = cache.get_raw("k")
    assert raw is not None and raw[1] == ENVELOPE
    assert cache.get("k", 7) == value
    assert cache.gets("k")[0] == value
    assert cache.get_many(["k"]) == {"k": value}
    assert cache.lease("k").value == value
    with cache.pin("k") as view:
        assert view == (value if isinstance(value, bytes) else {"str": b"str", 7: b"7"}.get(value if isinstance(value, (str, int)) else 0, pickle.dumps(value, 5)))
    cache._invalidate_tag("b")
    assert cache.get("k", 7) == 7
    assert cache.get_many(["k"]) == {}
    with pytest.raises(KeyError):
        cache.pin("k")
    assert cache.lease("k").won
