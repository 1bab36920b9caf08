"""`muniment webhook`."""

import sys
from collections.abc import Sequence

import click

from muniment.cli.completing import NAMESPACE
from muniment.cli.drawing import draw_table
from muniment.cli.session import answer_receipt, connect, describe_receipt
from muniment.cli.terminal import ENTRY, Terminal, json_option
from muniment.core.verbs.upkeep import Webhook


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
@json_option
@click.pass_obj
def list_(terminal: Terminal, namespace: str) -> None:
    """List the webhooks of a namespace and their failed deliveries."""
    with connect(terminal) as registry:
        webhooks = registry.webhooks.list(namespace)
    terminal.note_none(
        webhooks, f"no webhooks in {namespace}: set one with muniment webhook set {namespace} URL"
    )
    if webhooks and not terminal.as_json:
        _draw(webhooks)
    terminal.answer_found(
        [
            {
                **one.record.values(),
                "format": one.form,
                "url": one.url,
                "next": one.next,
                "failed": [{"entry": d.entry, "fault": d.fault, "time": d.time} for d in one.failed],
            }
            for one in webhooks
        ]
    )


def _draw(webhooks: Sequence[Webhook]) -> None:
    draw_table(
        ("webhook", "format", "url", "events", "next entry", "dead", "last fault"),
        [
            (
                one.record.index,
                one.form,
                one.url,
                one.record.events or "all",
                one.next,
                len(one.failed),
                one.failed[-1].fault if one.failed else "",
            )
            for one in webhooks
        ],
        alarming=[bool(one.failed) for one in webhooks],
    )


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
