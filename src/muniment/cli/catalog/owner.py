"""`muniment owner`."""

import click

from muniment.cli.session import connect, describe_receipt, name_people
from muniment.cli.terminal import Terminal, json_option


@click.command()
@click.argument("name")
@click.argument("principal", required=False)
@json_option
@click.pass_obj
def owner(terminal: Terminal, name: str, principal: str | None) -> None:
    """Set or list the owners of a model.

    The owner answers for the model. An admin or the present owner names PRINCIPAL, by name or id; without
    PRINCIPAL, list everyone who has owned the model.
    """
    with connect(terminal) as registry:
        if principal is not None:
            receipt = registry.set_owner(name, principal)
            terminal.answer(describe_receipt(receipt), [f"{principal} owns {name} (entry {receipt.index})"])
            return
        owners, names = registry.owners(name), name_people(registry)
    terminal.answer(
        [one.values() for one in owners],
        [
            f"{one.set}  {names.get(one.owner, one.owner)}, set by {names.get(one.author, one.author)}"
            for one in owners
        ],
    )
