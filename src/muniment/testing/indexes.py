"""The catalog and the lineage in memory."""

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from muniment.core.catalog.search import (
    ALIAS,
    DIGEST,
    OWNER,
    POINTERS,
    TARGET,
    And,
    Attribute,
    Comparison,
    Condition,
    Not,
    Or,
    Search,
)
from muniment.core.claims.lineage import Direction, Edge
from muniment.core.digests import Digest
from muniment.core.errors import InvalidQuery
from muniment.core.records import OwnerRecord, VersionRecord
from muniment.ports.catalog import VersionPage
from muniment.ports.lineage import Owned
from muniment.ports.projections import Projections

OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


# Beyond every entry.
_FAR: Final = 1 << 62

# The attributes of versions, by the entry of the version and their key.
Known: TypeAlias = dict[int, dict[str, Attribute]]


@dataclass
class Spell:
    """An attribute, with the entries at which it began and ended; None while it holds."""

    attribute: Attribute
    since: int
    until: int | None = None


@dataclass
class MemoryCatalog:
    """A Catalog in dictionaries, over the versions of some projections."""

    projections: Projections
    contents: Mapping[int, tuple[str, frozenset[Digest]]]
    spells: dict[tuple[int, str], list[Spell]] = field(default_factory=dict)

    def put(self, version: int, attributes: Iterable[Attribute], since: int) -> None:
        """Describe a version."""
        for attribute in attributes:
            self.remove(version, attribute.key, since)
            self.spells.setdefault((version, attribute.key), []).append(Spell(attribute, since))

    def remove(self, version: int, key: str, until: int) -> None:
        """Remove an attribute."""
        for spell in self.spells.get((version, key), []):
            if spell.until is None:
                spell.until = until

    def forget(self, version: int, key: str, since: int) -> None:
        """Erase an attribute permanently."""
        known = self.spells.get((version, key), [])
        self.spells[version, key] = [spell for spell in known if spell.since != since]

    def clear(self) -> None:
        """Forget all."""
        self.spells.clear()

    def search(
        self,
        search: Search,
        namespaces: frozenset[str] | None,
        cursor: str | None,
        limit: int,
        until: int | None = None,
    ) -> VersionPage:
        """Search for versions, one by one."""
        at = _FAR if until is None else until
        attributes = self.known(at)
        versions = [
            version
            for version in self.projections.select(VersionRecord)
            if version.index < at
            if namespaces is None or version.name.partition("/")[0] in namespaces
            if search.condition is None or _holds(version, search.condition, attributes)
            if _rank(version, search.order, attributes) is not None
        ]
        versions.sort(key=lambda v: (_rank(v, search.order, attributes), v.index), reverse=search.descending)
        if not (cursor or "0").isdigit():
            raise InvalidQuery(reason="the cursor does not belong to a search")
        start = int(cursor or 0)
        following = start + limit
        return VersionPage(versions[start:following], str(following) if following < len(versions) else None)

    def known(self, at: int = _FAR) -> Known:
        """Return the attributes that hold now, or held before an entry."""
        known: Known = {
            version: {f"{DIGEST}.{digest}": Attribute("", "") for digest in digests}
            for version, (_, digests) in self.contents.items()
        }
        for (version, key), spells in self.spells.items():
            for spell in spells:
                if spell.since < at and (spell.until is None or spell.until >= at):
                    known.setdefault(version, {})[key] = spell.attribute
        owners = {one.name: one.owner for one in self.projections.select(OwnerRecord) if one.index < at}
        for record in self.projections.select(VersionRecord):
            if record.name in owners:
                known.setdefault(record.index, {})[OWNER] = Attribute(OWNER, owners[record.name])
        return known


def _rank(version: VersionRecord, order: str, known: Known) -> Any:  # noqa: ANN401 - the value to order by
    columns = {"created": version.index, "name": version.name, "version": version.number}
    attribute = known.get(version.index, {}).get(order)
    return columns.get(order, None if attribute is None else attribute.number)


def _holds(version: VersionRecord, condition: Condition, known: Known) -> bool:
    match condition:
        case And(parts):
            return all(_holds(version, part, known) for part in parts)
        case Or(parts):
            return any(_holds(version, part, known) for part in parts)
        case Not(part):
            return not _holds(version, part, known)
        case Comparison():
            return _compare(version, condition, known)


def _compare(version: VersionRecord, comparison: Comparison, known: Known) -> bool:
    attributes = known.get(version.index, {})
    if comparison.field in {*POINTERS, DIGEST}:
        return (f"{comparison.field}.{comparison.value}" in attributes) is (comparison.op == "=")
    columns: dict[str, str | float] = {
        "name": version.name,
        "version": float(version.number),
        "created": version.published,
        "author": version.author,
        "size": float(version.size_bytes),
    }
    value = columns.get(comparison.field)
    if value is None:
        attribute = attributes.get(comparison.field)
        if attribute is None:
            return False
        value = attribute.text if isinstance(comparison.value, str) else attribute.number
    if value is None:
        return False
    if comparison.op == "~":
        return str(value).startswith(str(comparison.value))
    if comparison.op == "!=":
        return value != comparison.value
    return bool(OPERATORS[comparison.op](value, comparison.value))


@dataclass
class MemoryLineage:
    """A Lineage in a dictionary, over the versions and attributes of a catalog."""

    catalog: MemoryCatalog
    edges: dict[tuple[str, str, str, str], Edge]

    def put(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Add edges."""
        for edge in edges:
            self.edges.setdefault((edge.child, edge.parent, namespace, edge.relation), edge)

    def remove(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Take edges away."""
        for edge in edges:
            self.edges.pop((edge.child, edge.parent, namespace, edge.relation), None)

    def walk(
        self, root: str, direction: Direction, namespaces: Collection[str] | None, limit: int
    ) -> list[str]:
        """List the nodes that can be reached."""
        reached = {root: None}
        for node in (waiting := [root]):
            for edge in self.list_edges({node}, direction, namespaces):
                there = edge.parent if direction is Direction.UP else edge.child
                if there not in reached:
                    reached[there] = None
                    waiting.append(there)
        return list(reached)[:limit]

    def list_edges(
        self, nodes: Collection[str], direction: Direction, namespaces: Collection[str] | None
    ) -> list[Edge]:
        """List the edges from these nodes."""
        return [
            edge
            for (_, _, namespace, _), edge in sorted(self.edges.items())
            if namespaces is None or namespace in namespaces
            if (edge.child if direction is Direction.UP else edge.parent) in nodes
        ]

    def find_versions(self, nodes: Collection[str], namespaces: Collection[str] | None) -> list[Owned]:
        """Find versions by their manifests."""
        return [
            Owned(version, _pointers(known, ALIAS), _pointers(known, TARGET))
            for version in self.catalog.projections.select(VersionRecord)
            if version.revision.removeprefix("sha256:") in nodes
            if namespaces is None or version.name.partition("/")[0] in namespaces
            for known in [self.catalog.known().get(version.index, {})]
        ]

    def clear(self) -> None:
        """Forget all."""
        self.edges.clear()


def _pointers(known: Mapping[str, Attribute], kind: str) -> tuple[str, ...]:
    return tuple(sorted(attribute.text for key, attribute in known.items() if key.startswith(f"{kind}.")))
