"""How a network's name is spelled: what a printed name shares with a known one, and what either says beyond the other.

Pure functions on text. They do not guess: a name comes back with what it leaves open and what of it was not understood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

RESOLUTIONS = (
    *(96, 112, 128, 144, 160, 176, 192, 224, 227, 229, 240, 256, 260, 288, 299, 300),
    *(320, 331, 352, 380, 384, 400, 416, 448, 456, 480, 512, 528, 600, 640),
)
"""Square input sizes that papers and implementations use."""

MAX_NAME = 200
"""Characters of a name that are read."""

_SIDES = re.compile(
    r"[0-9]{1,6}(?:\s*[x×*]\s*[0-9]{1,6}){0,3}\s*(?:px|pixels?)?"
    r"|[(\[]\s*[0-9]{1,6}(?:\s*[x×*,]\s*[0-9]{1,6}){0,3}\s*[)\]]"  # 1,024 alone is a number
)
_SQUARE = re.compile(r"(?P<side>[0-9]{1,6})\s*(?:px)?\s*(?:²|\^\s*\{?2\}?)")


def input_size(text: str) -> tuple[int, ...] | None:
    """An input's size as printed: (224,) for "224", "@224", "224²", (3, 224, 224) for "3x224x224"; None if it is none.

    Whether the first or the last of three is the channels, the text does not say.
    """
    text = text.strip().lstrip("@").strip("$ ").casefold()
    square = _SQUARE.fullmatch(text)
    found = [square["side"]] if square else re.findall("[0-9]+", text) if _SIDES.fullmatch(text) else []
    sizes = tuple(map(int, found))
    return sizes if sizes and all(sizes) else None


_CITATION = re.compile(
    r"\[[0-9, ;-]*\]|\((?=[^()]*[a-z]{2})[^()]*(?:\bet al\b|\b(?:19|20)[0-9]{2}\b)[^()]*\)|\((?:19|20)[0-9]{2}\)"
    r"|[†‡*∗§¶]|\^[0-9a-z]"  # "(7 @ 1920)" is no year
    r"|(?-i:\([a-z]\)|\[[a-z]\])\s*$",  # a footnote's mark: options of papers, as ResNet-34 (A), are capitals
    re.IGNORECASE,
)
# What says how a network was trained or who published its weights, and nothing of what it is.
_RECIPE = re.compile(
    r"_?weights\.\w+"  # torchvision's ResNet50_Weights.IMAGENET1K_V2
    r"|\.(?:[a-z][a-z0-9]*_(?:[a-z0-9]+_)*)?in1k(?![a-z0-9])"  # timm's resnet50.a1_in1k; not RegNetX-3.2GF_in1k
    r"|(?<![a-z0-9])in-?2[12]k[-_ ]pre(?:train(?:ed)?)?(?![a-z0-9])"  # and then trained on ImageNet-1k
    r"|(?<![a-z0-9])rsb-a[1-3]-[0-9]+e(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:[0-9]+xb[0-9]+|b(?:16|32|64|128|256)x[0-9]+)(?![a-z0-9])"  # mmpretrain's batch on GPUs
    r"|(?<![a-z0-9])(?:(?:in|imagenet)[-_ ]?1k|fp16|fp32|bf16|amp|\(ours\))(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:3rdparty|ssld|(?:ra-)?noisy[-_ ]?student|aa(?:-advprop)?|mae|ckpt|noema)(?![a-z0-9])"
    r"|(?<![a-z0-9])fcmae(?:-in2[12]k)?(?:-pre)?(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:kinetics(?:-?[467]00)?|cub(?:-?200)?)(?![a-z0-9])"  # data: classes are solved for
    r"|(?<![a-z0-9])imagenet(?![-_ ]?[0-9a-z])|\.(?:h5|keras|pth|pt|onnx|pth\.tar)\s*$"
    r"|(?<=[0-9])px(?![a-z])"
    r"|(?:\+|(?<![a-z]))\s*(?:stochastic depth|cutout|mixup|cutmix|label smoothing|auto-?augment|dropout)(?![a-z])"
    r"|(?<![a-z])(?:our )?re-?impl(?:emented|ementation)?(?![a-z])"
    r"|(?<![a-z])(?:with|using|w/(?!o))(?: an?(?= ))?(?![a-z])"  # Faster R-CNN with ResNet-50-FPN
    r"|(?<=[0-9])[- ]layers?(?![a-z])"  # 34-layer ResNet
    r"|^\s*(?:t|s|teacher|student)\s*:|\((?:teacher|student)\)|(?<![a-z])(?:vanilla|standard)(?![a-z])"
)
_REWRITTEN = (
    # timm writes a width in hundredths, and RegNets in 100 MF; torchvision 1.6 as 1_6
    (
        re.compile(
            r"(?<![a-z])(mobilenet\w*?|(?:s[ep])?m?nasnet|ghostnet\w*?|fbnetc)_(0[1-9][05]|1[0-5][05]|200)(?![0-9a-z])"
        ),
        r"\1 \2e-2",
    ),
    # Short names: MBV3-L, V3-Large of MobileNetV3's own tables, EN-B0, Inc-v3, D121, Proxyless-R
    (re.compile(r"(?<![a-z0-9])m[bn][-_ ]?(v[1-4])(?![0-9])"), r"mobilenet\1"),
    (re.compile(r"^\s*v3[-_ ](?=(?:large|small)(?![a-z]))"), "mobilenet_v3_"),
    (re.compile(r"(?<![a-z])(?:en|eff|enet)[-_ ]?(?=b[0-7](?![0-9a-z]))"), "efficientnet-"),
    (re.compile(r"(?<![a-z])enet[-_ ]?v2(?![0-9a-z])"), "efficientnet_v2"),
    (re.compile(r"(?<![a-z])inc[-_ ]?v([1-4])(?![0-9])"), r"inception_v\1"),
    (re.compile(r"(?<![a-z])inc(?:eption)?[-_ ]?res[-_ ]?v([12])(?![0-9])"), r"inception_resnet_v\1"),
    (re.compile(r"(?<![a-z0-9])dn?-?(121|161|169|201)(?![0-9a-z])"), r"densenet\1"),
    (re.compile(r"(?<![a-z])shuffle[-_ ]?v([12])(?![0-9])"), r"shufflenet_v\1"),
    (re.compile(r"(?<![a-z])proxyless(?:nas)?[-_ ][rm](?![a-z])"), "proxylessnas_mobile"),
    (re.compile(r"(?<![a-z])proxyless(?:nas)?[-_ ](g|c)(?![a-z])"), r"proxylessnas_\1pu"),
    (re.compile(r"(?<![a-z])single[- ]path[- ]nas(?:net)?(?![a-z])"), "spnasnet"),
    (re.compile(r"(?<![a-z])network[- ]in[- ]network(?![a-z])"), "nin"),
    (re.compile(r"(?<![a-z])mobilevit[-_ ]?v1(?![0-9])"), "mobilevit"),
    (re.compile(r"(?<![a-z])sk[-_ ]?resnet[-_ ]?(26|50|101)(?![0-9a-z])"), r"sknet\1"),
    (re.compile(r"(?<![a-z])eca[-_ ]?net[-_ ]?([0-9]+)"), r"eca_resnet\1"),
    (re.compile(r"(?<![-a-z])resnet[-_ ]?1001(?![0-9])"), "preresnet1001"),  # published with early activations alone
    (re.compile(r"(?<![a-z])(regnet[-_ ]?[xy][-_ ]?[0-9]{3})m(?![0-9a-z])"), r"\1mf"),
    (re.compile(r"(?<![0-9a-z])([0-9]+)w\s*x\s*([0-9]+)s(?![0-9a-z])"), r"\1w \2s"),
    # mmpretrain's mobilenet-v3-small-050, and classes of Keras: MobileNetV3Small075, NFNetF0, EfficientNetV1B0
    (re.compile(r"(?<![a-z])mobilenet-?v3-?(small|large)-?(0[1-9][05]|100)(?![0-9a-z])"), r"mobilenet_v3_\1 \2e-2"),
    (re.compile(r"(?<![a-z])(nfnet)(?=f[0-7](?![0-9]))"), r"\1 "),
    (re.compile(r"(?<![a-z])(efficientnet)[-_ ]?v1[-_ ]?(?=b[0-7](?![0-9]))"), r"\1 "),
    (re.compile(r"(?<![a-z])(ghostnet[-_ ]?v2)[-_ ]160(?![0-9a-z])"), r"\1 1.6"),
    (
        re.compile(r"(?<![a-z])(yolo)[-_ ]?(v[58])[-_ ]?([nsmlx])(?:ano|mall|edium|arge|[-_ ]?large)?(?![0-9a-z])"),
        r"\1\2\3",
    ),
    (re.compile(r"(?<![a-z])regnet_?([xy])_?([0-9]{2})([0-9])(?![0-9a-z])"), r"regnet\1 \2.\3gf"),
    (re.compile(r"(?<![a-z])(regnet_?[xy]_[0-9]+)_([0-9])(?=gf)"), r"\1.\2"),
    # The papers that compare with them: RegNetY-16G
    (re.compile(r"(?<![a-z])regnet[-_ ]?([xy])[-_ ]?([0-9]{1,2}(?:\.[0-9])?)g(?:f)?(?![0-9a-z])"), r"regnet\1 \2gf"),
    (re.compile(r"(?<![a-z0-9])r-?(18|34|50|101|152)(?![0-9a-z])"), r"resnet\1"),
    (re.compile(r"(?<![a-z0-9])x-?(50|101|152)(?=[-_ ][0-9]+x[0-9]+d)"), r"resnext\1"),
    # its paper writes DLA-X-46-C, timm dla46x_c, and dla102x2 for twice as many groups of DLA-X-102
    (re.compile(r"(?<![a-z])dla[-_ ]?102x2(?![0-9])"), "dlax 102 64"),
    (re.compile(r"(?<![a-z])dla[-_ ]?(?:x[-_ ]?([0-9]+)|([0-9]+)x(?![0-9]))"), r"dlax \1\2"),
    (re.compile(r"(?<![a-z0-9])res-?(18|34|50|101|152)(?![0-9a-z])"), r"resnet\1"),
    (re.compile(r"(?<![a-z])deeplab[-_ ]?v?3\s*(?:\+|plus)"), "deeplabv3plus "),  # the plus is another network
    # The tweaks of ResNets: mmpretrain's ResNetV1D-152, GluonCV's ResNet152_v1d, PaddleClas' ResNet152_vd
    (re.compile(r"(?<![a-z])resnet[-_ ]?v1([cd])[-_ ]?([0-9]+)(?![0-9a-z])"), r"resnet\2\1"),
    (re.compile(r"(?<![a-z])resnet[-_ ]?([0-9]+)[-_]v1?([cd])(?![0-9a-z])"), r"resnet\1\2"),
    (re.compile(r"(?<![a-z])(resnet[-_ ]?[0-9]+)[-_]v1b(?![0-9a-z])"), r"\1 v1.5"),
    # pytorchcv's ResNet-101b strides in the 3x3; the b of others is another writing of the same network
    (re.compile(r"(?<![-a-z])(resnet[-_ ]?(?:50|101|152))b(?![0-9a-z])"), r"\1 v1.5"),
    (re.compile(r"(?<![-a-z])(bn-vgg-?[0-9]{2}|efficientnet-b[0-7])b(?![0-9a-z])"), r"\1"),
    (re.compile(r"^((?:(?!vit).)*)vision[- ]transformers?((?:(?!vit).)*)$"), r"\1vit\2"),
    # timm's vit_base_patch16 and mmpretrain's vit-base-p16 are ViT-B/16, small and tiny ones are DeiT's
    (
        re.compile(r"(?<![a-z])vit[-_ ](b|l|h)(?:ase|arge|uge)?[-_ /]?p?(?:atch)?[-_ ]?(14|16|32)(?![0-9])"),
        r"vit \1 \2",
    ),
    (re.compile(r"(?<=[a-z])[-_]patch4[-_]window7(?![0-9])"), ""),  # timm's Swin, as its paper has them
    (re.compile(r"(?<![a-z])(?:vit|deit)[-_ ](tiny|small|base)[-_ ]p(?:atch)?16(?![0-9])"), r"deit \1"),
    (re.compile(r"(?<![a-z])vit[-_ ](b|l|h)(?:ase|arge|uge)(?![0-9a-z])"), r"vit \1"),
    (re.compile(r"(?<![a-z])(?:vit|deit)[-_ ]s(?:mall)?(?:/16)?(?![0-9a-z/])"), "deit small"),
    (re.compile(r"(?<![a-z])(?:vit|deit)[-_ ]ti(?:ny)?(?:/16)?(?![0-9a-z/])"), "deit tiny"),
    (re.compile(r"(?<![a-z])(resnet[-_ ]?[0-9]+[^0-9a-z]+)1(?:\.0)?x(?![0-9a-z])"), r"\1"),
    (re.compile(r"(?<![a-z])pre-?act(?:ivation|ivated)?[-_ ]*(?=resnet)"), "pre"),
    (re.compile(r"(?<![a-z])resnet([^0-9a-z]*)pre-?act(?:ivation)?(?![a-z])"), r"preresnet\1"),
    (re.compile(r"(?<![a-z])(resnet[-_ ]?[0-9]+)[-_ ]bn(?![0-9a-z])"), r"\1"),  # beside those of other norms
    # What a network is joined to: "ResNet-50 + SE", "ResNet-50-SE", or "SENet" beside "ResNet-50"
    (re.compile(r"^([^+]*resne[^+]*)\+\s*(se|cbam|eca)(?![a-z])"), r"\2 \1"),
    (re.compile(r"(?<![-_a-z])(resnet[-_ ]?[0-9]+)[-_](se|cbam|eca)(?![0-9a-z])"), r"\2 \1"),
    (re.compile(r"(?<![a-z])(se|eca)-?net\s+(?=resne)"), r"\1 "),
    (re.compile(r"(?<![a-z])dual[- ]?path[- ]?net(?:work)?s?(?![a-z])"), "dpn"),
    (re.compile(r"(?<![a-z])squeeze[- ]?excite[- ]?net(?:work)?s?(?![a-z])"), "senet"),
    (re.compile(r"(?<![0-9a-z])w([0-9]+)[-_]?s([0-9]+)(?![0-9a-z])"), r"\1w \2s"),
    (re.compile(r"(?<![0-9a-z])2nd(?![a-z])"), "second"),
    (  # Keras' EfficientNetV2L
        re.compile(
            r"((?:efficientnet|mobilenet|convnext)[-_ ]?v[1-4])"
            r"(?=(?:x?s|m|x?l|large|small|tiny|nano|atto|femto|pico|base|huge|b[0-3])(?![a-z0-9]))"
        ),
        r"\1 ",
    ),
)
_HUNDREDTHS = re.compile(r"([0-9])([0-9]{2})e-2")
_GIGAFLOPS = re.compile(r"(?<=[xy] )([0-9]{1,2}(?:\.[0-9])?)gf")
_NAME_TOKEN = re.compile(
    r"(?<![0-9a-z.])(?P<size>[0-9]+(?:x[0-9]+){1,2}d?(?![0-9a-z.]))"  # 32x4d, 224x224, 3x224x224
    r"|(?P<key>[a-z]+)\s*=\s*(?P<value>[0-9]+(?:\.[0-9]+)?)"  # g = 3
    r"|(?P<family>[a-z]{2,}?)(?P<letter>[bv])(?P<version>[0-9]+(?:\.[0-9]+)?)(?![0-9a-z])"  # mobilenetv2
    r"|(?<![a-z])(?P<short>[a-wyz][0-9]+(?:\.[0-9]+)?)(?![0-9a-z])"  # b0, v1.5, g3
    r"|(?:(?<![a-z])x\s?)?(?P<number>[0-9]+(?:\.[0-9]+)?)(?:\s?x(?![a-z0-9]))?"  # 50, 1.4x, x2
    r"|(?P<word>[a-z]+)"
)
_NUMERAL = re.compile(r"(?<=[a-z])2(?=ne[tx])")  # Res2Net: its number is part of the word
_SPACED_SIZE = re.compile(r"(?<![0-9a-z.])([0-9]+)\s*x\s*(\1|[0-9]+d)(?![0-9a-z.])")  # 224 x 224, 32 x 4d; not 50 x2
_DECIMAL = re.compile(
    r"(?<=[a-uw-z])([0-9])_([0-9]{1,2})(?![0-9a-z.])"
)  # x1_0, squeezenet1_1: as identifiers must write it
_FAMILIES = {
    "rn": "resnet",
    "mnet": "mobilenet",
    "effnet": "efficientnet",
    "mnas": "mnasnet",
    "proxyless": "proxylessnas",
}
_KEYS = {
    "group": "g",
    "groups": "g",
    "growth": "k",
    "l": "",
    "depth": "",
    "width": "",
    "w": "",
    "dm": "",
    "alpha": "",
    "α": "",
}
_UNNUMBERED = ("mobilenet", "shufflenet")  # what their papers call the first version


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


def candidates(name: str, known: Iterable[str], also: Mapping[str, Sequence[str]] | None = None) -> list[Candidate]:
    """The known names that a printed name may mean: those that leave the least of it unread, then unsaid.

    Known names look like "resnet50", "mobilenet_v2@1.4", "resnext50_32x4d"; what follows the @ is a variant.
    A printed name need not name a first version that was published without a number ("MobileNet" for mobilenet_v1)
    and not a width of 1. Several candidates: the name is ambiguous. A candidate with a residue is a network of that
    family at best; nobody should take it for the network itself before the residue is explained. None: unknown.

    Args:
        name: as printed, with its citations and footnote marks.
        known: the names to find.
        also: other ways to write known names ("googlenet": ["inception_v1"]); two networks may share one.
    """
    letters, others = tokens(without_recipe(name))
    found = _best(_match(spelling, target, letters, others) for spelling, target in _spellings(known, also))
    least = min(map(_open, found), default=None)
    return [candidate for candidate in found if _open(candidate) == least]


def beginnings(name: str, known: Iterable[str], also: Mapping[str, Sequence[str]] | None = None) -> list[Candidate]:
    """The known names of which a printed name says only the first word or more, in the order of `known`.

    "NASNet-A" of nasnet_a_mobile and nasnet_a_large. What of them is not printed is unsaid, be it a number. The
    arguments are those of `candidates`.
    """
    letters, others = tokens(without_recipe(name))
    return _best(_begun(spelling, target, letters, others) for spelling, target in _spellings(known, also))


def without_recipe(name: str) -> str:
    """A name as its paper would write it: without citations, marks and recipes, with the numbers that others write."""
    text = _RECIPE.sub(" ", _CITATION.sub(" ", name[:MAX_NAME].replace("×", "x")).casefold())
    for written, meant in _REWRITTEN:
        text = written.sub(meant, text)
    text = _HUNDREDTHS.sub(r"\1.\2", text)
    return _GIGAFLOPS.sub(lambda size: _regnet(Fraction(size[1])), text)


def _regnet(size: Fraction) -> str:
    """A RegNet's size in GF as its paper writes it: 1.6gf, 16gf, 400mf."""
    if size < 1:
        return f"{int(size * 1000)}mf"
    return f"{float(size):.1f}gf" if size < 10 else f"{int(size)}gf"


