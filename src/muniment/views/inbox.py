"""An inbox: what is waiting for somebody, and their news, each with what to type for it."""

from collections.abc import Mapping, Sequence

from muniment.core.gates.inbox import InboxItem
from muniment.core.naming import put_names
from muniment.views.listing import view_list
from muniment.views.values import Time, name_people
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


def view_inbox(items: Sequence[InboxItem], names: Mapping[str, str], now: str) -> View:
    """Show an inbox, in its order."""
    columns = (
        Column("kind", "kind"),
        Column("reference", "about"),
        Column("alias", "for"),
        Column("who", "from"),
        Column("since", "age"),
        Column("due", "due"),
        Column("overdue", "", is_drawn=False),
        Column("what", "what", below=True),
        Column("text", "text", below=True),
        Column("claim", "claim", is_drawn=False),
        Column("role", "role", is_drawn=False),
        Column("next", "what to type", is_drawn=False),
    )
    return view_list(
        "inbox",
        "Inbox",
        columns,
        [_view_item(item, names) for item in items],
        now,
        found=True,
        empty="nothing is found that waits for you: muniment follow NAME tells you of a model",
        commands=[item.next for item in items if item.next],
    )


def _view_item(item: InboxItem, names: Mapping[str, str]) -> Row:
    return Row(
        cells=(
            item.kind,
            item.reference,
            item.alias or None,
            name_people(names, item.who) if item.who else None,
            Time(item.since),
            None if item.due is None else Time(item.due),
            item.overdue,
            put_names(item.what, names),
            item.text or None,
            item.claim or None,
            item.role or None,
            item.next or None,
        ),
        vouched=Vouched(Mark.FOUND, item.entry),
        tone=Tone.BAD if item.overdue else Tone.PLAIN,
        note="OVERDUE" if item.overdue else "",
    )
