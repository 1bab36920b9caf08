"""Find the blobs that a namespace still needs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from muniment.answers.places import within_namespace
from muniment.answers.statuses import status_of
from muniment.core.bytes.formats import is_weights
from muniment.core.bytes.revisions import Revision
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.errors import VersionPurged
from muniment.core.names import ModelName
from muniment.core.records import (
    AttestationRecord,
    DraftRecord,
    PolicyRecord,
    ProposalDecisionRecord,
    ProposalRecord,
    StatusRecord,
    VersionRecord,
    Where,
)
from muniment.ports.unit import Unit
from muniment.services.bytes.custody import content_of

_AT_ONCE: Final = 100


def find_needed(
    unit: Unit, namespace: str, digests: Iterable[Digest], without: VersionRecord | DraftRecord
) -> set[Digest]:
    """Find the blobs that versions and drafts of a namespace need, except the one to be removed."""
    low, high = Where("name", ">=", f"{namespace}/"), Where("name", "<", f"{namespace}0")
    drafts = unit.projections.select(DraftRecord, low, high, Where("ended", "=", None))
    drafted = {
        digest
        for draft in drafts
        if draft != without
        for digest in content_of(unit, Digest.parse(draft.revision))
    }

    def needs(version: VersionRecord) -> bool:
        return version != without and status_of(unit, version) is not Status.PURGED

    signed = _list_signed(unit, namespace)
    return {
        digest
        for digest in digests
        if digest in drafted or str(digest) in signed or is_part_of(unit, namespace, digest, needs)
    }


def _list_signed(unit: Unit, namespace: str) -> set[str]:
    """List the documents that the log of a namespace names: policies, claims, and decisions on proposals."""
    here = Where("namespace", "=", namespace)
    policies = unit.projections.select(PolicyRecord, *within_namespace("models", namespace))
    proposals = unit.projections.select(ProposalRecord, here)
    named = {
        *(digest for one in policies for digest in (one.digest, one.attestation)),
        *(digest for one in proposals for digest in (one.policy, one.attestation)),
        *(one.attestation for one in unit.projections.select(ProposalDecisionRecord, here)),
        *(
            one.digest
            for one in unit.projections.select(AttestationRecord, *within_namespace("name", namespace))
        ),
    }
    return {digest for digest in named if digest is not None}


def is_part_of(unit: Unit, namespace: str, digest: Digest, counts: Callable[[VersionRecord], bool]) -> bool:
    """Return whether a blob is part of a version of a namespace that counts."""
    return any(counts(version) for version in _list_versions(unit, namespace, digest))


def check_not_purged(unit: Unit, name: ModelName, manifest: Digest, revision: Revision) -> None:
    """Check that nothing comes back that was purged in a namespace: a revision, or a file that holds a model.

    What another version of the namespace still has may be published again.

    Raises:
        VersionPurged: it was purged, under this name or another.
    """
    within = within_namespace("name", name.namespace)
    purged = Where("status", "=", str(Status.PURGED))
    if not unit.projections.select(StatusRecord, purged, *within, limit=1):
        return
    weights = (file.digest for file in revision.files if is_weights(file.path))
    for digest in (manifest, *weights):
        versions = list(_list_versions(unit, name.namespace, digest))
        if versions and all(status_of(unit, version) is Status.PURGED for version in versions):
            raise VersionPurged(reference=f"{versions[0].name}@{versions[0].number}")


def _list_versions(unit: Unit, namespace: str, digest: Digest) -> Iterator[VersionRecord]:
    last = -1
    while entries := unit.contents.find(digest, namespace, last, _AT_ONCE):
        for entry in entries:
            yield from unit.projections.select(VersionRecord, Where("index", "=", entry), limit=1)
        last = entries[-1]
