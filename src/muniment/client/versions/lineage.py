"""Lineage: the graph around a version or a digest, and the check of its links.

The graph is an index of the registry, of which each part is proven; `check_provenance` follows the signed
claims to the end of every path, and names what is missing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple

from muniment.client.proofs.checking import check_file, read_claims, read_revision, resolve
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.proofs.verifying import Check, run_all
from muniment.client.versions.tracing import prove_graph
from muniment.core.bytes.revisions import File
from muniment.core.claims.attestations import PROVENANCE, Attestation
from muniment.core.claims.lineage import MAX_DEPTH, Direction, Graph
from muniment.core.claims.provenance import VERSION_URI, Input, Provenance
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidDigest,
    MunimentError,
    NotFound,
    ProvenanceCycle,
    ProvenanceHole,
    WrongSubject,
)
from muniment.core.names import Reference
from muniment.core.records import VersionRecord
from muniment.core.verbs.catalog import GetLineage

_MAX_VERSIONS: Final = 10_000


def trace(  # noqa: PLR0913 - the options of a search
    backend: TrustedBackend,
    target: str,
    direction: Direction = Direction.UP,
    *,
    depth: int = MAX_DEPTH,
    limit: int = 2000,
    at: str | None = None,
) -> Graph:
    """Return the graph around a version, a digest (`sha256:…`) or a git commit, as it is proven.

    Raises:
        VersionNotFound: the reference resolves to nothing.
        ProofInvalid: a part does not follow from what is proven.
    """
    node = _node_of(backend, target, at)
    query = GetLineage(node=node, direction=direction, depth=depth, limit=limit, at=at)
    return prove_graph(backend, backend.ask(query), query)


def check_provenance(backend: TrustedBackend, reference: Reference) -> list[Check]:
    """Check the provenance of a version, link by link, using only signed claims; holes are reported.

    (0) the version is proven, and each of its provenance claims is signed by the signer on record
    (1) the files that a claim keeps are stored under their digests
    (2) each input that is a version of this registry resolves to the recorded digest
    (3) the same holds for that version, to the end of every path; a path back to itself is a cycle
    (4) an input that the registry does not know, or keeps only as a reference, is a hole
    """
    checks: list[Check] = []
    done: set[str] = set()
    # The versions on the path to the current one, to detect a cycle.
    above: set[str] = set()
    waiting: list[_Step] = [_Step(reference)]
    while waiting:
        step = waiting.pop()
        if step.leaves:
            above.discard(step.leaves)
            continue
        version = resolve(backend, step.reference)
        name = f"{version.name}@{version.number}"
        if version.revision in above:
            checks.append(Check(what=f"{name}: chain", error=ProvenanceCycle(reference=name)))
        elif len(done) >= _MAX_VERSIONS:
            hole = ProvenanceHole(reference=name, name=f"rest, beyond {_MAX_VERSIONS} versions")
            return [*checks, Check(what=f"{name}: chain", error=hole)]
        elif version.revision not in done:
            done.add(version.revision)
            above.add(version.revision)
            results, following = _check_one(backend, name, version)
            checks += results
            waiting += [_Step(step.reference, version.revision), *map(_Step, following)]
    return checks


class _Step(NamedTuple):
    """A version to check or, after all its inputs, to leave."""

    reference: Reference
    leaves: str = ""


def _check_one(
    backend: TrustedBackend, name: str, version: VersionRecord
) -> tuple[list[Check], list[Reference]]:
    """Check the provenance of one version; return the versions to continue with."""
    claims = read_claims(backend, version, read_revision(backend, version), PROVENANCE)
    checks: list[Check] = []
    following: list[Reference] = []
    if not claims:
        hole = ProvenanceHole(reference=name, name="origin")
        checks.append(Check(what=f"{name}: origin", error=hole))
    for claim in claims:
        checks += run_all(_check_kept(backend, name, claim))
        checks.append(_check_code(name, Provenance(claim.predicate)))
        for source in Provenance(claim.predicate).inputs:
            if source.kind != "code":
                check, further = _check_input(backend, name, source)
                checks.append(check)
                following += [] if further is None else [further]
    return checks, following


def _check_code(name: str, provenance: Provenance) -> Check:
    """Check that the code is available: a commit with a location, and the diff of a dirty tree."""
    code = [source for source in provenance.inputs if source.kind == "code"]
    git = provenance.internal.get("git")
    dirty = isinstance(git, Mapping) and bool(git.get("dirty"))
    if not code or code[0].uri == "git":
        return Check(what=f"{name}: code", error=ProvenanceHole(reference=name, name="code"))
    what = f"{name}: code {code[0].digest[:12]} of {code[0].uri}"
    if dirty and provenance.find_byproduct("diff") is None:
        return Check(what=what, error=ProvenanceHole(reference=name, name="diff of the code"))
    return Check(what=what)


def _node_of(backend: TrustedBackend, target: str, at: str | None) -> str:
    if len(target) == 40 and set(target) <= set("0123456789abcdef"):  # noqa: PLR2004 - a git commit
        return target
    try:
        return Digest.parse(target).hex
    except InvalidDigest:
        return Digest.parse(resolve(backend, Reference.parse(target), at).revision).hex


def _check_kept(
    backend: TrustedBackend, name: str, claim: Attestation
) -> list[tuple[str, Callable[[], object]]]:
    return [
        (
            f"{name}: keeps {kept}",
            partial(check_file, backend, File(path=kept, digest=digest, size_bytes=0)),
        )
        for kept, digest in Provenance(claim.predicate).byproducts().items()
    ]


def _check_input(backend: TrustedBackend, name: str, source: Input) -> tuple[Check, Reference | None]:
    """Check an input; if it is a version of this registry, return that as the next to check."""
    what = f"{name}: {source.kind} {source.name}"
    hole = ProvenanceHole(reference=name, name=f"{source.kind} {source.name}")
    if source.uri.startswith(VERSION_URI):
        return _check_version_input(backend, what, source, hole)
    if not source.digest or source.is_reference:
        return Check(what=what, error=hole), None
    owners = backend.ask(GetLineage(node=source.digest, direction=Direction.UP, depth=1))
    versions = [reference for node in owners.nodes for reference in node.versions]
    for reference in versions:
        check = _check_holds(backend, what, Reference.parse(reference), source.digest)
        if check.passed:
            return check, Reference.parse(reference)
    return _check_snapshot(backend, what, source, hole), None


def _check_version_input(
    backend: TrustedBackend, what: str, source: Input, hole: ProvenanceHole
) -> tuple[Check, Reference | None]:
    reference = Reference.parse(source.uri.removeprefix(VERSION_URI))
    try:
        version = resolve(backend, reference)
    except NotFound:
        return Check(what=what, error=hole), None
    except MunimentError as error:
        return Check(what=what, error=error), None
    if Digest.parse(version.revision).hex != source.digest:
        wrong = WrongSubject(reference=str(reference), subject=f"sha256:{source.digest}")
        return Check(what=what, error=wrong), None
    return Check(what=what), reference


def _check_holds(backend: TrustedBackend, what: str, reference: Reference, digest: str) -> Check:
    """Check that a version is an input, or contains it."""
    try:
        version = resolve(backend, reference)
        held = {file.digest.hex for file in read_revision(backend, version).files}
    except MunimentError as error:
        return Check(what=what, error=error)
    if digest in held or digest == Digest.parse(version.revision).hex:
        return Check(what=f"{what} belongs to {reference}")
    return Check(what=what, error=WrongSubject(reference=str(reference), subject=f"sha256:{digest}"))


def _check_snapshot(backend: TrustedBackend, what: str, source: Input, hole: ProvenanceHole) -> Check:
    """Check the snapshot of an input that no version contains."""
    try:
        check_file(backend, File(path=source.name, digest=Digest(source.digest), size_bytes=0))
    except NotFound:
        return Check(what=what, error=hole)
    except MunimentError as error:
        return Check(what=what, error=error)
    return Check(what=f"{what} is kept as a snapshot")
