"""Networks by the names that people write: "ResNet-50", `resnet50@v1.5`, "VGG-16 (BN)", "MobileNet-224", "RN50".

A name is taken in this order, and what leaves anything open is not taken at all, but told with the candidates:

1. a reference of ours: `resnet50@v1.5`, `resnet34@v1 shortcut=A`, `mobilenet_v1 input=3x192x192`;
2. the networks whose whole name it spells (`spelling.candidates`), where everything else that it says names exactly one
   variant ("VGG-16 (BN)"), a choice of a knob ("ResNet-34 A"), an input ("MobileNet-224"), or a value that the network
   has ("DenseNet-121 (k=32)"); `inception_v2`, to the letter, is ours, though "Inception V2" may be TF-slim's;
3. the networks whose name it begins ("NASNet-A"), if what it adds is a value of only one of them ("4 @ 1056"). The
   number in a network's name is never filled in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

from convcost.cost.inputs import fitted
from convcost.errors import ConvcostError, did_you_mean
from convcost.ops import Shape, format_shape
from convcost.spec.catalog import Reference, resolve, shipped_networks
from convcost.spec.spelling import RESOLUTIONS, Candidate, beginnings, candidates, input_size, tokens

ALSO = {
    "googlenet": ("inception_v1",),
    "mc3_18": ("mc_3_18",),  # a hyphen there is no decimal point
    "bn_inception": ("inception_bn", "inception_v2"),  # TF-slim's nets/inception_v2.py, not Szegedy's of 2016
    "se_resnet50": ("seresnet50",),
    "se_resnet101": ("seresnet101",),
    "nasnet_mobile": ("nasnet_a_mobile", "nasnet_a_n4_f44"),
    "nasnet_large": ("nasnet_a_large", "nasnet_a_n6_f168"),
    "resnext50_32x4d": ("resnext50",),  # the one of its paper's results; of ResNeXt-101 there are several
    "se_resnext50_32x4d": ("se_resnext50",),
    "squeezenet": ("squeezenet_v1.0",),
    "squeezenet_v1.1": ("squeezenet_1.1",),
    **{f"wide_resnet{depth}_2": (f"wrn_{depth}_2", f"wrn_{depth}_2_bottleneck") for depth in (50, 101)},
    **{
        f"wrn_{depth}_{width}": (f"wide_resnet_{depth}_{width}",)
        for depth, widths in {16: (4, 8, 10), 22: (8, 10), 28: (2, 10, 12), 40: (1, 2, 4, 8)}.items()
        for width in widths
    },
    **{f"preresnet{depth}": (f"preactresnet{depth}", f"preact_resnet{depth}") for depth in (110, 164, 1001)},
    **{f"mnasnet_b1{width}": (f"mnasnet{width or '_1.0'}",) for width in ("_0.5", "_0.75", "", "_1.3")},
    **{f"fbnet_{net}": (f"fbnet{net}",) for net in "abc"},
    "deit_tiny": ("deit_t", "deit_ti"),
    "deit_small": ("deit_s",),
    # the same network: only how it is trained differs
    "vit_b_16": ("deit_base", "deit_b"),
    **{f"swin_{size[:1]}": (f"swin_{size}",) for size in ("tiny", "small", "base", "large")},
    **{f"convnext_{size}": (f"convnext_{size[:1]}",) for size in ("tiny", "small", "base", "large")},
    "convnext_xlarge": ("convnext_xl",),
    **{
        f"condensenet74_c{k}_g{k}": tuple(f"condensenet{depth}_{both}" for depth in ("", "_74") for both in ways)
        for k in (4, 8)
        for ways in [(f"c_g{k}", f"g_c{k}", f"c{k}_g{k}", f"g{k}_c{k}")]  # C=G=4
    },
    "sqnxt_23": ("squeezenext", "squeezenext_23", "1.0_sqnxt_23"),
    "sqnxt_23v5": ("squeezenext_23v5", "1.0_sqnxt_23v5"),
    **{
        f"convnextv2_{size}": (f"convnext_v2_{size}", f"convnext_v2_{size[:1]}", f"convnextv2_{size[:1]}")
        for size in ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge")
    },
    **{f"res2net{depth}_26w_4s": (f"res2net{depth}",) for depth in (50, 101)},
    **{
        f"mobilenet_v4_{kind}_{size}": (f"mobilenet_v4_{kind}_{size[:1]}", f"mnv4_{kind}_{size[:1]}")
        for kind, sizes in {"conv": ("small", "medium", "large"), "hybrid": ("medium", "large")}.items()
        for size in sizes
    },
    **{
        f"vgg{config}": (f"vgg_{letter}",)
        for config, letter in zip(("11", "13", "16_c", "16", "19"), "abcde", strict=True)
    },
    **{f"densenet{depth}": (f"densenet_bc_{depth}",) for depth in (121, 161, 169, 201, 264)},  # all of them are BC
    **{
        f"densenet{kind}{depth}_k{k}": (f"densenet{kind}_{depth}_{k}",)
        for kind, depth, k in (
            ("", 40, 12),
            ("", 100, 12),
            ("", 100, 24),
            ("_bc", 100, 12),
            ("_bc", 250, 24),
            ("_bc", 190, 40),
        )
    },
    **{f"mobilenet_v3_{size}": (f"mobilenet_v3_{size[:1]}",) for size in ("large", "small")},
    **{f"mobilenet_v3_{size}_0.75": (f"mobilenet_v3_{size[:1]}_0.75",) for size in ("large", "small")},
    "mnasnet_a1": ("semnasnet",),  # with squeeze and excitation
    "mnasnet_a1_0.75": ("semnasnet_0.75",),
    "mnasnet_a1_1.4": ("semnasnet_1.4",),
    "darts": ("darts_second_order", "darts_v2"),
    "pnasnet_5_mobile": ("pnas",),
    "r2plus1d_18": ("r(2+1)d_18",),
    **{f"hrnet_w{width}": (f"hrnet_w{width}_c",) for width in (18, 30, 32, 40, 44, 48, 64)},
    **{f"hrnet_w18_small_{version}": (f"hrnet_w18_c_small_{version}",) for version in ("v1", "v2")},
    # Detectors and segmenters with the backbone that they have anyway
    "ssd300": ("ssd300_vgg16",),
    "ssd512": ("ssd512_vgg16",),
    "yolov3": ("yolov3_darknet53",),
    "yolov4": ("yolov4_cspdarknet53",),
    "segnet": ("segnet_vgg16",),
    "ssdlite320_mobilenet_v3_large": ("ssdlite_mobilenet_v3_large",),
    **{f"retinanet_resnet{depth}": (f"retinanet_resnet{depth}_fpn",) for depth in (50, 101)},
    **{f"faster_rcnn_resnet{depth}_fpn": (f"faster_rcnn_fpn_resnet{depth}",) for depth in (50, 101)},
}
"""Other names of networks. One that two networks share is ambiguous."""
_NOT_OURS = {"resnet50": "bc", "resnet101": "bc", "resnet152": "bc"}
"""Letters that are no choice of a knob behind these names: ResNet-50-B, -C and -D are He et al.'s of 2019."""
_IMPLEMENTED = {"resnet": ("v1.5", ("torchvision", "pytorch", "tv", "timm"))}
"""Whose code is which variant, where no variant has that name."""
_SAYS_NOTHING = {
    *("torchvision", "pytorch", "tv", "tf", "timm", "gluon", "pretrained", "baseline", "official", "original"),
    *("reproduced", "wsl", "swsl", "ssl", "advprop", "backbone"),
}
"""Words that say whose code or weights a network is, where nobody's differs in its counts."""
_FOREIGN = (
    (re.compile(r"resnetv2_[0-9]+"), "is a network of timm, not Keras' ResNet50V2"),
    (re.compile(r"in-?2[12]k(?!_ft|[-_ ]pre)"), "has the classes of ImageNet-21k"),
)
_CIFAR = re.compile(r"[-_ (]*cifar[-_ ]?(100|10)?(?![0-9a-z])\)?", re.IGNORECASE)
_ON_CIFAR = "cifar"
"""The variant for it of networks that are made for other images."""
_MOST_NAMED = 6
_LEAST_WORD = 3
"""Letters of a word that tells a family."""
_VERSIONS = "vb"  # letters before a number that is no setting: v2, B0
_NUMBER = re.compile(r"(?P<letter>[a-z]?)(?P<value>[0-9]+(?:\.[0-9]+)?)")


