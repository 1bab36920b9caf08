"""Check that a receipt confirms a command: what it proves is what was asked, by us, now (DESIGN rule 12)."""

from muniment.core.errors import ReceiptMismatch
from muniment.core.receipts import Receipt
from muniment.core.verbs.verb import Command, name_of


def check_receipt(receipt: Receipt, command: Command, principal: str, size: int) -> None:
    """Check the entry of a receipt, whose proof the caller MUST have checked.

    (0) it says what the command asked
    (1) a new entry is by `principal`
    (2) a new entry is not among the first `size`, which the log had before the command was sent

    If the registry says that nothing was new, an earlier entry must say the same, by anybody. A receipt does
    not prove that no later entry says otherwise.

    Raises:
        ReceiptMismatch: one of these does not hold.
    """
    fault = _find_fault(receipt, command, principal, size)
    if fault:
        raise ReceiptMismatch(
            command=name_of(type(command)),
            index=receipt.index,
            event=receipt.event.type,
            reason=fault,
        )


def _find_fault(receipt: Receipt, command: Command, principal: str, size: int) -> str:
    entry = receipt.entry
    if not (command.is_done_by(entry) if receipt.created else command.was_done_by(entry)):
        return "says something else"
    if receipt.created and entry.actor != principal:
        return "is by somebody else"
    if receipt.created and entry.index < size:
        return "is older than the command"
    return ""
