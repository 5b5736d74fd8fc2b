"""A FastCGI client as small as the tests need it: one request for each connection, over a unix socket."""

from __future__ import annotations

import socket
import struct

from load import PATIENCE, Hangs, Lost

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
RESPONDER = 1


def request(path: str, script: str, body: bytes) -> str:
    """Has the script answer a POST; the body of its answer, of which nothing may be complained."""
    head, said, complaints = exchange(path, script, body)
    assert complaints == "", complaints
    assert "Status:" not in head, said
    return said


def exchange(path: str, script: str, body: bytes) -> tuple[str, str, str]:
    """Has the script answer a POST; the head and the body of its answer, and what it complained of beside them."""
    names = {
        "SCRIPT_FILENAME": script,
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
    }
    params = b"".join(_pair(name.encode(), value.encode()) for name, value in names.items())
    begin = struct.pack(">HB5x", RESPONDER, 0)
    wire = _record(BEGIN, begin) + _record(PARAMS, params) + _record(PARAMS, b"")
    for start in range(0, len(body), 0xFFFF):
        wire += _record(STDIN, body[start : start + 0xFFFF])
    wire += _record(STDIN, b"")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(path)
            connection.sendall(wire)
            return _answer(connection)
        except TimeoutError as error:
            raise Hangs(f"{script}: no answer in {PATIENCE} s") from error
        except (ConnectionError, FileNotFoundError) as error:
            raise Lost(str(error)) from error


def _pair(name: bytes, value: bytes) -> bytes:
    return struct.pack(">II", len(name) | 1 << 31, len(value) | 1 << 31) + name + value


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def _answer(connection: socket.socket) -> tuple[str, str, str]:
    said = b""
    complaints = b""
    while True:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", _exactly(connection, 8))
        content = _exactly(connection, length + padding)[:length]
        if kind == STDOUT:
            said += content
        elif kind == STDERR:
            complaints += content
        elif kind == END:
            break
    head, _, body = said.decode().partition("\r\n\r\n")
    return head, body, complaints.decode()


def _exactly(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = connection.recv(length - len(content))
        if not part:
            raise Lost("the connection ended before the answer did")
        content += part
    return content
