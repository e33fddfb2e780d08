"""Values of knobs, axes and options as people write them: one reader of NAME=VALUE, one writer of values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from convcost.errors import ConvcostError


def _first(text: str) -> int:
    return text.find("=")


def named(text: str, option: str, form: str, sign: Callable[[str], int] = _first) -> tuple[str, str]:
    """NAME=VALUE as (name, value), without the spaces around them; a value may have equals signs of its own.

    Args:
        text: what was given.
        option: what errors call the place where it stands: `--set`.
        form: how it is written there: `knob=value`.
        sign: finds the equals sign, -1 for none; by default the first one is it.

    Raises:
        ConvcostError: it is not of this form, or one of the two is missing.
    """
    at = sign(text)
    name, value = text[: max(at, 0)].strip(), text[at + 1 :].strip()
    if not (name and value):
        raise ConvcostError(f"{option} {text.strip()!r}: write it as {form}")
    return name, value


def all_named(texts: Iterable[str], option: str, form: str, sign: Callable[[str], int] = _first) -> dict[str, str]:
    """Several NAME=VALUE. Raises ConvcostError as `named` does, and for a name that stands twice."""
    values: dict[str, str] = {}
    for text in texts:
        name, value = named(text, option, form, sign)
        if name in values:
            raise ConvcostError(f"{option} {name}: given twice")
        values[name] = value
    return values


def listed(text: str) -> list[str]:
    """NAME=VALUE,NAME=VALUE,... taken apart; a value may have commas of its own, as in max(a, b)."""
    return re.split(r",(?=\s*\w+\s*=)", text)


def show(value: Any) -> str:
    """A value as it is given, so that it can be given again: 0.35, 1/3, true, [3,4,6,3], a word.

    Without spaces, which end a knob in `resnet50 units=[3,4,6,3]`.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(show, value))}]"
    if isinstance(value, Fraction) and (places := decimal_places(value.denominator)) is not None:
        return decimal(value.numerator * 10**places // value.denominator, places)
    if hasattr(value, "dtype") and value.shape:
        return f"[{len(value)} values]"
    return "none" if value is None else str(value)


def got(value: Any) -> str:
    """A value as errors say it: a word in quotes, and nothing longer than a line takes."""
    text = repr(value) if isinstance(value, str) else show(value)
    return text if len(text) <= 60 else text[:57] + "..."


def decimal_places(denominator: int) -> int | None:
    """How many decimals a number with this denominator needs; None if no number of them is enough."""
    rest, twos, fives = denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def decimal(scaled: int, places: int) -> str:
    """scaled / 10**places, written out without zeros at the end."""
    digits = f"{abs(scaled):0{places + 1}}"
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".") if places else digits
    return "-" * (scaled < 0) + text
