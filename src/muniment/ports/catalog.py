"""The catalog: what versions can be found by. It is made of claims and tags, and can be made anew."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from muniment.core.catalog.search import Attribute, Search
from muniment.core.records import VersionRecord


class Found(NamedTuple):
    """A page of versions, and where to go on; None at the end.

    A page can be short, even empty, and not the last: each looks at a bounded number of versions.
    """

    versions: list[VersionRecord]
    cursor: str | None


class Catalog(Protocol):
    """The catalog, inside one unit of work. A version is named by the entry that published it."""

    def put(self, version: int, attributes: Iterable[Attribute], since: int) -> None:
        """Describe a version, since an entry of the log; an attribute replaces the one with its key."""

    def remove(self, version: int, key: str, until: int) -> None:
        """Take an attribute away, as of an entry; one that is not there is passed over."""

    def forget(self, version: int, key: str, since: int) -> None:
        """Let an attribute that held since an entry go for good, as if it had never been."""

    def search(
        self,
        search: Search,
        namespaces: frozenset[str] | None,
        cursor: str | None,
        limit: int,
        until: int | None = None,
    ) -> Found:
        """Look versions up, in these namespaces only (None: in all).

        With `until`, as it was before that entry; that takes longer the more has changed since.

        Raises:
            InvalidQuery: the cursor is not one that this search gave.
        """

    def clear(self) -> None:
        """Forget all attributes."""
