"""`convcost help WORD`: the help of a command, or what a word of the glossary means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import click

from convcost.cli.groups import SECTIONS
from convcost.cli.options import OneOf, say
from convcost.errors import ConvcostError


class Entry(NamedTuple):
    """A word of the glossary."""

    word: str
    also: tuple[str, ...]
    """Other words that lead to it."""
    meaning: str

    @property
    def words(self) -> tuple[str, ...]:
        """All by which it is found."""
        return (self.word, *self.also)


def glossary() -> list[Entry]:
    """The entries of docs/glossary.md, which the package carries."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "glossary.md"
    text = (installed if installed.is_file() else package.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = []
    for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        word, _, meaning = part.partition("\n")
        also, listed = (), re.match(r"Also: (.+)\.\n", meaning)
        if listed:
            also, meaning = tuple(listed[1].split(", ")), meaning[listed.end() :]
        entries.append(Entry(word.strip(), also, meaning.strip()))
    return entries


def _words() -> list[str]:
    return [
        *(name for names in SECTIONS.values() for name in names),
        *(word for entry in glossary() for word in entry.words),
    ]


def _told_of_a_release(asked: str) -> list[str]:
    """What is known of a tool's release that `--as` names, if the word is one."""
    from convcost.counters.releases import RELEASES
    from convcost.counters.tools import TOOLS

    every = {name.casefold(): release for name, release in {**TOOLS, **RELEASES}.items()}
    release = every.get(asked.casefold())
    if release is None:
        return []
    prescribed = f"\nIt prescribes {release.prescribes}." if release.prescribes else ""
    told = f"{release.name}: a rule of counting, as --as {release.name} applies it\n\n"
    told += f"{release.versions}; since {release.year}; counts {release.rule.unit}.\n{release.quirk}{prescribed}"
    return [told]


@click.command(name="help")
@click.argument("words", nargs=-1, metavar="[WORD]", type=OneOf("word", _words))
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """Explain a command, or a word: convcost help receptive field.

    Without a WORD, the words that are explained.
    """
    group = context.parent
    if group is None or not isinstance(group.command, click.Group):
        raise ConvcostError("help is a command of convcost")
    asked, commands, entries = " ".join(words), group.command.commands, glossary()
    if not asked:
        say("convcost help WORD explains a command or one of: " + ", ".join(entry.word for entry in entries) + "\n")
        return
    said = []
    if asked in commands:
        with click.Context(commands[asked], info_name=asked, parent=group) as inside:
            said.append(commands[asked].get_help(inside))
    for entry in entries:
        if asked.casefold() in map(str.casefold, entry.words):
            also = f" (also: {', '.join(entry.also)})" if entry.also else ""
            said.append(f"{entry.word}{also}\n\n{entry.meaning}")
    said.extend(_told_of_a_release(asked))
    if said:
        say("\n\n".join(said) + "\n")
        return
    from convcost.counters.releases import EVERY
    from convcost.errors import did_you_mean

    known = [*commands, *EVERY, *(word for entry in entries for word in entry.words)]
    raise ConvcostError(
        f"nothing is known of {asked!r}{did_you_mean(asked, known) or '; convcost help lists the words'}"
    )
