"""What memoize is put on: class methods, static methods, bound methods, callables without a name; and how it is pickled."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import nearcache
import pytest
from nearcache import AsyncMemoized, Cache, Memoized, MemoInfo

HERE = Path(__file__).parent
CACHE = Cache("4MiB")
CALLS: list[Any] = []


@CACHE.memoize()
def double(number: int) -> int:
    CALLS.append(number)
    return 2 * number


@CACHE.memoize()
async def adouble(number: int) -> int:
    return 2 * number


class Shop:
    """Methods of every kind, under memoize; instances pickle by their name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @CACHE.memoize()
    def price(self, item: str) -> str:
        CALLS.append((self.name, item))
        return f"{self.name}:{item}"

    @CACHE.memoize()
    @classmethod
    def kind(cls, item: str) -> str:
        CALLS.append((cls.__name__, item))
        return f"{cls.__name__}:{item}"

    @classmethod
    @CACHE.memoize()
    def kind_within(cls, item: str) -> str:
        CALLS.append((cls.__name__, item))
        return f"{cls.__name__}:{item}"

    @CACHE.memoize()
    @staticmethod
    def tax(item: str) -> str:
        CALLS.append(item)
        return f"tax:{item}"

    @staticmethod
    @CACHE.memoize()
    def tax_within(item: str) -> str:
        CALLS.append(item)
        return f"tax:{item}"

    @property
    @CACHE.memoize()
    def size(self) -> int:
        CALLS.append(self.name)
        return len(self.name)

    @CACHE.memoize()
    async def aprice(self, item: str) -> str:
        CALLS.append((self.name, item))
        return f"{self.name}:{item}"

    @CACHE.memoize()
    @classmethod
    async def akind(cls, item: str) -> str:
        CALLS.append((cls.__name__, item))
        return f"{cls.__name__}:{item}"


class Bakery(Shop):
    """Inherits what is memoized."""


@pytest.fixture(autouse=True)
def nothing_is_there() -> None:
    CACHE.flush_all()
    CALLS.clear()


def test_class_methods() -> None:
    for kind in (Shop, Shop("any"), Shop):
        assert kind.kind("tea") == "Shop:tea"
        assert kind.kind_within("tea") == "Shop:tea"
    assert Bakery.kind("tea") == Bakery("any").kind("tea") == Bakery.kind_within("tea") == "Bakery:tea"
    assert CALLS == [("Shop", "tea")] * 2 + [("Bakery", "tea")] * 2
    assert Shop.kind.invalidate("tea") is True and Shop.kind.invalidate("tea") is False
    assert Bakery("any").kind.refresh("tea") == "Bakery:tea"
    assert Shop.kind.__wrapped__("milk") == "Shop:milk"
    assert CALLS[4:] == [("Bakery", "tea"), ("Shop", "milk")]


def test_static_methods() -> None:
    for kind in (Shop, Shop("any"), Bakery):
        assert kind.tax("tea") == kind.tax_within("tea") == "tax:tea"
    assert CALLS == ["tea"] * 2
    assert Shop("any").tax.invalidate("tea") is True
    assert Shop("any").tax_within.invalidate("tea") is True


def test_methods_that_are_coroutines() -> None:
    async def scene() -> list[str]:
        return [await Shop("a").aprice("tea"), await Shop("a").aprice("tea"), await Shop.akind("tea"), await Shop.akind("tea")]

    assert asyncio.run(scene()) == ["a:tea", "a:tea", "Shop:tea", "Shop:tea"]
    assert CALLS == [("a", "tea"), ("Shop", "tea")]
    for method in (Shop("a").aprice, Shop.akind):
        assert isinstance(method, AsyncMemoized) and inspect.iscoroutinefunction(method.__wrapped__)


def test_a_property() -> None:
    assert [Shop("a").size, Shop("a").size, Shop("bc").size] == [1, 1, 2]
    assert CALLS == ["a", "bc"]


