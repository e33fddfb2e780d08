"""Sentences: what a claim in running text says of which network, at which input.

"Our ResNet-50 has 4.9M params and 590M FLOPs at 160x160" claims two counts of resnet50 at 3x160x160. Its words are
read by what reads tables: numbers with their units (`convcost.printed`), inputs and names (`convcost.spec`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from convcost.errors import ConvcostError
from convcost.printed.numbers import parse
from convcost.published.cells import decimal_commas
from convcost.published.layers import FIRST, LAST
from convcost.published.quotients import MOST_TIMES
from convcost.spec.catalog import resolve
from convcost.spec.names import Unclear, shipped_names
from convcost.spec.spelling import input_size

_LONGEST = 5
"""Words of a number, an input or a name."""
_MOST = 200
"""Words of a sentence."""
_COUNTED = ("params", "macs", "flops", "ops", "bytes", "activations")
_BEFORE_A_SIDE = ("at", "@", "input", "inputs", "size", "resolution")
_MARKS = ".,;:!?\"'"
_BRACKETS = "()[]"
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
_OF_720P = ((1280, 720), (720, 1280))
"""What images are enlarged to, not what is, where super-resolution says it."""
_BUILT_ON = re.compile(r"\b(?:with|on|using|upon) (?:(?:an?|the|its) )?")
_VERSION = re.compile(r"[vx]?[0-9]+(?:\.[0-9]+)*x?")
_LAYER = r"(?:conv(?:olution(?:al)?)? )?(?:layer|convolution|conv)"
_PART_OF = {
    FIRST: re.compile(rf"(?:first|input) {_LAYER}|stem"),
    LAST: re.compile(r"(?:last|final|output|classification|fc|fully[ -]connected|linear) layer|classifier"),
}
_AT_WORK = re.compile(r"\b(?:s?ram|arena|peak (?:\w+ )?memory|memory peak|peak activations?)\b", re.IGNORECASE)
_OF_TRAINING = re.compile(
    r"\b(?:training (?:cost|compute|computation|complexity|steps?|g?flops|g?macs|operations)|forward and backward"
    r"|backward (?:pass|propagation)|(?:to train|training) (?:\S+ ){1,4}?(?:costs?|takes?|needs?|requires?|uses?))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[<>~≈]?\d[\d,.]*(?:[KMGBTkmb]|x|×|%)?")
_COUNTS = (
    r"(?:the\s+)?(?:number\s+of\s+)?(?:[\w-]+\s+)?"
    r"(?:(?P<params>param|weights)|(?P<ops>g?flops|g?macs|mult|operation|comput)|(?P<memory>memory))[\w-]*"
)
_FACTOR = r"(?<![\w.,])(?P<number>[0-9][0-9.,]*)\s*(?P<unit>x|×|times|%)"
_CHANGED = (
    rf"(?:(?P<less>reduc|cut|sav|lower|decreas)|increas|rais)\w*\s+{_COUNTS}"
    r"(?P<kept>\s+of\s+(?:\S+\s+){1,4}?|\s+)by\s+"
)
_RATIOS = [  # and no "2% higher accuracy"
    re.compile(words, re.IGNORECASE)
    for words in (
        rf"{_FACTOR}\s+(?P<less>fewer|less|lower)\s+{_COUNTS}",
        rf"{_FACTOR}\s+(?:more|higher|(?P<same>as\s+many|as\s+much|of\s+the|the))\s+{_COUNTS}",
        rf"{_FACTOR}\s+(?:(?P<less>smaller)|larger)\s+(?P<kept>than)\b",
        rf"{_CHANGED}{_FACTOR}",
        rf"{_CHANGED}a\s+factor\s+of\s+(?P<number>[0-9][0-9.,]*)(?P<unit>)",
    )
]
_COMPARED = r"\b(?:than|as|to|over|against|versus|vs\.?|of|from|with)\s+(?:(?:an?|the|that of|those of)\s+)?"
"""What stands before the network with which another is compared."""
T = TypeVar("T")


class Ratio(NamedTuple):
    """How many times, or how many percent, more or less a network has of something than another."""

    quantity: str
    """As `convcost.published.quotients` calls it: ratios in times, shares in percent of the other's."""
    text: str
    less: bool


