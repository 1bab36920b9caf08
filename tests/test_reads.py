"""The record of reads: who was given bytes of which version, where a namespace asks for it."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given

import muniment
from muniment.cli.main import main
from muniment.client.audit.reads import Reads
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.core.bytes.revisions import parse_manifest
from muniment.core.digests import Digest
from muniment.core.errors import (
    AnswerIncomplete,
    AuditFailed,
    BlobNotFound,
    InvalidDocument,
    NoReadsPending,
    NotPermitted,
    ReasonNeeded,
    StorageBusy,
)
from muniment.core.events import ReadsRecorded, ReadsSet
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import MAX_TEXT_CHARACTERS, Payload
from muniment.core.people.callers import NOBODY, REGISTRY, Caller
from muniment.core.people.roles import Role
from muniment.core.reads import Batch, Read, divide, read_batch
from muniment.core.records import GrantRecord, ReadsBatchRecord
from muniment.core.times import write_time
from muniment.core.verbs.bytes import GetPendingReads, ListReads, RecordReads, SetReads
from muniment.core.verbs.people import GetSelf
from muniment.core.verbs.versions import GetVersion
from muniment.ports.jobs import Job
from muniment.ports.unit import Unit
from muniment.server.settings import ServerSettings
from muniment.server.wiring import open_served
from muniment.services.backend import LocalBackend
from muniment.services.bytes import reads as services
from muniment.services.upkeep.rebuild import find_false
from muniment.signing.keys import Identity
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import open_memory
from muniment.testing.backends import NAME, add_person, publish
from muniment.testing.live import LiveServer, run_server, wait_until
from strategies import instances

WHY = Payload.of("for recalls")
OTHER = ModelName("other", "x")


class Town:
    """A registry in memory in which acme keeps a record of reads; Rita reads, and Sue is security."""

    def __init__(self) -> None:
        self._open_as = open_memory()
        self.key = Identity.generate()
        self.owner = self._open_as(self.key)
        publish(self.owner, self.key, b"one")
        publish(self.owner, self.key, b"two", name=OTHER)
        self.rita_key = add_person(self.owner, "Rita", Role.READER)
        self.rita = self._open_as(self.rita_key)
        self.sue_key = add_person(self.owner, "Sue", Role.SECURITY)
        self.sue = self._open_as(self.sue_key)

    def turn(self, *, on: bool) -> None:
        self.sue.execute(SetReads(namespace="acme", recording=on, reason=WHY))

    def write(self) -> None:
        """Write what was noted to the database, as happens after a while."""
        assert self.owner._notes is not None
        self.owner._notes.write()

    def pending(self) -> list[tuple[str, str, int, int]]:
        self.write()
        days = self.sue.ask(GetPendingReads(namespace="acme")).days
        return [(one.principal, one.version, one.files, one.manifests) for _, reads in days for one in reads]

    def trust(self, backend: Backend, place: Path) -> Reads:
        return Reads(TrustedBackend(backend, DirectoryMemory(place, "here"), "here"))


def id_of(backend: Backend) -> str:
    return backend.ask(GetSelf()).record.id


def read_manifest(backend: Backend, name: ModelName = NAME) -> Digest:
    """Read the manifest of the first version, and return the digest of its file."""
    revision = Digest.parse(backend.ask(GetVersion(reference=Reference(name, 1))).revision)
    with backend.open_blob(revision) as file:
        return parse_manifest(file.read()).files[0].digest


def read_all(backend: Backend, name: ModelName = NAME) -> None:
    """Read the manifest and the file of the first version."""
    backend.open_blob(read_manifest(backend, name)).close()


@pytest.fixture
def town() -> Town:
    """Give a town."""
    return Town()


def test_who_reads_is_recorded_where_it_is_asked_for(town: Town, tmp_path: Path) -> None:
    """From when it is on until it is off, each read is noted by who, version and day, and nothing else is."""
    read_all(town.rita)
    assert town.pending() == []
    town.turn(on=True)
    read_all(town.rita)
    read_all(town.rita)
    read_manifest(town.sue)
    read_all(town.owner, OTHER)
    rita, sue = id_of(town.rita), id_of(town.sue)
    expected = sorted([(rita, f"{NAME}@1", 2, 2), (sue, f"{NAME}@1", 0, 1)])
    assert town.pending() == expected
    town.turn(on=False)
    read_all(town.rita)
    assert town.pending() == expected
    town.sue.execute(RecordReads(namespace="acme"))
    assert town.pending() == []
    reads = town.trust(town.sue, tmp_path)
    listed = reads.list("acme", since="2026-01-01")
    assert sorted((one.read.principal, one.read.version) for one in listed) == [
        (who, version) for who, version, _, _ in expected
    ]
    assert {one.day for one in listed} == {"2026-01-01"}
    assert all(one.read.first <= one.read.last for one in listed)
    assert [bool(one.record.recording) for one in reads.settings("acme")] == [True, False]
    assert town.owner._units.read(find_false) is None


def test_a_file_counts_for_each_version_that_has_it(town: Town) -> None:
    """A request names a digest: it counts for all versions of the namespace that have it."""
    town.turn(on=True)
    publish(town.owner, town.key, b"one", name=ModelName("acme", "again"))
    town.rita.open_blob(Digest.of(b"one")).close()
    assert [version for _, version, _, _ in town.pending()] == ["acme/again@1", f"{NAME}@1"]


def test_what_is_refused_is_not_recorded(town: Town) -> None:
    """Who may not read gets nothing, and is not in the record."""
    town.turn(on=True)
    stranger = town._open_as(add_person(town.owner, "Sam", Role.READER, namespace="other"))
    with pytest.raises(BlobNotFound):
        stranger.open_blob(Digest.of(b"one"))
    assert town.pending() == []


def test_who_may(town: Town, tmp_path: Path) -> None:
    """Security and admins turn it on, with a reason; they and auditors see it, and readers do neither."""
    otto = town._open_as(add_person(town.owner, "Otto", Role.AUDITOR))
    for backend in (town.rita, otto):
        with pytest.raises(NotPermitted):
            backend.execute(SetReads(namespace="acme", recording=True, reason=WHY))
        with pytest.raises(NotPermitted):
            backend.execute(RecordReads(namespace="acme"))
    with pytest.raises(ReasonNeeded):
        town.sue.execute(SetReads(namespace="acme", recording=True, reason=Payload.of(" ")))
    town.owner.execute(SetReads(namespace="acme", recording=True, reason=WHY))
    with pytest.raises(NoReadsPending):
        town.sue.execute(RecordReads(namespace="acme"))
    read_all(town.rita)
    town.write()
    town.sue.execute(RecordReads(namespace="acme"))
    assert len(town.trust(otto, tmp_path).list("acme", since="2026-01-01")) == 1
    for query in (ListReads(namespace="acme"), GetPendingReads(namespace="acme")):
        with pytest.raises(NotPermitted):
            town.rita.ask(query)
    assert [one.reason for one in town.trust(town.rita, tmp_path / "rita").settings("acme")] == [
        "for recalls"
    ]
    # The digest of a batch, which members can read in the log, opens nothing.
    (batch,) = town.sue.ask(ListReads(namespace="acme"))
    with pytest.raises(BlobNotFound):
        town.rita.open_blob(Digest.parse(batch.record.batch))


def test_a_batch_that_is_withheld_or_altered_is_missed(town: Town, tmp_path: Path) -> None:
    """That these are all batches is proven, and each has the digest that its entry names."""
    town.turn(on=True)
    read_all(town.rita)
    town.write()
    town.sue.execute(RecordReads(namespace="acme"))
    (batch,) = town.sue.ask(ListReads(namespace="acme"))

    class Hiding:
        """A backend whose answers lack the batch, or have another one."""

        def __init__(self, backend: LocalBackend, text: Payload | None) -> None:
            self._backend, self._text = backend, text

        def __getattr__(self, name: str) -> object:
            return getattr(self._backend, name)

        def prove(self, *given: object) -> object:
            basis = self._backend.prove(*given)  # type: ignore[arg-type] # as it came
            kept = tuple(one for one in basis.texts if str(one.digest) != batch.record.batch)
            return replace(basis, texts=(*kept, *([] if self._text is None else [self._text])))

    for number, text in enumerate((None, Payload.of(batch.text or ""))):
        reads = town.trust(Hiding(town.sue, text), tmp_path / str(number))  # type: ignore[arg-type] # duck
        with pytest.raises(muniment.MunimentError):
            reads.list("acme", since="2026-01-01")
    assert issubclass(AnswerIncomplete, muniment.MunimentError)


def test_a_replay_checks_the_batches() -> None:
    """A batch that skips a number, or of a namespace that keeps no record, is false."""
    for namespace, number in (("acme", 2), ("other", 1)):
        other = Town()
        other.turn(on=True)
        event = ReadsRecorded(
            namespace=namespace, day="2026-01-01", number=number, reads=1, batch=Digest.of(b"x")
        )

        def forge(unit: Unit, town: Town = other, event: ReadsRecorded = event) -> int:
            own = Caller(principal=REGISTRY, direct=True)
            return replace(town.owner.begin(unit), caller=own).record(event)

        index = other.owner._units.write(forge)
        fault = other.owner._units.read(find_false)
        assert isinstance(fault, AuditFailed)
        assert fault.index == index


# ---- batches


@given(instances(Batch))
def test_a_batch_is_read_as_it_was_written(batch: Batch) -> None:
    """Reading a batch gives what was written."""
    assert read_batch(batch.write()) == batch


def test_many_reads_make_several_batches(town: Town) -> None:
    """A day of many reads has several batches, each of which fits into a text, and none is lost."""
    one = Read(principal="p" * 36, version="acme/x@1", files=1, manifests=0, first="a", last="b")
    reads = [replace(one, version=f"acme/{'x' * 90}@{number}") for number in range(2_000)]
    parts = list(divide(reads))
    assert [read for part in parts for read in part] == reads
    assert len(parts) > 2
    for part in parts:
        text = Batch(namespace="acme", day="2026-01-01", number=1, reads=tuple(part)).write()
        assert len(text) <= MAX_TEXT_CHARACTERS
    with pytest.raises(InvalidDocument):
        read_batch("{}")
    town.turn(on=True)

    def add(unit: Unit) -> None:
        for read in reads:
            unit.reads.add("acme", "2026-01-01", read)

    town.owner._units.write(add)
    town.sue.execute(RecordReads(namespace="acme"))
    batches = town.sue.ask(ListReads(namespace="acme"))
    assert [batch.record.number for batch in batches] == [*range(1, len(parts) + 1)]
    assert sum(batch.record.reads for batch in batches) == len(reads)
    assert town.owner._units.read(find_false) is None


def test_a_registry_that_cannot_write_its_notes_gives_no_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a record is asked for, what cannot be noted is not given; what waited is written later, whole."""
    monkeypatch.setattr(services, "MOST_NOTED", 2)
    town.turn(on=True)
    file = read_manifest(town.rita)
    town.rita.open_blob(file).close()
    with pytest.raises(StorageBusy):
        town.rita.open_blob(file)
    notes = town.owner._notes
    assert notes is not None

    def fail(_: object) -> object:
        raise StorageBusy(path="the disk")

    with monkeypatch.context() as patch:
        patch.setattr(notes.units, "write", fail)
        with pytest.raises(StorageBusy):
            notes.write()
    assert [(files, manifests) for _, _, files, manifests in town.pending()] == [(1, 1)]
    town.rita.open_blob(file).close()
    assert [(files, manifests) for _, _, files, manifests in town.pending()] == [(2, 1)]


