"""Tables of any text and number, for the laws that every printer keeps, and one that is written out by hand."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from convcost.render import DIFFERS, HOLDS, Cell, Column, Row, Table

SMALL = Table(
    title="GoogLeNet",
    header=(("network", "googlenet@paper"), ("input", "3x224x224")),
    columns=(
        Column("type", "type"),
        Column("printed", "params printed", align="right"),
        Column("params", "params", kind="count"),
        Column("share", "share", kind="percent"),
        Column("ratio", "to conv1", kind="ratio"),
    ),
    rows=(
        Row(("conv_1", "2.7K", Cell(9472, DIFFERS, "as drawn: 7×7"), Fraction(9472, 173168), 1)),
        Row(("in|3a", "159K", Cell(163696, HOLDS), Fraction(163696, 173168), Fraction(163696, 9472))),
        Row(("sum", None, 173168, 1, None), kind="total"),
    ),
    notes=("K is 1000.",),
)

SMALL_TERMINAL = """\
GoogLeNet
network: googlenet@paper   input: 3x224x224

         params                       to
type    printed    params   share  conv1
────────────────────────────────────────
conv_1     2.7K  9.47K ✗¹    5.5%     1×
in|3a      159K   164K ✓    94.5%  17.3×
────────────────────────────────────────
sum               173K     100.0%

K is 1000.
¹ as drawn: 7×7
"""

SMALL_ASCII_EXACT = """\
GoogLeNet
network: googlenet@paper   input: 3x224x224

         params                          to
type    printed       params   share  conv1
-------------------------------------------
conv_1     2.7K    9,472 x^1    5.5%     1x
in|3a      159K  163,696 +     94.5%  17.3x
-------------------------------------------
sum              173,168      100.0%

K is 1000.
^1 as drawn: 7x7
"""

SMALL_MARKDOWN = r"""
**GoogLeNet**

- network: googlenet@paper
- input: 3x224x224

| type | params printed | params | share | to conv1 |
| :-- | --: | --: | --: | --: |
| conv_1 | 2.7K | 9.47K ✗¹ | 5.5% | 1× |
| in\|3a | 159K | 164K ✓ | 94.5% | 17.3× |
| **sum** |  | **173K** | **100.0%** |  |

