"""Bounds of queries: pages, and the state of the log at a time."""

from typing import Final, TypeVar

from muniment.answers.view import View
from muniment.core.records import Record, Where
from muniment.core.times import read_time, write_time
from muniment.core.verbs.verb import PageQuery

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


def horizon(view: View, at: str | None) -> tuple[Where, ...]:
    """Return conditions that limit a query to the log at a time; none for now.

    Raises:
        InvalidTime: `at` is not a time.
    """
    return () if at is None else (Where("index", "<", end_of(view, at)),)


def end_of(view: View, at: str | None) -> int:
    """Count the entries of the log at a time, or now. Raises like `horizon`."""
    return view.log.size() if at is None else view.log.count_until(write_time(read_time(at)))
