"""Loading by an alias: what it serves has passed its gate, and still may be used."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION, PROVENANCE, SCAN
from muniment.core.errors import GateFailed, MoveUnfounded, MunimentError
from muniment.testing.backends import evaluation, provenance

Push = Callable[[float], Version]
ACCURATE: Json = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.9}
CLEAN: Json = {"rule": "scan", "tools": ["grype"], "maximum": "low"}


@pytest.fixture
def push(registry: Registry, tmp_path: Path) -> Push:
    """Give a function that publishes a version of `acme/x` that can be loaded."""

    def push(weight: float) -> Version:
        save_file({"w": np.full(3, weight)}, tmp_path / "w.safetensors")
        return registry.push(tmp_path / "w.safetensors", "acme/x")

    return push


def policy(*rules: Json, **members: Json) -> dict[str, Json]:
    return {"rules": [*rules], **members}


def scan(severity: str) -> dict[str, Json]:
    return {
        "tool": {"name": "grype", "version": "1"},
        "time": "2026-01-01T00:00:00Z",
        "findings": [{"severity": severity, "message": "a hole"}],
    }


def refuses_to_load(
    registry: Registry, kind: type[MunimentError], reference: str = "acme/x@production"
) -> None:
    with pytest.raises(kind):
        registry.load(reference)


def test_an_alias_without_a_gate_is_loaded(registry: Registry, push: Push) -> None:
    """Nothing but the bytes and the status is asked of an alias that nobody guards."""
    registry.promote(push(1.0), "production")
    assert registry.load("acme/x@production").version.number == 1


def test_a_move_without_its_verdicts_is_not_loaded(
    settings: Settings, registry: Registry, push: Push, tmp_path: Path
) -> None:
    """A version to which an alias moved past its policy is not loaded, pulled or deployed by it."""
    first, second = push(1.0), push(2.0)
    registry.policies.set("acme/x", "production", policy({"rule": "signature"}), reason="agreed")
    registry.promote(first, "production")
    assert registry.load("acme/x@production").version.number == 1
    registry.policies.set("acme/x", "production", policy(ACCURATE), reason="agreed")
    with pytest.raises(GateFailed):
        registry.promote(second, "production")
    with closing(sqlite3.connect(Path(settings.location) / "registry.db")) as connection:
        rows = connection.execute("SELECT * FROM policies").fetchall()
        connection.execute("DELETE FROM policies")
        connection.commit()
        registry.promote(second, "production")
        places = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO policies VALUES ({places})", rows)  # noqa: S608 - only places
        connection.commit()
    refuses_to_load(registry, MoveUnfounded)
    with pytest.raises(MoveUnfounded):
        registry.pull("acme/x@production", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(MoveUnfounded):
        registry.version("acme/x@production").deploy("prod/api")
    assert registry.pull("acme/x@2", tmp_path / "out").record.number == 2
    codes = [check.error.code for check in registry.version("acme/x@2").verify() if check.error]
    assert codes == ["move_unfounded"]
    assert registry.load("acme/x@2").version.number == 2


def test_a_policy_that_came_later_asks_no_verdict(registry: Registry, push: Push) -> None:
    """A new policy holds for the next move; only its formats and scans are looked at now."""
    version = push(1.0)
    registry.promote(version, "production")
    registry.policies.set("acme/x", "production", policy(ACCURATE), reason="agreed")
    assert registry.load("acme/x@production").version.number == 1
    registry.policies.set("acme/x", "production", policy(CLEAN), reason="agreed")
    refuses_to_load(registry, GateFailed)
    version.attest(SCAN, scan("low"))
    assert registry.load("acme/x@production").version.number == 1
    version.attest(SCAN, scan("high"))
    refuses_to_load(registry, GateFailed)
    registry.policies.set("acme/x", "production", policy(CLEAN, mode="warn"), reason="agreed")
    assert registry.load("acme/x@production").version.number == 1


def test_a_continuous_policy_is_met_whenever_it_is_loaded(registry: Registry, push: Push) -> None:
    """Evidence that is withdrawn, or a rule that nobody here can judge, ends the service."""
    version = push(1.0)
    made = version.attest(EVALUATION, evaluation(0.95))
    freeze: Json = {
        "rule": "window",
        "freezes": [{"from": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}],
    }
    registry.policies.set("acme/x", "production", policy(ACCURATE, continuous=True), reason="agreed")
    registry.promote(version, "production")
    assert registry.load("acme/x@production").version.number == 1
    registry.policies.set("acme/x", "production", policy(ACCURATE, freeze, continuous=True), reason="agreed")
    assert registry.load("acme/x@production").version.number == 1
    version.withdraw_claim(str(made.event.attestation), "wrong labels")  # type: ignore[attr-defined]
    refuses_to_load(registry, GateFailed)


@pytest.mark.parametrize("named", [True, False], ids=["by version", "by digest alone"])
def test_a_revoked_input_ends_the_service(
    registry: Registry, push: Push, tmp_path: Path, *, named: bool
) -> None:
    """A continuous policy on provenance is met by inputs that are named either way, until one is revoked."""
    registry.people.grant(registry.people.me().record.id, "security")
    (tmp_path / "data.csv").write_text("a,b")
    data = registry.push(tmp_path / "data.csv", "acme/data")
    version = push(1.0)
    said = provenance()
    definition = said["buildDefinition"]
    assert isinstance(definition, dict)
    source: dict[str, Json] = {
        "name": "data",
        "digest": {"sha256": data.digest.hex},
        "annotations": {"kind": "dataset"},
        **({"uri": f"muniment:{data}"} if named else {}),
    }
    code: dict[str, Json] = {"uri": "git+https://example.com/x", "digest": {"gitCommit": "a" * 40}}
    definition = {**definition, "resolvedDependencies": [code, source]}
    version.attest(PROVENANCE, {**said, "buildDefinition": definition})
    rule: Json = {"rule": "provenance", "clean_tree": False}
    registry.policies.set("acme/x", "production", policy(rule, continuous=True), reason="agreed")
    gate = version.check("production")
    assert gate.passed
    assert gate.verdicts[0].unproven == ()
    registry.promote(version, "production")
    assert registry.load("acme/x@production").version.number == 1
    data.set_status("revoked", "personal data")
    refuses_to_load(registry, GateFailed)


def test_the_past_of_an_alias_is_loaded(tmp_path: Path, settings: Settings) -> None:
    """As of then, an alias serves what it served then."""
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with muniment.open(settings.location, settings=settings, clock=lambda: clock[0], create=True) as registry:
        for day, weight in enumerate((1.0, 2.0), 1):
            clock[0] += timedelta(days=day)
            save_file({"w": np.full(3, weight)}, tmp_path / "w.safetensors")
            registry.push(tmp_path / "w.safetensors", "acme/x", alias="production")
            registry.policies.set("acme/x", "production", policy({"rule": "signature"}), reason="agreed")
        loaded = [
            registry.load("acme/x@production", at=at).version.number
            for at in (None, "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z")
        ]
    assert loaded == [2, 1, 1]
