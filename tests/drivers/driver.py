"""The Python face's driver: memcached text commands on stdin, each run through the module, memcached's replies on stdout.

It lets one table of memcached's semantics be run through every face. It parses, calls and words the answer; what a
command does is the module's business. One fresh cache of 64 MiB with the manual clock; `advance <seconds>` moves it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import nearcache

BAD_LINE = b"CLIENT_ERROR bad command line format\r\n"
STORED = {True: b"STORED\r\n", False: b"NOT_STORED\r\n"}
CAS = {True: b"STORED\r\n", False: b"EXISTS\r\n", None: b"NOT_FOUND\r\n"}


class Input:
    """stdin by lines and blocks; what was replied is flushed before each wait for more."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def line(self) -> bytes | None:
        """The next line without its end; None at the end of the input."""
        while (end := self._buffer.find(b"\n")) < 0:
            if not self._fill():
                return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def block(self, size: int) -> bytes | None:
        """A data block of `size` bytes and its line end."""
        while len(self._buffer) < size + 2:
            if not self._fill():
                return None
        data = bytes(self._buffer[:size])
        del self._buffer[: size + 2]
        return data

    def _fill(self) -> bool:
        sys.stdout.buffer.flush()
        more = os.read(sys.stdin.fileno(), 1 << 16)
        self._buffer += more
        return bool(more)


class Driver:
    def __init__(self) -> None:
        self.cache = nearcache.Cache("64MiB", manual_clock=True)
        self.input = Input()
        self.commands: dict[bytes, Callable[[bytes, list[bytes]], bytes]] = {
            b"get": self.get,
            b"gets": self.get,
            b"gat": self.gat,
            b"gats": self.gat,
            b"set": self.store,
            b"add": self.store,
            b"replace": self.store,
            b"append": self.store,
            b"prepend": self.store,
            b"cas": self.store,
            b"incr": self.number,
            b"decr": self.number,
            b"touch": self.touch,
            b"delete": self.delete,
            b"flush_all": self.flush_all,
            b"advance": self.advance,
        }

    def run(self) -> None:
        while (line := self.input.line()) is not None:
            # Only the space separates words: a key may hold any other byte.
            words = [word for word in line.split(b" ") if word]
            command = self.commands.get(words[0]) if words else None
            if command is None:
                sys.stdout.buffer.write(b"ERROR\r\n")
                continue
            quiet = words[-1] == b"noreply" and words[0] not in (b"get", b"gets", b"gat", b"gats")
            if quiet:
                words.pop()
            reply = self.answer(command, words)
            if not quiet:
                sys.stdout.buffer.write(reply)
        sys.stdout.buffer.flush()

    @staticmethod
    def answer(command: Callable[[bytes, list[bytes]], bytes], words: list[bytes]) -> bytes:
        try:
            return command(words[0], words[1:])
        except nearcache.IllegalKeyError:
            return BAD_LINE
        except nearcache.ValueTooLargeError:
            return b"SERVER_ERROR object too large for cache\r\n"
        except nearcache.OutOfMemoryError:
            return b"SERVER_ERROR out of memory storing object\r\n"
        except nearcache.NotNumericError:
            return b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
        except (ValueError, IndexError):
            return b"ERROR\r\n"

    def get(self, name: bytes, keys: list[bytes]) -> bytes:
        return values(keys, self.cache.gets_raw, name == b"gets")

    def gat(self, name: bytes, words: list[bytes]) -> bytes:
        expire = int(words[0])
        return values(words[1:], lambda key: self.cache.gats_raw(key, expire), name == b"gats")

    def store(self, name: bytes, words: list[bytes]) -> bytes:
        key, flags, expire, size = words[0], int(words[1]), int(words[2]), int(words[3])
        data = self.input.block(size)
        if data is None:
            return b""
        if name == b"cas":
            return CAS[self.cache.cas_raw(key, data, flags, int(words[4]), expire)]
        if name == b"append":
            return STORED[self.cache.append_raw(key, data)]
        if name == b"prepend":
            return STORED[self.cache.prepend_raw(key, data)]
        verbs = {b"set": self.cache.set_raw, b"add": self.cache.add_raw, b"replace": self.cache.replace_raw}
        return STORED[verbs[name](key, data, flags, expire)]

    def number(self, name: bytes, words: list[bytes]) -> bytes:
        verb = self.cache.incr if name == b"incr" else self.cache.decr
        number = verb(words[0], int(words[1]))
        return b"NOT_FOUND\r\n" if number is None else b"%d\r\n" % number

    def touch(self, _name: bytes, words: list[bytes]) -> bytes:
        return b"TOUCHED\r\n" if self.cache.touch(words[0], int(words[1])) else b"NOT_FOUND\r\n"

    def delete(self, _name: bytes, words: list[bytes]) -> bytes:
        return b"DELETED\r\n" if self.cache.delete(words[0]) else b"NOT_FOUND\r\n"

    def flush_all(self, _name: bytes, words: list[bytes]) -> bytes:
        self.cache.flush_all(int(words[0]) if words else 0)
        return b"OK\r\n"

    def advance(self, _name: bytes, words: list[bytes]) -> bytes:
        self.cache.advance_clock(int(words[0]))
        return b"OK\r\n"


def values(keys: list[bytes], read: Callable[[bytes], tuple[bytes, int, int] | None], cas: bool) -> bytes:
    """The VALUE lines of the keys that are there. An illegal key raises, and so discards the whole reply."""
    reply = bytearray()
    for key in keys:
        hit = read(key)
        if hit is not None:
            data, flags, unique = hit
            tail = b" %d" % unique if cas else b""
            reply += b"VALUE %b %d %d%b\r\n%b\r\n" % (key, flags, len(data), tail, data)
    return bytes(reply + b"END\r\n")


if __name__ == "__main__":
    Driver().run()