- K is 1000.
- ¹ as drawn: 7×7
""".lstrip()

SMALL_LATEX = r"""
% \usepackage[T1]{fontenc} \usepackage{booktabs,graphicx,pifont}
\begin{table}
\centering
\caption{GoogLeNet; network: googlenet@paper; input: 3x224x224}
\begin{lrbox}{0}\begin{tabular}{lrrrr}
\toprule
type & params printed & params & share & to conv1 \\
\midrule
conv\_1 & 2.7K & 9.47K \ding{55}\textsuperscript{1} & 5.5\% & 1$\times$ \\
in\textbar{}3a & 159K & 164K \ding{51} & 94.5\% & 17.3$\times$ \\
\midrule
\textbf{sum} &  & \textbf{173K} & \textbf{100.0\%} &  \\
\bottomrule
\end{tabular}\end{lrbox}\label{tab:googlenet}\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi
\par\footnotesize K is 1000.
\par\footnotesize \textsuperscript{1} as drawn: 7$\times$7
\end{table}
""".lstrip()

SMALL_CSV = (
    "type,printed,params,params_mark,params_note,share,ratio,kind\r\n"
    "conv_1,2.7K,9472,differs,as drawn: 7×7,0.0546983,1,row\r\n"
    "in|3a,159K,163696,holds,,0.945302,17.2821,row\r\n"
    "sum,,173168,,,1,,total\r\n"
)

SMALL_JSON = {
    "schema": 1,
    "title": "GoogLeNet",
    "header": {"network": "googlenet@paper", "input": "3x224x224"},
    "columns": [
        {"key": "type", "title": "type", "kind": "text"},
        {"key": "printed", "title": "params printed", "kind": "text"},
        {"key": "params", "title": "params", "kind": "count"},
        {"key": "share", "title": "share", "kind": "percent"},
        {"key": "ratio", "title": "to conv1", "kind": "ratio"},
    ],
    "rows": [
        {
            "type": "conv_1",
            "printed": "2.7K",
            "params": 9472,
            "params_mark": "differs",
            "params_note": "as drawn: 7×7",
            "share": "592/10823",
            "ratio": "1",
            "kind": "row",
        },
        {
            "type": "in|3a",
            "printed": "159K",
            "params": 163696,
            "params_mark": "holds",
            "params_note": None,
            "share": "10231/10823",
            "ratio": "10231/592",
            "kind": "row",
        },
        {
            "type": "sum",
            "printed": None,
            "params": 173168,
            "params_mark": None,
            "params_note": None,
            "share": "1",
            "ratio": None,
            "kind": "total",
        },
    ],
    "notes": ["K is 1000."],
}


INTEGERS = st.integers() | st.integers(-(10**60), 10**60) | st.integers(0, 4000).map(lambda n: 10**n)


# Every kind of character that a printer might trip over, and all the rest of Unicode.
HARD = "\\`*_[]<>|~&$#%^{}\"'-+.)!:@ /,1a×✓⁹—é漢"
ANY_TEXT = st.text(st.sampled_from(HARD + "\u200b\u202e\x1b\t\n\r\x00") | st.characters(codec="utf-8"), max_size=12)
# What a page can show: no controls, and single spaces.
PLAIN_TEXT = (
    st.text(st.sampled_from(HARD) | st.characters(exclude_categories=("C", "Z")), max_size=12)
    .map(str.split)
    .map(" ".join)
)


@st.composite
def tables(draw: st.DrawFn, texts: st.SearchStrategy[str] = ANY_TEXT, *, wraps: bool = False) -> Table:
    """Any table of up to five columns and rows; with `wraps`, one of which every column may give way."""
    columns = tuple(
        Column(
            key=f"k{i}",
            title=draw(texts),
            kind=draw(st.sampled_from(["text", "count", "bytes", "percent", "ratio"])),
            align=draw(st.sampled_from([None, "left", "right"])),
            signed=draw(st.booleans()),
            wrap=draw(st.booleans()) or (wraps and i == 0),
            drop=draw(st.integers(1 if wraps else 0, 2)) if i else 0,
            scopes=i == 0 and draw(st.booleans()),
        )
        for i in range(draw(st.integers(1, 5)))
    )
    values = st.none() | texts | INTEGERS | st.fractions()
    cells = values | st.builds(
        Cell,
        values,
        st.sampled_from([None, HOLDS, DIFFERS]),
        texts | st.just(""),
        told=st.booleans(),
        shown=st.just(""),
    )
    rows = st.builds(
        Row, st.tuples(*(cells for _ in columns)), st.sampled_from(["row", "row", "row", "section", "total"])
    )
    header = st.dictionaries(texts, texts, max_size=3).map(lambda names: tuple(names.items()))
    return Table(
        title=draw(texts),
        header=draw(header),
        columns=columns,
        rows=tuple(draw(st.lists(rows, max_size=5))),
        notes=tuple(draw(st.lists(texts, max_size=2))),
    )


def cells_of(row: Row) -> list[Cell]:
    return [cell if isinstance(cell, Cell) else Cell(cell) for cell in row.cells]


def footnotes(table: Table) -> list[str]:
    """The different notes of the cells that no section tells, in order of appearance."""
    cells = (cell for row in table.rows for cell in cells_of(row))
    return list(dict.fromkeys(cell.note for cell in cells if cell.note and not cell.told))


def raised(number: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(number))


def lines_below(table: Table) -> list[str]:
    numbered = [f"{raised(number)} {note}" for number, note in enumerate(footnotes(table), 1)]
    return [*(note for note in table.notes if note), *numbered]


def texts_of(table: Table, row: Row) -> list[str | None]:
    """What a reader should see in each cell; None where that is a number's form."""
    seen: list[str | None] = []
    for cell in cells_of(row):
        suffix = f" {cell.mark.glyph}" if cell.mark else ""
        suffix += raised(footnotes(table).index(cell.note) + 1) if cell.note and not cell.told else ""
        seen.append(f"{cell.value or ''}{suffix}".strip() if isinstance(cell.value, str | None) else None)
    return seen
