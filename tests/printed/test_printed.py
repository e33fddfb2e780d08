"""Printed numbers: hand-written cases, and the laws of the intervals on random values."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from convcost.errors import ConvcostError
from convcost.printed.numbers import KILO, MAX_TEXT, ROUNDINGS, Interval, Printed, absent, exact_number, parse

# Each row by hand: text, digits, decimals, scale, unit, approximate, bound.
NOTATIONS = [
    ("2.7K", 27, 1, "K", "", False, ""),
    ("112K", 112, 0, "K", "", False, ""),
    ("70k parameters", 70, 0, "K", "params", False, ""),
    ("3.8×10⁹", 38, 1, "e9", "", False, ""),
    ("3.8 × 10^-3", 38, 1, "e-3", "", False, ""),
    ("3.8×10^−3", 38, 1, "e-3", "", False, ""),
    ("3.8×10⁻³", 38, 1, "e-3", "", False, ""),
    ("3.8x10^9", 38, 1, "e9", "", False, ""),
    ("3.8e9", 38, 1, "e9", "", False, ""),
    (r"$3.8 \times 10^9$", 38, 1, "e9", "", False, ""),
    (r"$25.5\times10^{6}$", 255, 1, "e6", "", False, ""),
    (r"4.1$\times$$10^{9}$", 41, 1, "e9", "", False, ""),
    ("1.5", 15, 1, "", "", False, ""),
    (".27", 27, 2, "", "", False, ""),
    ("6.8M", 68, 1, "M", "", False, ""),
    ("25,636,712", 25636712, 0, "", "", False, ""),
    ("25 636 712", 25636712, 0, "", "", False, ""),
    ("25{,}636{,}712", 25636712, 0, "", "", False, ""),
    ("25\u202f636\u202f712", 25636712, 0, "", "", False, ""),
    ("1,072K", 1072, 0, "K", "", False, ""),
    ("25.6 M", 256, 1, "M", "", False, ""),
    ("98 MB", 98, 0, "M", "bytes", False, ""),
    ("98 MiB", 98, 0, "Mi", "bytes", False, ""),
    ("120 B", 120, 0, "G", "", False, ""),
    ("33%", 33, 0, "%", "", False, ""),
    (r"33.3\,\%", 333, 1, "%", "", False, ""),
    ("~5 million", 5, 0, "M", "", True, ""),
    (r"$\sim$4.1", 41, 1, "", "", True, ""),
    ("+- 6.8M", 68, 1, "M", "", True, ""),
    ("1.5 billion", 15, 1, "G", "", False, ""),
    ("4.1 GFLOPs", 41, 1, "G", "flops", False, ""),
    ("0.35B FLOPs", 35, 2, "G", "flops", False, ""),
    ("4.12G", 412, 2, "G", "", False, ""),
    ("569M MAdds", 569, 0, "M", "macs", False, ""),
    ("569 MAdds", 569, 0, "", "macs", False, ""),
    ("300MMadds", 300, 0, "M", "macs", False, ""),
    ("0.57 billion multiply-adds", 57, 2, "G", "macs", False, ""),
    ("4 GMac", 4, 0, "G", "macs", False, ""),
    ("1.5 Bn ops", 15, 1, "G", "ops", False, ""),
    ("<1M", 1, 0, "M", "", False, "<"),
    (r"$\leq 3.5$M", 35, 1, "M", "", False, "<="),
    ("more than 2 GFLOPs", 2, 0, "G", "flops", False, ">"),
    ("2.78x", 278, 2, "", "x", False, ""),
    ("7.8 M†", 78, 1, "M", "", False, ""),
]


@pytest.mark.parametrize(("text", "digits", "decimals", "scale", "unit", "approximate", "bound"), NOTATIONS)
def test_reads_the_notation_and_keeps_its_text(
    text: str, digits: int, decimals: int, scale: str, unit: str, approximate: bool, bound: str
) -> None:
    number = parse(text)
    assert (number.digits, number.decimals, number.scale) == (digits, decimals, scale)
    assert (number.unit, number.approximate, number.bound) == (unit, approximate, bound)
    assert str(number) == text
    again = parse(number.normal)
    assert (again.digits, again.decimals, again.scale) == (digits, decimals, scale)
    assert (again.unit, again.approximate, again.bound) == (unit, approximate, bound)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("3.8×10⁹ FLOPs", "3.8e9 flops"),
        ("25 636 712", "25636712"),
        ("about 5 million", "~5M"),
        ("98MB", "98 MB"),
        (".5%", "0.5%"),
        ("at least 2 times", ">=2x"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert parse(text).normal == normal


def test_what_is_not_said_of_a_printed_number_is_nothing() -> None:
    number = Printed("", "4.1", "", 41, 1)
    assert (number.normal, number.value()) == ("4.1", Fraction(41, 10))
    assert not number.approximate


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is none"),
        ("depth", "there is none"),
        ("٣", "there is none"),
        ("-3", "'-' before it"),
        ("ResNet-50", "before it"),
        ("113ms", "'ms' after it"),
        ("98 mb", "'mb' after it"),
        ("1,5", "then write 1.5"),
        ("25.636.712", "after it"),
        ("1,2345", "after it"),
        ("4M (21x)", "after it"),
        ("569-572", "after it"),
        ("23.29(1.51)", "after it"),
        ("3.8×109", "after it"),  # the superscript was lost
        ("3.8 10^9", "after it"),
        ("5 BOPs", "after it"),
        ("5.", "after it"),
        ("3.8e9M", "two scales"),
        ("1e999999999", "beyond 10^30"),
        ("1e-31", "beyond 10^30"),
        ("9" * 41, "more than 40 digits"),
        ("9" * 10**6, "at most 120"),
        ("1e" + "9" * 100, "beyond 10^30"),
        ("1e00003", "beyond 10^30"),
    ],
)
def test_refuses_what_is_not_one_number(text: str, why: str) -> None:
    with pytest.raises(ConvcostError) as error:
        parse(text, where="t.md:3:7")
    assert str(error.value).startswith("t.md:3:7: cannot read ")
    assert why in str(error.value)
    assert len(str(error.value)) < 200


def test_the_column_speaks_where_the_cell_is_silent() -> None:
    assert parse("1.5", scale="G", unit="ops").interval() == parse("1.5 Bn ops").interval()
    assert parse("1.5", unit="ops").unit == "ops"
    assert parse("4.2M", scale="G", unit="params").scale == "M"
    assert parse("98 MB", scale="M", unit="params").unit == "bytes"


# Hand arithmetic; the first two are the printed cells of GoogLeNet's conv1 and of ResNet-50.
INTERVALS = [
    ("2.7K", "half_up", 1000, "[2,650, 2,750)"),
    ("2.7K", "half_up", 1024, "[2,713.6, 2,816)"),
    ("2.7K", "half_even", 1000, "(2,650, 2,750)"),
    ("2.8K", "half_even", 1000, "[2,750, 2,850]"),
    ("2.7K", "truncated", 1000, "[2,700, 2,800)"),
    ("2.7K", "up", 1000, "(2,600, 2,700]"),
    ("3.8×10⁹", "half_up", 1024, "[3,750,000,000, 3,850,000,000)"),
    ("6.8M", "half_up", 1024, "[6,750,000, 6,850,000)"),
    ("98 MB", "half_up", 1000, "[97,500,000, 98,500,000)"),
    ("98 MB", "half_up", 1024, "[102,236,160, 103,284,736)"),
    ("98 MiB", "half_up", 1000, "[102,236,160, 103,284,736)"),
    ("33%", "half_up", 1000, "[0.325, 0.335)"),
    ("0.0M", "half_up", 1000, "[0, 50,000)"),
    ("0M", "up", 1000, "[0, 0]"),
    ("~5 million", "truncated", 1000, "(4,000,000, 6,000,000)"),
    ("<1M", "half_up", 1000, "[0, 1,000,000)"),
    (">= 2K", "up", 1024, "[2,048, oo)"),
    ("1e-2", "truncated", 1000, "[0.01, 0.02)"),
    ("1.5T", "truncated", 1024, "[1,500,000,000,000, 1,600,000,000,000)"),
    ("2 TB", "truncated", 1024, "[2,199,023,255,552, 3,298,534,883,328)"),
    ("1 TiB", "up", 1000, "(0, 1,099,511,627,776]"),
    ("1e-030", "up", 1000, f"(0, 0.{'0' * 29}1]"),
    (f"0.{'0' * 38}1e-30", "up", 1000, f"(0, 0.{'0' * 68}1]"),  # as many places as may be
]


@pytest.mark.parametrize(("text", "rounding", "k", "interval"), INTERVALS)
def test_intervals_by_hand(text: str, rounding: str, k: int, interval: str) -> None:
    assert str(parse(text).interval(rounding, k)) == interval  # type: ignore[arg-type]


def test_an_interval_has_its_low_end_and_not_its_high_one_unless_it_is_said() -> None:
    assert str(Interval(Fraction(2), Fraction(3))) == "[2, 3)"
    assert [n in Interval(Fraction(2), Fraction(3)) for n in (1, 2, 3)] == [False, True, False]


def test_an_end_that_is_no_decimal_is_written_as_a_fraction() -> None:
    assert str(Interval(Fraction(1, 3), Fraction(2500, 3), False, True)) == "(1/3, 2500/3]"


def test_known_counts_are_held_by_what_was_printed_for_them() -> None:
    # GoogLeNet's separable conv1 and its dense one; ResNet-50 v1 and v1.5; Keras' ResNet50 file.
    assert parse("2.7K").holds(2712)
    assert not parse("2.7K").holds(9408)
    assert parse("3.8×10⁹").holds(3_857_973_248, "truncated")
    assert not parse("3.8×10⁹").holds(4_089_184_256, "truncated")
    assert parse("98 MB").holds(4 * 25_636_712, k=1024)
    assert not parse("98 MB").holds(4 * 25_636_712)
    assert parse("2.78x").holds(Fraction(25, 9))
    assert parse("33%").holds(Fraction(1, 3), "truncated")


@pytest.mark.parametrize(
    ("text", "below", "at", "above"),
    [
        ("<2K", True, False, False),
        ("<=2K", True, True, False),
        (">2K", False, False, True),
        (">=2K", False, True, True),
    ],
)
def test_a_bound_holds_on_one_side(text: str, below: bool, at: bool, above: bool) -> None:
    for rounding in ROUNDINGS:
        assert [parse(text).holds(n, rounding) for n in (0, 1999)] == [below, below]
        assert parse(text).holds(2000, rounding) == at
        assert [parse(text).holds(n, rounding) for n in (2001, 10**40)] == [above, above]


@pytest.mark.parametrize(
    ("exact", "rounding", "printed"),
    [
        (2500, "half_up", "3K"),
        (2500, "half_even", "2K"),
        (3500, "half_even", "4K"),
        (2500, "truncated", "2K"),
        (2001, "up", "3K"),
        (2000, "up", "2K"),
        (0, "up", "0K"),
        (Fraction(5001, 2), "half_even", "3K"),
    ],
)
def test_printing_by_hand(exact: int | Fraction, rounding: str, printed: str) -> None:
    assert str(Printed.of(exact, parse("7K"), rounding)) == printed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("like", "exact", "printed"),
    [
        ("1.0×10⁹ FLOPs", 12_345_678_901, "12.3×10⁹ FLOPs"),
        ("1,000", 25_636_712, "25,636,712"),
        ("1 000.0K", 25_636_712, "25 636.7K"),
        ("25{,}636{,}712", 4_089_184_256, "4{,}089{,}184{,}256"),
        (".5M", 270_000, ".3M"),
        (".5M", 1_270_000, "1.3M"),
        ("0.5M", 270_000, "0.3M"),
        ("~5 million", 6_998_552, "~7 million"),
    ],
)
def test_printing_in_the_notation_of_another(like: str, exact: int, printed: str) -> None:
    assert str(Printed.of(exact, parse(like))) == printed


def test_a_count_in_units_of_1024_cubed_only_when_asked_for() -> None:
    number = parse("3.858G")
    assert not any(number.holds(4_142_713_856, rounding, k) for rounding in ROUNDINGS for k in KILO)
    assert number.as_binary().holds(4_142_713_856)
    assert str(number.as_binary()) == "3.858G"
    assert [parse(f"1{scale}").as_binary().scale for scale in ("K", "M", "G", "T")] == ["Ki", "Mi", "Gi", "Ti"]
    assert [parse(text).as_binary().scale for text in ("1", "1%", "1e3", "1Mi")] == ["", "%", "e3", "Mi"]


@pytest.mark.parametrize(("text", "count"), [("3.86G", 7_720_000_000), ("3.86e9", 7_720_000_000), ("2Mi", 2**22)])
def test_what_was_divided_before_it_was_printed_counts_that_many_times(text: str, count: int) -> None:
    """FLOPs/2 of 3.86 G are 7.72 G FLOPs, and what holds is half a unit of the last digit, times two, either way."""
    number = parse(text)._replace(divided=2)
    assert number.value() == count
    assert number.holds(count)
    assert str(parse("3.86G")._replace(divided=2).interval()) == "[7,710,000,000, 7,730,000,000)"


def test_unknown_conventions_are_errors() -> None:
    with pytest.raises(ConvcostError, match="K is 1000 or 1024, not 1023"):
        parse("1K").holds(1000, k=1023)
    with pytest.raises(ConvcostError, match="unknown rounding 'down'"):
        parse("1K").holds(1000, "down")  # type: ignore[arg-type]
    with pytest.raises(ConvcostError, match="unknown rounding 'down'"):
        Printed.of(1000, parse("1K"), "down")  # type: ignore[arg-type]
    with pytest.raises(ConvcostError, match="negative"):
        Printed.of(-1, parse("1K"))


@pytest.mark.parametrize("text", ["", " ", "-", "--", "—", "–", "/", "n/a", "N/A", "?", "$-$"])
def test_cells_without_a_number(text: str) -> None:
    assert absent(text)


@pytest.mark.parametrize("text", ["0", "3.8", "x", "-3", "none too many"])
def test_cells_that_are_not_silent(text: str) -> None:
    assert not absent(text)


# --- laws on random numbers ---------------------------------------------------------------------------

roundings = st.sampled_from(ROUNDINGS)
kilos = st.sampled_from(KILO)
separators = st.sampled_from(["", ",", " ", "{,}", "\u202f", "'", "_"])
# suffixes with what they mean, written down rather than parsed: factor under K = 1000 and K = 1024
SUFFIXES = {
    "": (1, 1),
    "K": (1000, 1024),
    " k params": (1000, 1024),
    "M": (10**6, 10**6),
    " million": (10**6, 10**6),
    "B FLOPs": (10**9, 10**9),
    " GMACs": (10**9, 10**9),
    "T": (10**12, 10**12),
    "×10⁶": (10**6, 10**6),
    r"$\times 10^{9}$": (10**9, 10**9),
    "e3": (10**3, 10**3),
    " MB": (10**6, 1024**2),
    " GiB": (1024**3, 1024**3),
    "%": (Fraction(1, 100), Fraction(1, 100)),
    "x": (1, 1),
}
suffixes = st.sampled_from(sorted(SUFFIXES))


def numeral(digits: int, decimals: int, separator: str) -> str:
    """Plain school printing, independent of the code under test."""
    whole, behind = divmod(digits, 10**decimals)
    text = format(whole, ",").replace(",", separator)
    return f"{text}.{behind:0{decimals}}" if decimals else text


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, int, int, str]:
    digits, decimals = draw(st.integers(0, 10**12)), draw(st.integers(0, 4))
    suffix = draw(suffixes)
    return numeral(digits, decimals, draw(separators)) + suffix, digits, decimals, suffix


@given(texts())
def test_every_notation_is_read_back(case: tuple[str, int, int, str]) -> None:
    text, digits, decimals, suffix = case
    number = parse(text)
    assert str(number) == text
    assert (number.digits, number.decimals) == (digits, decimals)
    assert tuple(number.factor(k) for k in KILO) == SUFFIXES[suffix]
    again = parse(number.normal)
    assert again.normal == number.normal
    for k in KILO:
        assert again.interval("half_up", k) == number.interval("half_up", k)


@given(st.integers(0, 10**15), texts(), roundings, kilos)
def test_the_true_convention_is_among_those_that_hold(
    exact: int, case: tuple[str, int, int, str], rounding: str, k: int
) -> None:
    like = parse(case[0])
    printed = Printed.of(exact, like, rounding, k)  # type: ignore[arg-type]
    assume(printed.digits < 10**30)
    again = parse(str(printed))
    assert again == printed
    assert again.holds(exact, rounding, k)  # type: ignore[arg-type]


@given(st.fractions(min_value=0, max_value=10**12), texts(), roundings, kilos)
def test_exactly_one_printed_number_holds_an_exact_value(
    exact: Fraction, case: tuple[str, int, int, str], rounding: str, k: int
) -> None:
    like = parse(case[0])
    digits = Printed.of(exact, like, rounding, k).digits  # type: ignore[arg-type]
    assume(digits < 10**30)
    for neighbour in range(max(0, digits - 2), digits + 3):
        text = numeral(neighbour, like.decimals, "") + case[3]
        assert parse(text).holds(exact, rounding, k) == (neighbour == digits)  # type: ignore[arg-type]


@given(texts(), roundings, kilos)
def test_neighbouring_intervals_tile(case: tuple[str, int, int, str], rounding: str, k: int) -> None:
    text, digits, decimals, suffix = case
    here = parse(text).interval(rounding, k)  # type: ignore[arg-type]
    above = parse(numeral(digits + 1, decimals, "") + suffix).interval(rounding, k)  # type: ignore[arg-type]
    assert here.high == above.low
    assert here.high_closed != above.low_closed


@given(texts(), kilos, st.fractions(0, 1))
@example(("0.5M", 5, 1, "M"), 1000, Fraction(0))
def test_the_two_half_roundings_differ_only_at_ties(case: tuple[str, int, int, str], k: int, along: Fraction) -> None:
    number = parse(case[0])
    interval = number.interval("half_up", k)
    assert interval.high is not None
    for exact in (interval.low, interval.high, interval.low + along * (interval.high - interval.low)):
        scaled = exact / number.factor(k) * 10**number.decimals
        tie = scaled.denominator == 2
        if not tie:
            assert number.holds(exact, "half_up", k) == number.holds(exact, "half_even", k)
        else:
            up = (scaled + Fraction(1, 2)).numerator
            even = up - up % 2
            assert number.holds(exact, "half_up", k) == (number.digits == up)
            assert number.holds(exact, "half_even", k) == (number.digits == even)


@given(texts(), st.fractions(0, 4))
def test_about_right_is_what_any_rounding_allows(case: tuple[str, int, int, str], steps: Fraction) -> None:
    number, about = parse(case[0]), parse("~" + case[0])
    ulp = number.factor() / 10**number.decimals
    exact = number.digits * ulp + (steps - 2) * ulp
    assume(exact >= 0)
    assert about.holds(exact) == any(number.holds(exact, rounding) for rounding in ROUNDINGS)


@given(st.text(max_size=30) | st.from_regex(r"[~<$]?[0-9., ]{1,12}[KMGBTix×^e%{}\\$ 0-9⁹†-]{0,8}", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        number = parse(text)
    except ConvcostError:
        return
    assert str(number) == text
    assert isinstance(number.interval(), Interval)
    assert parse(number.normal).interval() == number.interval()


@pytest.mark.parametrize(
    ("text", "coarse"),
    [
        ("15300", "153e2"), ("15300K", "153e5"), ("4200e3", "42e5"), ("100e10", "1e12"), ("100e0", "1e2"),
        ("1530", "153e1"), ("153", None), ("1.500M", "1.5M"), ("15.0", "15"), ("000", None), ("25600 MB", None),
        ("100e-1", None), ("100%", None), ("15300Ki", None),
    ],
)  # fmt: skip
def test_last_zeros_may_be_places_that_are_not_printed(text: str, coarse: str | None) -> None:
    number = parse(text).coarser()
    assert (number and number.normal) == coarse
    assert number is None or number.value() == parse(text).value()


def test_a_text_as_long_as_may_be_is_read_and_a_longer_one_is_cut_where_it_is_refused() -> None:
    assert parse("1".rjust(MAX_TEXT)).digits == 1
    with pytest.raises(ConvcostError, match=f"{MAX_TEXT + 1} characters, at most {MAX_TEXT} are read"):
        parse("1".rjust(MAX_TEXT + 1))
    assert absent("-".rjust(MAX_TEXT))
    assert not absent("-" * (MAX_TEXT + 1))
    for length, shown in ((40, "x" * 40), (41, "x" * 37 + "...")):
        with pytest.raises(ConvcostError, match=f"cannot read '{shown}' as a number"):
            parse("x" * length)


@pytest.mark.parametrize("text", ["600 M x", "~600M", "<600M", "60%", "6 GB", ""])
def test_a_number_that_is_given_is_exact_and_of_its_unit(text: str) -> None:
    assert exact_number("1.5K", "a count") == 1500
    assert exact_number("2 GB", "a size", ("", "bytes")) == 2 * 10**9
    with pytest.raises(ConvcostError, match=f"^a count, got '{text}'$"):
        exact_number(text, "a count")
