"""Confirmations of the time, after the clock of the registry has jumped."""

from muniment.answers.clock import find_confirmation, find_newest_jump
from muniment.core.errors import ClockDisagrees, NothingToConfirm
from muniment.core.events import TimeConfirmed
from muniment.core.payloads import need_reason
from muniment.core.verbs.log import ConfirmTime
from muniment.services.transaction import Outcome, Transaction


def confirm_time(tx: Transaction, command: ConfirmTime) -> Outcome:
    """Confirm that the clock is right after its newest jump.

    Raises:
        NothingToConfirm: it never jumped, or the actor has confirmed the time since.
        ClockDisagrees: it says another date.
        ReasonNeeded: the reason is blank.
    """
    need_reason(command.reason, "confirming the time")
    tx.note_jump()
    jump = find_newest_jump(tx.unit)
    if jump is None or find_confirmation(tx.unit, jump.index, tx.actor) is not None:
        raise NothingToConfirm
    if not tx.now.startswith(f"{command.date}T"):
        raise ClockDisagrees(clock=tx.now, date=command.date)
    return Outcome(
        tx.record(TimeConfirmed(jump=jump.index, date=command.date, reason=tx.keep(command.reason)))
    )
