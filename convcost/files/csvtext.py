"""Texts in CSV, which a spreadsheet must not take for formulas."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"['=+\-@\t\r\uff0b\uff0d\uff1d\uff20]")
_NUMBER = re.compile(r"[-+]?[\d.,/]+%?", re.ASCII)


def guarded(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would compute it: `=cmd|'!A0`, `+1+1`, `@SUM(1)`.

    Signed numbers are none. So that nothing is lost, a text that begins with an apostrophe gets one more: a program
    that takes one away from the front of each text has what was written. Source: OWASP, CSV Injection.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
