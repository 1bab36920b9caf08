"""Make the golden artefacts: `python tests/golden/make.py` (or `make golden`), after a format has changed.

They are a small registry with an event of each type and a claim of each kind, an export of one of its
versions, and the bundle of each kind. From 0.2 on they are never made again: every later version must read
them.
"""

import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import muniment
from muniment.capture.clock import now
from muniment.capture.keeping import read_run
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import CHANGE_PLAN, EVALUATION, REPRODUCTION, SCAN, kind_of
from muniment.core.claims.reproductions import (
    Fidelity,
    RebuiltEnvironment,
    Reproduction,
    UsedSandbox,
)
from muniment.core.digests import Digest
from muniment.core.events import AttestationRecorded
from muniment.core.times import Clock, write_time
from muniment.server.parts import open_parts
from muniment.server.restoring import declare_restore
from muniment.server.settings import ServerSettings
from muniment.server.wiring import open_served
from muniment.services import transaction
from muniment.signing.keys import Identity

HERE = Path(__file__).parent
REGISTRY = HERE / "registry.tar.xz"
EXPORT = HERE / "export.tar"
BUNDLES = HERE / "bundles.json"
LATER = "2126-01-01T00:00:00Z"

POLICY: JsonObject = {
    "vouching": "any",
    "rules": [
        {"rule": "signature"},
        {"rule": "threshold", "metric": "accuracy", "op": ">=", "value": 0.5, "stated": "allowed"},
        {"rule": "approvals", "validator": 1},
        {"rule": "soak", "id": "soak", "alias": "staging", "least": "1d"},
    ],
    "waivers": {"approvals": {"validator": 1}, "maximum": "36500d"},
    "break_glass": {"roles": ["admin"], "close_within": "30d"},
}
CARD = """---
licence: Apache-2.0
---

# Golden

## Intended use

To be read for ever.
"""


def main() -> None:
    """Make everything and write it beside this file."""
    # A small registry has a seal as well.
    transaction.SEAL_EVERY = 25  # type: ignore[misc] # that of a large one
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_registry(directory)
        write_tar(REGISTRY, directory / "registry")
        with open_as(directory) as registry:
            EXPORT.unlink(missing_ok=True)
            registry.export("acme/x@1", EXPORT)
            bundles = dict(list_bundles(registry))
        BUNDLES.write_text(json.dumps(bundles, indent=1, sort_keys=True) + "\n")
    sys.stdout.write(f"{', '.join(sorted(bundles))}\n")


def make_registry(directory: Path) -> None:
    """Make a registry with an event of each type."""
    vera = Identity.generate()
    # Founded a month ago, it has a clock that jumped.
    with open_as(directory, clock=lambda: now() - timedelta(days=30)):
        pass
    with open_as(directory) as registry:
        registry.confirm_time(write_time(now())[:10], "it was not used for a month")
        add_people(registry, vera)
        version = publish(directory, registry)
        evaluate(version)
        emergency = propose(registry, directory, vera)
    with open_as(directory, vera) as registry:
        registry.close_emergency(emergency, "it was a drill")
    with open_as(directory) as registry:
        version = registry.version("acme/x@1")
        registry.policies.guard("acme/*", "canary", reason="agreed")
        registry.policies.set("acme/x", "production", POLICY, reason="agreed")
        registry.policies.unguard("acme/*", "canary", reason="no canary any more")
        registry.policies.set_tier("acme/x", "high", reason="agreed")
        registry.set_owner("acme/x", "Vera")
        registry.preferences.follow("acme/x")
        waived = version.waive("production", ["soak"], LATER, "the first release")
        discuss(registry, version)
        waiver = str(waived.read(AttestationRecorded).attestation)
    with open_as(directory, vera) as registry:
        theirs = registry.version("acme/x@1")
        theirs.approve("production", "validator", "it is a golden one")
        theirs.approve("production", "validator", "so that it can be released", waiver=waiver)
    with open_as(directory) as registry:
        move(directory, registry)
        emergency = registry.break_glass("acme/x@2", "production", "a fire").index
    with open_as(directory, vera) as registry:
        registry.close_emergency(emergency, "it was a drill")
    with open_as(directory) as registry:
        end(registry)
        registry.reads.turn("acme", on=True, reason="for recalls")
        registry.pull("acme/x@1", directory / "pulled")
    with open_as(directory) as registry:
        registry.reads.flush("acme")
    link_login(directory / "registry")
    with open_parts(directory / "registry") as parts:
        declare_restore(parts, 20, "the disk failed", now)


