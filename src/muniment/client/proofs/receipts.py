"""Check that a receipt confirms a command: what it proves is what was asked, by us, now."""

from collections.abc import Callable
from contextlib import suppress

from muniment.core.errors import NotFound, ReceiptMismatch
from muniment.core.receipts import Receipt
from muniment.core.records import Record
from muniment.core.verbs.verb import Command, Query, name_of


def check_receipt(receipt: Receipt, command: Command, principal: str, size: int) -> None:
    """Check the entry of a receipt, whose proof the caller MUST have checked.

    (0) it says what the command asked
    (1) a new entry is by `principal`
    (2) a new entry is not among the first `size`, which the log had before the command was sent

    If the registry says that nothing was new, an earlier entry must say the same, by anybody. A receipt does
    not prove that no later entry says otherwise: `check_newest` does, where there is a proven answer.

    Raises:
        ReceiptMismatch: one of these does not hold.
    """
    fault = _find_fault(receipt, command, principal, size)
    if fault:
        raise _mismatch(receipt, command, fault)


def check_newest(receipt: Receipt, command: Command, ask: Callable[[Query[Record]], Record]) -> None:
    """Check that the entry that a command repeats is the newest, if there is a proven answer about that.

    Raises:
        ReceiptMismatch: a later entry says otherwise.
    """
    question = command.newest()
    if receipt.created or question is None:
        return
    with suppress(NotFound):
        if ask(question).index == receipt.index:
            return
    raise _mismatch(receipt, command, "is not the newest")


def _mismatch(receipt: Receipt, command: Command, reason: str) -> ReceiptMismatch:
    event, name = receipt.event.type, name_of(type(command))
    return ReceiptMismatch(command=name, index=receipt.index, event=event, reason=reason)


def _find_fault(receipt: Receipt, command: Command, principal: str, size: int) -> str:
    entry = receipt.entry
    if not (command.is_done_by(entry) if receipt.created else command.was_done_by(entry)):
        return "says something else"
    if receipt.created and entry.actor != principal:
        return "is by somebody else"
    if receipt.created and entry.index < size:
        return "is older than the command"
    return ""
