"""Lineage: the graph around a version or a digest, and the check of its links.

The graph is an index of the registry, of which each part is proven; `check_provenance` follows the signed
claims to the end of every path, and names what is missing.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from muniment.answers.inputs import inputs_of, is_here, may_have_owners, named_version
from muniment.client.proofs.checking import check_file, read_claims, read_revision, resolve
from muniment.client.proofs.owners import prove_owners
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.proofs.verifying import Check, run_all
from muniment.client.versions.tracing import prove_graph
from muniment.core.bytes.revisions import File
from muniment.core.claims.attestations import PROVENANCE, Attestation
from muniment.core.claims.lineage import MAX_DEPTH, Direction, Graph
from muniment.core.claims.provenance import Input, Provenance
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidDigest,
    MunimentError,
    ProvenanceCycle,
    ProvenanceHole,
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
        provenance = Provenance(claim.predicate)
        for source in inputs_of(provenance):
            if source.kind == "code":
                checks.append(_check_code(name, provenance, source))
                continue
            check, further = _check_input(backend, name, provenance, source)
            checks.append(check)
            following += [] if further is None else [further]
    return checks, following


def _check_code(name: str, provenance: Provenance, source: Input) -> Check:
    """Check that the code is available: a commit with a location, and the diff of a dirty tree."""
    if is_here(source, provenance, ()):
        return Check(what=f"{name}: code {source.digest[:12]} of {source.uri}")
    hole = "diff of the code" if source.digest and source.uri != "git" else "code"
    return Check(what=f"{name}: code", error=ProvenanceHole(reference=name, name=hole))


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


def _check_input(
    backend: TrustedBackend, name: str, provenance: Provenance, source: Input
) -> tuple[Check, Reference | None]:
    """Check an input as a gate does; if a version has its bytes, return that as the next to check."""
    what = f"{name}: {source.kind} {source.name}"
    try:
        owners = prove_owners(backend, source) if may_have_owners(source) else []
    except MunimentError as error:
        return Check(what=what, error=error), None
    if not is_here(source, provenance, owners):
        return Check(
            what=what, error=ProvenanceHole(reference=name, name=f"{source.kind} {source.name}")
        ), None
    if not owners:
        return Check(what=f"{what} is kept as a snapshot"), None
    owner = owners[0].name
    return Check(what=what if named_version(source) else f"{what} belongs to {owner}"), Reference.parse(owner)