class Sentence(NamedTuple):
    """What a text claims."""

    network: str
    """As `load` reads it, on the input that the text says; '' where it names none."""
    claims: tuple[str, ...]
    """The counts, each with its unit: "4.9M params"."""
    part: str = ""
    """Of which part of it, "first layer" or "last layer"; '' for all of it."""
    memory: bool = False
    """Whether bytes are of memory at work, and not of stored parameters."""
    unread: tuple[str, ...] = ()
    """Numbers that it says besides, of which nothing is read, each with the word behind it."""
    ratios: tuple[Ratio, ...] = ()
    """What it says, in place of counts, of the network beside another."""
    against: str = ""
    """The other one."""


def is_sentence(text: str) -> bool:
    """Whether a text claims a count, and is more than its number and unit."""
    try:
        parse(text)
    except ConvcostError:
        words = text.split()
        return 1 < len(words) <= _MOST and bool(_ratios(text)[0] or _taken(words, _count)[0])
    return False


def read_sentence(text: str) -> Sentence:
    """The claim of a text.

    Raises ConvcostError: it has no count with its unit, names two networks or two inputs, or is too long; it compares
    a network with none, or in what is no count.
    """
    words = text.split()
    if len(words) > _MOST:
        raise ConvcostError(f"a claim is a text of at most {_MOST} words, not of {len(words)}")
    ratios, rest = _ratios(text)
    if ratios:
        return _compared(text, ratios, rest.split())
    claims, words = _taken(words, _count)
    if not claims:
        raise ConvcostError(f"{text[:60]!r} has no count with its unit, such as '4.1 GFLOPs' or '25.6M params'")
    if said := _OF_TRAINING.search(text):
        raise ConvcostError(f"{text[:60]!r}: {said[0]!r} is no cost of inference; convcost training counts what it is")
    sizes, words = _taken(words, _size)
    parts, words = _taken(words, _part)
    names, left = _taken(words, _name)
    size = _one(text, sizes) or ()
    name, part = _one(text, names), _one(text, parts) or ""
    if name is None and part:
        raise ConvcostError(f"{text[:60]!r} claims something of the {part}, and does not say of which network")
    memory = _AT_WORK.search(text) is not None
    if name is None:
        return Sentence("", tuple(claims), memory=memory, unread=_unread(left))
    core = _BUILT_ON.sub("", name)
    built = re.search(rf"{_BUILT_ON.pattern}{re.escape(core)}( backbone| encoder)?", text)
    if built and (built[1] or core.endswith(" backbone")):
        raise ConvcostError(f"{text[:60]!r} claims something that is built on {core}, and does not name all of it")
    # A version that is no part of the name is of another network: SqueezeNet 1.1 is not SqueezeNet.
    behind = [word for word, before in zip(left[1:], left, strict=False) if not before and _VERSION.fullmatch(word)]
    found = _placed(" ".join([name, *behind[:1]]), size)
    if isinstance(found, Unclear):
        raise ConvcostError(f"{text[:60]!r}: its network {found.why}")
    return Sentence(found, tuple(claims), part, memory, _unread(["" if one in behind[:1] else one for one in left]))


def _ratios(text: str) -> tuple[list[Ratio], str]:
    """What a text says of two networks, and the text without it."""
    found = []
    for pattern in _RATIOS:
        for said in pattern.finditer(text):
            of = said.groupdict()
            if of.get("memory"):
                raise ConvcostError(f"{text[:60]!r}: {said[0]!r} is of memory, which is not compared; claim how much")
            percent = of["unit"] == "%"  # of what the other has, unless it is "20% the FLOPs", which is a ratio
            kind = "shares" if percent and not of.get("same") else "ratios"
            number = of["number"].rstrip(".,")
            if parse(number).value() > MOST_TIMES:
                raise ConvcostError(f"{text[:60]!r}: no network is {number} times another")
            # What is smaller is so as a file, which holds the parameters.
            quantity = f"{kind} of {'ops' if of.get('ops') else 'params'}"
            found.append(Ratio(quantity, f"{number}{'%' if percent else 'x'}", bool(of.get("less"))))
        text = pattern.sub(lambda said: said.groupdict().get("kept") or "", text)
    return found, text


