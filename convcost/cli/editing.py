"""Commands for who edits files: their form, and schemas for editors."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.options import OneOf, say
from convcost.errors import ConvcostError, one_line


@click.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is not in its form.")
def fmt(files: tuple[Path, ...], check: bool) -> int:
    """Bring specs and tables of FILES into one form.

    No spaces at the ends of lines, single blank lines, spaces around >>, plain line ends. Comments stay, and so does
    what a file means: that is checked before it is written.

    Example: convcost fmt mine.yaml
    """
    from convcost.files.writing import atomically
    from convcost.spec import document
    from convcost.spec.formatting import formatted

    made: dict[Path, str] = {}
    for path in files:
        text = document.read_text(path)
        if (form := formatted(text, str(path))) != text:
            made[path] = form
    for path, form in made.items():  # when all of them are known to be right
        if not check:
            try:
                with atomically(path) as file:
                    file.write(form.encode())
            except OSError as error:
                raise ConvcostError(f"{path}: {error.strerror or error}") from None
        say(f"{one_line(str(path))}: {'not in its form' if check else 'written in its form'}\n")
    return int(check and bool(made))


def _kinds() -> list[str]:
    from convcost.views.schemas import SCHEMAS

    return [*SCHEMAS]


@click.command()
@click.argument("of", type=OneOf("kind", _kinds))
def schema(of: str) -> None:
    """Print the JSON Schema OF a spec or a table, for editors.

    It knows every key and word of the language, and which operators have defaults; `convcost check` knows the rest.

    Example: convcost schema spec > spec.schema.json
    """
    import json

    from convcost.errors import did_you_mean
    from convcost.views.schemas import SCHEMAS

    if of not in SCHEMAS:
        raise ConvcostError(
            f"there is no schema of {of!r}{did_you_mean(of, SCHEMAS) or '; of spec and table there is'}"
        )
    say(json.dumps(SCHEMAS[of](), indent=1, ensure_ascii=False) + "\n", verbatim=True)
