"""Lineage: what was made from what, as a graph, and whether each link holds."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openlineage.client.generated import base as openlineage
from openlineage.client.serde import Serde

import muniment
from muniment.cli.main import main
from muniment.cli.viewing import draw
from muniment.client.connection.settings import Settings
from muniment.client.reports.graphs import write_graph
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.backend import Backend
from muniment.core.claims.attestations import PROVENANCE
from muniment.core.claims.lineage import Direction, Edge
from muniment.core.digests import Digest
from muniment.core.errors import (
    ContentCorrupt,
    KindMismatch,
    ProvenanceCycle,
    ProvenanceHole,
    VersionNotFound,
)
from muniment.core.verbs.catalog import GetLineage
from muniment.ports.unit import Unit
from muniment.services.catalog.lineage import trace
from muniment.services.upkeep.rebuild import rebuild
from muniment.signing.keys import Identity
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing.backends import provenance, publish, record
from muniment.views.lineage import view_lineage
from muniment.views.values import Branch
from muniment.views.view import Table

Push = Callable[..., Version]


@pytest.fixture
def push(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    """Give what pushes a file as a version, made from others, outside of any git checkout."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, *inputs: Version, kind: str = "model", data: Path | None = None) -> Version:
        path = tmp_path / f"{name.replace('/', '-')}.bin"
        path.write_bytes(name.encode() + b"-content")
        with muniment.run() as run:
            for one in inputs:
                if str(one).startswith("data/"):
                    run.dataset(str(one.reference.name), one)
                else:
                    run.base(one)
            if data is not None:
                run.dataset("file", data)
        return registry.push(path, name, run=run, kind=kind)

    return make


def labels(registry: Registry, target: Version | str, direction: str, **more: int) -> set[str]:
    graph = registry.lineage(str(target), direction, **more)
    return {version for node in graph.nodes for version in node.versions}


def test_who_was_trained_on_a_dataset_or_on_anything_derived_from_it(registry: Registry, push: Push) -> None:
    """Descendants of a dataset include derived data, base models, fine-tunes and their aliases."""
    raw = push("data/raw", kind="dataset")
    clean = push("data/clean", raw, kind="dataset")
    base = push("acme/base", clean)
    tuned = push("acme/tuned", base)
    push("acme/other")
    registry.promote(tuned, "production")
    assert labels(registry, raw, "down") == {"data/raw@1", "data/clean@1", "acme/base@1", "acme/tuned@1"}
    graph = registry.lineage(str(raw), "down")
    assert [alias for node in graph.nodes for alias in node.aliases] == ["acme/tuned@production"]
    assert labels(registry, tuned, "up") >= {"acme/tuned@1", "acme/base@1", "data/clean@1", "data/raw@1"}
    assert labels(registry, tuned, "up", depth=1) == {"acme/tuned@1", "acme/base@1"}
    cut = registry.lineage(str(raw), "down", limit=2)
    assert (len(cut.nodes), cut.whole) == (2, False)
    with pytest.raises(VersionNotFound):
        registry.lineage("acme/nothing@1")


