"""A network as a plain PyTorch file: one nn.Module, its layers by name and its forward pass in the spec's order.

Importing this module imports torch.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import re
from typing import Any

from torch import nn

from convcost import ops
from convcost.cost.cost import Cost
from convcost.cost.graph import Node
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.ops import Op, format_shape
from convcost.ops.torchpadding import Windowed, explicit_pads, own_padding
from convcost.torchbridge.module import TorchModel

_TAKEN = {*dir(nn.Module()), "x", "y"}


def attributes(cost: Cost) -> dict[str, str]:
    """The attribute that each layer is in the module, by its name."""
    found: dict[str, str] = {}
    taken = {*_TAKEN}
    for node in cost.graph.nodes:
        name = re.sub(r"\W", "_", node.name, flags=re.ASCII)
        if not name[:1].isalpha() or keyword.iskeyword(name):
            name = f"layer_{name}"
        base, n = name, 2
        while name in taken:
            name, n = f"{base}_{n}", n + 1
        taken.add(name)
        found[node.name] = name
    return found


def code(cost: Cost) -> str:
    """The file. It needs torch alone, and pads for the input of the cost where torch's layers cannot pad.

    Raises ConvcostError, naming the layer, for one that is no layer of torch.nn and no plain expression of it.
    """
    graph = cost.graph
    named = attributes(cost)
    model = TorchModel(graph, cost.input)
    made: list[str] = []
    done: list[str] = []
    uses: dict[int, list[int]] = {}
    for n, node in enumerate(graph.nodes, 1):
        for tensor in node.inputs:
            uses.setdefault(tensor, []).append(n)
    # A tensor that only the next layer takes needs no name of its own; the input's is kept while it is needed.
    chain = "x" if uses.get(0) == [1] else "y"
    variables = {0: "x"}
    for n, (node, row, step) in enumerate(zip(graph.nodes, cost.rows, model.steps, strict=True), 1):
        given = [variables[i] for i in node.inputs]
        alone = uses.get(n, []) == [n + 1] and n not in model.outputs
        variables[n] = chain if alone else named[node.name]
        expression = _expression(node, row, given)
        if expression is None:
            owner = node if node.shares is None else graph.nodes[node.shares]
            attribute = named[owner.name]
            if node.shares is None:
                made += _constructed(node, step.layer, attribute)
            expression = f"self.{attribute}({', '.join(_prepared(node, row, given))})"
        done.append(f"{variables[n]} = {expression}")
    outputs = ", ".join(variables[i] for i in model.outputs)
    title = re.sub(r"\W", "_", graph.name.partition("@")[0].partition(" ")[0], flags=re.ASCII)
    name = "".join(part[:1].upper() + part[1:] for part in title.split("_")) or "Network"
    if not name.isidentifier():
        name = f"Network{name}"
    total, size = cost.total, format_shape(cost.input)
    result = "torch.Tensor" if len(model.outputs) == 1 else "tuple[torch.Tensor, ...]"
    lines = [
        f'"""{_plain(graph.name)} at {size}: {total.params:,} parameters, {total.macs:,} multiply-adds.',
        "",
        'Written by convcost.\n"""',
        "",
        "import torch",
        "from torch import nn",
        "from torch.nn import functional",
        "",
        "",
        f"class {name}(nn.Module):",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(f"        {line}" for line in made),
        "",
        f"    def forward(self, x: torch.Tensor) -> {result}:",
        *(f"        {line}" for line in done),
        f"        return {outputs}",
    ]
    text = "\n".join(lines) + "\n"
    return text if "functional." in text else text.replace("from torch.nn import functional\n", "")


def _plain(text: str) -> str:
    """A text that ends no string of Python's and escapes nothing."""
    return re.sub(r'[\\"]|[^\x20-\x7e]', "?", text)


def _constructed(node: Node, layer: nn.Module, attribute: str) -> list[str]:
    """The lines that make a layer of torch.nn."""
    plain = type(layer).__module__.startswith("torch.nn.") and getattr(nn, type(layer).__name__, None) is type(layer)
    text = repr(layer)
    if not plain or "\n" in text:
        raise ConvcostError(f"layer {node.name}: {node.op.name} is no single layer of torch.nn: no code for it")
    lines = [f"self.{attribute} = nn.{_short(text, type(layer))}"]
    if isinstance(node.op, ops.BatchNorm):
        left_out = [name for name, has in (("weight", node.op.scale), ("bias", node.op.shift)) if not has]
        if len(left_out) == 1:
            lines.append(f'self.{attribute}.register_parameter("{left_out[0]}", None)')
    return lines


def _short(text: str, layer: type[nn.Module]) -> str:
    """A layer's constructor as its repr has it, without arguments that have their default: releases differ in them."""
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call):
        return text
    defaults = {name: parameter.default for name, parameter in inspect.signature(layer).parameters.items()}
    call.keywords = [
        given
        for given in call.keywords
        if given.arg is None or defaults.get(given.arg, inspect.Parameter.empty) != ast.literal_eval(given.value)
    ]
    return ast.unparse(call)


def _prepared(node: Node, row: Line, given: list[str]) -> list[str]:
    """The layer's inputs, flattened or padded where the layer does not do that itself."""
    op, x = node.op, row.inputs[0] if row.inputs else ()
    if isinstance(op, ops.Linear) and op.dim is None:
        return given if len(x) == 1 else [f"torch.flatten({given[0]}, 1)"]
    if isinstance(op, Windowed) and own_padding(op, len(x) - 1) is None:
        sides = tuple(int(n) for pair in reversed(explicit_pads(op, x)) for n in pair)
        value = ', value=float("-inf")' if isinstance(op, ops.MaxPool) else ""
        return [f"functional.pad({given[0]}, {sides}{value})"]
    return given


def _expression(node: Node, row: Line, given: list[str]) -> str | None:
    """What is no layer of torch.nn, as an expression; None for a layer."""
    op: Op = node.op
    arguments: Any = op
    if isinstance(op, ops.Add):
        return " + ".join(given)
    if isinstance(op, ops.Multiply):
        rank = max(map(len, row.inputs))
        axes = (", None" * (rank - len(x)) for x in row.inputs)
        return " * ".join(f"{name}[...{more}]" if more else name for name, more in zip(given, axes, strict=True))
    if isinstance(op, ops.ZeroPad):
        sides = tuple(int(n) for pair in reversed(op.sides(row.inputs[0])) for n in pair)
        if min(sides) >= 0:  # torch cuts before it pads
            return f"functional.pad({given[0]}, {sides})"
        cut = f"functional.pad({given[0]}, {tuple(min(n, 0) for n in sides)})"
        return f"functional.pad({cut}, {tuple(max(n, 0) for n in sides)})" if max(sides) > 0 else cut
    if isinstance(op, ops.Scale):
        return f"{given[0]} * 1.0"
    if isinstance(op, ops.Concat):
        return f"torch.cat(({', '.join(given)}), {arguments.dim})"
    if isinstance(op, ops.Split):
        return f"{given[0]}.chunk({arguments.parts}, {arguments.dim})[{arguments.index}]"
    if isinstance(op, ops.ChannelShuffle) and len(row.shape) == 3:
        return f"functional.channel_shuffle({given[0]}, {arguments.groups})"
    if isinstance(op, ops.ChannelPad):
        before, after = arguments.before, arguments.after
        return f"functional.pad({given[0]}, ({'0, 0, ' * (len(row.shape) - 1)}{before}, {after}))"
    return None
