"""Blocks as bytes, and a whole sweep as one file: Parquet (with the extra), CSV or JSON Lines.

Integers are integers. The numbers of a column with others are decimals, exactly, where these have a finite one (in
Parquet decimal128, beyond 18 digits decimal256; in JSON text), else the text "1/3"; integers beyond 64 bits are
decimal256 in Parquet; and beyond 76 digits all are text. Where it is not known of a derived value whether it is an
integer in all designs, each is written in JSON as what it is, and they are text in Parquet unless all are integers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from convcost.designs.blocks import Block
from convcost.designs.seal import LARGEST_METADATA, SEAL, UNSEALED, seal_of_parquet, sealed
from convcost.designs.where import Column
from convcost.errors import ConvcostError, MissingExtraError, reported
from convcost.exact.poly.calculus import largest
from convcost.files.csvtext import guarded
from convcost.files.reading import opened, parsed_json
from convcost.files.reading import read as read_file
from convcost.files.writing import atomically
from convcost.spec.document import exact
from convcost.values import decimal_places, show

FORMATS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}
METADATA = b"convcost"
"""The key of the Parquet file's metadata that holds ours, as JSON; other formats have them in a file beside them."""


def format_of(path: Path) -> str:
    """The format that a file's name asks for. Raises ConvcostError for another one, or a missing extra."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise ConvcostError(f"{path}: the name of a sweep's file ends in {', '.join(FORMATS)}")
    if found == "parquet":
        _pyarrow()
    return found


def encode(block: Block, format_: str) -> bytes:
    """The rows of a block, as `assemble` takes them."""
    if format_ == "parquet":
        return _parquet(block)
    lines = [_texts(column, quoted=format_ == "jsonl") for column in block.columns.values()]
    if format_ == "csv":
        rows: Iterable[str] = map(",".join, zip(*lines, strict=True))
    else:
        template = ", ".join(f"{json.dumps(name)}: %s" for name in block.columns).join("{}")
        rows = (template % row for row in zip(*lines, strict=True))
    return "".join(f"{row}\n" for row in rows).encode()


def assemble(
    path: Path, format_: str, columns: Iterable[str], parts: int, read: Callable[[int], bytes], about: Mapping[str, Any]
) -> None:
    """Put the parts together, as `read` gives them, as one file, which is there whole or not at all.

    Raises ConvcostError if they do not have the rows that `about` says are kept, and OSError.
    """
    with atomically(path) as file:
        if format_ == "parquet":
            rows = _assemble_parquet(file, parts, read, about)
        else:
            rows = 0
            if format_ == "csv":
                file.write(",".join(columns).encode() + b"\n")
            for part in range(parts):
                data = read(part)
                file.write(data)
                rows += row_count(data, format_)
        if rows != about["kept"]:
            raise ConvcostError(f"{path}: {rows:,} rows of {about['kept']:,} are there: nothing is written")
        if format_ == "parquet":
            at, _, seal = seal_of_parquet(file)
            file.seek(at)
            file.write(seal)
        else:
            with atomically(sidecar(path)) as beside:
                beside.write(json.dumps(sealed(about, file), indent=1).encode() + b"\n")


def about(path: Path) -> dict[str, Any] | None:
    """What a finished file says of its sweep; None if it says nothing."""
    try:
        if path.suffix.lower() == ".parquet":
            with opened(path) as file:
                text = (_pyarrow()[1].read_schema(file).metadata or {}).get(METADATA, b"")
        else:
            text = read_file(sidecar(path), LARGEST_METADATA, "what a file says of its sweep")
        found = parsed_json(text)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def intact(path: Path, about: Mapping[str, Any]) -> bool:
    """Whether a file, and what it says of itself, are as they were written."""
    try:
        with opened(path) as file:
            if path.suffix.lower() == ".parquet":
                _, there, seal = seal_of_parquet(file)
                return there == seal
            return bool(about == sealed(about, file))
    except OSError:
        return False


def sidecar(path: Path) -> Path:
    """Where the metadata of a file stand whose format has no room for them."""
    return path.with_name(f"{path.name}.meta.json")


# -- text ----------------------------------------------------------------------------------------------------------


def _texts(column: Column | list[Any], *, quoted: bool) -> list[str]:
    """The values of a column as they stand in CSV, or (quoted) in JSON."""
    if not isinstance(column, Column):
        return [json.dumps(_plain(value)) if quoted else _field(show(value)) for value in column]
    values, d = column.numerators.tolist(), column.denominator
    if d == 1:
        if column.numerators.dtype != object:
            return list(map(str, values))
        return [f'"{show(v)}"' if quoted and isinstance(v, Fraction) else show(v) for v in values]
    written = {value: show(Fraction(value, d)) for value in set(values)}
    texts = [written[value] for value in values]
    return [f'"{text}"' for text in texts] if quoted else texts


def row_count(data: bytes, format_: str) -> int:
    """How many rows there are: lines, of which a field of CSV may have several between its quotes."""
    if format_ == "csv" and b'"' in data:
        return sum(outside.count(b"\n") for outside in data.split(b'"')[::2])
    return data.count(b"\n")


def _field(text: str) -> str:
    """A text as a field of CSV (RFC 4180), which no spreadsheet computes."""
    text = guarded(text)
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if set(text) & set(',"\r\n') else text


def _plain(value: Any) -> Any:
    """A value of a knob as JSON has it."""
    if isinstance(value, tuple):
        return list(map(_plain, value))
    return show(value) if isinstance(value, Fraction) else value


# -- Parquet -------------------------------------------------------------------------------------------------------


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet") from None
    return pa, parquet


@reported("pyarrow")
def _parquet(block: Block) -> bytes:
    pyarrow, parquet = _pyarrow()
    table = pyarrow.table({name: _array(column) for name, column in block.columns.items()})
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _array(column: Column | list[Any]) -> Any:
    """A column as an Arrow array: of the first type of int64 or decimal128, decimal256 and text that holds it."""
    import numpy as np

    pyarrow, _ = _pyarrow()
    if not isinstance(column, Column):
        return pyarrow.array([show(value) for value in column], pyarrow.string())
    values, places = column.numerators, decimal_places(column.denominator)
    mixed = values.dtype == object and any(isinstance(value, Fraction) for value in values)
    if places is not None and not mixed:
        most = largest(values) * 10**places // column.denominator
        if places == 0 and most < 2**63:
            return pyarrow.array(values.astype("int64"))
        if 0 < places <= 18 and most < 10**18:
            scaled = values.astype("int64") * (10**places // column.denominator)
            words = np.stack([scaled, scaled >> 63], axis=1)  # 128-bit integers: the low word, and the sign
            buffers = [None, pyarrow.py_buffer(words.tobytes())]
            return pyarrow.Array.from_buffers(pyarrow.decimal128(18, places), len(values), buffers)
        if places <= 76 and most < 10**76:
            return _texts_of(column).cast(pyarrow.decimal256(76, places))
    return _texts_of(column)


def _texts_of(column: Column) -> Any:
    pyarrow, _ = _pyarrow()
    texts = [show(exact(Fraction(value) / column.denominator)) for value in column.numerators.tolist()]
    return pyarrow.array(texts, pyarrow.string())


def parquet_rows(
    path: Path, columns: Sequence[str], found: Callable[[Sequence[str], Sequence[str], Path], object]
) -> Iterator[Sequence[Any]]:
    """The values of some columns of a finished file, row by row; `found` refuses names that it does not have."""
    _, parquet = _pyarrow()
    with opened(path) as file:
        source = parquet.ParquetFile(file)
        found(source.schema_arrow.names, columns, path)
        for batch in source.iter_batches(columns=list(columns)):
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


@reported("pyarrow")
def _assemble_parquet(file: IO[bytes], parts: int, read: Callable[[int], bytes], about: Mapping[str, Any]) -> int:
    """Write the parts, in the widest types of any, and return how many rows they have."""
    pyarrow, parquet = _pyarrow()
    schema = parquet.read_schema(pyarrow.BufferReader(read(0)))
    for part in range(1, parts):
        schema = pyarrow.schema(map(_wider, schema, parquet.read_schema(pyarrow.BufferReader(read(part)))))
    schema = schema.with_metadata({METADATA: json.dumps(about)})
    rows = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for part in range(parts):
            table = parquet.read_table(pyarrow.BufferReader(read(part)))
            if table.num_rows:
                arrays = [_cast(table.column(field.name), field.type) for field in schema]
                writer.write_table(pyarrow.table(arrays, schema))
                rows += table.num_rows
        writer.add_key_value_metadata({SEAL: UNSEALED})
    return rows


def _wider(a: Any, b: Any) -> Any:
    """The field that holds the values of both: the parts of a column have one denominator, and so one scale."""
    pyarrow, _ = _pyarrow()
    tests = (pyarrow.types.is_int64, pyarrow.types.is_decimal128, pyarrow.types.is_decimal256, pyarrow.types.is_string)
    return max(a, b, key=lambda field: next(i for i, test in enumerate(tests) if test(field.type)))


def _cast(array: Any, type_: Any) -> Any:
    """As a wider type; text is written as we write it, not as Arrow does (0.50)."""
    pyarrow, _ = _pyarrow()
    if pyarrow.types.is_string(type_) and pyarrow.types.is_decimal(array.type):
        return pyarrow.array([show(exact(Fraction(value))) for value in array.to_pylist()], type_)
    return array.cast(type_)
