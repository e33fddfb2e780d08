"""What a table's titles and row names mean: the quantity of a column, the network of a row.

Both are pure functions on text. They do not guess: a title that could mean two things means none, and a name
comes back with what it leaves open and what of it was not understood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from convcost.units import scale_and_unit

Kind = Literal["params", "macs", "flops", "ops", "size"]

MAX_NAME = 200

_KINDS: dict[str, Kind] = {
    "params": "params",
    "macs": "macs",
    "flops": "flops",
    "ops": "ops",
    "bytes": "size",
}
_TITLE_TOKEN = re.compile(r"(?:10\s*\^\s*|1e)(?P<exponent>[0-9]{1,2})(?![0-9])|(?P<word>[^\W\d_]+|%)")
_SHAPE = re.compile(r"[0-9]+\s*[x×]\s*[0-9]+|[x×]\s*(?=10)|\\times")  # what is no ratio: 224x224, x10^9
_MULTIPLE = re.compile(r"(?<!\^)(?<!e)[0-9]\s*[KMGBT]\b", re.IGNORECASE)  # "(100M)" is no scale of ours
_SUPERSCRIPT = re.compile("10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_NUMBER_SIGN = re.compile(r"#\s*p(?:ara?)?\b", re.IGNORECASE)  # "#P", "# Par."
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
# Words beside which a unit does not make a column of counts.
_NOT_A_COUNT = re.compile(
    "top|acc|accuracy|err|errors?|map|ap|iou|psnr|score|latency|time|ms|s|sec|seconds?|fps|speed|speedup|throughput"
    "|power|energy|mem|memory|act|activations?|ratio|multiple|reduction|reduced|savings?|compression|pruned|drop"
    "|change|increase|relative|per|depth|layers|input|output|image|batch|patch|kernel|filter|resolution|stride|crop"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a column counts, and in which scale its bare numbers are (as in `printed`; "" for ones).

    "flops" may be multiply-adds or twice as many and "ops" anything: which, the title does not say.
    """

    kind: Kind
    scale: str

    @property
    def unit(self) -> str:
        """The unit of the column's bare numbers."""
        return "bytes" if self.kind == "size" else self.kind


def quantity_of(title: str) -> Quantity | None:
    """Read a column title, flattened with " / " or not: "Params (M)", "Bn ops", "SENet / GFLOPs".

    None if it is no count ("top-1 err.", "depth"), a share or ratio ("Params (%)"), or two counts at once.
    """
    found: Quantity | None = None
    outer = ""
    for part in title[:MAX_NAME].split(" / "):
        words, kinds, scales = _read_title(part)
        if any(map(_NOT_A_COUNT.fullmatch, words)) or "%" in scales or len(kinds) > 1 or len(scales) > 1:
            found = None
        elif kinds:
            (kind,) = kinds
            if found is not None and found.kind != kind:
                return None
            found = Quantity(kind, next(iter(scales), outer))
        bracketed = [_read_title(inner)[2] for inner in _BRACKETED.findall(part)]
        outer = next((scale for scales in bracketed for scale in scales), outer)
        if found is not None and not found.scale:
            found = Quantity(found.kind, outer)
    return found


def _read_title(part: str) -> tuple[set[str], set[Kind], set[str]]:
    """The words of a title that are neither unit nor scale, its kinds and its scales."""
    part = _SUPERSCRIPT.sub(lambda power: f"10^{power[1].translate(_DIGITS)}", part)
    part = _NUMBER_SIGN.sub(" params ", part.replace("{", "").replace("}", "").replace("(s)", "s"))
    part = _SHAPE.sub(" ", part)
    words = {"multiple"} if _MULTIPLE.search(part) else set()
    kinds: set[Kind] = set()
    scales: set[str] = set()
    tokens = list(_TITLE_TOKEN.finditer(part))
    while tokens:
        if tokens[0]["exponent"]:
            scales.add(f"e{int(tokens.pop(0)['exponent'])}")
            continue
        word = tokens[0]["word"].casefold()
        for length in range(min(3, len(tokens)), 0, -1):  # "Million Mult-Adds", "Mult-Adds", "MAdds"
            meaning = scale_and_unit("".join(token["word"] or " " for token in tokens[:length]))
            if meaning is not None:
                break
        if meaning is None:
            words.add(word)
            kinds |= {"size"} if word in ("size", "disk", "storage") else set()
        else:
            scale, unit = meaning
            scales |= {scale} - {""}
            kinds |= {_KINDS[unit]} if unit in _KINDS else set()
            words |= {"ratio"} if unit == "x" else set()
        del tokens[:length]
    return words, kinds, scales


