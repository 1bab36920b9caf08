"""Rebuild a version from its record: prepare -> run -> compare -> evaluate -> attest.

It runs code from the record. The caller MUST have shown the plan and got consent.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from muniment.capture.secrets import holds_secret
from muniment.client.claims.evaluating import evaluation_module
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.reproduction.matching import compare_file
from muniment.client.reproduction.planning import Plan
from muniment.client.reproduction.sandbox import Limits, Sandbox, find_sandbox, run_in
from muniment.client.reproduction.workplace import (
    Log,
    describe_variables,
    fetch_code,
    inside,
    lay_out,
    list_readable,
    make_environment,
    translate,
)
from muniment.client.versions.loading import load_files
from muniment.client.versions.version import Version
from muniment.core.bytes.formats import format_of
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import REPRODUCTION
from muniment.core.claims.evidence import Evidence
from muniment.core.claims.provenance import write_blob_resource
from muniment.core.claims.reproductions import (
    Fidelity,
    FileOutcome,
    RebuiltEnvironment,
    RebuiltFile,
    RebuiltMetric,
    Reproduction,
)
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.tensors.reading import has_tensors

TOLERANCE: Final = 0.01
_LOG: Final = "log"
_LAST_LINES: Final = 15
_MAX_LOG_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """The outcome of a rebuild, and the log that it names."""

    reproduction: Reproduction
    log: bytes

    def __repr__(self) -> str:
        """Say how it ended."""
        return f"<Rebuilt {self.verdict}>"

    @property
    def predicate(self) -> JsonObject:
        """The predicate `reproduction/v1`."""
        return self.reproduction.predicate()

    @property
    def verdict(self) -> Fidelity:
        """bit-identical, within-tolerance or failed."""
        return self.reproduction.verdict


def reproduce(  # noqa: PLR0913 - the options of a rebuild
    version: Version,
    plan: Plan,
    *,
    directory: Path | None = None,
    tolerance: float = TOLERANCE,
    limits: Limits | None = None,
    trusted: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
    record: bool = True,
) -> Rebuilt:
    """Run a plan, then sign and record the outcome. Raises like `rebuild`.

    `directory` is new and is kept; the default is a temporary one, which is removed.
    """
    backend = version.session.backend
    with ExitStack() as stack:
        if directory is None:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="muniment-reproduce-"))
            directory = Path(name)
        else:
            directory.mkdir(parents=True)
        rebuilt = rebuild(
            backend, plan, directory.resolve(), tolerance=tolerance, limits=limits, trusted=trusted, say=say
        )
    if record:
        if rebuilt.log:
            backend.add_documents([rebuilt.log])
        version.attest(REPRODUCTION, rebuilt.predicate)
    return rebuilt


def rebuild(  # noqa: PLR0913 - the options of a rebuild
    backend: TrustedBackend,
    plan: Plan,
    directory: Path,
    *,
    tolerance: float = TOLERANCE,
    limits: Limits | None = None,
    trusted: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """Rebuild a version in an empty directory, and compare the results.

    `tolerance` is relative, for each metric and the norm of each tensor. A differing file without tensors is
    within tolerance only if the metrics computed from it are.

    Raises:
        NotReproducible: something is missing, and nothing was run.
        MissingExtra: uv is not installed.
    """
    if plan.missing:
        raise plan.refuse()
    work = _Work(
        backend=backend,
        plan=plan,
        directory=directory,
        tolerance=tolerance,
        limits=limits or Limits(),
        trusted=trusted,
        log=Log(say, bytearray()),
        started=backend.time(),
    )
    place = work.prepare()
    code = work.run(place)
    files = work.compare(place)
    metrics = [] if code else work.evaluate(place)
    return work.conclude(code, files, metrics)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One rebuild."""

    backend: TrustedBackend
    plan: Plan
    directory: Path
    tolerance: float
    limits: Limits
    trusted: Sequence[str]
    log: Log
    started: str
    sandbox: Sandbox = field(default_factory=find_sandbox)

    def prepare(self) -> Path:
        """Put the code and the data in place; return the directory of the command."""
        checkout = fetch_code(self.plan, self.directory, self.log)
        place = inside(checkout, self.plan.directory)
        for one in self.plan.data:
            lay_out(self.backend, one, inside(place, one.path))
        return place

    def run(self, place: Path) -> int:
        """Make the environment, and run the command in it; return the exit code."""
        python = make_environment(self.plan, self.directory, self.log)
        self.log.note(f"run       {' '.join(self.plan.command)} in {self.sandbox}")
        code, output = run_in(
            self.sandbox,
            translate(self.plan.command, python),
            root=self.directory,
            directory=place,
            readable=list_readable(python),
            environment=describe_variables(self.plan, self.directory, python),
            limits=self.limits,
        )
        self.log.keep(output)
        if code:
            for line in output.decode(errors="replace").splitlines()[-_LAST_LINES:]:
                self.log.say(f"          {line}")
        self.log.note(f"exit      {code}")
        return code

    def compare(self, place: Path) -> list[RebuiltFile]:
        """Compare each file that the training wrote."""
        files = [
            compare_file(self.backend, path, file, inside(place, path), self.tolerance)
            for path, file in self.plan.outputs.items()
        ]
        for one in files:
            detail = f": {one.detail}" if one.detail else ""
            self.log.note(f"{one.outcome:9} {one.path}{detail}")
        return files

    def evaluate(self, place: Path) -> list[RebuiltMetric]:
        """Repeat the recorded evaluations with the rebuilt model."""
        if not self.plan.evaluations:
            return []
        rebuilt = {file.path: inside(place, path) for path, file in self.plan.outputs.items()}
        contents = {name: path.read_bytes() for name, path in rebuilt.items() if path.is_file()}
        try:
            model = load_files(contents, self.trusted)
        except MunimentError as error:
            self.log.note(f"          the rebuilt model cannot be loaded: {error.sentence}")
            return []
        metrics: list[RebuiltMetric] = []
        for number, (evidence, data) in enumerate(self.plan.evaluations):
            target = self.directory / "evaluation" / str(number) / Path(data.path).name
            lay_out(self.backend, data, target)
            metrics += _measure(model, evidence, target, self.tolerance)
        return metrics

    def conclude(self, code: int, files: list[RebuiltFile], metrics: list[RebuiltMetric]) -> Rebuilt:
        """Make the outcome."""
        verdict = _judge(code, files, metrics)
        self.log.note(f"verdict   {verdict}")
        text = bytes(self.log.text[-_MAX_LOG_BYTES:])
        kept = b"" if holds_secret(text.decode(errors="replace"), ()) else text
        log = [write_blob_resource(_LOG, Digest.of(kept), len(kept), "text/plain")] if kept else []
        reproduction = Reproduction(
            verdict=verdict,
            provenance=self.plan.claim.digest,
            tolerance=self.tolerance,
            command=tuple(self.plan.command),
            exit_code=code,
            environment=RebuiltEnvironment(
                python=self.plan.python,
                tool="uv",
                packages=self.plan.lock.count("=="),
                hashes=self.plan.lock.count("--hash="),
                provided=tuple(self.plan.provided),
            ),
            sandbox=self.sandbox.describe(self.limits),
            files=tuple(files),
            metrics=tuple(metrics),
            not_replayed=tuple(self.plan.notes),
            byproducts=tuple(log),
            started=self.started,
            finished=self.backend.time(),
        )
        return Rebuilt(reproduction=reproduction, log=kept)


