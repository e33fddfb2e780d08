"""Printed numbers: the exact values that a paper's "2.7K" or "3.8×10⁹" can stand for.

A printed number is a finite decimal with a scale, and so an interval of exact values. Which interval
depends on two conventions that papers rarely state:

- *rounding*: how the exact value lost its digits. With v the printed value and u one unit of its last
  digit::

      half_up     [v - u/2, v + u/2)
      half_even   [v - u/2, v + u/2] if the last digit is even, the open interval if it is odd
      truncated   [v, v + u)
      up          (v - u, v]

  For each rounding the intervals of neighbouring numbers tile the non-negative numbers: every exact
  value is printed in exactly one way.
- *K*: 1000 or 1024. Where things are counted it touches only K, because M, G and B always mean 10^6 and
  10^9 there; where bytes are counted it is the base of every prefix (MB is 1000^2 or 1024^2). Ki, Mi and
  Gi are always powers of 1024. A count in units of 1024^2 or 1024^3 is never assumed: it makes digits
  agree by chance. Who wants to test that possibility asks for it by `Printed.as_binary`.

Some numbers carry their own qualification, and then the rounding does not matter:

- about right ("~4.1", "about 5 million"): one unit of the last digit either way, (v - u, v + u), which
  is the union of what the four roundings allow;
- bounded ("<1M", "at least 3"): everything on that side of v.

A thousands separator is a comma, a space, an apostrophe or an underscore before every group of three
digits; a decimal point is a point. So "1,5" is refused and "4,089" is four thousand and eighty-nine.

All arithmetic is on ints and Fractions.
"""

import re
from collections.abc import Collection
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

from convcost.errors import ConvcostError
from convcost.printed.units import scale_and_unit

Rounding = Literal["half_up", "half_even", "truncated", "up"]
Bound = Literal["", "<", "<=", ">", ">="]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
KILO = (1000, 1024)

MAX_TEXT = 120
MAX_DIGITS = 40
MAX_EXPONENT = 30

