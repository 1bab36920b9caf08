"""Scans of published versions: signed by the registry, recorded, and judged by gates."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import joblib
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import APPROVAL, EVALUATION, SCAN, read_statement
from muniment.core.claims.scans import Scan, ScanFinding, Scanner
from muniment.core.digests import Digest
from muniment.core.errors import GateFailed, NotPermitted, StaleApproval, StorageFailed
from muniment.core.names import Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import Role
from muniment.core.verbs.gates import MoveAlias
from muniment.core.verbs.people import RevokeKey
from muniment.core.verbs.versions import DescribeVersion, GetVersion, PurgeVersion
from muniment.ports.cursors import Place
from muniment.ports.jobs import Job
from muniment.ports.scanning import Scannable
from muniment.ports.unit import Units
from muniment.server.jobs import Jobs
from muniment.server.settings import ServerSettings
from muniment.server.wiring import open_served
from muniment.services.backend import LocalBackend
from muniment.services.upkeep.scans import SCANNING, Scans
from muniment.signing.bundle import Bundle
from muniment.signing.keys import Identity
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import open_over
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    add_person,
    approval,
    evaluation,
    publish,
    record,
    refuses,
    set_policy,
)
from muniment.testing.live import run_server, wait_until

EVIL = b"cos\nsystem\n(S'true'\ntR."
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLEAN: JsonObject = {"rule": "scan", "tools": ["muniment"], "maximum": "low"}


class FakeScanner:
    """Finds what it is told to find in files that hold a word."""

    def __init__(self, *words: bytes) -> None:
        self.words = words
        self.version = "1"
        self.rule = "word"
        self.looked: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def describe(self) -> Scanner:
        """Say what it is."""
        return Scanner("muniment", self.version, "none")

    def scan(self, files: Sequence[Scannable]) -> list[ScanFinding]:
        """Look for the words."""
        self.before()
        findings = []
        for one in files:
            with one.open() as file:
                data = file.read()
            self.looked.append(data.decode())
            findings += [ScanFinding("high", self.rule, repr(w), one.path) for w in self.words if w in data]
        return findings


class Stage:
    """A registry, a scanner, and the job that scans."""

    def __init__(self, root: Path, owner: Identity, scanner: FakeScanner) -> None:
        self.blobs = LocalBlobs.create(root)
        self.units: Units = open_sqlite(root / "registry.db", self.blobs)
        self.open_as = open_over(self.units, self.blobs)
        self.owner = owner
        self.backend: LocalBackend = self.open_as(owner)
        self.scanner = scanner
        self.scans = self.make_scans(scanner)

    def make_scans(self, scanner: FakeScanner) -> Scans:
        """Give a job that scans with a scanner, as a replica has one."""
        return Scans(
            units=self.units,
            blobs=self.blobs,
            scanning=scanner,
            clock=lambda: NOW,
            nonces=self.backend._nonces,
            keys=self.backend._keys,
        )

    def list_worst(self, number: int) -> list[str]:
        """Give the worst of each scan of a version, oldest first."""
        detail = self.backend.ask(DescribeVersion(reference=Reference(NAME, number)))
        scans = [one for one in detail.attestations if one.predicate_type == SCAN]
        assert {one.signer for one in scans} <= {REGISTRY}
        return [self._read(one.digest).worst for one in scans]

    def _read(self, digest: str) -> Scan:
        with self.blobs.open(Digest.parse(digest)) as file:
            return Scan(read_statement(Bundle.decode(file.read()).payload).predicate)


@pytest.fixture
def stage(tmp_path: Path, owner: Identity) -> Iterator[Stage]:
    """Give a registry whose scanner finds evil."""
    stage = Stage(tmp_path / "registry", owner, FakeScanner(b"evil"))
    yield stage
    stage.units.close()


# ---- the job


def test_each_version_is_looked_into_once(stage: Stage) -> None:
    """Versions are scanned once each, in the order of the log, and the registry signs the findings."""
    for data in (b"a", b"evil", b"b"):
        publish(stage.backend, stage.owner, data)
    assert [one.reference for one in stage.scans.scan_next()] == [f"{NAME}@{n}" for n in (1, 2, 3)]
    assert [stage.list_worst(n) for n in (1, 2, 3)] == [["none"], ["high"], ["none"]]
    assert stage.scans.scan_next() == []
    publish(stage.backend, stage.owner, b"c")
    assert [one.scan.worst for one in stage.scans.scan_next()] == ["none"]
    assert stage.scanner.looked == ["a", "evil", "b", "c"]


def test_a_newer_scanner_looks_into_everything_again(stage: Stage) -> None:
    """A newer scanner scans all versions again, and an older replica continues where it was."""
    for data in (b"a", b"worse"):
        publish(stage.backend, stage.owner, data)
    stage.scans.scan_next()
    newer = FakeScanner(b"evil", b"worse")
    newer.version = "2"
    other = stage.make_scans(newer)
    assert [one.scan.worst for one in other.scan_next()] == ["none", "high"]
    assert stage.list_worst(2) == ["none", "high"]
    assert stage.scans.scan_next() == []
    assert other.scan_next() == []
    stage.scans.begin_again()
    assert len(stage.scans.scan_next()) == 2


def test_the_job_is_there_while_something_is_due(stage: Stage) -> None:
    """The scan job exists only while a version is due."""
    jobs = Jobs(
        stage.units, lambda: NOW, {SCANNING: lambda _: stage.scans.scan_next()}, {}, [stage.scans.plan]
    )

    def listed() -> list[Job]:
        jobs.schedule()
        return stage.units.read(lambda unit: unit.jobs.list())

    assert listed() == []
    publish(stage.backend, stage.owner, b"a")
    assert [job.id for job in (*listed(), *listed())] == [SCANNING, SCANNING]
    assert jobs.do_next()
    assert listed() == []
    assert stage.list_worst(1) == ["none"]


def test_two_replicas_record_a_version_once(stage: Stage) -> None:
    """A replica that lost its job to another one records no second scan."""
    publish(stage.backend, stage.owner, b"a")
    slower, done = FakeScanner(b"evil"), []

    def overtake() -> None:
        done.extend(stage.scans.scan_next())

    slower.before = overtake
    stage.make_scans(slower).scan_next()
    assert len(done) == 1
    assert stage.list_worst(1) == ["none"]


def test_a_store_that_is_away_loses_nothing(stage: Stage) -> None:
    """When the store fails, finished scans are recorded and the rest stays due."""
    for data in (b"a", b"b", b"c"):
        publish(stage.backend, stage.owner, data)

    def fail() -> None:
        if len(stage.scanner.looked) == 2:
            raise StorageFailed(path="s3", reason="away")

    stage.scanner.before = fail
    with pytest.raises(StorageFailed):
        stage.scans.scan_next()
    assert [stage.list_worst(n) for n in (1, 2, 3)] == [["none"], ["none"], []]
    stage.scanner.before = lambda: None
    assert [one.reference for one in stage.scans.scan_next()] == [f"{NAME}@3"]


def test_a_damaged_manifest_keeps_no_other_version_waiting(stage: Stage) -> None:
    """A damaged manifest is recorded as a finding, and the next version is scanned."""
    for data in (b"a", b"b"):
        publish(stage.backend, stage.owner, data)
    manifest = Digest.parse(stage.backend.ask(GetVersion(reference=Reference(NAME, 1))).revision)
    stage.blobs.set_aside(manifest)
    assert [one.scan.worst for one in stage.scans.scan_next()] == ["high", "none"]
    assert stage.scanner.looked == ["b"]


def test_a_version_that_takes_long_ends_the_batch(stage: Stage) -> None:
    """A slow scan is recorded before the next version begins."""
    for data in (b"a", b"b"):
        publish(stage.backend, stage.owner, data)
    ticks = iter(range(100))
    slow = Scans(
        units=stage.units,
        blobs=stage.blobs,
        scanning=stage.scanner,
        clock=lambda: NOW + timedelta(minutes=next(ticks)),
        nonces=stage.backend._nonces,
        keys=stage.backend._keys,
    )
    assert [one.reference for one in slow.scan_next()] == [f"{NAME}@1"]
    assert [one.reference for one in slow.scan_next()] == [f"{NAME}@2"]


def test_what_was_purged_is_not_missed(stage: Stage) -> None:
    """A purged version is skipped by scans."""
    publish(stage.backend, stage.owner, b"evil")
    stage.backend.execute(PurgeVersion(reference=Reference(NAME, 1), reason=Payload.of("a mistake")))
    assert [one.scan.worst for one in stage.scans.scan_next()] == ["none"]
    assert stage.scanner.looked == []


def test_a_scanner_stands_where_it_has_come_to(stage: Stage) -> None:
    """The position of a scanner is recorded together with its findings."""
    publish(stage.backend, stage.owner, b"a")
    stage.scans.scan_next()
    place = stage.units.read(lambda unit: unit.cursors.find(stage.scans._reader))
    version = stage.backend.ask(GetVersion(reference=Reference(NAME, 1)))
    assert place == Place(version.index + 1)


# ---- gates, approvals, and whose word it is


def test_a_gate_can_ask_for_the_registrys_scan(stage: Stage) -> None:
    """A gate that asks for the registry's scan fails without one and on a finding."""
    for data in (b"a", b"evil"):
        publish(stage.backend, stage.owner, data)
    set_policy(stage.backend, stage.owner, CLEAN)

    def move(number: int) -> None:
        stage.backend.execute(MoveAlias(reference=Reference(NAME, number), alias=PRODUCTION))

    refusal = refuses(lambda: move(1), GateFailed)
    assert "no scan by muniment" in str(refusal.failures)  # type: ignore[attr-defined] # GateFailed has them
    stage.scans.scan_next()
    refusal = refuses(lambda: move(2), GateFailed)
    assert "muniment has a high finding" in str(refusal.failures)  # type: ignore[attr-defined] # as above
    move(1)


