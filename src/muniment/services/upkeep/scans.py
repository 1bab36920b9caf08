"""The registry's own scans: each scanner scans each version once, in log order, as a signed claim."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, Final, NamedTuple

from muniment.answers.claims import read_revision
from muniment.answers.statuses import status_of
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import SCAN
from muniment.core.claims.scans import Scan, ScanFinding, write_scan
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, Unavailable
from muniment.core.people.callers import REGISTRY, Caller
from muniment.core.records import VersionRecord, Where
from muniment.core.times import write_time
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.cursors import Place
from muniment.ports.jobs import Job
from muniment.ports.scanning import Scannable, Scanning
from muniment.ports.unit import Unit, Units
from muniment.services.claims.own import record_stored, sign_own
from muniment.services.transaction import RegistryKeys, Transaction

SCANNING: Final = "scan"
# The number of versions that share a commit, small enough that publishers hardly notice.
_AT_ONCE: Final = 50
# Other due jobs wait no longer than this.
_LONG: Final = timedelta(minutes=1)


class Scanned(NamedTuple):
    """A scanned version, and its scan."""

    version: VersionRecord
    scan: Scan

    @property
    def reference(self) -> str:
        """The reference of the version."""
        return f"{self.version.name}@{self.version.number}"


@dataclass(frozen=True, kw_only=True)
class Scans:
    """Scans the versions of a registry."""

    units: Units
    blobs: BlobStore
    scanning: Scanning
    clock: Clock
    nonces: Nonces
    keys: RegistryKeys

    def plan(self, unit: Unit, now: str) -> None:
        """Add a job if this scanner has not scanned every version."""
        if self._find_due(unit, 1):
            unit.jobs.add(Job(id=SCANNING, kind=SCANNING, payload="", due=now))

    def scan_next(self) -> list[Scanned]:
        """Scan the next versions and record the findings; returns an empty list if none are left.

        Raises:
            Unavailable: bytes cannot be read at the moment; earlier scans are recorded.
        """
        place, due = self.units.read(lambda unit: (self._find_place(unit), self._find_due(unit, _AT_ONCE)))
        begun = self.clock()
        done: list[Scanned] = []
        try:
            for version in due:
                done.append(Scanned(version, self._look_into(version)))
                if self.clock() - begun > _LONG:
                    break
        finally:
            self._record(place, done)
        return done

    def begin_again(self) -> None:
        """Scan every version again."""
        self.units.write(lambda unit: unit.cursors.put(self._reader, Place(0)))

    @property
    def _reader(self) -> str:
        return " ".join((SCANNING, *self.scanning.describe()))

    def _find_place(self, unit: Unit) -> Place:
        return unit.cursors.find(self._reader) or Place(0)

    def _find_due(self, unit: Unit, limit: int) -> list[VersionRecord]:
        start = Where("index", ">=", self._find_place(unit).next)
        return unit.projections.select(VersionRecord, start, limit=limit)

    def _look_into(self, version: VersionRecord) -> Scan:
        time = write_time(self.clock())
        try:
            files = self.units.read(lambda unit: self._list_files(unit, version))
        except Unavailable:
            raise
        except MunimentError as error:
            # `scrub` heals it; it must not keep other versions from being scanned.
            detail = f"the manifest cannot be read: {error.sentence}"
            findings = [ScanFinding("high", "manifest/unread", detail, "")]
        else:
            findings = self.scanning.scan(files)
        return Scan(write_scan(self.scanning.describe(), time, findings))

    def _list_files(self, unit: Unit, version: VersionRecord) -> list[Scannable]:
        if status_of(unit, version) is Status.PURGED:
            # Nothing is left to load.
            return []
        revision = read_revision(unit, Digest.parse(version.revision))
        return [Scannable(file.path, file.size_bytes, self._opener(file.digest)) for file in revision.files]

    def _opener(self, digest: Digest) -> Callable[[], BinaryIO]:
        return lambda: self.blobs.open(digest)

    def _record(self, place: Place, done: list[Scanned]) -> None:
        """Sign the scans and record them, unless another replica already did."""
        if not done:
            return
        signed = [sign_own(self.keys, scanned.version, SCAN, scanned.scan.predicate) for scanned in done]
        self.blobs.add_documents(signed)

        def record(unit: Unit) -> None:
            if self._find_place(unit) != place:
                # Another replica was faster.
                return
            caller = Caller(principal=REGISTRY, direct=True)
            tx = Transaction(unit=unit, caller=caller, clock=self.clock, nonces=self.nonces, keys=self.keys)
            for scanned, data in zip(done, signed, strict=True):
                record_stored(tx, scanned.version, SCAN, data)
            unit.cursors.put(self._reader, Place(done[-1].version.index + 1))

        self.units.write(record)
