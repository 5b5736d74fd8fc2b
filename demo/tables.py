"""Tables on the terminal: aligned columns under a heading."""


def print_table(title: str, head: tuple, rows: list, words: int = 1) -> None:
    """The first `words` columns stand to the left, the others, numbers, to the right."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    print(f"\n{title}")
    for line in [head, tuple("-" * width for width in widths), *rows]:
        cells = (
            text.ljust(width) if column < words else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths))
        )
        print("  " + "   ".join(cells).rstrip())
