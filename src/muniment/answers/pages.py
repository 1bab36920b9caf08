"""Bounds of queries: pages, and the past of which a query asks the state."""

from typing import Final, TypeVar

from muniment.answers.folding import Past
from muniment.answers.view import View
from muniment.core.records import Record, Where
from muniment.core.verbs.verb import PageQuery, Query

R = TypeVar("R", bound=Record)
T = TypeVar("T")

MAX_PAGE: Final = 1000


def bound(limit: int) -> int:
    """Clamp the size of a page."""
    return max(1, min(limit, MAX_PAGE))


def select_page(view: View, query: PageQuery[T], kind: type[R], *conditions: Where) -> list[R]:
    """Select the page of records that a query asks for."""
    after = Where("index", ">", query.after)
    return view.projections.select(kind, *conditions, after, limit=bound(query.limit))


def past_of(query: Query[object]) -> Past | None:
    """Return the past of which a query asks the state; None for now.

    Raises:
        InvalidTime: it is neither a time nor the index of an entry.
    """
    at = getattr(query, "at", None)
    return None if at is None else Past.read(at)
