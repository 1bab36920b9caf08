"""Revoke a key: what it has signed since some entry no longer counts."""

from muniment.core import events
from muniment.core.errors import KeyRevoked, UnknownSigner
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import KeyRecord
from muniment.core.verbs.people import RevokeKey
from muniment.services.claims.describing import describe_revocation
from muniment.services.transaction import Outcome, Transaction


def revoke_key(tx: Transaction, command: RevokeKey) -> Outcome:
    """Revoke a key: the actor's own or, for an admin, anybody's.

    Raises:
        UnknownSigner: no principal has it.
        KeyRevoked: it is already revoked as of that entry or an earlier one.
    """
    key = tx.unit.projections.find(KeyRecord, (command.key_id,))
    if key is None:
        raise UnknownSigner(key_id=command.key_id)
    if key.principal != tx.actor:
        tx.require(Act.ENROL, EVERYWHERE)
    size = tx.unit.log.size()
    effective = size if command.effective is None else min(max(0, command.effective), size)
    if key.revoked is not None and key.revoked <= effective:
        raise KeyRevoked(key_id=command.key_id)
    event = events.KeyRevoked(principal=key.principal, key=key.id, effective=effective)
    index = tx.record(event)
    describe_revocation(tx.unit, event, index)
    return Outcome(index)
