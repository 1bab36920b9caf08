"""`muniment status`."""

import click

from muniment.cli.session import connect
from muniment.cli.terminal import Terminal, json_option
from muniment.cli.viewing import answer_view


@click.command()
@json_option
@click.pass_obj
def status(terminal: Terminal) -> None:
    """Show the registry, who you are there, its log, and what waits for you."""
    with connect(terminal) as registry:
        view = registry.status()
    answer_view(terminal, view)