def open_as(directory: Path, identity: Identity | None = None, clock: Clock = now) -> Registry:
    """Open the registry as its founder, or as somebody else."""
    settings = Settings.read({"MUNIMENT_STATE": str(directory / "state"), "USER": "Ada"})
    root = directory / "registry"
    return muniment.open(root, identity=identity, settings=settings, create=True, clock=clock)


def add_people(registry: Registry, vera: Identity) -> None:
    """Register people, keys, roles, tokens, and a rule for workloads."""
    for role in ("security", "auditor"):
        registry.people.grant("Ada", role, "acme")
    registry.people.add("Vera", vera.public)
    registry.people.grant("Vera", "validator", "acme")
    registry.people.enrol("Vera", Identity.generate().public)
    registry.people.cancel_recovery(registry.people.recoveries("Vera")[0].index)
    registry.people.confirm("Vera", "we met")
    registry.people.add("Carl", expires=None)
    spare = Identity.generate()
    registry.people.enrol("Carl", spare.public, expires=LATER)
    registry.people.revoke(spare.public.id)
    registry.people.grant("Carl", "reader", "acme")
    registry.people.withdraw("Carl", "reader", "acme")
    registry.people.erase("Carl")
    token = registry.access.issue("for a job", scopes=["read:acme"])
    registry.access.revoke(token.text)
    registry.people.add("ci", workload=True)
    rule = registry.access.trust("https://issuer.example", {"sub": "repo:acme/x"}, "ci")
    registry.access.distrust(rule.index)
    registry.access.set_quota("acme", 1 << 30)
    hook = registry.webhooks.set("acme", "https://hooks.example/muniment").receipt.index
    registry.webhooks.replay(hook, 0)
    registry.webhooks.end(hook)


def publish(directory: Path, registry: Registry) -> Version:
    """Publish a version with provenance, keep two drafts, and give the version."""
    model = directory / "model"
    model.mkdir()
    (model / "weights.bin").write_bytes(b"golden weights")
    run = read_run((HERE / "run.json").read_bytes())
    version = registry.push(model, "acme/x", run=run, message="the first one", alias="staging")
    (model / "weights.bin").write_bytes(b"a draft")
    dropped = registry.drafts.save(model, "acme/x", message="a try")
    registry.drafts.discard(dropped.index, "a mistake")
    return version


def evaluate(version: Version) -> None:
    """Record a claim of each kind that people state."""
    time = write_time(now())
    dataset: JsonObject = {"name": "holdout.csv", "digest": str(Digest.of(b"holdout"))}
    version.attest(
        EVALUATION,
        {
            "task": "classification",
            "dataset": dataset,
            "n": 100,
            "tool": {"name": "by hand", "version": "1"},
            "time": time,
            "metrics": {"accuracy": {"value": 0.9}},
        },
    )
    version.set_card(muniment.read_card(CARD))
    version.deploy("prod-eu/api", loaded=str(version.digest))
    version.tag("stage", "golden")
    tool: JsonObject = {"name": "by hand", "version": "1"}
    version.attest(SCAN, {"tool": tool, "time": time, "findings": []})
    version.attest(CHANGE_PLAN, {"description": "retrain", "impact": "none"})
    mistaken = version.attest(REPRODUCTION, write_reproduction(time))
    version.withdraw_claim(str(mistaken.read(AttestationRecorded).attestation), "recorded by mistake")


