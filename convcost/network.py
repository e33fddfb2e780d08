"""Networks as a user handles them: loaded by name, built for a setting of their knobs, priced, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.doubts import warn_of
from convcost.cost.graph import Graph
from convcost.cost.inputs import Given, admitted
from convcost.errors import ConvcostError, did_you_mean, unwarned
from convcost.exact.context import in_force
from convcost.exact.integers import Int
from convcost.files.reading import lines
from convcost.ops import Inputs, Shape
from convcost.spec import document
from convcost.spec.catalog import Reference, UnknownNetworkError, resolve, shipped_files, split_settings
from convcost.spec.catalog import shipped as shipped_spec
from convcost.spec.inputs import parse_input
from convcost.spec.model import Spec, literal
from convcost.values import all_named, show

if TYPE_CHECKING:
    from convcost.formulas.formula import Formula, LayerFormulas


KEPT = 32
"""Graphs that a network remembers, by its knobs."""


@dataclass(frozen=True)
class Network:
    """A network of a spec, in one variant, with its knobs set. Get one with `load`."""

    spec: Spec = field(repr=False)
    network: str
    variant: str | None
    knobs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The knobs that were set by hand; see `settings` for all of them."""
    at: Shape | None = field(default=None, repr=False)
    """The input that its reference says, (channels, *sizes), if any: `mobilenet_v1 input=3x192x192`."""
    folds: bool = field(default=False, repr=False)
    """Whether its batch norms are folded; see `folded`."""
    _graphs: dict[tuple[object, ...], Graph] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Network and variant: `resnet50@v1.5`."""
        return f"{self.network}@{self.variant}" if self.variant is not None else self.network

    @property
    def reference(self) -> str:
        """The name and the knobs that were set, as tables refer to it: `mobilenet_v2 width=0.35`."""
        return " ".join([self.name, *(f"{name}={show(value)}" for name, value in self.knobs.items())])

    @property
    def input(self) -> Shape:
        """The input shape that it is priced on unless another is given, (channels, *sizes)."""
        return self.at or self.own_input

    @property
    def own_input(self) -> Shape:
        """The input shape that it is defined for, (channels, *sizes)."""
        own = self.spec.defined_input(self.network, self.variant)
        return own.shape(self.settings if own.knobs else {})

    @property
    def text(self) -> str:
        """What it is made from: its spec."""
        return self.spec.text

    @property
    def settings(self) -> dict[str, Any]:
        """The value of every knob. Raises ConvcostError for an unknown knob or a value of a wrong type."""
        return self.spec.settings(self.network, self.variant, self.knobs)

    def unused_on(self, input: Shape) -> dict[str, int]:  # a spec has none on any input
        """Parameters that no output depends on, by name, with how many each is: of a spec there are none."""
        return {}

    def set(self, /, **knobs: Any) -> Network:
        """The same network with some knobs set: `net.set(classes=10)`."""
        return replace(self, knobs={**self.knobs, **knobs}) if knobs else self

    def folded(self) -> Network:
        """The same network as it is deployed, batch norms in the layers before them: see `convcost.cost.folding`."""
        return replace(self, folds=True)

    def on(self, input: Given | str) -> Network:
        """The same network on another input, where none is given: `net.on("3x192x192")`. Raises as `shape` does."""
        return replace(self, at=self.shape(input))

    def build(self, /, input: Given | str | None = None, **knobs: Any) -> Graph:
        """The layer graph, for an input shape and knobs. Raises ConvcostError at the layer that does not fit."""
        network = self.set(**knobs)
        shape = network.shape(input)
        graph = replace(network._deployed(shape), input=shape)
        warn_of(graph, shape, graph.evaluate())
        return graph

    def price(self, /, input: Given | str | None = None, batch: Int = 1, **knobs: Any) -> Cost:
        """The cost on an input: `net.price(input="3x320x320", batch=8, classes=10)`.

        input is (channels, *sizes), batch apart; sizes, batch and knobs can be int64 arrays or symbols as well. What
        comes out for symbols is right wherever every layer fits, and does not know where that is: `formula` does.
        Raises ConvcostError where anything does not fit, naming the layer, and warns of what is rarely meant; see
        `Cost`.
        """
        network = self.set(**knobs)
        shape = network.shape(input)
        return Cost(network._deployed(shape), shape, batch)

    def _deployed(self, shape: Shape) -> Graph:
        """The graph for an input, its norms folded if that is asked for."""
        graph = self._graph(shape)
        return graph.folded() if self.folds else graph

    def _graph(self, shape: Shape) -> Graph:
        """A graph with the structure for an input, which may not fit it: perhaps it was built for another one."""
        settings, name = self.settings, self.reference
        own = self.spec.defined_input(self.network, self.variant)
        if own.knobs:
            for knob, value in own.bound(name, shape, settings, self.knobs).items():
                settings[knob] = self.spec.knobs[knob].check(value)
        if in_force() is not None:  # another graph for other answers; one that is kept would not ask again
            return self.spec.build(name, shape, settings)
        # Every other input size is only another evaluation of the same structure, unless the spec can look at it.
        alike = shape if self.spec.sized or isinstance(shape, Inputs) else (len(shape), shape[0])
        key = (name, alike, *settings.values())
        try:
            hash(key)
        except TypeError:  # arrays cannot be looked up, though an empty dictionary's pop does not say so
            return self.spec.build(name, shape, settings)
        graph = self._graphs.pop(key, None)
        if graph is None:
            graph = self.spec.build(name, shape, settings)
        self._graphs[key] = graph  # as the youngest
        if len(self._graphs) > KEPT:
            del self._graphs[next(iter(self._graphs))]
        return graph

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
        """The exact closed form of a quantity: `net.formula("macs", ["batch", "H", "W", "width"])`.

        quantity is params, macs, activations or another convention of counts. A symbol is batch (or N), an axis (H and
        W; L of one axis; D, H and W of three), or a knob; a list knob such as units makes a symbol of each element,
        units_1 of the first; depth is the knob that repeats layers, units or n. By default the axes are. What is no
        symbol has the given value, or its own. Raises ConvcostError for an unknown name, and where there is no closed
        form.
        """
        from convcost.formulas.derive import derive

        return derive(self.set(**knobs), quantity, symbols, input, batch)

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
        """The exact closed forms of every layer at inference, compiled together; arguments as of `formula`.

        Raises ConvcostError as `formula` does, and where it depends on the symbols what layers there are.
        """
        from convcost.formulas.derive import derive_layers

        return derive_layers(self.set(**knobs), quantity, symbols, input, batch)

    def to_spec(self) -> str:
        """The text of its spec, as its file has it."""
        return self.spec.text

    def shape(self, input: Given | str | None = None) -> Shape:
        """An input as (channels, *sizes), several by name; the network's own for None and those that are not named.

        Raises ConvcostError for what is no input of this network: it has as many channels and axes as its own, but
        where the spec makes a knob of them.
        """
        if input is None:
            return self.input
        given = parse_input(input) if isinstance(input, str) else input
        own = self.spec.defined_input(self.network, self.variant)
        if own.knobs:
            return own.whole(self.reference, given, self.settings, self.knobs)
        return admitted(self.reference, own.shape({}), given)


def load(name: str | PathLike[str], /, **knobs: Any) -> Network:
    """A network by its name: a shipped one, or one of a spec file.

    A shipped name is read as people write it (`googlenet`, `ResNet-50`, `resnet50@v1.5`, `VGG-16 (BN)`; see
    `convcost list`), a file by its path (`my.yaml`, `my.yaml@variant`, `my.yaml:network`). Knobs and an input may
    follow the name: `resnet34@v1 shortcut=A input=3x192x192`; knobs can be arguments, too.

    Raises ConvcostError if there is none of that name, with the closest one, if it could mean several, with all of
    them, and for a knob or value that it does not have.
    """
    if not isinstance(name, (str, PathLike)):
        raise ConvcostError(f"a network is loaded by its name or its file's path, got {name!r}")
    text = fspath(name)
    if text.startswith("torch:"):
        raise ConvcostError(
            f"{text}: code runs where it is named on the command line; here, convcost.from_torch(module)"
        )
    if (found := _of_file(text, knobs)) is not None:
        return found
    reference, settings = _referred(text)
    inputs = [setting.removeprefix("input=") for setting in settings if setting.startswith("input=")]
    if len(inputs) > 1:
        raise ConvcostError(f"{text}: the input is given twice")
    said = parse_settings([setting for setting in settings if not setting.startswith("input=")], text)
    if twice := [knob for knob in said if knob in knobs]:
        raise ConvcostError(f"{text} {twice[0]}: set twice")
    shape = parse_input(inputs[0]) if inputs else None
    network = Network(reference.spec, reference.network, reference.variant, {**said, **knobs})
    network.settings  # noqa: B018  # refuses unknown knobs now, not at the first price
    network.shape()  # and an input that is none of its
    return network if shape is None else network.on(shape)


def of_layers(layers: str, input: str) -> Network:
    """A network of layers without a file: `of_layers("conv(64, 7, stride=2) >> bn", "3x224x224")`.

    Raises ConvcostError for what is no layer, and no input.
    """
    spec = Spec.of_layers(layers, input)
    return Network(spec, spec.name, None)


_FILES = {
    ".onnx": ("an ONNX file", "from_onnx"),
    ".pt2": ("a file of torch.export", "from_exported"),
    ".keras": ("a Keras file", "from_keras"),
    ".cfg": ("a .cfg file of Darknet", "from_darknet"),
    ".prototxt": ("a prototxt of Caffe", "from_caffe"),
}
"""Model files by their ending: what one is, and the function of `convcost.imports` that reads it."""
_ULTRALYTICS = ("a model of Ultralytics", "from_ultralytics")
_PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def _of_file(text: str, knobs: Mapping[str, Any]) -> Network | None:
    """The network of a model file, None for any other name. Raises ConvcostError for a file that is not read."""
    base, settings = split_settings(text)
    suffix = Path(base).suffix.lower()
    if suffix in _PICKLED:
        raise ConvcostError(
            f"{base}: a pickle runs code where it is opened, so it is not; name what makes the module, "
            "torch:package.module:callable, or export it (torch.export to .pt2, or ONNX)"
        )
    found = _FILES.get(suffix) or (
        _ULTRALYTICS if suffix in (".yaml", ".yml") and _is_ultralytics(Path(base)) else None
    )
    if found is None:
        return None

    what, reader = found
    inputs = [setting.removeprefix("input=") for setting in settings if setting.startswith("input=")]
    given = dict(knobs)
    for setting in settings:
        if not setting.startswith("input="):
            knob, _, value = setting.partition("=")
            if knob in given:
                raise ConvcostError(f"{text} {knob}: set twice")
            given[knob] = value
    takes = ("scale",) if found is _ULTRALYTICS else ()
    if others := [knob for knob in given if knob not in takes]:
        raise ConvcostError(f"{base}: {what} has no knobs{' but scale' if takes else ''}, got {', '.join(others)}")
    if len(inputs) > 1:
        raise ConvcostError(f"{text}: the input is given twice")
    if not Path(base).is_file():
        raise ConvcostError(f"{base}: there is no such file")
    from convcost import imports  # most networks are specs

    network: Network = getattr(imports, reader)(base, *inputs, **{knob: str(value) for knob, value in given.items()})
    return network


def _is_ultralytics(path: Path) -> bool:
    """Whether a YAML file is a model of Ultralytics, which has a backbone and a head, and no spec."""
    found: set[bytes] = set()
    for line in lines(path) if path.is_file() else ():
        found |= {line.partition(b":")[0]} & {b"backbone", b"head", b"layers"}
    return found == {b"backbone", b"head"}


def _referred(text: str) -> tuple[Reference, list[str]]:
    """What a name stands for, and the settings that it says."""
    base, settings = split_settings(text)
    try:
        return resolve(base), settings
    except UnknownNetworkError as error:
        from convcost.spec.names import find  # imported where it is used: most names are ours

        try:
            found, chosen = split_settings(find(text))  # "ShuffleNet g = 3" sets nothing
        except ConvcostError as unclear:
            if not settings:
                raise (error if Path(base).is_file() else unclear) from None
            found, chosen = split_settings(find(base))
            chosen += settings
        return resolve(found), chosen


_LIKELY = 10
"""Files among which the nearest network is, if it is near."""


def nearest(
    cost: Cost, count: int = 1, each: Callable[[Sequence[Spec]], Iterable[Spec]] = iter
) -> list[tuple[Network, Cost, int]]:
    """The shipped networks, in any variant, that are most like one, each with its cost and how unlike it is.

    That is the number of layers with weights that one has and the other has not, on inputs of any size. The files are
    looked at in the order of how much their first networks have in common with it, until one is found that is not
    unlike at all, or, in ten files, one that differs in a layer alone, as by its classes: another file could have one
    that differs as little, though its first network has less in common. `each` is given the files: it can say how far
    it is.
    """
    from convcost.cost.differing import unlikeness, weighed_layers

    ours = weighed_layers(cost)
    firsts = [(next(every_variant(spec)), spec) for spec in map(shipped_spec, shipped_files())]
    costs: dict[str, Cost] = {}
    common: dict[str, Fraction] = {}
    with unwarned():  # they are as their papers have them
        for network, _ in firsts:
            costs[network.name] = network.price()
            its = weighed_layers(costs[network.name])
            common[network.name] = Fraction(len(ours & its), max(1, len(ours | its)))
        found: list[tuple[Network, Cost, int]] = []
        in_order = [spec for _, spec in sorted(firsts, key=lambda first: -common[first[0].name])]
        for number, spec in enumerate(each(in_order), 1):
            for network in every_variant(spec):
                own = costs.pop(network.name, None) or network.price()
                found.append((network, own, unlikeness(ours, weighed_layers(own))))
            least = min(unlike for _, _, unlike in found)
            if least == 0 or (least <= 2 and number >= _LIKELY):  # one layer is 2: one has it, the other another
                break
    return sorted(found, key=lambda one: (one[2], abs(one[1].total.params - cost.total.params)))[:count]


QUANTITIES = ("params", "weights", "biases", "norm_affine", "norm_stats", "macs", "activations")
"""What totals are compared by."""


def parse_settings(settings: Iterable[str], place: str) -> dict[str, Any]:
    """Knobs from `knob=value`, values written as in a spec; `place` is what errors call where they stand.

    Raises ConvcostError for another form, a knob that is set twice, and a value that is not one.
    """
    given = all_named(settings, place, "knob=value")
    return {name: literal(document.value(text, f"{place} {name}")) for name, text in given.items()}


class Comparison(NamedTuple):
    """Networks side by side, each with its cost; the first is what the others are compared with."""

    networks: tuple[Network, ...]
    costs: tuple[Cost, ...]

    def ratio(self, quantity: str = "macs") -> tuple[Fraction, ...]:
        """Each network's total of a quantity (params, weights, macs, activations), as a multiple of the first one's.

        Raises ConvcostError for another quantity, for counts that are no ints, and if the first network has none.
        """
        if quantity not in QUANTITIES:
            hint = did_you_mean(quantity, QUANTITIES) or f"; there are {', '.join(QUANTITIES)}"
            raise ConvcostError(f"unknown quantity {quantity!r}{hint}")
        values = [getattr(cost.total, quantity) for cost in self.costs]
        if not all(isinstance(value, int) for value in values) or not values[0]:
            raise ConvcostError(f"no ratios of {quantity} to {values[0]} of {self.networks[0].name}")
        return tuple(Fraction(value, values[0]) for value in values)

    def saving(self, quantity: str = "macs") -> tuple[Fraction, ...]:
        """What each network saves of the first one's total, as a part of it: 7/25 is 28 %."""
        return tuple(1 - ratio for ratio in self.ratio(quantity))


