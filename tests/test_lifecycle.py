"""The end of a version: what each status prevents, and what stays on record."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.backend import Backend
from muniment.core.canonical import Json
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import APPROVAL, EVALUATION, TOMBSTONE
from muniment.core.digests import Digest
from muniment.core.errors import (
    BlobNotFound,
    GateFailed,
    InvalidOption,
    NotPermitted,
    NotYourSignature,
    ReasonNeeded,
    RequestNotFound,
    VersionInUse,
    VersionNotFound,
    VersionPurged,
    VersionRetained,
    VersionWithdrawn,
)
from muniment.core.events import AttestationRecorded
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.catalog import ListTags, SetTag, Tag
from muniment.core.verbs.gates import GetMove, MoveAlias, OpenRequest, RollBackAlias
from muniment.core.verbs.log import GetLeaves
from muniment.core.verbs.people import ErasePrincipal, FindPerson, RegisterPrincipal, RevokeRole
from muniment.core.verbs.versions import DescribeVersion, PurgeVersion, SetRetention, SetStatus
from muniment.server.parts import open_parts
from muniment.services.upkeep.garbage import collect_garbage
from muniment.services.upkeep.rebuild import compare, rebuild
from muniment.signing.keys import Identity
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing.audits import check_audit
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    approval,
    evaluation,
    publish,
    record,
    refuses,
    set_policy,
)

FIRST = Reference(NAME, 1)


@pytest.fixture
def sam(backend: Backend, owner: Identity, open_as: OpenAs) -> Backend:
    """Publish two versions, and let Sam of security in."""
    publish(backend, owner, b"a")
    publish(backend, owner, b"b")
    return open_as(add_person(backend, "Sam", Role.SECURITY))


def say(backend: Backend, status: Status, number: int = 1, reason: str | None = "it leaks") -> None:
    command = SetStatus(
        reference=Reference(NAME, number),
        status=status,
        reason=None if reason is None else Payload.of(reason),
    )
    backend.execute(command)


def read(backend: Backend, data: bytes) -> bytes:
    with backend.open_blob(Digest.of(data)) as file:
        return file.read()


# ---- statuses


def test_each_status_has_a_reason_and_is_on_record(sam: Backend, backend: Backend) -> None:
    """A status needs a reason and is recorded once; a retired version gets no new alias."""
    refuses(lambda: say(backend, Status.DEPRECATED, reason=None), ReasonNeeded)
    say(backend, Status.DEPRECATED)
    detail = backend.ask(DescribeVersion(reference=FIRST))
    assert detail.status is not None
    assert (detail.status.status, detail.status_reason) == ("deprecated", "it leaks")
    size = len(backend.ask(GetLeaves(start=0)))
    say(backend, Status.DEPRECATED)
    assert len(backend.ask(GetLeaves(start=0))) == size, "the same again changes nothing"
    backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION))
    say(backend, Status.RETIRED)
    refuses(lambda: backend.execute(MoveAlias(reference=FIRST, alias=Alias("other"))), VersionWithdrawn)
    say(backend, Status.PUBLISHED)
    backend.execute(MoveAlias(reference=FIRST, alias=Alias("other")))
    del sam


def test_only_security_revokes_and_lifts(sam: Backend, backend: Backend, open_as: OpenAs) -> None:
    """Only security can revoke a version and lift a revocation, and it can set no other status."""
    others = (Role.READER, Role.CONTRIBUTOR, Role.VALIDATOR, Role.APPROVER, Role.AUDITOR, Role.ADMIN)
    for role in others:
        person = open_as(add_person(backend, f"a {role}", role))
        refuses(lambda person=person: say(person, Status.REVOKED), NotPermitted)  # type: ignore[misc] # bound at once
    refuses(lambda: say(sam, Status.RETIRED), NotPermitted)
    say(sam, Status.REVOKED)
    for status in (Status.PUBLISHED, Status.RETIRED):
        refuses(lambda status=status: say(backend, status), NotPermitted)  # type: ignore[misc] # bound at once
    say(sam, Status.PUBLISHED)
    assert read(backend, b"a") == b"a"


def test_a_status_tells_a_stranger_nothing(sam: Backend, backend: Backend, open_as: OpenAs) -> None:
    """Without a role, setting a status is refused alike whether or not the version exists."""
    identity = Identity.generate()
    backend.execute(RegisterPrincipal(name=Payload.of("Nils"), public_key=identity.public.pem))
    stranger = open_as(identity)
    say(sam, Status.REVOKED)
    refusals = {
        str(refuses(lambda number=number: say(stranger, Status.REVOKED, number), NotPermitted))  # type: ignore[misc] # bound at once
        for number in (1, 2, 3)
    }
    assert len(refusals) == 1


def test_only_who_set_a_status_repeats_it(sam: Backend, backend: Backend) -> None:
    """Repeating a status answers its own actor, and takes the right to read from everybody."""
    say(sam, Status.REVOKED)
    say(sam, Status.REVOKED)
    refuses(lambda: say(backend, Status.REVOKED), NotPermitted)
    (grant,) = [one for one in backend.ask(FindPerson(principal="Sam")).grants if one.role == Role.SECURITY]
    backend.execute(RevokeRole(principal="Sam", namespace=grant.namespace, role=Role.SECURITY))
    refuses(lambda: say(sam, Status.REVOKED), NotPermitted)


def test_a_revoked_version_is_for_security_and_auditors(
    sam: Backend, backend: Backend, open_as: OpenAs
) -> None:
    """Only security and auditors can read the files of a revoked version; its record stays readable."""
    rita = open_as(add_person(backend, "Rita", Role.READER))
    audrey = open_as(add_person(backend, "Audrey", Role.AUDITOR))
    say(sam, Status.REVOKED)
    for person in (backend, rita):
        refusal = refuses(lambda person=person: read(person, b"a"), VersionWithdrawn)  # type: ignore[misc] # bound at once
        assert "acme/readmission@1 is revoked: it leaks" in str(refusal)
    assert read(sam, b"a") == read(audrey, b"a") == b"a"
    assert read(rita, b"b") == b"b", "another version is as it was"
    assert backend.ask(DescribeVersion(reference=FIRST)).record.number == 1, "and so is the record"


def test_revoked_weights_do_not_come_back(sam: Backend, backend: Backend, owner: Identity) -> None:
    """Revoked bytes cannot be published under another name in the namespace."""
    say(sam, Status.REVOKED)
    other = ModelName("acme", "other")
    refuses(lambda: publish(backend, owner, b"a", name=other), VersionWithdrawn)


def test_a_quarantine_ends_at_its_namespace(
    sam: Backend, backend: Backend, owner: Identity, open_as: OpenAs
) -> None:
    """Another namespace can publish the same bytes and learns nothing about the revocation."""
    theirs = ModelName("other", "model")
    publish(backend, owner, b"a", name=theirs)
    olga = open_as(add_person(backend, "Olga", Role.READER, namespace="other"))
    rita = open_as(add_person(backend, "Rita", Role.READER))
    say(sam, Status.REVOKED)
    assert read(olga, b"a") == b"a"
    refuses(lambda: read(rita, b"a"), VersionWithdrawn)
    assert read(backend, b"a") == b"a", "who may read it elsewhere may read it"
    carl = add_person(backend, "Carl", Role.CONTRIBUTOR, namespace="third")
    publish(open_as(carl), carl, b"a", name=ModelName("third", "model"))
    backend.execute(PurgeVersion(reference=Reference(theirs, 1), reason=Payload.of("old")))
    refuses(lambda: read(olga, b"a"), BlobNotFound)
    refuses(lambda: read(rita, b"a"), VersionWithdrawn)
    say(sam, Status.PUBLISHED)
    assert read(rita, b"a") == b"a"


def test_a_version_without_known_weights_does_not_come_back(registry: Registry, model: Path) -> None:
    """A revoked version without known weights is recognised by all of its files, not by one of them."""
    registry.people.grant(registry.people.me().record.id, "security")
    registry.push(model, "acme/x").set_status("revoked", "bad")
    with pytest.raises(VersionWithdrawn):
        registry.push(model, "acme/y")
    (model / "weights.bin").write_bytes(b"mended")
    assert all(check.passed for check in registry.push(model, "acme/x").verify())


def test_an_alias_does_not_move_to_it_and_rolls_back_past_it(
    sam: Backend, backend: Backend, owner: Identity
) -> None:
    """An alias cannot move to a revoked version, and a rollback skips it."""
    publish(backend, owner, b"c")
    for number in (1, 2, 3):
        backend.execute(MoveAlias(reference=Reference(NAME, number), alias=PRODUCTION))
    say(sam, Status.REVOKED, number=2)
    refuses(
        lambda: backend.execute(MoveAlias(reference=Reference(NAME, 2), alias=PRODUCTION)), VersionWithdrawn
    )
    backend.execute(RollBackAlias(name=NAME, alias=PRODUCTION))
    assert backend.ask(GetMove(name=NAME, alias=PRODUCTION)).number == 1


def test_a_policy_that_asks_for_it_notices_a_revoked_ancestor(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provenance rule refuses a version whose base was revoked."""
    monkeypatch.chdir(tmp_path)
    registry.people.grant(registry.people.me().record.id, "security")
    (tmp_path / "base.bin").write_bytes(b"base")
    base = registry.push(tmp_path / "base.bin", "acme/base")
    (tmp_path / "tuned.bin").write_bytes(b"tuned")
    with muniment.run() as run:
        run.base(base)
    tuned = registry.push(tmp_path / "tuned.bin", "acme/tuned", run=run)
    rule: dict[str, Json] = {"rule": "provenance", "clean_tree": False, "resolved": False}
    registry.policies.set("acme/tuned", "production", {"rules": [rule]}, reason="agreed")
    assert tuned.check("production").passed
    base.set_status("revoked", "poisoned")
    with pytest.raises(GateFailed) as refusal:
        registry.promote(tuned, "production")
    assert "acme/base@1 is revoked" in refusal.value.failures[0]


