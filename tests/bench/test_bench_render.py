"""How fast a long table prints, against rich's own table with the same texts, in one run."""

from __future__ import annotations

import io
import time
from fractions import Fraction

from pytest_benchmark.fixture import BenchmarkFixture
from rich.console import Console
from rich.table import Table as RichTable

from convcost.render import HOLDS, Cell, Column, Row, Table, render

ROWS = 1000
TITLES = ("name", "operator", "input", "output", "params", "macs", "activations", "share")
TABLE = Table(
    "a long network",
    (("network", "long"),),
    (
        Column("name", "name", wrap=True),
        *(Column(title, title) for title in TITLES[1:4]),
        *(Column(title, title, kind="count") for title in TITLES[4:7]),
        Column("share", "share", kind="percent"),
    ),
    tuple(
        Row(
            (
                f"stage_{i // 100}/block_{i}/conv",
                "convolution",
                "256x28x28",
                "512x28x28",
                Cell(163_696 * i, HOLDS),
                128_049_152 * i,
                200_704,
                Fraction(i, ROWS * ROWS),
            )
        )
        for i in range(ROWS)
    ),
)


def by_rich(rows: list[list[str]]) -> str:
    table = RichTable(*TITLES)
    for row in rows:
        table.add_row(*row)
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return str(console.file)


def test_a_thousand_rows_take_less_than_half_of_what_rich_takes(benchmark: BenchmarkFixture) -> None:
    texts = [[str(cell.value if isinstance(cell, Cell) else cell) for cell in row.cells] for row in TABLE.rows]
    rich = []
    for _ in range(3):
        start = time.perf_counter()
        by_rich(texts)
        rich.append(time.perf_counter() - start)
    benchmark(render, TABLE, "terminal", width=80)
    benchmark.extra_info["rich"] = min(rich)
    assert benchmark.stats is not None
    assert benchmark.stats.stats.min < min(rich) / 2
