"""Functions whose results are kept in a cache: what Cache.memoize makes of a function or a coroutine function."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import pickle
import sys
from collections.abc import Callable, Coroutine, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, Union, cast, overload

from nearcache._flight import MISSING, Making, Terms, asingle, listed, single
from nearcache._native import _arguments

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from nearcache._cache import Cache
elif sys.version_info >= (3, 10):
    from typing import ParamSpec
else:
    # Only a name here: annotations are not looked at.
    ParamSpec = TypeVar

# That which knows of objects that are marked as such, as AsyncMemoized is.
_iscoroutinefunction = inspect.iscoroutinefunction if sys.version_info >= (3, 12) else asyncio.iscoroutinefunction

__all__ = ["KEY_MAX", "AsyncMemoized", "MemoInfo", "Memoized", "Memoizer", "Store", "Tags", "memoizer"]

P = ParamSpec("P")
R = TypeVar("R")
Key = Callable[..., Union[str, bytes]]
Tags = Union[Iterable[str], Callable[..., Iterable[str]]]

KEY_MAX = 250
# Bytes; twice as many hexadecimal digits.
DIGEST = 16


class Store(Protocol):
    """A cache or a namespace."""

    def get(self, key: str | bytes, default: Any = None) -> Any: ...
    def delete(self, key: str | bytes) -> bool: ...
    def _place(self, key: str | bytes) -> tuple[Cache, str | bytes]: ...


class MemoInfo(NamedTuple):
    """What a memoized function has done in this process: calls that were answered from the cache, and that were not."""

    hits: int
    misses: int


class _Counts:
    """Counted without a lock: threads may lose a few."""

    __slots__ = ("calls", "misses")

    def __init__(self) -> None:
        self.calls = 0
        self.misses = 0


class Memoized(Generic[P, R]):
    """A function whose results are kept in a cache; made by Cache.memoize.

    >>> @c.memoize(ttl=60)
    ... def add(a, b):
    ...     return a + b
    >>> add(1, 2), add(1, 2), add.cache_info()
    (3, 3, MemoInfo(hits=1, misses=1))
    """

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(
        self, store: Store, function: Callable[P, Any], key: Key | None, tags: Tags, terms: Terms, room: int
    ) -> None:
        # Before the rest: a function has attributes of its own, and a memoized one the same.
        functools.update_wrapper(self, _within(function))
        # A class method binds as one, and is called as the function in it.
        self._descriptor = function
        self._function = _within(function)
        self._store = store
        self._key = key
        self._tags = tags
        self._terms = terms
        self._bound: tuple[Any, ...] = ()
        self._counts = _Counts()
        self._name = _name(self._function, room, key is None)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        terms, counts = self._terms, self._counts
        key = self._key_of(args, kwargs)
        counts.calls += 1
        if not terms.early and terms.stale is None:
            found = self._store.get(key, MISSING)
            if found is not MISSING:
                return cast("R", found)

        def make() -> Any:
            counts.misses += 1
            return self._function(*args, **kwargs)

        return cast("R", single(*self._store._place(key), make, self._terms_of(args, kwargs)))

    def __get__(self, instance: object, owner: type | None = None) -> Memoized[..., R]:
        """The method of an instance or a class, which is the first argument like any other."""
        bind = getattr(type(self._descriptor), "__get__", None)
        method = self._function if bind is None else bind(self._descriptor, instance, owner)
        if method is self._function:
            return self
        bound = type(self).__new__(type(self))
        own = {"_descriptor": method, "_function": method, "__wrapped__": method, "__self__": method.__self__}
        bound.__dict__.update(self.__dict__, **own, _bound=(method.__self__,))
        return bound

    def __reduce__(self) -> Any:
        """By its name, as a function or a method is."""
        name = self.__dict__.get("__qualname__", self._name)
        return (getattr, (self._bound[0], self.__name__)) if self._bound else name

    def __repr__(self) -> str:
        return f"<nearcache.{type(self).__name__} {self._name}>"

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str | bytes:
        """Return the key under which the result of a call with these arguments is kept.

        >>> @c.memoize(key=lambda user: f"user:{user}")
        ... def name(user):
        ...     return "Ada"
        >>> name(1), name.cache_key(1), c["user:1"]
        ('Ada', 'user:1', 'Ada')
        """
        if self._key is None:
            self._fit(args, kwargs)
        return self._key_of(args, kwargs)

    def _key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | bytes:
        if self._key is not None:
            return self._key(*self._bound, *args, **kwargs)
        try:
            data = _arguments((*self._bound, *args), kwargs)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise TypeError(
                f"the arguments of {self._name} cannot be made into a key: {error}; give memoize key=, a function of "
                "the arguments that returns a key"
            ) from error
        return f"{self._name}:{blake2b(data, digest_size=DIGEST).hexdigest()}"

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result of a call with these arguments; False if there was none.

        >>> @c.memoize()
        ... def double(n):
        ...     return 2 * n
        >>> double(4), double.invalidate(4), double.invalidate(4)
        (8, True, False)
        """
        return self._store.delete(self.cache_key(*args, **kwargs))

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, keep its result whatever is there, and return it.

        >>> numbers = iter([1, 2])
        >>> @c.memoize()
        ... def following():
        ...     return next(numbers)
        >>> following(), following(), following.refresh(), following()
        (1, 1, 2, 2)
        """
        with self._remaking(args, kwargs) as making:
            value = self._function(*args, **kwargs)
            making.keep(value)
        return cast("R", value)

    def cache_info(self) -> MemoInfo:
        """Return how many calls of this process were answered from the cache, and how many ran the function.

        >>> @c.memoize()
        ... def zero():
        ...     return 0
        >>> zero(), zero(), zero(), zero.cache_info()
        (0, 0, 0, MemoInfo(hits=2, misses=1))
        """
        misses = self._counts.misses
        return MemoInfo(max(self._counts.calls - misses, 0), misses)

    def _fit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise TypeError for arguments that a call would refuse: what is asked of them is not just missing."""
        try:
            signature = inspect.signature(self._function)
        except ValueError:
            # A builtin that does not tell.
            return
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._name}{signature} is not called so: {error}") from None

    def _terms_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Terms:
        if callable(self._tags):
            return self._terms._replace(tags=self._tags(*self._bound, *args, **kwargs))
        return self._terms

    def _remaking(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Making:
        """To be entered before the function runs: the key and the tags are those from then."""
        self._counts.calls += 1
        self._counts.misses += 1
        return Making(*self._store._place(self._key_of(args, kwargs)), None, self._terms_of(args, kwargs))


class AsyncMemoized(Memoized[P, Coroutine[Any, Any, R]]):
    """A coroutine function whose results are kept in a cache; made by Cache.memoize.

    >>> import asyncio
    >>> @c.memoize(ttl=60)
    ... async def answer():
    ...     return 42
    >>> asyncio.run(answer()), asyncio.run(answer()), answer.cache_info().hits
    (42, 42, 1)
    """

    def __init__(
        self, store: Store, function: Callable[P, Any], key: Key | None, tags: Tags, terms: Terms, room: int
    ) -> None:
        super().__init__(store, function, key, tags, terms, room)
        # So that frameworks know that a call is to be awaited.
        if sys.version_info >= (3, 12):
            inspect.markcoroutinefunction(self)
        else:
            self._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined, unused-ignore]

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        terms, counts = self._terms, self._counts
        key = self._key_of(args, kwargs)
        counts.calls += 1
        if not terms.early and terms.stale is None:
            found = self._store.get(key, MISSING)
            if found is not MISSING:
                return cast("R", found)

        def make() -> Any:
            counts.misses += 1
            return self._function(*args, **kwargs)

        return cast("R", await asingle(*self._store._place(key), make, self._terms_of(args, kwargs)))

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Await the function, keep its result whatever is there, and return it."""
        with self._remaking(args, kwargs) as making:
            value = await self._function(*args, **kwargs)
            making.keep(value)
        return cast("R", value)


class Memoizer(Protocol):
    """What memoize returns: the decorator."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncMemoized[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Memoized[P, R]: ...