def test_pending_reads_in_every_store(tmp_path: Path, database: str) -> None:
    """Reads of one principal, version and day add up, in memory and in SQL, and go by the day."""
    blobs = LocalBlobs.create(tmp_path)
    for units in (
        open_sqlite(tmp_path / "r.db", blobs),
        open_postgresql(database, blobs),
        open_memory()(Identity.generate())._units,
    ):

        def check(unit: Unit) -> None:
            early = Read(principal="p", version="acme/x@1", files=1, manifests=0, first="1", last="2")
            late = replace(early, files=2, manifests=1, first="3", last="4")
            for day, read in (("2026-01-02", late), ("2026-01-02", early), ("2026-01-03", late)):
                unit.reads.add("acme", day, read)
            unit.reads.add("acme", "2026-01-02", replace(early, principal="a"))
            assert [*unit.reads.list_days()] == [("acme", "2026-01-02"), ("acme", "2026-01-03")]
            both = replace(early, files=3, manifests=1, first="1", last="4")
            assert [*unit.reads.list("acme", "2026-01-02")] == [replace(early, principal="a"), both]
            unit.reads.drop("acme", "2026-01-02")
            assert [*unit.reads.list_days()] == [("acme", "2026-01-03")]
            assert [*unit.reads.list("acme", "2026-01-02")] == []

        units.write(check)
        units.close()


