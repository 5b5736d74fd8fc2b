"""What the tests with frameworks share: a place for names away from the user's own, and a nearcached to compare with."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def place_for_names() -> Iterator[None]:
    directory = tempfile.mkdtemp(prefix="nearcache-frameworks-", dir="/dev/shm")
    os.environ["NEARCACHE_DIR"] = directory
    yield
    del os.environ["NEARCACHE_DIR"]
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The unix socket of a nearcached (named by NEARCACHED)."""
    directory: Path = tmp_path_factory.mktemp("nearcached")
    path = directory / "socket"
    process = subprocess.Popen(
        [os.environ["NEARCACHED"], "-u", "root", "-v", "-t", "1", "-s", str(path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip() == "nearcached: ready":
            break
    else:
        raise RuntimeError(f"nearcached ended with status {process.wait()}")
    yield str(path)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
