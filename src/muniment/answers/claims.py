"""Read claims again: each reader verifies them again before relying on them."""

from collections.abc import Collection

from muniment.answers.bundles import read_once, verify_once
from muniment.answers.documents import read_document
from muniment.answers.places import within_namespace
from muniment.answers.view import View
from muniment.answers.vouching import list_keepers
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, Revision, parse_manifest
from muniment.core.claims.attestations import APPROVAL, PROVENANCE, Attestation, Statement, kind_of
from muniment.core.claims.withdrawals import LASTING, Withdrawal, drop_withdrawn
from muniment.core.digests import Digest
from muniment.core.errors import AlreadyWithdrawn, ClaimNotFound, NotWithdrawable, NotYourClaim, WrongSubject
from muniment.core.names import ModelName
from muniment.core.records import AttestationRecord, KeyRecord, VersionRecord, Where
from muniment.signing.bundle import MAX_BUNDLE_BYTES
from muniment.signing.content import is_about


def read_revision(view: View, digest: Digest) -> Revision:
    """Read the manifest of a revision. Raises as `read_document` and `parse_manifest`."""
    return parse_manifest(read_document(view, digest, MAX_MANIFEST_BYTES))


def read_claims(view: View, version: VersionRecord, revision: Revision) -> tuple[Attestation, ...]:
    """Read and verify again every claim about a version that stands, oldest first.

    Claims that were withdrawn are left out, and claims by keys that are revoked as of before they were
    recorded: a thief of a key withdraws nothing with it. A bundle that is
    missing or altered is an error, not an absence: a rejection that cannot be read must not pass.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature, WrongSubject: a claim cannot be relied on.
    """
    counting = _list_counting(view, version)
    withdrawn = {record.index for record, _ in counting if is_withdrawn(view, record)}
    claims = [
        read_claim(view, record, key, version, revision)
        for record, key in counting
        if record.index not in withdrawn or record.predicate_type == APPROVAL
    ]
    return tuple(drop_withdrawn(claims, withdrawn))


def read_standing(
    view: View, version: VersionRecord, kinds: Collection[str], *which: Where
) -> list[Attestation]:
    """Read and verify again the claims of some kinds about a version that stand, oldest first.

    As `read_claims`, but without the version's manifest: the caller MUST look at what each claim says that it
    is about.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a claim cannot be relied on.
    """
    counting = [pair for pair in _list_counting(view, version, *which) if pair[0].predicate_type in kinds]
    withdrawn = {record.index for record, _ in counting if is_withdrawn(view, record)}
    claims = [_attest(record, key, _read_verified(view, record, key)) for record, key in counting]
    return drop_withdrawn(claims, withdrawn)


def list_standing(view: View, version: VersionRecord, *which: Where) -> list[AttestationRecord]:
    """List the claims about a version that stand, oldest first; as `read_claims`, but nothing is verified."""
    return [record for record, _ in _list_counting(view, version, *which) if not is_withdrawn(view, record)]


def is_withdrawn(view: View, claim: AttestationRecord) -> bool:
    """Say whether a claim was withdrawn, by a key that counted then."""
    if claim.withdrawn is None:
        return False
    about = Where("name", "=", claim.name), Where("revision", "=", claim.revision)
    withdrawals = view.projections.select(AttestationRecord, *about, Where("index", "=", claim.withdrawn))
    return any(_counts(one, view.projections.find(KeyRecord, (one.key_id,))) for one in withdrawals)


def get_withdrawable(
    view: View, version: VersionRecord, withdrawal: Withdrawal, actor: str, registry: str
) -> AttestationRecord:
    """Get the claim that an actor takes back with a withdrawal, in the state before that is recorded.

    (0) it is for this version in this registry
    (1) the claim is on record about this very version
    (2) the actor signed it, with any of their keys
    (3) its kind can be withdrawn
    (4) it has not been withdrawn

    Raises:
        WrongSubject, ClaimNotFound: it is for something else, or takes back what nobody said.
        NotYourClaim: somebody else signed it.
        NotWithdrawable, AlreadyWithdrawn: its kind cannot be withdrawn, or it was withdrawn already.
    """
    reference, digest = f"{version.name}@{version.number}", str(withdrawal.claim)
    if (withdrawal.version, withdrawal.registry) != (reference, registry):
        raise WrongSubject(reference=reference, subject=f"{withdrawal.version} of {withdrawal.registry:.40}")
    claim = view.projections.find(AttestationRecord, (version.name, version.revision, digest))
    if claim is None:
        raise ClaimNotFound(reference=reference, digest=digest)
    if claim.signer != actor:
        raise NotYourClaim(signer=claim.signer, principal=actor)
    if claim.predicate_type in LASTING:
        kind = kind_of(claim.predicate_type)
        raise NotWithdrawable(reference=reference, kind=kind, remedy=LASTING[claim.predicate_type])
    if claim.withdrawn is not None and is_withdrawn(view, claim):
        raise AlreadyWithdrawn(reference=reference, digest=digest, entry=claim.withdrawn)
    return claim


