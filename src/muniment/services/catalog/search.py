"""Search for versions, among those that a caller may read."""

import importlib

from muniment.answers.pages import bound, past_of
from muniment.core.catalog.search import Search, identify_people
from muniment.core.verbs.catalog import SearchPage, SearchVersions
from muniment.services.past import end_of
from muniment.services.people.principals import find_id
from muniment.services.people.reading import Reading


def search_versions(reading: Reading, query: SearchVersions) -> SearchPage:
    """Search for versions.

    Raises:
        InvalidTime: `at` is not a time.
        InvalidQuery: the query breaks the grammar, or the cursor does not belong to this search.
    """
    unit, namespaces = reading.unit, reading.sight.namespaces()
    limit = bound(query.limit)
    past = past_of(query)
    until = None if past is None else end_of(unit, past)
    search = identify_people(_parse(query.text), lambda text: find_id(unit, text))
    page = unit.catalog.search(search, namespaces, query.cursor, limit, until)
    return SearchPage(items=tuple(page.versions), next=page.cursor)


def _parse(text: str) -> Search:
    # Most commands never search, so only the first search loads the grammar
    # (docs/decisions/0004-late-imports.md).
    search: Search = importlib.import_module("muniment.services.catalog.query_language").parse(text)
    return search
