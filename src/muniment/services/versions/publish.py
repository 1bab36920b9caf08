"""Publish a stored manifest as the next version of a model."""

from muniment.answers.resolve import resolve
from muniment.answers.statuses import status_of
from muniment.core.catalog.statuses import Status
from muniment.core.errors import (
    StatementReused,
    VersionExists,
    VersionNotFound,
    VersionNotNext,
    VersionPurged,
)
from muniment.core.events import VersionPublished
from muniment.core.names import Kind, Reference
from muniment.core.records import ModelRecord, VersionRecord
from muniment.core.verbs.versions import PublishVersion
from muniment.ports.unit import Unit
from muniment.services.bytes.content import require_content
from muniment.services.catalog.lineage import note_dataset
from muniment.services.transaction import Outcome, Transaction
from muniment.services.versions.admission import admit_new
from muniment.services.versions.drafts import end_published, find_kind
from muniment.services.versions.keeping import check_not_purged
from muniment.services.versions.quarantine import readmit


def publish(tx: Transaction, command: PublishVersion) -> Outcome:
    """Publish a version with its claims.

    Raises:
        VersionExists: the requested number has other bytes.
        KindMismatch: the name belongs to a dataset and this is a model, or the other way round.
        VersionNotNext: the requested number leaves a gap.
        VersionWithdrawn: a file belongs to a revoked model.
        VersionPurged: these bytes, or a model among them, were purged in the namespace, under any name.
        StatementReused: two of the claims are the same statement.
        BlobNotFound: a file of the manifest is not stored (bytes are durable before an event names them).
    """
    kind = find_kind(tx.unit, command)
    known = _find_known(tx.unit, command)
    if known is not None:
        if status_of(tx.unit, known) is Status.PURGED:
            raise VersionPurged(reference=f"{known.name}@{known.number}")
        return Outcome(known.index, created=False)
    namespace = command.name.namespace
    revision, config = require_content(tx, namespace, command.manifest, command.attestations)
    check_not_purged(tx.unit, command.name, command.manifest, revision)
    readmit(tx.unit, command.name, command.manifest, revision)
    number = _next_number(tx.unit, command)
    version = tx.put(
        VersionPublished(
            name=command.name,
            number=number,
            kind=kind,
            revision=command.manifest,
            size_bytes=revision.size_bytes,
            attestations=command.attestations,
            message=tx.keep(command.message),
            starter=tx.caller.starter,
        ),
        VersionRecord,
    )
    files = (file.digest for file in revision.files)
    tx.unit.contents.add(version.index, namespace, [command.manifest, config, *files])
    if kind is Kind.DATASET:
        note_dataset(tx.unit, command.name, command.manifest, revision)
    for digest in command.attestations:
        claim = admit_new(tx, version, revision, digest)
        if not claim.created:
            raise StatementReused(entry=claim.index)
    end_published(tx, version)
    return Outcome(version.index)


def _find_known(unit: Unit, command: PublishVersion) -> VersionRecord | None:
    """Find the version that already has these bytes, if it has the requested number."""
    try:
        known = resolve(unit, Reference(command.name, command.manifest))
    except VersionNotFound:
        known = None
    if command.number is None or (known is not None and known.number == command.number):
        return known
    taken = unit.projections.find(VersionRecord, (str(command.name), command.number))
    if taken is not None:
        reference = f"{command.name}@{command.number}"
        raise VersionExists(reference=reference, digest=taken.revision)
    return known


def _next_number(unit: Unit, command: PublishVersion) -> int:
    model = unit.projections.find(ModelRecord, (str(command.name),))
    number = 1 if model is None else model.latest + 1
    if command.number not in {None, number}:
        reference = f"{command.name}@{command.number}"
        raise VersionNotNext(reference=reference, next_number=number)
    return number
