"""Moves of aliases."""

from muniment.answers.catalog import check_model
from muniment.answers.pages import select_page
from muniment.answers.resolve import find_move
from muniment.answers.view import State
from muniment.core.errors import (
    VersionNotFound,
)
from muniment.core.records import MoveRecord, Where
from muniment.core.verbs.gates import (
    GetMove,
    ListMoves,
    Move,
)


def get_move(state: State, query: GetMove) -> MoveRecord:
    """Return the newest move of an alias.

    Raises:
        VersionNotFound: it points nowhere.
    """
    move = find_move(state.view, query.name, query.alias)
    if move is None:
        raise VersionNotFound(reference=f"{query.name}@{query.alias}")
    return move


def list_moves(state: State, query: ListMoves) -> tuple[Move, ...]:
    """List the moves of an alias, or of all aliases of a model.

    Raises:
        ModelNotFound: the model does not exist.
        VersionNotFound: the alias has never pointed anywhere.
    """
    of = [Where("name", "=", str(query.name))]
    check_model(state.view, query.name)
    if query.alias is not None:
        of.append(Where("alias", "=", str(query.alias)))
        if not state.view.projections.select(MoveRecord, *of, limit=1):
            raise VersionNotFound(reference=f"{query.name}@{query.alias}")
    moves = select_page(state.view, query, MoveRecord, *of)
    return tuple(Move(record=move, reason=state.find_text(move.reason)) for move in moves)
