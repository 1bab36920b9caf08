"""`muniment owner`."""

import click

from muniment.cli.completing import NAME
from muniment.cli.session import answer_receipt, connect, refuse_at
from muniment.cli.terminal import Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option


@click.command()
@click.argument("name", type=NAME)
@click.argument("principal", required=False)
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def owner(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, name: str, principal: str | None, *, full: bool, output: str | None, at: str | None
) -> None:
    """Set or list the owners of a model.

    The owner answers for the model. An admin or the present owner names PRINCIPAL, by name or id; without
    PRINCIPAL, list everyone who has owned the model.
    """
    with connect(terminal) as registry:
        if principal is not None:
            refuse_at(at)
            receipt = registry.set_owner(name, principal)
            answer_receipt(terminal, receipt, [f"{principal} owns {name} (entry {receipt.index})"])
            return
        view = registry.view_owners(name, at=at)
    answer_view(terminal, view, full=full, output=output)
