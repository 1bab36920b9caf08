"""Answers about the log."""

from muniment.answers.pages import bound
from muniment.core.basis import Basis
from muniment.core.errors import EventNotFound
from muniment.core.events.subjects import SubjectKind, of_namespace
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.receipts import Proof
from muniment.core.verbs.log import (
    GetGrowth,
    GetLeaves,
    GetLogIdentity,
    GetProof,
    Growth,
    ListEntries,
    LogIdentity,
)
from muniment.services.log.basis import Needs, make_basis
from muniment.services.log.proofs import identify, prove, prove_growth
from muniment.services.people.reading import Reading


def get_log_identity(reading: Reading, _query: GetLogIdentity) -> LogIdentity:
    """Return the identity of the log."""
    return identify(reading.signer)


def get_growth(reading: Reading, query: GetGrowth) -> Growth:
    """Prove that the log contains its earlier state. Raises like `prove_growth`."""
    return prove_growth(reading.unit, reading.signer, query.size, query.until)


def get_proof(reading: Reading, query: GetProof) -> Proof:
    """Prove an entry. Callers without a role may read what is about themselves.

    Raises:
        EventNotFound: the log has no such entry, or the caller may not read it.
    """
    proof = prove(reading.unit, reading.signer, query.index, subjects=query.subjects)
    namespace = proof.entry.namespace
    if namespace is None:
        subjects = proof.event.subjects()
        if reading.sight.caller.principal not in {name for _, name in subjects}:
            reading.sight.check_member()
            # As `ListTokens` and `ListIssuers`.
            if any(kind in {SubjectKind.TOKENS, SubjectKind.ISSUER} for kind, _ in subjects):
                reading.sight.check_may(Act.READ, EVERYWHERE)
    elif not reading.sight.sees(namespace):
        raise EventNotFound(index=query.index)
    return proof


def get_leaves(reading: Reading, query: GetLeaves) -> tuple[bytes, ...]:
    """List entries."""
    return tuple(reading.unit.log.read(max(0, query.start), bound(query.limit)))


def list_entries(reading: Reading, query: ListEntries) -> Basis:
    """List a page of the entries of a namespace, proven whole.

    Raises:
        EventNotFound: no entry can have the index at which the page starts.
    """
    if not 0 <= query.start < 1 << 56:
        raise EventNotFound(index=query.start)
    page = {of_namespace(query.namespace): (query.start, bound(query.limit))}
    return make_basis(reading.unit, reading.signer, Needs(pages=page))
