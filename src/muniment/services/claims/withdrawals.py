"""Withdraw a claim: its signer takes it back, and it no longer counts."""

from muniment.answers.claims import is_withdrawn
from muniment.core.claims.attestations import kind_of
from muniment.core.claims.withdrawals import LASTING, Withdrawal
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyWithdrawn,
    ClaimNotFound,
    InvalidAttestation,
    NotWithdrawable,
    NotYourClaim,
    WrongSubject,
)
from muniment.core.events import ClaimWithdrawn
from muniment.core.names import ModelName
from muniment.core.payloads import Payload, need_reason
from muniment.core.people.callers import Assurance
from muniment.core.records import AttestationRecord, KeyRecord, VersionRecord
from muniment.services.claims.describing import describe_withdrawal
from muniment.services.claims.recording import act_of
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

    Raises: as `_get_claim`.
        ReasonNeeded, InvalidAttestation: its reason is missing, or is not the one that it names.
    """
    claim = _get_claim(tx, version, withdrawal)
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


def _get_claim(tx: Transaction, version: VersionRecord, withdrawal: Withdrawal) -> AttestationRecord:
    """Get the claim that a withdrawal takes back.

    (0) it is for this version in this registry
    (1) the claim is on record about this very version
    (2) the actor signed it, with any of their keys, and may still make such claims
    (3) its kind can be withdrawn
    (4) it has not been withdrawn

    Raises:
        WrongSubject, ClaimNotFound: it is for something else, or takes back what nobody said.
        NotYourClaim, NotPermitted: the actor is not the one to withdraw it.
        NotWithdrawable, AlreadyWithdrawn: its kind cannot be withdrawn, or it was withdrawn already.
    """
    reference, digest = f"{version.name}@{version.number}", str(withdrawal.claim)
    if (withdrawal.version, withdrawal.registry) != (reference, tx.registry):
        raise WrongSubject(reference=reference, subject=f"{withdrawal.version} of {withdrawal.registry:.40}")
    claim = tx.unit.projections.find(AttestationRecord, (version.name, version.revision, digest))
    if claim is None:
        raise ClaimNotFound(reference=reference, digest=digest)
    if claim.signer != tx.actor:
        raise NotYourClaim(signer=claim.signer, principal=tx.actor)
    tx.require(act_of(claim.predicate_type), ModelName.parse(version.name).namespace)
    if claim.predicate_type in LASTING:
        kind = kind_of(claim.predicate_type)
        raise NotWithdrawable(reference=reference, kind=kind, instead=LASTING[claim.predicate_type])
    if claim.withdrawn is not None and is_withdrawn(tx.unit, claim):
        raise AlreadyWithdrawn(reference=reference, digest=digest, entry=claim.withdrawn)
    return claim
