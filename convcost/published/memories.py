"""Memories: peak memory as a printed number can mean it, each rule of memory in 4, 2 or 1 bytes an element.

"SRAM" in a paper about microcontrollers is another rule's memory than "peak memory" in a profiler's output; which rules
there are, each with its source, is in `convcost.cost.memory_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcost.cost.cost import Cost
from convcost.cost.memory_rules import RULES
from convcost.errors import ConvcostError
from convcost.published.readings import MEMORY, SIZES_OF_ELEMENTS

MEASURES = {f"{name}{MEMORY}{said}": (name, size) for said, size in SIZES_OF_ELEMENTS.items() for name in RULES}
"""The rule and the bytes of an element, by what a reading calls the two: "residual memory in 1 byte"."""


def memories_of(cost: Cost, measures: Sequence[str]) -> Any:
    """The bytes by each measure: an int64 array (measures, ...), -1 where a rule has no number for these sizes.

    Of a cost of arrays a planner's arena has none.
    """
    import numpy as np

    found = []
    for name, size in map(MEASURES.__getitem__, measures):
        try:
            found.append(np.asarray(RULES[name].of(cost, size), "int64"))
        except ConvcostError:
            found.append(np.asarray(-1))
    return np.stack(np.broadcast_arrays(*found))