def test_a_training_may_name_a_file_of_a_dataset(registry: Registry, push: Push, tmp_path: Path) -> None:
    """An input that is a single file leads to the dataset that holds it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x\n1\n")
    (tmp_path / "data" / "b.csv").write_text("x\n2\n")
    registry.push(tmp_path / "data", "data/patients", kind="dataset")
    trained = push("acme/x", data=tmp_path / "data" / "a.csv")
    assert labels(registry, "data/patients@1", "down") == {"data/patients@1", "acme/x@1"}
    assert labels(registry, trained, "up") == {"acme/x@1", "data/patients@1"}
    digest = str(Digest.of(b"x\n1\n"))
    assert labels(registry, digest, "down") == {"acme/x@1"}


def test_a_name_is_of_one_kind(registry: Registry, model: Path) -> None:
    """A name is a dataset or a model, and datasets have versions, cards and evidence too."""
    version = registry.push(model, "data/x", kind="dataset")
    assert [(model.name, model.kind) for model in registry.models()] == [("data/x", "dataset")]
    version.set_card(muniment.Card(title="Patients", licence="CC-BY-4.0"))
    assert version.card().licence == "CC-BY-4.0"
    with pytest.raises(KindMismatch):
        registry.push(model, "data/x", kind="model")
    (model / "more.bin").write_bytes(b"x")
    with pytest.raises(KindMismatch):
        registry.push(model, "data/x", kind="model")
    with pytest.raises(KindMismatch):
        registry.drafts.save(model, "data/x", kind="model")
    registry.drafts.save(model, "data/x")
    assert registry.drafts.publish(*registry.drafts.list("data/x")).record.number == 2


def test_the_graph_can_be_drawn_in_every_form(registry: Registry, push: Push) -> None:
    """The graph is a view, and renders for Graphviz and as OpenLineage events."""
    raw = push("data/raw", kind="dataset")
    base = push("acme/base", raw)
    push("acme/tuned", base, raw)
    graph = registry.lineage("acme/tuned@1")
    tree = [
        row.cells[0]
        for section in view_lineage(graph, Direction.UP, "").sections
        for block in section.blocks
        if isinstance(block, Table)
        for row in block.rows
    ]
    assert tree[0] == Branch(0, "acme/tuned@1")
    assert {Branch(1, "acme/base@1"), Branch(1, "data/raw@1")} <= {*tree}
    assert Branch(2, "data/raw@1") in tree
    dot = write_graph(graph, "dot")
    assert dot.startswith("digraph lineage {")
    assert dot.count("->") == len(graph.edges)
    events = [json.loads(line) for line in write_graph(graph, "openlineage").splitlines()]
    made = {event["outputs"][0]["name"]: {one["name"] for one in event["inputs"]} for event in events}
    assert "data/raw@1" in made["acme/base@1"]
    assert all(event["eventType"] == "COMPLETE" and event["run"]["runId"] for event in events)
    for event in events:
        _check_openlineage(event)


def _check_openlineage(event: dict[str, Any]) -> None:
    """Read an event with OpenLineage's own classes, which check it, and write it again."""
    read = openlineage.RunEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        eventType=openlineage.EventType(event["eventType"]),
        run=openlineage.Run(**event["run"]),
        job=openlineage.Job(**event["job"]),
        inputs=[openlineage.InputDataset(**one) for one in event["inputs"]],
        outputs=[openlineage.OutputDataset(**one) for one in event["outputs"]],
    )
    written = Serde.to_dict(read)
    assert written["schemaURL"] == event["schemaURL"]
    assert (written["eventTime"], written["eventType"]) == (event["eventTime"], event["eventType"])
    assert (written["run"]["runId"], written["job"]["name"]) == (event["run"]["runId"], event["job"]["name"])
    assert [one["name"] for one in written["inputs"]] == [one["name"] for one in event["inputs"]]


