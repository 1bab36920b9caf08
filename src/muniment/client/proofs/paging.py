"""Read long answers page by page."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeVar

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.records import VersionRecord
from muniment.core.verbs.catalog import ListNamespaces, SearchVersions
from muniment.core.verbs.verb import PageQuery, entry_of

T = TypeVar("T")

_PAGE: Final = 500


def read_all(backend: TrustedBackend, query: PageQuery[T]) -> Iterator[T]:
    """Iterate over the items of all pages."""
    query = replace(query, limit=_PAGE)
    while True:
        page = backend.ask(query)
        yield from page
        if len(page) < _PAGE:
            return
        query = replace(query, after=entry_of(page[-1]))


def list_namespaces(backend: TrustedBackend, prefix: str = "", at: str | None = None) -> list[str]:
    """List by name the namespaces that may have models whose names start with a prefix."""
    namespace, slash, _ = prefix.partition("/")
    if slash:
        return [namespace]
    records = read_all(backend, ListNamespaces(at=at))
    return sorted(record.name for record in records if record.name.startswith(prefix))


def search_all(backend: TrustedBackend, text: str, at: str | None = None) -> Iterator[VersionRecord]:
    """Search for versions, page by page; none is proven yet."""
    cursor: str | None = None
    while True:
        page = backend.ask(SearchVersions(text=text, cursor=cursor, limit=_PAGE, at=at))
        yield from page.items
        if page.next is None:
            return
        cursor = page.next
