"""The clock of a registry: its jumps, and who confirmed the time since."""

from collections.abc import Mapping, Sequence

from muniment.core.clock import write_step
from muniment.core.verbs.log import ClockJump
from muniment.views.listing import view_list
from muniment.views.values import Time, read_text
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


def view_clock(jumps: Sequence[ClockJump], names: Mapping[str, str], now: str) -> View:
    """Show the jumps of the clock, oldest first."""
    columns = (
        Column("after", "age"),
        Column("step", "jumped"),
        Column("before", "from", in_full=True),
        Column("confirmed", "confirmed by"),
        Column("reasons", "why", below=True),
    )
    is_confirmed = not jumps or bool(jumps[-1].confirmations)
    return view_list(
        "clock",
        "The clock of the registry",
        columns,
        [_view_jump(one, names) for one in jumps],
        now,
        heading="Jumps",
        empty="the clock has never jumped",
        commands=() if is_confirmed else ("muniment admin confirm-time DATE --reason TEXT",),
    )


def _view_jump(jump: ClockJump, names: Mapping[str, str]) -> Row:
    record = jump.record
    return Row(
        cells=(
            Time(record.after),
            write_step(record.before, record.after),
            Time(record.before),
            tuple(names.get(one.record.actor, one.record.actor) for one in jump.confirmations) or None,
            tuple(str(read_text(one.record.reason, one.reason)) for one in jump.confirmations) or None,
        ),
        vouched=Vouched(Mark.RECORDED, record.index),
        tone=Tone.PLAIN if jump.confirmations else Tone.WARN,
    )
