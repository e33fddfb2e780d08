"""Completion in shells: words are whole for us also where a shell breaks them at @, = or :, and for it where we do.

bash sees `resnet50@v1` as three words, and `--format=csv`; click takes `--format=` off, and zsh and fish want it back.
"""

from __future__ import annotations

import os

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:$COMP_POINT}" word before type value
    word="${line##*[[:space:]]}"
    before="${word%%"${word##*[$COMP_WORDBREAKS]}"}"  # what readline leaves as it is,
    before="${before%%@}"  # but an @, where it breaks words, begins the next one, as that of a host's name
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done < <(env COMP_LINE="$line" %(complete_var)s=bash_complete "$1")
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Whole(ShellComplete):
    """Completion of `--option=value` by the whole word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """The items, those of an option with the option in front."""
        found = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("--"):
            for item in found:
                item.value = f"{option}={item.value}"
        return found


class Bash(Whole, BashComplete):
    """Bash's completion, by the line that was typed instead of the words that readline made of it."""

    source_template = SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """The arguments before the cursor, and the one that is being typed."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() or not words else (words[:-1], words[-1])

    def format_completion(self, item: CompletionItem) -> str:
        """`plain,value`: what the script reads."""
        return f"{item.type},{item.value}"


class Zsh(Whole, ZshComplete):
    """Zsh's completion."""


class Fish(Whole, FishComplete):
    """Fish's completion."""


for shell in (Bash, Zsh, Fish):
    add_completion_class(shell)
