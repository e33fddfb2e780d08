"""From a network to a closed form: which of its numbers are symbols, and what a quantity comes to on them.

The graph is built and priced once, on symbols. Where a spec chooses by a comparison that depends on the symbols ("if
the channels change"), it is built in both ways, and the costs are joined by the comparison; if they are equal, as they
mostly are, the choice is gone. What the layers need of the symbols is the formula's domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convcost.cost.cost import Cost, checked_batch
from convcost.counters.line import Line
from convcost.counters.rules import OPS, PARAMS
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, total
from convcost.exact.poly import Poly, symbol
from convcost.exact.poly.assume import Assumptions, assuming, explored
from convcost.formulas.formula import Formula, LayerFormulas, symbols_in
from convcost.ops import Inputs, Shape, inputs_of

if TYPE_CHECKING:
    from convcost.network import Network

QUANTITIES: dict[str, Callable[[Line], Int]] = {
    **{rule.name: rule.of for rule in (*PARAMS.values(), *OPS.values())},
    "activations": lambda line: line.activations,
}
"""What a formula can be of: a rule that papers count by, or activations; at inference."""
AXES: dict[int, tuple[str, ...]] = {0: (), 1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""What the spatial axes of an input are called, by their number."""
DEPTHS = ("units", "n")
"""The knobs by which specs repeat layers, of which the first that a network has is its depth."""


def size_names(input: Shape) -> dict[str, tuple[str, int]]:
    """What the sizes of an input are called, each with the input's name and its place in its shape.

    Those of several inputs' first are called as if it were the only one, of others `text_L` and `mask_H`.
    """
    found: dict[str, tuple[str, int]] = {}
    for number, (name, shape) in enumerate(inputs_of(input).items()):
        for place, axis in enumerate(AXES.get(len(shape) - 1, ()), 1):
            found[f"{name}_{axis}" if number else axis] = (name, place)
    return found


def resized(input: Shape, sizes: Mapping[str, Int]) -> Shape:
    """An input with other sizes, by `size_names`."""
    shapes = {name: list(shape) for name, shape in inputs_of(input).items()}
    for axis, (name, place) in size_names(input).items():
        shapes[name][place] = sizes.get(axis, shapes[name][place])
    whole = {name: tuple(shape) for name, shape in shapes.items()}
    return Inputs(whole) if isinstance(input, Inputs) else whole["input"]


def derive(network: Network, quantity: str, names: Sequence[str] | None, input: Any, batch: Int) -> Formula:
    """See `Network.formula`."""
    priced, variables = _symbolic(network, quantity, names, input, batch)
    count = QUANTITIES[quantity]

    def value() -> Int:
        # Every quantity is a sum over layers: the sums of all others are not needed.
        cost, times = priced()
        return total([count(row) for row in cost if not row.aux]) * times

    whole, requirements = explored(value)
    return Formula(network.reference, quantity, whole, variables, tuple(requirements))


def derive_layers(
    network: Network, quantity: str, names: Sequence[str] | None, input: Any, batch: Int
) -> LayerFormulas:
    """See `Network.layer_formulas`."""
    priced, variables = _symbolic(network, quantity, names, input, batch)
    with assuming(Assumptions()) as found:
        cost, times = priced()
    if found.asked:
        raise ConvcostError(f"{network.name}: what layers there are depends on the symbols: {found.asked[0].format()}")
    count = QUANTITIES[quantity]
    counts = {row.name: count(row) * times for row in cost if not row.aux}
    whole = Formula(network.reference, quantity, total([*counts.values()]), variables, tuple(found.required))
    return LayerFormulas(whole, counts)


def _symbolic(
    network: Network, quantity: str, names: Sequence[str] | None, input: Any, batch: Int
) -> tuple[Callable[[], tuple[Cost, Int]], tuple[Poly, ...]]:
    """What prices one sample on symbols, and says how many times the quantity comes in a batch; and the symbols."""
    if quantity not in QUANTITIES:
        known = did_you_mean(quantity, QUANTITIES) or f"; choose from {', '.join(QUANTITIES)}"
        raise ConvcostError(f"no formula for {quantity!r}{known}")
    _refuse_arrays(network, input, batch)
    whole = network.shape(input)
    axes = size_names(whole)
    names = tuple(axes) if names is None else names
    if not all(names):
        raise ConvcostError("a symbol has a name: H,W,width")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConvcostError(f"symbol {twice[0]} is named twice")
    variables: list[Poly] = []
    sizes: dict[str, Poly] = {}
    for name in names:
        if name in ("N", "batch") and name not in network.settings:
            batch = symbol(name)
            variables.append(batch)
        elif name in axes:
            sizes[name] = symbol(name)
            variables.append(sizes[name])
        else:
            network, more = _with_symbol(network, name, tuple(axes))
            variables += more
    shape = resized(network.shape(input), sizes)
    # Knobs that were given as symbols are arguments, too.
    variables += [v for value in network.settings.values() for v in symbols_in(value)]

    def priced() -> tuple[Cost, Int]:
        times = checked_batch(batch)
        return network.price(shape), 1 if quantity in PARAMS else times

    return priced, tuple(dict.fromkeys(variables))


def _refuse_arrays(network: Network, input: Any, batch: Int) -> None:
    """A formula is called on arrays; it is not made of them."""
    for name, value in {"input": input, "batch": batch, **network.knobs}.items():
        listed = isinstance(value, (list, tuple)) or (value is input and bool(getattr(value, "shape", ())))
        if any(getattr(part, "shape", ()) for part in (value if listed else (value,))):
            raise ConvcostError(f"{name}: a formula is not made of arrays: name a symbol, and call it on the array")


def _with_symbol(network: Network, name: str, axes: Sequence[str]) -> tuple[Network, list[Poly]]:
    """The network with a knob, each element of a list knob, or one element of it, as a symbol."""
    knobs = network.settings
    if name == "depth" and name not in knobs:
        name = next((knob for knob in DEPTHS if knob in knobs), name)
    if name in knobs and not isinstance(knobs[name], tuple):
        variable = _symbol(network, name, name)
        return network.set(**{name: variable}), [variable]
    knob, _, number = (name, "", "") if name in knobs else name.rpartition("_")
    values = knobs.get(knob, ())
    chosen = range(len(values)) if knob == name else [i for i in range(len(values)) if str(i + 1) == number]
    if not chosen:
        numbers = (
            knob
            for knob, value in knobs.items()
            if isinstance(value, (int, tuple, Fraction, Poly))
            and not isinstance(value, bool)
            and not network.spec.knobs[knob].choices
        )
        known = ("batch", *axes, *numbers)
        raise ConvcostError(f"{network.name} has no symbol {name!r}; choose from {', '.join(known)}")
    variables = {i: _symbol(network, knob, f"{knob}_{i + 1}") for i in chosen}
    mixed = tuple(variables.get(i, value) for i, value in enumerate(values))
    return network.set(**{knob: mixed}), [*variables.values()]


def _symbol(network: Network, knob: str, name: str) -> Poly:
    """A symbol that can be what the knob is anywhere in the spec: >= 1, unless it is 0 or rational there."""
    values = network.spec.values_of(knob)
    rational = network.spec.knobs[knob].decimal or any(isinstance(value, Fraction) for value in values)
    return symbol(name, at_least=0 if rational or 0 in values else 1, rational=rational)
