"""A network as a plain PyTorch file: one nn.Module, its layers by name and its forward pass in the spec's order.

Importing this module imports torch.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import math
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
from convcost.torchbridge import layers
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
    chain = "x" if uses.get(0) == [len(graph.given)] else "y"
    variables = {0: "x"}
    learned: set[int] = set()
    """Tensors that are the same for every sample, and there once."""
    taken = ["x: torch.Tensor"]
    for n, (node, row, step) in enumerate(zip(graph.nodes, cost.rows, model.steps, strict=True), 1):
        if isinstance(node.op, ops.Input):
            variables[n] = named[node.name]
            taken.append(f"{variables[n]}: torch.Tensor")
            continue
        if learned.issuperset(node.inputs):
            learned.add(n)
        given = [variables[i] for i in node.inputs]
        if isinstance(node.op, ops.Concat) and not learned.issuperset(node.inputs):
            samples = next(name for i, name in zip(node.inputs, given, strict=True) if i not in learned)
            given = [
                f"{name}.expand({samples}.shape[0]{', -1' * len(x)})" if i in learned else name
                for i, name, x in zip(node.inputs, given, row.inputs, strict=True)
            ]
        alone = uses.get(n, []) == [n + 1] and n not in model.outputs
        variables[n] = chain if alone else named[node.name]
        expression = _expression(node, row, given)
        if expression is None:
            owner = node if node.shares is None else graph.nodes[node.shares]
            attribute = named[owner.name]
            if node.shares is None:
                made += _constructed(node, row, step.layer, attribute)
            expression = _called(step.layer, f"self.{attribute}", _prepared(node, row, given))
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
        f"    def forward(self, {', '.join(taken)}) -> {result}:",
        *(f"        {line}" for line in done),
        f"        return {outputs}",
    ]
    text = "\n".join(lines) + "\n"
    return text if "functional." in text else text.replace("from torch.nn import functional\n", "")


def _plain(text: str) -> str:
    """A text that ends no string of Python's and escapes nothing."""
    return re.sub(r'[\\"]|[^\x20-\x7e]', "?", text)


def _constructed(node: Node, row: Line, layer: nn.Module, attribute: str) -> list[str]:
    """The lines that make a layer of torch.nn, or what else is learned."""
    if isinstance(layer, layers.LayerScale):
        return [f"self.{attribute} = nn.Parameter(torch.ones({len(layer.weight)}))"]
    if isinstance(layer, layers.Parameter):
        return [f"self.{attribute} = nn.Parameter(torch.zeros({tuple(layer.weight.shape)}))"]
    if isinstance(layer, layers.RBF):
        return [f'self.register_buffer("{attribute}", torch.zeros({tuple(layer.points.shape)}))']
    if isinstance(layer, layers.GRN):
        zeros = f"nn.Parameter(torch.zeros({tuple(layer.weight.shape)}))"
        return [f'self.{attribute} = nn.ParameterDict({{"weight": {zeros}, "bias": {zeros}}})']
    if isinstance(layer, layers.OverAxes):
        return _constructed(node, row, layer.layer, attribute)
    if isinstance(layer, layers.LayerNormOverAxes):
        layer = nn.LayerNorm(layer.normalized_shape, elementwise_affine=layer.elementwise_affine)
    if isinstance(node.op, ops.Conv) and node.op.weight_norm:
        op = node.op.replace(weight_norm=False)
        (line,) = _constructed(node._replace(op=op), row, layers.build(op, row.inputs), attribute)
        made, conv = line.split(" = ")
        return [f"{made} = nn.utils.parametrizations.weight_norm({conv})"]
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


def _called(layer: nn.Module, attribute: str, given: list[str]) -> str:
    """The expression that a layer's output is."""
    if isinstance(layer, layers.LayerScale):
        return f"{given[0]} * {attribute}.view({', '.join(map(str, (-1, *(1,) * layer.after)))})"
    if isinstance(layer, layers.Parameter):
        if layer.learned is None:
            return attribute
        places = f"torch.arange({math.prod(layer.shape)}, device={attribute}.device) % {layer.learned}"
        return f"{attribute}[{places}].view{(1, *layer.shape)}"
    if isinstance(layer, layers.RBF):
        return f"(torch.flatten({given[0]}, 1).unsqueeze(1) - {attribute}).pow(2).sum(-1)"
    if isinstance(layer, layers.GRN):
        x = given[0]
        norm = f"torch.norm({x}, p=2, dim={layer.others}, keepdim=True)" if layer.others else f"{x}.abs()"
        # The norm and its mean over the channels are one tensor, which a plain expression has to name.
        scaled = f"{x} * ((n := {norm}) / (n.mean({layer.dim}, keepdim=True) + 1e-6))"
        return f'{attribute}["weight"] * ({scaled}) + {attribute}["bias"] + {x}'
    if isinstance(layer, (layers.OverAxes, layers.LayerNormOverAxes)):
        there, back = f"{layer.dims}, {layer.last}", f"{layer.last}, {layer.dims}"
        return f"{attribute}({given[0]}.movedim({there})).movedim({back}).contiguous()"
    return f"{attribute}({', '.join(given)})"


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
    if isinstance(op, ops.Power):
        base, exponent = _broadcast(row, given)
        return f"torch.pow({base}, {exponent})"
    if (sign := _SIGNS.get(type(op))) is not None:
        return f" {sign} ".join(_broadcast(row, given))
    if isinstance(op, ops.Shift):
        return f"{given[0]} + 1.0"
    if (function := _FUNCTIONS.get(type(op))) is not None:
        return f"{function}({', '.join(given)})"
    if isinstance(op, (ops.Mean, ops.Sum, ops.Amax)):
        return f"torch.{op.name}({given[0]}, {arguments.dim}, {arguments.keepdim})"
    if isinstance(op, ops.Slice):
        of = f"{_none(arguments.start)}:{_none(arguments.stop)}" + f":{arguments.step}" * (arguments.step != 1)
        return f"{given[0]}[{':, ' * (arguments.dim % (len(row.inputs[0]) + 1))}{of}]"
    if isinstance(op, ops.Reshape):
        return f"{given[0]}.reshape({given[0]}.shape[0], {', '.join(map(str, _tuple(arguments.shape)))})"
    if isinstance(op, ops.Permute):
        return f"{given[0]}.permute(0, {', '.join(map(str, _tuple(arguments.dims)))}).contiguous()"
    if isinstance(op, ops.Roll):
        return f"torch.roll({given[0]}, {arguments.shifts}, {arguments.dims})"
    if isinstance(op, ops.ResizeLike):
        return f'functional.interpolate({given[0]}, size={given[1]}.shape[2:], mode="{arguments.mode}")'
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


_SIGNS: dict[type[Op], str] = {ops.Add: "+", ops.Multiply: "*", ops.Subtract: "-", ops.Divide: "/"}
_FUNCTIONS: dict[type[Op], str] = {
    **{op: f"torch.{op.name}" for op in (ops.Exp, ops.Log, ops.Sqrt, ops.Rsqrt, ops.Square, ops.Abs, ops.MatMul)},
    ops.Attention: "functional.scaled_dot_product_attention",
    ops.MaskedAttention: "functional.scaled_dot_product_attention",
}


def _broadcast(row: Line, given: list[str]) -> list[str]:
    """Tensors with the trailing axes that some of them lack."""
    rank = max(map(len, row.inputs))
    axes = (", None" * (rank - len(x)) for x in row.inputs)
    return [f"{name}[...{more}]" if more else name for name, more in zip(given, axes, strict=True)]


def _tuple(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _none(value: int | None) -> str:
    return "" if value is None else str(value)
