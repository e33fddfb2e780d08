"""Design spaces: exact values from text and YAML, and one clear line for what is none."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcost.designs.space import Axis, Steps, logarithmic, parse_axis, parse_derived, read_space, space_of
from convcost.errors import ConvcostError
from convcost.values import show


def values(axis: Axis) -> list:
    return [axis[i] for i in range(len(axis))]


def test_ranges_are_exact_and_include_their_end():
    tenths = parse_axis("width=0.25:2:0.05")
    assert values(tenths) == [Fraction(n, 20) for n in range(5, 41)]
    assert (tenths.denominator, tenths.least, tenths.largest) == (20, Fraction(1, 4), 2)
    assert values(parse_axis("H=128:512:32")) == list(range(128, 513, 32))
    assert values(parse_axis("H=3:5")) == [3, 4, 5]
    assert values(parse_axis("w=1/3:1:1/3")) == [Fraction(1, 3), Fraction(2, 3), 1]
    assert values(parse_axis("H=1:10:4")) == [1, 5, 9]


def test_the_unit_of_an_axis_divides_what_its_values_are_apart():
    units = {"H=128:512:32": 32, "w=0.25:2:0.05": Fraction(1, 20), "H=7:7": 0, "H=9": 0, "H=320,128,224": 96,
             "w=0.35,1.4,1": Fraction(1, 20), "w=1/3,1/2": Fraction(1, 6)}  # fmt: skip
    assert {text: parse_axis(text).unit for text in units} == units


def test_lists_have_values_as_knobs_do():
    assert values(parse_axis("H=128, 160,192")) == [128, 160, 192]
    assert values(parse_axis("width=0.35,1.4,7/20000")) == [Fraction(7, 20), Fraction(7, 5), Fraction(7, 20000)]
    assert values(parse_axis("block=basic,bottleneck")) == ["basic", "bottleneck"]
    assert values(parse_axis("units=[2,2,2,2],[3,4,6,3]")) == [(2, 2, 2, 2), (3, 4, 6, 3)]
    assert values(parse_axis("bias=true,false")) == [True, False]


def test_a_space_of_10_to_the_36_designs_takes_no_memory():
    space = space_of([parse_axis(f"{name}=1:1000000000000000000") for name in "ab"])
    assert space.size == 10**36
    assert space.axes[0][10**18 - 1] == 10**18


@given(st.integers(1, 500), st.integers(1, 5000), st.integers(2, 40), st.sampled_from([1, 8, 32]))
def test_logarithmic_values_are_the_nearest_multiples(first, more, count, multiple):
    last = first + more
    found = logarithmic((first, last), count, multiple, "test")
    ideal = [first * (last / first) ** (i / (count - 1)) for i in range(count)]
    nearest = {max(1, round(x / multiple)) * multiple for x in ideal if abs(x / multiple % 1 - 0.5) > 1e-6}
    assert nearest <= set(found)
    assert list(found) == sorted(set(found))
    assert all(
        min(abs(x - value) for x in ideal) <= max(multiple / 2 * (1 + 1e-9), multiple - ideal[0]) for value in found
    )
    assert log(found[-1]) >= log(found[0])


def test_a_space_from_yaml(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "over:\n  width: 0.5:1:0.25\n  H: [128, 160]\n  shortcut: B\n"
        "  a: {log: [16, 128], count: 4}\n  b: {range: 20:40:10, multiple: 16}\n"
        "let: {W: H, c: 2*a + b}\nwhere: [macs <= 600M, c < 100]\n"
    )
    axes, derived, where = read_space(path)
    assert {axis.name: values(axis) for axis in axes} == {
        "width": [Fraction(1, 2), Fraction(3, 4), 1],
        "H": [128, 160],
        "shortcut": ["B"],
        "a": [16, 32, 64, 128],
        "b": [16, 32, 48],
    }
    assert derived == [("W", "H"), ("c", "2*a + b")]
    assert where == ["macs <= 600M", "c < 100"]
    assert space_of(axes, derived).complete({"a": 16, "b": 32, "H": 128})["c"] == 64


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(1, 9), st.integers(1, 12), st.integers(1, 9))
def test_numerators_are_values_times_the_denominator(indices, start, step, d):
    axis = Axis("w", Steps(Fraction(start, d), Fraction(step, d), 31))
    found = axis.numerators(np.array(indices))
    assert [Fraction(int(n), axis.denominator) for n in found] == [axis[i] for i in indices]


@given(st.fractions(max_denominator=10**6))
def test_shown_numbers_are_exact(value):
    text = show(value)
    assert Fraction(Decimal(text) if "/" not in text else text) == value


BAD = {
    "width": "write it as name=start:stop:step",
    "=1:2": "write it as name=start:stop:step",
    "width=": "write it as name=start:stop:step",
    "width=1:2:0": "the step of a range must be positive, got 0",
    "width=1:2:-1": "the step of a range must be positive, got -1",
    "width=0.25:2": "a range of fractions needs its step: 0.25:2:0.05, for one",
    "width=1:3/2": "a range of fractions needs its step",
    "width=2:1:0.5": "the range 2:1:0.5 is empty",
    "width=1:2:3:4": "a range is start:stop:step",
    "width=1:1e9:1": "a range is start:stop:step",
    "width=1:inf": "a range is start:stop:step",
    "width=1/0:2": "division by zero",
    "width=1:999999999999999:0.0000000001": "at most 2^62",
    "width=1,1": "a value stands twice",
    "width=[1,[2": "not valid YAML",
    "width=1\n,2": "a value has one line",
    "width={a}": "a plain value or a list is needed here",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=BAD.keys())
def test_bad_axes_say_why(text, said):
    with pytest.raises(ConvcostError) as error:
        parse_axis(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_spaces_say_why():
    width = parse_axis("width=1:2")
    with pytest.raises(ConvcostError, match="a space needs an axis"):
        space_of([])
    with pytest.raises(ConvcostError, match="width stands twice"):
        space_of([width, width])
    with pytest.raises(ConvcostError, match="W = h: there is no axis 'h'"):
        space_of([width], [("W", "h")])
    with pytest.raises(ConvcostError, match="cannot name an axis"):
        space_of([parse_axis("a b=1:2")])
    with pytest.raises(ConvcostError, match="write it as name=expression"):
        parse_derived("W")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("axes: {}", "space.yaml:1:1: a space has the keys over, let and where, not 'axes'"),
        ("over: {H: {log: [32, 512]}}", "an axis is a range, a list"),
        ("over: {H: {log: [0, 512], count: 3}}", "log takes two integers"),
        ("over: {H: {log: [32, 512], count: 5000}}", "a log axis has from 2 to 1000 values, not 5000"),
        ("over: {H: {range: 1:99999999:1, multiple: 8}}", "at most 10,000 values can be rounded"),
        ("over: {H: {range: 1:99:1, multiple: 0}}", "multiple is an integer >= 1"),
        ("over: {H: []}", "an axis needs a value"),
        ("over: [H]", "over is a mapping"),
        ("let: {W: [H]}", "W takes an expression"),
        ("where: {a: b}", "where takes a condition"),
    ],
)
def test_bad_files_say_where_and_why(tmp_path, text, said):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(ConvcostError) as error:
        read_space(path)
    assert said in str(error.value)
