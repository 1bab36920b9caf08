"""Inputs: a gate and `verify --provenance` find the same ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import Json
from muniment.core.claims.attestations import PROVENANCE
from muniment.core.digests import Digest
from muniment.core.errors import ProvenanceHole, WrongSubject
from muniment.core.gates.policy import Gate
from muniment.signing.keys import Identity
from muniment.testing.live import run_server

RULE: dict[str, Json] = {"rule": "provenance", "clean_tree": False, "not_revoked": False}
CODE: dict[str, Json] = {
    "name": "code",
    "uri": "git+https://example.com/x",
    "digest": {"gitCommit": "a" * 40},
    "annotations": {"kind": "code"},
}


@pytest.fixture(params=["embedded", "served"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """Give a registry in a directory, and one behind a server."""
    if request.param == "embedded":
        with muniment.open(str(tmp_path / "registry"), create=True) as opened:
            yield opened
        return
    with run_server(tmp_path / "server") as server:
        key = Identity.generate()
        server.open_as(key)
        settings = Settings.read(
            {"MUNIMENT_TOKEN": server.tokens[key.public.id], "MUNIMENT_STATE": str(tmp_path / "state")}
        )
        with muniment.open(server.url, identity=key, settings=settings) as opened:
            yield opened


def sha256(data: bytes) -> str:
    return Digest.of(data).hex


def source(digest: str, **more: Any) -> dict[str, Json]:  # noqa: ANN401 - members of a resource
    return {"name": "rows", "digest": {"sha256": digest}, "annotations": {"kind": "dataset"}, **more}


def say(version: Version, *sources: dict[str, Json], **details: Json) -> None:
    said = {
        "buildDefinition": {
            "buildType": "https://example.com/test",
            "externalParameters": {},
            "internalParameters": {"git": details.pop("git", {"dirty": False})},
            "resolvedDependencies": list(sources),
        },
        "runDetails": {"builder": {"id": "https://example.com/test"}, **details},
    }
    version.attest(PROVENANCE, json.loads(json.dumps(said)))


def compare(version: Version) -> tuple[Gate, list[str]]:
    """Ask both; return what the gate says, and what is missing by `verify --provenance`."""
    gate = version.check("staging")
    assert all(verdict.unproven == () for verdict in gate.verdicts)
    here = f"{version}: "
    checks = [check for check in version.verify_provenance() if check.what.startswith(here)]
    missing = [check.what.removeprefix(here) for check in checks if not check.passed]
    assert all(isinstance(one.error, ProvenanceHole | WrongSubject) for one in checks if not one.passed)
    return gate, missing


def test_a_gate_and_verify_agree_on_each_input(registry: Registry, tmp_path: Path) -> None:
    """What `verify --provenance` finds, a gate finds, and what one misses, the other misses."""
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "data" / name).write_text(name)
    (tmp_path / "other").write_text("other")
    data = registry.push(tmp_path / "data", "data/rows", kind="dataset")
    registry.push(tmp_path / "other", "acme/other")
    manifest, file = data.digest.hex, sha256(b"a.csv")
    # Bytes that are here, as a file of a model: no dataset has them.
    snapshot = sha256(b"other")
    blob: Json = {"name": "snapshot of rows", "uri": f"muniment:blobs/sha256/{snapshot}"}
    address: dict[str, Json] = {"kind": "dataset", "reference": True}
    cases: list[tuple[bool, list[dict[str, Json]], dict[str, Json]]] = [
        (True, [source(manifest)], {}),
        (True, [source(file)], {}),
        (True, [source(manifest, uri="muniment:data/rows@1")], {}),
        (True, [source(file, uri="muniment:data/rows@1")], {}),
        (True, [source(sha256(b"other"), uri="muniment:acme/other@1")], {}),
        (False, [source(sha256(b"other"), uri="muniment:data/rows@1")], {}),
        (False, [source(manifest, uri="muniment:data/rows@2")], {}),
        (False, [source(manifest, uri="muniment:not a reference")], {}),
        (False, [source(sha256(b"lost"))], {}),
        (False, [source("")], {}),
        (False, [source(file, uri="https://example.com/a.csv", annotations=address)], {}),
        (True, [source(snapshot)], {"byproducts": [blob]}),
        (False, [source(snapshot)], {}),
        (False, [source(manifest), source(sha256(b"lost"), name="more")], {}),
    ]
    for number, (is_here, sources, details) in enumerate(cases, start=1):
        (tmp_path / "model").write_text(str(number))
        name = f"acme/x{number}"
        version = registry.push(tmp_path / "model", name)
        registry.policies.set(name, "staging", {"rules": [RULE]}, reason="agreed")
        say(version, CODE, *sources, **details)
        gate, missing = compare(version)
        named = [f"dataset {one['name']}" for one in sources[-1:] if not is_here]
        assert (gate.passed, missing) == (is_here, named), sources
        assert all(f"{name} is not in this registry" in gate.failures[0] for name in named), gate.failures


@pytest.mark.parametrize(
    ("is_here", "change"),
    [
        (True, {}),
        (False, {"uri": "git"}),
        (False, {"digest": {}}),
        (False, {"git": {"dirty": True}}),
        (False, None),
    ],
)
def test_a_gate_and_verify_agree_on_the_code(
    registry: Registry, tmp_path: Path, *, is_here: bool, change: dict[str, Json] | None
) -> None:
    """Code is here if a commit and its address are on record, with the diff of a dirty tree."""
    (tmp_path / "model").write_text("weights")
    version = registry.push(tmp_path / "model", "acme/x")
    registry.policies.set("acme/x", "staging", {"rules": [RULE]}, reason="agreed")
    git = {"dirty": False} if change is None else change.get("git", {"dirty": False})
    say(version, *([] if change is None else [{**CODE, **change}]), git=git)
    gate, missing = compare(version)
    assert (gate.passed, missing) == (is_here, [] if is_here else ["code"])


def test_a_gate_sees_the_licence_and_the_status_of_a_dataset_found_by_its_file(
    registry: Registry, tmp_path: Path
) -> None:
    """An input that is named by the digest of a file lends its licence, and its revocation."""
    (tmp_path / "rows.csv").write_text("rows")
    data = registry.push(tmp_path / "rows.csv", "data/rows", kind="dataset")
    data.set_card(muniment.Card(title="Rows", licence="CC-BY-4.0"))
    (tmp_path / "model").write_text("weights")
    version = registry.push(tmp_path / "model", "acme/x")
    version.set_card(muniment.Card(title="X", licence="CC-BY-4.0"))
    rule = {**RULE, "not_revoked": True, "licences": ["CC-BY-4.0"]}
    registry.policies.set("acme/x", "staging", {"rules": [rule]}, reason="agreed")
    say(version, CODE, source(sha256(b"rows")))
    gate, _ = compare(version)
    assert gate.passed, gate.failures
    registry.people.grant(registry.people.me().record.id, "security")
    data.set_status("revoked", "mislabelled")
    gate, _ = compare(version)
    assert "data/rows@1 is revoked" in gate.failures[0]