def test_a_pickle_is_one_under_any_name(stage: Stage) -> None:
    """The rule about formats counts each pickle that the registry's scan found."""
    publish(stage.backend, stage.owner, b"data")
    stage.scanner.rule = "pickle/data"
    stage.scanner.words = (b"data",)
    set_policy(stage.backend, stage.owner, {"rule": "scan", "tools": ["muniment"], "maximum": "critical"})
    stage.scans.scan_next()
    move = MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION)
    refusal = refuses(lambda: stage.backend.execute(move), GateFailed)
    assert "not allowed: model.bin" in str(refusal.failures)  # type: ignore[attr-defined] # GateFailed has them
    allowed: JsonObject = {"rule": "format", "allow": ["pickle", "other"]}
    set_policy(stage.backend, stage.owner, allowed)
    stage.backend.execute(move)


def test_nobody_else_scans_as_the_registry(stage: Stage) -> None:
    """Nobody but the registry can record a scan under the registry's tool."""
    publish(stage.backend, stage.owner, b"evil")
    said: JsonObject = {"time": "2026-01-01T00:00:00Z", "findings": []}
    for tool, allowed in (("muniment", False), ("other", True)):
        predicate: JsonObject = {"tool": {"name": tool, "version": "1"}, **said}
        if allowed:
            record(stage.backend, stage.owner, 1, SCAN, predicate)
        else:
            refuses(lambda p=predicate: record(stage.backend, stage.owner, 1, SCAN, p), NotPermitted)  # type: ignore[misc] # bound at once


