"""The documentation and the types are true: examples run, each name is documented, the stubs fit the module."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import nearcache
import nearcache._bigint
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
METHODS = sorted(
    name
    for kind in nearcache.Cache.__mro__
    if kind.__module__.startswith("nearcache")
    for name in vars(kind)
    if not name.startswith("_")
)
# Classes that are written in Python: their methods' examples run where there are any, and each is documented.
CLASSES = [nearcache.Namespace, nearcache.Lock, nearcache.Memoized, nearcache.AsyncMemoized]


def run_examples(name: str, text: str) -> int:
    cache = nearcache.Cache("64MiB")
    globs = {"nearcache": nearcache, "c": cache, "__name__": "__main__", **vars(nearcache._bigint)}
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


@pytest.mark.parametrize(
    "documented",
    [nearcache, nearcache.Cache, nearcache._bigint.to_decimal, nearcache._bigint.from_decimal],
    ids=lambda documented: str(documented.__name__),
)
def test_the_module_and_its_functions_are_documented_by_examples_that_run(documented: object) -> None:
    text = inspect.getdoc(documented)
    assert text
    assert run_examples(str(documented), text) > 0


@pytest.mark.parametrize("documented", CLASSES, ids=lambda kind: str(kind.__name__))
def test_the_other_classes_are_documented_and_their_examples_run(documented: type) -> None:
    for name, method in [("", documented), *vars(documented).items()]:
        if not name.startswith("_") and name not in ("cache", "name"):
            text = inspect.getdoc(method)
            assert text, name
            run_examples(f"{documented.__name__}.{name}", text)


def test_the_readme_runs() -> None:
    text = (ROOT / "bindings/python/README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})


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


def test_the_stubs_fit_the_module() -> None:
    mypy("mypy.stubtest", "nearcache._native")


def test_the_package_is_typed() -> None:
    mypy("mypy", "--strict", "--package", "nearcache")


def test_the_tests_and_the_driver_are_typed() -> None:
    mypy("mypy", "--strict", *map(str, HERE.glob("*.py")), str(ROOT / "tests/drivers/driver.py"))


def test_the_package_says_that_it_is_typed() -> None:
    package = Path(nearcache.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_native.pyi").exists()
