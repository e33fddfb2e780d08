"""A cell's number as people print it: with emphasis, citations, arrows, a decimal comma; and why another is not read.

What stands beside a number is passed over only where it cannot change it: `**4.1**`, `4.1 [3]`, `4.09 ↓`, and how it
compares with another row's, `13.07 (-30%)`, `4.1 (1.9x)`. A range
(3.0~3.2), a remark (17.61 (wrong)) and a spread that is more than the last digit (4.1 ± 0.3) leave open what is
claimed, so such a cell is unread, and it alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from convcost.printed.numbers import MAX_TEXT, Printed, absent, parse

_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|`|<(?P<tag>b|strong|i|em)>)(?P<inside>[^*_`<>]+)(?(tag)</(?P=tag)>|\1)")
_CITATION = re.compile(r"(?<=[0-9A-Za-z%])\s*\[[0-9]{1,3}(?:\s*[,;-]\s*[0-9]{1,3})*\]$")
_ARROW = re.compile(r"\s*[↑↓⬆⬇▲▼△▽]$")
_COMPARED = re.compile(
    r"(?<=[0-9A-Za-z*_>])\s*\(\s*(?:[-+−–±~↓↑]?\s*[0-9]{1,4}(?:\.[0-9]+)?\s*\\?%|[x×]\s*[0-9]+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?\s*[x×])"
    r"\s*[↓↑]?\s*\)$"
)
"""How much that is of another row's number, or more or less than it."""
_SPREAD = re.compile(
    r"(?P<number>[^±]*[0-9][^±]*?)\s*\$?\s*(?:±|\\pm)\s*\$?\s*(?P<spread>[0-9]+(?:\.[0-9]+)?)(?P<unit>[^0-9]*)"
)
_NOTHING = re.compile(r"oom|out of memory|n\.?r\.?|not (?:reported|available|given)|failed", re.IGNORECASE)
_COMMA = re.compile(r"(?P<whole>[^0-9,.]*[0-9]+),(?P<decimals>[0-9]+)(?P<suffix>(?![0-9,]).*)", re.DOTALL)

_GROUPED = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})(?![0-9.,])")
"""Thousands that points separate, as they are where the comma is decimal."""
_POINTS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:\.[0-9]{3})+(?![0-9.])")


def without_emphasis(text: str) -> str:
    """The text without the stars of Markdown, and tags, that stand around all of it in files that do not mean them."""
    found = _EMPHASIS.fullmatch(text.strip())
    return found["inside"].strip() if found else text


_BY_VIEWS = re.compile(
    r"(?P<one>.*[0-9][0-9.,]*\s*[KMGT]?)\s*[x×*]\s*(?:[0-9]+(?:\s*[x×*]\s*[0-9]+)*|n\.?/?a\.?|-)", re.IGNORECASE
)


def of_one_view(text: str) -> str:
    """What a cell prints of one view: 36.1 of "36.1×30", 25.89 of "25.89 x 3 x 10"."""
    found = _BY_VIEWS.fullmatch(text.strip())
    while found:
        text, found = found["one"].strip(), _BY_VIEWS.fullmatch(found["one"].strip())
    return text


def says_nothing(text: str) -> bool:
    """Whether a cell says that there is no number: empty, a dash, "n/a", "OOM"."""
    bare = without_emphasis(text)
    return absent(bare) or _NOTHING.fullmatch(bare.strip()) is not None


def decimal_commas(texts: Iterable[str]) -> bool | None:
    """Whether the commas of a column are decimal points, and points separate thousands; None if nothing tells.

    They are where one can separate no thousands ("4,1", "1.814,07", "25.557.032"), and are not where a point is
    decimal. "25,557" alone is twenty-five thousand, and may be twenty-five and a half.
    """
    bare = [_bare(text) for text in texts]
    if any(re.search(r"[0-9]\.[0-9]", _GROUPED.sub("", text)) for text in bare):
        return False
    if any(map(_GROUPED.search, bare)):
        return True
    found = [match for text in bare if (match := _COMMA.fullmatch(text))]
    return any(len(match["decimals"]) != 3 for match in found) or None


def number(text: str, *, scale: str = "", where: str = "", commas: bool = False) -> Printed:
    """The number of a cell; its text stays as printed but for what cannot change it.

    Args:
        text: the cell.
        scale: what the column's title says, used where the cell says nothing.
        where: the place, put before the message of an error.
        commas: whether the column's commas are decimal points, see `decimal_commas`.

    Raises:
        ConvcostError: the cell is not one number; see `convcost.printed.numbers.parse`.
    """
    bare = _bare(text)
    if commas and _POINTS.search(bare):
        bare = bare.replace(".", "")
    if commas and (found := _COMMA.fullmatch(bare)):
        bare = f"{found['whole']}.{found['decimals']}{found['suffix']}"
    if len(bare) <= MAX_TEXT and (found := _SPREAD.fullmatch(bare)):
        printed = parse(found["number"] + found["unit"], scale=scale, where=where)
        spread = parse(found["spread"])
        if spread.digits <= 1 and spread.decimals == printed.decimals:
            return printed._replace(approximate=spread.digits == 1)  # one unit of the last digit either way
    return parse(bare, scale=scale, where=where)


def _bare(text: str) -> str:
    """The cell without emphasis, a citation, an arrow and a comparison at its end."""
    bare = without_emphasis(_COMPARED.sub("", without_emphasis(text[: MAX_TEXT * 2]).strip()))
    return without_emphasis(_ARROW.sub("", _CITATION.sub("", _ARROW.sub("", bare))))
