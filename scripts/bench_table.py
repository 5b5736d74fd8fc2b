"""Joins what the benchmarks measured into one Markdown table.

    bench_table.py DIRECTORY

Each DIRECTORY/*.json is one part's list of comparisons: {"work", "peer", "ours", "theirs", "unit", "ratio"}, the
ratio being ours/theirs. The table goes to standard output and to DIRECTORY/summary.md.
"""

import json
import os
import platform
import sys
from datetime import datetime, timezone
from pathlib import Path

HEAD = ("part", "work", "against", "ours", "theirs", "unit", "ours/theirs", "better is")


def figure(value: float) -> str:
    """Three significant digits at least, and no digits that nobody reads."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cells(part: str, row: dict) -> tuple:
    """One comparison as the table's cells."""
    # Rates are per second; everything else that is measured is a cost.
    better = "more" if row["unit"].endswith("/s") else "less"
    texts = (part, row["work"], row["peer"])
    numbers = (figure(row["ours"]), figure(row["theirs"]))
    return (*(text.replace("|", "\\|") for text in texts), *numbers, row["unit"], f"{row['ratio']:.2f}", better)


def machine() -> str:
    """What it was measured on, in a line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    return f"`make bench` on {when}, {os.cpu_count()} cores, {model}, Linux {platform.release()}."


def read(file: Path) -> list:
    """One part's comparisons; a sentence if they are not what they should be."""
    try:
        return [cells(file.stem, row) for row in json.loads(file.read_text())]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SystemExit(f"error: {file} is not a list of comparisons: {error!r}") from error


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: bench_table.py DIRECTORY")
    directory = Path(sys.argv[1])
    files = sorted(directory.glob("*.json"))
    rows = [row for file in files for row in read(file)]
    if not rows:
        raise SystemExit(f"error: there are no results in {directory}")
    widths = [max(len(line[column]) for line in (HEAD, *rows)) for column in range(len(HEAD))]
    numeric = [title in ("ours", "theirs", "ours/theirs") for title in HEAD]
    rule = [("-" * (width - 1) + ":") if right else "-" * width for width, right in zip(widths, numeric)]
    lines = [
        "| " + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, numeric)) + " |"
        for line in (HEAD, rule, *rows)
    ]
    table = "\n".join([machine(), "", *lines, ""])
    (directory / "summary.md").write_text(table)
    print(table)
    print(f"also in {directory / 'summary.md'}")


if __name__ == "__main__":
    main()
