"""`muniment request`, `requests` and `inbox`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from muniment.cli.completing import ALIAS, NAME, REFERENCE
from muniment.cli.drawing import draw_table
from muniment.cli.session import answer_receipt, connect, find_names
from muniment.cli.terminal import ENTRY, Terminal, at_option, json_option
from muniment.core.gates.inbox import InboxItem


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
@at_option
@json_option
@click.pass_obj
def requests(terminal: Terminal, name: str, *, closed: bool, at: str | None) -> None:
    """List the requests for approval of a model."""
    with connect(terminal) as registry:
        entries = registry.requests.list(name, closed=closed, at=at)
        names = find_names(registry, {one.record.requester for one in entries})
    if terminal.as_json:
        terminal.answer(
            [{**one.record.values(), "text": one.reason, "answer_text": one.answer} for one in entries], []
        )
        return
    which = "requests" if closed else "open requests (--closed lists the answered ones)"
    terminal.note_none(entries, f"no {which} for {name}: muniment request {name} ALIAS makes one")
    if not entries:
        return
    draw_table(
        ("entry", "version", "for", "by", "why", "outcome", "answer"),
        [
            (
                one.record.index,
                f"{one.record.name}@{one.record.number}",
                one.record.alias,
                names[one.record.requester],
                one.reason or "",
                one.record.outcome or "open",
                one.answer or "",
            )
            for one in entries
        ],
    )


@click.command()
@json_option
@click.pass_obj
def inbox(terminal: Terminal) -> None:
    """Show what is waiting for you.

    Lists what there is to do and what to type for it, then the news of the last 30 days, as it is now. Each
    item is proven, but there may be more.
    """
    with connect(terminal) as registry:
        items = registry.inbox()
        names = find_names(registry, {item.who for item in items if item.who})
    lines = [line for item in items for line in _describe(item, names.get(item.who, item.who))]
    terminal.answer_found([asdict(item) | {"next": item.next} for item in items], lines)


def _describe(item: InboxItem, who: str) -> Iterator[str]:
    due = f", due {item.due}" if item.due else ""
    late = "OVERDUE: " if item.overdue else ""
    where = f"{item.reference} for {item.alias}" if item.alias else item.reference
    yield f"{item.kind}: {late}{where}: {item.what}{due}"
    yield f"  {', '.join(filter(None, (who and f'by {who}', item.since[:16], f'entry {item.entry}')))}"
    yield from (f"  {line}" for line in (item.text or "").splitlines())
    if item.next:
        yield f"  next: {item.next}"
