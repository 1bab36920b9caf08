"""Read long answers whole, page by page."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeVar

from muniment.client.trust import TrustedBackend
from muniment.core.queries import PageQuery, entry_of

T = TypeVar("T")

_PAGE: Final = 500


def read_all(backend: TrustedBackend, query: PageQuery[T]) -> Iterator[T]:
    """Ask for page after page."""
    query = replace(query, limit=_PAGE)
    while True:
        page = backend.ask(query)
        yield from page
        if len(page) < _PAGE:
            return
        query = replace(query, after=entry_of(page[-1]))
