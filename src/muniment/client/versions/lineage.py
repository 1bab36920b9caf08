"""Lineage as people ask for it: the graph around a version or a digest, and whether its links hold.

The graph is an index that the registry keeps; `check_provenance` goes by signed claims and bytes alone.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple

from muniment.client.proofs.checking import (
    Check,
    check_file,
    read_claims,
    read_revision,
    resolve_proven,
    run_all,
)
from muniment.client.proofs.trust import TrustedBackend
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


def trace(
    backend: TrustedBackend,
    target: str,
    direction: Direction = Direction.UP,
    *,
    depth: int = MAX_DEPTH,
    limit: int = 2000,
) -> Graph:
    """Give the graph around a version, or around anything by its digest (`sha256:…`, or a git commit).

    Raises:
        VersionNotFound: the reference resolves to nothing.
    """
    query = GetLineage(node=_node_of(backend, target), direction=direction, depth=depth, limit=limit)
    return backend.ask(query)


def check_provenance(backend: TrustedBackend, reference: Reference) -> list[Check]:
    """Check the chain of what a version was made from, link by link, from signed claims; holes are holes.

    (0) the version is proven, and each of its provenance claims is signed, by whom the log says, about it
    (1) what a claim keeps beside itself is stored, with the digests that it says
    (2) each input that is a version of this registry resolves, and has the digest that was recorded
    (3) the same for that version, to the end of every path; one that comes back to itself is a cycle
    (4) an input that nothing here knows, or of which only a reference was kept, is a hole
    """
    checks: list[Check] = []
    done: set[str] = set()
    # Whoever is on the way to the present one, so that a way back is noticed.
    above: set[str] = set()
    waiting: list[_Step] = [_Step(reference)]
    while waiting:
        step = waiting.pop()
        if step.leaves:
            above.discard(step.leaves)
            continue
        version = resolve_proven(backend, step.reference)
        name = f"{version.name}@{version.number}"
        if version.revision in above:
            checks.append(Check(what=f"{name}: chain", error=ProvenanceCycle(reference=name)))
        elif len(done) >= _MAX_VERSIONS:
            hole = ProvenanceHole(reference=name, name=f"rest, beyond {_MAX_VERSIONS} versions")
            return [*checks, Check(what=f"{name}: chain", error=hole)]
        elif version.revision not in done:
            done.add(version.revision)
            above.add(version.revision)
            found, following = _check_one(backend, name, version)
            checks += found
            waiting += [_Step(step.reference, version.revision), *map(_Step, following)]
    return checks


class _Step(NamedTuple):
    """A version to look at or, once all that it leads to was looked at, to leave."""

    reference: Reference
    leaves: str = ""


def _check_one(
    backend: TrustedBackend, name: str, version: VersionRecord
) -> tuple[list[Check], list[Reference]]:
    """Check what one version was made from; give where the chain goes on."""
    claims = read_claims(backend, version, read_revision(backend, version), PROVENANCE)
    checks: list[Check] = []
    following: list[Reference] = []
    if not claims:
        hole = ProvenanceHole(reference=name, name="origin")
        checks.append(Check(what=f"{name}: origin", error=hole))
    for claim in claims:
        checks += run_all(_check_kept(backend, name, claim))
        checks.append(_check_code(name, Provenance(claim.predicate)))
        for found in Provenance(claim.predicate).inputs:
            if found.kind != "code":
                check, further = _check_input(backend, name, found)
                checks.append(check)
                following += [] if further is None else [further]
    return checks, following


def _check_code(name: str, provenance: Provenance) -> Check:
    """Check that the code can be had: a commit that is somewhere, and the diff of a dirty tree."""
    code = [found for found in provenance.inputs if found.kind == "code"]
    git = provenance.internal.get("git")
    dirty = isinstance(git, Mapping) and bool(git.get("dirty"))
    if not code or code[0].uri == "git":
        return Check(what=f"{name}: code", error=ProvenanceHole(reference=name, name="code"))
    what = f"{name}: code {code[0].digest[:12]} of {code[0].uri}"
    if dirty and provenance.find_byproduct("diff") is None:
        return Check(what=what, error=ProvenanceHole(reference=name, name="diff of the code"))
    return Check(what=what)


def _node_of(backend: TrustedBackend, target: str) -> str:
    if len(target) == 40 and set(target) <= set("0123456789abcdef"):  # noqa: PLR2004 - a git commit
        return target
    try:
        return Digest.parse(target).hex
    except InvalidDigest:
        return Digest.parse(resolve_proven(backend, Reference.parse(target)).revision).hex


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


def _check_input(backend: TrustedBackend, name: str, found: Input) -> tuple[Check, Reference | None]:
    """Check one input; give where the chain goes on, if it is a version of this registry."""
    what = f"{name}: {found.kind} {found.name}"
    hole = ProvenanceHole(reference=name, name=f"{found.kind} {found.name}")
    if found.uri.startswith(VERSION_URI):
        return _check_version_input(backend, what, found, hole)
    if not found.digest or found.is_reference:
        return Check(what=what, error=hole), None
    owners = backend.ask(GetLineage(node=found.digest, direction=Direction.UP, depth=1))
    versions = [reference for node in owners.nodes for reference in node.versions]
    for reference in versions:
        check = _check_holds(backend, what, Reference.parse(reference), found.digest)
        if check.passed:
            return check, Reference.parse(reference)
    return _check_snapshot(backend, what, found, hole), None


def _check_version_input(
    backend: TrustedBackend, what: str, found: Input, hole: ProvenanceHole
) -> tuple[Check, Reference | None]:
    reference = Reference.parse(found.uri.removeprefix(VERSION_URI))
    try:
        version = resolve_proven(backend, reference)
    except NotFound:
        return Check(what=what, error=hole), None
    except MunimentError as error:
        return Check(what=what, error=error), None
    if Digest.parse(version.revision).hex != found.digest:
        wrong = WrongSubject(reference=str(reference), subject=f"sha256:{found.digest}")
        return Check(what=what, error=wrong), None
    return Check(what=what), reference


def _check_holds(backend: TrustedBackend, what: str, reference: Reference, digest: str) -> Check:
    """Check that a version is, or holds, what an input was."""
    try:
        version = resolve_proven(backend, reference)
        held = {file.digest.hex for file in read_revision(backend, version).files}
    except MunimentError as error:
        return Check(what=what, error=error)
    if digest in held or digest == Digest.parse(version.revision).hex:
        return Check(what=f"{what} is of {reference}")
    return Check(what=what, error=WrongSubject(reference=str(reference), subject=f"sha256:{digest}"))


def _check_snapshot(backend: TrustedBackend, what: str, found: Input, hole: ProvenanceHole) -> Check:
    """An input that no version holds may have been kept as a snapshot."""
    try:
        check_file(backend, File(path=found.name, digest=Digest(found.digest), size_bytes=0))
    except NotFound:
        return Check(what=what, error=hole)
    except MunimentError as error:
        return Check(what=what, error=error)
    return Check(what=f"{what} is kept as a snapshot")
