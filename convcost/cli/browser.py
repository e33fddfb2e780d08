"""What the page in a browser answers: what is pasted or dropped becomes a command, and its output HTML."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from convcost.cli import run
from convcost.errors import ConvcostError, one_line
from convcost.pages.page import escaped
from convcost.render.html import html
from convcost.tablefiles.reading import READERS

_LOOK = ("layers", "table", "list", "explain", "calc", "compare", "audit", "reconcile", "dialects", "solve")
AS_HTML = frozenset((*_LOOK, "memory", "roofline", "training", "machine"))
"""Commands whose output is a table."""
REFUSED = {
    "verify": "needs torch, which no browser has",
    "sweep": "writes files; use the command line",
    "site": "writes files; use the command line",
    "playground": "writes files; use the command line",
    "report": "writes a file; use the command line",
}
"""Commands that are not for a page, and why."""


def command_of(text: str, name: str = "") -> list[str]:
    """The command for what is pasted, or dropped as a file of that name: its arguments, without `convcost`.

    A line that begins with `convcost` is one; a spec has layers; a line is a network's name, or a claim; all else is
    a table. What is pasted is written into the working folder first. Raises ConvcostError for nothing, and
    for a PDF where its reader is missing.
    """
    said = text.strip()
    if not said and not name:
        raise ConvcostError("paste a table, a claim, a network's name, a spec, or a convcost command")
    if name.lower().endswith(".pdf") and find_spec("pypdfium2") is None:
        raise ConvcostError(f"what reads a PDF does not run in a browser; on the command line: convcost audit {name}")
    if name:
        return ["layers" if _is_spec(text) else "audit", name]
    if found := re.fullmatch(r"(?:\$\s*)?convcost\s+([^\n]+)", said):
        try:
            return shlex.split(found[1])
        except ValueError as error:
            raise ConvcostError(f"{found[1][:60]!r}: {error}") from None
    if _is_spec(said):
        return ["layers", _written("pasted.yaml", text)]
    if "\n" not in said:
        return ["layers", said, "--depth", "1"] if _is_network(said) else ["reconcile", said]
    return ["audit", _written(f"pasted{_suffix(said)}", text)]


def answer(text: str, name: str = "") -> dict[str, Any]:
    """What the command line says of it: the command, its output as HTML, its errors as lines, its exit status."""
    try:
        arguments = command_of(text, name)
    except ConvcostError as error:
        return {"command": "", "html": "", "error": str(error), "status": 2}
    said = "convcost " + shlex.join(arguments)
    if arguments and arguments[0] in REFUSED:
        return {"command": said, "html": "", "error": f"{arguments[0]} {REFUSED[arguments[0]]}", "status": 2}
    if arguments and arguments[0] in ("audit", "reconcile") and find_spec("numpy") is None:
        try:
            return {"command": said, "html": _plainly(arguments), "error": "", "status": 0}
        except ConvcostError as error:
            return {"command": said, "html": "", "error": one_line(str(error)), "status": 2}
    own = bool(arguments) and arguments[0] in AS_HTML and not any(word.startswith("--format") for word in arguments)
    with _captured() as (out, errors):
        status = run([*arguments, "--format", "html"] if own and "--help" not in arguments else arguments)
    output = out.getvalue()
    shown = output if output.startswith("<table") else f"<pre>{escaped(output, lines=True)}</pre>" if output else ""
    return {"command": said, "html": shown, "error": errors.getvalue().strip(), "status": status}


def _plainly(arguments: Sequence[str]) -> str:
    """The smaller audit of a file, or of a claim about a network that it names."""
    from convcost.auditing.plainly import of_network, plainly
    from convcost.network import load
    from convcost.printed.numbers import Printed, parse
    from convcost.published.claims import QUANTITY_OF, of_table
    from convcost.published.sentences import is_sentence, read_sentence
    from convcost.published.tables import load_table, table_names
    from convcost.published.userfile import read_file
    from convcost.published.usertable import Said
    from convcost.views.plainly import table

    command, *rest = arguments
    if command == "audit":
        if len(rest) != 1:
            raise ConvcostError("without numpy, audit takes one table and no options here")
        (source,) = rest
        tables = (
            [of_table(load_table(source))]
            if source in table_names()
            else read_file(source, Said(None, None, [])).tables
        )
        parts = []
        for one in tables:
            unread = [": ".join(filter(None, (row.row, row.column, row.why))) for row in one.unread]
            parts.append(html(table(plainly(one), one.title, unread), exact=True))
        return "".join(parts)
    if len(rest) == 1 and is_sentence(rest[0]):
        said = read_sentence(rest[0])
        name, texts, part = said[:3]
        if said.ratios:
            raise ConvcostError("what is said of two networks is reconciled with numpy: on the command line")
        if said.memory:
            raise ConvcostError("what memory a network needs at work is reconciled with numpy: on the command line")
    else:
        name, texts, part = (rest[0], tuple(rest[1:]), "") if len(rest) > 1 else ("", tuple(rest), "")
    if not name:
        raise ConvcostError("without numpy, a claim names its network: ResNet-50 needs 4.1 GFLOPs")
    claimed: dict[str, Printed] = {}
    for text in texts:
        printed = parse(text)
        claimed[QUANTITY_OF.get(printed.unit, "ops")] = printed
    return html(table(of_network(claimed, load(name), part), "Claim"), exact=True)


def _is_spec(text: str) -> bool:
    return bool(re.search(r"^layers:", text, flags=re.MULTILINE) and re.search(r"^name:", text, flags=re.MULTILINE))


def _is_network(text: str) -> bool:
    from convcost.network import load

    try:
        load(text)
    except ConvcostError:
        return False
    return True


def _suffix(text: str) -> str:
    """The kind of a pasted table, as its file would end."""
    if re.search(r"\\begin\s*\{(?:tabular|longtable|table)|\\\\\s*(?:\\hline|$)", text, flags=re.MULTILINE):
        return ".tex"
    if re.search(r"<table[\s>]", text, flags=re.IGNORECASE):
        return ".html"
    if re.search(r"^\s*\|?\s*:?-{2,}:?\s*\|", text, flags=re.MULTILINE):
        return ".md"
    first = text.split("\n", 1)[0]
    return ".tsv" if "\t" in first else ".csv" if "," in first else ".txt"


def _written(name: str, text: str) -> str:
    assert Path(name).suffix in (*READERS, ".yaml")  # noqa: S101  # our own names
    Path(name).write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    return name


@contextmanager
def _captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    before = sys.stdout, sys.stderr
    out, errors = io.StringIO(), io.StringIO()
    sys.stdout, sys.stderr = out, errors
    try:
        yield out, errors
    finally:
        sys.stdout, sys.stderr = before
