"""Find who has the bytes of an input: the registry says where to look, and what is there is proven."""

from functools import partial

from muniment.answers.inputs import Owner, digests_of, is_exact, named_version
from muniment.client.proofs.checking import check_in_service, read_claims, read_revision, resolve
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.lineage import Direction
from muniment.core.claims.provenance import Input
from muniment.core.digests import Digest
from muniment.core.errors import InvalidName, InvalidReference, MunimentError, NotFound, WrongSubject
from muniment.core.names import Reference
from muniment.core.verbs.catalog import GetLineage


def find_owners(backend: TrustedBackend, one: Input) -> list[Owner] | None:
    """Find the versions that have the bytes of an input; None if the version that it names cannot be seen."""
    try:
        return prove_owners(backend, one)
    except WrongSubject:
        return []
    except MunimentError:
        return None


def prove_owners(backend: TrustedBackend, one: Input) -> list[Owner]:
    """Prove which versions have the bytes of an input: the one that it names, or those that are found.

    What the registry finds and cannot show is left out.

    Raises:
        WrongSubject: the version that it names has other bytes.
        MunimentError: the version that it names cannot be seen or read.
    """
    named = named_version(one)
    if named:
        try:
            return [_prove_owner(backend, Reference.parse(named), one.digest)]
        except (NotFound, InvalidReference, InvalidName):
            return []
    graph = backend.ask(GetLineage(node=one.digest, direction=Direction.UP, depth=1))
    owners: dict[int, Owner] = {}
    for reference in (reference for node in graph.nodes for reference in node.versions):
        try:
            owner = _prove_owner(backend, Reference.parse(reference), one.digest)
        except MunimentError:
            continue
        owners[owner.version.index] = owner
    return list(owners.values())


def _prove_owner(backend: TrustedBackend, reference: Reference, digest: str) -> Owner:
    version = resolve(backend, reference)
    revision = read_revision(backend, version)
    if not is_exact(version, str(reference)) or digest not in digests_of(version, revision):
        raise WrongSubject(reference=str(reference), subject=str(Digest(digest)))
    said = partial(read_claims, backend, version, revision)
    return Owner(version, said, partial(check_in_service, backend, version))
