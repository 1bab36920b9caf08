"""Maintenance: garbage, rot, backups, moves and jobs."""

import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Stored
from muniment.core.claims.attestations import PROVENANCE
from muniment.core.claims.provenance import Provenance
from muniment.core.digests import Digest
from muniment.core.errors import (
    ContentCorrupt,
    InvalidOption,
    MunimentError,
    RegistryExists,
    RegistryNotFound,
    StorageBusy,
    StorageFailed,
)
from muniment.core.times import write_time
from muniment.ports.holdings import GARBAGE
from muniment.ports.jobs import Job
from muniment.ports.staging import Stretch
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.server import moving
from muniment.server.doctor import examine
from muniment.server.jobs import Jobs
from muniment.server.migrating import migrate_database
from muniment.server.moving import copy_registry
from muniment.server.parts import Parts, open_parts
from muniment.server.settings import ServerSettings
from muniment.server.wiring import open_served
from muniment.services.upkeep.garbage import Collected, collect_garbage
from muniment.services.upkeep.rebuild import compare, rebuild
from muniment.services.upkeep.scrub import scrub
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.postgresql import open_postgresql
from muniment.testing import MemoryBlobs, MemoryUnits
from muniment.testing.audits import check_audit
from muniment.testing.backends import refuses

LATER = timedelta(hours=1)


@pytest.fixture
def parts(registry: Registry, settings: Settings, model: Path) -> Iterator[Parts]:
    """Give the stores of a registry with one version."""
    registry.push(model, "acme/x")
    with open_parts(Path(settings.location)) as parts:
        yield parts


# ---- garbage


def test_garbage_is_what_nobody_names_for_long(parts: Parts, registry: Registry) -> None:
    """Orphaned blobs are removed after the grace period; blobs that the log names stay."""
    orphan = parts.blobs.add_documents([b"an orphan"])[0]
    count = len(list(parts.blobs.list()))
    assert collect(parts, -LATER).blobs == 0, "it is too young"
    assert collect(parts, LATER, remove=False).blobs == 1
    assert parts.blobs.find(orphan) is not None, "it was only counted"
    assert collect(parts, LATER).blobs == 1
    assert len(list(parts.blobs.list())) == count - 1
    assert all(check.passed for check in registry.version("acme/x").verify())


def test_what_is_stored_again_is_young_again(parts: Parts) -> None:
    """A blob that is stored again during a collection is kept."""
    orphan = parts.blobs.add_documents([b"an orphan"])[0]
    place = Path(parts.place) / "blobs" / "sha256" / orphan.hex
    old = datetime.now(UTC).timestamp() - 10_000
    os.utime(place, (old, old))
    parts.blobs.add_documents([b"an orphan"])
    assert collect(parts, -timedelta(minutes=1)).blobs == 0


def test_what_is_being_removed_is_not_taken(registry: Registry, parts: Parts, model: Path) -> None:
    """Storing a blob that is being removed is refused for now, and a dead collection is completed."""
    data = b"a blob that comes back"
    stored = Stored(digest=parts.blobs.add_documents([data])[0], size_bytes=len(data))
    parts.units.write(lambda unit: unit.holdings.add(GARBAGE, [stored], ""))
    (model / "weights.bin").write_bytes(data)
    with pytest.raises(StorageBusy):
        registry.push(model, "acme/x")
    assert collect(parts, -LATER).blobs == 0
    assert parts.blobs.find(stored.digest) is None, "what was marked is removed by the next collection"
    assert registry.push(model, "acme/x").receipt is not None


def test_uploads_that_broke_off_are_swept(parts: Parts, settings: Settings) -> None:
    """Files of writes that a crash interrupted are removed in the end."""
    leftover = Path(settings.location) / "uploads" / "feedbeef"
    leftover.write_bytes(b"half a file")
    assert collect(parts, -LATER).leftovers == 0
    assert collect(parts, LATER).leftovers == 1
    assert not leftover.exists()


