"""Rebuild the projections from the log, or compare them with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from muniment.answers.replay.records import ReplayedRecords
from muniment.answers.replay.replaying import Replay
from muniment.answers.replay.state import ReplayedView
from muniment.answers.salts import find_salt
from muniment.core.errors import AuditFailed, LogInconsistent
from muniment.core.events import Entry, IndexSealed, RegistryCreated, read_entry
from muniment.core.records import RECORDS, Key, Record, Value
from muniment.log.index import IndexHead
from muniment.log.index_growth import IndexGrowth
from muniment.log.tree import EMPTY_ROOT, Frontier, Node, hash_leaf, read_root
from muniment.ports.unit import Unit
from muniment.services.bytes.custody import restore
from muniment.services.catalog import attributes
from muniment.services.claims import describing
from muniment.services.versions.lifecycle import replay_lifecycle

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A row that differs from the log. `expected` or `actual` is None if the row is absent there."""

    table: str
    key: Key
    expected: dict[str, Value] | None
    actual: dict[str, Value] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ; all of them if the row is missing or surplus."""
        expected, actual = self.expected or {}, self.actual or {}
        names = expected or actual
        return tuple(name for name in names if expected.get(name) != actual.get(name))

    def __str__(self) -> str:
        """Name the row and its fault."""
        row = f"{self.table}[{', '.join(str(part) for part in self.key)}]" if self.key else self.table
        if self.actual is None:
            return f"{row} is missing"
        if self.expected is None:
            return f"{row} is in no entry of the log"
        return f"{row}: " + ", ".join(
            f"{name} is {self.actual[name]!r}, the log says {self.expected[name]!r}" for name in self.columns
        )


def rebuild(unit: Unit) -> int:
    """Replay the log into emptied projections and indexes; return the number of entries.

    All of it happens in the caller's transaction, so readers see the old rows until it commits.

    Raises:
        LogInconsistent: the log does not hash to its own tree; then nothing changes.
    """
    unit.projections.clear()
    unit.holdings.clear()
    unit.contents.clear()
    unit.catalog.clear()
    unit.lineage.clear()
    count = 0
    for entry in read_log(unit):
        unit.projections.apply(entry.fold())
        restore(unit, entry)
        replay_lifecycle(unit, entry)
        attributes.replay_attributes(unit, entry)
        describing.replay_claims(unit, entry)
        count += 1
    unit.index.rebuild(_list_subjects(unit))
    return count


def compare(unit: Unit) -> list[Difference]:
    """Fold the log again and list each row that differs; changes nothing.

    Raises:
        LogInconsistent: the log does not hash to its own tree.
    """
    expected = ReplayedRecords()
    for entry in read_log(unit):
        for change in entry.fold():
            expected.apply(change)
    differences = []
    for kind in RECORDS:
        actual = {record.identity(): record for record in unit.projections.select(kind)}
        wanted = expected.tables.get(kind, {})
        differences += [
            Difference(
                table=kind.table, key=key, expected=_values(wanted.get(key)), actual=_values(actual.get(key))
            )
            for key in sorted({*wanted, *actual})
            if wanted.get(key) != actual.get(key)
        ]
    return differences + _compare_index(unit)


def find_false(unit: Unit) -> AuditFailed | None:
    """Replay the log; return the first entry that cannot be true after those before it."""
    replay: Replay | None = None
    try:
        for entry in read_log(unit):
            if replay is None:
                key = entry.event.log_key if isinstance(entry.event, RegistryCreated) else ""
                replay = Replay(
                    ReplayedView(unit.blobs),
                    key,
                    partial(find_salt, unit),
                    lambda size: read_root(size, unit.log.read_nodes),
                )
            replay.take(entry)
        if replay is not None:
            replay.end()
    except AuditFailed as fault:
        return fault
    return None


def _compare_index(unit: Unit) -> list[Difference]:
    """Make the index again from the entries; compare its roots with the sealed ones, and with its own."""
    growth = IndexGrowth()
    stated = []
    for number, entry, leaf_hash in _list_leaves(unit):
        if isinstance(entry.event, IndexSealed):
            stated.append((number, IndexHead(entry.event.size, bytes.fromhex(entry.event.root.hex))))
        growth.add(leaf_hash, _hashes_of(entry))
    stated.append((unit.log.size(), unit.index.head()))
    sizes = [size for size, _ in stated]
    heads = zip(map(IndexHead, sizes, growth.list_roots(sizes)), [said for _, said in stated], strict=True)
    return [
        Difference(table="index", key=(), expected=_describe_head(made), actual=_describe_head(said))
        for made, said in heads
        if made != said
    ]


def _list_subjects(unit: Unit) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    """List the hash of each leaf, and the hashes of the subjects of its entry."""
    for _, entry, leaf_hash in _list_leaves(unit):
        yield leaf_hash, _hashes_of(entry)


def _list_leaves(unit: Unit) -> Iterator[tuple[int, Entry, bytes]]:
    size = unit.log.size()
    for start in range(0, size, _PAGE):
        for index, leaf in enumerate(unit.log.read(start, min(_PAGE, size - start)), start):
            yield index, read_entry(leaf, index), hash_leaf(leaf)


def _hashes_of(entry: Entry) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, entry.about))


def _describe_head(head: IndexHead) -> dict[str, Value]:
    return {"size": head.size, "root": head.root.hex()}


def read_log(unit: Unit) -> Iterator[Entry]:
    """Read the log from its first entry and hash it again; the last step compares the roots.

    Raises:
        LogInconsistent: an entry or a stored hash was altered.
    """
    size = unit.log.size()
    frontier = Frontier(0, [])
    for start in range(0, size, _PAGE):
        leaves = unit.log.read(start, min(_PAGE, size - start))
        made = dict(node for leaf in leaves for node in frontier.append(hash_leaf(leaf)))
        stored = unit.log.read_nodes([node for node in made if node.level == 0])
        for index, leaf in enumerate(leaves, start):
            if stored[Node(0, index)] != made[Node(0, index)]:
                raise LogInconsistent(reason=f"entry {index} was altered")
            yield read_entry(leaf, index)
    if frontier.size != size:
        raise LogInconsistent(reason=f"{size - frontier.size} of {size} entries are missing")
    root = read_root(size, unit.log.read_nodes) if size else EMPTY_ROOT
    if frontier.root != root:
        raise LogInconsistent(reason="the stored hashes do not match the entries")


def _values(record: Record | None) -> dict[str, Value] | None:
    return None if record is None else record.values()
