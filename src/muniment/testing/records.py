"""The log, its index, projections and payloads in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from muniment.core.errors import LogInconsistent
from muniment.core.payloads import Payload
from muniment.core.records import Change, Key, Put, Record, Where
from muniment.log.index_pages import MemoryPages, PagedIndex
from muniment.log.tree import Frontier, Node, hash_leaf

R = TypeVar("R", bound=Record)


@dataclass
class MemoryLog:
    """An EventLog in lists."""

    leaves: list[bytes] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    nodes: dict[Node, bytes] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=lambda: Frontier(0, []))

    def size(self) -> int:
        """Count the leaves."""
        return len(self.leaves)

    def append(self, leaf: bytes, time: str) -> int:
        """Add a leaf."""
        self.leaves.append(leaf)
        self.times.append(time)
        self.nodes.update(self.frontier.append(hash_leaf(leaf)))
        return len(self.leaves) - 1

    def read(self, start: int, limit: int) -> list[bytes]:
        """Read leaves from an index on."""
        return self.leaves[start : start + limit]

    def pick(self, indexes: Sequence[int]) -> list[bytes]:
        """Read the leaves at some indexes."""
        return [self.leaves[index] for index in indexes]

    def read_nodes(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Read the hashes of nodes."""
        try:
            return {node: self.nodes[node] for node in nodes}
        except KeyError as error:
            raise LogInconsistent(reason=f"the hash of {error} is missing") from error

    def last_time(self) -> str:
        """Return the newest time."""
        return self.times[-1] if self.times else ""

    def count_until(self, time: str) -> int:
        """Count the leaves at or before a time."""
        return sum(1 for appended in self.times if appended <= time)


class MemoryIndex(PagedIndex):
    """A SubjectIndex in a dictionary."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(MemoryPages())


@dataclass
class MemoryProjections:
    """Projections in dictionaries."""

    tables: dict[str, dict[Key, Record]] = field(default_factory=dict)

    def apply(self, changes: Iterable[Change]) -> None:
        """Add and amend records."""
        for change in changes:
            if isinstance(change, Put):
                table = self.tables.setdefault(change.record.table, {})
                table[change.record.identity()] = change.record
            else:
                table = self.tables[change.kind.table]
                table[change.key] = change.amend(table[change.key])

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find a record."""
        return cast("R | None", self.tables.get(kind.table, {}).get(key))

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List records."""
        records = [
            record
            for record in cast("Iterable[R]", self.tables.get(kind.table, {}).values())
            if all(condition.holds(record) for condition in conditions)
        ]
        records.sort(key=lambda record: cast("int", getattr(record, order)), reverse=descending)
        return records[:limit]

    def clear(self) -> None:
        """Delete everything."""
        self.tables.clear()


@dataclass
class MemoryPayloads:
    """Payloads in dictionaries."""

    texts: dict[str, Payload] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, tuple[str | None, bool]] = field(default_factory=dict)

    def put(
        self,
        payload: Payload,
        *,
        label: str | None = None,
        principal: str | None = None,
        personal: bool = False,
    ) -> str:
        """Store a payload."""
        digest = str(payload.digest)
        if digest in self.texts:
            return digest
        self.texts[digest] = payload
        self.owners[digest] = (principal, personal)
        if label is not None:
            self.labels.setdefault(label, []).append(digest)
        return digest

    def find(self, digest: str) -> str | None:
        """Find a text."""
        return None if digest not in self.texts else self.texts[digest].text

    def pick(self, digest: str) -> Payload | None:
        """Find a text with its salt."""
        return self.texts.get(digest)

    def find_of(self, principal: str, *, personal: bool) -> list[str]:
        """Find the payloads of a principal."""
        return [
            digest
            for digest in self.texts
            if self.owners[digest][0] == principal and self.owners[digest][1] >= personal
        ]

    def find_labelled(self, label: str) -> list[str]:
        """Find the payloads with a label."""
        return [digest for digest in self.labels.get(label, []) if digest in self.texts]

    def erase(self, digest: str) -> bool:
        """Erase a text."""
        return self.texts.pop(digest, None) is not None