def _compared(text: str, ratios: list[Ratio], words: list[str]) -> Sentence:
    """The claim of a text about two networks."""
    start = repr(text[:60])
    claims, words = _taken(words, _count)
    sizes, words = _taken(words, _size)
    names, left = _taken(words, _name)
    names = list(dict.fromkeys(names))
    if claims:
        raise ConvcostError(f"{start} compares two networks and says {claims[0]}: claim one thing at a time")
    if len(names) != 2:
        which = f"names {len(names)}" if names else "names none"
        raise ConvcostError(f"{start} compares two networks, and {which}; name both, or claim a count")
    behind = [name for name in names if re.search(rf"{_COMPARED}{re.escape(name)}", text)]
    other = behind[0] if len(behind) == 1 else names[1]
    size = _one(text, sizes) or ()
    placed = []
    for name in (names[other == names[0]], other):
        found = _placed(name, size)
        if isinstance(found, Unclear):
            raise ConvcostError(f"{start}: its network {found.why}")
        placed.append(found)
    return Sentence(placed[0], (), unread=_unread(left), ratios=tuple(ratios), against=placed[1])


def _placed(name: str, size: tuple[int, ...]) -> str | Unclear:
    """The network that a name means, on an input."""
    found = shipped_names().reference(name)
    if size in _OF_720P and isinstance(found, str):
        reference, *knobs = found.split()
        resolved = resolve(reference)
        factor = resolved.spec.settings(resolved.network, resolved.variant, {}).get("factor")
        said = [int(knob.removeprefix("factor=")) for knob in knobs if knob.startswith("factor=")]
        if isinstance(factor, int):
            size = tuple(side // (*said, factor)[0] for side in sorted(size))
    return shipped_names().reference(name, size)


def _unread(left: list[str]) -> tuple[str, ...]:
    """The numbers among words that are left, each with the word behind it: years in brackets are none."""
    found = []
    for word, behind in zip(left, [*left[1:], ""], strict=True):
        bare = word.strip(_MARKS)
        if _NUMBER.fullmatch(bare) and not word.startswith(tuple(_BRACKETS)):
            found.append(f"{bare} {behind.strip(_MARKS)}".strip())
    return tuple(found)


def _one(text: str, found: list[T]) -> T | None:
    distinct = list(dict.fromkeys(found))
    if len(distinct) > 1:
        raise ConvcostError(f"{text[:60]!r} says {distinct[0]} and {distinct[1]}: claim one thing at a time")
    return distinct[0] if distinct else None


def _taken(words: list[str], read: Callable[[str, str], T | None]) -> tuple[list[T], list[str]]:
    """All that `read` finds in a text, the longest first, and the words that are left, '' where others were."""
    found: list[T] = []
    left: list[str] = []
    at = 0
    while at < len(words):
        before = words[at - 1] if at else ""
        for end in range(min(len(words), at + _LONGEST), at, -1):
            part = words[at:end]
            value = read(" ".join(part).strip(_MARKS), before.casefold()) if all(part) else None
            if value is not None:
                found.append(value)
                left.append("")
                at = end
                break
        else:
            left.append(words[at])
            at += 1
    return found, left


def _count(text: str, _: str) -> str | None:
    text = text.strip(_BRACKETS)
    if decimal_commas([text]):  # "25,6 Mio. Parameter"
        text = _COMMA.sub(".", text, count=1)
    try:
        printed = parse(text)
    except ConvcostError:
        return None
    return text if printed.unit in _COUNTED and printed.scale != "%" else None


def _size(text: str, before: str) -> tuple[int, ...] | None:
    size = input_size(text)
    return size if size and (len(size) > 1 or before in _BEFORE_A_SIDE) else None


def _part(text: str, _: str) -> str | None:
    return next((part for part, said in _PART_OF.items() if said.fullmatch(text.casefold())), None)


def _name(text: str, _: str) -> str | None:
    if not any(map(str.isdigit, text)) and len(text) < _LONGEST:
        return None
    return text if not isinstance(shipped_names().reference(text), Unclear) else None
