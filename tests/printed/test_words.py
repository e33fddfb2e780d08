"""The words that papers print with a number: each of them is read, and as what.

Spelt as they are printed, with the spaces and hyphens that do not count.
"""

from __future__ import annotations

import pytest

from convcost.errors import ConvcostError
from convcost.printed.numbers import absent, parse

SCALES = {
    "K": ["K", "k", "thousand", "thousands"],
    "M": ["M", "m", "mio", "mn", "million", "millions"],
    "G": ["G", "g", "B", "b", "bn", "Bn", "billion", "billions"],
    "T": ["T", "t", "tn", "trillion", "trillions"],
    "Ki": ["Ki"],
    "Mi": ["Mi"],
    "Gi": ["Gi"],
    "Ti": ["Ti"],
    "%": ["%", "percent"],
}
UNITS = {
    "params": ["param", "params", "param.", "params.", "parameter", "Parameters", "weights"],
    "macs": [
        *["MAC", "MACs", "MACC", "MACCs", "MAdd", "MAdds", "FMA", "FMAs", "mult-add", "Mult-Adds", "multi-add"],
        *["multi-adds", "multiply-add", "multiply-adds", "mult-acc", "mult-accs", "multiply-accumulate"],
        *["multiply-accumulates", "multiply-accumulations", "multiplication-additions", "multiply-additions"],
    ],
    "flops": ["FLOP", "FLOPs", "flops", "FLOPS", "floating point operations", "floating-point operations"],
    "ops": ["Op", "Ops", "OPS", "operations"],
    "bytes": ["byte", "bytes"],
    "x": ["x", "×", "times"],
}
ABOUT = ["~", "∼", "≈", "≃", "±", "+-", "+/-", r"\sim", r"$\approx$", r"\simeq", r"\pm"]
ABOUT += ["about", "around", "roughly", "approx", "approx.", "approximately", "Approximately", "ca.", "circa"]
BOUNDS = {
    "<": ["<", r"\lt", "less than", "fewer than", "under", "Under"],
    ">": [">", r"\gt", "more than", "over"],
    "<=": ["<=", "≤", "⩽", r"\le", r"\leq", r"\leqslant", "at most", "up to"],
    ">=": [">=", "≥", "⩾", r"\ge", r"\geq", r"\geqslant", "at least"],
}


def each(words: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(meaning, word) for meaning, spelt in words.items() for word in spelt]


@pytest.mark.parametrize(("scale", "word"), each(SCALES))
def test_words_of_scales(scale: str, word: str) -> None:
    number = parse(f"1.5 {word}")
    assert (number.digits, number.scale, number.unit) == (15, scale, "")
    ratio = parse(f"1.5{word} params")
    assert (ratio.scale, ratio.unit) == (scale, "params")


@pytest.mark.parametrize(("unit", "word"), each(UNITS))
def test_words_of_units(unit: str, word: str) -> None:
    number = parse(f"15 {word}")
    assert (number.digits, number.scale, number.unit) == (15, "", unit)
    if unit != "x":
        assert (parse(f"15 G{word}").scale, parse(f"15 million {word}").scale) == ("G", "M")


def test_a_capital_b_behind_a_scale_is_bytes_and_alone_a_billion() -> None:
    assert [(n.scale, n.unit) for n in map(parse, ("1B", "1KB", "1 MB", "1TiB", "1KiB"))] == [
        ("G", ""), ("K", "bytes"), ("M", "bytes"), ("Ti", "bytes"), ("Ki", "bytes")
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["5 BOP", "5 BOPs", "76.3 top", "1Xi", "1 ki", "98 Mb", "5 M M", "5 params params"])
def test_words_that_are_neither(text: str) -> None:
    with pytest.raises(ConvcostError, match="after it mean"):
        parse(text)


@pytest.mark.parametrize("word", ABOUT)
def test_words_before_a_number_that_is_only_about_right(word: str) -> None:
    number = parse(f"{word} 15M")
    assert (number.digits, number.approximate, number.bound) == (15, True, "")


@pytest.mark.parametrize(("bound", "word"), each(BOUNDS))
def test_words_before_a_bound(bound: str, word: str) -> None:
    number = parse(f"{word} 15M")
    assert (number.digits, number.approximate, number.bound) == (15, False, bound)


@pytest.mark.parametrize("mark", ["†", "‡", "*", "∗", "§", "¶", "^a", "^2", "¹", "⁹", "†‡"])
def test_footnotes_change_nothing(mark: str) -> None:
    assert parse(f"7.8 M{mark}").interval() == parse("7.8M").interval()


@pytest.mark.parametrize(
    "text", ["none", "None", "unknown", "tbd", "TBD", "n.a.", "N. A.", "na", "{}", "...", "\u2010", "\u2015", "\u2212"]
)
def test_words_of_no_number(text: str) -> None:
    assert absent(text)
    assert not absent(text + "x")
