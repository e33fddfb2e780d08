"""What a table's titles mean: the quantity of a column, or the input of the rows.

Pure functions on text. They do not guess: a title that could mean two things means none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from convcost.printed.units import scale_and_unit
from convcost.spec.spelling import MAX_NAME

Kind = Literal["params", "macs", "flops", "ops", "activations", "memory", "size"]

_KINDS: dict[str, Kind] = {
    "params": "params",
    "macs": "macs",
    "flops": "flops",
    "ops": "ops",
    "activations": "activations",
    "bytes": "size",
}
_TITLE_TOKEN = re.compile(r"(?:10\s*\^\s*|1e)(?P<exponent>[0-9]{1,2})(?![0-9])|(?P<word>[^\W\d_]+|%)")
_VIEWS = re.compile(
    r"\s*(?:[x×*]|\\times)\s*(?:views?|crops?|clips?)\b|\s*(?:/|\bper)\s*(?:view|clip)\b", re.IGNORECASE
)
_SHAPE = re.compile(r"[0-9]+\s*[x×]\s*[0-9]+|[x×]\s*(?=10)|\\times")  # what is no ratio: 224x224, x10^9
_MULTIPLE = re.compile(r"(?<!\^)(?<!e)[0-9]\s*[KMGBT]\b", re.IGNORECASE)  # "(100M)" is no scale of ours
_SUPERSCRIPT = re.compile("10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_PLUS_TIMES = re.compile(r"(?<!\w)(?:\+ *(?:[x×]|\\times)|(?:[x×]|\\times) *\+)(?!\w)", re.IGNORECASE)  # DARTS' "+×"
_NUMBER_SIGN = re.compile(r"#\s*p(?:ara?)?\b", re.IGNORECASE)  # "#P", "# Par."
_TRANSLATED = tuple(
    (re.compile(words, re.IGNORECASE), f" {meant} ")
    for meant, words in {
        "params": "参数量|参数|參數量|參數|パラメーター?数?|매개변수|파라미터|param[èéê]t(?:re|ro)s|параметр(?:ы|ов)",
        "flops": "浮点运算量|浮点运算|浮動小数点演算",
        "ops": "计算量|運算量|运算量|复杂度|計算量|演算量|연산량|계산량",
        "resolution": "输入分辨率|分辨率|解析度|输入尺寸|图像尺寸|输入大小|入力サイズ|画像サイズ|解像度"
        "|입력 ?크기|해상도"
        "|(?:bild|eingabe)?auflösung|(?:bild|eingabe)grö(?:ß|ss)e|résolution|taille d['’]entrée|tamaño de entrada",
        "size": "模型大小|モデルサイズ|größe",
    }.items()
)
_COSTS = {"comp", "complexity", "computation", "computations", "computational", "compute", "cost", "costs"}
"""Words for operations of which the scale must say that they are counted: "Comp. (G)"."""
_HALF = re.compile(r"(flops)\s*/\s*2(?![0-9.]|\s*[x×])", re.IGNORECASE)
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
    divided: int = 1
    """What the count is divided by before it is printed: 2 of "FLOPs/2", which imgclsmob's tables print."""

    @property
    def unit(self) -> str:
        """The unit of the column's bare numbers."""
        return "bytes" if self.kind in ("size", "memory") else self.kind


@lru_cache(maxsize=4096)  # a table's titles are asked about at every cell
def quantity_of(title: str) -> Quantity | None:
    """Read a column title, flattened with " / " or not: "Params (M)", "Bn ops", "SENet / GFLOPs".

    None if it is no count ("top-1 err.", "depth"), a share or ratio ("Params (%)"), or two counts at once.
    """
    if (memory := _memory(title)) is not None:
        return memory
    found: Quantity | None = None
    outer = ""
    if half := _HALF.search(title[:MAX_NAME]):
        found = quantity_of(title[: half.end(1)] + title[half.end() :])
        return replace(found, divided=2) if found else None
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
        if not words and not kinds:  # a line of units: "Params / M"
            bracketed.append(scales)
        outer = next((scale for scales in bracketed for scale in scales), outer)
        if found is not None and not found.scale:
            found = Quantity(found.kind, outer)
    return found


_OF_MEMORY = {"peak", "sram", "ram", "arena", "activation", "activations", "act", "mem", "memory"}
_BESIDE_MEMORY = {"usage", "use", "footprint", "inference", "model", "int", "fp", "float", "required", "size"}


