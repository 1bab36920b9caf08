"""Claims: how an attestation gets into the registry, and how those in it are read again.

Both ways verify: on arrival, and again by whoever relies on them (DESIGN rule 4).
"""

from typing import Final

from muniment.core.approvals import Approval, Decision, evidence_of, last_acts
from muniment.core.attestations import APPROVAL, DEPLOYMENT, PROVENANCE, VERDICT, Attestation, Statement
from muniment.core.canonical import JsonObject
from muniment.core.deployments import Deployment
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyApproved,
    KeyExpired,
    KeyRevoked,
    NotPermitted,
    NotYourSignature,
    OwnVersion,
    StaleApproval,
    UnknownSigner,
    WrongSubject,
)
from muniment.core.events import EventType
from muniment.core.names import Alias, ModelName
from muniment.core.payloads import Payload
from muniment.core.provenance import list_attachments
from muniment.core.records import AttestationRecord, KeyRecord, VersionRecord
from muniment.core.revisions import MAX_MANIFEST_BYTES, Revision, parse_manifest
from muniment.core.roles import Act, Role
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.custody import take
from muniment.services.deployments import deploy
from muniment.services.describe import describe_claim, describe_deployment
from muniment.services.documents import read_document
from muniment.services.policies import get_policy
from muniment.services.rights import roles_of
from muniment.services.transaction import REGISTRY, Outcome, Transaction
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle, verify_bundle
from muniment.signing.content import is_about
from muniment.signing.keys import PublicKey
from muniment.signing.schemas import check_predicate


def read_revision(unit: Unit, digest: Digest) -> Revision:
    """Read the manifest of a revision. Raises as `read_document` and `parse_manifest`."""
    return parse_manifest(read_document(unit, digest, MAX_MANIFEST_BYTES))


def admit(
    tx: Transaction,
    version: VersionRecord,
    revision: Revision,
    digest: Digest,
    reason: Payload | None = None,
) -> Outcome:
    """Record a stored bundle, which the actor may use, as a claim about a version. As `admit_held`."""
    take(tx, ModelName.parse(version.name).namespace, [digest])
    return admit_held(tx, version, revision, digest, reason)


def admit_held(
    tx: Transaction,
    version: VersionRecord,
    revision: Revision,
    digest: Digest,
    reason: Payload | None = None,
) -> Outcome:
    """Record a bundle that the version's namespace holds as a claim about it.

    The caller MUST have read `revision` from the manifest that `version` names.
    """
    # (0) The same claim about the same version is on record: answer with that.
    key = (version.name, version.revision, str(digest))
    known = tx.unit.projections.find(AttestationRecord, key)
    if known is not None:
        return Outcome(known.index, created=False)
    # (1) The bundle is whole and well formed.
    bundle = Bundle.decode(read_document(tx.unit, digest, MAX_BUNDLE_BYTES))
    # (2) Its key belongs to a principal, and is neither revoked nor expired now.
    signer = _get_valid_key(tx, bundle.key_id)
    # (3) The signature verifies over the bytes as they came.
    statement = verify_bundle(bundle, PublicKey.read(signer.public_key.encode()))
    # (4) Who sends it is who signed it.
    if signer.principal != tx.actor:
        raise NotYourSignature(signer=signer.principal, principal=tx.actor)
    # (5) It is about this version.
    _check_subject(statement, version, revision)
    # (6) It says what its kind has to say; kinds that we do not know are kept as they are.
    check_predicate(statement.predicate_type, statement.predicate)
    # (7) The signer may make such a claim here.
    _check_right(tx, version, statement)
    # (8) An approval is over what stands now, by somebody else than the author, and new.
    if statement.predicate_type == APPROVAL:
        _check_approval(tx, version, Approval.read(statement.predicate), reason)
    data: JsonObject = {
        "name": version.name,
        "revision": version.revision,
        "attestation": str(digest),
        "predicate_type": statement.predicate_type,
        "signer": signer.principal,
        "key": bundle.key_id,
        "reason": tx.keep(reason),
        "assurance": signer.assurance,
    }
    if statement.predicate_type == DEPLOYMENT:
        data = {**data, "deployment": deploy(tx, version, Deployment.read(statement.predicate))}
    index = tx.record(EventType.ATTESTATION_RECORDED, data)
    # (9) What it keeps beside itself is stored, and the signer's to use.
    take(tx, ModelName.parse(version.name).namespace, list_attachments(statement))
    describe_claim(tx.unit, version, statement)
    describe_deployment(tx.unit, data)
    return Outcome(index)


