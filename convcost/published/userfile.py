"""A user's own file as claims: each of its tables that counts something; one that fails costs no other."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from convcost.errors import ConvcostError
from convcost.published.claims import FileClaims
from convcost.published.usertable import NoCountsError, Said, SaidError, read_claims
from convcost.tablefiles.reading import STDIN, read_found, tables_in, the_table

SECONDS = 15
"""For all tables of a file; those that are left then are named, and not read."""


def read_file(
    source: str | Path,
    said: Said,
    *,
    table: int | None = None,
    header_rows: int | None = None,
    pages: str | None = None,
) -> FileClaims:
    """The claims of the tables of a file.

    Args:
        source: the file; see `convcost.tablefiles.reading`.
        said: what is known of the tables; all of it must be about one of them.
        table: the only one that is read, from 1; by default all are.
        header_rows: how many rows of each are header, where the file does not say it or says it wrongly.
        pages: which pages of a PDF; see `tables_in`.

    Raises:
        ConvcostError: the file cannot be read, what is said fits none of its tables, or none can be read; the message
            of the first that could not.
    """
    found = tables_in(source, pages=pages)
    path = "stdin" if str(source) == STDIN else str(source)
    chosen = {table: the_table(path, found, table)} if table is not None else dict(enumerate(found, 1))
    tables, failed, uncounted = [], [], []
    until = monotonic() + SECONDS
    for number, one in chosen.items():
        if monotonic() > until:
            failed.append(f"{one.place}: not read within {SECONDS} seconds; choose it with --table {number}")
            continue
        try:
            claims = read_claims(read_found(path, one, header_rows), said)
        except SaidError:
            raise
        except NoCountsError as error:
            uncounted.append(str(error))
        except ConvcostError as error:
            failed.append(str(error))
        else:
            title = claims.title if len(found) == 1 else f"{claims.title}, table {number}"
            tables.append(claims._replace(title=title, number=number))
    if not said.tables and not uncounted:
        raise ConvcostError(failed[0])
    said.require_used(said.tables[0].place if len(said.tables) == 1 else path)
    if not tables and failed:
        raise ConvcostError(failed[0])
    if not tables:
        several = f"{path}: none of its {len(uncounted)} tables counts anything; the first: "
        raise ConvcostError(several * (len(uncounted) > 1) + uncounted[0])
    return FileClaims(tables, failed, uncounted)