class Unclear(NamedTuple):
    """A name that is not taken for a network, and why."""

    why: str
    open: bool = False
    """Whether it names networks, of which it is not clear which, or whether the rest of it fits them."""
    references: tuple[str, ...] = ()
    """The networks that it names, if nothing but which of them is open."""


class _Meaning(NamedTuple):
    """One network that a name may mean."""

    reference: str
    own: Shape
    """The input that it is defined for."""
    size: tuple[int, ...]
    """The input that the name says, () if none."""
    rest: tuple[str, ...]
    """What of the name is not explained."""
    told: bool
    """Whether something in the name tells it from networks whose names begin alike."""
    perhaps: bool = False
    """Whether a number of the name may mean something else: a width of 0.5, or half of it pruned."""


class Names:
    """The networks that a name can mean.

    Args:
        networks: what `catalog.resolve` reads, by the network's name.
    """

    def __init__(self, networks: Mapping[str, str]) -> None:
        self.networks = networks
        # A table asks for a name once per cell.
        self._full = lru_cache(maxsize=4096)(lambda name: candidates(name, self.networks, self._also))
        self._begun = lru_cache(maxsize=4096)(lambda name: beginnings(name, self.networks, self._also))
        self._read = lru_cache(maxsize=4096)(self._reference)

    @cached_property
    def _also(self) -> dict[str, tuple[str, ...]]:
        return {network: spellings for network, spellings in ALSO.items() if network in self.networks}

    def recognises(self, name: str) -> bool:
        """Whether a text spells the name of a network, perhaps among other words."""
        return bool(self._reference_in(name) or self._full(name))

    def begins(self, name: str) -> bool:
        """Whether a text begins the name of a network."""
        return bool(self._begun(name))

    def reference(self, name: str, size: tuple[int, ...] = ()) -> str | Unclear:
        """The network that a name means, on the input that it names, as `load` reads it; or why that is not known.

        Args:
            name: as it is written.
            size: the input that is named elsewhere (see `spelling.input_size`), () if none is.
        """
        return self._read(name, size)

    def _reference(self, name: str, size: tuple[int, ...]) -> str | Unclear:
        if said := self._reference_in(name):
            try:
                return self.placed(said, size)
            except ConvcostError as error:
                return Unclear(str(error))
        if foreign := next((why for written, why in _FOREIGN if written.search(name.casefold())), None):
            return Unclear(foreign)
        found = self._meant(name, size)
        if isinstance(found, Unclear) and (cifar := _CIFAR.search(name)):
            return self._of_cifar(self._meant(_CIFAR.sub(" ", name), size), int(cifar[1] or 10))
        return found

    def _meant(self, name: str, size: tuple[int, ...]) -> str | Unclear:
        """What a name means that is no reference of ours."""
        whole = [candidate for candidate in self._full(name) if set(candidate.assumed) <= {"v1"}]
        read = whole or self._begun(name)
        read = [candidate for candidate in read if candidate.name == name] or read  # to the letter, not as ALSO has it
        meanings = [(candidate, self._explained(candidate)) for candidate in read]
        meant = [meaning for _, meaning in meanings if not meaning.rest]
        meant = [
            meaning for meaning in meant if " width=" not in meaning.reference
        ] or meant  # it has a name of its own
        chosen = False
        if len(meant) > 1 and size:
            own = [meaning for meaning in meant if fitted(meaning.own, size) == meaning.own]
            meant, chosen = (own, True) if len(own) == 1 else (meant, False)
        if len(meant) == 1:
            numbers = [part for c, m in meanings if m is meant[0] for part in c.assumed if not part.isalpha()]
            if not meant[0].perhaps and (whole or (not numbers and (chosen or meant[0].told))):
                return _at(meant[0], size)
        named = meanings
        if not meant and whole:  # "Faster R-CNN R-50" begins that with FPN, though it ends as ResNet-50 does
            named = [(one, self._explained(one)) for one in self._begun(name)]
            meant = [meaning for _, meaning in named if not meaning.rest]
        if meant:
            why = f"could be {listed([meaning.reference for meaning in meant])}"
            return Unclear(why, True, tuple(self._named(name, size, named)))
        if read:
            fewest = min(len(meaning.rest) for _, meaning in meanings)
            near = [(c.name, meaning.rest) for c, meaning in meanings if len(meaning.rest) == fewest]
            words = ", ".join(sorted({repr(word) for _, rest in near for word in rest}))
            verb = "is" if whole else "could be"
            return Unclear(f"{verb} {listed([name for name, _ in near])} but for {words}", open=True)
        return Unclear("no network of that name is known")

    def _named(self, name: str, size: tuple[int, ...], meanings: Sequence[tuple[Candidate, _Meaning]]) -> Iterator[str]:
        """The networks that a name names: a number of its own that is none of theirs is not left unsaid besides."""
        words, _ = tokens(name)
        if all(len(word) < _LEAST_WORD for word in words):  # "C" begins the names of many
            return
        for candidate, meaning in meanings:
            numbered = any(map(_numbers, candidate.assumed)) and any(map(_numbers, candidate.residue))
            if not meaning.rest and not numbered and isinstance(placed := _at(meaning, size), str):
                yield placed

    def _of_cifar(self, found: str | Unclear, classes: int) -> str | Unclear:
        """What a name means that says CIFAR: a network that is made for it, never ImageNet's of the same name."""
        if isinstance(found, Unclear):
            return found._replace(references=())
        name = found.partition(" ")[0]
        resolved = resolve(name)
        if _ON_CIFAR in resolved.spec.variants_of(resolved.network):  # as repositories train ImageNet's networks on it
            name = found = f"{resolved.network}@{_ON_CIFAR}"
            resolved = resolve(name)
        if tuple(resolved.spec.input_of(resolved.network, resolved.variant))[1:] != (32, 32):
            return Unclear(f"is one for CIFAR, and {name} is not")
        settings = resolved.spec.settings(resolved.network, resolved.variant, {})
        return found if settings.get("classes", classes) == classes else f"{found} classes={classes}"

    def _reference_in(self, name: str) -> str:
        """The reference that a text is, "" if it is none: a variant or knobs must say that it is not a mere name."""
        first, *settings = name.split() or [""]
        network, at, variant = first.partition("@")
        if network not in self.networks or not (at or settings):
            return ""
        knobs = {"input", *resolve(self.networks[network]).spec.knobs}
        if not all(equals and knob in knobs for knob, equals, _ in (part.partition("=") for part in settings)):
            return ""
        return " ".join([f"{self.networks[network]}{at}{variant}", *settings])

    def placed(self, reference: str, size: tuple[int, ...]) -> str | Unclear:
        """A reference on an input that is named elsewhere."""
        name, *settings = reference.split()
        found = resolve(name)
        inputs = [part.removeprefix("input=") for part in settings if part.startswith("input=")]
        said = input_size(inputs[0]) if inputs else None
        settings = [part for part in settings if not part.startswith("input=")] if said else settings
        own = found.spec.input_of(found.network, found.variant)
        return _at(_Meaning(" ".join([name, *settings]), own, said or (), (), True), size)

    def _unrepeated(self, candidate: Candidate) -> list[str]:
        """What a name says beyond the network's, less another name of the same: "GoogLeNet (Inception v1)"."""
        left = Counter(candidate.residue)
        for spelling in (candidate.name, *ALSO.get(candidate.name, ())):
            words, others = tokens(spelling)
            if (parts := Counter(words) + others) <= left:
                left -= parts
        return list(left.elements())

    def _explained(self, candidate: Candidate) -> _Meaning:
        """What a name says beyond the network's: its variant, knobs, input; and what none of these explains."""
        stated = self.networks[candidate.name]
        found = resolve(stated)
        variant, left = _variant(found, self._unrepeated(candidate))
        settings = found.spec.settings(found.network, variant, {})
        defining = found.spec.networks[found.network].knobs
        size: tuple[int, ...] = ()
        rest: list[str] = []
        knobs: dict[str, str] = {}
        told = perhaps = False
        for word in left:
            number = _NUMBER.fullmatch(word)
            if number is None:
                sides = input_size(word)
                choices = _choices(found, word, settings)
                if sides and not size:
                    size = sides
                elif len(choices) == 1 and not choices.keys() & knobs.keys():
                    knobs |= choices
                else:
                    rest.append(word)
            elif word.isdigit() and int(word) in RESOLUTIONS and not size:
                size = (int(word),)
            elif _has(settings, defining, number["letter"], Fraction(number["value"])):
                told = True
            elif (width := _times_width(settings, word)) and "width" not in knobs:
                knobs["width"] = width
                perhaps = width != word
            elif "factor" in settings and word in ("2", "3", "4"):  # of super-resolution
                knobs["factor"] = word
            else:
                rest.append(word)
        who, whose = _IMPLEMENTED.get(found.spec.name, ("", ()))
        if variant == found.variant and not set(whose).isdisjoint(rest):
            variant = who
        rest = [word for word in rest if word not in _SAYS_NOTHING]
        shipped = stated == candidate.name
        name = f"{stated}@{variant}" if variant and (shipped or variant != found.variant) else stated
        chosen = [f"{knob}={value}" for knob, value in knobs.items() if value != str(settings[knob])]
        reference = " ".join([name, *chosen])
        own = found.spec.input_of(found.network, variant)
        return _Meaning(reference, own, size, tuple(rest), told, perhaps)