def read_claims(unit: Unit, version: VersionRecord, revision: Revision) -> tuple[Attestation, ...]:
    """Read and verify again every claim about a version, oldest first.

    Claims by keys that are revoked as of before they were recorded are left out. A bundle that is
    missing or altered is an error, not an absence: a rejection that cannot be read must not pass.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature, WrongSubject: a claim cannot be relied on.
    """
    records = unit.projections.select(
        AttestationRecord, Where("name", "=", version.name), Where("revision", "=", version.revision)
    )
    keys = {record.key_id: unit.projections.find(KeyRecord, (record.key_id,)) for record in records}
    return tuple(
        _read_claim(unit, record, key, version, revision)
        for record in records
        if (key := keys[record.key_id]) and (key.revoked is None or record.index < key.revoked)
    )


def authors_of(version: VersionRecord, claims: tuple[Attestation, ...]) -> frozenset[str]:
    """Collect who made a version: who published it, and who vouches for how it was trained."""
    trained = {claim.signer for claim in claims if claim.predicate_type == PROVENANCE}
    return frozenset({version.author, *trained})


def _read_claim(
    unit: Unit, record: AttestationRecord, key: KeyRecord, version: VersionRecord, revision: Revision
) -> Attestation:
    digest = Digest.parse(record.digest)
    bundle = Bundle.decode(read_document(unit, digest, MAX_BUNDLE_BYTES))
    statement = verify_bundle(bundle, PublicKey.read(key.public_key.encode()))
    _check_subject(statement, version, revision)
    return Attestation(
        digest=digest,
        predicate_type=statement.predicate_type,
        predicate=statement.predicate,
        signer=key.principal,
        key_id=key.id,
        index=record.index,
        recorded=record.recorded,
        assurance=record.assurance,
    )


def _get_valid_key(tx: Transaction, key_id: str) -> KeyRecord:
    key = tx.unit.projections.find(KeyRecord, (key_id,))
    if key is None:
        raise UnknownSigner(key_id=key_id)
    if key.revoked is not None:
        raise KeyRevoked(key_id=key_id)
    if key.expires is not None and key.expires <= tx.time:
        raise KeyExpired(key_id=key_id, expired=key.expires)
    return key


def _check_subject(statement: Statement, version: VersionRecord, revision: Revision) -> None:
    if not is_about(statement, Digest.parse(version.revision), revision):
        subject = ", ".join(str(digest) for digest in statement.subjects) or "nothing"
        raise WrongSubject(reference=f"{version.name}@{version.number}", subject=subject)


def _check_right(tx: Transaction, version: VersionRecord, statement: Statement) -> None:
    namespace = ModelName.parse(version.name).namespace
    if statement.predicate_type == VERDICT and tx.actor != REGISTRY:
        # A verdict is the registry's word; nobody else's may look like it.
        raise NotPermitted(principal=tx.actor, act="sign a verdict", namespace=namespace)
    tx.require(Act.APPROVE if statement.predicate_type == APPROVAL else Act.ATTEST, namespace)


def _check_approval(
    tx: Transaction, version: VersionRecord, approval: Approval, reason: Payload | None
) -> None:
    name = ModelName.parse(version.name)
    reference = f"{version.name}@{version.number}"
    claims = read_claims(tx.unit, version, read_revision(tx.unit, Digest.parse(version.revision)))
    if approval.version != reference:
        raise WrongSubject(reference=reference, subject=approval.version)
    if tx.actor in authors_of(version, claims):
        raise OwnVersion(reference=reference, principal=tx.actor)
    if approval.role not in roles_of(tx.unit, tx.actor, name.namespace) or approval.role not in _DECIDING:
        raise NotPermitted(principal=tx.actor, act=f"decide as {approval.role}", namespace=name.namespace)
    if approval.reason != (None if reason is None else str(reason.digest)):
        raise StaleApproval(reference=reference, what="reason")
    policy = get_policy(tx.unit, name, Alias(approval.alias))
    stale = approval.find_staleness(policy.digest, evidence_of(claims))
    if stale:
        raise StaleApproval(reference=reference, what=stale)
    act = last_acts(claims, reference, approval.alias).get(tx.actor)
    if act is not None and _says_the_same(act[1], approval):
        raise AlreadyApproved(reference=reference, principal=tx.actor, alias=approval.alias)


_DECIDING: Final = frozenset({Role.VALIDATOR, Role.APPROVER, Role.SECURITY})


def _says_the_same(before: Approval, now: Approval) -> bool:
    same = (before.policy, before.evidence, before.decision) == (now.policy, now.evidence, now.decision)
    # A rejection may be repeated with another reason; one person's yes counts once, in one role.
    return same and now.decision is Decision.APPROVE
