"""The documentation and the types are true: examples run, each name is documented, the stubs fit the module."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nearcache
import pytest
from nearcache import aio

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
METHODS = sorted(
    name
    for kind in nearcache.Cache.__mro__
    if kind.__module__.startswith("nearcache")
    for name in vars(kind)
    if not name.startswith("_")
)
DURABLE = [nearcache.Store, nearcache.Queue, nearcache.Message, nearcache.Batch, nearcache.Snapshot]
# Adapters of frameworks are tested with those, by tests/frameworks.
MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(nearcache.__path__, "nearcache.")
    if found.name not in ("nearcache.django", "nearcache.dogpile", "nearcache.flask_caching")
)


def documented(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Names that a module's own things have, and their docstrings; members' included."""
    yield module.__name__, inspect.getdoc(module) or ""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) not in (module.__name__, "nearcache") or not callable(thing):
            continue
        yield name, inspect.getdoc(thing) or ""
        if isinstance(thing, type):
            for member, value in vars(thing).items():
                yield f"{name}.{member}", inspect.getdoc(value) or ""


def run_examples(name: str, text: str, **names: Any) -> int:
    cache = nearcache.Cache("64MiB")
    globs = {"nearcache": nearcache, "c": cache, "__name__": "__main__", **names}
    with contextlib.ExitStack() as opened:
        if re.search(r"\b(s|q|directory)\b", text):
            directory = Path(opened.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
            store = opened.enter_context(nearcache.Store(directory, policy="never"))
            globs |= {"directory": directory, "s": store, "q": store.queue("tasks")}
        test = doctest.DocTestParser().get_doctest(text, globs, name, None, None)
        report: list[str] = []
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
        assert result.failed == 0, "".join(report)
        return result.attempted


@pytest.mark.parametrize("name", METHODS)
def test_each_method_is_documented_by_an_example_that_runs(name: str) -> None:
    text = inspect.getdoc(getattr(nearcache.Cache, name))
    assert text
    assert run_examples(f"Cache.{name}", text) > 0


@pytest.mark.parametrize("name", ["nearcache", *MODULES])
def test_all_examples_of_all_modules_run(name: str) -> None:
    module = importlib.import_module(name)
    ran = {thing: run_examples(f"{name}.{thing}", text, **vars(module)) for thing, text in documented(module) if ">>>" in text}
    if not name.rpartition(".")[2].startswith("_") and name != "nearcache.compat":
        assert ran, f"{name} has no example"


def test_each_method_of_the_store_and_the_queues_has_an_example() -> None:
    # They run with all others of nearcache._native.
    for kind in DURABLE:
        for name, method in vars(kind).items():
            if not name.startswith("_"):
                assert ">>>" in (inspect.getdoc(method) or ""), f"{kind.__name__}.{name}"


@pytest.mark.parametrize("kind", [nearcache.Namespace, nearcache.Lock, nearcache.Memoized, nearcache.AsyncMemoized, aio.AsyncCache])
def test_the_other_classes_are_documented(kind: type) -> None:
    for name, method in [("", kind), *vars(kind).items()]:
        if not name.startswith("_"):
            assert inspect.getdoc(method), name


def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "bindings/python/README.md").read_text()
    # Those of frameworks are in tests/frameworks.
    first, *others = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for example in [first, *(example for example in others if "nearcache.Store" in example)]:
        exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


def test_each_public_name_is_documented() -> None:
    for name in nearcache.__all__:
        thing = getattr(nearcache, name)
        assert isinstance(thing, str) or inspect.getdoc(thing)
        if not isinstance(thing, str):
            assert thing.__module__ == "nearcache"


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert nearcache.__version__ == version("nearcache")


def mypy(*arguments: str) -> None:
    # From within the environment: mypy leaves its cache where it is started.
    command = [sys.executable, "-m", *arguments]
    run = subprocess.run(command, cwd=sys.prefix, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_stubs_fit_the_module(tmp_path: Path) -> None:
    # What nearcache/_cache.py puts onto the native class has its types there.
    put = [name for name in METHODS if inspect.isfunction(getattr(nearcache.Cache, name))]
    allowed = tmp_path / "allowed"
    allowed.write_text("".join(f"nearcache._native.Cache.{name}\n" for name in put))
    mypy("mypy.stubtest", "nearcache._native", "--allowlist", str(allowed))


def test_the_package_is_typed() -> None:
    mypy("mypy", "--strict", "--package", "nearcache")


def test_the_tests_and_the_driver_are_typed() -> None:
    mypy("mypy", "--strict", *map(str, HERE.glob("*.py")), str(ROOT / "tests/drivers/driver.py"))


def test_the_package_says_that_it_is_typed() -> None:
    package = Path(nearcache.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_native.pyi").exists()
