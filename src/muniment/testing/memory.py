"""Every port in memory: the same promises as the real stores, except durability."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TypeVar, cast

import uuid_utils

from muniment.core.claims.lineage import Edge
from muniment.core.errors import MunimentError
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.records import KeyRecord
from muniment.core.verbs.people import RegisterPrincipal
from muniment.ports.blobs import BlobStore
from muniment.ports.unit import Unit, Units
from muniment.services.backend import LocalBackend
from muniment.services.bytes.reads import ReadNotes
from muniment.services.people.founding import found_registry
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner
from muniment.testing.bytes import MemoryBlobs, MemoryContents, MemoryHoldings, MemoryUploads
from muniment.testing.indexes import MemoryCatalog, MemoryLineage, Spell
from muniment.testing.records import MemoryIndex, MemoryLog, MemoryPayloads, MemoryProjections
from muniment.testing.upkeep import MemoryCursors, MemoryJobs, MemoryOutbox, MemoryPendingReads, MemoryRetries

T = TypeVar("T")
V = TypeVar("V")


@dataclass
class MemoryUnit:
    """A Unit of the stores in memory."""

    blobs: MemoryBlobs
    log: MemoryLog = field(default_factory=MemoryLog)
    index: MemoryIndex = field(default_factory=MemoryIndex)
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
    reads: MemoryPendingReads = field(default_factory=MemoryPendingReads)

    def __post_init__(self) -> None:
        """Connect the catalog and the lineage to the projections."""
        self.catalog = MemoryCatalog(self.projections, self.contents.known, self.spells)
        self.lineage = MemoryLineage(self.catalog, self.edges)


class MemoryUnits:
    """Units over one state. A write works on a copy, which replaces the state after success."""

    def __init__(self, blobs: MemoryBlobs) -> None:
        """Start empty."""
        self._state = MemoryUnit(blobs)
        self._lock = RLock()

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work completely, or not at all."""
        with self._lock:
            draft = MemoryUnit(
                self._state.blobs,
                copy.deepcopy(self._state.log),
                copy.deepcopy(self._state.index),
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
                copy.deepcopy(self._state.reads),
            )
            result = work(draft)
            self._state = draft
            return result

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], V]
    ) -> tuple[list[T | BaseException], V | None]:
        """Do works in turn."""
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
        """Do the work on the current state."""
        with self._lock:
            return work(self._state)

    def copy(self) -> "MemoryUnits":
        """Give units over the present state; what is written to either does not show in the other."""
        units = MemoryUnits(self._state.blobs)
        units._state = self._state
        return units

    def close(self) -> None:
        """Do nothing."""


def copy_memory(backend: LocalBackend) -> LocalBackend:
    """Give a registry in memory as it is now; what is done to either does not show in the other."""
    copied = copy.copy(backend)
    copied._units = cast("MemoryUnits", backend._units).copy()  # noqa: SLF001 - a backend of ours
    return copied


def open_memory(start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Callable[[Identity], LocalBackend]:
    """Found a registry in memory; return a function that opens it with a key. The first key is the founder's.

    Its clock starts at `start` and advances one second per call, so tests are reproducible.
    """
    blobs = MemoryBlobs()
    return open_over(MemoryUnits(blobs), blobs, start)


def open_over(
    units: Units, blobs: BlobStore, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
) -> Callable[[Identity], LocalBackend]:
    """Found a registry over any stores, like `open_memory`."""
    keys = RegistryKeys(
        log=NoteSigner("muniment.dev/memory", Identity.generate(Algorithm.ED25519)),
        verdicts=Identity.generate(),
    )
    ticks = iter(range(10**9))

    def clock() -> datetime:
        return start + timedelta(seconds=next(ticks))

    def nonces() -> str:
        return str(uuid_utils.uuid7())

    notes = ReadNotes(units, clock)

    def open_as(identity: Identity) -> LocalBackend:
        owner = RegisterPrincipal(name=Payload.of("founder"), public_key=identity.public.pem)
        units.write(
            lambda unit: found_registry(
                Transaction(
                    unit=unit, caller=Caller(principal=nonces()), clock=clock, nonces=nonces, keys=keys
                ),
                owner,
                Payload.of("the registry"),
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
            notes=notes,
        )

    return open_as