def test_a_method_of_an_instance_looks_like_one() -> None:
    assert list(inspect.signature(Shop("a").price).parameters) == ["item"]
    assert list(inspect.signature(Shop.price).parameters) == ["self", "item"]
    assert list(inspect.signature(Shop.kind).parameters) == ["item"]
    assert Shop("a").price.__wrapped__("tea") == "a:tea"
    assert Shop.price(Shop("a"), "tea") == Shop("a").price("tea") == "a:tea"
    assert CALLS == [("a", "tea")] * 2


def test_methods_that_are_bound_already_are_told_apart() -> None:
    class Plain:
        def __init__(self, name: str) -> None:
            self.name = name

        def __reduce__(self) -> Any:
            return str, (self.name,)

        def hello(self, word: str) -> str:
            return f"{word}, {self.name}"

    ada, bob = (CACHE.memoize()(Plain(name).hello) for name in ("Ada", "Bob"))
    assert [ada("Hi"), bob("Hi"), ada("Hi"), ada.cache_info().hits] == ["Hi, Ada", "Hi, Bob", "Hi, Ada", 1]


class Adder:
    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, number: int) -> int:
        return number + self.by


NAMELESS: list[Any] = [Adder(1), functools.partial(pow, 2), lambda number: number, "abc".count]


@pytest.mark.parametrize("function", NAMELESS, ids=lambda function: type(function).__name__)
def test_what_has_no_name_of_its_own_needs_a_key(function: Any) -> None:
    with pytest.raises(TypeError, match="cannot be told from others .*give memoize key="):
        CACHE.memoize()(function)
    one = CACHE.memoize(key=lambda *_: "one")(function)
    assert (isinstance(one, Memoized), one.cache_key(1)) == (True, "one")
    assert repr(one).startswith("<nearcache.Memoized ")


def test_builtins_and_classes_have_names() -> None:
    length, number = CACHE.memoize()(len), CACHE.memoize()(int)
    assert [length("abc"), length("abc"), number("7"), number("7"), length.cache_info()] == [3, 3, 7, 7, MemoInfo(1, 1)]


def generator() -> Iterator[int]:
    yield 1


async def agenerator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("thing", "match"),
    [
        (generator, "a generator .* return a list"),
        (agenerator, "a generator .* return a list"),
        (property(lambda self: 1), "not property.*write @property above"),
        (staticmethod(generator), "a generator"),
        (7, "not int"),
    ],
)
def test_what_cannot_be_memoized_says_so_at_once(thing: Any, match: str) -> None:
    with pytest.raises(TypeError, match=match):
        CACHE.memoize()(thing)


def test_arguments_that_do_not_fit_are_an_error_and_not_a_miss() -> None:
    assert double(1) == 2
    for method in (double.invalidate, double.cache_key):
        with pytest.raises(TypeError, match="double.*number"):
            method()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="double.*too many"):
            method(1, 2)  # type: ignore[call-arg]
    # Within classmethod, newer interpreters bind the class where memoize cannot see it.
    if sys.version_info >= (3, 13):
        with pytest.raises(TypeError, match="kind_within.*item"):
            Shop.kind_within.invalidate("tea")
    assert CACHE.memoize(key=lambda user, database=None: f"user {user}")(lambda user, database: user).invalidate(7) is False


def test_one_tag_for_many_is_seen_at_once_and_tags_are_kept() -> None:
    for tags in ("tag", b"tag"):
        with pytest.raises(TypeError, match="tags is an iterable of str, not one"):
            CACHE.memoize(tags=tags)  # type: ignore[arg-type]

    @CACHE.memoize(tags=(tag for tag in ["a", "b"]))
    def tagged(number: int) -> int:
        CALLS.append(number)
        return 2 * number

    assert [tagged(1), tagged(2)] == [2, 4]
    for number in (1, 2):
        CACHE.invalidate_tags("b")
        tagged(number)
    assert CALLS == [1, 2, 1, 2], "the tags are those of every call"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_pickled_by_its_name(protocol: int) -> None:
    for function in (double, adouble, Shop.price, Shop.tax):
        assert pickle.loads(pickle.dumps(function, protocol)) is function
    assert copy.copy(double) is double and copy.deepcopy(double) is double
    bound = pickle.loads(pickle.dumps(Shop("a").price, protocol))
    assert (bound("tea"), CALLS) == ("a:tea", [("a", "tea")])
    kind = pickle.loads(pickle.dumps(Bakery.kind, protocol))
    assert kind("tea") == "Bakery:tea"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_calls_it(method: str) -> None:
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(double, range(20)) == [2 * number for number in range(20)]
        assert pool.map(Shop("a").price, ["tea", "milk"]) == ["a:tea", "a:milk"]


