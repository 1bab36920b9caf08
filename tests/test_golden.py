"""Golden artefacts: this build opens, verifies and rebuilds what an earlier one wrote."""

import json
import tarfile
from pathlib import Path

import pytest

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.exporting import verify_export
from muniment.core.claims.attestations import kind_of
from muniment.core.claims.predicates import Predicate
from muniment.core.events.leaves import EVENTS, read_entry
from muniment.core.records import KeyRecord
from muniment.core.verbs.log import GetLeaves
from muniment.server.parts import open_parts
from muniment.services.upkeep.rebuild import compare
from muniment.signing.bundle import Bundle, verify_bundle
from muniment.signing.keys import PublicKey
from muniment.signing.schemas import SCHEMAS, check_predicate
from muniment.testing.audits import check_audit

GOLDEN = Path(__file__).parent / "golden"
BUNDLES: dict[str, str] = json.loads((GOLDEN / "bundles.json").read_text())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give a copy of the golden registry."""
    root = tmp_path / "registry"
    with tarfile.open(GOLDEN / "registry.tar.xz") as archive:
        archive.extractall(root, filter="data")
    for key in (root / "keys").iterdir():
        key.chmod(0o600)
    return root


@pytest.fixture
def golden(directory: Path, tmp_path: Path) -> Registry:
    """Open the golden registry."""
    settings = Settings.read({"MUNIMENT_STATE": str(tmp_path / "state")})
    return muniment.open(directory, settings=settings)


def test_the_log_of_the_golden_registry_is_whole(golden: Registry) -> None:
    """The entries of the golden log hash to the root that its checkpoint signs."""
    assert golden._session.backend.seen.size > len(EVENTS)
    assert check_audit(golden) == golden._session.backend.seen.size


def test_every_type_of_event_is_in_the_golden_registry(golden: Registry) -> None:
    """The golden log has entries of every type, and each is read by its class."""
    leaves = golden._session.backend.ask(GetLeaves(start=0, limit=1000))
    assert {read_entry(leaf, index).event.type for index, leaf in enumerate(leaves)} == set(EVENTS)


def test_every_version_of_the_golden_registry_verifies(golden: Registry) -> None:
    """Every golden version verifies; the purged one by its tombstone."""
    records = list(golden.versions("acme/x"))
    assert len(records) >= 3
    for record in records:
        checks = golden.version(f"acme/x@{record.number}").verify()
        assert checks
        assert [check.error for check in checks if not check.passed] == []


def test_the_golden_tables_are_what_the_log_says(directory: Path) -> None:
    """A rebuild would change no row of the golden registry."""
    with open_parts(directory) as parts:
        assert parts.units.read(compare) == []


def test_the_golden_export_verifies() -> None:
    """The golden export verifies without its registry."""
    said, checks = verify_export(GOLDEN / "export.tar")
    assert said.reference == "acme/x@1"
    assert checks
    assert [check.error for check in checks if not check.passed] == []


def test_there_is_a_golden_bundle_of_each_kind() -> None:
    """There is a golden bundle for each schema."""
    assert set(BUNDLES) == {kind_of(predicate_type) for predicate_type in SCHEMAS}


@pytest.mark.parametrize("kind", BUNDLES)
def test_a_golden_bundle_verifies_and_is_read(kind: str, directory: Path) -> None:
    """A golden bundle verifies, meets its schema, and is written again unchanged by its class."""
    bundle = Bundle.decode(BUNDLES[kind].encode())
    with open_parts(directory) as parts:
        key = parts.units.read(lambda unit: unit.projections.find(KeyRecord, (bundle.key_id,)))
    assert key is not None
    statement = verify_bundle(bundle, PublicKey.read(key.public_key.encode()))
    assert kind_of(statement.predicate_type) == kind
    check_predicate(statement.predicate_type, statement.predicate)
    for form in Predicate.__subclasses__():
        if form.type == statement.predicate_type:
            assert form.read(statement.predicate).predicate() == statement.predicate
