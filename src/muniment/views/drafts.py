"""Drafts: content that is stored and signed, and what to type to publish it."""

from collections.abc import Mapping, Sequence

from muniment.core.digests import Digest
from muniment.core.verbs.versions import Draft
from muniment.views.listing import view_list
from muniment.views.values import Size, Time, name_people, read_text
from muniment.views.view import Column, Mark, Row, View, Vouched


def view_drafts(name: str, drafts: Sequence[Draft], names: Mapping[str, str], now: str) -> View:
    """Show the open drafts of a model, oldest first."""
    columns = (
        Column("author", "author"),
        Column("saved", "age"),
        Column("size", "size", is_number=True),
        Column("digest", "digest"),
        Column("kind", "kind", in_full=True),
        Column("name", "model", is_drawn=False),
        Column("attestations", "claims", is_drawn=False),
        Column("message", "message", below=True),
    )
    return view_list(
        "drafts",
        name,
        columns,
        [_view_draft(one, names) for one in drafts],
        now,
        heading="Drafts",
        empty=f"no drafts of {name}: save one with muniment push PATH {name} --draft",
        commands=[f"muniment drafts {name} --publish {one.record.index}" for one in drafts],
    )


def _view_draft(draft: Draft, names: Mapping[str, str]) -> Row:
    record = draft.record
    return Row(
        cells=(
            name_people(names, record.author),
            Time(record.saved),
            Size(record.size_bytes),
            Digest.parse(record.revision),
            record.kind,
            record.name,
            tuple(map(Digest.parse, record.attestations.split())),
            read_text(record.message, draft.message),
        ),
        vouched=Vouched(Mark.RECORDED, record.index),
    )
