"""The clock of a registry: its jumps, and who confirmed the time since."""

from collections.abc import Mapping, Sequence

from muniment.core.clock import Confirmation, Jump, Timeline, write_step
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
    timeline = Timeline([_read(one) for one in jumps], lambda _: True)
    is_right = not jumps or timeline.is_credible(max(now, jumps[-1].record.after))
    return view_list(
        "clock",
        "The clock of the registry",
        columns,
        [_view_jump(one, names) for one in jumps],
        now,
        heading="Jumps",
        empty="the clock has never jumped",
        commands=() if is_right else ("muniment admin confirm-time DATE --reason TEXT",),
    )


def _read(jump: ClockJump) -> Jump:
    said = [Confirmation(principal=one.record.actor, guarantors=()) for one in jump.confirmations]
    record = jump.record
    return Jump(entry=record.index, before=record.before, after=record.after, confirmations=tuple(said))


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