def _measure(model: object, evidence: Evidence, data: Path, tolerance: float) -> list[RebuiltMetric]:
    procedure = cast("Mapping[str, Any]", evidence.predicate["procedure"])
    predicate, _ = evaluation_module("files").evaluate_model(
        model,
        data,
        procedure["target"],
        features=procedure.get("features", ()),
        groups=procedure.get("groups", ()),
        positive=procedure.get("positive"),
    )
    again = Evidence({**predicate, "dataset": evidence.predicate["dataset"]})
    results = []
    for name in predicate["metrics"]:
        before, after = evidence.find_metric(name), again.find_metric(name)
        old, new = (None if one is None else one.value for one in (before, after))
        results.append(
            RebuiltMetric(
                dataset=Digest.parse(evidence.dataset),
                metric=name,
                recorded=old,
                rebuilt=new,
                held=_is_close(old, new, tolerance),
            )
        )
    return results


def _is_close(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance * max(abs(one), abs(other))


def _judge(code: int, files: Sequence[RebuiltFile], metrics: Sequence[RebuiltMetric]) -> Fidelity:
    """Judge a rebuild: bit-identical if all files are, within tolerance if all that was compared is."""
    outcomes = {one.outcome for one in files}
    if code or not files or FileOutcome.MISSING in outcomes:
        return Fidelity.FAILED
    held = all(one.held for one in metrics)
    if outcomes == {FileOutcome.IDENTICAL} and held:
        return Fidelity.BIT_IDENTICAL
    differing = [one for one in files if one.outcome is FileOutcome.DIFFERS]
    if not held or any(has_tensors(format_of(one.path)) for one in differing):
        return Fidelity.FAILED
    return Fidelity.FAILED if differing and not metrics else Fidelity.WITHIN_TOLERANCE
