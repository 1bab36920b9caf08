"""Every port in memory: the same promises as the real stores, but for durability."""

import copy
import io
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, BinaryIO, Final, TypeVar, cast

import uuid_utils

from muniment.core.backend import Stored
from muniment.core.callers import Caller
from muniment.core.commands import RegisterPrincipal
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, InvalidQuery, LogInconsistent, MunimentError
from muniment.core.folding import Change, Put
from muniment.core.lineage import Direction, Edge
from muniment.core.payloads import Payload
from muniment.core.records import Key, KeyRecord, Record, Value, VersionRecord
from muniment.core.search import ALIAS, POINTERS, TARGET, And, Comparison, Condition, Fact, Not, Or, Search
from muniment.log.tree import Frontier, Node, hash_leaf
from muniment.ports.blobs import BlobStore, Kept
from muniment.ports.catalog import Found
from muniment.ports.holdings import GARBAGE
from muniment.ports.jobs import Job
from muniment.ports.lineage import Owned
from muniment.ports.projections import Where
from muniment.ports.retries import Answered
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.services.backend import LocalBackend
from muniment.services.found import found
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner

_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)

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
        return [digest for digest in self.labels.get(label, []) if digest in self.texts]

    def erase(self, digest: str) -> bool:
        """Forget a text."""
        return self.texts.pop(digest, None) is not None


class MemoryBlobs:
    """A BlobStore in a dictionary."""

    def __init__(self) -> None:
        """Begin empty."""
        self.blobs: dict[Digest, bytes] = {}
        self.modified: dict[Digest, datetime] = {}
        self.aside: dict[Digest, bytes] = {}

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

    def find(self, digest: Digest) -> Kept | None:
        """Look at one."""
        if digest not in self.blobs:
            return None
        return Kept(digest, len(self.blobs[digest]), self.modified.get(digest, _BEGINNING))

    def list(self) -> Iterator[Kept]:
        """List all."""
        for digest, data in list(self.blobs.items()):
            yield Kept(digest, len(data), self.modified.get(digest, _BEGINNING))

    def remove(self, digest: Digest) -> None:
        """Remove one."""
        self.blobs.pop(digest, None)

    def set_aside(self, digest: Digest) -> str:
        """Move one away."""
        self.aside[digest] = self.blobs.pop(digest)
        return f"aside/{digest.hex}"


