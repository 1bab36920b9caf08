"""The clock of the registry, as the log has it."""

from muniment.answers.view import State, View
from muniment.answers.vouching import list_words
from muniment.core.clock import Confirmation, Jump, Timeline, settle
from muniment.core.records import ClockJumpRecord, TimeConfirmationRecord, Where
from muniment.core.verbs.log import ClockJump, ListClockJumps, StatedConfirmation


def list_jumps(view: View, *, independent: bool = True) -> tuple[Jump, ...]:
    """List the jumps of the clock with who confirmed each.

    If `independent`, a confirmation is on the word of those who stand behind the admin, too.
    """
    confirmations: dict[int, list[Confirmation]] = {}
    for record in view.projections.select(TimeConfirmationRecord):
        words = list_words(view, record.actor, record.index) if independent else (frozenset[str](),)
        confirmations.setdefault(record.jump, []).append(
            Confirmation(principal=record.actor, guarantors=words)
        )
    return tuple(
        Jump(
            entry=record.index,
            before=record.before,
            after=record.after,
            confirmations=tuple(confirmations.get(record.index, ())),
        )
        for record in view.projections.select(ClockJumpRecord)
    )


def find_newest_jump(view: View) -> ClockJumpRecord | None:
    """Find the newest jump of the clock."""
    jumps = view.projections.select(ClockJumpRecord)
    return jumps[-1] if jumps else None


def find_confirmation(view: View, jump: int, actor: str) -> TimeConfirmationRecord | None:
    """Find an actor's confirmation of the clock after a jump."""
    made = Where("jump", "=", jump), Where("actor", "=", actor)
    return next(iter(view.projections.select(TimeConfirmationRecord, *made)), None)


def settle_time(view: View, clock: str, *coming: Jump) -> str:
    """Return the time by which is judged what has ended, when the clock says this.

    `coming` is a jump that is not on record yet.
    """
    return settle((*list_jumps(view, independent=False), *coming), clock)


def find_reliable_time(view: View, clock: str, *coming: Jump) -> str:
    """Return a time that has certainly come when the clock says this, for what is kept until a time.

    `coming` is a jump that is not on record yet.
    """
    timeline = Timeline((*list_jumps(view, independent=False), *coming), lambda _: True)
    return clock if timeline.is_credible(clock) else timeline.anchor


def list_clock_jumps(state: State, _query: ListClockJumps) -> tuple[ClockJump, ...]:
    """List the jumps of the clock, oldest first."""
    confirmations = state.view.projections.select(TimeConfirmationRecord)
    return tuple(
        ClockJump(
            record=jump,
            confirmations=tuple(
                StatedConfirmation(record=one, reason=state.find_text(one.reason))
                for one in confirmations
                if one.jump == jump.index
            ),
        )
        for jump in state.view.projections.select(ClockJumpRecord)
    )