def find_same(
    view: View, version: VersionRecord, signer: KeyRecord, statement: Statement
) -> AttestationRecord | None:
    """Find the claim on record, withdrawn or not, that a key made about a version by the same statement."""
    about = Where("name", "=", version.name), Where("revision", "=", version.revision)
    made = Where("key_id", "=", signer.id), Where("predicate_type", "=", statement.predicate_type)
    for record in view.projections.select(AttestationRecord, *about, *made):
        if read_said(view, record.digest) == statement:
            return record
    return None


def read_said(view: View, digest: str) -> Statement:
    """Read what a stored bundle says, without verifying it again. Raises as `read_document`."""
    bundle = Digest.parse(digest)
    return read_once(bundle, lambda: read_document(view, bundle, MAX_BUNDLE_BYTES))


def authors_of(view: View, version: VersionRecord) -> frozenset[str]:
    """Collect who made a version: who published its bytes, under any name, and who trained it.

    What a workload made was also made by its keepers (`answers.vouching`), and by the person who started the
    job. Withdrawing the provenance does not make somebody less of an author. Without a lineage, names in
    other namespaces are left out.
    """
    trained = _list_counting(view, version, Where("predicate_type", "=", PROVENANCE))
    names = within_namespace("name", ModelName.parse(version.name).namespace)
    where = names if view.lineage is None else ()
    same = view.projections.select(VersionRecord, Where("revision", "=", version.revision), *where)
    made = {
        *((claim.signer, key.starter, claim.index) for claim, key in trained),
        *((one.author, one.starter, one.index) for one in same),
    }
    keepers = (list_keepers(view, maker, index) for maker, _, index in made)
    people = {person for maker, starter, _ in made for person in (maker, starter) if person is not None}
    return frozenset(people.union(*keepers))


def _list_counting(
    view: View, version: VersionRecord, *which: Where
) -> list[tuple[AttestationRecord, KeyRecord]]:
    """List the claims about a version whose keys counted when they came, oldest first, with the keys."""
    about = Where("name", "=", version.name), Where("revision", "=", version.revision)
    records = view.projections.select(AttestationRecord, *about, *which)
    keys = {key: view.projections.find(KeyRecord, (key,)) for key in {record.key_id for record in records}}
    return [(record, key) for record in records if (key := keys[record.key_id]) and _counts(record, key)]


def _counts(record: AttestationRecord, key: KeyRecord | None) -> bool:
    """Say whether a claim came before its key was revoked."""
    return key is not None and (key.revoked is None or record.index < key.revoked)


def read_claim(
    view: View, record: AttestationRecord, key: KeyRecord, version: VersionRecord, revision: Revision
) -> Attestation:
    """Read and verify a claim on record. Raises as `read_claims`."""
    statement = _read_verified(view, record, key)
    check_subject(statement, version, revision)
    return _attest(record, key, statement)


def _read_verified(view: View, record: AttestationRecord, key: KeyRecord) -> Statement:
    digest = Digest.parse(record.digest)
    return verify_once(digest, key, lambda: read_document(view, digest, MAX_BUNDLE_BYTES))


def _attest(record: AttestationRecord, key: KeyRecord, statement: Statement) -> Attestation:
    return Attestation(
        digest=Digest.parse(record.digest),
        predicate_type=statement.predicate_type,
        predicate=statement.predicate,
        signer=key.principal,
        key_id=key.id,
        index=record.index,
        recorded=record.recorded,
        assurance=record.assurance,
    )


def check_subject(statement: Statement, version: VersionRecord, revision: Revision) -> None:
    """Check that a statement is about a version.

    Raises:
        WrongSubject: it is about something else.
    """
    if not is_about(statement, Digest.parse(version.revision), revision):
        subject = ", ".join(str(digest) for digest in statement.subjects) or "nothing"
        raise WrongSubject(reference=f"{version.name}@{version.number}", subject=subject)
