"""The base class of records, the changes to them, and conditions on them."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Final, NamedTuple, TypeAlias

Value: TypeAlias = "str | int | None"
Key: TypeAlias = tuple[str | int, ...]

_OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row of a projection; `table` names it and `key` names its primary key."""

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    amendable: ClassVar[frozenset[str]] = frozenset()

    index: int

    def values(self) -> dict[str, Value]:
        """Give the columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def identity(self) -> Key:
        """Give the primary key."""
        return tuple([getattr(self, name) for name in self.key])


@dataclass(frozen=True, slots=True)
class Put:
    """Add a record, or replace the one with its key."""

    record: Record


@dataclass(frozen=True, slots=True)
class Amend:
    """Set columns of the record that has the key."""

    kind: type[Record]
    key: Key
    values: Mapping[str, Value]

    def amend(self, record: Record) -> Record:
        """Return a record, which MUST have the key, with the columns set."""
        return replace(record, **self.values)  # type: ignore[arg-type] # the columns of that kind


Change: TypeAlias = Put | Amend


class Where(NamedTuple):
    """A condition on a column; `op` is one of = < <= > >=."""

    column: str
    op: str
    value: Value

    def holds(self, record: Record) -> bool:
        """Return whether a record meets it. A null meets nothing but that it is null."""
        value = getattr(record, self.column)
        if self.value is None or value is None:
            return self.op == "=" and value is self.value
        return bool(_OPERATORS[self.op](value, self.value))
