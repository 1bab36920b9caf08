"""Pages: long answers come in parts, each after the last entry of the one before."""

from typing import Final, TypeVar

from muniment.core.queries import PageQuery
from muniment.core.records import Record
from muniment.ports.projections import Where
from muniment.ports.unit import Unit

R = TypeVar("R", bound=Record)
T = TypeVar("T")

MAX_PAGE: Final = 1000


def bound(limit: int) -> int:
    """Keep a page within bounds."""
    return max(1, min(limit, MAX_PAGE))


def select_page(unit: Unit, query: PageQuery[T], kind: type[R], *conditions: Where) -> list[R]:
    """Select the page of records that a query asks for."""
    after = Where("index", ">", query.after)
    return unit.projections.select(kind, *conditions, after, limit=bound(query.limit))
