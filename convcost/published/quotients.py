"""Quotients: two counts of one kind divided, such as the share of a network's multiply-adds that a layer has.

A quotient is kept as a whole number, so that what holds of counts holds of it: twice the millionths of a millionth in
it, and one more if there is a rest. So it stands where it is among all that can be printed, and half way between them:
equal to one of these only if it is that one.
"""

from __future__ import annotations

from convcost.exact.integers import Int

OF = {"shares of params": "params", "shares of ops": "ops"}
"""What is divided, by what the quotient is called, of a part and its whole."""
RATIOS = {"ratios of params": "params", "ratios of ops": "ops"}
"""The same of two networks."""
QUOTIENTS = {**OF, **RATIOS}
_STEP, _STEPS = 1000, 4
ONE = 2 * _STEP**_STEPS
"""What the quotient of two equal counts is."""
MOST_TIMES = 10**6
"""No network has more times what another has: such quotients are no int64."""
MOST_DECIMALS = 9
"""Of a percentage that is read: half a unit of the last one is a whole number, too."""


def quotient(part: Int, whole: Int) -> Int:
    """The quotient of two counts, `whole` above 0, of ints or arrays: by long division, for which an int64 will do."""
    found, rest = part // whole, part % whole
    for _ in range(_STEPS):
        found, rest = found * _STEP + rest * _STEP // whole, rest * _STEP % whole
    return 2 * found + (rest > 0)
