"""`muniment webhook`."""

import sys

import click

from muniment.cli.completing import NAMESPACE
from muniment.cli.session import answer_receipt, connect, describe_receipt
from muniment.cli.terminal import ENTRY, Terminal, json_option
from muniment.cli.viewing import answer_view, full_option, output_option


@click.group()
def webhook() -> None:
    """Send events to an HTTP endpoint, or to a chat.

    The events of a namespace are sent as signed CloudEvents, or as sentences to Slack or Teams, in order, at
    least once.
    """


@webhook.command("set")
@click.argument("namespace", type=NAMESPACE)
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, metavar="TYPE", help="An event type, such as version.published [all]."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["cloudevents", "slack", "teams"]),
    default="cloudevents",
    show_default=True,
    help="What the URL takes.",
)
@json_option
@click.pass_obj
def set_(terminal: Terminal, namespace: str, url: str, events: tuple[str, ...], form: str) -> None:
    """Send the events of a namespace to a URL.

    The secret that signs CloudEvents is shown once. The URL of a chat is a secret itself, which is not shown
    again; `-` reads it from standard input.
    """
    address = sys.stdin.readline().strip() if url == "-" else url
    with connect(terminal) as registry:
        made = registry.webhooks.set(namespace, address, events, form)
    secret = [] if made.secret is None else [f"secret: {made.secret}"]
    terminal.answer(
        {**describe_receipt(made.receipt), "secret": made.secret},
        [f"webhook {made.receipt.index} sends the events of {namespace}", *secret],
    )


@webhook.command("list")
@click.argument("namespace", type=NAMESPACE)
@full_option
@output_option
@json_option
@click.pass_obj
def list_(terminal: Terminal, namespace: str, *, full: bool, output: str | None) -> None:
    """List the webhooks of a namespace and their failed deliveries."""
    with connect(terminal) as registry:
        view = registry.webhooks.view(namespace)
    answer_view(terminal, view, full=full, output=output)


@webhook.command()
@click.argument("number", metavar="WEBHOOK", type=ENTRY)
@json_option
@click.pass_obj
def end(terminal: Terminal, number: int) -> None:
    """End a webhook and erase its URL and secret."""
    with connect(terminal) as registry:
        receipt = registry.webhooks.end(number)
    answer_receipt(terminal, receipt, [f"webhook {number} has ended"])


@webhook.command()
@click.argument("number", metavar="WEBHOOK", type=ENTRY)
@click.option("--since", type=ENTRY, help="Send everything from this entry of the log on.")
@json_option
@click.pass_obj
def replay(terminal: Terminal, number: int, since: int | None) -> None:
    """Send failed deliveries again."""
    with connect(terminal) as registry:
        receipt = registry.webhooks.replay(number, since)
    answer_receipt(terminal, receipt, [f"webhook {number} replays"])
