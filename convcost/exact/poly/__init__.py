"""Exact symbolic integers: polynomials over symbols, floors, maxima and indicators, in canonical form.

    >>> from convcost.exact.poly import symbol
    >>> from convcost.exact.integers import ceildiv
    >>> H = symbol("H")
    >>> print(ceildiv(ceildiv(H, 2), 2))
    ceil(H/4)

Inside: `atoms` holds what forms are made of, `core` the ring, `rules` the canonical forms of floor, maximum and less,
`bounds` what is known of a value's range; `assume` answers questions, or writes down what has to hold, and `domain`
says where that is; `calculus`, `source`, `text` and `exchange` are what one does with a finished form.
"""

from convcost.exact.poly.core import Poly, symbol
from convcost.exact.poly.exchange import from_json
from convcost.exact.poly.source import compile_polys
from convcost.exact.poly.text import format_named, format_poly

__all__ = ["Poly", "compile_polys", "format_named", "format_poly", "from_json", "symbol"]
