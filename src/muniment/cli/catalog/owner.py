"""`muniment owner`."""

import click

from muniment.cli.completing import NAME
from muniment.cli.session import answer_receipt, connect, find_names, refuse_at
from muniment.cli.terminal import Terminal, at_option, json_option


@click.command()
@click.argument("name", type=NAME)
@click.argument("principal", required=False)
@at_option
@json_option
@click.pass_obj
def owner(terminal: Terminal, name: str, principal: str | None, at: str | None) -> None:
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
        owners = registry.owners(name, at=at)
        names = find_names(registry, {one for record in owners for one in (record.owner, record.author)})
    terminal.answer(
        [one.values() for one in owners],
        [f"{one.set}  {names[one.owner]}, set by {names[one.author]}" for one in owners],
    )
