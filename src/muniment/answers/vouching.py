"""Vouching: who stands behind a principal, and could act in their place (`core.people.vouching`)."""

from collections.abc import Collection
from typing import Final

from muniment.answers.people import list_grants_in
from muniment.answers.view import View
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import Role
from muniment.core.people.vouching import VouchKind
from muniment.core.records import GrantRecord, KeyRecord, VouchRecord, Where

# On whose word a workload publishes what it publishes.
_KEEPING: Final = frozenset(VouchKind) - {VouchKind.CONFIRMATION}


def list_vouches(view: View, principal: str) -> list[VouchRecord]:
    """List what others vouched for of a principal, oldest first."""
    return view.projections.select(VouchRecord, Where("principal", "=", principal))


def is_workload(view: View, principal: str) -> bool:
    """Return whether a principal is registered as a workload."""
    return any(vouch.kind == VouchKind.WORKLOAD for vouch in list_vouches(view, principal))


def trace(view: View, voucher: str, before: int) -> frozenset[str]:
    """Collect who stood behind the word of a voucher before an entry: they, who vouched for them, and so on.

    It ends at the founder, for whom nobody else vouches, and at an identity provider, for which the registry
    stands, which is left out.
    """
    reached: dict[str, int] = {}
    waiting = [(voucher, before)]
    while waiting:
        who, until = waiting.pop()
        if who == REGISTRY or reached.get(who, -1) >= until:
            continue
        reached[who] = until
        waiting += [
            (vouch.voucher, vouch.index)
            for vouch in list_vouches(view, who)
            if vouch.index < until and vouch.kind != VouchKind.CONFIRMATION
        ]
    return frozenset(reached)


def list_guarantors(view: View, key: KeyRecord) -> tuple[frozenset[str], ...]:
    """List on whose word the owner of a key counts as who they are.

    The first are those who stand behind the key; each other is an admin who confirmed the owner since, with
    those who stand behind that admin.
    """
    return (trace(view, key.voucher, key.index), *_list_confirming(view, key.principal, key.index))


def list_keepers(view: View, principal: str, before: int) -> frozenset[str]:
    """List who could publish as a workload before an entry; nobody for a person.

    They registered it, wrote a rule by which it signs in, or made a key or token for it, and no independent
    admin has confirmed it since.
    """
    vouches = [vouch for vouch in list_vouches(view, principal) if vouch.index < before]
    if not any(vouch.kind == VouchKind.WORKLOAD for vouch in vouches):
        return frozenset()
    keepers = {vouch.voucher for vouch in vouches if vouch.kind in _KEEPING}
    confirmed = max(
        (
            vouch.index
            for vouch in vouches
            if vouch.kind == VouchKind.CONFIRMATION
            and keepers.isdisjoint(trace(view, vouch.voucher, vouch.index))
        ),
        default=-1,
    )
    return frozenset(
        vouch.voucher for vouch in vouches if vouch.kind in _KEEPING and vouch.index > confirmed
    ) - {REGISTRY, principal}


def is_independent(view: View, actor: str, concerned: Collection[str], before: int) -> bool:
    """Return whether an actor counts as somebody else than people concerned, before an entry.

    Nobody of them stands behind the actor; or an admin behind whom nobody of them stands confirmed the actor,
    since the last time that anybody vouched for them.
    """
    return any(behind.isdisjoint(concerned) for behind in list_words(view, actor, before))


def list_words(view: View, actor: str, before: int) -> tuple[frozenset[str], ...]:
    """List on whose word an actor is who they are, before an entry.

    The first are those who stand behind the actor; each other is an admin who confirmed the actor since the
    last time that anybody vouched for them, with those who stand behind that admin.
    """
    vouches = [one for one in list_vouches(view, actor) if one.index < before]
    last = max((one.index for one in vouches if one.kind != VouchKind.CONFIRMATION), default=-1)
    return (trace(view, actor, before), *_list_confirming(view, actor, last))


def split_roles(
    view: View, principal: str, namespace: str, *, independent: bool
) -> tuple[frozenset[Role], frozenset[Role]]:
    """List the roles of a principal in a namespace that count, and those that they only gave themselves.

    What somebody gave themselves counts once another admin has confirmed them since. If `independent`, so is
    what they got from somebody behind whom they stand, and the other admin is nobody of these.
    """
    counting: set[Role] = set()
    own: set[Role] = set()
    for grant in list_grants_in(view, principal, namespace):
        counts = not _is_own(view, grant, independent=independent) or _is_confirmed(
            view, grant, independent=independent
        )
        (counting if counts else own).add(Role(grant.role))
    return frozenset(counting), frozenset(own - counting)


def _is_own(view: View, grant: GrantRecord, *, independent: bool) -> bool:
    """Return whether somebody gave themselves a role, or somebody who is there on their word did."""
    if not independent:
        return grant.grantor == grant.principal
    return grant.principal in trace(view, grant.grantor, grant.index)


def _is_confirmed(view: View, grant: GrantRecord, *, independent: bool) -> bool:
    confirming = _list_confirming(view, grant.principal, grant.index)
    return any(not independent or grant.principal not in behind for behind in confirming)


def _list_confirming(view: View, principal: str, since: int) -> list[frozenset[str]]:
    """List who stood behind each confirmation of a principal since an entry."""
    return [
        trace(view, vouch.voucher, vouch.index)
        for vouch in list_vouches(view, principal)
        if vouch.kind == VouchKind.CONFIRMATION and vouch.index > since
    ]
