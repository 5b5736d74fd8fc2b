"""What the README says of frameworks and of other clients is run as it stands there; the adapters' own examples, too."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nearcache
import pytest

README = Path(__file__).parents[2] / "bindings/python/README.md"
# The first and the store's are in tests/python. Each of the others is told by a word of it.
BLOCKS = [
    (language, code)
    for language, code in re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)[1:]
    if "nearcache.Store" not in code
]
NAMES = ["CACHES", "flask_caching", "dogpile", "AsyncCache", "compat.pymemcache"]


def run(name: str) -> dict[str, Any]:
    """The names that the block defines."""
    (code,) = [code for language, code in BLOCKS if name in code and language == "python"]
    names: dict[str, Any] = {"__name__": "readme"}
    # A machine that tests need not have so much shared memory.
    exec(compile(code.replace("256MiB", "8MiB"), "README.md", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def unlinked() -> Any:
    yield
    nearcache.unlink("app")


def test_each_block_is_run() -> None:
    assert [language for language, _ in BLOCKS] == ["python"] * len(NAMES)
    assert all(sum(name in code for _, code in BLOCKS) == 1 for name in NAMES)


def test_django() -> None:
    # Settings are of a process.
    program = f"""if True:
        import nearcache
        from django.conf import settings
        settings.configure(**{ {key: value for key, value in run("CACHES").items() if key.isupper()}!r})
        from django.contrib.sessions.backends.cache import SessionStore
        from django.core.cache import cache
        cache.set("k", ["v"], 60)
        session = SessionStore()
        session["name"] = "Ada"
        session.save()
        app = nearcache.Cache(name="app")
        assert len(app) == 2 and app.info().size == 8 << 20 and app.info().mode == 0o600, app.info()
    """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_flask() -> None:
    names = run("flask_caching")
    with names["app"].app_context():
        assert names["cache"].set("k", ["v"])
        assert names["cache"].get("k") == ["v"]
    assert len(nearcache.Cache(name="app")) == 1


def test_dogpile() -> None:
    region = run("dogpile")["region"]
    assert region.get_or_create("k", lambda: "made") == region.get("k") == "made"
    assert "k" in nearcache.Cache(name="app")


def test_coroutines() -> None:
    assert asyncio.run(run("AsyncCache")["main"]()) == {"name": "Ada"}
    assert nearcache.Cache(name="app")["users:7"] == {"name": "Ada"}


def test_a_client() -> None:
    assert run("compat.pymemcache")["client"].get("greeting") == b"hello"
    assert nearcache.Cache(name="app")["greeting"] == b"hello"


@pytest.mark.parametrize("name", ["aio", "django", "dogpile", "flask_caching", "compat.pylibmc", "compat.pymemcache"])
def test_the_adapters_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"nearcache.{name}"))
    assert (result.failed, result.attempted > 0) == (0, True)