# ---- embedded


@pytest.fixture
def clock() -> list[datetime]:
    """Give the time, to be set."""
    return [datetime.now(UTC)]


@pytest.fixture
def registry(settings: Settings, tmp_path: Path, clock: list[datetime]) -> Iterator[Registry]:
    """Give a registry in a directory with two versions of a model, of which a record is kept."""
    with muniment.open(settings=settings, create=True, clock=lambda: clock[0]) as registry:
        for data in (b"one", b"two"):
            (tmp_path / "w.bin").write_bytes(data)
            registry.push(tmp_path / "w.bin", "acme/x", alias="production")
        registry.reads.turn("acme", on=True, reason="we may have to recall a model")
        yield registry


def test_a_directory_records_pulls_and_ends_days_by_itself(
    registry: Registry, settings: Settings, tmp_path: Path, clock: list[datetime]
) -> None:
    """In a directory, a pull is on record once the registry is closed; the next day's makes the batch."""

    def pull(reference: str, name: str) -> None:
        with muniment.open(settings=settings, clock=lambda: clock[0]) as again:
            again.pull(reference, tmp_path / name)

    pull("acme/x@1", "first")
    (read,) = registry.reads.list("acme")
    assert (read.read.version, read.read.files, read.entry) == ("acme/x@1", 1, None)
    assert read.read.principal == registry.people.me().record.id
    clock[0] += timedelta(days=1)
    pull("acme/x@production", "second")
    first, second = registry.reads.list("acme/x")
    assert first.entry is not None
    assert (second.entry, second.read.version) == (None, "acme/x@2")
    assert [one.read.version for one in registry.reads.list("acme/x@production")] == ["acme/x@2"]
    assert registry.reads.list("acme/x", until=first.day) == [first]
    registry.reads.flush("acme")
    assert [one.entry is None for one in registry.reads.list("acme")] == [False, False]
    assert registry.audit().passed
    assert registry.audit("acme").passed


