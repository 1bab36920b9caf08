"""What is worth a warning about the move of an alias."""

from muniment.core.events import AliasMoved
from muniment.core.receipts import Receipt


def find_unguarded(receipt: Receipt) -> str:
    """Say of the receipt of a move that no policy guards the alias; empty if one does."""
    event = receipt.read(AliasMoved)
    if event.verdicts:
        return ""
    where = f"{event.name}@{event.alias}"
    return f"no policy guards {where}, so nothing was checked: muniment policy set {where} FILE --reason TEXT"