def _spellings(known: Iterable[str], also: Mapping[str, Sequence[str]] | None) -> Iterator[tuple[str, str]]:
    yield from ((one, one) for one in known)
    yield from ((spelling, target) for target, spellings in (also or {}).items() for spelling in spellings)


def _best(matches: Iterable[Candidate | None]) -> list[Candidate]:
    """For each name the spelling that leaves the least open."""
    found: dict[str, Candidate] = {}
    for one in matches:
        if one and (one.name not in found or _open(one) < _open(found[one.name])):
            found[one.name] = one
    return list(found.values())


def _open(candidate: Candidate) -> tuple[int, int]:
    return len(candidate.residue), len(candidate.assumed)


def _match(spelling: str, target: str, letters: tuple[str, ...], others: Counter[str]) -> Candidate | None:
    base, _, variant = spelling.partition("@")
    base_letters, base_others = tokens(base)
    family = "".join(base_letters)
    rest = _without(letters, family)
    if rest is None:
        return None
    missing = base_others - others
    if missing and (
        set(missing) != {"v1"} or family not in _UNNUMBERED or any(re.match("v[0-9]", token) for token in others)
    ):
        return None
    variant_letters, variant_others = tokens(variant)
    left = Counter(rest) + (others - base_others)
    wanted = Counter(variant_letters) + variant_others
    assumed = missing + (wanted - left)
    del assumed["1"]
    return Candidate(target, tuple(assumed.elements()), tuple((left - wanted).elements()))


