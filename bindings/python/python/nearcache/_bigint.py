"""Decimal text of integers beyond ``sys.get_int_max_str_digits()``.

That limit guards servers against text from outside; what a cache converts is what its own process stored. Both ways
work by halves, on pieces below the smallest limit that can be set (640 digits).
"""

from __future__ import annotations

__all__ = ["from_decimal", "to_decimal"]

_PIECE = 600


def to_decimal(number: int) -> str:
    """The decimal digits of *number*, however many.

    >>> to_decimal(-(10**5000)) == "-1" + "0" * 5000
    True
    """
    if number < 0:
        return "-" + to_decimal(-number)
    # log10(2) is a little below 0.30103: never too few digits, at most one too many per 3.3 million.
    return _digits(number, number.bit_length() * 30103 // 100000 + 1).lstrip("0") or "0"


def from_decimal(digits: str) -> int:
    """The number that *digits*, an optional minus sign and ASCII digits, stand for.

    >>> from_decimal("-1" + "0" * 5000) == -(10**5000)
    True
    """
    if digits.startswith("-"):
        return -_number(digits[1:])
    return _number(digits)


def _digits(number: int, width: int) -> str:
    """*number* in *width* digits, zeros in front."""
    if width <= _PIECE:
        return str(number).zfill(width)
    low = width // 2
    high_part, low_part = divmod(number, 10**low)
    return _digits(high_part, width - low) + _digits(low_part, low)


def _number(digits: str) -> int:
    if len(digits) <= _PIECE:
        return int(digits)
    low = len(digits) // 2
    scale: int = 10**low
    return _number(digits[:-low]) * scale + _number(digits[-low:])
