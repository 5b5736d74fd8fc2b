"""The driver: memcached's conversations through the module, word for word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent.parent / "drivers" / "driver.py"

CONVERSATIONS = {
    "store and get": (
        b"set a 5 0 3\r\nabc\r\nget a\r\nget a b a\r\n",
        b"STORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\nVALUE a 5 3\r\nabc\r\nVALUE a 5 3\r\nabc\r\nEND\r\n",
    ),
    "data with line ends": (b"set a 0 0 6\r\na\r\nb\r\n\r\nget a\r\n", b"STORED\r\nVALUE a 0 6\r\na\r\nb\r\n\r\nEND\r\n"),
    "add and replace": (
        b"replace a 0 0 1\r\nx\r\nadd a 0 0 1\r\nx\r\nadd a 0 0 1\r\ny\r\n",
        b"NOT_STORED\r\nSTORED\r\nNOT_STORED\r\n",
    ),
    "append and prepend keep flags": (
        b"append a 0 0 1\r\nx\r\nset a 9 0 1\r\nb\r\nappend a 1 0 1\r\nc\r\nprepend a 1 0 1\r\na\r\nget a\r\n",
        b"NOT_STORED\r\nSTORED\r\nSTORED\r\nSTORED\r\nVALUE a 9 3\r\nabc\r\nEND\r\n",
    ),
    "cas": (
        b"cas a 0 0 1 1\r\nx\r\nset a 0 0 1\r\nx\r\ncas a 0 0 1 0\r\ny\r\n",
        b"NOT_FOUND\r\nSTORED\r\nEXISTS\r\n",
    ),
    "numbers": (
        b"incr n 1\r\nset n 3 0 2\r\n10\r\nincr n 5\r\ndecr n 6\r\nget n\r\nset n 0 0 1\r\nx\r\nincr n 1\r\n",
        b"NOT_FOUND\r\nSTORED\r\n15\r\n9\r\nVALUE n 3 2\r\n9 \r\nEND\r\nSTORED\r\n"
        b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
    ),
    "time": (
        b"set a 0 10 1\r\nx\r\ntouch a 20\r\ntouch b 1\r\nadvance 15\r\ngat 30 a b\r\nadvance 20\r\nget a\r\nadvance 20\r\nget a\r\n",
        b"STORED\r\nTOUCHED\r\nNOT_FOUND\r\nOK\r\nVALUE a 0 1\r\nx\r\nEND\r\nOK\r\nVALUE a 0 1\r\nx\r\nEND\r\nOK\r\nEND\r\n",
    ),
    "delete and flush": (
        b"delete a\r\nset a 0 0 1\r\nx\r\ndelete a\r\nset a 0 0 1\r\nx\r\nflush_all\r\nget a\r\nflush_all 10\r\n",
        b"NOT_FOUND\r\nSTORED\r\nDELETED\r\nSTORED\r\nOK\r\nEND\r\nOK\r\n",
    ),
    "noreply": (
        b"set a 0 0 1 noreply\r\nx\r\nincr a 1 noreply\r\ndelete b noreply\r\nflush_all 5 noreply\r\nget noreply\r\nget a\r\n",
        b"END\r\nVALUE a 0 1\r\nx\r\nEND\r\n",
    ),
    "too large": (
        b"set a 0 0 1\r\nx\r\nset a 0 0 1048576\r\n" + bytes(1048576) + b"\r\nget a\r\n",
        b"STORED\r\nSERVER_ERROR object too large for cache\r\nEND\r\n",
    ),
    "too long a key": (
        b"set " + b"k" * 251 + b" 0 0 1\r\nx\r\nget a " + b"k" * 251 + b"\r\nget " + b"k" * 250 + b"\r\n",
        b"CLIENT_ERROR bad command line format\r\n" * 2 + b"END\r\n",
    ),
    "bytes of every kind in a key": (
        b"set \x01\xe9\xff\t 0 0 1\r\nx\r\nget \x01\xe9\xff\t\r\n",
        b"STORED\r\nVALUE \x01\xe9\xff\t 0 1\r\nx\r\nEND\r\n",
    ),
    "unknown": (b"bogus\r\n\r\n", b"ERROR\r\nERROR\r\n"),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name: str) -> None:
    said, answered = CONVERSATIONS[name]
    run = subprocess.run([sys.executable, str(DRIVER)], input=said, capture_output=True, timeout=60)
    assert run.stderr == b""
    assert run.stdout == answered
    assert run.returncode == 0


def test_gets_and_cas() -> None:
    """The unique is the cache's own, so this conversation depends on the reply; it also shows that replies are flushed."""
    with subprocess.Popen([sys.executable, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as driver:
        assert driver.stdin and driver.stdout
        driver.stdin.write(b"set a 0 0 1\r\nx\r\ngets a\r\n")
        driver.stdin.flush()
        assert driver.stdout.readline() == b"STORED\r\n"
        unique = driver.stdout.readline().split()[4]
        driver.stdout.readline(), driver.stdout.readline()
        driver.stdin.write(b"cas a 0 0 1 %b\r\ny\r\ncas a 0 0 1 %b\r\nz\r\ngats 5 a\r\n" % (unique, unique))
        driver.stdin.close()
        rest = driver.stdout.read().splitlines()
        assert rest[:2] == [b"STORED", b"EXISTS"]
        assert rest[2].startswith(b"VALUE a 0 1 ") and rest[2].split()[4] != unique
        assert rest[3:] == [b"y", b"END"]
