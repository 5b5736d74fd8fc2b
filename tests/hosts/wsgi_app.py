"""The application that gunicorn serves for the tests: does the operations of the request's body, in JSON, on one cache that
is made before the workers are forked (`--preload`). Values are made as history.py makes them; "once" and "never" are single
flight, with the producer's milliseconds and the seconds of stale."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import jobs
import nearcache
from history import value_of

cache = nearcache.Cache("64MiB", shared=True)


def do(verb: str, key: str, version: int, length: int) -> Any:
    match verb:
        case "get":
            return cache.get(key)
        case "set":
            return cache.set(key, value_of(key, version, length))
        case "delete":
            cache.delete(key)
            return True
        case "increment":
            return cache.incr(key, initial=1)
        case "once":
            return jobs.make_once(cache, key, version / 1000, length or None)
        case "never":
            return jobs.make_never(cache, key, length or None)
        case "check":
            try:
                cache.check()
            except nearcache.CacheError as error:
                return str(error)
            return True
        case "processes":
            return [process.pid for process in cache.processes()]
    raise ValueError(verb)


def app(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    operations = json.loads(environ["wsgi.input"].read())
    answer = {"pid": os.getpid(), "answers": [do(*operation) for operation in operations]}
    body = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