def memoizer(store: Store, key: Key | None, tags: Tags, terms: Terms, room: int) -> Memoizer:
    """The decorator; room is how long a key may be."""
    if callable(terms.ttl):
        raise TypeError("memoize has arguments: write @cache.memoize() or @cache.memoize(ttl=60)")
    if not callable(tags):
        # Listed once: an iterator would be empty at the second call.
        terms = terms._replace(tags=listed(tags))

    def decorate(function: Callable[..., Any], /) -> Memoized[..., Any]:
        within = _within(function)
        if inspect.ismethod(within):
            # Its instance is an argument of the function.
            return decorate(within.__func__).__get__(within.__self__)
        if inspect.isgeneratorfunction(within) or inspect.isasyncgenfunction(within):
            raise TypeError(f"{within.__qualname__} is a generator function, whose results cannot be kept: return a list")
        if not callable(within):
            kind = type(within).__name__
            raise TypeError(f"memoize is for functions, not {kind}; of a function that becomes one, write @{kind} above")
        made = AsyncMemoized if _iscoroutinefunction(within) else Memoized
        return made(store, function, key, tags, terms, room)

    return cast("Memoizer", decorate)


def _within(function: Any) -> Any:
    return function.__func__ if isinstance(function, (classmethod, staticmethod)) else function


def _name(function: Callable[..., Any], room: int, needed: bool) -> str:
    """What the function's keys begin with; a colon and the digest of the arguments come behind it."""
    if needed and not _is_named(function):
        raise TypeError(
            f"{function!r} has no name of its own, and cannot be told from others like it: give memoize key=, a function "
            "of the arguments that returns a key, or define a function with def"
        )
    name = f"{_module(function)}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    if len(name.encode()) <= room - 1 - 2 * DIGEST:
        return name
    return blake2b(name.encode(), digest_size=DIGEST).hexdigest()


def _is_named(function: Callable[..., Any]) -> bool:
    """Not so are a lambda, a partial, an object with __call__, and a builtin method of an object."""
    bound = getattr(function, "__self__", None)
    free = bound is None or inspect.ismodule(bound) or isinstance(bound, type)
    return free and not getattr(function, "__qualname__", "<lambda>").endswith("<lambda>")


def _module(function: Callable[..., Any]) -> str:
    """The function's module; of a script its path, as `__main__` is every script, and `__mp_main__` the same in its children."""
    name = getattr(function, "__module__", None) or "?"
    if name not in ("__main__", "__mp_main__"):
        return name
    main = sys.modules.get(name)
    spec = getattr(main, "__spec__", None)
    file: str | None = getattr(main, "__file__", None)
    return spec.name if spec is not None else os.path.abspath(file) if file else name
