"""The smaller audit as a table: what each number is, counted plainly, or what comes nearest."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from convcost.auditing.plainly import Plain
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Row, Table, Value
from convcost.views.header import header

_NOTE = (
    "A smaller audit, without numpy: the variants of each network at the row's input, by every rule of counting. What "
    "only another input, a slip or an edit explains is not searched, and nothing is weighed: `convcost audit` does."
)


def table(found: Sequence[Plain], title: str, unread: Sequence[str] = ()) -> Table:
    """A row a number: by which variant and rule it is printed so, or the nearest count and how far it is."""
    columns = (
        Column("row", "row", wrap=True),
        Column("column", "column", wrap=True),
        Column("printed", "printed", align="right"),
        Column("verdict", "plainly"),
        Column("network", "network", wrap=True),
        Column("rule", "counted as"),
        Column("count", "exact count", "count"),
        Column("also", "and as", wrap=True, drop=1),
    )
    rows = []
    for one in found:
        count = one.holds[0] if one.holds else one.nearest
        if count is not None and one.holds:
            verdict = Cell("holds", HOLDS)
            also = ", ".join(dict.fromkeys(other.measure for other in one.holds if other.measure != count.measure))
        else:
            verdict, also = Cell("not so", DIFFERS), ""
            if count is not None and count.exact:
                off = (one.printed.value() / one.reading.value(count.exact) - 1) * 1000
                tenths = round(abs(Fraction(off)))
                also = f"nearest; printed is {tenths // 10}.{tenths % 10} % {'above' if off > 0 else 'below'}"
        what: tuple[Value | Cell, ...] = ("", "", None)
        if count is not None:
            cut = f", {count.rounding}" if count.rounding != "half_up" else ""
            exact = one.reading.value(count.exact)
            shown = "" if exact == count.exact else one.reading.told(count.exact)
            what = (count.reference, count.measure + cut, Cell(exact, shown=shown))
        rows.append(Row((one.row, one.column, str(one.printed), verdict, *what, also)))
    holding = sum(bool(one.holds) for one in found)
    said = (f"{holding} of {len(found)} numbers hold plainly", _NOTE, *unread)
    return Table(title, header(), columns, tuple(rows), said)
