"""Custody: who holds which bytes. Naming a digest is not enough to get its bytes.

A caller with a token may publish only bytes that it uploaded and has not published yet, or bytes that the
namespace already holds. An embedded registry opens the stores itself, so nothing is hidden from its caller.
"""

from collections.abc import Sequence
from typing import Final

from muniment.answers.documents import read_document
from muniment.answers.people import list_grants
from muniment.core.backend import Stored
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, parse_with_config
from muniment.core.claims.attestations import read_statement
from muniment.core.claims.provenance import list_attachments
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, MunimentError, NotPermitted, QuotaExceeded, StorageBusy
from muniment.core.events import (
    AttestationRecorded,
    ClaimWithdrawn,
    DraftSaved,
    Entry,
    PolicySet,
    ProposalDecided,
    ProposalOpened,
    VersionPublished,
)
from muniment.core.people.callers import Caller
from muniment.core.people.roles import EVERYWHERE, Act, Role, may
from muniment.core.records import QuotaRecord, Where
from muniment.ports.holdings import GARBAGE
from muniment.ports.unit import Unit
from muniment.services.people.reading import Sight
from muniment.services.transaction import Transaction
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle

_WRITING: Final = (Act.PUBLISH, Act.ATTEST, Act.APPROVE, Act.SET_POLICY)


def holder_of(principal: str) -> str:
    """Name the holder for an uploading person; no namespace begins with `~`."""
    return f"~{principal}"


def find_sizes(tx: Transaction, namespace: str, digests: Sequence[Digest]) -> dict[Digest, int]:
    """Find the sizes of the blobs that the actor may use in a namespace."""
    if tx.caller.direct:
        blobs = [tx.unit.blobs.find(digest) for digest in digests]
        return {kept.digest: kept.size_bytes for kept in blobs if kept is not None}
    return tx.unit.holdings.find_sizes({namespace, holder_of(tx.actor)}, digests)


def take(tx: Transaction, namespace: str, digests: Sequence[Digest]) -> dict[Digest, int]:
    """Take blobs into a namespace; return their sizes.

    Raises:
        BlobNotFound: a blob is not stored, or the actor may not use it.
        QuotaExceeded: the namespace would exceed its quota.
        StorageBusy: a blob is being removed as garbage: send it again.
    """
    if not digests:
        return {}
    mine = holder_of(tx.actor)
    held = tx.unit.holdings.find_held({namespace, mine, GARBAGE}, digests)
    sizes = find_sizes(tx, namespace, digests) if tx.caller.direct else held[namespace] | held[mine]
    for digest in digests:
        if digest not in sizes:
            raise BlobNotFound(digest=str(digest))
        if digest in held[GARBAGE]:
            raise StorageBusy(path=str(digest))
    new = [Stored(digest=digest, size_bytes=sizes[digest]) for digest in {*digests} - held[namespace].keys()]
    # Once published, a blob belongs to the namespace and no longer to its uploader.
    uploaded = [blob for blob in new if blob.digest in held[mine]]
    if uploaded:
        tx.unit.holdings.move(mine, namespace, uploaded, tx.time)
    given = [blob for blob in new if blob.digest not in held[mine]]
    if given:
        tx.unit.holdings.add(namespace, given, tx.time, fresh=True)
    if again := held[mine].keys() & held[namespace].keys():
        tx.unit.holdings.drop(list(again), mine)
    if new:
        _check_quota(tx, namespace)
    return sizes


def hold(tx: Transaction, namespace: str, blobs: Sequence[Stored]) -> None:
    """Add blobs to a namespace. Raises like `take`; the caller MUST have checked that they are usable."""
    held = tx.unit.holdings.find_held({namespace, GARBAGE}, [blob.digest for blob in blobs])
    for digest in held[GARBAGE]:
        raise StorageBusy(path=str(digest))
    new = [blob for blob in blobs if blob.digest not in held[namespace]]
    if new:
        tx.unit.holdings.add(namespace, new, tx.time, fresh=True)
        _check_quota(tx, namespace)


def _check_quota(tx: Transaction, namespace: str) -> None:
    quota = find_quota(tx.unit, namespace)
    if quota is not None and tx.unit.holdings.measure(namespace) > quota:
        raise QuotaExceeded(namespace=namespace, quota_bytes=quota)


