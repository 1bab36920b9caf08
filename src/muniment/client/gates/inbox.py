"""Our inbox: each item is computed anew from what is proven about the entry that it names."""

from contextlib import suppress
from dataclasses import replace

from muniment.answers.notices import list_proposal_items
from muniment.answers.recoveries import list_notices
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import InvalidRequest, NotFound, NotShown, RecordUnproven
from muniment.core.gates.inbox import OF_PROPOSALS, InboxItem, ItemKind
from muniment.core.verbs.inbox import GetInbox, GetInboxItem
from muniment.core.verbs.people import GetPerson
from muniment.core.verbs.proposals import ListProposals


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
    if item.kind is ItemKind.RECOVERY:
        return _prove_notice(backend, item)
    if item.kind in OF_PROPOSALS:
        return _prove_proposal(backend, item)
    try:
        proven = backend.ask(GetInboxItem.again(item, backend.principal))
    except (NotFound, NotShown, InvalidRequest, ValueError) as error:
        raise RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry) from error
    if replace(proven, overdue=item.overdue) != item:
        raise RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry)
    return replace(proven, overdue=proven.due is not None and proven.due <= backend.time())


def _prove_proposal(backend: TrustedBackend, item: InboxItem) -> InboxItem:
    """Prove an item about a proposal, from all that is proven about that."""
    namespace = item.reference.partition("/")[0]
    query = ListProposals(namespace=namespace, closed=True, after=item.entry - 1, limit=1)
    with suppress(NotFound, NotShown, InvalidRequest):
        for proposal in backend.ask(query):
            for proven in list_proposal_items(proposal, backend.principal, backend.time()):
                if replace(proven, overdue=item.overdue) == item:
                    return proven
    raise RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry)


def _prove_notice(backend: TrustedBackend, item: InboxItem) -> InboxItem:
    """Prove that somebody lets us in anew, from what is proven about ourselves."""
    me = backend.ask(GetPerson(principal=backend.principal))
    for notice in list_notices(me.recoveries, backend.time()):
        if replace(notice, due=item.due, what=item.what) == item:
            return notice
    raise RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry)
