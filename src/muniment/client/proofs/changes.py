"""Policies that authors of a version changed shortly before it moved: nobody should ease their own way."""

from collections.abc import Iterable, Mapping

from muniment.client.proofs.paging import read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.gates.differences import RECENT
from muniment.core.names import EVERY, Alias, ModelName, Reference
from muniment.core.records import MoveRecord, PolicyRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.gates import ListPolicies, ListPoliciesByAuthors


def list_changed_by_authors(
    backend: TrustedBackend, reference: Reference, alias: Alias, time: str, at: str | None
) -> tuple[PolicyRecord, ...]:
    """List the policies of an alias that authors of a version changed in the 30 days before a time."""
    since = write_time(read_time(time) - RECENT)
    return backend.ask(ListPoliciesByAuthors(reference=reference, alias=alias, since=since, at=at))


def find_changed_before(
    backend: TrustedBackend, name: ModelName, moves: Iterable[MoveRecord], at: str | None
) -> Mapping[int, tuple[PolicyRecord, ...]]:
    """Find for moves, by their entries, the policies that authors of the version changed shortly before."""
    found = {}
    changes = [one.record for one in read_all(backend, ListPolicies(namespace=name.namespace, at=at))]
    ours = [one for one in changes if one.models in {str(name), f"{name.namespace}/{EVERY}"}]
    for move in moves:
        if move.number is None or not any(_is_before(policy, move) for policy in ours):
            continue
        reference, then = Reference(name, move.number), str(move.index)
        changed = list_changed_by_authors(backend, reference, Alias(move.alias), move.moved, then)
        if changed:
            found[move.index] = changed
    return found


def _is_before(policy: PolicyRecord, move: MoveRecord) -> bool:
    is_recent = read_time(policy.set) >= read_time(move.moved) - RECENT
    return policy.alias == move.alias and policy.index < move.index and is_recent
