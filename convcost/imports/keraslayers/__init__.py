"""What layers and operations of Keras are, as operators of ours: one rule each, found by the class's name.

A rule that raises NoRuleError leaves a layer to be run, and its parts to their rules; of an operation it leaves a row
whose work nobody knows. Importing this module imports Keras.
"""

from convcost.imports.keraslayers import (  # enter theirs
    activations,
    joins,
    moves,
    norms,
    operations,
    poolings,
    products,
)
from convcost.imports.keraslayers.common import LAYERS, OPERATIONS

__all__ = [
    "LAYERS",
    "OPERATIONS",
    "activations",
    "joins",
    "moves",
    "norms",
    "operations",
    "poolings",
    "products",
]
