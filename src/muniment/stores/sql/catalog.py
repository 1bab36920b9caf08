"""The catalog in SQL: a table of attributes beside that of versions.

Each page costs about the same, however many versions there are. If one condition of a search holds for few
versions, only these are read. Otherwise the versions are read in the requested order, one window at a time,
and even an empty page returns a cursor to continue.
"""

import base64
import json
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.base import Executable

from muniment.core.catalog.search import (
    COLUMNS,
    DIGEST,
    OWNER,
    POINTERS,
    And,
    Attribute,
    Comparison,
    Condition,
    Not,
    Or,
    Search,
)
from muniment.core.errors import InvalidQuery
from muniment.core.records import VersionRecord
from muniment.ports.catalog import VersionPage
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables.bytes import contents
from muniment.stores.sql.tables.catalog import attributes, owners, past_attributes
from muniment.stores.sql.tables.versions import versions

# The most versions that a page reads, however many there are.
FEW: Final = 1_000
WINDOW: Final = 3_000
_LAST: Final = "\U0010ffff"
_FOREVER: Final = 2**63 - 1

_DELETE: Final = delete(attributes).where(
    attributes.c.version == bindparam("of_version"), attributes.c.key == bindparam("of_key")
)
_INSERT: Final = insert(attributes)
_KEYS: Final = select(attributes.c.key).where(
    attributes.c.version == bindparam("of_version"),
    attributes.c.key >= bindparam("low"),
    attributes.c.key <= bindparam("high"),
)
_ATTRIBUTE: Final = ("version", "key", "text", "number", "since")
_PAST: Final = ("version", "key", "since", "until", "text", "number")
# An attribute that began with the entry that ends it never held.
_KEEP: Final = insert(past_attributes).from_select(
    _PAST,
    select(
        attributes.c.version,
        attributes.c.key,
        attributes.c.since,
        bindparam("until"),
        attributes.c.text,
        attributes.c.number,
    ).where(
        attributes.c.version == bindparam("of_version"),
        attributes.c.key == bindparam("of_key"),
        attributes.c.since < bindparam("until"),
    ),
)
_FORGET: Final = tuple(
    delete(table).where(
        table.c.version == bindparam("of_version"),
        table.c.key == bindparam("of_key"),
        table.c.since == bindparam("began"),
    )
    for table in (attributes, past_attributes)
)
_COLUMNS: Final[Mapping[str, ColumnElement[Any]]] = {
    "name": versions.c.name,
    "version": versions.c.number,
    "created": versions.c.published,
    "author": versions.c.author,
    "size": versions.c.size_bytes,
}
_NO_RANK: Final[ColumnElement[Any]] = literal_column("0")
_OPERATORS: Final[Mapping[str, Callable[..., ColumnElement[bool]]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass
class _Values:
    """The values of a statement, each under its own name, so that none becomes part of the text.

    `until` is the entry before which versions are searched; None means now. `singly` makes the database look
    up one attribute for each version, instead of collecting all attributes of a kind.
    """

    until: int | None = None
    singly: bool = False
    known: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> ColumnElement[Any]:
        name = f"v{len(self.known)}"
        self.known[name] = value
        return bindparam(name)


class SqlCatalog:
    """A Catalog on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def put(self, version: int, attributes: Iterable[Attribute], since: int) -> None:
        """Describe a version."""
        known = {attribute.key: attribute for attribute in attributes}
        if not known:
            return
        values = {"of_version": version, "low": min(known), "high": max(known)}
        present = self._statements.run(self._connection, "attributes keys", lambda: _KEYS, values)
        for (key,) in present:
            if key in known:
                self.remove(version, key, since)
        rows = [
            {
                "version": version,
                "key": attribute.key,
                "text": attribute.text,
                "number": attribute.number,
                "since": since,
            }
            for attribute in known.values()
        ]
        self._statements.run_many(self._connection, "attributes add", lambda: _INSERT, rows)

    def remove(self, version: int, key: str, until: int) -> None:
        """Remove an attribute."""
        values = {"of_version": version, "of_key": key}
        self._statements.run(self._connection, "attributes keep", lambda: _KEEP, {**values, "until": until})
        self._statements.run(self._connection, "attributes remove", lambda: _DELETE, values)

    def forget(self, version: int, key: str, since: int) -> None:
        """Erase an attribute and its history."""
        values = {"of_version": version, "of_key": key, "began": since}
        for number, statement in enumerate(_FORGET):
            shape = ("attributes forget", number)
            self._statements.run(self._connection, shape, lambda statement=statement: statement, values)  # type: ignore[misc] # bound at once

    def clear(self) -> None:
        """Delete all attributes."""
        self._connection.execute(delete(attributes))
        self._connection.execute(delete(past_attributes))

    def search(
        self,
        search: Search,
        namespaces: frozenset[str] | None,
        cursor: str | None,
        limit: int,
        until: int | None = None,
    ) -> VersionPage:
        """Search for versions."""
        after = _read_cursor(cursor, search)
        driver = self._find_driver(search.condition, until)
        order = _order_of(search, namespaces, until)
        window = self._close_window(order, after) if driver is None else None
        rows = self._page(search, namespaces, order, after, window, driver, limit)
        records = [VersionRecord(**dict(zip(versions.c.keys(), row[2:], strict=True))) for row in rows]
        if len(rows) == limit:
            return VersionPage(records, _write_cursor(rows[-1][0], rows[-1][1]))
        return VersionPage(records, None if window is None else _write_cursor(*window))

    def _find_driver(self, condition: "Condition | None", until: int | None) -> Comparison | None:
        """Find the condition that holds for the fewest versions, if it holds for few."""
        parts = condition.parts if isinstance(condition, And) else (condition,)
        counted: list[tuple[int, Comparison]] = []
        for part in parts:
            if isinstance(part, Comparison) and _can_drive(part):
                values = self._values(until)
                some = _candidates(part, values).limit(FEW + 1).subquery()
                count = int(self._run(select(func.count()).select_from(some), values)[0][0])
                counted.append((count, part))
        fewest = min(counted, key=lambda pair: pair[0], default=None)
        return fewest[1] if fewest is not None and fewest[0] <= FEW else None

    def _close_window(self, order: "_Order", after: "_Place | None") -> "_Place | None":
        """Find the end of the next window; None if it covers the rest.

        It counts attributes that held at any time, so a window has the same size for every time.
        """
        values = self._values(order.until)
        query = order.select(values, order.rank, order.entry).where(*order.span(after, None, values))
        rows = self._run(order.sort(query).offset(WINDOW - 1).limit(1), values)
        return (rows[0][0], int(rows[0][1])) if rows else None

    def _page(  # noqa: PLR0913, PLR0917 - the inputs of a page
        self,
        search: Search,
        namespaces: frozenset[str] | None,
        order: "_Order",
        after: "_Place | None",
        window: "_Place | None",
        driver: Comparison | None,
        limit: int,
    ) -> Rows:
        values = self._values(order.until)
        query = order.select(values, order.rank, order.entry, *versions.c)
        query = query.where(*order.span(after, window, values))
        if order.ranked is not None:
            query = query.where(versions.c.index == order.entry, _held(order.ranked, values))
        elif order.until is not None and order.rank is not _NO_RANK:
            query = query.where(versions.c.index < values.bind(order.until))
        if search.condition is not None:
            query = query.where(_clause(search.condition, values))
        if driver is not None:
            few = _candidates(driver, values).limit(FEW).subquery()
            query = query.where(versions.c.index.in_(select(few.c.version)))
        if namespaces is not None:
            query = query.where(_within(namespaces, values))
        return self._run(order.sort(query).limit(limit), values)

    def _values(self, until: int | None) -> _Values:
        return _Values(until, singly=self._connection.dialect.name == "postgresql")

    def _run(self, query: Executable, values: _Values) -> Rows:
        # Every search has its own shape, so it is not cached.
        return self._statements.run_once(self._connection, query, values.known)


_Place = tuple[str | float, int]


@dataclass(frozen=True)
class _Order:
    """The rank that orders versions, and the entry (or number) that breaks ties.

    `low` and `high` bound all matches, if they are known.
    """

    rank: ColumnElement[Any]
    entry: ColumnElement[Any]
    descending: bool
    until: int | None = None
    low: _Place | None = None
    high: _Place | None = None
    key: str | None = None
    ranked: FromClause | None = None

    def select(self, values: _Values, *columns: ColumnElement[Any]) -> Select[Any]:
        query = select(*columns)
        if self.ranked is None:
            return query
        one = self.ranked.c
        return query.where(one.key == values.bind(self.key), one.number.is_not(None))

    def span(self, after: _Place | None, last: _Place | None, values: _Values) -> list[ColumnElement[bool]]:
        """Build the conditions for the range after one place, up to another.

        There is one condition for each end: with two, a database may use the wrong one in its index and read
        everything between them.
        """
        near, far = (self.high, self.low) if self.descending else (self.low, self.high)
        first = after or near
        if after is not None and near is not None:
            first = min(after, near) if self.descending else max(after, near)
        here = self.entry if self.rank is _NO_RANK else tuple_(self.rank, self.entry)
        ends: list[ColumnElement[bool]] = []
        if first is not None:
            there = self._bind(first, values)
            ends.append(here < there if self.descending else here > there)
        if last is not None:
            there = self._bind(last, values)
            ends.append(here >= there if self.descending else here <= there)
        elif far is not None:
            there = self._bind(far, values)
            ends.append(here > there if self.descending else here < there)
        return ends

    def sort(self, query: Select[Any]) -> Select[Any]:
        columns = [self.entry] if self.rank is _NO_RANK else [self.rank, self.entry]
        return query.order_by(*(column.desc() if self.descending else column for column in columns))

    def _bind(self, place: _Place, values: _Values) -> ColumnElement[Any]:
        entry = values.bind(place[1])
        return entry if self.rank is _NO_RANK else tuple_(values.bind(place[0]), entry)


def _order_of(search: Search, namespaces: frozenset[str] | None, until: int | None) -> _Order:
    if search.order == "name":
        low, high = _name_bounds(search.condition, namespaces)
        # No version has the number 0.
        name, number = versions.c.name, versions.c.number
        return _Order(name, number, search.descending, until, low=(low, 0), high=(high, 0))
    if search.order in {"created", "version"}:
        # Times of versions never run backwards, so the order of entries is the order of times.
        end = None if until is None else (0.0, until)
        return _Order(_NO_RANK, versions.c.index, search.descending, until, high=end)
    ranked = _attributes(until)
    by, entry = ranked.c.number, ranked.c.version
    return _Order(by, entry, search.descending, until, key=search.order, ranked=ranked)


def _attributes(until: int | None) -> FromClause:
    """Select the attributes that hold now, or all that ever held."""
    if until is None:
        return attributes.alias()
    # Neither has a condition, so that PostgreSQL too merges both in the order of their indexes.
    still = select(
        *(attributes.c[name] for name in _ATTRIBUTE),
        cast(literal_column(str(_FOREVER)), past_attributes.c.until.type).label("until"),
    )
    once = select(*(past_attributes.c[name] for name in _ATTRIBUTE), past_attributes.c.until)
    return union_all(still, once).subquery()


def _held(one: FromClause, values: _Values) -> ColumnElement[bool]:
    """Build the condition that an attribute held at the time."""
    if values.until is None:
        return true()
    until = values.bind(values.until)
    return and_(one.c.since < until, one.c.until >= until)


def _name_bounds(condition: "Condition | None", namespaces: frozenset[str] | None) -> tuple[str, str]:
    """Return bounds on the names of all matches."""
    low, high = "", _LAST
    if namespaces:
        low, high = f"{min(namespaces)}/", f"{max(namespaces)}0"
    for part in condition.parts if isinstance(condition, And) else (condition,):
        if isinstance(part, Comparison) and part.field == "name" and part.op in {"=", "~"}:
            end = f"{part.value}{_LAST if part.op == '~' else chr(0x1)}"
            low, high = max(low, str(part.value)), min(high, end)
    return low, high


def _clause(condition: Condition, values: _Values) -> ColumnElement[bool]:
    match condition:
        case And(parts):
            return and_(*(_clause(part, values) for part in parts))
        case Or(parts):
            return or_(*(_clause(part, values) for part in parts))
        case Not(part):
            return not_(_clause(part, values))
        case Comparison():
            return _compare(condition, values)


def _compare(comparison: Comparison, values: _Values) -> ColumnElement[bool]:
    if comparison.field in COLUMNS:
        return _compare_column(_COLUMNS[comparison.field], comparison, values)
    if comparison.field == OWNER:
        # A model without an owner matches no comparison.
        return func.coalesce(_compare_column(_owner(values), comparison, values), false())
    if comparison.field == DIGEST:
        part: Select[Any] = select(literal_column("1")).where(
            contents.c.digest == values.bind(comparison.value), contents.c.version == versions.c.index
        )
        return part.exists() if comparison.op == "=" else ~part.exists()
    one = _attributes(values.until)
    key = f"{comparison.field}.{comparison.value}" if comparison.field in POINTERS else comparison.field
    attribute: Select[Any] = select(literal_column("1")).where(
        one.c.version == versions.c.index, one.c.key == values.bind(key), _held(one, values)
    )
    # An offset, even of 0, is an optimization fence for PostgreSQL.
    attribute = attribute.offset(0) if values.singly else attribute
    if comparison.field in POINTERS:
        return attribute.exists() if comparison.op == "=" else ~attribute.exists()
    column = one.c.text if isinstance(comparison.value, str) else one.c.number
    return attribute.where(_compare_column(column, comparison, values)).exists()


def _owner(values: _Values) -> ColumnElement[Any]:
    """Select the owner of the model of a version, now or at the time."""
    owned = select(owners.c.owner).where(owners.c.name == versions.c.name)
    if values.until is not None:
        owned = owned.where(owners.c.index < values.bind(values.until))
    return owned.order_by(owners.c.index.desc()).limit(1).scalar_subquery()


def _compare_column(
    column: ColumnElement[Any], comparison: Comparison, values: _Values
) -> ColumnElement[bool]:
    if comparison.op == "~":
        low, high = values.bind(comparison.value), values.bind(f"{comparison.value}{_LAST}")
        return and_(column >= low, column < high)
    return _OPERATORS[comparison.op](column, values.bind(comparison.value))


def _can_drive(comparison: Comparison) -> bool:
    return comparison.op != "!=" and comparison.field not in {"version", "created", "author", "size", OWNER}


def _candidates(comparison: Comparison, values: _Values) -> Select[Any]:
    """Select the entries of versions for which an indexed condition holds or, with `until`, ever held.

    They are ordered by the index: otherwise PostgreSQL, which assumes that numbers are spread evenly over all
    keys, may overestimate their number and scan the table until it has enough.
    """
    if comparison.field == "name":
        name = versions.c.name
        return _ordered(versions.c.index, name).where(_compare_column(name, comparison, values))
    if comparison.field == DIGEST:
        # A digest is in few namespaces, and the versions of each are in order.
        return _ordered(contents.c.version, contents.c.namespace).where(
            contents.c.digest == values.bind(comparison.value)
        )
    one = _attributes(values.until)
    key = f"{comparison.field}.{comparison.value}" if comparison.field in POINTERS else comparison.field
    column = one.c.text if isinstance(comparison.value, str) else one.c.number
    query = _ordered(one.c.version, column).where(one.c.key == values.bind(key))
    return query if comparison.field in POINTERS else query.where(_compare_column(column, comparison, values))


def _ordered(entry: ColumnElement[Any], column: ColumnElement[Any]) -> Select[Any]:
    # SQLite merges present and past attributes only if the ordering column is selected too.
    return select(entry.label("version"), column).order_by(column)


def _within(namespaces: frozenset[str], values: _Values) -> ColumnElement[bool]:
    # "0" is the character after "/".
    parts = [
        and_(versions.c.name >= values.bind(f"{name}/"), versions.c.name < values.bind(f"{name}0"))
        for name in sorted(namespaces)
    ]
    return or_(*parts) if parts else literal(1) == literal(0)


def _write_cursor(rank: object, entry: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([rank, entry]).encode()).decode()


def _read_cursor(cursor: str | None, search: Search) -> _Place | None:
    if cursor is None:
        return None
    try:
        rank, entry = json.loads(base64.urlsafe_b64decode(cursor))
        place = (rank, entry) if isinstance(rank, str) else (float(rank), entry)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidQuery(reason="the cursor does not belong to a search") from error
    is_name = search.order == "name"
    if isinstance(rank, str) is not is_name or type(entry) is not int or not 0 <= entry <= _FOREVER:
        raise InvalidQuery(reason="the cursor does not belong to a search with this order")
    return place
