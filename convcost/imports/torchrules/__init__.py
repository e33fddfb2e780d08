"""What functions of torch are, as operators: one rule each, which takes what the function takes.

A rule emits one of our operators, where it is just that; a NoRuleError, or arguments that it does not know, leave the
function to `Tracer._step`. Importing this package imports torch.
"""

from convcost.imports.torchrules import elementwise, moves, norms, poolings, products, reductions  # which enter theirs
from convcost.imports.torchrules.common import RULES, stored

__all__ = ["RULES", "elementwise", "moves", "norms", "poolings", "products", "reductions", "stored"]
