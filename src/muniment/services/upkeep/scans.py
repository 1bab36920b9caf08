"""Scans of the registry's own: each version once by each scanner, in the log's order, as signed claims."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, Final, NamedTuple

from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import SCAN
from muniment.core.claims.scans import Scan, ScanFinding, write_scan
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, Unavailable
from muniment.core.people.callers import Caller
from muniment.core.records import VersionRecord
from muniment.core.times import write_time
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.cursors import Place
from muniment.ports.jobs import Job
from muniment.ports.projections import Where
from muniment.ports.scanning import Scannable, Scanning
from muniment.ports.unit import Unit, Units
from muniment.services.catalog.statuses import status_of
from muniment.services.claims.own import record_stored, sign_own
from muniment.services.claims.relying import read_revision
from muniment.services.transaction import REGISTRY, RegistryKeys, Transaction

SCANNING: Final = "scan"
# So many versions share a commit, and that often a server looks for more: those who publish hardly notice.
_AT_ONCE: Final = 50
# Others that are due meanwhile wait no longer for theirs.
_LONG: Final = timedelta(minutes=1)


class Scanned(NamedTuple):
    """A version that was looked into, and what was found."""

    version: VersionRecord
    scan: Scan

    @property
    def reference(self) -> str:
        """Name the version."""
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
        """Add a job if there is a version that this scanner has not looked into."""
        if self._find_due(unit, 1):
            unit.jobs.add(Job(id=SCANNING, kind=SCANNING, payload="", due=now))

    def scan_next(self) -> list[Scanned]:
        """Look into the versions that come next, and record what was found; none are left if it is empty.

        Raises:
            Unavailable: their bytes cannot be read now; those before them are recorded.
        """
        place, due = self.units.read(lambda unit: (self._find_place(unit), self._find_due(unit, _AT_ONCE)))
        begun = self.clock()
        found: list[Scanned] = []
        try:
            for version in due:
                found.append(Scanned(version, self._look_into(version)))
                if self.clock() - begun > _LONG:
                    break
        finally:
            self._record(place, found)
        return found

    def begin_again(self) -> None:
        """Look into every version once more."""
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
            # It is for `scrub` to heal, and must not keep others from being looked into.
            found = [ScanFinding("high", "manifest/unread", f"what is in it is not known: {error}", "")]
        else:
            found = self.scanning.scan(files)
        return Scan(write_scan(self.scanning.describe(), time, found))

    def _list_files(self, unit: Unit, version: VersionRecord) -> list[Scannable]:
        if status_of(unit, version) is Status.PURGED:
            # Nothing is left that could be loaded.
            return []
        revision = read_revision(unit, Digest.parse(version.revision))
        return [Scannable(file.path, file.size_bytes, self._opener(file.digest)) for file in revision.files]

    def _opener(self, digest: Digest) -> Callable[[], BinaryIO]:
        return lambda: self.blobs.open(digest)

    def _record(self, place: Place, found: list[Scanned]) -> None:
        """Sign what was found, and record it where the log still has it to come."""
        if not found:
            return
        signed = [sign_own(self.keys, one.version, SCAN, one.scan.predicate) for one in found]
        self.blobs.add_documents(signed)

        def record(unit: Unit) -> None:
            if self._find_place(unit) != place:
                # Another replica took this for left, and was faster.
                return
            caller = Caller(principal=REGISTRY, direct=True)
            tx = Transaction(unit=unit, caller=caller, clock=self.clock, nonces=self.nonces, keys=self.keys)
            for one, data in zip(found, signed, strict=True):
                record_stored(tx, one.version, SCAN, data)
            unit.cursors.put(self._reader, Place(found[-1].version.index + 1))

        self.units.write(record)
