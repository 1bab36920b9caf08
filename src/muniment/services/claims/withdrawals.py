"""Withdraw a claim: its signer takes it back, and it no longer counts."""

from muniment.answers.authority import act_of_claim
from muniment.answers.claims import get_withdrawable
from muniment.core.claims.withdrawals import Withdrawal
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidAttestation,
)
from muniment.core.events import ClaimWithdrawn
from muniment.core.names import ModelName
from muniment.core.payloads import Payload, need_reason
from muniment.core.people.callers import Assurance
from muniment.core.records import KeyRecord, VersionRecord
from muniment.services.claims.describing import describe_withdrawal
from muniment.services.transaction import Transaction


def withdraw(  # noqa: PLR0913, PLR0917 - one for each thing that the record of a claim holds
    tx: Transaction,
    version: VersionRecord,
    signer: KeyRecord,
    withdrawal: Withdrawal,
    digest: Digest,
    reason: Payload | None,
) -> int:
    """Record a withdrawal and mark the claim as withdrawn; return its entry.

    The caller MUST have verified that the actor signed it, and that it is about this version.

    Raises: as `get_withdrawable`.
        NotPermitted: the actor may no longer make such claims.
        ReasonNeeded, InvalidAttestation: its reason is missing, or is not the one that it names.
    """
    claim = get_withdrawable(tx.unit, version, withdrawal, tx.actor, tx.registry)
    tx.require(act_of_claim(claim.predicate_type), ModelName.parse(version.name).namespace)
    said = need_reason(reason, "a withdrawal")
    if withdrawal.reason != said.digest:
        raise InvalidAttestation(reason="it names another reason than the one that came with it")
    event = ClaimWithdrawn(
        name=ModelName.parse(version.name),
        revision=Digest.parse(version.revision),
        claim=withdrawal.claim,
        entry=claim.index,
        attestation=digest,
        signer=signer.principal,
        key=signer.id,
        assurance=Assurance(signer.assurance),
        reason=tx.keep(said),
    )
    index = tx.record(event)
    describe_withdrawal(tx.unit, event, index)
    return index
