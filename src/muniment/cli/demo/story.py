"""The story of the demo. Each chapter checks its claims; the demo fails if one is untrue."""

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click
import numpy as np

import muniment
from muniment.capture.run import Run
from muniment.cli.demo.model import POSITIVE, positive_score, read_data, train, write_data
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.counting import count
from muniment.core.errors import ContentCorrupt, MunimentError
from muniment.evaluation.robustness import Predict, sweep
from muniment.views.values import write

_NAME: Final = "demo/tumour"
_POLICY: Final = """\
description: What a tumour classifier needs before it serves.
rules:
  - {rule: threshold, metric: roc_auc, op: ">=", value: 0.95, bound: lower}
  - {rule: gap, metric: recall, group: texture, maximum: 0.15, min_group_size: 30}
  - {rule: signature, role: contributor}
  - {rule: require, type: "https://slsa.dev/provenance/v1"}
  - {rule: approvals, validator: 1}
  - {rule: approvals, approver: 1}
"""


class DemoFailed(click.ClickException):
    """A claim of the demo is untrue."""

    def __init__(self, claim: str) -> None:
        """Name the untrue claim."""
        super().__init__(f"the demo failed: this is untrue: {claim}")


@dataclass(frozen=True)
class Scene:
    """The directory of the demo, and its registry as Ada opens it, who makes the models."""

    directory: Path
    train_csv: Path
    more_csv: Path
    holdout_csv: Path

    @property
    def data(self) -> Path:
        """The registry's directory."""
        return self.directory / "registry"

    def settings(self) -> Settings:
        """Settings that keep the demo apart from the user's own registries."""
        return Settings.read({**os.environ, **self.environment()})

    def environment(self) -> dict[str, str]:
        """Return the environment of the commands."""
        return {
            "MUNIMENT_URL": str(self.data),
            "MUNIMENT_STATE": str(self.directory / "state"),
            "MUNIMENT_IDENTITY": str(self.directory / "Ada.pem"),
            "MUNIMENT_PASSPHRASE": "",
            "USER": "Olga",
            "COLUMNS": "100",
        }

    def open(self) -> Registry:
        """Open the registry as Ada."""
        return muniment.open(settings=self.settings())

    def administer(self, command: str) -> str:
        """Run a command as Olga, whose key lies in the registry's directory."""
        return self.run(f"--identity registry/keys/identity.pem {command}")

    def run(self, command: str, *, exits: int = 0) -> str:
        """Run a command as a user would, show it with its output, and check its exit code."""
        click.secho(f"$ muniment {command}", fg="cyan")
        result = subprocess.run(
            [sys.executable, "-m", "muniment", *shlex.split(command)],
            cwd=self.directory,
            env={**os.environ, **self.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        for line in result.stdout.splitlines():
            click.echo(f"  {line}".rstrip())
        if exits or result.returncode:
            check(f"exit code {exits}", result.returncode == exits)
        return result.stdout


def tell(directory: Path) -> None:
    """Run the whole story in a directory."""
    scene = Scene(directory, *write_data(directory))
    found(scene)
    with scene.open() as registry:
        first, predictions = publish_first(scene, registry)
        chapter(3, "Evaluate it on rows that it has not seen")
        measure(scene, registry, first)
    guard(scene)
    chapter(5, "Two others approve, the author may not; then promote")
    scene.administer("role grant Ada approver demo")
    scene.run(f"approve {_NAME}@1 --for production --as approver --reason 'I trust myself'", exits=3)
    approve(scene, 1)
    serve(scene, predictions)
    succeed(scene)
    tamper(scene)
    roll_back(scene)
    click.secho("\nEvery step worked as claimed.", bold=True)


def found(scene: Scene) -> None:
    """Found the registry, as an admin who makes no models, and let three people in with keys of their own.

    If Ada had let in those who approve her models, they might be nobody but her.
    """
    chapter(0, "Olga founds a registry, and lets three people in")
    scene.run("key new Ada.pem")
    founder = replace(scene.settings(), identity=None)
    with muniment.open(settings=founder, create=True):
        say(f"founded {scene.data}")
    for name, role in (("Ada", "contributor"), ("Vera", "validator"), ("Otto", "approver")):
        if name != "Ada":
            scene.run(f"key new {name}.pem")
        scene.administer(f"user add {name} --key {name}.pem.pub")
        scene.administer(f"role grant {name} {role} demo")


def publish_first(scene: Scene, registry: Registry) -> tuple[Version, list[str]]:
    """Chapters 1 and 2: train inside a run, push."""
    chapter(1, "Train a classifier; the run records what it was made from")
    run, model = train(scene.train_csv, scene.directory / "model", strength=0.01)
    _describe_run(run)
    predictions = [str(label) for label in model.predict(read_data(scene.holdout_csv).features)]

    chapter(2, "Push it: addressed, signed, logged, proven")
    version = registry.push(
        scene.directory / "model", _NAME, run=run, message="A first, strongly regularised model"
    )
    receipt = version.receipt
    assert receipt is not None  # noqa: S101 - push always sets it
    say(f"{version} is {version.digest}")
    for claim in version.claims():
        say(f"{claim.kind} ({claim.predicate_type}) signed with key {claim.key_id:.16}")
    say(
        f"entry {receipt.index} of the log, proven by {count(len(receipt.path), 'hash')} and this checkpoint:"
    )
    for line in receipt.checkpoint.decode().rstrip().splitlines():
        click.echo(f"    {line}")
    check(
        "the same bytes make no new version",
        registry.push(scene.directory / "model", _NAME).record.number == 1,
    )
    return version, predictions


def _describe_run(run: Run) -> None:
    """Show what a run recorded, as read from its provenance."""
    provenance = json.loads(json.dumps(run.provenance()))
    inside, made = provenance["buildDefinition"]["internalParameters"], provenance["runDetails"]["metadata"]
    platform, git = inside["platform"], inside["git"]
    say(f"parameters {run.params}, seed {run.seed}, from {made['startedOn']} to {made['finishedOn']}")
    say(f"Python {platform['python']} on {platform['system']} {platform['machine']}")
    say(f"{len(inside['packages'])} packages; git " + (git["commit"] if git else "none here"))
    for resource in provenance["buildDefinition"]["resolvedDependencies"]:
        say(f"from {resource['name']}: " + ", ".join(f"{k}:{v}" for k, v in resource["digest"].items()))


def measure(scene: Scene, registry: Registry, version: Version) -> None:
    """Compute, sign and record the evidence of a version on the holdout rows."""
    table = read_data(scene.holdout_csv)
    loaded = registry.load(str(version)).value
    predict: Predict = loaded.predict  # type: ignore[attr-defined] # a scikit-learn estimator
    evaluation = version.evaluate(
        table.labels,
        [str(label) for label in np.asarray(predict(table.features))],
        positive_score(loaded, table.features).tolist(),
        dataset=scene.holdout_csv,
        groups={"texture": table.texture},
        positive=POSITIVE,
        robustness=sweep(predict, table.features, table.labels, positive=POSITIVE),
    )
    evidence = version.evidence()[-1]
    say(f"{evidence.predicate['n']} rows; signed and logged as entry {evaluation.receipt.index}")
    for name, metric in evaluation.metrics.items():
        say(f"{name:<20} {write(metric)}")
    for group in evidence.groups():
        recall = evidence.find_group_metrics("recall", group.column)[f"{group.column}={group.value}"]
        say(f"texture {group.value}: {group.n} rows, recall {recall:.3f}")
    for step in evidence.predicate["robustness"]:  # type: ignore[union-attr] # as written just above
        accuracy = step["metrics"]["accuracy"]["value"]  # type: ignore[index, call-overload]
        say(f"noise of {step['severity']} sd: accuracy {accuracy:.3f}")  # type: ignore[index, call-overload]
    points = len(evidence.predicate["score_counts"][0]["thresholds"])  # type: ignore[index, call-overload, arg-type]
    say(f"with it: the confusion matrix, counts at {points} thresholds for ROC and PR curves, calibration")


def guard(scene: Scene) -> None:
    """Chapter 4: a policy closes the gate."""
    chapter(4, "Guard `production` with a policy")
    (scene.directory / "production.yaml").write_text(_POLICY)
    scene.administer(f"policy set {_NAME}@production production.yaml --reason 'two people look'")
    unmet = scene.run(f"check {_NAME}@1 production", exits=1)
    check("every unmet rule is listed", unmet.count("NOT MET") == 2)  # noqa: PLR2004 - two rules ask for approvals
    scene.run(f"promote {_NAME}@1 production", exits=3)


def approve(scene: Scene, number: int) -> None:
    """Have two others approve a version, and promote it."""
    target = f"{_NAME}@{number} --for production"
    scene.run(f"--identity Vera.pem approve {target} --as validator --reason 'Recall holds in both groups'")
    scene.run(f"--identity Otto.pem approve {target} --as approver --reason 'Agreed with the clinic'")
    scene.run(f"check {_NAME}@{number} production")
    scene.run(f"promote {_NAME}@{number} production --reason 'Release {number}'")


def serve(scene: Scene, predictions: list[str]) -> None:
    """Chapter 6: pull and load the production version, verified."""
    chapter(6, "Pull and load production, verified")
    scene.run(f"pull {_NAME}@production pulled --signature pulled.sig")
    with scene.open() as registry:
        model = registry.load(f"{_NAME}@production")
    served = model.predict(read_data(scene.holdout_csv).features)  # type: ignore[operator] # a scikit-learn estimator
    check(f"{len(predictions)} predictions equal the trained model's", list(served) == predictions)


def succeed(scene: Scene) -> None:
    """Chapter 7: a second version, and what changed."""
    chapter(7, "Train version 2 with more data and another parameter; what changed?")
    run, _ = train(scene.more_csv, scene.directory / "model2", strength=0.1)
    with scene.open() as registry:
        second = registry.push(scene.directory / "model2", _NAME, run=run, message="Less regularised")
        measure(scene, registry, second)
    scene.run(f"diff {_NAME}@1 {_NAME}@2")
    approve(scene, 2)


def tamper(scene: Scene) -> None:
    """Chapter 8: a flipped byte, a changed row, a removed event."""
    chapter(8, "Tamper, and get caught")
    _flip_a_byte(scene)
    _change_a_row(scene)
    _remove_last_event(scene)


def roll_back(scene: Scene) -> None:
    """Chapter 9: back to version 1, and the history."""
    chapter(9, "Roll back, and see who moved what, when and why")
    scene.run(f"rollback {_NAME}@production --reason 'Alarms on the ward'")
    moves = scene.run(f"history {_NAME}@production")
    check("three moves are on record", all(word in moves for word in ("Release 1", "Release 2", "Alarms")))
    scene.run(f"verify {_NAME}@production")


def _flip_a_byte(scene: Scene) -> None:
    say("Flip one byte of the stored model.")
    with scene.open() as registry:
        file = registry.version(f"{_NAME}@production").revision().files[0]
        blob = scene.data / "blobs" / "sha256" / file.digest.hex
        whole = blob.read_bytes()
        blob.chmod(0o644)
        blob.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
        report = scene.run(f"verify {_NAME}@production", exits=1)
        check(f"verify names {file.path}", f"FAILED  file {file.path}" in report)
        refused = _refusal(lambda: registry.load(f"{_NAME}@production"))
        check("load refuses it, too", isinstance(refused, ContentCorrupt) and refused.path == file.path)
        blob.write_bytes(whole)
        blob.chmod(0o444)
    scene.run(f"verify {_NAME}@production")


def _change_a_row(scene: Scene) -> None:
    say("Change one row of a table behind the registry's back: it now says that production is version 1.")
    with closing(sqlite3.connect(scene.data / "registry.db")) as database:
        database.execute('UPDATE moves SET number = 1 WHERE "index" = (SELECT max("index") FROM moves)')
        database.commit()
    report = scene.run("admin rebuild --check", exits=1)
    check("the row is named", "moves[" in report and "number is 1, the log says 2" in report)
    scene.run(f"pull {_NAME}@production elsewhere", exits=3)
    scene.run("admin rebuild")
    scene.run("admin rebuild --check")


def _remove_last_event(scene: Scene) -> None:
    say("Remove the last event, and its hashes, from the database, and make the rest agree.")
    database = scene.data / "registry.db"
    backup = scene.directory / "registry.backup"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(database, backup)
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            connection.execute(f"DROP TRIGGER {trigger}")
        (last,) = connection.execute('SELECT max("index") FROM events').fetchone()
        connection.execute('DELETE FROM moves WHERE "index" = ?', (last,))
        connection.execute('DELETE FROM nodes WHERE (("index" + 1) << level) > ?', (last,))
        connection.execute('DELETE FROM events WHERE "index" = ?', (last,))
        connection.commit()
    scene.run("admin rebuild")
    report = scene.run(f"show {_NAME}@production", exits=3)
    check("the remembered checkpoint exposes it", "log_rolled_back" in report)
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(database)) as target:
        source.backup(target)
    scene.run("audit verify")


def _refusal(act: Callable[[], object]) -> MunimentError | None:
    try:
        act()
    except MunimentError as error:
        return error
    return None


def chapter(number: int, title: str) -> None:
    """Open a chapter."""
    click.secho(f"\n{number}. {title}", bold=True)


def say(text: str) -> None:
    """Narrate."""
    click.echo(f"  {text}")


def check(claim: str, holds: object) -> None:
    """Check a claim of the story, and show it."""
    if holds is not True:
        raise DemoFailed(claim)
    click.secho(f"  ✓ {claim}", fg="green")