def propose(registry: Registry, directory: Path, vera: Identity) -> int:
    """Protect a policy, and change it as approved and in an emergency; give the entry of that proposal."""
    document: JsonObject = {
        "vouching": "any",
        "rules": [{"rule": "signature"}],
        "protected": {"role": "validator"},
        "break_glass": {"roles": ["admin"], "close_within": "24h"},
    }
    registry.policies.set("acme/x", "guarded", document, reason="agreed")
    registry.promote("acme/x@1", "guarded", reason="the first one")
    first = registry.policies.unguard("acme/x", "guarded", reason="unused").index
    registry.proposals.withdraw(first, "it is used")
    softer = {**document, "mode": "warn"}
    second = registry.policies.set("acme/x", "guarded", softer, reason="it is a trial").index
    with open_as(directory, vera) as theirs:
        theirs.proposals.approve(second, "fine")
    third = registry.policies.unguard("acme/x", "guarded", reason="a fire").index
    registry.proposals.break_glass(third, "a fire")
    return third


def write_reproduction(time: str) -> JsonObject:
    """Write what a rebuild that failed says."""
    environment = RebuiltEnvironment(python="3.11.7", tool="uv", packages=2, hashes=0, provided=())
    return Reproduction(
        verdict=Fidelity.FAILED,
        provenance=Digest.of(b"provenance"),
        tolerance=0.01,
        command=("python", "train.py"),
        exit_code=1,
        environment=environment,
        sandbox=UsedSandbox(kind="none", network=True, files=True, limits={}),
        files=(),
        metrics=(),
        not_replayed=("the container",),
        byproducts=(),
        started=time,
        finished=time,
    ).predicate()


def discuss(registry: Registry, version: Version) -> None:
    """Request approval, remind, withdraw, comment and erase."""
    request = registry.requests.open(version, "production", "please")
    registry.requests.open(version, "production", "again")
    registry.requests.withdraw(request.index, "later")
    comment = registry.comments.post(version, "Looks fine, @Vera.")
    registry.comments.erase(comment.index)


def move(directory: Path, registry: Registry) -> None:
    """Move aliases through the gate, and remove one."""
    registry.promote("acme/x@1", "production", reason="release 1")
    registry.remove_alias("acme/x", "staging", reason="unused")
    (directory / "model/weights.bin").write_bytes(b"the second one")
    registry.push(directory / "model", "acme/x")


def end(registry: Registry) -> None:
    """Withdraw what can be, keep one version, and purge another."""
    (directory,) = {Path(registry._session.backend.location).parent}
    model = directory / "model"
    (model / "weights.bin").write_bytes(b"to be purged")
    purged = registry.push(model, "acme/x")
    purged.set_status("revoked", "trained on the wrong data")
    purged.purge("it has to go")
    registry.version("acme/x@2").retain(LATER, hold=True, reason="a lawsuit")


def link_login(root: Path) -> None:
    """Let somebody in by an identity provider, as a server does."""
    opened = open_served(ServerSettings.load(data=root, scan=False))
    try:
        opened.registry.admit_person("https://login.example", "ursula", "Ursula")
    finally:
        opened.close()


def list_bundles(registry: Registry) -> Iterator[tuple[str, str]]:
    """Give a bundle of each kind, as text."""
    for record in registry.versions("acme/x"):
        for claim in registry.version(f"acme/x@{record.number}").describe().attestations:
            with registry._session.backend.open_blob(Digest.parse(claim.digest)) as file:
                yield kind_of(claim.predicate_type), file.read().decode()
    for proposal in registry.proposals.list("acme", closed=True):
        for decided in proposal.decisions:
            with registry._session.backend.open_blob(Digest.parse(decided.record.attestation)) as file:
                yield "proposal decision", file.read().decode()
    for change in registry.policies.history("acme"):
        if change.record.attestation is not None:
            with registry._session.backend.open_blob(Digest.parse(change.record.attestation)) as file:
                yield "policy", file.read().decode()


def write_tar(target: Path, source: Path) -> None:
    """Write a directory, without times and owners."""
    with tarfile.open(target, "w:xz") as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                member = tarfile.TarInfo(path.relative_to(source).as_posix())
                member.size, member.mode = len(data), 0o600
                archive.addfile(member, io.BytesIO(data))


if __name__ == "__main__":
    main()
