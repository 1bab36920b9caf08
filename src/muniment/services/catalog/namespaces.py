"""Namespaces that a caller may read."""

from dataclasses import replace
from itertools import chain

from muniment.answers.pages import bound, past_of, select_page
from muniment.core.records import NamespaceRecord, Where
from muniment.core.verbs.catalog import ListNamespaces
from muniment.services.log.past import end_of
from muniment.services.people.reading import Reading


def list_namespaces(reading: Reading, query: ListNamespaces) -> tuple[NamespaceRecord, ...]:
    """List namespaces, a page from `after` on. The first entry of the log is of the registry itself."""
    after = replace(query, after=max(query.after, 0))
    past, seen = past_of(query), reading.sight.namespaces()
    until = [] if past is None else [Where("index", "<", end_of(reading.unit, past))]
    if seen is None:
        return tuple(select_page(reading.unit, after, NamespaceRecord, *until))
    pages = (
        select_page(reading.unit, after, NamespaceRecord, Where("name", "=", name), *until) for name in seen
    )
    found = sorted(chain.from_iterable(pages), key=lambda namespace: namespace.index)
    return tuple(found[: bound(query.limit)])
