"""Lists that were proven whole: asked again, it suffices that nothing came after their last entry."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from cachetools import LRUCache

from muniment.answers.folding import History
from muniment.core.basis import MOST_KNOWN
from muniment.core.events import Subject
from muniment.core.verbs.verb import Query

# Shorter lists are not worth naming.
_LEAST_ENTRIES: Final = 8
_MOST_ENTRIES: Final = 20_000
_MOST_QUERIES: Final = 256


class ProvenLists:
    """The longest lists that each of the last queries rested on. Threads share it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._lists: LRUCache[Subject, History] = LRUCache(
            _MOST_ENTRIES, lambda history: len(history.entries)
        )
        self._asked: LRUCache[Query[object], tuple[Subject, ...]] = LRUCache(_MOST_QUERIES)
        self._lock = Lock()

    def find(self, query: Query[object]) -> Mapping[Subject, History]:
        """Find the lists on which the answer to a query rested before."""
        with self._lock:
            found = {one: self._lists.get(one) for one in self._asked.get(query, ())}
        return {subject: history for subject, history in found.items() if history is not None}

    def keep(self, query: Query[object], proven: Mapping[Subject, History]) -> None:
        """Keep the longest lists of those on which the answer to a query rests."""
        whole = {subject: history for subject, history in proven.items() if _is_long(history)}
        longest = sorted(whole, key=lambda subject: -len(whole[subject].entries))[:MOST_KNOWN]
        with self._lock:
            self._asked[query] = tuple(longest)
            for subject in longest:
                self._lists[subject] = whole[subject]


def _is_long(history: History) -> bool:
    return history.is_whole and _LEAST_ENTRIES <= len(history.entries) <= _MOST_ENTRIES
