"""Resolve references to versions, now or at a time."""

from muniment.answers.pages import horizon
from muniment.answers.view import View
from muniment.core.digests import Digest
from muniment.core.errors import VersionNotFound
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.records import MoveRecord, VersionRecord, Where


def resolve(view: View, reference: Reference, at: str | None = None) -> VersionRecord:
    """Find the version that a reference points at; with `at`, at that time.

    Raises:
        VersionNotFound: it points at no version.
    """
    record = _find(view, reference, horizon(view, at))
    if record is None:
        raise VersionNotFound(reference=str(reference))
    return record


def find_move(view: View, name: ModelName, alias: Alias, until: tuple[Where, ...] = ()) -> MoveRecord | None:
    """Find the newest move of an alias, among those that meet the conditions.

    None if it has not moved yet or was removed.
    """
    moves = view.projections.select(
        MoveRecord,
        Where("name", "=", str(name)),
        Where("alias", "=", str(alias)),
        *until,
        descending=True,
        limit=1,
    )
    return moves[0] if moves and moves[0].number is not None else None


def _find(view: View, reference: Reference, until: tuple[Where, ...]) -> VersionRecord | None:
    name = str(reference.name)
    match reference.selector:
        case int(number):
            condition = [Where("number", "=", number)]
        case Alias() as alias:
            move = find_move(view, reference.name, alias, until)
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
        *until,
        order="number",
        descending=True,
        limit=1,
    )
    return versions[0] if versions else None