def compare(*networks: Network | str | PathLike[str], input: Given | str | None = None, batch: int = 1) -> Comparison:
    """Price networks (or names of them) and set them side by side: `compare("resnet50@v1", "resnet50@v1.5")`.

    Raises ConvcostError for fewer than two networks, an unknown one, or an input that does not fit.
    """
    if len(networks) < 2:
        raise ConvcostError("a comparison needs two networks or more")
    found = tuple(network if isinstance(network, Network) else load(network) for network in networks)
    return Comparison(found, tuple(network.price(input, batch) for network in found))


def every_variant(spec: Spec) -> Iterator[Network]:
    """Every network of a spec in each of its variants."""
    for network in spec.networks:
        for variant in spec.variants_of(network) or (None,):
            yield Network(spec, network, variant)


def every_meant(name: str, /, **knobs: Any) -> list[Network]:
    """The networks that a name means: all of a spec file in all their variants, or the one that it names.

    Raises ConvcostError as `load` does.
    """
    if (found := _of_file(name, knobs)) is not None:
        return [found]
    if name.endswith((".yaml", ".yml")) or Path(name).exists():
        return [network.set(**knobs) for network in every_variant(Spec.read(Path(name)))]
    return [load(name, **knobs)]


def shipped(
    *,
    family: str | None = None,
    max_macs: str | int | None = None,
    max_params: str | int | None = None,
    variants: bool = False,
) -> Iterator[tuple[Network, Cost]]:
    """The shipped networks with their costs, each in its default variant, or in all of them.

    family filters by words of the family's name, max_macs and max_params by totals: ints, or text such as "600M".
    Raises ConvcostError for words that no family's name has, and for text that is no count.
    """
    from convcost.spec.spelling import says

    most_macs, most_params = _count(max_macs), _count(max_params)
    specs = [shipped_spec(path) for path in shipped_files()]
    if family is not None:
        families = [spec.family.lower() for spec in specs]
        specs = [spec for spec in specs if says(spec.family, family)]
        if not specs:
            raise ConvcostError(f"no family's name has the word {family!r}{did_you_mean(family.lower(), families)}")
    for spec in specs:
        for network in every_variant(spec):
            if not variants and network.variant != spec.default_variant(network.network):
                continue
            with unwarned():  # they are as their papers have them
                cost = network.price()
            if (most_macs is None or cost.total.macs <= most_macs) and (
                most_params is None or cost.total.params <= most_params
            ):
                yield network, cost


def _count(limit: str | int | None) -> int | Fraction | None:
    if not isinstance(limit, str):
        return limit
    from convcost.printed.numbers import exact_number

    return exact_number(limit, "a limit is a count such as 600M", ("", "params", "macs", "ops"))
