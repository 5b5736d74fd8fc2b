"""nearcached as libmemcached's memccapable sees it, which checks servers against the protocols' descriptions. memcached
itself fails two of its checks, in which `delete k 10` has to be an error; nearcached answers as memcached does."""

import re
import shutil
import subprocess

import pytest
from daemons import Daemon

FAILED_BY_MEMCACHED = {"ascii delete", "ascii delete noreply"}


def outcomes(daemon, protocol):
    """Each check by name, and whether it passed."""
    program = shutil.which("memccapable")
    assert program, "no memccapable: install libmemcached-tools"
    host, port = daemon.address
    done = subprocess.run(
        [program, "-h", host, "-p", str(port), protocol, "-t", "30"], capture_output=True, text=True, timeout=300
    )
    # What failed is said on standard error: here its name stands alone.
    checks = re.findall(r"((?:ascii|binary) [a-z ]+?) {2,}(\[pass\])?", done.stdout)
    found = {name: bool(passed) for name, passed in checks}
    assert found, done.stderr or done.stdout
    return found


@pytest.mark.parametrize(
    ("protocol", "count", "failing"), [("-a", 27, FAILED_BY_MEMCACHED), ("-b", 27, set())], ids=["text", "binary"]
)
def test_memccapable(tmp_path, protocol, count, failing):
    daemon = Daemon(tmp_path)
    found = outcomes(daemon, protocol)
    assert len(found) == count
    assert {name for name, passed in found.items() if not passed} == failing
    daemon.stop()
