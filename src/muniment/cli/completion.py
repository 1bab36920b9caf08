"""`muniment completion`, and how bash asks for completions."""

import os
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from muniment.cli.commands import COMMANDS

_PROGRAM: Final = "muniment"
# The variable by which click recognises a shell that asks.
_VARIABLE: Final = "_MUNIMENT_COMPLETE"
# Bash breaks words at @ and :, which references have, and replaces only the last part ($2).
_BASH: Final = r"""
%(complete_func)s() {
    local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT} response completion type value
    local word=${line##*[[:space:]]}
    local before=${word%%"$2"}
    COMPREPLY=()
    response=$(env COMP_WORDS="$line" COMP_CWORD= %(complete_var)s=bash_complete "$1" 2>/dev/null)
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Read the words before the cursor from the line as it was typed."""
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]


add_completion_class(_Bash)


def suggest_commands(begin: str) -> list[CompletionItem[str]]:
    """Suggest commands, without loading them."""
    return [
        CompletionItem(name, help=entry.line) for name, entry in COMMANDS.items() if name.startswith(begin)
    ]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, names and aliases in a shell.

    For bash, put `eval "$(muniment completion bash)"` into ~/.bashrc; for zsh, the same with `zsh` into
    ~/.zshrc, after compinit; for fish, save what it prints as ~/.config/fish/completions/muniment.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    click.echo(kind(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())