_CITATION = re.compile(
    r"\[[0-9, ;-]*\]|\([^()]*(?:\bet al\b|\b(?:19|20)[0-9]{2}\b)[^()]*\)|[†‡*∗§¶]|\^[0-9a-z]", re.IGNORECASE
)
_NAME_TOKEN = re.compile(
    r"(?P<size>[0-9]+x[0-9]+d?(?![0-9a-z]))"  # 32x4d, 224x224
    r"|(?P<key>[a-z]+)\s*=\s*(?P<value>[0-9]+(?:\.[0-9]+)?)"  # g = 3
    r"|(?P<family>[a-z]{2,}?)(?P<letter>[bv])(?P<version>[0-9]+(?:\.[0-9]+)?)(?![0-9a-z])"  # mobilenetv2
    r"|(?<![a-z])(?P<short>[a-wyz][0-9]+(?:\.[0-9]+)?)(?![0-9a-z])"  # b0, v1.5, g3
    r"|(?:(?<![a-z])x\s?)?(?P<number>[0-9]+(?:\.[0-9]+)?)(?:\s?x(?![a-z0-9]))?"  # 50, 1.4x, x2
    r"|(?P<word>[a-z]+)"
)
_SPACED_SIZE = re.compile(r"(?<=[0-9])\s*[x×]\s*(?=[0-9])")
_FAMILIES = {"rn": "resnet", "mnet": "mobilenet", "effnet": "efficientnet"}
_KEYS = {"group": "g", "groups": "g", "growth": "k", "l": "", "depth": "", "width": "", "alpha": "", "α": ""}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known name that a printed name may mean.

    Attributes:
        name: the known name.
        assumed: parts of it that the printed name leaves unsaid ("v1.5" of resnet50@v1.5 for "ResNet-50").
        residue: parts of the printed name that it does not account for ("se" of "SE-ResNet-50").
    """

    name: str
    assumed: tuple[str, ...]
    residue: tuple[str, ...]


def candidates(name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> list[Candidate]:
    """The known names that a printed name may mean: those that leave the least of it unread, then unsaid.

    Known names look like "resnet50", "mobilenet_v2@1.4", "resnext50_32x4d"; what follows the @ is a variant.
    A printed name need not name the first version ("MobileNet" for mobilenet_v1) and not a width of 1.
    Several candidates: the name is ambiguous. A candidate with a residue is a network of that family at
    best; nobody should take it for the network itself before the residue is explained. None: unknown.

    Args:
        name: as printed, with its citations and footnote marks.
        known: the names to find.
        aliases: other ways to write known names ("inception_v1": "googlenet").
    """
    targets = {**{one: one for one in known}, **(aliases or {})}
    found: dict[str, Candidate] = {}
    letters, others = _tokens(_CITATION.sub(" ", name[:MAX_NAME].replace("×", "x")))
    for spelling, target in targets.items():
        candidate = _match(spelling, target, letters, others)
        if candidate and (target not in found or _open(candidate) < _open(found[target])):
            found[target] = candidate
    least = min(map(_open, found.values()), default=None)
    return [candidate for candidate in found.values() if _open(candidate) == least]


def _open(candidate: Candidate) -> tuple[int, int]:
    return len(candidate.residue), len(candidate.assumed)


def _match(spelling: str, target: str, letters: tuple[str, ...], others: Counter[str]) -> Candidate | None:
    base, _, variant = spelling.partition("@")
    base_letters, base_others = _tokens(base)
    variant_letters, variant_others = _tokens(variant)
    rest = _without(letters, "".join(base_letters))
    if rest is None:
        return None
    missing = base_others - others
    if missing and (set(missing) != {"v1"} or any(re.match("v[0-9]", token) for token in others)):
        return None
    left = Counter(rest) + (others - base_others)
    wanted = Counter(variant_letters) + variant_others
    assumed = missing + (wanted - left)
    del assumed["1"]
    return Candidate(target, tuple(assumed.elements()), tuple((left - wanted).elements()))


def _without(letters: tuple[str, ...], family: str) -> list[str] | None:
    """The words that remain when a run of them spells the family, None if no run does."""
    for start in range(len(letters)):
        for stop in range(start + 1, len(letters) + 1):
            if "".join(letters[start:stop]) == family:
                return [*letters[:start], *letters[stop:]]
    return None


@lru_cache(maxsize=4096)
def _tokens(name: str) -> tuple[tuple[str, ...], Counter[str]]:
    """The words of a name in their order, and its numbers, versions and settings without any."""
    words = []
    others: Counter[str] = Counter()
    for token in _NAME_TOKEN.finditer(_SPACED_SIZE.sub("x", name.casefold())):
        if token["size"]:
            others[token["size"]] += 1
        elif token["key"]:
            others[_KEYS.get(token["key"], token["key"]) + _number(token["value"])] += 1
        elif token["family"]:
            words.append(token["family"])
            others[token["letter"] + _number(token["version"])] += 1
        elif token["short"]:
            others[token["short"][0] + _number(token["short"][1:])] += 1
        elif token["number"]:
            others[_number(token["number"])] += 1
        else:
            words.append(token["word"])
    return tuple(_FAMILIES.get(word, word) for word in words), others


def _number(text: str) -> str:
    """1.0 is 1."""
    return text.rstrip("0").rstrip(".") if "." in text else text
