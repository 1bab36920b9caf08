"""Rebuild a version from its record: prepare -> run -> compare -> evaluate -> attest.

It runs code from the record. The caller MUST have shown the plan and got a yes.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from muniment.capture.secrets import holds_secret
from muniment.client.evaluating import evaluation_module
from muniment.client.loading import load_files
from muniment.client.matching import compare_file
from muniment.client.planning import Plan
from muniment.client.sandbox import Limits, find_sandbox, run_in
from muniment.client.trust import TrustedBackend
from muniment.client.version import Version
from muniment.client.workplace import (
    Log,
    describe_variables,
    fetch_code,
    lay_out,
    list_readable,
    make_environment,
    translate,
)
from muniment.core.attestations import REPRODUCTION
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import MissingExtra, MunimentError, NotReproducible
from muniment.core.evidence import Evidence
from muniment.core.formats import format_of
from muniment.core.provenance import write_blob_resource
from muniment.core.times import write_time
from muniment.tensors.reading import has_tensors

TOLERANCE: Final = 0.01
_LOG: Final = "log"
_LAST_LINES: Final = 15
_MAX_LOG_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of it: the predicate `reproduction/v1`, and the log that it names."""

    predicate: JsonObject
    log: bytes

    @property
    def verdict(self) -> str:
        """bit-identical, within-tolerance or failed."""
        return str(self.predicate["verdict"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """A metric that was computed again."""

    dataset: str
    name: str
    recorded: float | None
    rebuilt: float | None
    held: bool


def reproduce(  # noqa: PLR0913 - what a rebuild is made of
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
    """Run a plan: code from the record. The outcome is signed and recorded. Raises as `rebuild`.

    `directory` is a new one, which is left as it is; by default a temporary one, which is removed.
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


def rebuild(  # noqa: PLR0913 - what a rebuild is made of
    backend: TrustedBackend,
    plan: Plan,
    directory: Path,
    *,
    tolerance: float = TOLERANCE,
    limits: Limits | None = None,
    trusted: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """Rebuild a version in an empty directory, and compare.

    `tolerance` is relative: of each metric, and of the norm of each tensor. A file that differs and holds no
    tensors is within tolerance only if the metrics that were computed again with it are.

    Raises:
        NotReproducible: something is missing; nothing was run.
        MissingExtra: uv is not installed.
    """
    if plan.missing:
        raise NotReproducible(reference=plan.reference, missing=plan.missing)
    log, started, bounds = Log(say, bytearray()), write_time(datetime.now(UTC)), limits or Limits()
    sandbox = find_sandbox()
    checkout = fetch_code(plan, directory, log)
    place = checkout / plan.directory
    for one in plan.data:
        lay_out(backend, one, place / one.path)
    python = make_environment(plan, directory, log)
    log.note(f"run       {' '.join(plan.command)} in {sandbox}")
    code, output = run_in(
        sandbox,
        translate(plan.command, python),
        root=directory,
        directory=place,
        readable=list_readable(python),
        environment=describe_variables(plan, directory, python),
        limits=bounds,
    )
    log.keep(output)
    if code:
        for line in output.decode(errors="replace").splitlines()[-_LAST_LINES:]:
            say(f"          {line}")
    log.note(f"exit      {code}")
    files = [
        compare_file(backend, path, file, place / path, tolerance) for path, file in plan.outputs.items()
    ]
    metrics = [] if code else _evaluate_again(backend, plan, place, directory, tolerance, trusted, log)
    verdict = _judge(code, files, metrics)
    for outcome in files:
        detail = f": {outcome['detail']}" if "detail" in outcome else ""
        log.note(f"{outcome['outcome']:9} {outcome['path']}{detail}")
    log.note(f"verdict   {verdict}")
    text = bytes(log.text[-_MAX_LOG_BYTES:])
    kept = b"" if holds_secret(text.decode(errors="replace"), ()) else text
    predicate: JsonObject = {
        "verdict": verdict,
        "provenance": str(plan.claim.digest),
        "tolerance": tolerance,
        "command": list(plan.command),
        "exit_code": code,
        "environment": {
            "python": plan.python,
            "tool": "uv",
            "packages": plan.lock.count("=="),
            "hashes": plan.lock.count("--hash="),
            "provided": list(plan.provided),
        },
        "sandbox": sandbox.describe(bounds),
        "files": files,
        "metrics": [
            {
                "dataset": one.dataset,
                "metric": one.name,
                "recorded": one.recorded,
                "rebuilt": one.rebuilt,
                "held": one.held,
            }
            for one in metrics
        ],
        "not_replayed": list(plan.notes),
        "byproducts": [write_blob_resource(_LOG, Digest.of(kept), len(kept), "text/plain")] if kept else [],
        "startedOn": started,
        "finishedOn": write_time(datetime.now(UTC)),
    }
    return Rebuilt(predicate=predicate, log=kept)


def _evaluate_again(  # noqa: PLR0913, PLR0917 - what an evaluation is made of
    backend: TrustedBackend,
    plan: Plan,
    place: Path,
    directory: Path,
    tolerance: float,
    trusted: Sequence[str],
    log: Log,
) -> list[_Metric]:
    if not plan.evaluations:
        return []
    contents = {
        file.path: (place / path).read_bytes()
        for path, file in plan.outputs.items()
        if (place / path).is_file()
    }
    try:
        model = load_files(contents, trusted)
    except (MunimentError, MissingExtra) as error:
        log.note(f"          the rebuilt model cannot be loaded: {error}")
        return []
    found: list[_Metric] = []
    for number, (evidence, data) in enumerate(plan.evaluations):
        target = directory / "evaluation" / str(number) / Path(data.path).name
        lay_out(backend, data, target)
        found += _measure(model, evidence, target, tolerance)
    return found


def _measure(model: object, evidence: Evidence, data: Path, tolerance: float) -> list[_Metric]:
    procedure = cast("Mapping[str, Any]", evidence.predicate["procedure"])
    found, _ = evaluation_module("files").evaluate_model(
        model,
        data,
        procedure["target"],
        features=procedure.get("features", ()),
        groups=procedure.get("groups", ()),
        positive=procedure.get("positive"),
    )
    again = Evidence({**found, "dataset": evidence.predicate["dataset"]})
    results = []
    for name in found["metrics"]:
        before, after = evidence.find_metric(name), again.find_metric(name)
        old, new = (None if one is None else one.value for one in (before, after))
        results.append(
            _Metric(
                dataset=evidence.dataset,
                name=name,
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


def _judge(code: int, files: Sequence[JsonObject], metrics: Sequence[_Metric]) -> str:
    """Say bit-identical only of files that are, and within tolerance only of what was compared."""
    outcomes = {str(one["outcome"]) for one in files}
    if code or not files or "missing" in outcomes:
        return "failed"
    held = all(one.held for one in metrics)
    if outcomes == {"identical"} and held:
        return "bit-identical"
    if not held or any(
        one["outcome"] == "differs" and has_tensors(format_of(str(one["path"]))) for one in files
    ):
        return "failed"
    return "within-tolerance" if "differs" not in outcomes or metrics else "failed"
