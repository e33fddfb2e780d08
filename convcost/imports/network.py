"""Imported networks, with the interface of those of a spec: what a spec says of them, and what the import found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from convcost.cost.doubts import without_rule
from convcost.cost.graph import Graph
from convcost.cost.inputs import Given, changed, sizes_of
from convcost.errors import ConvcostError, warn
from convcost.exact.integers import Int, is_symbolic
from convcost.imports.inputs import Known, completed
from convcost.imports.recipe import Recipe
from convcost.network import Network
from convcost.ops import Inputs, Shape, format_shape
from convcost.spec.document import Mark
from convcost.spec.inputs import Input, Several
from convcost.spec.model import Preset, Spec

if TYPE_CHECKING:
    from convcost.formulas.formula import Formula, LayerFormulas

KEPT = 32
"""Sizes of which the recipe is remembered."""


class Again(NamedTuple):
    """A call that imports a network."""

    make: Callable[..., ImportedNetwork]
    arguments: tuple[Any, ...]


@lru_cache(maxsize=KEPT)
def _imported_again(again: Again) -> ImportedSpec:
    """In a worker, once for all that it is asked."""
    return again.make(*again.arguments).spec


class ImportedSpec(Spec):
    """What takes a spec's place: no text and no knobs, but a way to run the network on an input of any size."""

    def __init__(
        self,
        name: str,
        run: Callable[[Shape], Recipe],
        example: Shape | None,
        source: str,
        guess: Shape | None = None,
        known: Known | None = None,
        again: Again | None = None,
    ) -> None:
        """Take what runs it, `known` being its inputs by name, where they are several or one has no shape yet."""
        self.text, self.file = "", name
        self.name = self.title = self.family = name
        self.source, self.notes = source, ""
        self.knobs = {}
        self.networks, self.variants = {name: Preset(name, {})}, {}
        self.sized = True
        self.example = example
        self.known: Known = known or {"input": example}
        self.again = again
        """What imports it in another process; None for an object of this one alone."""
        self._guess = guess
        self._run = run
        self._recipes: dict[Shape, Recipe] = {}

    def __reduce__(self) -> tuple[Callable[[Again], ImportedSpec], tuple[Again]]:
        if self.again is None:
            raise ConvcostError(
                f"{self.name}: a module of this process is not in another one: sweep it with one worker, or by its name"
            )
        return _imported_again, (self.again,)

    def defined_input(self, network: str, variant: str | None) -> Input | Several:
        """The example that it was imported with; without one the usual image, if it takes images, with a warning.

        Raises ConvcostError if neither is known.
        """
        shape = self.example
        if shape is None:
            if self._guess is None or len(self.known) > 1:
                completed(self.name, self.known, None)  # which says what is not known
            shape = self._guess or ()
            warn(f"{self.name}: its input is not said, {format_shape(shape)} is assumed")
        mark = Mark(self.name, 1, 1)
        if isinstance(shape, Inputs):
            return Several({name: Input(tuple(one), mark) for name, one in shape.of.items()}, mark)
        return Input(shape, mark)

    def recipe(self, input: Shape, own: Shape = ()) -> Recipe:
        """What runs on an input, of numbers or of symbols; these stand for sizes such as those of `own`.

        Raises ConvcostError where it does not run, and where it has no closed form.
        """
        recipe = self._recipes.pop(input, None)
        if recipe is None:
            if any(map(is_symbolic, sizes_of(input))):
                from convcost.imports.symbols import symbolic  # most are asked for numbers alone

                recipe = symbolic(self.name, input, own, self.recipe)
            else:
                recipe = self._traced(input)
        self._recipes[input] = recipe
        if len(self._recipes) > KEPT:
            del self._recipes[next(iter(self._recipes))]
        return recipe

    def _traced(self, input: Shape) -> Recipe:
        try:
            with redirect_stdout(sys.stderr):  # what a module prints is no part of what a command does
                return self._run(input)
        except ConvcostError as error:
            raise ConvcostError(f"{self.name} at {format_shape(input)}: {error}") from error
        except SystemExit as error:
            raise ConvcostError(f"{self.name} at {format_shape(input)}: it ends Python ({error.code})") from error


