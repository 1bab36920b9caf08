"""An entry of the log: what happened, who did it, and what it is about."""

from collections.abc import Mapping
from typing import Final

from muniment.core.canonical import Json
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDigest
from muniment.core.events import Entry, SubjectKind, write_event
from muniment.core.events.sentences import write_sentence
from muniment.core.naming import put_names
from muniment.core.people.callers import REGISTRY
from muniment.views.values import Document, Time, Value, name_people
from muniment.views.view import Column, Fact, Facts, Mark, Row, Seal, Section, Table, View, Vouched

# What shows more of a subject.
_COMMANDS: Final = {
    SubjectKind.VERSION: "muniment show",
    SubjectKind.VERSIONS: "muniment log",
    SubjectKind.ALIAS: "muniment history",
    SubjectKind.REQUESTS: "muniment requests",
    SubjectKind.DRAFTS: "muniment drafts",
    SubjectKind.PRINCIPAL: "muniment user show",
}


def view_entry(entry: Entry, names: Mapping[str, str], seal: Seal, now: str, *, is_indexed: bool) -> View:
    """Show an entry, whose inclusion was checked; `is_indexed` says that its subjects were, too."""
    recorded = Vouched(Mark.RECORDED, entry.index)
    facts = (
        Fact(key="actor", label="by", value=name_people(names, entry.actor), vouched=recorded),
        Fact(key="time", label="time", value=Time(entry.when), vouched=recorded),
        *_describe_order(entry, recorded),
        Fact(key="type", label="event", value=entry.event.type, vouched=recorded),
    )
    subjects = Vouched(Mark.CHECKED if is_indexed else Mark.RECORDED)
    rows = tuple(
        Row(cells=(str(kind), put_names(name, names) or None, name), vouched=subjects)
        for kind, name in entry.event.subjects()
    )
    columns = (Column("kind", "about"), Column("subject", "which"), Column("name", "name", is_drawn=False))
    return View(
        kind="entry",
        title=f"Entry {entry.index}",
        lead=put_names(write_sentence(entry.event), names),
        now=now,
        facts=(Fact(key="index", label="entry", value=entry.index),),
        seal=seal,
        sections=(
            Section(key="event", title="What happened", blocks=(Facts(facts),)),
            Section(
                key="subjects",
                title="What it is about",
                blocks=(Table(key="subjects", columns=columns, rows=rows),),
            ),
            Section(
                key="members",
                title="As the log has it",
                in_full=True,
                blocks=(Facts(tuple(_list_members(entry, recorded))),),
            ),
        ),
        next=tuple(
            f"{_COMMANDS[kind]} {name}"
            for kind, name in entry.event.subjects()
            if kind in _COMMANDS and name != REGISTRY
        ),
    )


def _describe_order(entry: Entry, recorded: Vouched) -> list[Fact]:
    """Say which time the log has for its order, if its clock says another."""
    if entry.clock is None:
        return []
    return [Fact(key="order", label="in the order of the log", value=Time(entry.time), vouched=recorded)]


def _list_members(entry: Entry, vouched: Vouched) -> list[Fact]:
    members = {"id": entry.id, "actor": entry.actor, **write_event(entry.event)}
    return [
        Fact(key=name, label=name, value=_read(value), vouched=vouched) for name, value in members.items()
    ]


def _read(value: Json) -> Value:
    """Read a member: a digest as one, and what has members of its own as JSON."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return Document(value) if value else None
    try:
        return Digest.parse(value)
    except InvalidDigest:
        return value