def test_the_commands_show_and_check_it(
    push: Push, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lineage` shows the graph, and `verify --provenance` fails if there is a hole."""
    push("acme/tuned", push("acme/base"))
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    shown = CliRunner().invoke(main, ["lineage", "acme/base@1", "--down"])
    assert shown.exit_code == 0
    assert re.search("^  acme/base@1 .*\n    acme/tuned@1 +model ", shown.output, re.MULTILINE)
    steps = json.loads(CliRunner().invoke(main, ["lineage", "acme/tuned@1", "--json"]).output)["items"]
    made = [(one["what"], one["depth"], one["relation"], one["mark"]) for one in steps]
    assert ("acme/base@1", 1, ["model"], "stated") in made
    assert (
        CliRunner().invoke(main, ["lineage", "acme/tuned@1", "--format", "dot"]).output.startswith("digraph")
    )
    checked = CliRunner().invoke(main, ["verify", "acme/tuned@1", "--provenance"])
    assert "ok      acme/tuned@1: model acme/base@1" in checked.output


def test_a_chain_without_a_hole_verifies(registry: Registry, push: Push, tmp_path: Path) -> None:
    """Verification passes if every input resolves and matches, and names the first hole otherwise."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "lost.csv").write_text("x\n2\n")
    registry.push(tmp_path / "a.csv", "data/a", kind="dataset")
    base = push("acme/base", data=tmp_path / "a.csv")
    tuned = push("acme/tuned", base, data=tmp_path / "lost.csv")
    checks = {check.what: check.error for check in tuned.verify_provenance()}
    assert checks["acme/tuned@1: model acme/base@1"] is None
    assert checks["acme/base@1: dataset file belongs to data/a@1"] is None
    assert isinstance(checks["acme/tuned@1: dataset file"], ProvenanceHole)
    assert isinstance(checks["data/a@1: origin"], ProvenanceHole)
    assert checks["acme/tuned@1: keeps lock"] is None
    with muniment.run() as run:
        run.dataset("kept", tmp_path / "lost.csv", snapshot=True)
        run.dataset("far", "https://example.com/x", digest=str(Digest.of(b"")))
    kept = registry.push(tmp_path / "lost.csv", "acme/kept", run=run)
    checks = {check.what: check.error for check in kept.verify_provenance()}
    assert checks["acme/kept@1: dataset kept is kept as a snapshot"] is None
    assert isinstance(checks["acme/kept@1: dataset far"], ProvenanceHole)
    lock = next(one.digest for one in run.record().kept if one.name == "lock")
    blob = tmp_path / "registry" / "blobs" / "sha256" / lock.hex
    blob.chmod(0o644)
    blob.write_bytes(b"altered")
    checks = {check.what: check.error for check in kept.verify_provenance()}
    assert isinstance(checks["acme/kept@1: keeps lock"], ContentCorrupt)


def made_from(*versions: Version) -> Any:  # noqa: ANN401 - a predicate
    with muniment.run() as run:
        for version in versions:
            run.base(version)
    return run.record().provenance


def test_a_cycle_is_named_and_ends(registry: Registry, push: Push) -> None:
    """A cycle of claims is reported, and the walk ends."""
    base = push("acme/base")
    tuned = push("acme/tuned", base)
    predicate = json.loads(json.dumps(made_from(tuned)))
    predicate["runDetails"]["byproducts"] = []
    base.attest(PROVENANCE, predicate)
    errors = [check.error for check in tuned.verify_provenance()]
    assert any(isinstance(error, ProvenanceCycle) for error in errors)
    assert labels(registry, tuned, "up") == labels(registry, tuned, "down") == {"acme/base@1", "acme/tuned@1"}
    shown = draw(registry.view_lineage("acme/tuned@1"), full=False, width=100, color=False)
    assert "acme/tuned@1 (see above)" in shown


def test_a_lineage_of_a_hundred_thousand_levels_is_answered(tmp_path: Path) -> None:
    """A very deep lineage is answered up to one page, with correct depths and a mark that more follows."""
    units = open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path))
    units.ensure_schema()
    nodes = [Digest.of(str(n).encode()).hex for n in range(100_001)]
    edges = [Edge(child=nodes[n + 1], parent=nodes[n], relation="model", name=str(n)) for n in range(100_000)]
    units.write(lambda unit: unit.lineage.put("acme", edges))

    def ask(unit: Unit) -> tuple[int, list[str]]:
        graph = trace(unit, GetLineage(node=nodes[-1], direction=Direction.UP, limit=10_000), None)
        assert not graph.whole
        return graph.nodes[-1].depth, unit.lineage.walk(nodes[-1], Direction.UP, None, 200_000)

    depth, whole = units.read(ask)
    assert (depth, len(whole), whole[-1]) == (9_999, 100_001, nodes[0])
    units.close()


def test_who_may_not_read_a_namespace_is_not_led_through_it(backend: Backend, owner: Identity) -> None:
    """Edges are hidden from callers who cannot read the namespace of the claim behind them."""
    publish(backend, owner, b"one")
    data = Digest.of(b"data").hex
    least: Any = json.loads(json.dumps(provenance()))
    least["buildDefinition"]["resolvedDependencies"] = [
        {"name": "d", "digest": {"sha256": data}},
        {"name": "no digest", "digest": {"sha256": "zz"}},
        {"name": "x" * 5000, "digest": {"gitCommit": "a" * 40}},
    ]
    record(backend, owner, 1, PROVENANCE, least)
    graph = backend.ask(GetLineage(node=data, direction=Direction.DOWN))
    assert len(graph.nodes) == 2
    commit = backend.ask(GetLineage(node="a" * 40, direction=Direction.DOWN))
    assert len(commit.edges[0].name) == 200


def test_rebuilding_makes_the_graph_anew(registry: Registry, push: Push, settings: Settings) -> None:
    """A rebuild restores the graph and the custody of kept files from the log and the claims."""
    raw = push("data/raw", kind="dataset")
    tuned = push("acme/tuned", raw)
    before = registry.lineage(str(tuned))
    registry.close()
    root = Path(settings.location)
    units = open_sqlite(root / "registry.db", LocalBlobs(root))
    held = units.read(lambda unit: sorted(map(str, unit.holdings.list_of("acme"))))
    units.write(rebuild)
    assert units.read(lambda unit: sorted(map(str, unit.holdings.list_of("acme")))) == held
    units.close()
    with muniment.open(settings=settings) as again:
        assert again.lineage(str(tuned)) == before
