"""Resolve references to versions."""

from muniment.answers.view import View
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
            condition = [Where("number", "=", number)]
        case Alias() as alias:
            move = find_move(view, reference.name, alias)
            if move is None or move.number is None:
                return None
            return view.projections.find(VersionRecord, (name, move.number))
        case Digest() as digest:
            condition = [Where("revision", "=", str(digest))]
        case None:
            condition = []
    versions = view.projections.select(
        VersionRecord,
        Where("name", "=", name),
        *condition,
        order="number",
        descending=True,
        limit=1,
    )
    return versions[0] if versions else None
