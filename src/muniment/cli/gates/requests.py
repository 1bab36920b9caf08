"""`muniment request`, `requests` and `inbox`."""

import click

from muniment.cli.completing import ALIAS, NAME, REFERENCE
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import ENTRY, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("alias", type=ALIAS)
@click.option("--reason", default="", help="The reason, kept on record.")
@click.option("--withdraw", "entry", type=ENTRY, help="Withdraw the request with this entry.")
@json_option
@click.pass_obj
def request(terminal: Terminal, reference: str, alias: str, *, reason: str, entry: int | None) -> None:
    """Request approval of a version for an alias.

    Everyone who may approve sees the request in their inbox. Requesting again sends a reminder.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        if entry is not None:
            receipt = registry.requests.withdraw(entry, reason)
            line = f"withdrew the request of entry {entry}"
        else:
            receipt = registry.requests.open(version, alias, reason)
            line = f"requested approval of {version} for {alias} (entry {receipt.index})"
    answer_receipt(terminal, receipt, [line])


@click.command()
@click.argument("name", type=NAME)
@click.option("--closed", is_flag=True, help="Include answered requests.")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def requests(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, name: str, *, closed: bool, full: bool, output: str | None, at: str | None
) -> None:
    """List the requests for approval of a model."""
    with connect(terminal) as registry:
        view = registry.requests.view(name, closed=closed, at=at)
    answer_view(terminal, view, full=full, output=output)


@click.command()
@full_option
@output_option
@json_option
@click.pass_obj
def inbox(terminal: Terminal, *, full: bool, output: str | None) -> None:
    """Show what is waiting for you.

    Lists what there is to do and what to type for it, then the news of the last 30 days, as it is now. Each
    item is proven, but there may be more.
    """
    with connect(terminal) as registry:
        view = registry.view_inbox()
    answer_view(terminal, view, full=full, output=output)