def test_the_commands_of_the_record(registry: Registry, settings: Settings, tmp_path: Path) -> None:
    """`muniment audit reads` turns the record on and off, lists it as a view, and makes batches."""

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, ["--registry", settings.location, *words])
        assert result.exit_code == 0, result.output
        return result.output

    run("pull", "acme/x@1", str(tmp_path / "pulled"))
    shown = run("audit", "reads", "list", "acme/x@1")
    assert "pending" in shown
    assert "we may have to recall a model" in shown
    assert "Ada" in shown
    assert "1 read of" in run("audit", "reads", "flush", "acme")
    assert "pending" not in run("audit", "reads", "list", "acme").replace("a pending read", "")
    (row,) = csv.DictReader(io.StringIO(run("audit", "reads", "list", "acme", "--output", "-")))
    assert (row["version"], row["files"]) == ("acme/x@1", "1")
    (item,) = json.loads(run("audit", "reads", "list", "acme", "--json"))["items"]
    assert item["version"] == "acme/x@1"
    run("audit", "reads", "off", "acme", "--reason", "no longer needed")
    assert "keeps no record of reads now" in run("audit", "reads", "list", "acme")
    assert registry.reads.settings("acme")[-1].reason == "no longer needed"
    assert "no longer needed" in run("audit", "reads", "show", "acme")


