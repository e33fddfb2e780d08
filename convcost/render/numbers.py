"""How a number reads: short, in full, as a percentage. Integer arithmetic throughout; halves go up, away from
zero.
"""

from __future__ import annotations

from fractions import Fraction

_DIGITS = 6
"""Significant digits of a fraction that has more."""
_THOUSANDS = ("", "K", "M", "G", "T", "P", "E", "Z", "Y")


def short(number: int | Fraction) -> str:
    """Three significant digits, with K, M, G, ... for powers of 1000: "1.58G". Integers below 1000 stand as
    they are.

    From 1000 Y (10^27) on, and for fractions below 0.001, the power of ten is written out: "1.00e27".
    """
    numerator, denominator = _parts(number)
    sign = "-" if number < 0 else ""
    if denominator == 1 and numerator < 1000:
        return f"{sign}{numerator}"
    # digits * 10^(exponent - 2), with 100 <= digits < 1000
    exponent = len(str(numerator)) - len(str(denominator))
    if numerator * 10 ** max(-exponent, 0) < denominator * 10 ** max(exponent, 0):
        exponent -= 1
    digits = _half_up(numerator * 10 ** max(2 - exponent, 0), denominator * 10 ** max(exponent - 2, 0))
    if digits == 1000:
        digits, exponent = 100, exponent + 1
    if not -3 <= exponent < 3 * len(_THOUSANDS):
        return f"{sign}{_decimal(digits, 2)}e{exponent}"
    thousands = max(exponent, 0) // 3
    return f"{sign}{_decimal(digits, 2 - exponent + 3 * thousands)}{_THOUSANDS[thousands]}"


def in_full(number: int | Fraction) -> str:
    """Every digit, in groups of three: "1,582,671,872"; a fraction as `plain` has it: "3,333.33"."""
    whole, point, decimals = plain(number).partition(".")
    return f"{'-' * whole.startswith('-')}{abs(int(whole)):,}{point}{decimals}"


def in_bytes(number: int | Fraction, *, exact: bool) -> str:
    """Bytes, in powers of 1000: "9.63 MB", "803 KB"; in full "9,633,792 B"."""
    text = in_full(number) if exact else short(number)
    letter = text[-1] if text[-1] in _THOUSANDS else ""
    return f"{text.removesuffix(letter)} {letter}B"


def plain(number: int | Fraction) -> str:
    """The number as programs read it, "0.0512183": of a fraction six significant digits, or fewer if these are all."""
    numerator, denominator = _parts(number)
    if denominator == 1:
        return str(number)
    places = _DIGITS + len(str(denominator)) - len(str(numerator))
    if numerator * 10 ** max(places - _DIGITS, 0) >= denominator * 10 ** max(_DIGITS - places, 0):
        places -= 1
    places = max(places, 0)
    digits = _half_up(numerator * 10**places, denominator)
    text = f"{digits:0{places + 1}}"
    text = f"{text[:-places]}.{text[-places:]}".rstrip("0").rstrip(".") if places else text
    return f"{'-' if number < 0 else ''}{text}"


def percent(share: int | Fraction) -> str:
    """100 times the share, with one decimal: "12.3%". Only nothing is shown as "0%": a trace is "<0.1%" (or
    ">-0.1%").
    """
    numerator, denominator = _parts(share)
    tenths = _half_up(1000 * numerator, denominator)
    if tenths == 0:
        return "0%" if numerator == 0 else "<0.1%" if share > 0 else ">-0.1%"
    return f"{'-' if share < 0 else ''}{_decimal(tenths, 1)}%"


def _parts(number: int | Fraction) -> tuple[int, int]:
    """Numerator and denominator of the number without its sign."""
    return abs(number.numerator), number.denominator


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _decimal(digits: int, places: int) -> str:
    """The integer with its last `places` digits behind the point."""
    whole, rest = divmod(digits, 10**places)
    return f"{whole:,}.{rest:0{places}}" if places else f"{whole:,}"
