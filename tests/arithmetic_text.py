"""Reading arithmetic that is shown: exact quotients, and the names of a traced number."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction

from convcost.exact.traced import Call, Product, Sum, Traced

FUNCTIONS = {
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "gcd": lambda a, b: math.gcd(int(a), int(b)),
}


def evaluated(text: str, names: Mapping[str, int]) -> Fraction:
    """What an expression comes to, every number in it a fraction."""
    exact = re.sub(r"(?<![\w.])\d+", r"Fraction(\g<0>)", text)
    values = {name: Fraction(value) for name, value in names.items()}
    return Fraction(eval(exact, {"__builtins__": {}, "Fraction": Fraction, **FUNCTIONS, **values}))  # noqa: S307  # ours


def names_in(traced: Traced) -> dict[str, int]:
    """Its names with their values, which must be the same wherever one stands."""
    match traced.form:
        case str(name):
            return {name: traced.value}
        case Sum(parts) | Product(parts):
            inside = [part for _, part in parts]
        case Call(_, arguments):
            inside = list(arguments)
        case _:
            return {}
    found: dict[str, int] = {}
    for part in inside:
        for name, value in names_in(part).items():
            assert found.setdefault(name, value) == value, f"{name} is {value} and {found[name]}"
    return found
