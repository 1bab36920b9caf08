"""Records in memory, folded from entries: what a replay of the log, or of a part of it, comes to."""

from collections import defaultdict
from collections.abc import Mapping, Reversible, Sequence
from dataclasses import fields
from itertools import islice
from typing import Final, TypeVar, cast

from muniment.answers.places import PLACES
from muniment.core.records import (
    AttestationRecord,
    Change,
    DeploymentRecord,
    Key,
    Put,
    Record,
    Value,
    VersionRecord,
    Where,
)

R = TypeVar("R", bound=Record)

# The columns by which records of a kind are looked up: those of their places, the narrowest first, as far as
# they have them. The replay looks versions and claims up by the revision, and deployments by the model.
_COLUMNS: Final[Mapping[type[Record], Sequence[tuple[str, ...]]]] = {
    **{
        kind: [place.columns for place in places if {*place.columns} <= {one.name for one in fields(kind)}]
        for kind, places in PLACES.items()
    },
    VersionRecord: [("revision",), ("name",)],
    AttestationRecord: [("name", "revision")],
    DeploymentRecord: [("name", "target"), ("name", "number")],
}

# Records of some kinds never change while the same is asked of them for each entry: who holds which roles.
_KEPT_ANSWERS: Final = 10_000


class ReplayedRecords:
    """Records by kind and primary key, and by the columns of their places (`answers.places`).

    A record keeps the columns of its places for ever, so what it is found by never changes.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.tables: defaultdict[type[Record], dict[Key, Record]] = defaultdict(dict)
        self._places: Mapping[type[Record], Mapping[tuple[str, ...], dict[tuple[Value, ...], list[Key]]]] = {
            kind: {columns: {} for columns in places} for kind, places in _COLUMNS.items()
        }
        # What was selected since a record of the kind was last added or amended.
        self._answers: defaultdict[type[Record], dict[tuple[object, ...], list[Record]]] = defaultdict(dict)

    def apply(self, change: Change) -> bool:
        """Add or amend a record; return whether it could be: there is none yet, or there is one to amend."""
        if isinstance(change, Put):
            return self._put(change.record)
        table = self.tables[change.kind]
        record = table.get(change.key)
        if record is None:
            return False
        self._answers[change.kind].clear()
        table[change.key] = change.amend(record)
        return True

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find the record with a primary key."""
        return cast("R | None", self.tables[kind].get(key))

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List the records that meet all conditions, ordered by a column."""
        answers, asked = self._answers[kind], (conditions, order, descending, limit)
        known = answers.get(asked)
        if known is None:
            if len(answers) >= _KEPT_ANSWERS:
                answers.clear()
            known = answers[asked] = self._select(kind, conditions, order, descending=descending, limit=limit)
        return cast("list[R]", [*known])

    def _select(
        self,
        kind: type[Record],
        conditions: Sequence[Where],
        order: str,
        *,
        descending: bool,
        limit: int | None,
    ) -> list[Record]:
        table = self.tables[kind]
        keys, rest = self._find_place(kind, conditions)
        if order != "index":
            met = [table[key] for key in keys if all(one.holds(table[key]) for one in rest)]
            met.sort(key=lambda record: cast("int", getattr(record, order)), reverse=descending)
            return met[:limit]
        # Records are added in the order of their entries.
        records = (table[key] for key in (reversed(keys) if descending else keys))
        if rest:
            records = (record for record in records if all(one.holds(record) for one in rest))
        return list(records if limit is None else islice(records, limit))

    def _put(self, record: Record) -> bool:
        kind, key = type(record), record.identity()
        table = self.tables[kind]
        if key in table:
            return False
        self._answers[kind].clear()
        table[key] = record
        for columns, place in self._places.get(kind, {}).items():
            values = tuple([getattr(record, column) for column in columns])
            place.setdefault(values, []).append(key)
        return True

    def _find_place(
        self, kind: type[Record], conditions: Sequence[Where]
    ) -> tuple[Reversible[Key], Sequence[Where]]:
        """Find the keys of records that may meet conditions, and those that they still have to meet."""
        known = {one.column: one.value for one in conditions if one.op == "="}
        for columns, place in self._places.get(kind, {}).items():
            if all(column in known for column in columns):
                keys = place.get(tuple([known[column] for column in columns]), ())
                return keys, [one for one in conditions if one.column not in columns or one.op != "="]
        return self.tables[kind], conditions
