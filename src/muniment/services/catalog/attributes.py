"""Describe versions so that they can be found: by tags, aliases, and where they serve."""

from muniment.answers.documents import read_document
from muniment.answers.resolve import resolve
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, parse_manifest
from muniment.core.catalog.search import ALIAS, MAX_TEXT_CHARACTERS, TARGET, Attribute
from muniment.core.claims.deployments import State
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.events import (
    AliasMoved,
    AliasRemoved,
    AttestationRecorded,
    Entry,
    TagSet,
    VersionPublished,
)
from muniment.core.names import Kind, ModelName, Reference
from muniment.core.records import DeploymentRecord
from muniment.ports.unit import Unit
from muniment.services.catalog.lineage import note_dataset


def describe_tag(unit: Unit, version: int, tag: str, text: str | None, entry: int) -> None:
    """Set or remove a tag in the description of a version, which is given by its entry."""
    if text is None:
        unit.catalog.remove(version, f"tag.{tag}", entry)
    else:
        attribute = Attribute(f"tag.{tag}", text[:MAX_TEXT_CHARACTERS], _find_number(text))
        unit.catalog.put(version, [attribute], entry)


def describe_move(unit: Unit, event: AliasMoved, entry: int) -> None:
    """Make a version findable by an alias, instead of the one that it pointed at before."""
    alias = str(event.alias)
    key = f"{ALIAS}.{alias}"
    if event.previous is not None:
        unit.catalog.remove(_entry_of(unit, event.name, event.previous), key, entry)
    unit.catalog.put(_entry_of(unit, event.name, event.number), [Attribute(key, alias)], entry)


def describe_removal(unit: Unit, event: AliasRemoved, entry: int) -> None:
    """Make a version no longer findable by an alias."""
    unit.catalog.remove(_entry_of(unit, event.name, event.previous), f"{ALIAS}.{event.alias}", entry)


def describe_deployment(unit: Unit, event: AttestationRecorded, entry: int) -> None:
    """Make a version findable by where it serves, instead of the one that served there before."""
    said = event.deployment
    if said is None:
        return
    key = f"{TARGET}.{said.target}"
    before = None if said.previous is None else unit.projections.find(DeploymentRecord, (said.previous,))
    if before is not None:
        unit.catalog.remove(_entry_of(unit, event.name, before.number), key, entry)
    if said.state is State.SERVING:
        version = _entry_of(unit, event.name, said.number)
        unit.catalog.put(version, [Attribute(key, said.target)], entry)


def replay_attributes(unit: Unit, entry: Entry) -> None:
    """Describe versions by an entry of the log, when the catalog is made anew."""
    match entry.event:
        case VersionPublished(kind=Kind.DATASET) as event:
            _describe_dataset(unit, event.name, event.revision)
        case AttestationRecorded() as event:
            describe_deployment(unit, event, entry.index)
        case TagSet() as event:
            text = None if event.value is None else unit.payloads.find(str(event.value))
            version = _entry_of(unit, event.name, event.number)
            describe_tag(unit, version, event.tag, text, entry.index)
        case AliasMoved() as event:
            describe_move(unit, event, entry.index)
        case AliasRemoved() as event:
            describe_removal(unit, event, entry.index)
        case _:
            return


def _describe_dataset(unit: Unit, name: ModelName, digest: Digest) -> None:
    try:
        revision = parse_manifest(read_document(unit, digest, MAX_MANIFEST_BYTES))
    except MunimentError:
        # A damaged manifest is for `verify` and `scrub` to name.
        return
    note_dataset(unit, name, digest, revision)


def _entry_of(unit: Unit, name: ModelName, number: int) -> int:
    return resolve(unit, Reference(name, number)).index


def _find_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
