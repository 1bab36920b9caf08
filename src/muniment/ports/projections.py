"""Projections: the tables that the log folds into."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from muniment.core.records import Change, Key, Record, Where

R = TypeVar("R", bound=Record)


class Projections(Protocol):
    """The records, inside one unit of work."""

    def apply(self, changes: Iterable[Change]) -> None:
        """Add and amend records."""

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find the record with a primary key."""

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List the records that meet all conditions, ordered by a column."""

    def clear(self) -> None:
        """Delete every record of every kind."""