# ---- served


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """Give a server."""
    with run_server(tmp_path / "server") as server:
        yield server


def test_a_server_ends_days_by_itself(tmp_path: Path) -> None:
    """The job of a server puts the reads of past days into batches, as the registry, and leaves today's."""
    opened = open_served(ServerSettings.load(data=tmp_path, scan=False))
    try:
        units = opened.registry.units
        read = Read(principal="p", version="acme/x@1", files=1, manifests=0, first="1", last="2")
        today = write_time(datetime.now(UTC))[:10]

        def add(unit: Unit) -> None:
            tx = opened.registry.open_as(NOBODY).begin_own(unit)
            reason = tx.keep(WHY)
            admin = unit.projections.select(GrantRecord, limit=1)[0].principal
            ours = replace(tx, caller=Caller(principal=admin, direct=True))
            ours.record(ReadsSet(namespace="acme", recording=True, reason=reason))
            for day in ("2026-01-01", "2026-01-02", today):
                unit.reads.add("acme", day, read)

        units.write(add)
        opened.jobs.schedule()
        units.write(lambda unit: unit.jobs.put(replace(find_job(unit), due="2026-01-01T00:00:00Z")))
        assert opened.jobs.do_next({"reads"})
        batches = units.read(lambda unit: unit.projections.select(ReadsBatchRecord))
        assert [(one.day, one.number, one.reads) for one in batches] == [
            ("2026-01-01", 1, 1),
            ("2026-01-02", 1, 1),
        ]
        assert units.read(lambda unit: [*unit.reads.list_days()]) == [("acme", today)]
        assert units.read(find_false) is None
    finally:
        opened.close()


def find_job(unit: Unit) -> Job:
    return next(job for job in unit.jobs.list() if job.kind == "reads")


def test_a_server_records_reads_over_http(server: LiveServer, tmp_path: Path) -> None:
    """Over HTTP, who fetches is noted by the token, soon in the database, and stays when the server ends."""
    key = Identity.generate()
    owner = server.open_as(key)
    publish(owner, key, b"one")
    rita_key = add_person(owner, "Rita", Role.READER)
    rita = server.open_as(rita_key)
    owner.execute(SetReads(namespace="acme", recording=True, reason=WHY))
    read_all(rita)
    who = id_of(rita)
    reads = Reads(owner)

    def find_pending() -> list[tuple[str, int]]:
        return [(one.read.principal, one.read.files) for one in reads.list("acme")]

    wait_until(lambda: bool(find_pending()), server.process)
    assert find_pending() == [(who, 1)]
    owner.execute(RecordReads(namespace="acme"))
    (recorded,) = reads.list("acme")
    assert recorded.entry is not None
    # What waits when the server ends is written.
    read_all(rita)
    server.process.terminate()
    server.process.wait(20)
    data = tmp_path / "server" / "data"
    units = open_sqlite(data / "registry.db", LocalBlobs(data))
    try:
        left = units.read(
            lambda unit: [one for _, day in unit.reads.list_days() for one in unit.reads.list("acme", day)]
        )
    finally:
        units.close()
    assert [(one.principal, one.files) for one in left] == [(who, 1)]