def test_uploads_that_nobody_goes_on_with_end(parts: Parts, settings: Settings) -> None:
    """An idle upload is removed with its bytes after the grace period; an active one stays."""
    now, stretches = datetime.now(UTC), (Stretch(0, "aa"),)
    for identity, touched in (("01", now - 2 * LATER), ("02", now)):
        upload = Upload(
            id=identity,
            principal="founder",
            size_bytes=8,
            digest=None,
            offset=4,
            state=b"",
            stretches=stretches,
            touched=write_time(touched),
        )
        parts.units.write(lambda unit, upload=upload: unit.uploads.put(upload))  # type: ignore[misc] # bound at once
        assert parts.staging.take_over(identity, stretches, 0)
        parts.staging.append(identity, "aa", 0, [b"half"])
    assert collect(parts, -LATER, remove=False).uploads == 1
    assert sorted(parts.units.read(lambda unit: unit.uploads.list_ids())) == ["01", "02"], (
        "it was only counted"
    )
    assert collect(parts, -LATER).uploads == 1
    assert parts.units.read(lambda unit: unit.uploads.list_ids()) == ["02"]
    assert [path.name for path in (Path(settings.location) / "uploads").iterdir()] == ["upload-02-aa"]


def collect(parts: Parts, ahead: timedelta, *, remove: bool = True) -> Collected:
    before = datetime.now(UTC) + ahead
    return collect_garbage(parts.units, parts.blobs, parts.staging, parts.landing, before, remove=remove)


@pytest.mark.parametrize("grace", ["0", "0.5", "-1"])
def test_a_grace_period_of_less_than_an_hour_is_refused(grace: str) -> None:
    """A period in which somebody may still publish bytes is refused, and not silently lengthened."""
    refused = CliRunner().invoke(main, ["admin", "gc", f"--grace={grace}"])
    assert (refused.exit_code, "is not in the range 1.0<=x<=" in refused.output) == (2, True)


# ---- rot


def test_what_people_leave_behind_is_let_go(parts: Parts) -> None:
    """An upload that is never published is held for the grace period only."""
    revision = parts.blobs.add_documents([b"an orphan"])[0]
    blob = Stored(digest=revision, size_bytes=9)
    kept = Stored(digest=parts.units.read(lambda unit: unit.holdings.list_of("acme"))[0], size_bytes=1)
    now = write_time(datetime.now(UTC))
    parts.units.write(lambda unit: unit.holdings.add("~me", [blob, kept], now))
    collect(parts, -LATER)
    assert parts.units.read(lambda unit: unit.holdings.measure("~me")) == 10
    assert collect(parts, LATER).blobs == 1
    assert parts.units.read(lambda unit: unit.holdings.measure("~me")) == 0
    assert parts.blobs.find(revision) is None
    assert parts.blobs.find(kept.digest) is not None


def test_rot_is_named_set_aside_and_healed(parts: Parts, registry: Registry, tmp_path: Path) -> None:
    """A scrub finds a flipped bit and a lost blob, and a backup heals both."""
    with open_parts(tmp_path / "backup", create=True) as backup:
        copy_registry(parts, backup)
    revision = registry.version("acme/x").revision()
    altered, lost = (file.digest for file in revision.files)
    places = [Path(parts.place) / "blobs" / "sha256" / digest.hex for digest in (altered, lost)]
    places[0].chmod(0o644)
    places[0].write_bytes(b"rot" + places[0].read_bytes()[3:])
    places[1].unlink()
    first = scrub(parts.units, parts.blobs)
    assert {(rot.digest, rot.fault, rot.healed) for rot in first.rot} == {
        (altered, "altered", False),
        (lost, "missing", False),
    }
    assert Path(next(rot.place for rot in first.rot if rot.place)).read_bytes().startswith(b"rot")
    healed = scrub(parts.units, parts.blobs, LocalBlobs(tmp_path / "backup"))
    assert [(rot.fault, rot.healed) for rot in healed.rot] == [("missing", True)] * 2
    assert scrub(parts.units, parts.blobs).rot == ()
    assert all(check.passed for check in registry.version("acme/x").verify())


