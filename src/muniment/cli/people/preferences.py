"""`muniment follow`, `unfollow` and `mail`."""

import click

from muniment.cli.session import connect, describe_receipt
from muniment.cli.terminal import Terminal, json_option


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def follow(terminal: Terminal, name: str | None) -> None:
    """Get the news of a model in your inbox.

    Without NAME, list the models that you follow. News are new versions, moves of aliases, statuses and
    policies. Nobody else can read what you follow.
    """
    with connect(terminal) as registry:
        if name is None:
            follows = registry.preferences.follows()
            terminal.answer(list(follows), follows or ["you follow no model"])
            return
        receipt = registry.preferences.follow(name)
    terminal.answer(describe_receipt(receipt), [f"you follow {name}"])


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def unfollow(terminal: Terminal, name: str) -> None:
    """Get no more news of a model."""
    with connect(terminal) as registry:
        receipt = registry.preferences.unfollow(name)
    terminal.answer(describe_receipt(receipt), [f"you do not follow {name}"])


@click.command()
@click.argument("address", required=False)
@click.option("--on/--off", default=None, help="Send mail, or stop it and keep the address.")
@json_option
@click.pass_obj
def mail(terminal: Terminal, address: str | None, *, on: bool | None) -> None:
    """Get what is new in your inbox by mail.

    The server has to have a mail server. Without an address and an option, say what is set. Nobody else can
    read your address here; it is erased with you.
    """
    with connect(terminal) as registry:
        if address is None and on is None:
            stated = registry.preferences.read()
            where = f"to {stated.email or 'nowhere: there is no address'}" if stated.mail else "off"
            terminal.answer({"email": stated.email or None, "mail": stated.mail}, [f"mail: {where}"])
            return
        receipt = registry.preferences.mail(address, on=on is not False)
    terminal.answer(describe_receipt(receipt), ["mail is off" if on is False else "mail is on"])
