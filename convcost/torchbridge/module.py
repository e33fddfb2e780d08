"""A graph as a real torch model: one submodule per node, under its own name. Importing this module imports torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convcost.cost.graph import Graph, Node
from convcost.errors import ConvcostError, reason
from convcost.ops import BatchNorm, Input, Shape, inputs_of
from convcost.torchbridge import layers


class Scope(nn.Module):
    """A scope of layer names: its layers are its submodules. It is never called."""


class Step(NamedTuple):
    """One node in execution. Tensors are numbered as in the graph: 0 is its input, i + 1 the output of node i.

    What is given for a node that is another input has the number below 0.
    """

    layer: nn.Module
    multiplies: bool
    inputs: tuple[int, ...]
    preparation: layers.Preparation | None
    output: int
    done: tuple[int, ...]
    """Tensors that no later step needs."""
    built: Hashable
    """What its layer and preparation were built from: where this is the same, they differ in their weights alone."""


class TorchModel(Scope):
    """The model of a graph, in evaluation mode: (N, C, *sizes) -> its output, several inputs in their order.

    It takes any size that the graph allows; weights that depend on the size (those of a linear layer behind a map) are
    made for `input`, by default the graph's own. Where there are several outputs, or auxiliary heads, it
    gives them all: (*outputs, *auxiliary). `paths` says where each node is: `inception_3a/5x5/reduce` is the submodule
    `inception_3a.5x5.reduce`; one that uses another's weights is that one's.
    """

    def __init__(self, graph: Graph, input: Shape | None = None) -> None:
        """Build every layer. Raises ConvcostError, naming the layer, if torch has none such or refuses to build it."""
        super().__init__()
        self.paths: dict[str, str] = {}
        self.steps: list[Step] = []
        numbers = range(1, len(graph.nodes) + 1)
        last_use = {i: number for number, node in zip(numbers, graph.nodes, strict=True) for i in node.inputs}
        self.outputs = (*graph.outputs, *(i for i in numbers if i not in last_use and i not in graph.outputs))
        scopes: dict[str, tuple[str, nn.Module]] = {"": ("", self)}
        self.given = graph.given
        shapes: list[Shape] = [tuple(input or graph.input), *(result.shape for result in graph.evaluate(input))]
        drawn = _Undrawn() if torch.get_default_device().type == "meta" else nullcontext()
        for number, node in zip(numbers, graph.nodes, strict=True):
            xs = tuple(shapes[i] for i in node.inputs)
            try:
                with drawn:
                    layer = self._made(node, xs)
            except ConvcostError as error:
                raise ConvcostError(f"layer {node.name}: {error}") from None
            except Exception as error:  # torch's, of any kind
                raise ConvcostError(f"layer {node.name}: torch: {reason(error)}") from error
            first = None if node.shares is None else graph.nodes[node.shares].name
            self.paths[node.name] = _adopt(scopes, node.name, layer) if first is None else self.paths[first]
            done = tuple(i for i in set(node.inputs) if last_use[i] == number and i not in self.outputs)
            taken = node.inputs
            if isinstance(node.op, Input):
                taken = done = (-number,)
            preparation = layers.preparation(node.op, xs)
            self.steps.append(
                Step(layer, node.op.multiplies, taken, preparation, number, done, (node.op, xs, node.shares))
            )
        self.eval()

    def _made(self, node: Node, xs: tuple[Shape, ...]) -> nn.Module:
        """The layer of a node, or the one whose weights it uses."""
        if isinstance(node.op, Input):
            return nn.Identity()
        return layers.build(node.op, xs) if node.shares is None else self.steps[node.shares].layer

    def numbered(self, *xs: Tensor) -> dict[int, Tensor]:
        """The inputs by the numbers that steps take them by."""
        return {-number: x for number, x in zip(self.given, xs, strict=True)}

    def forward(self, *xs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run the layers in the graph's order, letting go of every tensor after its last use."""
        tensors = self.numbered(*xs)
        del xs
        for layer, _, inputs, preparation, output, done, _ in self.steps:
            given = [tensors[i] for i in inputs]
            for i in done:
                del tensors[i]
            if preparation is not None:
                given = [preparation(given.pop())]
            tensors[output] = layer(*given)
        outputs = tuple(tensors[i] for i in self.outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    def outline(self, *xs: Tensor) -> Iterator[tuple[tuple[torch.Size, ...], torch.Size]]:
        """The shapes that each layer is given, and the one that it gives, of a forward pass on the meta device.

        Torch takes milliseconds for a layer there. Those that are built alike are run once on inputs that are alike.
        """
        tensors = self.numbered(*xs)
        known: dict[Hashable, tuple[tuple[torch.Size, ...], Tensor]] = {}
        for step in self.steps:
            given = [tensors[i] for i in step.inputs]
            alike = (step.built, *((x.shape, x.stride(), x.dtype) for x in given))
            if alike not in known:
                if step.preparation is not None:
                    given = [step.preparation(given.pop())]
                with torch.no_grad():
                    known[alike] = tuple(x.shape for x in given), step.layer(*given)
            shapes, tensors[step.output] = known[alike]
            yield shapes, tensors[step.output].shape


class _Undrawn(TorchFunctionMode):
    """Initial weights are not drawn: on the meta device there is nothing to draw, which takes as long as the layers."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The tensor that would be filled, as it is."""
        if function in _FILLING:
            return (kwargs or {}).get("tensor", args[0] if args else None)
        return function(*args, **(kwargs or {}))


_FILLING = frozenset({
    nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_, nn.init.constant_,
    Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_,
})  # fmt: skip
"""What torch's layers initialise their weights by."""


def samples(graph: Graph) -> int:
    """How many samples torch's layers need: two where a batch norm without statistics normalises by the batch's own.

    Behind a global pooling a batch of one would be a single value, which torch refuses, in evaluation mode as well.
    """
    return 2 if any(isinstance(node.op, BatchNorm) and not node.op.stats for node in graph.nodes) else 1


def zeros(input: Shape, batch: int, device: torch.device | str | None = None, **like: Any) -> tuple[Tensor, ...]:
    """A batch of zeros for each input of this shape."""
    return tuple(torch.zeros(batch, *shape, device=device, **like) for shape in inputs_of(input).values())


_NO_ROOM = re.compile(
    "can't allocate|not enough memory|out of memory|could not create a memory|ALLOC_FAILED|size .*overflow"
)


def too_large(error: Exception) -> bool:
    """Whether what torch raised is want of memory, or of numbers for a tensor's size, and no fault of its operands."""
    if isinstance(error, RuntimeError):  # of its allocators, by what they say: only the one of CUDA has a class for it
        return isinstance(error, torch.OutOfMemoryError) or _NO_ROOM.search(str(error)) is not None
    return isinstance(error, MemoryError)


def torch_device(name: str | torch.device) -> torch.device:
    """A device, or the one of a name. Raises ConvcostError if this torch has none such."""
    try:
        # torch takes numbers as well, for those of its accelerator.
        device = torch.device(name if isinstance(name, torch.device) else str(name))
    except RuntimeError:
        raise ConvcostError(f"unknown device {name!r}: cpu, cuda or meta") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConvcostError(f"device {name}: this torch finds no CUDA device")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:  # as each backend has it
        raise ConvcostError(f"device {name}: this torch finds none such ({str(error).partition('. ')[0]})") from None
    return device


def _adopt(scopes: dict[str, tuple[str, nn.Module]], name: str, module: nn.Module) -> str:
    """Make a module the submodule of its scope, and say its path.

    Its name is its own, but that torch allows no dot in it, and no attribute of the scope, such as `type`.
    """
    scope, _, part = name.rpartition("/")
    if scope not in scopes:
        scopes[scope] = (_adopt(scopes, scope, child := Scope()), child)
    prefix, parent = scopes[scope]
    part = part.replace(".", "_") or "_"
    while hasattr(parent, part):
        part += "_"
    parent.add_module(part, module)
    return f"{prefix}.{part}" if prefix else part
