"""The moves of aliases: who moved what, when and why."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from muniment.core.gates.differences import say_author
from muniment.core.gates.policy import say_unreviewed
from muniment.core.naming import put_names
from muniment.core.records import MoveRecord, PolicyRecord, ProposalRecord
from muniment.core.verbs.gates import Move
from muniment.views.listing import view_list
from muniment.views.values import Time, name_people, read_text, write_minute
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


def view_moves(  # noqa: PLR0913, PLR0917 - what they are drawn from
    title: str,
    moves: Sequence[Move],
    names: Mapping[str, str],
    now: str,
    changed: Mapping[int, Sequence[PolicyRecord]] = MappingProxyType({}),
    emergencies: Mapping[int, Sequence[ProposalRecord]] = MappingProxyType({}),
) -> View:
    """Show the moves of an alias, or of all aliases of a model, in their order.

    `changed` has, by the entries of moves, the policies that authors of the version changed shortly before,
    and `emergencies` the changes of protected policies at which nobody had looked yet.
    """
    name = title.partition("@")[0]
    columns = (
        Column("moved", "age"),
        Column("alias", "alias"),
        Column("previous", "from", is_number=True),
        Column("number", "to", is_number=True),
        Column("actor", "by"),
        Column("emergency", "", is_drawn=False),
        Column("verdicts", "verdicts", is_drawn=False),
        Column("text", "why", below=True),
        Column("changed", "beware", below=True, is_drawn=bool(changed or emergencies)),
    )
    return view_list(
        "moves",
        title,
        columns,
        [
            _view_move(one, names, changed.get(one.record.index, ()), emergencies.get(one.record.index, ()))
            for one in moves
        ],
        now,
        heading="Moves",
        empty=f"no alias of {name} has moved: muniment promote {name} ALIAS points one at it",
    )


def _view_move(
    move: Move,
    names: Mapping[str, str],
    changed: Sequence[PolicyRecord],
    emergencies: Sequence[ProposalRecord],
) -> Row:
    record = move.record
    beware = [
        *(_say_emergency(one) for one in emergencies),
        *(put_names(say_author(policy), names) for policy in changed),
    ]
    return Row(
        cells=(
            Time(record.moved),
            record.alias,
            record.previous,
            record.number,
            name_people(names, record.actor),
            bool(record.emergency),
            tuple(record.verdicts.split()),
            read_text(record.reason, move.reason),
            tuple(beware) or None,
        ),
        vouched=Vouched(Mark.RECORDED, record.index),
        tone=Tone.BAD if record.emergency or emergencies else Tone.WARN if changed else Tone.PLAIN,
        note=_describe(move),
    )


def _describe(move: Move) -> str:
    if move.record.emergency:
        closed = "closed" if move.record.closed is not None else _say_due(move.record)
        return f"EMERGENCY, past its gate: {closed}"
    return "removed" if move.record.number is None else ""


def _say_emergency(record: ProposalRecord) -> str:
    """Say that a protected policy had been changed in an emergency, and whether it was looked at since."""
    if record.reviewed is None:
        return say_unreviewed(record.index)
    done = f"a protected policy had been changed in an emergency (proposal {record.index})"
    return f"{done}, which was closed only later, by entry {record.reviewed}"


def _say_due(record: MoveRecord) -> str:
    by = write_minute(record.due or "")
    return f"to be closed by {by}: muniment close-emergency {record.index} --reason TEXT"
