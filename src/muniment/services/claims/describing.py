"""Describe versions by the claims that stand: what they were made from, their parameters and metrics."""

from collections.abc import Iterator, Mapping, Sequence

from muniment.answers.claims import list_standing, read_said
from muniment.answers.resolve import resolve
from muniment.core.catalog.search import Attribute, find_attributes
from muniment.core.claims.attestations import EVALUATION, PROVENANCE, Statement
from muniment.core.claims.evidence import Evidence
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.events import AttestationRecorded, ClaimWithdrawn, Entry, KeyRevoked
from muniment.core.names import ModelName, Reference
from muniment.core.records import AttestationRecord, VersionRecord, Where
from muniment.ports.unit import Unit
from muniment.services.catalog.lineage import forget_claim, note_claim


def describe_claim(unit: Unit, version: VersionRecord, statement: Statement, entry: int) -> None:
    """Describe a version by a claim: what it was made from, its parameters, its newest metrics."""
    unit.catalog.put(version.index, attributes_of(statement), entry)
    note_claim(unit, version, statement)


def describe_withdrawal(unit: Unit, event: ClaimWithdrawn, entry: int) -> None:
    """Remove what a withdrawn claim said from the description of a version; older claims hold again."""
    _describe_anew(unit, Reference(event.name, event.revision), [event.claim], entry)


def describe_revocation(unit: Unit, event: KeyRevoked, entry: int) -> None:
    """Remove what a key said since it was revoked; what it had withdrawn or replaced holds again.

    This takes long if the key had signed much: each version that it signed for is described anew.
    """
    signed = unit.projections.select(
        AttestationRecord, Where("key_id", "=", event.key), Where("index", ">=", event.effective)
    )
    changed: dict[tuple[str, str], list[Digest]] = {}
    for claim in signed:
        about = Where("name", "=", claim.name), Where("revision", "=", claim.revision)
        withdrawn = unit.projections.select(AttestationRecord, *about, Where("withdrawn", "=", claim.index))
        digests = [Digest.parse(one.digest) for one in (claim, *withdrawn)]
        changed.setdefault((claim.name, claim.revision), []).extend(digests)
    for (name, revision), claims in changed.items():
        _describe_anew(unit, Reference(ModelName.parse(name), Digest.parse(revision)), claims, entry)


def replay_claims(unit: Unit, entry: Entry) -> None:
    """Describe versions by an entry of the log, when the catalog is made anew."""
    match entry.event:
        case AttestationRecorded() as event:
            version = resolve(unit, Reference(event.name, event.revision))
            for statement in _read_claims(unit, [str(event.attestation)]):
                describe_claim(unit, version, statement, entry.index)
        case ClaimWithdrawn() as event:
            describe_withdrawal(unit, event, entry.index)
        case KeyRevoked() as event:
            describe_revocation(unit, event, entry.index)
        case _:
            return


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


def _describe_anew(unit: Unit, reference: Reference, changed: Sequence[Digest], entry: int) -> None:
    """Describe a version again by the claims that stand, after some of them began or ceased to stand."""
    version = resolve(unit, reference)
    affected = list(_read_claims(unit, [str(digest) for digest in changed]))
    keys = {attribute.key for statement in affected for attribute in attributes_of(statement)}
    for key in keys:
        unit.catalog.remove(version.index, key, entry)
    for statement in affected:
        forget_claim(unit, version, statement)
    for predicate_type in {statement.predicate_type for statement in affected} & {EVALUATION, PROVENANCE}:
        for statement in _read_standing(unit, version, predicate_type):
            again = [attribute for attribute in attributes_of(statement) if attribute.key in keys]
            unit.catalog.put(version.index, again, entry)
        # An edge is of a namespace: another model there may have the same bytes, and claims of its own.
        for other in unit.projections.select(VersionRecord, Where("revision", "=", version.revision)):
            if ModelName.parse(other.name).namespace == reference.name.namespace:
                for statement in _read_standing(unit, other, predicate_type):
                    note_claim(unit, other, statement)


def _read_standing(unit: Unit, version: VersionRecord, predicate_type: str) -> Iterator[Statement]:
    claims = list_standing(unit, version, Where("predicate_type", "=", predicate_type))
    return _read_claims(unit, [claim.digest for claim in claims])


def _read_claims(unit: Unit, digests: Sequence[str]) -> Iterator[Statement]:
    """Read what claims say; a damaged one is for `verify` and `scrub` to name."""
    for digest in digests:
        try:
            yield read_said(unit, digest)
        except MunimentError:
            continue
