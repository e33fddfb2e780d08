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
_NUMBER = re.compile(r"[<>~≈]?\d[\d,.]*(?:[KMGBTkmb]|x|×|%)?")
_RATIO = re.compile(  # and no "2% higher accuracy"
    r"[0-9][0-9.,]*\s*(?:x|×|times|%)\s+(?:(?:fewer|less|more|lower|higher|as many)\s+(?:[\w-]+\s+)?"
    r"(?:param|weights|g?flops|g?macs|mult|operation|comput|memory)|(?:smaller|larger)\s+than\b)",
    re.IGNORECASE,
)
T = TypeVar("T")


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


def is_sentence(text: str) -> bool:
    """Whether a text claims a count, and is more than its number and unit."""
    try:
        parse(text)
    except ConvcostError:
        words = text.split()
        if _RATIO.search(text) and len(words) <= _MOST:
            return True
        return 1 < len(words) <= _MOST and bool(_taken(words, _count)[0])
    return False


def read_sentence(text: str) -> Sentence:
    """The claim of a text.

    Raises ConvcostError: it has no count with its unit, names two networks or two inputs, or is too long.
    """
    words = text.split()
    if len(words) > _MOST:
        raise ConvcostError(f"a claim is a text of at most {_MOST} words, not of {len(words)}")
    claims, words = _taken(words, _count)
    if ratio := _RATIO.search(text):
        raise ConvcostError(
            f"{text[:60]!r}: {ratio[0]!r} compares two networks, and is not read; claim a count of each"
        )
    if not claims:
        raise ConvcostError(f"{text[:60]!r} has no count with its unit, such as '4.1 GFLOPs' or '25.6M params'")
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
