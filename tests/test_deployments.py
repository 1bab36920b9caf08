"""Deployments: which version serves where and when, and whether it is the intended one."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.claims.attestations import DEPLOYMENT
from muniment.core.errors import (
    DeploymentNotFound,
    InvalidAttestation,
    InvalidName,
    RecordUnproven,
    WrongSubject,
)
from muniment.core.records import DeploymentRecord
from muniment.core.verbs.claims import ListDeployments
from muniment.services.upkeep.rebuild import compare, rebuild
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.sqlite import open_sqlite


def test_a_deployment_is_a_span_of_time(registry: Registry, model: Path) -> None:
    """A deployment lasts until another version replaces it or it is stopped, and history keeps it."""
    first = registry.push(model, "acme/x")
    (model / "weights.bin").write_bytes(b"other")
    second = registry.push(model, "acme/x")
    start = first.deploy("prod-eu/api")
    second.deploy("prod-us/api", loaded=str(second.digest))
    middle = second.deploy("prod-eu/api")
    second.undeploy("prod-us/api")
    assert [(d.number, d.target) for d in registry.deployments("acme/x")] == [(2, "prod-eu/api")]
    history = list(registry.deployments("acme/x", target="prod-eu/api", history=True))
    assert [(d.number, d.index, d.ended) for d in history] == [
        (1, start.index, middle.index),
        (2, middle.index, None),
    ]


def test_two_models_share_a_target(registry: Registry, model: Path) -> None:
    """Two models can serve at one target at the same time."""
    for name in ("acme/x", "acme/y"):
        registry.push(model, name).deploy("prod")
    assert {d.name for d in registry.deployments(target="prod")} == {"acme/x", "acme/y"}


def test_only_what_serves_can_stop(registry: Registry, model: Path) -> None:
    """Stopping a deployment that does not serve is refused."""
    version = registry.push(model, "acme/x")
    with pytest.raises(DeploymentNotFound, match="does not serve at prod"):
        version.undeploy("prod")
    version.deploy("prod")
    version.undeploy("prod")
    with pytest.raises(DeploymentNotFound):
        version.undeploy("prod")


@pytest.mark.parametrize("target", ["", "Prod", "a//b", "a/../b", "x" * 201, "a b"])
def test_a_target_has_a_name(registry: Registry, model: Path, target: str) -> None:
    """A target whose name breaks the grammar is refused."""
    version = registry.push(model, "acme/x")
    with pytest.raises(InvalidName):
        version.deploy(target)


def test_a_claim_of_another_form_is_refused(registry: Registry, model: Path) -> None:
    """A malformed deployment claim is refused and makes no deployment."""
    version = registry.push(model, "acme/x")
    whole = {"version": str(version), "target": "prod", "state": "serving", "loaded": None}
    stated = {**whole, "time": "2026-01-01T00:00:00Z"}
    for wrong in (
        whole,
        {**stated, "state": "maybe"},
        {**stated, "loaded": "latest"},
        {**stated, "note": "x"},
    ):
        with pytest.raises(InvalidAttestation):
            version.attest(DEPLOYMENT, wrong)
    with pytest.raises(InvalidName):
        version.attest(DEPLOYMENT, {**stated, "target": "NOT A NAME"})
    with pytest.raises(WrongSubject):
        version.attest(DEPLOYMENT, {**stated, "version": "acme/x@7"})
    assert not list(registry.deployments(history=True))


def test_an_altered_row_is_not_believed(registry: Registry, model: Path, settings: Settings) -> None:
    """The client refuses a deployment row that differs from the log."""
    registry.push(model, "acme/x").deploy("prod")
    units = open_sqlite(Path(settings.location) / "registry.db", LocalBlobs(Path(settings.location)))
    real = units.read(lambda unit: unit.projections.select(DeploymentRecord))[0]
    units.close()
    with pytest.raises(RecordUnproven):
        registry._session.backend.check_record(replace(real, target="elsewhere"))
    assert registry._session.backend.ask(ListDeployments(namespace="acme"))[0] == real


def test_rebuild_makes_the_same(registry: Registry, model: Path, settings: Settings) -> None:
    """A rebuild restores deployments, and searches and lineage by them, as they were."""
    version = registry.push(model, "acme/x")
    version.deploy("prod")
    version.deploy("test")
    version.undeploy("test")
    before = list(registry.deployments(history=True))
    units = open_sqlite(Path(settings.location) / "registry.db", LocalBlobs(Path(settings.location)))
    units.write(rebuild)
    assert units.read(compare) == []
    units.close()
    assert list(registry.deployments(history=True)) == before
    assert [str(version.number) for version in registry.search("target = prod")] == ["1"]
    assert not list(registry.search("target = test"))
    assert registry.lineage("acme/x@1", "down").nodes[0].targets == ("prod",)


def test_what_a_user_sees(settings: Settings, model: Path) -> None:
    """`deploy` and `deployments` print where a version serves and whether other bytes were loaded."""
    run = CliRunner()
    at = ["--registry", settings.location]

    def call(*arguments: str) -> str:
        result = run.invoke(main, [*at, *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    call("init")
    call("push", str(model), "acme/x")
    assert "acme/x@1 serves at prod-eu/api" in call("deploy", "acme/x@1", "prod-eu/api")
    assert "has not reported" in call("deployments")
    call("deploy", "acme/x@1", "prod-eu/api", "--loaded", "sha256:" + "0" * 64)
    assert "SOMETHING ELSE" in call("deployments", "acme/x")
    rows = json.loads(call("deployments", "--json"))["items"]
    assert rows[0]["as_meant"] is False
    assert re.search("acme/x@1 .*prod-eu/api", call("lineage", "acme/x@1", "--down"))
    call("deploy", "acme/x@1", "prod-eu/api", "--stop")
    assert json.loads(call("deployments", "--json"))["items"] == []
    rows = json.loads(call("deployments", "--json", "--history"))["items"]
    assert [(row["state"], row["serves"]) for row in rows] == [
        ("serving", False),
        ("serving", False),
        ("stopped", False),
    ]
    shown = call("deployments", "--history")
    assert (shown.count("ended"), [row["ended"] is not None for row in rows]) == (2, [True, True, False])
    assert " serving " not in shown
    assert "SOMETHING ELSE" not in shown
    refused = run.invoke(main, [*at, "deploy", "acme/x@1", "prod-eu/api", "--stop"])
    assert refused.exit_code == 4
    assert "deployment_not_found" in refused.output
