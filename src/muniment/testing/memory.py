"""Every port in memory: the same promises as the real stores, but for durability."""

import copy
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import BinaryIO, Final, TypeVar, cast

import uuid_utils

from muniment.core.backend import Stored
from muniment.core.claims.lineage import Edge
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, LogInconsistent, MunimentError
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.records import Change, Key, KeyRecord, Put, Record, Value
from muniment.core.verbs.people import RegisterPrincipal
from muniment.log.tree import Frontier, Node, hash_leaf
from muniment.ports.blobs import BlobStore, Kept
from muniment.ports.cursors import Place
from muniment.ports.holdings import GARBAGE
from muniment.ports.jobs import Job
from muniment.ports.outbox import DeadLetter
from muniment.ports.projections import Where
from muniment.ports.retries import Answered
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.services.backend import LocalBackend
from muniment.services.people.founding import found_registry
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner
from muniment.testing.indexes import OPERATORS, MemoryCatalog, MemoryLineage, Spell

_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)

R = TypeVar("R", bound=Record)
T = TypeVar("T")
V = TypeVar("V")


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

    def pick(self, indexes: Sequence[int]) -> list[bytes]:
        """Return some leaves."""
        return [self.leaves[index] for index in indexes]

    def read_nodes(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Give hashes."""
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
        records = [
            record
            for record in cast("Iterable[R]", self.tables.get(kind.table, {}).values())
            if all(_holds(getattr(record, c.column), c) for c in conditions)
        ]
        records.sort(key=lambda record: cast("int", getattr(record, order)), reverse=descending)
        return records[:limit]

    def clear(self) -> None:
        """Drop all."""
        self.tables.clear()


@dataclass
class MemoryPayloads:
    """Payloads in dictionaries."""

    texts: dict[str, str] = field(default_factory=dict)
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
        """Keep a payload."""
        digest = str(payload.digest)
        if digest in self.texts:
            return digest
        self.texts[digest] = payload.text
        self.owners[digest] = (principal, personal)
        if label is not None:
            self.labels.setdefault(label, []).append(digest)
        return digest

    def find(self, digest: str) -> str | None:
        """Find a text."""
        return self.texts.get(digest)

    def find_of(self, principal: str, *, personal: bool) -> list[str]:
        """Find by principal."""
        return [
            digest
            for digest in self.texts
            if self.owners[digest][0] == principal and self.owners[digest][1] >= personal
        ]

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

    def add(self, holder: str, blobs: Sequence[Stored], time: str, *, fresh: bool = False) -> int:
        """Let a holder hold blobs."""
        assert not (fresh and any((blob.digest, holder) in self.held for blob in blobs)), "it looked"
        new = {blob.digest: blob.size_bytes for blob in blobs if (blob.digest, holder) not in self.held}
        self.held |= {(blob.digest, holder): (blob.size_bytes, time) for blob in blobs}
        return sum(new.values())

    def move(self, source: str, target: str, blobs: Sequence[Stored], time: str) -> None:
        """Give blobs from one holder to another."""
        for blob in blobs:
            assert (blob.digest, target) not in self.held, "it looked"
            size, _ = self.held.pop((blob.digest, source))
            self.held[blob.digest, target] = (size, time)

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Give sizes."""
        if holders is None:
            return {digest: size for (digest, _), (size, _) in self.held.items() if digest in set(digests)}
        wanted = {(digest, holder) for digest in digests for holder in holders}
        return {
            digest: size for (digest, holder), (size, _) in self.held.items() if (digest, holder) in wanted
        }

    def find_held(self, holders: Collection[str], digests: Sequence[Digest]) -> dict[str, dict[Digest, int]]:
        """Give sizes by holder."""
        return {holder: self.find_sizes([holder], digests) for holder in holders}

    def measure(self, holder: str) -> int:
        """Sum up."""
        return sum(size for (_, held_by), (size, _) in self.held.items() if held_by == holder)

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List what people hold for long."""
        idle = (digest for (digest, holder), (_, time) in self.held.items() if _is_idle(holder, time, before))
        return list(dict.fromkeys(idle))[:limit]

    def drop_idle(self, before: str, digests: Sequence[Digest]) -> None:
        """Forget people who hold blobs for long."""
        self.held = {
            key: (size, time)
            for key, (size, time) in self.held.items()
            if key[0] not in digests or not _is_idle(key[1], time, before)
        }

    def list_held(self, after: str, limit: int) -> list[Digest]:
        """List what namespaces hold."""
        held = {digest for digest, holder in self.held if holder[0] != "~" and holder != GARBAGE}
        return sorted(digest for digest in held if str(digest) > after)[:limit]

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


def _is_idle(holder: str, time: str, before: str) -> bool:
    return holder[0] == "~" and time < before


@dataclass
class MemoryContents:
    """Contents in a dictionary."""

    known: dict[int, tuple[str, frozenset[Digest]]] = field(default_factory=dict)

    def add(self, version: int, namespace: str, digests: Collection[Digest]) -> None:
        """Note what a version consists of."""
        assert version not in self.known, "it is new"
        self.known[version] = namespace, frozenset(digests)

    def find(self, digest: Digest, namespace: str, after: int, limit: int) -> list[int]:
        """List versions."""
        within = {entry: parts for entry, (where, parts) in self.known.items() if where == namespace}
        return sorted(entry for entry, parts in within.items() if digest in parts and entry > after)[:limit]

    def clear(self) -> None:
        """Forget all."""
        self.known.clear()


@dataclass
class MemoryRetries:
    """Retries in a dictionary."""

    answered: dict[tuple[str, str], tuple[Answered, str]] = field(default_factory=dict)

    def find(self, caller: str, key: str) -> Answered | None:
        """Find one."""
        answer = self.answered.get((caller, key))
        return None if answer is None else answer[0]

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

    def measure(self, principal: str, ahead_bytes: int) -> int:
        """Sum up."""
        open_ = [u for u in self.known.values() if u.principal == principal and not u.result]
        return sum(u.offset + ahead_bytes if u.size_bytes is None else u.size_bytes for u in open_)

    def list_ids(self) -> list[str]:
        """List all."""
        return list(self.known)

    def drop(self, upload: str) -> None:
        """Forget one."""
        self.known.pop(upload, None)


@dataclass
class MemoryOutbox:
    """An Outbox in dictionaries."""

    dead: dict[tuple[int, int], DeadLetter] = field(default_factory=dict)

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Keep a letter."""
        self.dead[webhook, letter.entry] = letter

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List letters."""
        return [letter for (hook, _), letter in sorted(self.dead.items()) if hook == webhook]

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Forget a letter."""
        self.dead.pop((webhook, entry), None)


@dataclass
class MemoryCursors:
    """Cursors in a dictionary."""

    places: dict[str, Place] = field(default_factory=dict)

    def find(self, reader: str) -> Place | None:
        """Find a place."""
        return self.places.get(reader)

    def put(self, reader: str, place: Place) -> None:
        """Keep a place."""
        self.places[reader] = place


@dataclass
class MemoryJobs:
    """Jobs in a dictionary."""

    known: dict[str, Job] = field(default_factory=dict)

    def add(self, job: Job) -> None:
        """Add one."""
        self.known.setdefault(job.id, job)

    def lease(self, kinds: Collection[str], now: str, until: str) -> Job | None:
        """Take one."""
        for job in self.list():
            if job.kind in kinds and job.due <= now and job.leased < now:
                self.known[job.id] = replace(job, leased=until)
                return self.known[job.id]
        return None

    def renew(self, job: Job, until: str) -> Job | None:
        """Lease one for longer."""
        if self.known.get(job.id) != job:
            return None
        self.known[job.id] = replace(job, leased=until)
        return self.known[job.id]

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
class MemoryUnit:
    """A Unit of all of these."""

    blobs: MemoryBlobs
    log: MemoryLog = field(default_factory=MemoryLog)
    projections: MemoryProjections = field(default_factory=MemoryProjections)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    holdings: MemoryHoldings = field(default_factory=MemoryHoldings)
    contents: MemoryContents = field(default_factory=MemoryContents)
    retries: MemoryRetries = field(default_factory=MemoryRetries)
    uploads: MemoryUploads = field(default_factory=MemoryUploads)
    catalog: MemoryCatalog = field(init=False)
    spells: dict[tuple[int, str], list[Spell]] = field(default_factory=dict)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    lineage: MemoryLineage = field(init=False)
    edges: dict[tuple[str, str, str, str], Edge] = field(default_factory=dict)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    cursors: MemoryCursors = field(default_factory=MemoryCursors)

    def __post_init__(self) -> None:
        """Let the catalog and the lineage look at these very versions."""
        self.catalog = MemoryCatalog(self.projections, self.contents.known, self.spells)
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
                copy.deepcopy(self._state.contents),
                copy.deepcopy(self._state.retries),
                copy.deepcopy(self._state.uploads),
                copy.deepcopy(self._state.spells),
                copy.deepcopy(self._state.jobs),
                copy.deepcopy(self._state.edges),
                copy.deepcopy(self._state.outbox),
                copy.deepcopy(self._state.cursors),
            )
            result = work(draft)
            self._state = draft
            return result

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], V]
    ) -> tuple[list[T | BaseException], V | None]:
        """Do works, one after the other."""
        results: list[T | BaseException] = []
        done: list[T] = []
        for work in works:
            try:
                done.append(self.write(work))
                results.append(done[-1])
            except MunimentError as error:
                results.append(error)
        return results, last(self._state, done)

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
        owner = RegisterPrincipal(name=_salted("founder"), public_key=identity.public.pem)
        units.write(
            lambda unit: found_registry(
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


def _holds(value: Value, condition: Where) -> bool:
    if condition.value is None or value is None:
        return condition.op == "=" and value is condition.value
    return bool(OPERATORS[condition.op](value, condition.value))
