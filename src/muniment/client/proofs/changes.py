"""Changes of policies that say something about a move: by authors of the version, or in an emergency."""

from collections.abc import Iterable, Mapping

from muniment.client.proofs.paging import read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.gates.differences import RECENT
from muniment.core.names import EVERY, Alias, ModelName, Reference
from muniment.core.records import MoveRecord, PolicyRecord, ProposalRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.gates import ListPolicies, ListPoliciesByAuthors
from muniment.core.verbs.proposals import ListEmergencies


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


def find_emergencies_before(
    backend: TrustedBackend, name: ModelName, alias: Alias | None, moves: Iterable[MoveRecord], at: str | None
) -> Mapping[int, tuple[ProposalRecord, ...]]:
    """Find for moves, by their entries, the emergencies in which a protected policy of theirs was changed.

    They are those at which nobody had looked yet when the alias moved.
    """
    if not backend.ask(ListEmergencies(name=name, alias=alias, at=at)):
        return {}
    moved = list(moves)
    done = {
        one: backend.ask(ListEmergencies(name=name, alias=Alias(one), at=at))
        for one in {move.alias for move in moved}
    }
    found = {
        move.index: tuple(one for one in done[move.alias] if _is_open(one, move.index)) for move in moved
    }
    return {entry: records for entry, records in found.items() if records}


def _is_open(emergency: ProposalRecord, entry: int) -> bool:
    """Return whether an emergency had begun before an entry, and was not closed yet."""
    begun, closed = emergency.closed, emergency.reviewed
    return begun is not None and begun < entry and (closed is None or closed > entry)


def _is_before(policy: PolicyRecord, move: MoveRecord) -> bool:
    is_recent = read_time(policy.set) >= read_time(move.moved) - RECENT
    return policy.alias == move.alias and policy.index < move.index and is_recent
