"""`muniment entry`."""

import click

from muniment.cli.session import connect
from muniment.cli.terminal import ENTRY, Terminal, json_option
from muniment.cli.viewing import answer_view, full_option


@click.command()
@click.argument("index", metavar="ENTRY", type=ENTRY)
@full_option
@json_option
@click.pass_obj
def entry(terminal: Terminal, index: int, *, full: bool) -> None:
    """Show an entry of the log.

    ENTRY is the number that answers show beside a fact. Prints what happened, who did it and what it is
    about; with --full, also its members as the log has them.
    """
    with connect(terminal) as registry:
        view = registry.view_entry(index)
    answer_view(terminal, view, full=full)