_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_ABOUT_SIGNS = ("~", "∼", "≈", "≃", "±", "+-", "+/-", r"\sim", r"\approx", r"\simeq", r"\pm")
_ABOUT_WORDS = ("about", "around", "roughly", "approx", "approx.", "approximately", "ca.", "circa")
_BOUNDS: dict[Bound, str] = {
    "<": r"<|\lt|less than|fewer than|under",
    ">": r">|\gt|more than|over",
    "<=": r"<=|≤|⩽|\le|\leq|\leqslant|at most|up to",
    ">=": r">=|≥|⩾|\ge|\geq|\geqslant|at least",
    "": "",
}
_BOUND_OF = {word: bound for bound, words in _BOUNDS.items() for word in words.split("|")}
_NUMBER = re.compile(
    r"(?P<prefix>[^0-9]*?)"
    r"(?P<numeral>(?:(?P<grouped>[0-9]{1,3}(?P<sep>,|\{,\}|\\[,;: ]|[ \u00a0\u2009\u202f'’_])[0-9]{3}"
    r"(?:(?P=sep)[0-9]{3})*)|(?P<plain>[0-9]+)|(?=\.[0-9]))(?:\.(?P<decimals>[0-9]+))?)"
    r"(?P<suffix>.*)",
    re.DOTALL,
)
_SUFFIX = (
    r"(?:[xX×*·]10(?:(?:\^|\*\*)(?P<power>[-+−]?[0-9]+)|(?P<superscript>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
    r"|[eE](?P<exponent>[-+−]?[0-9]+))?"
    r"(?P<words>[^0-9^¹²³⁴⁵⁶⁷⁸⁹†‡*∗§¶]*)"
    r"(?:[†‡*∗§¶]|(?<=[A-Za-z%])(?:\^[0-9a-z]|[¹²³⁴⁵⁶⁷⁸⁹]))*"  # footnotes; behind a digit it could be a power
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LATEX_TIMES = r"\\(?:times|cdot)(?![A-Za-z])"
_LATEX_SPACE = r"[${}~\s\u00a0\u2009\u202f]|\\[,;: !]|\\(?=%)"
_HYPHEN = r"(?<=[A-Za-z])-(?=[A-Za-z])"
_NOTHING = r"[\s${}?/.\u2010-\u2015\u2212-]*|n\.?\s*/?\s*a\.?|none|unknown|tbd"
# Patterns are compiled when a text needs them: those for characters beyond Latin 1 take longest, and few numbers do.


class Interval(NamedTuple):
    """Exact values between `low` and `high` (None: no upper end), each end included or not."""

    low: Fraction
    high: Fraction | None
    low_closed: bool = True
    high_closed: bool = False

    def __contains__(self, exact: Any) -> bool:
        """Exact containment, of an int or a Fraction."""
        if exact < self.low or (exact == self.low and not self.low_closed):
            return False
        return self.high is None or exact < self.high or (exact == self.high and self.high_closed)

    def __str__(self) -> str:
        """In the usual notation: "[2,650, 2,750)"."""
        high = "oo" if self.high is None else _readable(self.high)
        left, right = "[" if self.low_closed else "(", "]" if self.high_closed else ")"
        return f"{left}{_readable(self.low)}, {high}{right}"


class Printed(NamedTuple):
    """A number as printed; its text is `prefix + numeral + suffix`, its value digits / 10**decimals * factor.

    Attributes:
        prefix, numeral, suffix: the three parts of the text ("~", "3.8", "×10⁹ FLOPs").
        digits: the numeral without its point and separators (38).
        decimals: how many of the digits stand behind the point (1).
        scale: "", "K", "M", "G", "T", the binary "Ki", "Mi", "Gi", "Ti", "%", or a power of ten, "e9".
        unit: "", "params", "macs", "flops", "ops", "bytes" or "x" (a ratio).
        approximate: the text says that the number is only about right.
        bound: the text gives only one side of the number.
        divided: what a title says that the count was divided by, before it was printed: 2 of "FLOPs/2".
    """

    prefix: str
    numeral: str
    suffix: str
    digits: int
    decimals: int
    scale: str = ""
    unit: str = ""
    approximate: bool = False
    bound: Bound = ""
    divided: int = 1

    def __str__(self) -> str:
        """The text it was read from."""
        return self.prefix + self.numeral + self.suffix

    @classmethod
    def of(cls, exact: int | Fraction, like: "Printed", rounding: Rounding = "half_up", k: int = 1000) -> "Printed":
        """What the notation of `like` (its scale, decimals and separators) prints for `exact`, at least 0."""
        return like.with_digits(like.digits_of(exact, rounding, k))

    def digits_of(self, exact: int | Fraction, rounding: Rounding = "half_up", k: int = 1000) -> int:
        """The digits that its notation has for `exact`, at least 0."""
        if exact < 0:
            raise ConvcostError(f"a count cannot be negative: {exact}")
        return _rounded(exact * 10**self.decimals / self.factor(k), rounding)

    def with_digits(self, digits: int) -> "Printed":
        """The same notation with other digits in it."""
        return self._replace(numeral=self._spell(digits), digits=digits)

    @property
    def normal(self) -> str:
        """The same number without the accidents of its notation: "~3.8e9 flops", "25.6M", "98 MB"."""
        number = self.bound + "~" * self.approximate + _decimal(self.digits, self.decimals)
        if self.unit == "bytes":
            return f"{number} {self.scale}B" if self.scale else f"{number} bytes"
        return number + self.scale + {"": "", "x": "x"}.get(self.unit, f" {self.unit}")

    def as_binary(self) -> "Printed":
        """The same text with its prefix read as a power of 1024; for counts nobody's stated convention."""
        return self._replace(scale=f"{self.scale}i") if self.scale in ("K", "M", "G", "T") else self

    def coarser(self, zeros: int | None = None) -> "Printed | None":
        """The same number with last zeros taken for places that are not printed: 15300 to three digits.

        `zeros` says how many, all by default. None if it does not end in so many, or if nothing would be left of it.
        """
        significant = str(self.digits).rstrip("0")
        ending = len(str(self.digits)) - len(significant)
        lost = ending if zeros is None else zeros
        if not significant or not 0 < lost <= ending or self.unit == "bytes":
            return None
        digits, behind = self.digits // 10**lost, self.decimals - lost
        if behind >= 0:
            return self._replace(digits=digits, decimals=behind)
        power = int(self.scale[1:]) if self.scale.startswith("e") else 3 * _POWERS.get(self.scale, -99)
        return self._replace(digits=digits, decimals=0, scale=f"e{power - behind}") if power >= 0 else None

    def factor(self, k: int = 1000) -> Fraction:
        """What one unit of the scale is worth, with K = `k`, of the count before it was divided."""
        if k not in KILO:
            raise ConvcostError(f"K is 1000 or 1024, not {k}")
        if self.scale == "%":
            return Fraction(1, 100)
        if self.scale.startswith("e"):
            return Fraction(10) ** int(self.scale[1:]) * self.divided
        if self.scale.endswith("i"):
            return Fraction(1024 ** _POWERS[self.scale[0]] * self.divided)
        base = k if self.scale == "K" or self.unit == "bytes" else 1000
        return Fraction(base ** _POWERS[self.scale] * self.divided)

    def value(self, k: int = 1000) -> Fraction:
        """The number as it stands, exact, with K = `k`."""
        return Fraction(self.digits, 10**self.decimals) * self.factor(k)

    def interval(self, rounding: Rounding = "half_up", k: int = 1000) -> Interval:
        """The exact values that are printed like this, not below zero; see the module's rules."""
        ulp = self.factor(k) / 10**self.decimals
        value = self.digits * ulp
        if self.bound.startswith("<"):
            return Interval(Fraction(0), value, True, self.bound == "<=")
        if self.bound.startswith(">"):
            return Interval(value, None, self.bound == ">=")
        if self.approximate:
            low, high, low_closed, high_closed = value - ulp, value + ulp, False, False
        elif rounding == "half_up":
            low, high, low_closed, high_closed = value - ulp / 2, value + ulp / 2, True, False
        elif rounding == "half_even":
            even = self.digits % 2 == 0
            low, high, low_closed, high_closed = value - ulp / 2, value + ulp / 2, even, even
        elif rounding == "truncated":
            low, high, low_closed, high_closed = value, value + ulp, True, False
        elif rounding == "up":
            low, high, low_closed, high_closed = value - ulp, value, False, True
        else:
            raise _unknown(rounding)
        if low < 0:
            low, low_closed = Fraction(0), True
        return Interval(low, high, low_closed, high_closed)

    def holds(self, exact: int | Fraction, rounding: Rounding = "half_up", k: int = 1000) -> bool:
        """Whether `exact` is printed like this under the rounding and K."""
        return exact in self.interval(rounding, k)

    def _spell(self, digits: int) -> str:
        """A numeral of these digits with the decimals and the separator of this one."""
        whole, point, behind = _decimal(digits, self.decimals).partition(".")
        plain = self.numeral.replace(".", "").isdecimal()
        separator = None if plain else re.search(r"[^0-9.]+", self.numeral)
        if separator:
            whole = f"{int(whole):,}".replace(",", separator.group())
        elif self.numeral.startswith(".") and whole == "0":
            whole = ""
        return whole + point + behind


def exact_number(text: str, wanted: str, units: Collection[str] = ("",)) -> int | Fraction:
    """A number that somebody gives, not prints: 600M is 600,000,000, exactly.

    Raises ConvcostError, saying what is `wanted`, for what is no number, only about one, bounded, a percentage, or in
    none of these units.
    """
    try:
        printed = parse(text)
    except ConvcostError:
        printed = None
    if printed is None or printed.unit not in units or printed.scale == "%" or printed.approximate or printed.bound:
        raise ConvcostError(f"{wanted}, got {text!r}")
    return printed.value()


def parse(text: str, *, scale: str = "", unit: str = "", where: str = "") -> Printed:
    r"""Read one printed number.

    Args:
        text: the number, with or without LaTeX ("2.7K", r"$3.8 \times 10^9$", "25 636 712", "98 MB").
        scale, unit: what the column's title says, used where the text itself says nothing.
        where: the place, put before the message of an error.

    Raises:
        ConvcostError: the text is not one non-negative number, its unit is unknown, or it is out of bounds.
    """

    def refuse(why: str) -> ConvcostError:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        return ConvcostError(f"{where + ': ' if where else ''}cannot read {shown!r} as a number: {why}")

    if len(text) > MAX_TEXT:
        raise refuse(f"{len(text):,} characters, at most {MAX_TEXT} are read")
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise refuse("there is none in it")
    before = re.sub(r"[\s${}]+", " ", number["prefix"]).strip().casefold()
    approximate = before in _ABOUT_SIGNS or before in _ABOUT_WORDS
    if not approximate and before not in _BOUND_OF:
        raise refuse(f"what does {before!r} before it mean?")
    whole = re.sub("[^0-9]", "", number["grouped"] or number["plain"] or "")
    decimals = number["decimals"] or ""
    if len(whole + decimals) > MAX_DIGITS:
        raise refuse(f"more than {MAX_DIGITS} digits")
    words, power = _after(number["suffix"])
    meaning = None if words is None else scale_and_unit(words)
    if meaning is None and not decimals and (comma := re.match(r",([0-9]+\s*[A-Za-z%]*)", number["suffix"])):
        raise refuse(f"a comma groups three digits; is it a decimal one? then write {whole}.{comma[1]}")
    if meaning is None:
        raise refuse(f"what does {number['suffix'].strip()!r} after it mean?")
    own_scale, own_unit = meaning
    if power:
        if own_scale:
            raise refuse("it has two scales")
        exponent = int(power[:4].replace("−", "-"))
        if len(power) > 4 or abs(exponent) > MAX_EXPONENT:
            raise refuse(f"its power of ten is beyond 10^{MAX_EXPONENT}")
        own_scale = f"e{exponent}"
    return Printed(
        prefix=number["prefix"],
        numeral=number["numeral"],
        suffix=number["suffix"],
        digits=int(whole + decimals),
        decimals=len(decimals),
        scale=own_scale or scale,
        unit=own_unit or unit,
        approximate=approximate,
        bound=_BOUND_OF.get(before, ""),
    )


def absent(text: str) -> bool:
    """Whether a cell says that there is no number: empty, a dash, "n/a", "?"."""
    return len(text) <= MAX_TEXT and re.fullmatch(_NOTHING, text.strip(), re.IGNORECASE) is not None


def _after(suffix: str) -> tuple[str | None, str]:
    """What stands behind a numeral: the words, None where it is none of ours, and the power of ten."""
    if not suffix or (suffix.isascii() and suffix.isalpha()):
        return suffix, ""
    found = re.fullmatch(_SUFFIX, re.sub(_LATEX_SPACE, "", re.sub(_LATEX_TIMES, "×", suffix)))
    if found is None:
        return None, ""
    power = found["power"] or (found["superscript"] or "").translate(_SUPERSCRIPTS) or found["exponent"] or ""
    return re.sub(_HYPHEN, "", found["words"]), power


def _unknown(rounding: str) -> ConvcostError:
    return ConvcostError(f"unknown rounding {rounding!r}: one of {', '.join(ROUNDINGS)}")


def _rounded(value: Fraction, rounding: Rounding) -> int:
    if rounding == "half_up":
        return (2 * value.numerator + value.denominator) // (2 * value.denominator)
    if rounding == "half_even":
        return round(value)
    if rounding == "truncated":
        return value.__floor__()
    if rounding == "up":
        return value.__ceil__()
    raise _unknown(rounding)


def _decimal(digits: int, decimals: int) -> str:
    """The digits with a point before the last `decimals` of them: (38, 1) is "3.8", (5, 2) is "0.05"."""
    if not decimals:
        return str(digits)
    padded = f"{digits:0{decimals + 1}}"
    return f"{padded[:-decimals]}.{padded[-decimals:]}"


def _readable(value: Fraction) -> str:
    """An integer with separators, a finite decimal as such, anything else as a fraction."""
    places = max(MAX_DIGITS, MAX_EXPONENT) * 2
    if 10**places % value.denominator:
        return str(value)
    spelt = _decimal(value.numerator * (10**places // value.denominator), places)
    whole, _, behind = spelt.partition(".")
    return f"{int(whole):,}.{behind}".rstrip("0").rstrip(".")