# ---- retention and purge


def keep(backend: Backend, until: str | None, *, hold: bool = False) -> None:
    backend.execute(SetRetention(reference=FIRST, until=until, hold=hold, reason=Payload.of("law")))


def test_retention_is_never_shortened(sam: Backend, backend: Backend, open_as: OpenAs) -> None:
    """An auditor can extend a retention but not shorten it, and a retained version cannot be purged."""
    refuses(lambda: keep(backend, "2036-01-01T00:00:00Z"), NotPermitted)
    audrey = open_as(add_person(backend, "Audrey", Role.AUDITOR))
    refuses(lambda: keep(audrey, None), InvalidOption)
    keep(audrey, "2036-01-01T00:00:00Z")
    refuses(lambda: keep(audrey, "2030-01-01T00:00:00Z"), VersionRetained)
    keep(audrey, "2040-01-01T01:00:00+01:00")
    detail = backend.ask(DescribeVersion(reference=FIRST))
    assert detail.retention is not None
    assert detail.retention.until == "2040-01-01T00:00:00.000000Z"
    purge = PurgeVersion(reference=FIRST, reason=Payload.of("old"))
    refuses(lambda: backend.execute(purge), VersionRetained)
    del sam


def test_a_legal_hold_keeps_it(sam: Backend, backend: Backend, open_as: OpenAs) -> None:
    """A version under a legal hold cannot be purged until the hold ends."""
    audrey = open_as(add_person(backend, "Audrey", Role.AUDITOR))
    keep(audrey, None, hold=True)
    purge = PurgeVersion(reference=FIRST, reason=Payload.of("old"))
    refuses(lambda: backend.execute(purge), VersionRetained)
    keep(audrey, None, hold=False)
    backend.execute(purge)
    del sam


