"""Compare two versions: files, tensors, training, metrics, card, signers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from muniment.capture.git import count_commits
from muniment.client.proofs.checking import read_claims, read_revision, resolve
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.formats import format_of
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json
from muniment.core.claims.attestations import CARD, CONTENT, EVALUATION, PROVENANCE, Attestation
from muniment.core.claims.cards import Card
from muniment.core.claims.evidence import Evidence, Metric, newest_per_dataset
from muniment.core.claims.provenance import Provenance
from muniment.core.comparison import Comparison, Difference, Unrecorded
from muniment.core.names import Reference
from muniment.core.records import VersionRecord
from muniment.tensors.layout import Tensor
from muniment.tensors.reading import has_tensors, hash_tensors, measure_change, read_tensors

# A tensor and its file.
_Placed = tuple[Tensor, File]
_CODE: Final = "code"


@dataclass(frozen=True, kw_only=True)
class _Side:
    name: str
    backend: TrustedBackend
    revision: Revision
    claims: tuple[Attestation, ...]

    def has(self, predicate_type: str) -> bool:
        return any(claim.predicate_type == predicate_type for claim in self.claims)

    @cached_property
    def provenance(self) -> Provenance:
        predicates = [claim.predicate for claim in self.claims if claim.predicate_type == PROVENANCE]
        return Provenance(predicates[-1] if predicates else {})

    @cached_property
    def evidence(self) -> dict[tuple[str, str], Evidence]:
        return {
            (evidence.dataset, evidence.task): evidence for _, evidence in newest_per_dataset(self.claims)
        }

    @cached_property
    def files(self) -> dict[str, File]:
        return {file.path: file for file in self.revision.files}


@dataclass
class _Section:
    """The differences under a heading, and whether there was anything to compare."""

    name: str
    differences: list[Difference] = field(default_factory=list)
    compared: bool = False

    def compare(self, before: Mapping[str, Json], after: Mapping[str, Json]) -> None:
        """Compare values by name."""
        self.compared |= bool(before) and bool(after)
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                self.add(name, before.get(name), after.get(name), _kind_of(before, after, name))

    def add(  # noqa: PLR0913 - the fields of a difference
        self,
        name: str,
        before: Json,
        after: Json,
        kind: str,
        *,
        real: bool | None = None,
        norm: float | None = None,
    ) -> None:
        """Add a difference."""
        self.differences.append(
            Difference(
                section=self.name, name=name, before=before, after=after, kind=kind, real=real, norm=norm
            )
        )


def compare(
    backend: TrustedBackend, before: Reference, after: Reference, *, norms: bool = False
) -> Comparison:
    """Compare two versions, section by section, using only claims with valid signatures.

    The versions may belong to different models. With `norms`, also measure how much tensors changed. Sections
    are left out, and said to be, if what they are read from was not recorded of a side.
    """
    old, new = (_read_side(backend, resolve(backend, ref)) for ref in (before, after))
    unrecorded = list(_find_unrecorded(old, new))
    left_out = {name for one in unrecorded for name in one.sections}
    sections = [
        _compare_files(old, new),
        _compare_tensors(old, new, norms=norms),
        *(_compare_values(name, read(old), read(new)) for name, read in _VALUES.items()),
        _compare_code(old, new),
        *_compare_metrics(old, new),
        _compare_values("card", _card(old), _card(new)),
        _compare_values("signers", _signers(old), _signers(new)),
    ]
    compared = [section for section in sections if section.name not in left_out]
    return Comparison(
        before=old.name,
        after=new.name,
        differences=tuple(one for section in compared for one in section.differences),
        same=tuple(section.name for section in compared if section.compared and not section.differences),
        unrecorded=tuple(unrecorded),
    )


def _read_side(backend: TrustedBackend, version: VersionRecord) -> _Side:
    revision = read_revision(backend, version)
    claims = read_claims(backend, version, revision, CARD, CONTENT, EVALUATION, PROVENANCE)
    name = f"{version.name}@{version.number}"
    return _Side(name=name, backend=backend, revision=revision, claims=tuple(claims))


def _find_unrecorded(old: _Side, new: _Side) -> Iterator[Unrecorded]:
    """Find what was not recorded of a side: differences to it would say nothing."""
    sides = (old, new)
    without = tuple(side.name for side in sides if not side.has(PROVENANCE))
    if without:
        sections = (*_VALUES, _CODE)
        yield Unrecorded(what="provenance", versions=tuple(dict.fromkeys(without)), sections=sections)
    else:
        for name, read in ((_CODE, _describe_code), ("packages", _packages), ("platform", _platform)):
            yield from _find_one_sided(name, name, *((side.name, bool(read(side))) for side in sides))
    yield from _find_one_sided("card", "card", *((side.name, side.has(CARD)) for side in sides))
    for key, evidence in {**old.evidence, **new.evidence}.items():
        over = f"evaluation over {evidence.dataset_name or f'{evidence.dataset:.19}'}"
        names = ((side.name, key in side.evidence) for side in sides)
        yield from _find_one_sided(over, _name_metrics(evidence), *names)


def _find_one_sided(what: str, section: str, *sides: tuple[str, bool]) -> Iterator[Unrecorded]:
    lacking = tuple(name for name, has in sides if not has)
    if len(lacking) == 1:
        yield Unrecorded(what=what, versions=lacking, sections=(section,))


def _name_metrics(evidence: Evidence) -> str:
    return f"metrics on {evidence.dataset_name or 'data'} ({evidence.dataset:.19})"


def _compare_files(old: _Side, new: _Side) -> _Section:
    """Compare files; one whose bytes have another path now was renamed."""
    section = _Section("files", compared=True)
    gone = {path: file for path, file in old.files.items() if path not in new.files}
    come = {path: file for path, file in new.files.items() if path not in old.files}
    by_digest: dict[str, list[str]] = {}
    for path, file in gone.items():
        by_digest.setdefault(str(file.digest), []).append(path)
    for path in list(come):
        digest = str(come[path].digest)
        if by_digest.get(digest):
            source = by_digest[digest].pop(0)
            section.add(f"{source} -> {path}", source, path, "renamed")
            del gone[source], come[path]
    for path, file in gone.items():
        section.add(path, str(file.digest), None, "removed")
    for path, file in come.items():
        section.add(path, None, str(file.digest), "added")
    for path in sorted(set(old.files) & set(new.files)):
        if old.files[path].digest != new.files[path].digest:
            section.add(path, str(old.files[path].digest), str(new.files[path].digest), "changed")
    return section


def _compare_tensors(old: _Side, new: _Side, *, norms: bool) -> _Section:
    """Compare tensors by name: headers first, then the bytes if the files differ and the shapes do not."""
    section = _Section("tensors")
    before, after = (_list_tensors(side) for side in (old, new))
    section.compared = bool(before) and bool(after)
    for name in sorted(set(before) ^ set(after)):
        sides = [str(side[name][0]) if name in side else None for side in (before, after)]
        section.add(name, sides[0], sides[1], "added" if name in after else "removed")
    both = [name for name in before if name in after]
    moved = [name for name in both if before[name][1].digest != after[name][1].digest]
    digests = [
        _hash(side, [placed[name] for name in moved if _same_form(before[name][0], after[name][0])])
        for side, placed in ((old, before), (new, after))
    ]
    for name in sorted(moved):
        one, other = before[name][0], after[name][0]
        if one.dtype != other.dtype:
            section.add(name, str(one), str(other), "retyped")
        elif one.shape != other.shape:
            section.add(name, str(one), str(other), "reshaped")
        elif digests[0].get(name) != digests[1].get(name):
            norm = _measure(old, before[name], new, after[name]) if norms else None
            sides = [f"sha256:{hashes[name]}" if name in hashes else None for hashes in digests]
            section.add(name, sides[0], sides[1], "changed", norm=norm)
    return section


def _list_tensors(side: _Side) -> dict[str, _Placed]:
    """List the tensors of a version by name, or by file and name if several files share the name."""
    places_by_name: dict[str, list[_Placed]] = {}
    for file in side.revision.files:
        kind = format_of(file.path)
        if has_tensors(kind):
            with side.backend.open_blob(file.digest) as blob:
                for tensor in read_tensors(kind, blob, file.path, file.size_bytes):
                    places_by_name.setdefault(tensor.name, []).append((tensor, file))
    return {
        name if len(places) == 1 else f"{placed[1].path}:{name}": placed
        for name, places in places_by_name.items()
        for placed in places
    }


def _hash(side: _Side, placed: list[_Placed]) -> dict[str, str]:
    by_file: dict[File, list[Tensor]] = {}
    for tensor, file in placed:
        by_file.setdefault(file, []).append(tensor)
    hashes: dict[str, str] = {}
    for file, tensors in by_file.items():
        with side.backend.open_blob(file.digest) as blob:
            hashes |= hash_tensors(blob, sorted(tensors, key=lambda tensor: tensor.start))
    return hashes


def _measure(old: _Side, before: _Placed, new: _Side, after: _Placed) -> float | None:
    with old.backend.open_blob(before[1].digest) as one, new.backend.open_blob(after[1].digest) as other:
        return measure_change(one, before[0], other, after[0])


def _same_form(one: Tensor, other: Tensor) -> bool:
    return (one.dtype, one.shape) == (other.dtype, other.shape)


def _compare_values(name: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> _Section:
    section = _Section(name)
    section.compare(before, after)
    return section


def _parameters(side: _Side) -> dict[str, Json]:
    seed = side.provenance.internal.get("seed")
    parameters = dict(side.provenance.parameters)
    return parameters if seed is None else {**parameters, "(seed)": seed}


def _data(side: _Side) -> dict[str, Json]:
    """Return the digest, rows and columns of each dataset, and the digest of each base model."""
    facts: dict[str, Json] = {}
    for one in side.provenance.inputs:
        if one.kind == "code":
            continue
        facts[one.name] = f"sha256:{one.digest}"
        if "rows" in one.annotations:
            facts[f"{one.name} (rows)"] = one.annotations["rows"]
        columns = one.annotations.get("columns")
        if isinstance(columns, list):
            facts[f"{one.name} (columns)"] = ", ".join(map(_write_column, columns))
    return facts


def _write_column(column: Json) -> str:
    if not isinstance(column, Mapping):
        return str(column)
    return f"{column.get('name')}: {column['type']}" if "type" in column else str(column.get("name"))


def _packages(side: _Side) -> dict[str, Json]:
    return _mapping(side.provenance.internal.get("packages"))


def _platform(side: _Side) -> dict[str, Json]:
    return _mapping(side.provenance.internal.get("platform"))


def _card(side: _Side) -> dict[str, Json]:
    cards = [claim.predicate for claim in side.claims if claim.predicate_type == CARD]
    if not cards:
        return {}
    predicate = Card.read(cards[-1]).predicate()
    others = _mapping(predicate.pop("others", None))
    return {**predicate, **others}


def _signers(side: _Side) -> dict[str, Json]:
    return {
        claim.kind: f"{claim.signer} with key {claim.key_id:.16}"
        for claim in side.claims
        if claim.predicate_type in {CONTENT, PROVENANCE}
    }


def _compare_code(old: _Side, new: _Side) -> _Section:
    """Compare commits, and count those in between if this machine has both."""
    section = _Section(_CODE)
    before, after = (_describe_code(side) for side in (old, new))
    section.compare(before, after)
    commits = before.get("commit"), after.get("commit")
    if None not in commits and commits[0] != commits[1]:
        between = count_commits(Path.cwd(), str(commits[0]), str(commits[1]))
        if between is not None:
            section.add("commits between", None, between, "changed")
    return section


def _describe_code(side: _Side) -> dict[str, Json]:
    git = _mapping(side.provenance.internal.get("git"))
    facts: dict[str, Json] = {
        name: git[name] for name in ("commit", "remote", "branch", "dirty") if git.get(name) is not None
    }
    diff = side.provenance.find_byproduct("diff")
    return facts if diff is None else {**facts, "diff": str(diff)}


def _compare_metrics(old: _Side, new: _Side) -> Iterator[_Section]:
    """Compare metrics that were measured on the same data."""
    for key in sorted({*old.evidence, *new.evidence}):
        before, after = old.evidence.get(key), new.evidence.get(key)
        known = after or before
        assert known is not None  # noqa: S101 - the key comes from one side
        section = _Section(_name_metrics(known))
        left, right = _values(before), _values(after)
        section.compared = bool(left) and bool(right)
        for name in sorted({*left, *right}):
            one, other = left.get(name), right.get(name)
            values = [None if metric is None else metric.value for metric in (one, other)]
            if values[0] != values[1]:
                section.add(
                    name, values[0], values[1], _kind_of(left, right, name), real=_is_real(one, other)
                )
        yield section


def _values(evidence: Evidence | None) -> dict[str, Metric]:
    if evidence is None:
        return {}
    metrics = {name: evidence.find_metric(name) for name in evidence.metrics}
    return {name: metric for name, metric in metrics.items() if metric is not None}


def _is_real(one: Metric | None, other: Metric | None) -> bool | None:
    """Return whether the intervals are disjoint; None without both."""
    return None if one is None or other is None else one.is_apart_from(other)


def _kind_of(before: Mapping[str, object], after: Mapping[str, object], name: str) -> str:
    if name not in before:
        return "added"
    return "changed" if name in after else "removed"


def _mapping(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, Mapping) else {}


_VALUES: Final = {
    "parameters": _parameters,
    "data": _data,
    "packages": _packages,
    "platform": _platform,
}
