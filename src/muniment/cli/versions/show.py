"""`muniment show`."""

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import connect
from muniment.cli.terminal import Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option


@click.command()
@click.argument("reference", type=REFERENCE)
@full_option
@at_option
@json_option
@click.pass_obj
def show(terminal: Terminal, reference: str, *, full: bool, at: str | None) -> None:
    """Show what is known about a version.

    REFERENCE is namespace/model[@NUMBER|@ALIAS|@latest|@sha256:...].
    """
    with connect(terminal) as registry:
        view = registry.version(reference, at=at).view()
    answer_view(terminal, view, full=full)
