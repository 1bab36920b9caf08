"""The catalog: the search index of versions. It follows from claims and tags and can be rebuilt."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from muniment.core.catalog.search import Attribute, Search
from muniment.core.records import VersionRecord


class VersionPage(NamedTuple):
    """A page of versions, and the cursor of the next page; None at the end.

    A page can be short or even empty without being the last: each looks at a bounded number of versions.
    """

    versions: list[VersionRecord]
    cursor: str | None


class Catalog(Protocol):
    """The catalog, inside one unit of work. A version is named by the entry that published it."""

    def put(self, version: int, attributes: Iterable[Attribute], since: int) -> None:
        """Describe a version as of an entry; an attribute replaces the one with its key."""

    def remove(self, version: int, key: str, until: int) -> None:
        """Remove an attribute as of an entry, if it exists."""

    def forget(self, version: int, key: str, since: int) -> None:
        """Erase an attribute that held since an entry, as if it had never existed."""

    def search(
        self,
        search: Search,
        namespaces: frozenset[str] | None,
        cursor: str | None,
        limit: int,
        until: int | None = None,
    ) -> VersionPage:
        """Search for versions, in these namespaces only (None: in all).

        With `until`, search the state before that entry; the more has changed since, the longer it takes.

        Raises:
            InvalidQuery: the cursor does not belong to this search.
        """

    def clear(self) -> None:
        """Delete all attributes."""