def _variant(found: Reference, residue: Sequence[str]) -> tuple[str | None, list[str]]:
    """The one variant whose name is among the words, and the other words; the default if there is none, or several."""
    left = Counter(residue)
    named: dict[str, Counter[str]] = {}
    for variant in found.spec.variants_of(found.network):
        words, others = tokens(variant)
        if (parts := Counter(words) + others) <= left:
            named[variant] = parts
    most = max((parts.total() for parts in named.values()), default=0)
    longest = [variant for variant, parts in named.items() if parts.total() == most]
    if len(longest) != 1:
        return found.variant, list(residue)
    return longest[0], list((left - named[longest[0]]).elements())


def _choices(found: Reference, word: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """The knobs that have a choice of this name, with it: {"shortcut": "A"} for "a".

    Not those that make the network what it is: with another block a ResNet-34 would not be one.
    """
    if word in _NOT_OURS.get(found.network, ""):
        return {}
    defining = found.spec.networks[found.network].knobs
    return {
        knob.name: choice
        for knob in found.spec.knobs.values()
        for choice in knob.choices
        if isinstance(choice, str)
        and choice.casefold() == word
        and (knob.name not in defining or choice == settings[knob.name])
    }


def _times_width(settings: Mapping[str, Any], word: str) -> str:
    """The width that a multiplier makes of a network's, "" if it makes none."""
    width = settings.get("width")
    if isinstance(width, bool) or not isinstance(width, int) or not re.fullmatch(r"[01]\.[0-9]{1,2}", word):
        return ""
    return word if width == 1 else str(made) if (made := Fraction(word) * width).denominator == 1 else ""


def _has(settings: Mapping[str, Any], defining: Mapping[str, Any], letter: str, value: Fraction) -> bool:
    """Whether a network has a printed value.

    A letter is the first of a knob's name (g of groups). Papers have others, too (k is DenseNet's growth rate), so one
    that begins no knob's name is accepted where exactly one knob has the value. A bare number is the width, or the
    value of exactly one of the knobs that make this network of its family ("4 @ 1056").
    """
    if letter in _VERSIONS and letter:
        return False
    if letter:
        known = {name: set_to for name, set_to in settings.items() if name.startswith(letter)} or settings
        having = [name for name, set_to in known.items() if _is(set_to, value)]
        return len(having) == 1 if known is settings else bool(having)
    return value == settings.get("width", 1) or sum(_is(set_to, value) for set_to in defining.values()) == 1


def _is(set_to: Any, value: Fraction) -> bool:
    return not isinstance(set_to, bool) and set_to == value


def _at(meaning: _Meaning, size: tuple[int, ...]) -> str | Unclear:
    """The reference with the input that its name or its row says, if it is not its own."""
    shapes = []
    for said in filter(None, (meaning.size, size)):
        shape = fitted(meaning.own, said)
        if shape is None:
            return Unclear(f"is {meaning.reference}, which takes {format_shape(meaning.own)}, not {format_shape(said)}")
        shapes.append(shape)
    if len(set(shapes)) > 1:
        first, second = map(format_shape, shapes)
        return Unclear(f"names the input {first}, but its row prints {second}")
    if not shapes or shapes[0] == tuple(meaning.own):
        return meaning.reference
    return f"{meaning.reference} input={format_shape(shapes[0])}"


def _numbers(part: str) -> bool:
    return any(map(str.isdigit, part))


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them: the first of many."""
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])}, ..."
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


@cache
def shipped_names() -> Names:
    """The names of the shipped networks."""
    return Names({reference.network: reference.network for reference in shipped_networks()})


def find(name: str) -> str:
    """The reference to the one shipped network that a name means; see `Names.reference`.

    Raises ConvcostError with the candidates, or the closest names, if it means none or could mean several.
    """
    names = shipped_names()
    found = names.reference(name)
    if not isinstance(found, Unclear):
        return found
    begun = [known for known in names.networks if letters(name) and letters(known).startswith(letters(name))]
    close = did_you_mean(name.casefold(), names.networks)
    if found.open and len(begun) < 2:
        hint = f": {found.why}{close}"
    else:
        hint = f": could be {listed(begun)}" if begun else close or "; see convcost list"
    raise ConvcostError(f"unknown network {name!r}{hint}")


def letters(name: str) -> str:
    """A name without case and separators."""
    return "".join(filter(str.isalnum, name.casefold()))