def test_refresh_in_a_namespace_that_is_emptied_meanwhile_is_lost(cache: Cache) -> None:
    space = cache.namespace("n")

    @space.memoize()
    def old() -> str:
        space.invalidate()
        return "made from the old"

    assert old.refresh() == "made from the old"
    assert list(space) == []


def test_refresh_returns_what_cannot_be_kept(cache: Cache) -> None:
    @cache.memoize(stale=10)
    def grown(number: int) -> bytes:
        return bytes(sizes.pop(0))

    sizes = [1, 1 << 21, 1]
    assert grown(1) == b"\0"
    assert len(grown.refresh(1)) == 1 << 21
    assert grown(1) == b"\0" and sizes == [], "the old value was not kept"


def test_a_refresh_that_fails_leaves_what_is_there(cache: Cache) -> None:
    @cache.memoize()
    def failing(fails: list[bool]) -> str:
        if results.pop():
            raise ZeroDivisionError
        return "made"

    results = [True, False]
    assert failing([]) == "made"
    with pytest.raises(ZeroDivisionError):
        failing.refresh([])
    assert failing([]) == "made" and len(cache) == 1


SCRIPT = """
import multiprocessing, nearcache, os, sys
cache = nearcache.Cache("4MiB", name="scripts")

@cache.memoize()
def who():
    return {text!r}

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(who(), who.cache_key() == pool.apply(who.cache_key), sep=",")
"""


def test_functions_of_two_scripts_are_told_apart_and_those_of_one_are_not(tmp_path: Path) -> None:
    def run(name: str) -> str:
        script = tmp_path / f"{name}.py"
        script.write_text(SCRIPT.format(text=name))
        command = [sys.executable, str(script)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()

    assert [run("one"), run("two"), run("one")] == ["one,True", "two,True", "one,True"]
    nearcache.unlink("scripts")


def test_one_memoize_above_another(cache: Cache) -> None:
    class Named:
        @cache.memoize(ttl=60)
        @CACHE.memoize()
        def greet(self, word: str) -> str:
            CALLS.append(word)
            return word

        @cache.memoize()
        @CACHE.memoize()
        async def agreet(self, word: str) -> str:
            CALLS.append(word)
            return word

        def __reduce__(self) -> Any:
            return str, ("named",)

    named = Named()
    assert [named.greet("Hi"), named.greet("Hi"), len(cache), len(CACHE)] == ["Hi", "Hi", 1, 1]
    cache.flush_all()
    assert (named.greet("Hi"), CALLS) == ("Hi", ["Hi"]), "it was in the other"
    assert CACHE.stats()["get_hits"] >= 1
    assert [asyncio.run(named.agreet("Ho")) for _ in range(2)] == ["Ho", "Ho"] and CALLS == ["Hi", "Ho"]


def test_what_is_bound_stays_bound_and_attributes_of_functions_are_kept() -> None:
    class Other:
        price = Shop("a").price

    assert Other().price("tea") == Other.price("tea") == "a:tea"
    assert Shop("a").price.__self__.name == "a"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="give memoize key="):
        CACHE.memoize()(Shop("a").price)

    def marked() -> str:
        return "marked"

    marked._function = marked._store = marked.note = None  # type: ignore[attr-defined]
    memoized = CACHE.memoize()(marked)
    assert (memoized(), memoized.note) == ("marked", None)  # type: ignore[attr-defined]