def _memory(title: str) -> Quantity | None:
    """What a title says of peak memory: "Peak memory (MB)", "SRAM (kB)". "Memory (GB)" is what training took."""
    if " / " in title:
        return None
    words, kinds, scales = _read_title(title[:MAX_NAME])
    peak = words & {"sram", "arena"} or (words & {"peak"} and words & {"mem", "memory", "ram", "activation"})
    sizes = kinds <= {"size", "activations"} and len(scales - {""}) <= 1 and "%" not in scales
    if not peak or not sizes or not words <= _OF_MEMORY | _BESIDE_MEMORY:
        return None
    return Quantity("memory", next(iter(scales), ""))


def times_views(title: str) -> bool:
    """Whether a column prints how much one view takes, and how many there are: "GFLOPs × views"."""
    return _VIEWS.search(title[:MAX_NAME]) is not None


def share_of(title: str) -> Kind | None:
    """What a column prints shares of, in percent: "Mult-Adds (%)", "Share of MACs"; None if of nothing."""
    words, kinds, scales = _read_title(title[:MAX_NAME])
    shared = "%" in scales or words & _SHARE
    return next(iter(kinds)) if shared and len(kinds) == 1 and words <= _SHARE | {"of", "total", "in", "all"} else None


def counts_twice(title: str) -> bool:
    """Whether a column prints two counts a cell: "MACs/FLOPs (G)", "Params (M) / FLOPs (G)"."""
    words, kinds, _ = _read_title(title[:MAX_NAME])
    return len(kinds) > 1 and not any(map(_NOT_A_COUNT.fullmatch, words))


_SHARE = {"share", "shares", "fraction", "proportion", "percentage", "part"}
_SOURCES = {
    *("paper", "papers", "reported", "report", "published", "official", "claimed", "author", "authors", "theirs"),
    *("our", "ours", "we", "measured", "counted", "calculated", "computed", "by", "from", "in", "with", "using", "via"),
    *("total", "all", "trainable", "learnable", "inference", "model", "network", "theoretical", "real"),
}
_TOOLS = {
    *("thop", "ptflops", "fvcore", "torchinfo", "torchstat", "torchsummaryx", "torchprofile", "torchscan", "calflops"),
    *("deepspeed", "mmengine", "mmcv", "keras", "tensorflow", "tf", "torch", "pytorch", "onnx", "openvino", "flopth"),
    *("counter", "profiler", "flopcounter", "flopcountermode", "tool", "lib", "library"),
}


def says_whose(title: str) -> bool:
    """Whether what a count's title says besides is who counted: "FLOPs (thop)", "Total params", or nothing."""
    words = set().union(*(_read_title(part)[0] for part in title[:MAX_NAME].split(" / ")))
    return words <= _SOURCES | _TOOLS


def _read_title(title: str) -> tuple[set[str], set[Kind], set[str]]:
    """The words of a title that are neither unit nor scale, its kinds and its scales."""
    part = _translated(title)
    part = _SUPERSCRIPT.sub(lambda power: f"10^{power[1].translate(_DIGITS)}", part)
    part = _NUMBER_SIGN.sub(" params ", part.replace("{", "").replace("}", "").replace("(s)", "s"))
    part = _SHAPE.sub(" ", _VIEWS.sub(" ", _PLUS_TIMES.sub(" madds ", part)))
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
    if not title.isascii() and kinds & {"macs", "flops"}:
        kinds -= {"ops"}  # 计算量 (GFLOPs)
    if not kinds and scales - {"%"} and words and words <= _COSTS:
        kinds, words = {"ops"}, set()
    return words, kinds, scales


def _translated(title: str) -> str:
    """A title with the words of other languages as ours."""
    if not title.isascii():
        for word, meant in _TRANSLATED:
            title = word.sub(meant, title)
    return title


_INPUT_WORDS = {"input", "inputs", "image", "img", "im", "imgsz", "resolution", "res", "size", "crop"}
_BESIDE_INPUT = {
    *("shape", "dim", "dims", "test", "eval", "val", "infer", "inference", "px", "pixel", "pixels", "h", "w", "hxw"),
}


def names_an_input(title: str) -> bool:
    """Whether a column's title says the size of an input: "Input size", "Res.", "Image size (px)", or only "Size"."""
    words = set(re.findall(r"[^\W\d_]+", _translated(title[:MAX_NAME].casefold())))
    return bool(words & _INPUT_WORDS) and words <= _INPUT_WORDS | _BESIDE_INPUT