@dataclass
class MemoryHoldings:
    """Holdings in a dictionary."""

    held: dict[tuple[Digest, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, holder: str, blobs: Sequence[Stored], time: str) -> int:
        """Let a holder hold blobs."""
        new = {blob.digest: blob.size_bytes for blob in blobs if (blob.digest, holder) not in self.held}
        self.held |= {(digest, holder): (size, time) for digest, size in new.items()}
        return sum(new.values())

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Give sizes."""
        if holders is None:
            return {digest: size for (digest, _), (size, _) in self.held.items() if digest in set(digests)}
        wanted = {(digest, holder) for digest in digests for holder in holders}
        return {
            digest: size for (digest, holder), (size, _) in self.held.items() if (digest, holder) in wanted
        }

    def measure(self, holder: str) -> int:
        """Sum up."""
        return sum(size for (_, held_by), (size, _) in self.held.items() if held_by == holder)

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List what nobody needs."""
        busy = {d for (d, holder), (_, time) in self.held.items() if holder[0] != "~" or time >= before}
        return [digest for digest in dict.fromkeys(d for d, _ in self.held) if digest not in busy][:limit]

    def drop(self, digests: Sequence[Digest], holder: str | None = None) -> None:
        """Forget holders."""
        gone = set(digests)
        self.held = {
            key: value
            for key, value in self.held.items()
            if key[0] not in gone or holder not in {None, key[1]}
        }

    def list_of(self, holder: str) -> list[Digest]:
        """List what a holder holds."""
        return [digest for digest, held_by in self.held if held_by == holder]

    def clear(self) -> None:
        """Forget namespaces."""
        self.held = {key: value for key, value in self.held.items() if key[1][0] == "~" or key[1] == GARBAGE}


@dataclass
class MemoryRetries:
    """Retries in a dictionary."""

    answered: dict[tuple[str, str], tuple[Answered, str]] = field(default_factory=dict)

    def find(self, caller: str, key: str) -> Answered | None:
        """Find one."""
        found = self.answered.get((caller, key))
        return None if found is None else found[0]

    def keep(self, caller: str, key: str, answered: Answered, time: str) -> None:
        """Keep one."""
        self.answered[caller, key] = (answered, time)

    def forget(self, before: str) -> int:
        """Forget old ones."""
        old = [key for key, (_, time) in self.answered.items() if time < before]
        for key in old:
            del self.answered[key]
        return len(old)


@dataclass
class MemoryUploads:
    """Uploads in a dictionary."""

    known: dict[str, Upload] = field(default_factory=dict)

    def put(self, upload: Upload) -> None:
        """Keep one."""
        self.known[upload.id] = upload

    def find(self, upload: str) -> Upload | None:
        """Find one."""
        return self.known.get(upload)

    def list_idle(self, before: str, limit: int) -> list[Upload]:
        """List those that stand still."""
        return [upload for upload in self.known.values() if upload.touched < before][:limit]

    def measure(self, principal: str) -> int:
        """Sum up."""
        return sum(u.size_bytes for u in self.known.values() if u.principal == principal and not u.result)

    def list_ids(self) -> list[str]:
        """List all."""
        return list(self.known)

    def drop(self, upload: str) -> None:
        """Forget one."""
        self.known.pop(upload, None)


@dataclass
class MemoryCatalog:
    """A Catalog in dictionaries, over the versions of some projections."""

    projections: MemoryProjections
    facts: dict[int, dict[str, Fact]] = field(default_factory=dict)

    def put(self, version: int, facts: Iterable[Fact]) -> None:
        """Describe a version."""
        self.facts.setdefault(version, {}).update({fact.key: fact for fact in facts})

    def remove(self, version: int, key: str) -> None:
        """Take a fact away."""
        self.facts.get(version, {}).pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self.facts.clear()

    def search(
        self, search: Search, namespaces: frozenset[str] | None, cursor: str | None, limit: int
    ) -> Found:
        """Look versions up, one by one."""
        versions = [
            version
            for version in self.projections.select(VersionRecord)
            if namespaces is None or version.name.partition("/")[0] in namespaces
            if search.condition is None or self._holds(version, search.condition)
            if self._rank(version, search.order) is not None
        ]
        versions.sort(key=lambda v: (self._rank(v, search.order), v.index), reverse=search.descending)
        if not (cursor or "0").isdigit():
            raise InvalidQuery(reason="the cursor is not one that a search gave")
        start = int(cursor or 0)
        following = start + limit
        return Found(versions[start:following], str(following) if following < len(versions) else None)

    def _rank(self, version: VersionRecord, field_: str) -> Any:  # noqa: ANN401 - whatever is ordered by
        columns = {"created": version.index, "name": version.name, "version": version.number}
        fact = self.facts.get(version.index, {}).get(field_)
        return columns.get(field_, None if fact is None else fact.number)

    def _holds(self, version: VersionRecord, condition: Condition) -> bool:
        match condition:
            case And(parts):
                return all(self._holds(version, part) for part in parts)
            case Or(parts):
                return any(self._holds(version, part) for part in parts)
            case Not(part):
                return not self._holds(version, part)
            case Comparison():
                return self._compare(version, condition)

    def _compare(self, version: VersionRecord, found: Comparison) -> bool:
        facts = self.facts.get(version.index, {})
        if found.field in POINTERS:
            return (f"{found.field}.{found.value}" in facts) is (found.op == "=")
        columns: dict[str, str | float] = {
            "name": version.name,
            "version": float(version.number),
            "created": version.published,
            "author": version.author,
            "size": float(version.size_bytes),
        }
        value = columns.get(found.field)
        if value is None:
            fact = facts.get(found.field)
            if fact is None:
                return False
            value = fact.text if isinstance(found.value, str) else fact.number
        if value is None:
            return False
        if found.op == "~":
            return str(value).startswith(str(found.value))
        if found.op == "!=":
            return value != found.value
        return bool(_OPERATORS[found.op](value, found.value))


@dataclass
class MemoryJobs:
    """Jobs in a dictionary."""

    known: dict[str, Job] = field(default_factory=dict)

    def add(self, job: Job) -> None:
        """Add one."""
        self.known.setdefault(job.id, job)

    def lease(self, now: str, until: str) -> Job | None:
        """Take one."""
        for job in self.list():
            if job.due <= now and job.leased < now:
                self.known[job.id] = replace(job, leased=until)
                return self.known[job.id]
        return None

    def put(self, job: Job) -> None:
        """Keep one."""
        self.known[job.id] = job

    def drop(self, job: str) -> None:
        """Forget one."""
        self.known.pop(job, None)

    def list(self) -> list[Job]:
        """List all."""
        return sorted(self.known.values(), key=lambda job: (job.due, job.id))


@dataclass
class MemoryLineage:
    """A Lineage in a dictionary, over the versions and facts of a catalog."""

    catalog: MemoryCatalog
    edges: dict[tuple[str, str, str, str], Edge]

    def put(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Add edges."""
        for edge in edges:
            self.edges.setdefault((edge.child, edge.parent, namespace, edge.relation), edge)

    def walk(
        self, root: str, direction: Direction, namespaces: Collection[str] | None, limit: int
    ) -> list[str]:
        """List what is reached."""
        found = {root: None}
        for node in (waiting := [root]):
            for edge in self.list_edges({node}, direction, namespaces):
                there = edge.parent if direction is Direction.UP else edge.child
                if there not in found:
                    found[there] = None
                    waiting.append(there)
        return list(found)[:limit]

    def list_edges(
        self, nodes: Collection[str], direction: Direction, namespaces: Collection[str] | None
    ) -> list[Edge]:
        """List the edges that lead from some nodes."""
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
            for known in [self.catalog.facts.get(version.index, {})]
        ]

    def clear(self) -> None:
        """Forget all."""
        self.edges.clear()


def _pointers(known: Mapping[str, Fact], kind: str) -> tuple[str, ...]:
    return tuple(sorted(fact.text for key, fact in known.items() if key.startswith(f"{kind}.")))


@dataclass
class MemoryUnit:
    """A Unit of all of these."""

    blobs: MemoryBlobs
    log: MemoryLog = field(default_factory=MemoryLog)
    projections: MemoryProjections = field(default_factory=MemoryProjections)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    holdings: MemoryHoldings = field(default_factory=MemoryHoldings)
    retries: MemoryRetries = field(default_factory=MemoryRetries)
    uploads: MemoryUploads = field(default_factory=MemoryUploads)
    catalog: MemoryCatalog = field(init=False)
    facts: dict[int, dict[str, Fact]] = field(default_factory=dict)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    lineage: MemoryLineage = field(init=False)
    edges: dict[tuple[str, str, str, str], Edge] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let the catalog and the lineage look at these very versions."""
        self.catalog = MemoryCatalog(self.projections, self.facts)
        self.lineage = MemoryLineage(self.catalog, self.edges)


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
                copy.deepcopy(self._state.holdings),
                copy.deepcopy(self._state.retries),
                copy.deepcopy(self._state.uploads),
                copy.deepcopy(self._state.facts),
                copy.deepcopy(self._state.jobs),
                copy.deepcopy(self._state.edges),
            )
            result = work(draft)
            self._state = draft
            return result

    def write_all(self, works: Sequence[Callable[[Unit], T]]) -> list[T | BaseException]:
        """Do works, one after the other."""
        results: list[T | BaseException] = []
        for work in works:
            try:
                results.append(self.write(work))
            except MunimentError as error:
                results.append(error)
        return results

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
    return open_over(MemoryUnits(blobs), blobs, start)


def open_over(
    units: Units, blobs: BlobStore, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
) -> Callable[[Identity], LocalBackend]:
    """Found a registry over any stores; as `open_memory`."""
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
                Transaction(
                    unit=unit, caller=Caller(principal=nonces()), clock=clock, nonces=nonces, keys=keys
                ),
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
            caller=Caller(principal=key.principal if key and key.revoked is None else None),
        )

    return open_as


def _salted(text: str) -> Payload:
    return Payload(salt=str(uuid_utils.uuid4()), text=text)


def _holds(found: Value, condition: Where) -> bool:
    if condition.value is None or found is None:
        return condition.op == "=" and found is condition.value
    return bool(_OPERATORS[condition.op](found, condition.value))
