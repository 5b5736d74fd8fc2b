"""What was measured, for people: a table in Markdown, the bars, and a chart as SVG, written by hand (no fonts or scripts from
elsewhere, readable on a light page and on a dark one; the looks are those of the engine's charts in tests/compare).
"""

from __future__ import annotations

import math
import os
import platform
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from contestants import GET, GET_DICT, SET, SUBSCRIPT, WORKS

ByName = dict[str, float]

OURS = ["nearcache", "nearcache, shared", "nearcache, named"]
# Told apart in both schemes, and by those who see no difference between red and green.
COLOURS = {GET: "#0072b2", SUBSCRIPT: "#56b4e9", SET: "#d55e00", GET_DICT: "#009e73"}
WIDTH, LEFT, RIGHT, LINE, TOP = 900.0, 190.0, 880.0, 22.0, 66.0
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.head{font-weight:600;font-size:15px}.ours{font-weight:600}"
    ".grid{stroke:#d0d7de;stroke-width:1}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}}"
)


@dataclass
class Report:
    """Medians in nanoseconds and spreads in percent, by work and contestant; the contestants' kinds, in their order."""

    medians: dict[str, ByName]
    spreads: dict[str, ByName]
    kinds: dict[str, str]
    missing: list[str]
    rounds: int

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "python.md").write_text(self.document())
        (directory / "python.svg").write_text(self.chart())

    def document(self) -> str:
        return "\n".join(
            [
                "# The Python module beside other caches",
                "",
                f"Nanoseconds an operation with the loop around it, medians of {self.rounds} rounds in which all took "
                "turns; keys are str of 20 bytes, values bytes of 32, 1000 keys, all present, one thread; beside each "
                "half of the width of the middle half of the rounds. Thread time; the clock's for pylibmc and pymemcache, "
                "whose memcached answers over a unix socket. dict, functools.lru_cache, cachebox, lru-dict, "
                "cachetools, theine and UltraDict hand out an object that they have; the others make one of bytes. "
                "`make bench-python REPORT=bindings/python/benches/results`",
                "",
                f"Measured on {machine()}, Python {platform.python_version()}.",
                "",
                "![Time of an operation](python.svg)",
                "",
                self.markdown(),
            ]
        )

    def markdown(self) -> str:
        lines = ["| | " + " | ".join(f"`{w}`" if w.startswith("c") else w for w in WORKS) + " |"]
        lines.append("|---|" + "---:|" * len(WORKS))
        for name in self.kinds:
            lines.append(f"| {name} | " + " | ".join(self.cell(work, name) for work in WORKS) + " |")
        lines += ["", *(f"Missing on this Python: {sentence}." for sentence in self.missing)]
        return "\n".join([*lines, *self.bars(), ""])

    def cell(self, work: str, name: str) -> str:
        if name not in self.medians[work]:
            return ""
        return f"{figure(self.medians[work][name])} ±{self.spreads[work][name]:.0f} %"

    def bars(self) -> list[str]:
        """How far the module is from what it is held to: a hit, by either way, of each of its kinds."""
        get = self.medians[GET]
        slowest = max(self.medians[work][name] for work in (SUBSCRIPT, GET) for name in OURS)
        told = ["| bar, for the slowest of c[k] and c.get(k), private, shared or named | measured | |", "|---|---:|---|"]
        for peer in ("cachebox.Cache", "cachebox.LRUCache"):
            if peer in get:
                told.append(bar(f"at most 2.5 times {peer}'s get", slowest / get[peer], 2.5))
        for peer in ("lru-dict", "cachetools.LRUCache", "UltraDict", "shared-memory-dict"):
            if peer in get:
                told.append(bar(f"faster than {peer}'s get", slowest / get[peer], 1.0))
        for peer in ("pylibmc", "pymemcache"):
            if peer in get:
                told.append(bar(f"150 times faster than {peer}", slowest / get[peer], 1 / 150))
        return told

    def chart(self) -> str:
        """A line for each contestant, on it a dot for each work, on a scale of powers of ten."""
        shown = {name: {w: self.medians[w][name] for w in COLOURS if name in self.medians[w]} for name in self.kinds}
        names = sorted(shown, key=lambda name: shown[name][GET])
        times = [time for works in shown.values() for time in works.values()]
        low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
        bottom = TOP + LINE * len(names) + 4
        svg = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {bottom + 30:.0f}" role="img">',
            "<title>Time of an operation in Python</title>",
            f"<style>{STYLE}</style>",
            '<text class="head" x="14" y="22">Time of an operation in Python (less is better)</text>',
        ]

        def at(time: float) -> float:
            return LEFT + (RIGHT - 20 - LEFT) * (math.log10(time) - low) / (high - low)

        x = 20.0
        for work, colour in COLOURS.items():
            svg.append(f'<circle cx="{x:.1f}" cy="40" r="5" fill="{colour}"/>')
            svg.append(f'<text x="{x + 10:.1f}" y="44">{escape(work)}</text>')
            x += 34 + 7.4 * len(work)
        for power in range(low, high + 1):
            x = at(10.0**power)
            svg.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12:.1f}" y2="{bottom:.1f}"/>')
            svg.append(f'<text x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{unit(power)}</text>')
        for line, name in enumerate(names):
            y = TOP + LINE * line
            svg.append(f'<line class="grid" x1="{LEFT:.1f}" x2="{RIGHT:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
            kind = ' class="ours"' if self.kinds[name] == "ours" else ""
            svg.append(f'<text{kind} x="{LEFT - 14:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>')
            for work, time in reversed(shown[name].items()):
                tip = f"{name}, {work}: {figure(time)} ns"
                svg.append(
                    f'<circle cx="{at(time):.1f}" cy="{y:.1f}" r="5" fill="{COLOURS[work]}">'
                    f"<title>{escape(tip)}</title></circle>"
                )
        return "\n".join([*svg, "</svg>", ""])


def bar(text: str, measured: float, most: float) -> str:
    shown = f"{measured:.2f}" if most >= 1 else f"1/{1 / measured:.0f}"
    return f"| {text} | {shown} | {'met' if measured <= most else 'missed'} |"


def figure(time: float) -> str:
    return f"{time:,.0f}" if time >= 100 else f"{time:.1f}"


def unit(power: int) -> str:
    name = ("ns", "µs", "ms", "s")[power // 3]
    return f"{10 ** (power % 3)} {name}"


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}"
