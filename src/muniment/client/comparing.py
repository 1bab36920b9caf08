"""What changed between two versions: files, parameters, data, packages, code, metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.client.checking import check_claim, read_revision, resolve_proven
from muniment.client.trust import TrustedBackend
from muniment.core.attestations import EVALUATION, PROVENANCE, Attestation
from muniment.core.canonical import Json, JsonObject
from muniment.core.evidence import Evidence, newest_per_dataset
from muniment.core.names import Reference
from muniment.core.queries import DescribeVersion
from muniment.core.records import VersionRecord
from muniment.core.revisions import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same: None on the side where it is not there."""

    section: str
    name: str
    before: Json
    after: Json

    @property
    def delta(self) -> float | None:
        """The change of a number."""
        if _is_number(self.before) and _is_number(self.after):
            return float(str(self.after)) - float(str(self.before))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs, and the sections in which both have something and nothing differs."""

    differences: tuple[Difference, ...]
    same: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    revision: Revision
    claims: tuple[Attestation, ...]


def compare(backend: TrustedBackend, before: Reference, after: Reference) -> Comparison:
    """Say what differs, section by section, from claims whose signatures were checked."""
    old, new = (_read_side(backend, resolve_proven(backend, ref)) for ref in (before, after))
    sections = {
        "files": (_files(old), _files(new)),
        "parameters": (_parameters(old), _parameters(new)),
        "data": (_resources(old, datasets=True), _resources(new, datasets=True)),
        "code": (_resources(old, datasets=False), _resources(new, datasets=False)),
        "packages": (_internal(old, "packages"), _internal(new, "packages")),
        "platform": (_internal(old, "platform"), _internal(new, "platform")),
        **_metric_sections(old, new),
    }
    return Comparison(
        differences=tuple(
            Difference(section=section, name=name, before=left.get(name), after=right.get(name))
            for section, (left, right) in sections.items()
            for name in sorted({*left, *right})
            if left.get(name) != right.get(name)
        ),
        same=tuple(section for section, (left, right) in sections.items() if left and left == right),
    )


def _read_side(backend: TrustedBackend, version: VersionRecord) -> _Side:
    revision = read_revision(backend, version)
    reference = Reference.parse(f"{version.name}@{version.number}")
    detail = backend.ask(DescribeVersion(reference=reference))
    return _Side(
        revision=revision,
        claims=tuple(
            check_claim(backend, record, version, revision)
            for record in detail.attestations
            if record.predicate_type in {PROVENANCE, EVALUATION}
        ),
    )


def _files(side: _Side) -> dict[str, Json]:
    return {file.path: str(file.digest) for file in side.revision.files}


def _parameters(side: _Side) -> dict[str, Json]:
    external = _definition(side).get("externalParameters")
    found = external.get("parameters") if isinstance(external, Mapping) else None
    parameters = dict(found) if isinstance(found, Mapping) else {}
    internal = _definition(side).get("internalParameters")
    seed = internal.get("seed") if isinstance(internal, Mapping) else None
    return parameters if seed is None else {**parameters, "(seed)": seed}


def _internal(side: _Side, name: str) -> dict[str, Json]:
    internal = _definition(side).get("internalParameters")
    found = internal.get(name) if isinstance(internal, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _resources(side: _Side, *, datasets: bool) -> dict[str, Json]:
    found: dict[str, Json] = {}
    resources = _definition(side).get("resolvedDependencies")
    for resource in resources if isinstance(resources, list) else []:
        if isinstance(resource, Mapping) and ("annotations" in resource) is datasets:
            digests = resource.get("digest")
            for kind, digest in (digests if isinstance(digests, Mapping) else {}).items():
                found[str(resource.get("name", ""))] = f"{kind}:{digest}"
    return found


def _definition(side: _Side) -> JsonObject:
    for claim in side.claims:
        if claim.predicate_type == PROVENANCE:
            found = claim.predicate.get("buildDefinition")
            return found if isinstance(found, Mapping) else {}
    return {}


def _metric_sections(old: _Side, new: _Side) -> dict[str, tuple[dict[str, Json], dict[str, Json]]]:
    """Set metrics side by side only where both were measured on the same data."""
    left, right = _by_dataset(old), _by_dataset(new)
    names = {evidence.dataset: _dataset_name(evidence) for evidence in [*left.values(), *right.values()]}
    return {
        f"metrics on {names[dataset]}": (_values(left.get(dataset)), _values(right.get(dataset)))
        for dataset in sorted({*left, *right})
    }


def _by_dataset(side: _Side) -> dict[str, Evidence]:
    return {evidence.dataset: evidence for _, evidence in newest_per_dataset(side.claims)}


def _dataset_name(evidence: Evidence) -> str:
    dataset = evidence.predicate.get("dataset")
    name = dataset.get("name") if isinstance(dataset, Mapping) else None
    return f"{name or 'data'} ({evidence.dataset:.19})"


def _values(evidence: Evidence | None) -> dict[str, Json]:
    if evidence is None:
        return {}
    found = {name: evidence.find_metric(name) for name in evidence.metrics}
    return {name: metric.value for name, metric in found.items() if metric is not None}


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
