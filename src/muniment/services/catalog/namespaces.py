"""Namespaces that a caller may read."""

from dataclasses import replace
from itertools import chain

from muniment.answers.pages import bound, past_of, select_page
from muniment.core.records import NamespaceRecord, Where
from muniment.core.verbs.catalog import ListNamespaces
from muniment.services.past import within
from muniment.services.people.reading import Reading


def list_namespaces(reading: Reading, query: ListNamespaces) -> tuple[NamespaceRecord, ...]:
    """List namespaces, a page from `after` on. The first entry of the log is of the registry itself."""
    after = replace(query, after=max(query.after, 0))
    seen, until = reading.sight.namespaces(), within(reading.unit, past_of(query))
    if seen is None:
        return tuple(select_page(reading.unit, after, NamespaceRecord, *until))
    pages = (
        select_page(reading.unit, after, NamespaceRecord, Where("name", "=", name), *until) for name in seen
    )
    found = sorted(chain.from_iterable(pages), key=lambda namespace: namespace.index)
    return tuple(found[: bound(query.limit)])
