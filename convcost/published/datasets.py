"""What a column of data sets says of a network: how many classes it tells apart."""

from __future__ import annotations

import re
from collections.abc import Collection

from convcost.published.names import Known
from convcost.spec.catalog import resolve
from convcost.spec.names import Unclear
from convcost.tablefiles.grid import RawTable

_DATA = re.compile(r"(?:trained on|training data|data ?-?sets?)", re.IGNORECASE)
_CLASSES_OF = {"places365": 365, "places205": 205, "cub": 200, "cub200": 200, "cub2002011": 200, "inat2017": 5089}
_IMAGENET_OF = re.compile(r"imagenet-?(?!1k)[0-9]+k", re.IGNORECASE)


def data_sets(table: RawTable, taken: Collection[int | None]) -> list[str]:
    """The data set that each row is said to be trained on, "" where a table does not say."""
    columns = (at for at, one in enumerate(table.columns) if at not in taken and _DATA.fullmatch(one.strip()))
    column = next(columns, None)
    return ["" if column is None else row.cells[column].text for row in table.rows]


def of_data(reference: str, name: str, trained_on: str, known: Known) -> str | Unclear:
    """What a network is that a column says to be trained on a data set.

    Of other classes than ImageNet's, it has another last layer; on CIFAR's images it is another network.
    """
    plain = re.sub("[^a-z0-9]", "", trained_on.casefold()).removesuffix("standard")
    if cifar := re.fullmatch("cifar(100?)", plain):
        return known.reference(f"{name} CIFAR-{cifar[1]}")
    if larger := _IMAGENET_OF.search(trained_on):
        return Unclear(f"is trained on {larger[0]}: say with --name how many classes that has")
    resolved = resolve(reference.split(maxsplit=1)[0])
    if plain in _CLASSES_OF and "classes" in resolved.spec.knobs and " classes=" not in reference:
        return f"{reference} classes={_CLASSES_OF[plain]}"
    return reference
