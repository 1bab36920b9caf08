"""`muniment comment` and `muniment comments`."""

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import answer_receipt, connect, refuse_at
from muniment.cli.terminal import ENTRY, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("text")
@click.option("--about", type=ENTRY, help="Comment on the request or emergency with this entry.")
@json_option
@click.pass_obj
def comment(terminal: Terminal, reference: str, text: str, about: int | None) -> None:
    """Comment on a version.

    TEXT is Markdown. People you mention, as @vera or @"Vera Smith", see it in their inbox.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = registry.comments.post(version, text, about=about)
    answer_receipt(terminal, receipt, [f"commented on {version} (entry {receipt.index})"])


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--erase", "entry", type=ENTRY, help="Erase the comment with this entry permanently.")
@full_option
@at_option
@json_option
@click.pass_obj
def comments(terminal: Terminal, reference: str, *, entry: int | None, full: bool, at: str | None) -> None:
    """List the comments on a version, oldest first."""
    with connect(terminal) as registry:
        version = registry.version(reference, at=at)
        if entry is not None:
            refuse_at(at)
            registry.comments.erase(entry)
        view = registry.comments.view(version)
    answer_view(terminal, view, full=full)
