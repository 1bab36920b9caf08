"""The owners of a model: who answers for it, and who did before."""

from collections.abc import Mapping, Sequence

from muniment.core.records import OwnerRecord
from muniment.views.listing import view_list
from muniment.views.values import Time, name_people
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


def view_owners(name: str, owners: Sequence[OwnerRecord], names: Mapping[str, str], now: str) -> View:
    """Show everyone who has owned a model, oldest first: the last one owns it."""
    columns = (
        Column("owner", "owner"),
        Column("set", "since"),
        Column("author", "set by"),
        Column("standing", ""),
    )
    rows = [
        Row(
            cells=(
                name_people(names, one.owner),
                Time(one.set),
                name_people(names, one.author),
                "present owner" if one is owners[-1] else None,
            ),
            vouched=Vouched(Mark.RECORDED, one.index),
            tone=Tone.GOOD if one is owners[-1] else Tone.PLAIN,
        )
        for one in owners
    ]
    empty = f"nobody owns {name}: muniment owner {name} PRINCIPAL names who answers for it"
    return view_list("owners", name, columns, rows, now, heading="Owners", empty=empty)
