"""`get` and `set` take every form of call: with positional arguments they have a way of their own, past pyo3's."""

from __future__ import annotations

import inspect
from typing import Any

import nearcache
import pytest
from nearcache import Cache


def test_arguments_by_position_and_by_name(cache: Cache) -> None:
    assert cache.set("a", b"1") is True
    assert cache.set("b", b"2", None) is True
    assert cache.set("c", value=b"3") is True
    assert cache.set(expire=60, value=b"4", key="d") is True
    assert (cache.get("a"), cache.get("b", None), cache.get("c", default=0)) == (b"1", b"2", b"3")
    assert cache.get(default=0, key="d") == b"4"
    missing = object()
    assert cache.get("x") is None
    assert cache.get("x", missing) is missing
    assert cache.get("x", default=missing) is missing
    assert cache.get(*["a"], **{}) == b"1"


@pytest.mark.parametrize(
    ("method", "arguments", "named", "message"),
    [
        ("get", (), {}, "missing 1 required positional argument: 'key'"),
        ("get", ("a", 1, 2), {}, "takes from 1 to 2 positional arguments but 3 were given"),
        ("get", ("a",), {"key": "a"}, "multiple values for argument 'key'"),
        ("get", ("a",), {"other": 1}, "unexpected keyword argument 'other'"),
        ("set", ("a",), {}, "missing 1 required positional argument: 'value'"),
        ("set", ("a", 1, None, 3), {}, "takes from 2 to 3 positional arguments but 4 were given"),
        ("get", (3,), {}, "a key is str or bytes, not int"),
        ("set", ("a", 1, "soon"), {}, "expire is None, a number of seconds"),
    ],
)
def test_wrong_calls_are_named(
    cache: Cache, method: str, arguments: tuple[Any, ...], named: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        getattr(cache, method)(*arguments, **named)


def test_another_object_has_no_such_method() -> None:
    with pytest.raises(TypeError, match="'get'"):
        Cache.get("text", "a")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="'set'"):
        Cache.set(object(), "a", b"1")  # type: ignore[arg-type]


def test_subclasses_have_them() -> None:
    class Counting(Cache):
        asked = 0

        def get(self, key: str | bytes, default: Any = None) -> Any:
            self.asked += 1
            return super().get(key, default)

    cache = Counting("1MiB")
    assert cache.set("a", b"1") and Cache.set(cache, "b", b"2")
    assert (cache.get("a"), cache.get("b"), cache.get("c", 3)) == (b"1", b"2", 3)
    assert cache.asked == 3
    assert cache.get_or_set("a", lambda: b"another") == b"1"
    assert cache.asked == 4


def test_the_class_is_one() -> None:
    assert Cache.__mro__ == (Cache, object)
    assert (Cache.__module__, Cache.__qualname__) == ("nearcache", "Cache")
    assert isinstance(nearcache.Cache("1MiB"), nearcache._native.Cache)
    assert str(inspect.signature(Cache.get)) == "(self, /, key, default=None)"
    assert str(inspect.signature(Cache.set)) == "(self, /, key, value, expire=None)"
    assert str(inspect.signature(Cache.namespace)) == "(self, name: 'str') -> 'Namespace'"
