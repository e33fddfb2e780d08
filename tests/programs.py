"""Random integer programs: expression trees that any of convcost's three number systems can run, or plain Python.

A program is an int, a symbol's name, or a tuple of an operator and its operands; divisors are positive ints.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from convcost.exact import integers

LEAST = {"H": 1, "W": 1, "n": 0, "z": -3}
"""The symbols of a program and the least value each takes."""

CONVCOST = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": integers.floordiv,
    "ceildiv": integers.ceildiv,
    "%": operator.mod,
    "max": integers.maximum,
    "min": integers.minimum,
    "less": integers.less,
    "where": integers.where,
}
PYTHON = CONVCOST | {
    "ceildiv": lambda a, b: -(-a // b),
    "//": lambda a, b: a // b,
    "max": max,
    "min": min,
    "less": lambda a, b: 1 if a < b else 0,
    "where": lambda condition, a, b: a if condition == 1 else b,
}


def run(program: Any, values: dict[str, Any], operators: dict[str, Any]) -> Any:
    """The program's result where its symbols have these values."""
    if isinstance(program, tuple):
        name, *operands = program
        return operators[name](*(run(operand, values, operators) for operand in operands))
    return values[program] if isinstance(program, str) else program


def seeded(seed: int) -> random.Random:
    """The same numbers in every run."""
    return random.Random(seed)  # noqa: S311  # nothing secret depends on them


def random_program(rng: random.Random, leaves: int, names: Sequence[str] = tuple(LEAST)) -> Any:
    """A program of about this many leaves, over these symbols."""
    if leaves <= 1:
        return rng.choice([*names, *names, rng.randint(-9, 9), rng.randint(-9, 9), rng.randint(0, 300)])
    kind = rng.random()
    if kind < 0.35:
        return (rng.choice(("//", "//", "ceildiv", "%")), random_program(rng, leaves - 1, names), rng.randint(1, 8))
    left = rng.randint(1, leaves - 1)
    a, b = random_program(rng, left, names), random_program(rng, leaves - left, names)
    if kind < 0.42:
        return ("where", ("less", a, rng.randint(-2, 9)), a, b)
    return (rng.choice(("+", "+", "-", "*", "max", "min", "less")), a, b)


def programs(leaves: int = 6, *, ring: bool = False) -> st.SearchStrategy[Any]:
    """Programs for hypothesis, which shrinks them; of `+ - *` alone if a ring."""
    leaf = st.sampled_from(list(LEAST)) | st.integers(-9, 9)

    def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        extended = st.tuples(st.sampled_from(("+", "-", "*")), inner, inner)
        if not ring:
            extended |= st.tuples(st.sampled_from(("max", "min", "less")), inner, inner)
            extended |= st.tuples(st.sampled_from(("//", "ceildiv", "%")), inner, st.integers(1, 12))
            extended |= st.tuples(st.just("where"), st.tuples(st.just("less"), inner, inner), inner, inner)
        return extended

    return st.recursive(leaf, extend, max_leaves=leaves)


def points(largest: int = 60) -> st.SearchStrategy[dict[str, int]]:
    """A value for every symbol."""
    return st.fixed_dictionaries({name: st.integers(least, largest) for name, least in LEAST.items()})
