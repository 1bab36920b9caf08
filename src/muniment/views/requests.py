"""Requests for approval: who wants which version for which alias, why, and what was answered."""

from collections.abc import Mapping, Sequence

from muniment.core.verbs.gates import Request
from muniment.views.listing import view_list
from muniment.views.values import Phrase, Time, name_people, read_text
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


def view_requests(
    name: str, requests: Sequence[Request], names: Mapping[str, str], now: str, *, closed: bool
) -> View:
    """Show the open requests for a model, or with `closed` all of them, oldest first."""
    which = "requests" if closed else "open requests (--closed lists the answered ones)"
    columns = (
        Column("reference", "version"),
        Column("alias", "for"),
        Column("requester", "by"),
        Column("opened", "age"),
        Column("reminded", "reminded", in_full=True),
        Column("outcome", "outcome"),
        Column("name", "model", is_drawn=False),
        Column("number", "number", is_drawn=False),
        Column("closed", "answered by entry", is_drawn=False),
        Column("text", "why", below=True),
        Column("answer", "answer", below=True, is_drawn=any(one.record.answer for one in requests)),
    )
    return view_list(
        "requests",
        name,
        columns,
        [_view_request(one, names) for one in requests],
        now,
        heading="Requests",
        empty=f"no {which} for {name}: muniment request {name} ALIAS makes one",
        commands=[
            f"muniment check {_name(one)} {one.record.alias}" for one in requests if one.record.closed is None
        ],
    )


def _view_request(request: Request, names: Mapping[str, str]) -> Row:
    record = request.record
    answer = read_text(record.answer, request.answer)
    return Row(
        cells=(
            _name(request),
            record.alias,
            name_people(names, record.requester),
            Time(record.opened),
            None if record.reminded is None else Time(record.reminded),
            record.outcome or "open",
            record.name,
            record.number,
            record.closed,
            read_text(record.reason, request.reason),
            None if answer is None else Phrase(f"{record.outcome}:", answer),
        ),
        vouched=Vouched(Mark.RECORDED, record.index),
        tone=Tone.WARN if record.closed is None else Tone.PLAIN,
    )


def _name(request: Request) -> str:
    return f"{request.record.name}@{request.record.number}"