def test_a_purge_leaves_the_record_and_a_tombstone(sam: Backend, backend: Backend) -> None:
    """A purge removes the files, leaves the record with a tombstone, and cannot be undone."""
    purge = PurgeVersion(reference=FIRST, reason=Payload.of("old"))
    refuses(lambda: sam.execute(purge), NotPermitted)
    refuses(lambda: backend.execute(PurgeVersion(reference=FIRST)), ReasonNeeded)
    backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION))
    assert "production" in str(refuses(lambda: backend.execute(purge), VersionInUse))
    backend.execute(MoveAlias(reference=Reference(NAME, 2), alias=PRODUCTION))
    backend.execute(purge)
    refuses(lambda: read(sam, b"a"), BlobNotFound)
    detail = backend.ask(DescribeVersion(reference=FIRST))
    assert TOMBSTONE in {claim.predicate_type for claim in detail.attestations}
    refuses(lambda: backend.execute(purge), VersionPurged)
    refuses(lambda: say(backend, Status.PUBLISHED), VersionPurged)
    refuses(lambda: say(backend, Status.PURGED, number=2), VersionPurged)
    refuses(lambda: backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION)), VersionWithdrawn)


def test_what_another_version_has_too_stays(registry: Registry, model: Path) -> None:
    """Purging a version keeps the files that it shares with another, and both still verify."""
    registry.people.grant(registry.people.me().record.id, "security")
    first = registry.push(model, "acme/x")
    (model / "weights.bin").write_bytes(b"new weights")
    second = registry.push(model, "acme/x")
    first.set_status("revoked", "bad")
    assert all(check.passed for check in second.verify())
    first.purge("gone")
    assert all(check.passed for check in second.verify())
    checks = first.verify()
    assert [check.what for check in checks if not check.passed] == []
    assert any("tombstone" in check.what for check in checks)


