"""`muniment request`, `requests`, `inbox`, `comment` and `comments`."""

import click

from muniment.cli.drawing import draw_table
from muniment.cli.session import connect, describe_receipt
from muniment.cli.terminal import Terminal, json_option
from muniment.client.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.queries import Item


@click.command()
@click.argument("reference")
@click.argument("alias")
@click.option("--reason", default="", help="Why.")
@click.option("--withdraw", "entry", type=click.IntRange(0), help="Take back the request of this entry.")
@json_option
@click.pass_obj
def request(terminal: Terminal, reference: str, alias: str, *, reason: str, entry: int | None) -> None:
    """Ask those who may approve to look at REFERENCE for ALIAS; again, as a reminder."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        if entry is not None:
            receipt = registry.talk.withdraw(entry, reason)
            said = f"the request of entry {entry} is withdrawn"
        else:
            receipt = registry.talk.request(version, alias, reason)
            said = f"{version} is asked for, for {alias} (entry {receipt.index})"
    terminal.answer(describe_receipt(receipt), [said])


@click.command()
@click.argument("name")
@click.option("--closed", is_flag=True, help="Also those that were answered.")
@json_option
@click.pass_obj
def requests(terminal: Terminal, name: str, *, closed: bool) -> None:
    """List the open requests for the versions of a model."""
    with connect(terminal) as registry:
        found = registry.talk.requests(name, closed=closed)
        names = _name(registry, {one.record.requester for one in found})
    if terminal.as_json:
        terminal.answer(
            [{**one.record.values(), "text": one.reason, "answer_text": one.answer} for one in found], []
        )
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
            for one in found
        ],
    )


@click.command()
@json_option
@click.pass_obj
def inbox(terminal: Terminal) -> None:
    """Show what waits for you to decide, and what you should know of the last 30 days."""
    with connect(terminal) as registry:
        items = registry.talk.inbox()
        names = _name(registry, {item.who for item in items if item.who})
    if terminal.as_json:
        terminal.answer([_describe(item) for item in items], [])
        return
    draw_table(
        ("what", "version", "for", "from", "since", "due", "text", "entry"),
        [
            (
                item.kind,
                item.reference,
                item.alias,
                names.get(item.who, item.who),
                item.since[:16],
                f"OVERDUE {item.due}" if item.overdue else item.due or "",
                item.text,
                item.entry,
            )
            for item in items
        ],
        alarming=[item.overdue for item in items],
    )


@click.command()
@click.argument("reference")
@click.argument("text")
@click.option("--about", type=click.IntRange(0), help="About the request or emergency of this entry.")
@json_option
@click.pass_obj
def comment(terminal: Terminal, reference: str, text: str, about: int | None) -> None:
    """Say TEXT (Markdown) of REFERENCE. Whoever is named, @vera or @"Vera Smith", finds it in their inbox."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = registry.talk.comment(version, text, about=about)
    terminal.answer(describe_receipt(receipt), [f"said of {version} (entry {receipt.index})"])


@click.command()
@click.argument("reference")
@click.option("--erase", "entry", type=click.IntRange(0), help="Let the text of this one go for good.")
@json_option
@click.pass_obj
def comments(terminal: Terminal, reference: str, entry: int | None) -> None:
    """List what was said of REFERENCE, oldest first."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        if entry is not None:
            registry.talk.erase(entry)
        found = registry.talk.comments(version)
        names = _name(registry, {one.record.author for one in found})
    lines = [
        line
        for one in found
        for line in (
            f"{one.record.posted} {names[one.record.author]}, entry {one.record.index}"
            + ("" if one.record.about is None else f", about entry {one.record.about}"),
            *(f"  {text}" for text in (one.text or "(erased)").splitlines()),
        )
    ]
    terminal.answer([{**one.record.values(), "markdown": one.text} for one in found], lines)


def _name(registry: Registry, principals: set[str]) -> dict[str, str]:
    return {principal: registry.people.get(principal).name or principal for principal in principals}


def _describe(item: Item) -> JsonObject:
    return {
        "kind": item.kind,
        "reference": item.reference,
        "alias": item.alias,
        "who": item.who,
        "text": item.text,
        "since": item.since,
        "due": item.due,
        "overdue": item.overdue,
        "entry": item.entry,
    }