@dataclass(frozen=True)
class ImportedNetwork(Network):
    """A network that was imported: a torch module, or a model file. Get one with `from_torch`."""

    spec: ImportedSpec

    @property
    def recipe(self) -> Recipe:
        """What runs on its input."""
        return self.spec.recipe(self.input)

    @property
    def text(self) -> str:
        """What runs on its input, as text."""
        return self.recipe.said

    @property
    def unused(self) -> dict[str, int]:
        """Parameters that no output depends on, by name, with how many each is."""
        return self.recipe.unused

    def unused_on(self, input: Shape) -> dict[str, int]:
        """The same on another input."""
        return {} if any(map(is_symbolic, sizes_of(input))) else self.spec.recipe(input).unused

    @property
    def tied(self) -> dict[str, int]:
        """Parameters that several layers use, by name, and how many do."""
        return self.recipe.tied

    @property
    def unknown(self) -> dict[str, list[str]]:
        """Operators whose work nobody has said, and the layers that they are: with any, totals say 'at least'."""
        return self.recipe.unknown

    @property
    def per_forward(self) -> int:
        """Multiply-adds on parameters alone, once in a pass for all samples: no part of the totals."""
        return self.recipe.per_forward

    def shape(self, input: Given | str | None = None) -> Shape:
        """An input as (channels, *sizes); its example for None. Raises ConvcostError for what is none."""
        if input is None or self.spec.example is not None:
            return super().shape(input)
        return completed(self.name, self.spec.known, input)

    def formula(
        self,
        /,
        quantity: str = "macs",
        symbols: Sequence[str] | None = None,
        *,
        input: Given | str | None = None,
        batch: Int = 1,
        **knobs: Any,
    ) -> Formula:
        """The exact closed form of a quantity, as of any network, checked by running it at three other sizes.

        Raises ConvcostError also where a size decides what runs.
        """
        return super(ImportedNetwork, self._at(input)).formula(quantity, symbols, batch=batch, **knobs)

    def layer_formulas(
        self,
        /,
        quantity: str = "macs",
        symbols: Sequence[str] | None = None,
        *,
        input: Given | str | None = None,
        batch: Int = 1,
        **knobs: Any,
    ) -> LayerFormulas:
        """The exact closed forms of every layer, as `formula` is of all of them together."""
        return super(ImportedNetwork, self._at(input)).layer_formulas(quantity, symbols, batch=batch, **knobs)

    def to_spec(self, /, input: Given | str | None = None) -> str:
        """The text of a spec that is the same network, layer by layer: it has been read again.

        Raises ConvcostError, with the layer, for what no spec can say.
        """
        from convcost.imports.writing import sizes_said, spec_of

        shape = self.shape(input)
        graph = self._graph(shape)
        try:
            symbolic = self._on_symbols(shape) if sizes_said(graph) else None
            return spec_of(graph, self.spec.source, self.spec.recipe(shape).classes, symbolic)
        except ConvcostError as error:
            raise ConvcostError(f"{self.name}: no spec: {error}") from None

    def _on_symbols(self, shape: Shape) -> Graph | None:
        """The graph with a symbol for each size; None if there is no closed form, or of several inputs."""
        from convcost.exact.poly import symbol

        if isinstance(shape, Inputs):
            return None
        symbols = (shape[0], *(symbol(f"size_{axis}") for axis in range(1, len(shape))))
        try:
            return self.spec.recipe(symbols, shape).graph(self.reference)
        except ConvcostError:
            warn(f"{self.name}: it has no closed form, and the spec that of its sizes at {format_shape(shape)}")
            return None

    def _at(self, input: Given | str | None) -> ImportedNetwork:
        return self if input is None else replace(self, at=self.shape(input))

    def _graph(self, shape: Shape) -> Graph:
        """The graph on an input. Raises ConvcostError where it does not run."""
        sizes = sizes_of(shape)
        if any(hasattr(size, "dtype") for size in sizes):
            return self._on_arrays(shape)
        symbols = any(map(is_symbolic, sizes))
        graph = self.spec.recipe(shape, self.input if symbols else ()).graph(self.reference)
        if symbols:  # a form does not say "at least"
            for line in without_rule(graph).values():
                warn(line)
        return graph

    def _on_arrays(self, shape: Shape) -> Graph:
        """The graph on arrays of sizes, from that on symbols. Raises ConvcostError where there is no closed form."""
        from convcost.exact.poly import symbol

        values: dict[str, Int] = {}

        def named(size: Int) -> Int:
            if not hasattr(size, "dtype"):
                return size
            same = next((name for name, value in values.items() if value is size), f"size_{len(values) + 1}")
            values[same] = size
            return symbol(same)

        recipe = self.spec.recipe(changed(shape, named), self.input)
        return recipe.at(shape, values).graph(self.reference)
