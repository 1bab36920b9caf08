"""Every port in memory: the same promises as the real stores, but for durability."""

import copy
import io
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import BinaryIO, Final, TypeVar, cast

import uuid_utils

from muniment.core.backend import Stored
from muniment.core.commands import RegisterPrincipal
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, LogInconsistent
from muniment.core.payloads import Payload
from muniment.core.records import Change, Key, KeyRecord, Put, Record, Value
from muniment.log.tree import Frontier, Node, hash_leaf
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.backend import LocalBackend
from muniment.services.found import found
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner

R = TypeVar("R", bound=Record)
T = TypeVar("T")

_OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


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
        """Give leaves."""
        return self.leaves[start : start + limit]

    def read_nodes(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Give hashes."""
        try:
            return {node: self.nodes[node] for node in nodes}
        except KeyError as error:
            raise LogInconsistent(reason=f"the hash of {error} is missing") from error

    def last_time(self) -> str:
        """Give the newest time."""
        return self.times[-1] if self.times else ""

    def count_until(self, time: str) -> int:
        """Count the leaves at or before a time."""
        return sum(1 for appended in self.times if appended <= time)


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
                table[change.key] = replace(table[change.key], **dict(change.values))  # type: ignore[arg-type] # the columns of that kind

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
        found = [
            record
            for record in cast("Iterable[R]", self.tables.get(kind.table, {}).values())
            if all(_holds(getattr(record, c.column), c) for c in conditions)
        ]
        found.sort(key=lambda record: cast("int", getattr(record, order)), reverse=descending)
        return found[:limit]

    def clear(self) -> None:
        """Drop all."""
        self.tables.clear()


@dataclass
class MemoryPayloads:
    """Payloads in dictionaries."""

    texts: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    def put(self, payload: Payload, label: str | None = None) -> str:
        """Keep a payload."""
        digest = str(payload.digest)
        self.texts[digest] = payload.text
        if label is not None:
            self.labels.setdefault(label, []).append(digest)
        return digest

    def find(self, digest: str) -> str | None:
        """Find a text."""
        return self.texts.get(digest)

    def find_labelled(self, label: str) -> list[str]:
        """Find by label."""
        return list(self.labels.get(label, []))


class MemoryBlobs:
    """A BlobStore in a dictionary."""

    def __init__(self) -> None:
        """Begin empty."""
        self.blobs: dict[Digest, bytes] = {}

    def add(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        data = source.read()
        return Stored(digest=self.add_documents([data])[0], size_bytes=len(data))

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store blobs."""
        digests = [Digest.of(document) for document in documents]
        self.blobs.update(zip(digests, documents, strict=True))
        return digests

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
        if digest not in self.blobs:
            raise BlobNotFound(digest=str(digest))
        return io.BytesIO(self.blobs[digest])

    def find_size(self, digest: Digest) -> int | None:
        """Give a size."""
        return len(self.blobs[digest]) if digest in self.blobs else None


@dataclass
class MemoryUnit:
    """A Unit of all of these."""

    blobs: MemoryBlobs
    log: MemoryLog = field(default_factory=MemoryLog)
    projections: MemoryProjections = field(default_factory=MemoryProjections)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)


class MemoryUnits:
    """Units over one state; a write works on a copy, which takes its place when the work is done."""

    def __init__(self, blobs: MemoryBlobs) -> None:
        """Begin empty."""
        self._state = MemoryUnit(blobs)
        self._lock = RLock()

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work, or nothing of it."""
        with self._lock:
            draft = MemoryUnit(
                self._state.blobs,
                copy.deepcopy(self._state.log),
                copy.deepcopy(self._state.projections),
                copy.deepcopy(self._state.payloads),
            )
            result = work(draft)
            self._state = draft
            return result

    def read(self, work: Callable[[Unit], T]) -> T:
        """Do the work over the state as it is."""
        with self._lock:
            return work(self._state)

    def close(self) -> None:
        """Nothing is held."""


def open_memory(start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Callable[[Identity], LocalBackend]:
    """Found a registry in memory; give what opens it as somebody. The first to open it owns it.

    Its clock starts at `start` and moves one second at each look, so that tests are the same each time.
    """
    blobs = MemoryBlobs()
    units = MemoryUnits(blobs)
    keys = RegistryKeys(
        log=NoteSigner("muniment.dev/memory", Identity.generate(Algorithm.ED25519)),
        verdicts=Identity.generate(),
    )
    ticks = iter(range(10**9))

    def clock() -> datetime:
        return start + timedelta(seconds=next(ticks))

    def nonces() -> str:
        return str(uuid_utils.uuid7())

    def open_as(identity: Identity) -> LocalBackend:
        owner = RegisterPrincipal(name=_salted("owner"), public_key=identity.public.pem)
        units.write(
            lambda unit: found(
                Transaction(unit=unit, actor=nonces(), clock=clock, nonces=nonces, keys=keys),
                owner,
                _salted("the registry"),
            )
        )
        key = units.read(lambda unit: unit.projections.find(KeyRecord, (identity.public.id,)))
        return LocalBackend(
            units=units,
            blobs=blobs,
            clock=clock,
            nonces=nonces,
            keys=keys,
            actor=key.principal if key and key.revoked is None else None,
        )

    return open_as


def _salted(text: str) -> Payload:
    return Payload(salt=str(uuid_utils.uuid4()), text=text)


def _holds(found: Value, condition: Where) -> bool:
    if condition.value is None or found is None:
        return condition.op == "=" and found is condition.value
    return bool(_OPERATORS[condition.op](found, condition.value))
