"""Completion in shells where @, = or : break words: bash sees `resnet50@v1` as three, and we as one."""

from __future__ import annotations

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:$COMP_POINT}" word before type value
    word="${line##*[[:space:]]}"
    before="${word%%"${word##*[$COMP_WORDBREAKS]}"}"  # what readline leaves as it is
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


class Bash(BashComplete):
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


add_completion_class(Bash)