def _begun(spelling: str, target: str, letters: tuple[str, ...], others: Counter[str]) -> Candidate | None:
    base_letters, base_others = tokens(spelling)
    if not base_letters or base_letters[0] not in "".join(letters):  # nearly always
        return None
    for said in range(len(base_letters), 0, -1):
        rest = _without(letters, "".join(base_letters[:said]))
        if rest is not None:
            left, unsaid = Counter(rest), Counter(base_letters[said:])
            assumed = (unsaid - left) + (base_others - others)
            return Candidate(
                target, tuple(assumed.elements()), tuple(((left - unsaid) + (others - base_others)).elements())
            )
    return None


def _without(letters: tuple[str, ...], family: str) -> list[str] | None:
    """The words that remain when a run of them spells the family, None if no run does."""
    if family not in "".join(letters):  # nearly always
        return None
    for start in range(len(letters)):
        read = 0
        for stop, word in enumerate(letters[start:], start + 1):
            if not family.startswith(word, read):
                break
            read += len(word)
            if read == len(family):
                return [*letters[:start], *letters[stop:]]
    return None


@lru_cache(maxsize=4096)
def tokens(name: str) -> tuple[tuple[str, ...], Counter[str]]:
    """The words of a name in their order, and its numbers, versions and settings without any."""
    words = []
    others: Counter[str] = Counter()
    text = _NUMERAL.sub("two", name.casefold())
    for token in _NAME_TOKEN.finditer(_DECIMAL.sub(r"\1.\2", _SPACED_SIZE.sub(r"\1x\2", text))):
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


def says(name: str, part: str) -> bool:
    """Whether a name has all words and numbers of another text, as both are written: "SE-ResNet-50" has "resnet"."""
    words, others = tokens(name)
    wanted_words, wanted_others = tokens(part)
    wanted = Counter(wanted_words) + wanted_others
    return bool(wanted) and wanted <= Counter(words) + others


def _number(text: str) -> str:
    """1.0 is 1."""
    return text.rstrip("0").rstrip(".") if "." in text else text
