"""Our inbox: each item is computed anew from what is proven about the entry that it names."""

from dataclasses import replace

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import InvalidRequest, NotFound, NotShown, RecordUnproven
from muniment.core.gates.inbox import InboxItem
from muniment.core.verbs.gates import GetInbox, GetInboxItem


def read_inbox(backend: TrustedBackend) -> list[InboxItem]:
    """List what is waiting for us, and our news.

    Raises:
        RecordUnproven: an item does not follow from its entry, is not ours, or was dealt with.
    """
    try:
        return _read(backend)
    except RecordUnproven:
        # Somebody may have dealt with it between the two questions.
        return _read(backend)


def _read(backend: TrustedBackend) -> list[InboxItem]:
    return [_prove(backend, item) for item in backend.ask(GetInbox())]


def _prove(backend: TrustedBackend, item: InboxItem) -> InboxItem:
    try:
        proven = backend.ask(GetInboxItem.again(item, backend.principal))
    except (NotFound, NotShown, InvalidRequest, ValueError) as error:
        raise RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry) from error
    if replace(proven, overdue=item.overdue) != item:
        raise RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry)
    return replace(proven, overdue=proven.due is not None and proven.due <= backend.time())
