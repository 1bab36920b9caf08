"""Describe versions so that they can be found: by parameters, metrics, tags and aliases."""

from collections.abc import Iterator, Mapping

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
    ClaimWithdrawn,
    Entry,
    TagSet,
    VersionPublished,
)
from muniment.core.names import Kind, ModelName, Reference
from muniment.core.records import AttestationRecord, DeploymentRecord, VersionRecord
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.bytes.documents import read_document
from muniment.services.catalog.lineage import forget_claim, note_claim, note_dataset
from muniment.services.catalog.resolve import resolve
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle


def describe_claim(unit: Unit, version: VersionRecord, statement: Statement, entry: int) -> None:
    """Describe a version by a claim: what it was made from, its parameters, its newest metrics."""
    unit.catalog.put(version.index, attributes_of(statement), entry)
    note_claim(unit, version, statement)


def describe_withdrawal(unit: Unit, event: ClaimWithdrawn, entry: int) -> None:
    """Remove what a withdrawn claim said from the description of a version; older claims hold again."""
    gone = _find_statement(unit, event.claim)
    if gone is None:
        return
    version = resolve(unit, Reference(event.name, event.revision))
    keys = {attribute.key for attribute in attributes_of(gone)}
    for key in keys:
        unit.catalog.remove(version.index, key, entry)
    for statement in _list_standing(unit, version, gone.predicate_type):
        again = [attribute for attribute in attributes_of(statement) if attribute.key in keys]
        unit.catalog.put(version.index, again, entry)
    forget_claim(unit, version, gone)
    # An edge is of a namespace: another model there may have the same bytes, and claims of its own.
    for other in unit.projections.select(VersionRecord, Where("revision", "=", version.revision)):
        if ModelName.parse(other.name).namespace == event.name.namespace:
            for statement in _list_standing(unit, other, gone.predicate_type):
                note_claim(unit, other, statement)


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
        return find_attributes("metric", {name: metric.value for name, metric in metrics.items() if metric})
    return []


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


def describe_again(unit: Unit, entry: Entry) -> None:
    """Describe versions by an entry of the log, when the catalog is made anew."""
    match entry.event:
        case VersionPublished(kind=Kind.DATASET) as event:
            _describe_dataset(unit, event.name, event.revision)
        case AttestationRecorded() as event:
            reference = Reference(event.name, event.revision)
            _describe_bundle(unit, reference, event.attestation, entry.index)
            describe_deployment(unit, event, entry.index)
        case ClaimWithdrawn() as event:
            describe_withdrawal(unit, event, entry.index)
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
    statement = _find_statement(unit, digest)
    if statement is not None:
        describe_claim(unit, resolve(unit, reference), statement, entry)


def _list_standing(unit: Unit, version: VersionRecord, predicate_type: str) -> Iterator[Statement]:
    """List what the claims of a type about a version say that were not withdrawn, oldest first."""
    about = Where("name", "=", version.name), Where("revision", "=", version.revision)
    of_type = Where("predicate_type", "=", predicate_type)
    claims = unit.projections.select(AttestationRecord, *about, of_type, Where("withdrawn", "=", None))
    for claim in claims:
        statement = _find_statement(unit, Digest.parse(claim.digest))
        if statement is not None:
            yield statement


def _find_statement(unit: Unit, digest: Digest) -> Statement | None:
    try:
        return read_statement(Bundle.decode(read_document(unit, digest, MAX_BUNDLE_BYTES)).payload)
    except MunimentError:
        # A damaged claim is for `verify` and `scrub` to name.
        return None


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
