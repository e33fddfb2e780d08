"""Closed forms as data for a page, where a few lines of JavaScript compute them in BigInt."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from convcost.errors import ConvcostError
from convcost.exact.poly import Poly
from convcost.exact.poly.exchange import to_json
from convcost.formulas.formula import Formula
from convcost.network import Network
from convcost.ops import Shape

QUANTITIES = ("macs", "params", "activations")
_KNOBS = 3
"""Sliders of knobs, beside those of sizes and batch: each form that is tried takes time."""


def formulas(network: Network, input: Shape, batch: int, most: int = _KNOBS) -> dict[str, Any] | None:
    """What sliders change, and the closed forms of each of QUANTITIES in them; None where there are none.

    Symbols are sizes, batch and those knobs, `most` at most, of which there is a closed form.
    """
    axes = ["L"] if len(input) == 2 else ["D", "H", "W"][-(len(input) - 1) :]
    symbols = ["batch", *axes]
    forms = _forms(network, symbols, input)
    if forms is None:
        return None
    settings = network.settings
    knobs = [name for name, knob in network.spec.knobs.items() if _is_number(settings[name]) and not knob.choices]
    for name in knobs:
        if len(symbols) < 1 + len(axes) + most and (more := _forms(network, [*symbols, name], input)) is not None:
            symbols, forms = [*symbols, name], more
    values = {"batch": batch, **dict(zip(axes, input[1:], strict=True)), **{name: settings[name] for name in knobs}}
    first = forms[QUANTITIES[0]]
    return {
        "sliders": [_slider(name, values[name], network) for name in symbols],
        "domain": str(first.domain),
        "least": {name: str(least) for name, least in first.domain.least.items()},
        "above": sorted(first.domain.above),
        "conditions": [{"value": _data(one.value), "relation": one.relation} for one in first.domain.conditions],
        "forms": {name: {"text": str(form), **_data(form.value)} for name, form in forms.items()},
    }


def _forms(network: Network, symbols: list[str], input: Shape) -> dict[str, Formula] | None:
    try:
        return {quantity: network.formula(quantity, symbols, input=input) for quantity in QUANTITIES}
    except ConvcostError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)


def _slider(name: str, value: int | Fraction, network: Network) -> dict[str, str]:
    """Its range: up to twice the value, in steps of a twentieth where it need not be an integer."""
    knob = network.spec.knobs.get(name)
    rational = isinstance(value, Fraction) or (knob is not None and knob.decimal)
    step = Fraction(1, 20) if rational else Fraction(1)
    most = max(2 * value, 64 if name == "batch" else 2)
    return {"name": name, "value": str(value), "least": str(step), "most": str(most), "step": str(step)}


def _data(value: Any) -> dict[str, Any]:
    """A polynomial, every number in it a text: JavaScript's are no integers beyond 2^53."""

    def texts(part: Any, *, is_term: bool = False) -> Any:
        if isinstance(part, list):
            if part and not isinstance(part[0], list) and is_term:
                return [str(part[0]), *part[1:]]
            return [texts(one, is_term=True) for one in part]
        return part if isinstance(part, bool) else str(part)

    found = to_json(value) if isinstance(value, Poly) else {"atoms": [], "terms": value}
    atoms = []
    for atom in found["atoms"]:
        if "symbol" in atom:
            atoms.append({"symbol": atom["symbol"]})
        else:
            inner = {
                key: [texts(one) for one in part] if key == "maximum" else texts(part) for key, part in atom.items()
            }
            atoms.append(inner)
    return {"atoms": atoms, "terms": texts(found["terms"])}
