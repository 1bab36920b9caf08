"""Recoveries: an admin lets a person in anew who has been here before, which has to wait.

Who holds the new invitation or key is that person from then on. So they hear of it before it can be used,
and can cancel it; or a second admin approves it.
"""

from collections.abc import Iterable, Iterator

from muniment.answers.view import View
from muniment.answers.vouching import trace
from muniment.core.errors import NotIndependent, RecoveryCancelled, RecoveryWaiting
from muniment.core.events import RecoveryOutcome
from muniment.core.gates.inbox import ACCOUNT, InboxItem, ItemKind
from muniment.core.people.callers import Assurance
from muniment.core.records import KeyRecord, RecoveryRecord, TokenRecord, Where


def list_recoveries(view: View, principal: str) -> list[RecoveryRecord]:
    """List the recoveries of a person, oldest first."""
    return view.projections.select(RecoveryRecord, Where("principal", "=", principal))


def find_recovery(view: View, principal: str, credential: str) -> RecoveryRecord | None:
    """Find the recovery that made an invitation or a key, by its id."""
    recoveries = list_recoveries(view, principal)
    return next((one for one in recoveries if one.credential == credential), None)


def has_key(view: View, principal: str) -> bool:
    """Return whether a principal ever had a key, so that another one lets them in anew."""
    return bool(view.projections.select(KeyRecord, Where("principal", "=", principal), limit=1))


def has_signed_in(view: View, principal: str) -> bool:
    """Return whether a principal ever signed in, so that another invitation lets them in anew."""
    of_principal = Where("principal", "=", principal)
    passkeys = Where("assurance", "=", str(Assurance.PASSKEY))
    return bool(
        view.projections.select(TokenRecord, of_principal, Where("once", "=", 0), limit=1)
        or view.projections.select(KeyRecord, of_principal, passkeys, limit=1)
    )


def list_notices(recoveries: Iterable[RecoveryRecord], time: str) -> Iterator[InboxItem]:
    """List what a person should know of who lets them in anew; nobody can take a notice away."""
    for one in recoveries:
        waits = one.outcome is None and time < one.opens
        end = (
            f"it was {one.outcome}" if one.outcome else f"it opens at {one.opens}" if waits else "it is open"
        )
        yield InboxItem(
            kind=ItemKind.RECOVERY,
            reference=ACCOUNT,
            alias="",
            who=one.actor,
            what=f"somebody lets you in anew, on another machine or with another key; {end}",
            text=None,
            claim="",
            role="",
            since=one.begun,
            due=one.opens if waits else None,
            overdue=False,
            entry=one.index,
        )


def check_open(recovery: RecoveryRecord, time: str) -> None:
    """Check that a recovery can be used at a time.

    Raises:
        RecoveryWaiting, RecoveryCancelled: it cannot.
    """
    if recovery.outcome == RecoveryOutcome.CANCELLED:
        raise RecoveryCancelled(entry=recovery.index)
    if recovery.outcome is None and time < recovery.opens:
        raise RecoveryWaiting(entry=recovery.index, opens=recovery.opens)


def check_approver(view: View, recovery: RecoveryRecord, actor: str, before: int) -> None:
    """Check that a recovery is for an actor to approve, before an entry.

    Raises:
        NotIndependent: they began it, it is for them, or they are there on the word of either.
    """
    if not trace(view, actor, before).isdisjoint({recovery.actor, recovery.principal}):
        raise NotIndependent(principal=actor, act="approve this recovery")
