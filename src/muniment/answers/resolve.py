"""Resolve references to versions."""

from muniment.answers.statuses import status_of
from muniment.answers.view import View
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.errors import VersionNotFound
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.records import MoveRecord, VersionRecord, Where


def resolve(view: View, reference: Reference) -> VersionRecord:
    """Find the version that a reference points at.

    Raises:
        VersionNotFound: it points at no version.
    """
    record = _find(view, reference)
    if record is None:
        raise VersionNotFound(reference=str(reference))
    return record


def find_move(view: View, name: ModelName, alias: Alias) -> MoveRecord | None:
    """Find the newest move of an alias; None if it has not moved yet or was removed."""
    moves = view.projections.select(
        MoveRecord,
        Where("name", "=", str(name)),
        Where("alias", "=", str(alias)),
        descending=True,
        limit=1,
    )
    return moves[0] if moves and moves[0].number is not None else None


def _find(view: View, reference: Reference) -> VersionRecord | None:
    name = str(reference.name)
    match reference.selector:
        case int(number):
            return view.projections.find(VersionRecord, (name, number))
        case Alias() as alias:
            move = find_move(view, reference.name, alias)
            if move is None or move.number is None:
                return None
            return view.projections.find(VersionRecord, (name, move.number))
        case Digest() as digest:
            return _find_newest(view, Where("name", "=", name), Where("revision", "=", str(digest)))
        case None:
            return _find_latest(view, Where("name", "=", name))


def _find_newest(view: View, *conditions: Where) -> VersionRecord | None:
    versions = view.projections.select(VersionRecord, *conditions, order="number", descending=True, limit=1)
    return versions[0] if versions else None


def _find_latest(view: View, of_model: Where) -> VersionRecord | None:
    """Find the newest version that has not been purged, or the newest one if all have been."""
    newest = _find_newest(view, of_model)
    if newest is None or status_of(view, newest) is not Status.PURGED:
        return newest
    earlier = view.projections.select(VersionRecord, of_model, order="number", descending=True)
    return next((one for one in earlier if status_of(view, one) is not Status.PURGED), newest)