@pytest.mark.parametrize(("data", "stale"), [(b"a", False), (b"evil", True)])
def test_only_what_a_scan_finds_makes_approvals_stale(stage: Stage, data: bytes, *, stale: bool) -> None:
    """A scan makes approvals stale only if it has a finding."""
    publish(stage.backend, stage.owner, data)
    validator = add_person(stage.backend, "Vera", Role.VALIDATOR)
    approvals: JsonObject = {"rule": "approvals", "n": 1, "roles": ["validator"]}
    set_policy(stage.backend, stage.owner, approvals)
    vera = stage.open_as(validator)
    said = approval(vera, 1, Role.VALIDATOR)
    record(vera, validator, 1, APPROVAL, said)
    stage.scans.scan_next()
    move = MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION)
    if stale:
        refuses(lambda: stage.backend.execute(move), GateFailed)
        late = {**said, "nonce": "another one, of its own"}
        refuses(lambda: record(vera, validator, 1, APPROVAL, late), StaleApproval)
    else:
        stage.backend.execute(move)


def test_evidence_by_a_revoked_key_is_none(stage: Stage, tmp_path: Path) -> None:
    """Evidence by a revoked key is ignored, so a version with it can still be approved and promoted."""
    publish(stage.backend, stage.owner, b"a")
    thief = add_person(stage.backend, "Theo", Role.CONTRIBUTOR)
    receipt = record(stage.open_as(thief), thief, 1, EVALUATION, evaluation(0.9))
    stage.backend.execute(RevokeKey(key_id=thief.public.id, effective=receipt.index))
    validator = add_person(stage.backend, "Vera", Role.VALIDATOR)
    set_policy(stage.backend, stage.owner, {"rule": "approvals", "n": 1, "roles": ["validator"]})
    backend = TrustedBackend(stage.open_as(validator), DirectoryMemory(tmp_path / "state", "here"), "here")
    version = Registry(backend, validator).version(f"{NAME}@1")
    version.approve(alias="production", role="validator", reason="fine")
    stage.backend.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION))


# ---- for real


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """Give a model of scikit-learn as joblib keeps it, and one that runs a command."""
    fine, evil = tmp_path / "fine", tmp_path / "evil"
    fine.mkdir()
    evil.mkdir()
    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"]), fine / "model.joblib")
    (evil / "model.joblib").write_bytes(EVIL)
    (evil / "README.md").write_text("A model.")
    return fine, evil


