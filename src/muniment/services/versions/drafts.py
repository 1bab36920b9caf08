"""Drafts: content that is stored and signed but not published. A draft belongs to its author.

Aliases and gates ignore drafts. A draft becomes a version when its author publishes its manifest, or it is
discarded; until then its bytes count as held by the namespace.
"""

from muniment.answers.resolve import resolve
from muniment.core.digests import Digest
from muniment.core.errors import KindMismatch, RequestNotFound, VersionExists, VersionNotFound
from muniment.core.events import DraftEnded, DraftOutcome, DraftSaved
from muniment.core.names import Kind, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import DraftRecord, ModelRecord, VersionRecord, Where
from muniment.core.verbs.versions import DiscardDraft, PublishVersion, SaveDraft
from muniment.ports.unit import Unit
from muniment.services.bytes.content import require_content
from muniment.services.bytes.custody import attached_to, content_of, take
from muniment.services.transaction import Outcome, Transaction
from muniment.services.versions.keeping import check_not_purged, find_needed


def save_draft(tx: Transaction, command: SaveDraft) -> Outcome:
    """Save stored content as a draft; the same content again changes nothing.

    Raises:
        KindMismatch: the name belongs to a dataset and this is a model, or the other way round.
        VersionExists: it is already published.
        BlobNotFound: a file of the manifest is not stored.
        VersionPurged: these bytes, or a model among them, were purged in the namespace.
    """
    _refuse_published(tx.unit, command.name, command.manifest)
    kind = find_kind(tx.unit, command)
    present = _find_open(tx.unit, str(command.name), str(command.manifest))
    if present is not None and command.kind not in {None, present.kind}:
        raise KindMismatch(name=f"the draft {present.index}", kind=present.kind)
    if present is not None:
        return Outcome(present.index, created=False)
    namespace = command.name.namespace
    revision, _ = require_content(tx, namespace, command.manifest, command.attestations)
    check_not_purged(tx.unit, command.name, command.manifest, revision)
    # Hold the blobs that accompany the claims too, for when they are on record.
    take(tx, namespace, [kept for claim in command.attestations for kept in attached_to(tx.unit, claim)])
    event = DraftSaved(
        name=command.name,
        kind=kind,
        revision=command.manifest,
        size_bytes=revision.size_bytes,
        attestations=command.attestations,
        message=tx.keep(command.message),
    )
    return Outcome(tx.record(event))


def find_kind(unit: Unit, command: PublishVersion | SaveDraft) -> Kind:
    """Find whether a name is that of a model or a dataset, or will be.

    Raises:
        KindMismatch: the command requests the other.
    """
    known = unit.projections.find(ModelRecord, (str(command.name),))
    kind = (command.kind or Kind.MODEL) if known is None else Kind(known.kind)
    if command.kind not in {None, kind}:
        raise KindMismatch(name=str(command.name), kind=str(kind))
    return kind


def discard_draft(tx: Transaction, command: DiscardDraft) -> Outcome:
    """Discard a draft: your own, or with the right to purge, anybody's; files that nothing else needs go.

    Blobs that accompany its claims stay, because other claims may share them.

    Raises:
        RequestNotFound: no open draft has that entry, or the actor may not read it.
    """
    record = tx.unit.projections.find(DraftRecord, (command.draft,))
    namespace = "" if record is None else ModelName.parse(record.name).namespace
    if record is None or record.ended is not None or not tx.may(Act.READ, namespace):
        raise RequestNotFound(entry=command.draft, kind="draft")
    tx.require(Act.PUBLISH if record.author == tx.actor else Act.PURGE, namespace)
    index = _end(tx, record, DraftOutcome.DISCARDED, command.reason)
    _drop_files(tx.unit, record)
    return Outcome(index)


def end_published(tx: Transaction, version: VersionRecord) -> None:
    """Record that a draft has become a version."""
    record = _find_open(tx.unit, version.name, version.revision)
    if record is not None:
        _end(tx, record, DraftOutcome.PUBLISHED, None)


def replay_discard(unit: Unit, event: DraftEnded) -> None:
    """Repeat the effect of the end of a draft on holdings, during a rebuild."""
    if event.outcome is DraftOutcome.DISCARDED:
        record = unit.projections.find(DraftRecord, (event.draft,))
        if record is not None:
            _drop_files(unit, record)


def _refuse_published(unit: Unit, name: ModelName, manifest: Digest) -> None:
    try:
        known = resolve(unit, Reference(name, manifest))
    except VersionNotFound:
        return
    raise VersionExists(reference=f"{known.name}@{known.number}", digest=known.revision)


def _find_open(unit: Unit, name: str, revision: str) -> DraftRecord | None:
    about = Where("name", "=", name), Where("revision", "=", revision), Where("ended", "=", None)
    drafts = unit.projections.select(DraftRecord, *about, limit=1)
    return drafts[0] if drafts else None


def _end(tx: Transaction, record: DraftRecord, outcome: DraftOutcome, reason: Payload | None) -> int:
    name = ModelName.parse(record.name)
    return tx.record(DraftEnded(name=name, draft=record.index, outcome=outcome, reason=tx.keep(reason)))


def _drop_files(unit: Unit, record: DraftRecord) -> None:
    namespace = ModelName.parse(record.name).namespace
    claims = [Digest.parse(text) for text in record.attestations.split()]
    kept = [*content_of(unit, Digest.parse(record.revision)), *claims]
    needed = find_needed(unit, namespace, kept, record)
    unit.holdings.drop([digest for digest in kept if digest not in needed], namespace)
