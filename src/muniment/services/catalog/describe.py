"""Describe versions so that they can be found: by parameters, metrics, tags and aliases."""

from collections.abc import Mapping

from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, parse_manifest
from muniment.core.catalog.search import ALIAS, MAX_TEXT_CHARACTERS, TARGET, Attribute, find_attributes
from muniment.core.claims.attestations import EVALUATION, PROVENANCE, Statement, read_statement
from muniment.core.claims.deployments import State
from muniment.core.claims.evidence import Evidence
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
from muniment.core.records import DeploymentRecord, VersionRecord
from muniment.ports.unit import Unit
from muniment.services.bytes.documents import read_document
from muniment.services.catalog.lineage import note_claim, note_dataset
from muniment.services.catalog.resolve import resolve
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle


def describe_claim(unit: Unit, version: VersionRecord, statement: Statement, entry: int) -> None:
    """Describe a version by a claim: what it was made from, its parameters, its newest metrics."""
    unit.catalog.put(version.index, attributes_of(statement), entry)
    note_claim(unit, version, statement)


def attributes_of(statement: Statement) -> list[Attribute]:
    """Give the attributes that a claim holds."""
    if statement.predicate_type == PROVENANCE:
        definition = statement.predicate.get("buildDefinition")
        external = definition.get("externalParameters") if isinstance(definition, Mapping) else None
        parameters = external.get("parameters") if isinstance(external, Mapping) else None
        return find_attributes("param", parameters) if isinstance(parameters, Mapping) else []
    if statement.predicate_type == EVALUATION:
        evidence = Evidence(statement.predicate)
        metrics = {name: evidence.find_metric(name) for name in evidence.metrics}
        return find_attributes("metric", {name: found.value for name, found in metrics.items() if found})
    return []


def describe_tag(unit: Unit, version: int, tag: str, text: str | None, entry: int) -> None:
    """Describe a version, by its entry, by a tag, or no longer."""
    if text is None:
        unit.catalog.remove(version, f"tag.{tag}", entry)
    else:
        attribute = Attribute(f"tag.{tag}", text[:MAX_TEXT_CHARACTERS], _find_number(text))
        unit.catalog.put(version, [attribute], entry)


def describe_move(unit: Unit, event: AliasMoved, entry: int) -> None:
    """Let a version be found by an alias, and the one that it pointed at before no longer."""
    alias = str(event.alias)
    key = f"{ALIAS}.{alias}"
    if event.previous is not None:
        unit.catalog.remove(_entry_of(unit, event.name, event.previous), key, entry)
    unit.catalog.put(_entry_of(unit, event.name, event.number), [Attribute(key, alias)], entry)


def describe_removal(unit: Unit, event: AliasRemoved, entry: int) -> None:
    """Let a version be found by an alias no longer."""
    unit.catalog.remove(_entry_of(unit, event.name, event.previous), f"{ALIAS}.{event.alias}", entry)


def describe_deployment(unit: Unit, event: AttestationRecorded, entry: int) -> None:
    """Let a version be found by where it serves, and the one that served there before no longer."""
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


def describe_again(unit: Unit, entry: Entry) -> None:
    """Describe versions by an entry of the log, when the catalog is made anew."""
    match entry.event:
        case VersionPublished(kind=Kind.DATASET) as event:
            _describe_dataset(unit, event.name, event.revision)
        case AttestationRecorded() as event:
            reference = Reference(event.name, event.revision)
            _describe_bundle(unit, reference, event.attestation, entry.index)
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


def _describe_bundle(unit: Unit, reference: Reference, digest: Digest, entry: int) -> None:
    try:
        statement = read_statement(Bundle.decode(read_document(unit, digest, MAX_BUNDLE_BYTES)).payload)
    except MunimentError:
        # A damaged claim is for `verify` and `scrub` to name.
        return
    describe_claim(unit, resolve(unit, reference), statement, entry)


def _describe_dataset(unit: Unit, name: ModelName, digest: Digest) -> None:
    try:
        revision = parse_manifest(read_document(unit, digest, MAX_MANIFEST_BYTES))
    except MunimentError:
        # As above.
        return
    note_dataset(unit, name, digest, revision)


def _entry_of(unit: Unit, name: ModelName, number: int) -> int:
    return resolve(unit, Reference(name, number)).index


def _find_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