def test_a_backup_that_has_rotted_itself_heals_nothing(parts: Parts, registry: Registry) -> None:
    """Bytes from a backup are hashed before they replace anything."""
    file = registry.version("acme/x").revision().files[0]
    parts.blobs.remove(file.digest)
    other = MemoryBlobs()
    other.blobs[file.digest] = b"something else"
    assert [(rot.digest, rot.healed) for rot in scrub(parts.units, parts.blobs, other).rot] == [
        (file.digest, False)
    ]


class Unreadable(io.BytesIO):
    """A file of a bad disk: it opens, and cannot be read."""

    def readinto(self, _buffer: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class FaultyBlobs(MemoryBlobs):
    """Blobs some of which cannot be reached, or not be read."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[Digest, MunimentError | None] = {}

    def open(self, digest: Digest) -> BinaryIO:
        if digest not in self.faults:
            return super().open(digest)
        if fault := self.faults[digest]:
            raise fault
        return Unreadable()


def test_what_cannot_be_read_is_named_and_left_alone() -> None:
    """A blob that cannot be read for now is reported and left in place."""
    blobs, other = FaultyBlobs(), MemoryBlobs()
    away, bad, fine = blobs.add_documents([b"away", b"bad", b"fine"])
    other.add_documents([b"bad"])
    blobs.faults = {away: StorageFailed(path="s3://bucket", reason="timeout"), bad: None}
    units = MemoryUnits(blobs)
    faults = {rot.digest: rot for rot in scrub(units, blobs).rot}
    assert faults.keys() == {away, bad}
    assert "timeout" in faults[away].fault
    assert "error" in faults[bad].fault
    assert not any(rot.place or rot.healed for rot in faults.values())
    assert blobs.blobs.keys() == {away, bad, fine}
    healed = {rot.digest: (rot.healed, bool(rot.place)) for rot in scrub(units, blobs, other).rot}
    assert healed == {away: (False, False), bad: (True, True)}
    assert blobs.blobs.keys() == {away, bad, fine}


def test_a_scrub_breaks_off_where_it_is() -> None:
    """A scrub stops in the middle of a blob when it is told to."""
    blobs = MemoryBlobs()
    blobs.add_documents([bytes(8 << 20)])
    asked = iter([False, False, True])
    refuses(lambda: scrub(MemoryUnits(blobs), blobs, stopped=lambda: next(asked)), StorageBusy)
    assert next(asked, None) is None, "it asked until it was told"


# ---- moving


def test_a_backup_has_what_claims_and_drafts_need(
    parts: Parts, registry: Registry, settings: Settings, tmp_path: Path, model: Path
) -> None:
    """A backup holds everything that the registry can show, and no uploads under way."""
    with muniment.run() as run:
        pass
    (model / "weights.bin").write_bytes(b"trained")
    kept = Provenance(registry.push(model, "acme/x", run=run).claims(PROVENANCE)[0].predicate).byproducts()
    (model / "weights.bin").write_bytes(b"a draft")
    registry.drafts.save(model, "acme/x")
    (upload,) = parts.blobs.add_documents([b"uploaded"])
    held = [Stored(digest=upload, size_bytes=8)]
    parts.units.write(lambda unit: unit.holdings.add("~me", held, write_time(datetime.now(UTC))))
    with open_parts(tmp_path / "backup", create=True) as backup:
        copy_registry(parts, backup)
        assert "lock" in kept
        assert all(backup.blobs.find(digest) for digest in kept.values())
        assert backup.units.read(lambda unit: unit.holdings.measure("~me")) == 0
        assert backup.units.read(lambda unit: unit.holdings.find_sizes(None, [upload])) == {}
        assert [one.fault for one in examine(backup) if one.fault] == []
    with muniment.open(settings=replace(settings, location=str(tmp_path / "backup"))) as copy:
        (draft,) = copy.drafts.list("acme/x")
        assert all(check.passed for check in copy.drafts.publish(draft).verify())


def test_a_backup_takes_no_rot_along(
    parts: Parts, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup names each damaged blob after it has copied all others."""
    monkeypatch.setattr(moving, "_AT_ONCE", 1)
    revision = registry.version("acme/x").revision()
    place = Path(parts.place) / "blobs" / "sha256" / revision.files[0].digest.hex
    place.chmod(0o644)
    place.write_bytes(b"rot")
    with open_parts(tmp_path / "backup", create=True) as backup:
        fault = refuses(lambda: copy_registry(parts, backup), ContentCorrupt)
        assert revision.files[0].digest.hex in str(fault)
        stored = {kept.digest for kept in backup.blobs.list()}
        assert stored == {kept.digest for kept in parts.blobs.list()} - {revision.files[0].digest}


def test_a_damaged_manifest_keeps_nobody_from_mending(parts: Parts, registry: Registry, model: Path) -> None:
    """A version with a damaged manifest can be revoked, and the registry rebuilt and scrubbed."""
    version = registry.version("acme/x")
    (model / "weights.bin").write_bytes(b"other")
    registry.push(model, "acme/x")
    place = Path(parts.place) / "blobs" / "sha256" / version.digest.hex
    place.chmod(0o644)
    place.write_bytes(b"{")
    registry.people.grant(registry.people.me().record.id, "security")
    version.set_status("revoked", "bad")
    held = parts.units.read(lambda unit: set(unit.holdings.list_of("acme")))
    parts.units.write(rebuild)
    assert parts.units.read(compare) == []
    others = {file.digest for file in registry.version("acme/x@2").revision().files}
    assert others <= parts.units.read(lambda unit: set(unit.holdings.list_of("acme"))) <= held
    assert [rot.digest for rot in scrub(parts.units, parts.blobs).rot] == [version.digest]
    assert any(str(version.digest) in one.fault for one in examine(parts))


def test_the_doctor_misses_what_claims_keep(parts: Parts, registry: Registry, model: Path) -> None:
    """The doctor reports a missing blob that only a claim refers to."""
    with muniment.run() as run:
        pass
    (model / "weights.bin").write_bytes(b"trained")
    kept = Provenance(registry.push(model, "acme/x", run=run).claims(PROVENANCE)[0].predicate).byproducts()
    parts.blobs.remove(kept["lock"])
    (fault,) = (one for one in examine(parts) if one.fault)
    assert str(kept["lock"]) in fault.fault
    assert [(rot.digest, rot.fault) for rot in scrub(parts.units, parts.blobs).rot] == [
        (kept["lock"], "missing")
    ]


def test_a_backup_made_while_others_write_is_a_whole_registry(
    parts: Parts, registry: Registry, tmp_path: Path, model: Path
) -> None:
    """A backup taken during writes has a log, rows and bytes of one moment, and accepts writes."""
    stopping, faults = threading.Event(), list[BaseException]()

    def write() -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            try:
                (model / "weights.bin").write_bytes(f"weights {number}".encode())
                registry.push(model, "acme/x")
            except BaseException as error:
                faults.append(error)
                raise

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            with open_parts(tmp_path / f"backup{number}", create=True) as backup:
                copy_registry(parts, backup)
    finally:
        stopping.set()
        writer.join()
    assert faults == []
    for number in range(3):
        check_whole(tmp_path / f"backup{number}", model)


def check_whole(root: Path, model: Path) -> None:
    with open_parts(root) as parts:
        assert parts.units.read(compare) == []
        assert scrub(parts.units, parts.blobs).rot == ()
    state = root.parent / f"{root.name}-state"
    settings = Settings.read({"MUNIMENT_URL": str(root), "MUNIMENT_STATE": str(state)})
    with muniment.open(settings=settings) as copy:
        check_audit(copy)
        assert all(check.passed for check in copy.version("acme/x").verify())
        (model / "weights.bin").write_bytes(root.name.encode())
        assert copy.push(model, "acme/x").receipt is not None


def test_a_registry_is_not_written_over_another(parts: Parts, tmp_path: Path) -> None:
    """Copying into stores that are not empty is refused."""
    with open_parts(tmp_path / "backup", create=True) as backup:
        copy_registry(parts, backup)
        refuses(lambda: copy_registry(parts, backup), RegistryExists)


@pytest.mark.slow
def test_a_database_moves_to_postgresql_and_back(
    parts: Parts, registry: Registry, database: str, tmp_path: Path
) -> None:
    """A move from SQLite to PostgreSQL and back keeps all rows and the tree of the log."""
    source = f"sqlite:///{parts.place}/registry.db"
    rows = migrate_database(source, database)
    assert rows["events"] == check_audit(registry)
    units = open_postgresql(database, parts.blobs)
    assert units.read(compare) == []
    units.close()
    (tmp_path / "back").mkdir()
    assert migrate_database(database, f"sqlite:///{tmp_path}/back/registry.db") == rows
    refuses(lambda: migrate_database(source, database), RegistryExists)
    refuses(lambda: migrate_database(f"sqlite:///{tmp_path}/none.db", database), RegistryNotFound)
    refuses(lambda: migrate_database("mysql://x", database), InvalidOption)


# ---- the doctor


def test_the_doctor_finds_nothing_wrong_with_the_healthy(parts: Parts) -> None:
    """The doctor reports no fault in a healthy registry."""
    assert [one for one in examine(parts) if one.fault] == []


def test_the_doctor_names_what_is_wrong_and_what_mends_it(parts: Parts, registry: Registry) -> None:
    """The doctor reports an open key, a lost blob and an altered row, each with a command."""
    (parts.keys / "log.pem").chmod(0o644)
    parts.blobs.remove(registry.version("acme/x").revision().files[0].digest)
    with parts.units.writing() as connection:
        connection.exec_driver_sql("UPDATE models SET latest = 7")
    faults = {one.remedy: one.fault for one in examine(parts) if one.fault}
    assert "log.pem can be read by others" in "".join(faults.values())
    assert any("missing" in fault for fault in faults.values())
    assert "muniment admin rebuild" in faults


def test_the_doctor_names_what_will_go_wrong(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor warns of idle uploads, failing jobs, a slow clock and a disk that fills up."""
    week_ago = write_time(datetime.now(UTC) - timedelta(days=8))
    upload = Upload(
        id="01", principal="founder", size_bytes=8, digest=None, offset=0, state=b"", touched=week_ago
    )
    parts.units.write(lambda unit: unit.uploads.put(upload))
    job = Job(id="scrub", kind="scrub", payload="", due=week_ago, attempts=3, fault="the disk is gone")
    parts.units.write(lambda unit: unit.jobs.add(job))
    parts.units.write(lambda unit: unit.jobs.put(job))
    monkeypatch.setattr("muniment.server.doctor._SKEW", -timedelta(days=1))
    monkeypatch.setattr("muniment.server.doctor._ROOM_BYTES", 1 << 60)
    faults = "\n".join(f"{one.fault}: {one.remedy}" for one in examine(parts) if one.fault)
    assert "have been idle for a week: muniment admin gc" in faults
    assert "scrub has failed 3 times: the disk is gone" in faults
    assert "dated ahead of the clock" in faults
    assert "MiB are left at" in faults


# ---- jobs


NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


def make_jobs(handlers: dict[str, Callable[[str], object]]) -> tuple[Jobs, MemoryUnits, Clock]:
    units, clock = MemoryUnits(MemoryBlobs()), Clock()
    return Jobs(units, clock, handlers, {"daily": timedelta(days=1)}), units, clock


def test_a_job_is_done_when_it_is_due_and_once() -> None:
    """A job runs once, not before it is due, and is then forgotten."""
    done: list[str] = []
    jobs, units, clock = make_jobs({"note": done.append})
    due = write_time(NOW + LATER)
    units.write(lambda unit: unit.jobs.add(Job(id="1", kind="note", payload="hello", due=due)))
    assert not jobs.do_next()
    clock.time += 2 * LATER
    assert jobs.do_next()
    assert not jobs.do_next()
    assert done == ["hello"]


def test_a_job_that_fails_is_tried_again_later() -> None:
    """A failed job is retried after growing pauses, and its fault is recorded."""
    faults = iter([StorageFailed(path="x", reason="no"), None])

    def fail_once(_payload: str) -> None:
        if error := next(faults):
            raise error

    jobs, units, clock = make_jobs({"daily": fail_once})
    units.write(lambda unit: unit.jobs.add(Job(id="daily", kind="daily", payload="", due=write_time(NOW))))
    assert jobs.do_next()
    (job,) = units.read(lambda unit: unit.jobs.list())
    assert (job.attempts, "failed" in job.fault) == (1, True)
    assert not jobs.do_next()
    clock.time += timedelta(minutes=2)
    assert jobs.do_next()
    (job,) = units.read(lambda unit: unit.jobs.list())
    assert (job.attempts, job.fault, job.due) == (0, "", write_time(clock.time + timedelta(days=1)))


def test_a_job_that_never_works_stops_no_other() -> None:
    """A job that always fails is retried after hours, and other jobs run meanwhile."""
    done: list[str] = []

    def fail(_payload: str) -> None:
        raise ZeroDivisionError

    jobs, units, clock = make_jobs({"fail": fail, "note": done.append})
    job = Job(id="1", kind="fail", payload="", due=write_time(NOW), attempts=5000)
    units.write(lambda unit: unit.jobs.add(job))
    note = Job(id="2", kind="note", payload="hello", due=write_time(NOW))
    units.write(lambda unit: unit.jobs.add(note))
    assert jobs.do_next()
    assert jobs.do_next()
    assert done == ["hello"]
    (job,) = units.read(lambda unit: unit.jobs.list())
    assert (job.attempts, job.fault) == (5001, "ZeroDivisionError")
    assert job.due == write_time(clock.time + timedelta(hours=6))


def test_a_job_that_takes_long_stays_with_its_worker() -> None:
    """The lease of a long job is renewed while it runs."""
    tries: list[bool] = []

    def take_long(_payload: str) -> None:
        for _ in range(5):
            clock.time += timedelta(seconds=70)
            jobs.renew()
            tries.append(other.do_next())

    jobs, units, clock = make_jobs({"x": take_long})
    other = Jobs(units, clock, {"x": lambda _: None}, {})
    units.write(lambda unit: unit.jobs.add(Job(id="1", kind="x", payload="", due=write_time(NOW))))
    assert jobs.do_next()
    assert tries == [False] * 5
    assert units.read(lambda unit: unit.jobs.list()) == [], "it is done for good"


def test_a_job_that_was_taken_over_is_the_others() -> None:
    """A worker whose lease ran out does not overwrite what its successor recorded."""
    seen: list[Job] = []

    def oversleep(_payload: str) -> None:
        clock.time += timedelta(minutes=3)
        seen.extend(job for job in [units.write(lease)] if job)
        jobs.renew()

    def lease(unit: Unit) -> Job | None:
        return unit.jobs.lease({"daily"}, write_time(clock.time), write_time(clock.time + LATER))

    jobs, units, clock = make_jobs({"daily": oversleep})
    units.write(lambda unit: unit.jobs.add(Job(id="daily", kind="daily", payload="", due=write_time(NOW))))
    assert jobs.do_next()
    assert len(seen) == 1
    assert units.read(lambda unit: unit.jobs.list()) == seen


def test_a_server_scrubs_and_expires(tmp_path: Path) -> None:
    """The jobs of a server find rot and remove expired uploads."""
    opened = open_served(ServerSettings.load(data=tmp_path))
    units, blobs = opened.registry.units, opened.registry.blobs
    opened.jobs.schedule()
    assert {job.id for job in units.read(lambda unit: unit.jobs.list())} == {"expiry", "reads", "scrub"}
    past = write_time(datetime.now(UTC) - timedelta(days=9))
    (orphan,) = blobs.add_documents([b"an orphan"])
    place = tmp_path / "blobs" / "sha256" / orphan.hex
    os.utime(place, (0, 0))
    upload = Upload(id="01", principal="x", size_bytes=8, digest=None, offset=0, state=b"", touched=past)
    units.write(lambda unit: unit.uploads.put(upload))

    def do(kind: str) -> Job:
        (job,) = (job for job in units.read(lambda unit: unit.jobs.list()) if job.id == kind)
        units.write(lambda unit: unit.jobs.put(replace(job, due=past)))
        assert opened.jobs.do_next()
        return next(job for job in units.read(lambda unit: unit.jobs.list()) if job.id == kind)

    assert do("expiry").fault == ""
    assert not place.exists()
    assert units.read(lambda unit: unit.uploads.list_ids()) == []
    assert do("scrub").fault == ""
    stored = blobs.add_documents([b"held"])[0]
    units.write(lambda unit: unit.holdings.add("acme", [Stored(digest=stored, size_bytes=4)], past))
    (tmp_path / "blobs" / "sha256" / stored.hex).unlink()
    (tmp_path / "blobs" / "sha256" / stored.hex).write_bytes(b"rot!")
    assert "altered" in do("scrub").fault
    opened.registry.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_a_job_has_one_worker_until_its_lease_ends(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The job of a worker that died goes to the next one when its lease ends, and not before."""
    units: object
    if kind == "memory":
        units = MemoryUnits(MemoryBlobs())
    elif kind == "sqlite":
        with open_parts(tmp_path / "registry", create=True) as parts:
            check_lease(parts.units)
        return
    else:
        units = open_postgresql(request.getfixturevalue("database"), MemoryBlobs())
        check_lease(units)
        units.close()
        return
    check_lease(units)


def check_lease(units: Units) -> None:
    now, later = write_time(NOW), write_time(NOW + LATER)

    def fill(unit: Unit) -> None:
        for name, kind in (("b", "x"), ("a", "x"), ("a", "y"), ("b", "y")):
            unit.jobs.add(Job(id=name, kind=kind, payload="", due=now))

    units.write(fill)
    taken = [units.write(lambda unit: unit.jobs.lease({"x"}, now, later)) for _ in range(3)]
    assert sorted((job.id, job.kind) for job in taken if job) == [("a", "x"), ("b", "x")]
    assert units.write(lambda unit: unit.jobs.lease({"y", "z"}, now, later)) is None
    again = units.write(lambda unit: unit.jobs.lease({"x", "z"}, write_time(NOW + 2 * LATER), later))
    assert again is not None
    longer = write_time(NOW + 3 * LATER)
    renewed = units.write(lambda unit: unit.jobs.renew(again, longer))
    assert renewed == replace(again, leased=longer)
    assert units.write(lambda unit: unit.jobs.renew(again, longer)) is None, "that lease is not the last"
    assert renewed in units.read(lambda unit: unit.jobs.list())
    units.write(lambda unit: unit.jobs.drop("a"))
    assert [job.id for job in units.read(lambda unit: unit.jobs.list())] == ["b"]
