"""Records that are folded from the entries about their subjects."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple, TypeVar, cast

from muniment.answers.places import find_asked, find_place
from muniment.core.errors import AnswerIncomplete, InvalidPast, InvalidTime
from muniment.core.events import Entry, Subject
from muniment.core.records import Key, Put, Record, Where
from muniment.core.times import read_time, write_time

R = TypeVar("R", bound=Record)

# The end of a span that begins with the first entry and has all the others.
WHOLE: Final = 1 << 64
_INDEX: Final = re.compile(r"[0-9]{1,16}")


class Past(NamedTuple):
    """A past state of the log: until a time, as entries write it, or until an entry, which is included.

    >>> Past.read("812")
    Past(entry=812, time='')
    >>> Past.read("2026-11-28T09:00:00+01:00")
    Past(entry=None, time='2026-11-28T08:00:00.000000Z')
    """

    entry: int | None
    time: str

    @classmethod
    def read(cls, text: str) -> "Past":
        """Read a time (RFC 3339), or the index of an entry.

        Raises:
            InvalidPast: it is neither.
        """
        if _INDEX.fullmatch(text):
            return cls(int(text), "")
        try:
            return cls(None, write_time(read_time(text)))
        except InvalidTime as error:
            raise InvalidPast(text=text) from error

    def has(self, entry: Entry) -> bool:
        """Return whether an entry was on record then."""
        return entry.time <= self.time if self.entry is None else entry.index <= self.entry


@dataclass
class History:
    """The entries about a subject: the newest one only, or all; and the digests that they name.

    All entries are those of a span of the log, by default of the whole.
    """

    newest: bool
    entries: tuple[Entry, ...]
    digests: frozenset[str] = frozenset()
    start: int = 0
    end: int = WHOLE

    @property
    def is_whole(self) -> bool:
        """Whether there are no others."""
        return (self.start, self.end) == (0, WHOLE) and not (self.newest and self.entries)

    @cached_property
    def records(self) -> Mapping[type[Record], Mapping[Key, Record]]:
        """The records that they make, as they amend them."""
        return fold(self.entries)

    @property
    def last(self) -> int:
        """The index of the last entry, of which there is at least one."""
        return self.entries[-1].index

    def until(self, past: Past) -> "History | None":
        """Leave out what came later; None if what came before it is not known then."""
        until = tuple(entry for entry in self.entries if past.has(entry))
        return None if self.newest and until != self.entries else replace(self, entries=until)


def fold(entries: Iterable[Entry]) -> dict[type[Record], dict[Key, Record]]:
    """Fold entries into records, by kind and key. What amends the record of another entry is left out."""
    tables: dict[type[Record], dict[Key, Record]] = {}
    for entry in entries:
        for change in entry.fold():
            if isinstance(change, Put):
                tables.setdefault(type(change.record), {})[change.record.identity()] = change.record
            elif change.key in tables.get(change.kind, {}):
                tables[change.kind][change.key] = change.amend(tables[change.kind][change.key])
    return tables


class FoldedRecords:
    """The records that entries make; a lookup is refused unless all entries that it depends on are there."""

    def __init__(self, find_history: Callable[[Subject], History | None]) -> None:
        """Take a function that finds the history of a subject; None if it is not known."""
        self._find_history = find_history

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find the record with a primary key.

        Raises:
            AnswerIncomplete: not all entries about its subject are known.
        """
        subject = find_place(kind, key)
        history = None if subject is None else self._find_history(subject)
        if history is None or not history.is_whole:
            raise AnswerIncomplete(what=f"{kind.table} of {subject.name if subject else key}")
        return cast("R | None", history.records.get(kind, {}).get(key))

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List the records that meet all conditions, ordered by a column.

        Raises:
            AnswerIncomplete: the entries about their subject are not known, or only the newest one.
        """
        asked = find_asked(kind, conditions, newest=descending and limit == 1)
        history = None if asked is None else self._find_history(asked.subject)
        if asked is None or history is None:
            raise AnswerIncomplete(what=f"{kind.table} of {asked.subject.name if asked else 'everything'}")
        records = cast("Collection[R]", history.records.get(kind, {}).values())
        # The newest entry tells the newest record, if it makes one; then there is no other.
        if not history.is_whole and not (history.newest and asked.newest and records):
            raise AnswerIncomplete(what=f"{kind.table} of {asked.subject.name}")
        met = [record for record in records if all(condition.holds(record) for condition in conditions)]
        return sorted(met, key=lambda record: cast("int", getattr(record, order)), reverse=descending)[:limit]