def hold_uploaded(tx: Transaction, blobs: Sequence[Stored]) -> None:
    """Let the actor hold uploaded blobs until a namespace takes them.

    Raises:
        StorageBusy: a blob is being removed as garbage: send it again.
    """
    refuse_garbage(tx.unit, blobs)
    tx.unit.holdings.add(holder_of(tx.actor), blobs, tx.time)


def refuse_garbage(unit: Unit, blobs: Sequence[Stored]) -> None:
    """Refuse blobs that are about to be removed. Raises like `hold_uploaded`."""
    for digest in unit.holdings.find_sizes([GARBAGE], [blob.digest for blob in blobs]):
        raise StorageBusy(path=str(digest))


def check_may_upload(unit: Unit, caller: Caller) -> None:
    """Check that a caller may write somewhere, and so has a reason to upload.

    Raises:
        NotPermitted: the caller may not write anywhere.
        NotIdentified: the caller has no principal.
    """
    principal = Sight(unit, caller).principal
    for grant in list_grants(unit, principal):
        for act in _WRITING:
            if may([Role(grant.role)], act) and _reaches(caller, act, grant.namespace):
                return
    raise NotPermitted(principal=principal, act=str(Act.PUBLISH), namespace="any namespace")


def _reaches(caller: Caller, act: Act, namespace: str) -> bool:
    if namespace != EVERYWHERE or caller.scopes is None:
        return caller.reaches(act, namespace)
    return any(scope.permits(act, scope.namespace) for scope in caller.scopes)


def find_quota(unit: Unit, namespace: str) -> int | None:
    """Find the quota of a namespace, in bytes."""
    quotas = unit.projections.select(
        QuotaRecord, Where("namespace", "=", namespace), descending=True, limit=1
    )
    return quotas[0].size_bytes if quotas else None


def check_readable(unit: Unit, caller: Caller, digest: Digest) -> None:
    """Check that a caller may read a blob.

    Raises:
        BlobNotFound: it is not stored, or the caller may not read it; the error does not tell which.
    """
    if caller.direct:
        return
    namespaces = Sight(unit, caller).namespaces()
    own = set() if caller.principal is None else {holder_of(caller.principal)}
    holders = None if namespaces is None else namespaces | own
    if not unit.holdings.find_sizes(holders, [digest]):
        raise BlobNotFound(digest=str(digest))


def restore(unit: Unit, entry: Entry) -> None:
    """Restore the holdings that an entry of the log gave a namespace, as far as they are still stored."""
    namespace = entry.namespace
    match entry.event:
        case _ if namespace is None:
            return
        case VersionPublished(revision=revision):
            digests = content_of(unit, revision)
            unit.contents.add(entry.index, namespace, digests)
        case DraftSaved(revision=revision, attestations=claims):
            digests = content_of(unit, revision)
            digests += [kept for claim in claims for kept in attached_to(unit, claim)]
        case AttestationRecorded(attestation=claim) | ClaimWithdrawn(attestation=claim):
            digests = attached_to(unit, claim)
        case PolicySet(policy=policy, attestation=claim):
            digests = [digest for digest in (policy, claim) if digest is not None]
        case ProposalOpened(change=change):
            digests = [digest for digest in (change.policy, change.attestation) if digest is not None]
        case ProposalDecided(attestation=claim):
            digests = [claim]
        case _:
            return
    blobs = [unit.blobs.find(digest) for digest in digests]
    stored = [Stored(digest=kept.digest, size_bytes=kept.size_bytes) for kept in blobs if kept is not None]
    unit.holdings.add(namespace, stored, entry.time)


def content_of(unit: Unit, manifest: Digest) -> list[Digest]:
    """List the blobs of a revision: manifest, config and files; for a damaged one, only the manifest."""
    try:
        revision, config = parse_with_config(read_document(unit, manifest, MAX_MANIFEST_BYTES))
    except MunimentError:
        # `verify` and `scrub` report a damaged manifest; the rebuild continues without it.
        return [manifest]
    return [manifest, config, *(file.digest for file in revision.files)]


def attached_to(unit: Unit, bundle: Digest) -> list[Digest]:
    """List a claim's bundle and the blobs that accompany it."""
    try:
        statement = read_statement(Bundle.decode(read_document(unit, bundle, MAX_BUNDLE_BYTES)).payload)
    except MunimentError:
        # As in `content_of`.
        return [bundle]
    return [bundle, *list_attachments(statement)]
