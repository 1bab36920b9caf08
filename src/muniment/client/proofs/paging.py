"""Read long answers page by page."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeVar

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.catalog.search import resolve_ages
from muniment.core.names import ModelName
from muniment.core.records import VersionRecord
from muniment.core.verbs.catalog import ListNamespaces, SearchVersions
from muniment.core.verbs.verb import Ask, PageQuery, entry_of
from muniment.core.verbs.versions import ListVersions

T = TypeVar("T")

_PAGE: Final = 500


def read_all(backend: TrustedBackend, query: PageQuery[T]) -> Iterator[T]:
    """Iterate over the items of all pages. Raises as `TrustedBackend.ask`."""
    return _read_pages(backend.ask, query)


def find_all(backend: TrustedBackend, query: PageQuery[T]) -> Iterator[T]:
    """Iterate over the items of all pages, as the registry says; the caller MUST prove each."""
    return _read_pages(backend.ask_unproven, query)


def _read_pages(ask: Ask, query: PageQuery[T]) -> Iterator[T]:
    query = replace(query, limit=_PAGE)
    while True:
        page = ask(query)
        yield from page
        if len(page) < _PAGE:
            return
        query = replace(query, after=entry_of(page[-1]))


def list_versions(backend: TrustedBackend, name: ModelName, at: str | None = None) -> Iterator[VersionRecord]:
    """List the versions of a model, newest first, now or at a time."""
    query = ListVersions(name=name, limit=_PAGE, at=at)
    while page := backend.ask(query):
        yield from page
        query = replace(query, before=page[-1].number)


def list_namespaces(backend: TrustedBackend, prefix: str = "", at: str | None = None) -> list[str]:
    """List by name the namespaces that may have models whose names start with a prefix."""
    namespace, slash, _ = prefix.partition("/")
    if slash:
        return [namespace]
    records = read_all(backend, ListNamespaces(at=at))
    return sorted(record.name for record in records if record.name.startswith(prefix))


def search_all(backend: TrustedBackend, text: str, at: str | None = None) -> Iterator[VersionRecord]:
    """Search for versions, page by page, as the registry says; the caller MUST prove each.

    A duration stands for a time before now, which is the same for all pages.
    """
    text = resolve_ages(text, backend.clock())
    cursor: str | None = None
    while True:
        page = backend.ask_unproven(SearchVersions(text=text, cursor=cursor, limit=_PAGE, at=at))
        yield from page.items
        if page.next is None:
            return
        cursor = page.next
