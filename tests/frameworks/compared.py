"""The same calls on another's client and on ours: what both return or raise, as something that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = Callable[[Any], Any]


def outcome(step: Step, client: Any) -> Any:
    """What the call returns, or its exception's class and the words that came from a server."""
    try:
        return step(client)
    except Exception as error:
        words = [argument for argument in error.args if isinstance(argument, bytes)]
        return (type(error), *words)


def compare(theirs: Any, ours: Any, steps: dict[str, Step]) -> None:
    """Runs all steps on both; the text of a step says what differed."""
    differences = []
    for text, step in steps.items():
        expected, got = outcome(step, theirs), outcome(step, ours)
        if expected != got or type(expected) is not type(got):
            differences.append(f"{text}: {expected!r} there, {got!r} here")
    assert not differences, "\n".join(differences)


def steps(text: str, **names: Any) -> dict[str, Step]:
    """One step for each line, an expression in which c is the client."""
    made: dict[str, Step] = {}
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines()))):
        code = compile(f"lambda c: ({line})", line, "eval")
        made[f"{number}: {line}"] = eval(code, dict(names))
    return made
