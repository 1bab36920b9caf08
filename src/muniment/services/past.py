"""The registry as it was.

What is proven is folded from the entries of then, and no record of now is looked at. What is found is
selected from the records of now, by when they began and ended.
"""

from dataclasses import replace
from typing import TypeVar

from muniment.answers.folding import FoldedRecords, History, Past
from muniment.answers.salts import find_salt
from muniment.core.errors import EventNotFound
from muniment.core.events import Entry, Subject, read_entry
from muniment.core.records import Record, Where
from muniment.log.index import Span, subject_hash
from muniment.ports.unit import Unit

R = TypeVar("R", bound=Record)


class PastView:
    """A unit of work as it was. Lineage is left out, since it is known of now only."""

    lineage: None = None

    def __init__(self, unit: Unit, past: Past) -> None:
        """Look back from a unit of work. Raises as `end_of`."""
        end_of(unit, past)
        self._unit = unit
        self._past = past
        self._histories: dict[Subject, History | None] = {}
        self.projections = FoldedRecords(self._find_history)
        self.payloads = unit.payloads
        self.blobs = unit.blobs

    def _find_history(self, subject: Subject) -> History | None:
        if subject not in self._histories:
            self._histories[subject] = History(newest=False, entries=self._list_entries(subject)).until(
                self._past
            )
        return self._histories[subject]

    def _list_entries(self, subject: Subject) -> tuple[Entry, ...]:
        salt = find_salt(self._unit, subject.realm)
        if salt is None:
            return ()
        span = Span(subject_hash(salt, subject.kind, subject.name))
        indexes = [posting.entry for posting in self._unit.index.prove_all(span).postings]
        leaves = self._unit.log.pick(indexes)
        return tuple(read_entry(leaf, index) for index, leaf in zip(indexes, leaves, strict=True))


def end_of(unit: Unit, past: Past) -> int:
    """Count the entries that were on record then.

    Raises:
        EventNotFound: the log has no such entry.
    """
    if past.entry is None:
        return unit.log.count_until(past.time)
    if past.entry >= unit.log.size():
        raise EventNotFound(index=past.entry)
    return past.entry + 1


def time_of(unit: Unit, past: Past) -> str:
    """Return the time that was asked for, or that of the entry. Raises as `end_of`."""
    if past.entry is None:
        return past.time
    end_of(unit, past)
    return read_entry(unit.log.pick([past.entry])[0], past.entry).when


def within(unit: Unit, past: Past | None) -> list[Where]:
    """Return the condition that records were on record then; none for now."""
    return [] if past is None else [Where("index", "<", end_of(unit, past))]


def list_lasting(unit: Unit, past: Past | None, kind: type[R], *conditions: Where) -> list[R]:
    """List the records that had not ended, now or in the past, as they were.

    The one column of theirs that is amended MUST be the entry at which they end.
    """
    (ended,) = kind.amendable
    if past is None:
        return unit.projections.select(kind, *conditions, Where(ended, "=", None))
    end = end_of(unit, past)
    began = unit.projections.select(kind, *conditions, Where("index", "<", end))
    ends = ((record, getattr(record, ended)) for record in began)
    return [replace(record, **{ended: None}) for record, entry in ends if entry is None or entry >= end]  # type: ignore[arg-type] # an entry, or none