def test_a_server_looks_into_what_is_published(
    tmp_path: Path, owner: Identity, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server scans a published version within seconds, and `show` prints the result."""
    fine, evil = models
    with run_server(tmp_path / "server") as server:
        registry = Registry(server.open_as(owner), owner)
        versions = [registry.push(path, "acme/x") for path in (fine, evil)]
        wait_until(lambda: all(version.claims(SCAN) for version in versions))
        scans = [Scan(version.claims(SCAN)[0].predicate) for version in versions]
        assert [(one.tool, one.worst) for one in scans] == [("muniment", "none"), ("muniment", "critical")]
        checks = versions[1].verify()
        assert all(check.passed for check in checks)
        assert "scan" in " ".join(check.what for check in checks)
        key = tmp_path / "owner.pem"
        owner.save(key)
        for name, value in {
            "MUNIMENT_URL": server.url,
            "MUNIMENT_IDENTITY": str(key),
            "MUNIMENT_TOKEN": server.tokens[owner.public.id],
        }.items():
            monkeypatch.setenv(name, value)
        shown = CliRunner().invoke(main, ["show", "acme/x@2"])
        assert shown.exit_code == 0, shown.output
        assert "1 found, the worst critical" in " ".join(shown.stdout.split())
        assert "critical model.joblib a pickle imports os.system" in " ".join(shown.stdout.split())
        assert "nothing found" in CliRunner().invoke(main, ["show", "acme/x@1"]).stdout


def test_a_server_can_be_told_not_to(tmp_path: Path, owner: Identity, models: tuple[Path, Path]) -> None:
    """A server with scans switched off leaves versions due for one that scans."""
    with run_server(tmp_path / "server", {"MUNIMENT_SCAN": "false"}) as server:
        Registry(server.open_as(owner), owner).push(models[0], "acme/x")
    planned = []
    for scan in (False, True):
        opened = open_served(ServerSettings.load(data=tmp_path / "server" / "data", scan=scan))
        opened.jobs.schedule()
        planned.append(SCANNING in {job.kind for job in opened.registry.units.read(lambda u: u.jobs.list())})
        opened.close()
    assert planned == [False, True]


@pytest.mark.slow
def test_replicas_look_into_what_is_in_an_object_store(
    tmp_path: Path, owner: Identity, scaled: dict[str, str], models: tuple[Path, Path]
) -> None:
    """Two replicas on PostgreSQL and S3 scan each version once."""
    with (
        run_server(tmp_path / "one", scaled) as one,
        run_server(
            tmp_path / "two", {**scaled, "MUNIMENT_KEYS": str(tmp_path / "one" / "data" / "keys")}
        ) as two,
    ):
        registry = Registry(one.open_as(owner), owner)
        for number in range(6):
            (models[0] / "README.md").write_text(str(number))
            registry.push(models[0], "acme/x")
        worse = registry.push(models[1], "acme/x")
        backend = two.connect(one.tokens[owner.public.id])

        def scans() -> list[int]:
            details = (
                backend.ask(DescribeVersion(reference=Reference.parse(f"acme/x@{n}"))) for n in range(1, 8)
            )
            return [sum(c.predicate_type == SCAN for c in detail.attestations) for detail in details]

        wait_until(lambda: all(scans()))
        assert scans() == [1] * 7
        assert [Scan(claim.predicate).worst for claim in worse.claims(SCAN)] == ["critical"]


def test_a_registry_in_a_directory_is_looked_into_by_hand(
    registry: Registry, settings: Settings, models: tuple[Path, Path]
) -> None:
    """`admin scan` scans an embedded registry once, and again on request."""
    for path in models:
        registry.push(path, "acme/x")

    def scan(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--registry", settings.location, "admin", "scan", *options])
        return result.exit_code, result.stdout

    code, said = scan("--json")
    assert code == 1
    assert [(one["version"], one["worst"]) for one in json.loads(said)] == [
        ("acme/x@1", "none"),
        ("acme/x@2", "critical"),
    ]
    assert scan() == (0, "0 versions scanned, findings in 0\n")
    code, said = scan("--again")
    assert code == 1
    assert "acme/x@2 critical model.joblib a pickle imports os.system" in said
    assert said.endswith("2 versions scanned, findings in 1\n")
    assert len(registry.version("acme/x@2").claims(SCAN)) == 2


def test_a_job_that_is_broken_off_has_not_failed(stage: Stage) -> None:
    """A scan interrupted by a stopping server can be continued at once."""
    publish(stage.backend, stage.owner, b"a")

    def break_off(_payload: str) -> None:
        jobs.end()
        raise StorageFailed(path="x", reason="closed")

    jobs = Jobs(stage.units, lambda: NOW, {SCANNING: break_off}, {}, [stage.scans.plan])
    jobs.schedule()
    assert jobs.do_next()
    (job,) = stage.units.read(lambda unit: unit.jobs.list())
    assert (job.attempts, job.leased, job.fault) == (0, "", "")