def test_what_a_version_shares_is_found_without_reading_the_others(
    registry: Registry, model: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purge finds shared files without reading the manifests of other versions."""
    (model / "shared.txt").write_text("shared")
    for number in range(30):
        (model / "weights.bin").write_bytes(b"%d" % number)
        version = registry.push(model, "acme/x")
    registry.people.grant(registry.people.me().record.id, "security")
    opened: list[Digest] = []
    really_open = LocalBlobs.open

    def count(self: LocalBlobs, digest: Digest) -> object:
        opened.append(digest)
        return really_open(self, digest)

    monkeypatch.setattr(LocalBlobs, "open", count)
    version.set_status("revoked", "bad")
    version.purge("worse")
    others = {record.revision for record in registry.versions("acme/x")} - {str(version.digest)}
    assert opened
    assert not others & {str(digest) for digest in opened}
    monkeypatch.undo()
    assert all(check.passed for check in registry.version("acme/x@1").verify())
    units = open_sqlite(Path(settings.location) / "registry.db", LocalBlobs(Path(settings.location)))
    files = [Digest.of(b"shared"), Digest.of(b"29"), Digest.of(b"28")]
    assert set(units.read(lambda unit: unit.holdings.find_sizes(["acme"], files))) == {files[0], files[2]}
    units.close()


def test_rebuild_knows_what_is_in_quarantine(registry: Registry, model: Path, settings: Settings) -> None:
    """A rebuild restores which blobs are in quarantine and which are gone."""
    me = registry.people.me().record.id
    version = registry.push(model, "acme/x")
    (model / "weights.bin").write_bytes(b"other")
    other = registry.push(model, "acme/x")
    registry.people.grant(me, "security")
    version.set_status("revoked", "bad")
    registry.people.withdraw(me, "security")
    other.purge("old")
    directory = Path(settings.location)
    units = open_sqlite(directory / "registry.db", LocalBlobs(directory))
    before = units.read(lambda unit: sorted(unit.holdings.list_of("!quarantine/acme")))
    held = units.read(lambda unit: sorted(unit.holdings.list_of("acme")))
    assert before
    units.write(rebuild)
    assert units.read(compare) == []
    assert units.read(lambda unit: sorted(unit.holdings.list_of("!quarantine/acme"))) == before
    assert units.read(lambda unit: sorted(unit.holdings.list_of("acme"))) == held
    units.close()
    with pytest.raises(VersionWithdrawn):
        registry.pull("acme/x@1", directory.parent / "pulled")


def test_rebuild_leaves_out_what_is_damaged(registry: Registry, model: Path, settings: Settings) -> None:
    """A rebuild skips claims and datasets that cannot be read and restores all else."""
    version = registry.push(model, "acme/x")
    version.attest(EVALUATION, evaluation(0.5))
    damaged = version.attest(EVALUATION, evaluation(0.75))
    rows = registry.push(model / "config", "acme/rows", kind="dataset")
    assert [str(one.number) for one in registry.search("metric.roc_auc = 0.75")] == ["1"]
    directory = Path(settings.location)
    for digest in (str(damaged.read(AttestationRecorded).attestation), str(rows.digest)):
        (directory / "blobs" / "sha256" / Digest.parse(digest).hex).unlink()
    units = open_sqlite(directory / "registry.db", LocalBlobs(directory))
    units.write(rebuild)
    assert units.read(compare) == []
    units.close()
    assert list(registry.search("metric.roc_auc = 0.75")) == []
    assert [str(one.number) for one in registry.search("metric.roc_auc = 0.5")] == ["1"]


# ---- drafts


def test_a_draft_becomes_a_version_or_goes(registry: Registry, model: Path, settings: Settings) -> None:
    """A draft is published unchanged, and discarding one removes what nothing else needs."""
    (model / "shared.txt").write_text("shared")
    first = registry.drafts.save(model, "acme/new", message="try this").index
    (model / "weights.bin").write_bytes(b"other weights")
    second = registry.drafts.save(model, "acme/new").index
    draft, other = registry.drafts.list("acme/new")
    assert (draft.record.index, other.record.index) == (first, second)
    version = registry.drafts.publish(draft)
    assert (str(version), version.describe().message) == ("acme/new@1", "try this")
    assert all(check.passed for check in version.verify())
    registry.drafts.discard(second, "worse")
    held = Digest.of(b"shared"), Digest.of(b"other weights")
    directory = Path(settings.location)
    units = open_sqlite(directory / "registry.db", LocalBlobs(directory))
    assert units.read(lambda unit: set(unit.holdings.find_sizes(["acme"], held))) == {held[0]}
    before = units.read(lambda unit: sorted(unit.holdings.list_of("acme")))
    assert units.read(compare) == []
    units.write(rebuild)
    assert units.read(lambda unit: sorted(unit.holdings.list_of("acme"))) == before
    units.close()


def test_a_draft_keeps_what_its_claims_keep(
    registry: Registry, model: Path, settings: Settings, tmp_path: Path
) -> None:
    """A draft holds what its run recorded for as long as it waits, also after a rebuild."""
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    with muniment.run() as run:
        run.dataset("patients", tmp_path / "train.csv", snapshot=True)
    registry.drafts.save(model, "acme/new", run=run)
    kept = [one.digest for one in run.record().kept]
    assert kept
    directory = Path(settings.location)
    units = open_sqlite(directory / "registry.db", LocalBlobs(directory))
    assert set(units.read(lambda unit: unit.holdings.find_sizes(["acme"], kept))) == set(kept)
    units.write(rebuild)
    assert set(units.read(lambda unit: unit.holdings.find_sizes(["acme"], kept))) == set(kept)
    units.close()
    (draft,) = registry.drafts.list("acme/new")
    assert all(check.passed for check in registry.drafts.publish(draft).verify())


def test_a_draft_is_its_authors(registry: Registry, model: Path, settings: Settings) -> None:
    """Only its author can publish or discard a draft."""
    entry = registry.drafts.save(model, "acme/new").index
    carl = Identity.generate()
    registry.people.add("Carl", carl.public)
    with muniment.open(settings=settings, identity=carl) as theirs:
        refuses(lambda: theirs.drafts.discard(entry), RequestNotFound)
        registry.people.grant("Carl", "contributor", "acme")
        (draft,) = theirs.drafts.list("acme/new")
        refuses(lambda: theirs.drafts.publish(draft), NotYourSignature)
        refuses(lambda: theirs.drafts.discard(entry), NotPermitted)
        refuses(lambda: theirs.promote("acme/new@latest", "staging"), VersionNotFound)
    assert len(registry.drafts.list("acme/new")) == 1


def test_a_draft_of_what_was_purged_is_not_published(registry: Registry, model: Path) -> None:
    """A draft that was saved before a purge does not bring the version back."""
    registry.push(model, "acme/x")
    registry.drafts.save(model, "acme/y")
    registry.version("acme/x@1").purge("old")
    (draft,) = registry.drafts.list("acme/y")
    refuses(lambda: registry.drafts.publish(draft), VersionPurged)


# ---- erasure


def test_a_person_is_erased_and_everything_verifies(
    registry: Registry, model: Path, settings: Settings
) -> None:
    """Erasing a person removes their texts from the database files, and every version still verifies."""
    vera = Identity.generate()
    registry.people.add("Vera Smith", vera.public)
    for role in ("contributor", "reader"):
        registry.people.grant("Vera Smith", role, "acme")
    theirs = muniment.open(settings=settings, identity=vera)
    version = theirs.push(model, "acme/x", message="call me on 555-0199", alias="staging")
    version.tag("owner", "vera.smith@example.org")
    principal = theirs.people.me().record.id
    theirs.close()
    directory = Path(settings.location)
    texts = (b"Vera Smith", b"555-0199", b"vera.smith@example.org")
    assert [text for text in texts if text not in _read_database(directory)] == []
    registry.people.erase("Vera Smith", typed=True)
    stored = _read_database(directory)
    assert [text for text in texts if text in stored] == [], "nor in what the files of the database have free"
    registry.close()
    with muniment.open(settings=settings) as again:
        assert again.people.get(principal).name is None
        checks = again.version("acme/x@1").verify()
        assert [check.what for check in checks if not check.passed] == []
        assert check_audit(again) > 0
        assert again.version("acme/x@1").describe().message is None
        assert again.version("acme/x@1").tags() == {}
        assert not list(again.search('tag.owner = "vera.smith@example.org"'))
    units = open_sqlite(directory / "registry.db", LocalBlobs(directory))
    assert units.read(compare) == []
    units.close()


def _read_database(directory: Path) -> bytes:
    """Read the files of a database, also what was not folded in yet."""
    return b"".join(path.read_bytes() for path in directory.rglob("registry.db*"))


def test_what_an_admin_typed_of_others_is_theirs(registry: Registry, settings: Settings) -> None:
    """Erasing an admin removes their name and texts, and keeps the names of others that they typed."""
    admin = Identity.generate()
    registry.people.add("Ada the admin", admin.public)
    registry.people.grant("Ada the admin", "admin")
    with muniment.open(settings=settings, identity=admin) as theirs:
        theirs.people.add("Vera")
    registry.people.erase("Ada the admin", typed=True)
    assert [person.name for person in registry.people.list()][-2:] == [None, "Vera"]


def test_only_an_admin_erases(sam: Backend, backend: Backend) -> None:
    """Only an admin can erase a person, and texts of others stay."""
    refuses(lambda: sam.execute(ErasePrincipal(principal="Sam")), NotPermitted)
    backend.execute(SetTag(reference=FIRST, key="a", value=Payload.of("kept")))
    backend.execute(ErasePrincipal(principal="Sam"))
    assert backend.ask(ListTags(reference=FIRST)) == (Tag(key="a", value="kept"),)


# ---- what a user sees


def test_the_commands(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands set a status, retain, purge and erase, and say what they affected."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, list(arguments))
        return result.exit_code, result.output

    call("init")
    call("push", str(model), "acme/x")
    me = json.loads(call("user", "list", "--json")[1])["items"][0]
    call("role", "grant", "Ada", "security")
    call("role", "grant", "Ada", "auditor")
    assert me
    call("promote", "acme/x@1", "production")
    call("deploy", "acme/x@1", "prod-eu/api")
    assert call("deprecate", "acme/x@1", "--reason", "old")[0] == 0
    assert "DEPRECATED" in call("show", "acme/x@1")[1]
    code, shown = call("revoke", "acme/x@1", "--reason", "backdoor")
    assert code == 0
    assert "affected  acme/x@1, (acme/x@production), serves at prod-eu/api" in shown
    assert "REVOKED" in call("show", "acme/x@1")[1]
    assert call("restore", "acme/x@1", "--reason", "mistaken")[0] == 0
    assert call("retire", "acme/x@1", "--reason", "done")[0] == 0
    assert "until 2036" in call("retain", "acme/x@1", "--until", "2036-01-01T00:00:00Z", "--reason", "law")[1]
    code, shown = call("purge", "acme/x@1", "--reason", "old", "--yes")
    assert (code, "version_retained" in shown) == (3, True)
    assert "text erased" in call("user", "erase", "Ada")[1]


def test_a_pull_is_refused_with_the_reason(
    registry: Registry, model: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pulling a revoked version is refused with the reason, unless one may inspect it, and writes no file."""
    me = registry.people.me().record.id
    registry.people.grant(me, "security")
    version: Version = registry.push(model, "acme/x", alias="production")
    version.set_status("revoked", "backdoor in the weights")
    with pytest.warns(UserWarning, match="acme/x@1 is revoked"):
        registry.pull("acme/x@1", tmp_path / "inspected")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    shown = CliRunner().invoke(main, ["pull", "acme/x@1", str(tmp_path / "inspected")])
    assert (shown.exit_code, shown.stderr) == (0, "warning: acme/x@1 is revoked\n")
    registry.people.withdraw(me, "security")
    # Not even where the files are there already.
    for place in ("out", "inspected"):
        with pytest.raises(VersionWithdrawn, match="backdoor in the weights"):
            registry.pull("acme/x@production", tmp_path / place)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("status", ["retired", "revoked", "purged"])
def test_a_version_out_of_service_meets_no_gate(registry: Registry, model: Path, status: str) -> None:
    """It meets no policy in any mode, keeps no alias by promotion, and is not deployed."""
    registry.people.grant(registry.people.me().record.id, "security")
    version = registry.push(model, "acme/x")
    registry.policies.set(
        "acme/x", "production", {"mode": "warn", "rules": [{"rule": "signature"}]}, reason="agreed"
    )
    assert version.check("production").passed
    if status == "purged":
        version.purge("it leaks")
    else:
        registry.promote(version, "production")
        version.set_status(status, "it leaks")
    gate = version.check("production")
    assert (gate.passed, gate.failures) == (False, (f"in service: the version is {status}",))
    for act in (lambda: registry.promote(version, "production"), lambda: version.deploy("prod-eu/api")):
        refuses(act, VersionWithdrawn)


@pytest.mark.parametrize("status", ["retired", "revoked", "purged"])
def test_nobody_approves_what_is_out_of_service(
    backend: Backend, open_as: OpenAs, owner: Identity, status: str
) -> None:
    """An approval, a request or a waiver of it is refused by name; a rejection of it is not."""
    publish(backend, owner, b"weights")
    set_policy(backend, owner, {"rule": "approvals", "validator": 1})
    vera = add_person(backend, "Vera", Role.VALIDATOR, Role.SECURITY)
    theirs = open_as(vera)
    about, reason = Reference(NAME, 1), Payload.of("it leaks")
    if status == "purged":
        backend.execute(PurgeVersion(reference=about, reason=reason))
    else:
        actor = theirs if status == "revoked" else backend
        actor.execute(SetStatus(reference=about, status=Status(status), reason=reason))
        said = approval(theirs, 1, Role.VALIDATOR, decision="reject")
        record(theirs, vera, 1, APPROVAL, said)
    said = approval(theirs, 1, Role.VALIDATOR)
    refuses(lambda: record(theirs, vera, 1, APPROVAL, said), VersionWithdrawn)
    refuses(lambda: theirs.execute(OpenRequest(reference=about, alias=PRODUCTION)), VersionWithdrawn)


def test_a_purged_version_does_not_come_back(
    registry: Registry, model: Path, tmp_path: Path, settings: Settings
) -> None:
    """Pushing its files again is refused by name, and so is pulling it, before and after a collection."""
    version = registry.push(model, "acme/x")
    version.purge("it leaks")
    for _ in range(2):
        refuses(lambda: registry.push(model, "acme/x"), VersionPurged)
        refuses(lambda: registry.pull("acme/x@1", tmp_path / "out"), VersionPurged)
        refuses(lambda: registry.load("acme/x@1"), VersionPurged)
        with open_parts(Path(settings.location)) as parts:
            later = datetime.now(UTC) + timedelta(days=7)
            stores = parts.units, parts.blobs, parts.staging, parts.landing
            assert collect_garbage(*stores, later, remove=True).blobs


def test_what_was_purged_comes_back_by_no_way(registry: Registry, tmp_path: Path) -> None:
    """Neither the revision nor a model in it is published or drafted again in its namespace, by any name."""
    alone, beside, other = (tmp_path / name for name in ("alone", "beside", "other"))
    for directory in (alone, beside, other):
        directory.mkdir()
        (directory / "notes.txt").write_text(f"{directory.name}" if directory is not alone else "the same")
    for directory in (alone, beside):
        save_file({"w": np.ones(3, np.float32)}, directory / "model.safetensors")
    (other / "notes.txt").write_text("the same")
    registry.push(alone, "acme/x").purge("it leaks")
    for directory, name in ((alone, "acme/y"), (beside, "acme/x"), (beside, "acme/y")):
        refuses(lambda: registry.push(directory, name), VersionPurged)  # noqa: B023 - called at once
        refuses(lambda: registry.drafts.save(directory, name), VersionPurged)  # noqa: B023 - called at once
    # A file without a model may come back, and another namespace learns nothing of it.
    registry.push(other, "acme/z")
    registry.push(alone, "beta/x")


def test_what_another_version_has_is_not_purged(registry: Registry, tmp_path: Path) -> None:
    """A model that another version of the namespace still has may be published again."""
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        save_file({"w": np.ones(3, np.float32)}, tmp_path / name / "model.safetensors")
        (tmp_path / name / "notes.txt").write_text(name)
    first = registry.push(tmp_path / "one", "acme/x")
    registry.push(tmp_path / "two", "acme/y")
    first.purge("it leaks")
    registry.push(tmp_path / "three", "acme/z")
    refuses(lambda: registry.push(tmp_path / "one", "acme/z"), VersionPurged)


def test_the_latest_version_has_not_been_purged(registry: Registry, tmp_path: Path) -> None:
    """A reference without a selector passes over purged versions, as long as there are others."""
    versions = []
    for number in range(1, 4):
        (tmp_path / "w.bin").write_bytes(bytes([number]))
        versions.append(registry.push(tmp_path / "w.bin", "acme/x"))
    then = registry.version("acme/x").record.published
    for number in (3, 2):
        versions[number - 1].purge("it leaks")
        assert registry.version("acme/x").record.number == number - 1
    assert registry.version("acme/x", at=then).record.number == 3
    versions[0].purge("it leaks")
    assert registry.version("acme/x").record.number == 3


def test_what_is_revoked_is_not_loaded(registry: Registry, tmp_path: Path) -> None:
    """Loading a revoked version is refused, also for security; loading a deprecated one warns."""
    registry.people.grant(registry.people.me().record.id, "security")
    save_file({"w": np.zeros(3)}, tmp_path / "w.safetensors")
    version = registry.push(tmp_path / "w.safetensors", "acme/x")
    version.set_status("deprecated", "there is a better one")
    with pytest.warns(UserWarning, match="acme/x@1 is deprecated"):
        registry.load("acme/x@1")
    version.set_status("revoked", "it leaks")
    refuses(lambda: registry.load("acme/x@1"), VersionWithdrawn)


def test_show_at_a_time_shows_the_state_of_then(
    registry: Registry, model: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aliases, status, tags, owner and withdrawals that came later are not shown."""
    version = registry.push(model, "acme/x", alias="staging")
    made = version.attest(EVALUATION, evaluation(0.9))
    then = made.entry.time
    version.withdraw_claim(str(made.read(AttestationRecorded).attestation), "wrong labels")
    registry.promote(version, "canary")
    version.set_status("deprecated", "there is a better one")
    registry.set_owner("acme/x", registry.people.me().record.id)
    version.tag("stage", "old")
    assert registry.version("acme/x@staging", at=then).tags() == {}
    registry.close()
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    now, past = (
        CliRunner().invoke(main, ["show", "acme/x@staging", *options]).stdout
        for options in ([], ["--at", then])
    )
    for word in ("canary", "DEPRECATED", "withdrew their evaluation", "owner"):
        assert word in now
        assert word not in past
    assert "staging" in past
    assert "0.900" in past
