"""Drafts: content that is stored and signed, and not published yet. A draft is its author's, and no version.

No alias and no gate knows of it. It becomes a version when its author publishes its manifest, or it is
discarded; until then its bytes are kept, and count among what the namespace holds.
"""

from muniment.core.digests import Digest
from muniment.core.errors import RequestNotFound, VersionExists, VersionNotFound
from muniment.core.events import DraftEnded, DraftOutcome, DraftSaved
from muniment.core.names import Kind, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import DraftRecord, VersionRecord
from muniment.core.verbs.versions import DiscardDraft, Draft, ListDrafts, SaveDraft
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.bytes.content import require_content
from muniment.services.bytes.custody import attached_to, content_of, take
from muniment.services.catalog.resolve import resolve
from muniment.services.log.pages import select_page
from muniment.services.reading import Reading
from muniment.services.transaction import Outcome, Transaction
from muniment.services.versions.keeping import find_needed


def save_draft(tx: Transaction, command: SaveDraft) -> Outcome:
    """Keep stored content as a draft; the same once more changes nothing.

    Raises:
        VersionExists: it is published already.
        BlobNotFound: a file of the manifest is not stored.
    """
    _refuse_published(tx.unit, command.name, command.manifest)
    present = _find_open(tx.unit, str(command.name), str(command.manifest))
    if present is not None:
        return Outcome(present.index, created=False)
    namespace = command.name.namespace
    revision, _ = require_content(tx, namespace, command.manifest, command.attestations)
    # What the claims keep is held from now on, too: it is needed once they are on record.
    take(tx, namespace, [kept for claim in command.attestations for kept in attached_to(tx.unit, claim)])
    event = DraftSaved(
        name=command.name,
        kind=command.kind or Kind.MODEL,
        revision=command.manifest,
        size_bytes=revision.size_bytes,
        attestations=command.attestations,
        message=tx.keep(command.message),
    )
    return Outcome(tx.record(event))


def discard_draft(tx: Transaction, command: DiscardDraft) -> Outcome:
    """End a draft of one's own or, for whoever may purge, anybody's; files that nothing else needs go.

    What its claims keep beside themselves stays: other claims may keep the same.

    Raises:
        RequestNotFound: there is none that is open, or it is somebody else's.
    """
    record = tx.unit.projections.find(DraftRecord, (command.draft,))
    namespace = "" if record is None else ModelName.parse(record.name).namespace
    if record is None or record.ended is not None or not tx.may(Act.READ, namespace):
        raise RequestNotFound(entry=command.draft, kind="draft")
    tx.require(Act.PUBLISH if record.author == tx.actor else Act.PURGE, namespace)
    index = _end(tx, record, DraftOutcome.DISCARDED, command.reason)
    _let_go(tx.unit, record)
    return Outcome(index)


def end_published(tx: Transaction, version: VersionRecord) -> None:
    """Note that a draft has become a version."""
    record = _find_open(tx.unit, version.name, version.revision)
    if record is not None:
        _end(tx, record, DraftOutcome.PUBLISHED, None)


def list_drafts(reading: Reading, query: ListDrafts) -> tuple[Draft, ...]:
    """List the drafts of a model that are open."""
    about = Where("name", "=", str(query.name)), Where("ended", "=", None)
    return tuple(
        Draft(record=record, message=reading.find_text(record.message))
        for record in select_page(reading.unit, query, DraftRecord, *about)
    )


def discard_again(unit: Unit, event: DraftEnded) -> None:
    """Do again what the end of a draft did to the custody of bytes, when that is made anew."""
    if event.outcome is DraftOutcome.DISCARDED:
        record = unit.projections.find(DraftRecord, (event.draft,))
        if record is not None:
            _let_go(unit, record)


def _refuse_published(unit: Unit, name: ModelName, manifest: Digest) -> None:
    try:
        known = resolve(unit, Reference(name, manifest))
    except VersionNotFound:
        return
    raise VersionExists(reference=f"{known.name}@{known.number}", digest=known.revision)


def _find_open(unit: Unit, name: str, revision: str) -> DraftRecord | None:
    about = Where("name", "=", name), Where("revision", "=", revision), Where("ended", "=", None)
    found = unit.projections.select(DraftRecord, *about, limit=1)
    return found[0] if found else None


def _end(tx: Transaction, record: DraftRecord, outcome: DraftOutcome, reason: Payload | None) -> int:
    name = ModelName.parse(record.name)
    return tx.record(DraftEnded(name=name, draft=record.index, outcome=outcome, reason=tx.keep(reason)))


def _let_go(unit: Unit, record: DraftRecord) -> None:
    namespace = ModelName.parse(record.name).namespace
    claims = [Digest.parse(text) for text in record.attestations.split()]
    kept = [*content_of(unit, Digest.parse(record.revision)), *claims]
    needed = find_needed(unit, namespace, kept, record)
    unit.holdings.drop([one for one in kept if one not in needed], namespace)
