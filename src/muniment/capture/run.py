"""Record a training, and write its provenance.

with muniment.run(params={"depth": 6}, seed=7) as run:
    table = run.dataset("patients", "train.csv")
    model = fit(table)
    run.save(model, "model/")
"""

import hashlib
import os
import random
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import uuid_utils

from muniment import __version__
from muniment.capture.clock import now
from muniment.capture.datasets import Dataset, Source, describe_parquet, read_source
from muniment.capture.git import Checkout, capture_git
from muniment.capture.keeping import Kept, Recorded, write_run
from muniment.capture.notebook import read_cells
from muniment.capture.packages import Package, describe_packages, find_hashes, list_packages, write_lock
from muniment.capture.platforms import describe_container, describe_platform, read_variables
from muniment.capture.saving import save_model
from muniment.capture.secrets import find_secrets, hide_in_command, hide_in_values, holds_secret
from muniment.capture.tree import collect
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.provenance import BUILD_TYPE, VERSION_URI, Provenance
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.times import Clock, write_time

_BUILDER: Final = "https://muniment.dev/sdk"
# Names the file in which a run inside `muniment run` leaves its record.
HANDOVER: Final = "MUNIMENT_RUN"
# The prefix of the name of a kept script; its path follows.
SCRIPT: Final = "script "
_MAX_SCRIPT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The platform, packages and lock at the end of a run."""

    platform: JsonObject
    packages: tuple[Package, ...]
    lock: str


class Run:
    """One training. Use it as a context manager; `provenance` is complete afterwards."""

    def __init__(  # noqa: PLR0913 - the options of a run
        self,
        params: Mapping[str, Json] | None = None,
        *,
        seed: int | None = None,
        variables: Sequence[str] = (),
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Clock = now,
    ) -> None:
        """Prepare a run.

        `seed` seeds `random`, and numpy and torch if they are loaded. `variables` names further environment
        variables to record; likely secrets are never recorded.
        """
        self.params = dict(params or {})
        self.seed = seed
        self.id = str(uuid_utils.uuid7())
        self._clock = clock
        self._environment = os.environ if environment is None else environment
        self._variables = tuple(variables)
        self._command = list(sys.orig_argv if command is None else command)
        self._inputs: list[JsonObject] = []
        self._read: list[Dataset] = []
        self._outputs: list[JsonObject] = []
        self._kept: list[Kept] = []
        self._found: Surroundings | None = None
        self._checkout: Checkout | None = None
        self._looked = False
        self._used: JsonObject = {}
        self._started = self._finished = ""
        self._begun = 0.0
        self.exit_code: int | None = None

    def __repr__(self) -> str:
        """Say when it ran, and count what it has recorded."""
        when = f"{self._started or 'not started'}{f' to {self._finished}' if self._finished else ''}"
        sizes = (
            (len(self.params), "parameter"),
            (len(self._inputs), "input"),
            (len(self._outputs), "output"),
        )
        return f"<Run {when}, {', '.join(count(number, what) for number, what in sizes)}>"

    def __enter__(self) -> Self:
        """Start the clock, set the seed, and capture the code before it changes."""
        if self.seed is not None:
            _plant(self.seed)
        self._look()
        self._started = write_time(self._clock())
        self._begun = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the clock, and leave the record for `muniment run`, if that started this process."""
        self._finished = write_time(self._clock())
        self._used = {**_measure(), "wall_s": round(time.monotonic() - self._begun, 3)}
        target = self._environment.get(HANDOVER)
        if target and kind is None:
            self.write(target)

    def dataset(
        self,
        name: str,
        source: Source,
        *,
        digest: str | None = None,
        snapshot: bool = False,
        rows: bool | None = None,
    ) -> Any:  # noqa: ANN401 - the given source or its path
        """Record by digest what the run reads; return its path, or the given table.

        `source` is a file or directory, a table or array in memory, a version of a dataset, or an address
        (https, s3) with its digest. With `snapshot`, the bytes go into the registry too. `rows` also hashes
        the rows of a large table, so an evaluation can detect training rows in its data.

        Raises like `read_source`.
        """
        dataset = read_source(name, source, digest=digest, snapshot=snapshot, rows=rows)
        if dataset.path is not None and dataset.path.resolve().is_relative_to(Path.cwd()):
            dataset = replace(dataset, annotations={**dataset.annotations, "path": _relative(dataset.path)})
        self._inputs.append(dataset.resource())
        self._read.append(dataset)
        self._kept += dataset.keep(snapshot=snapshot)
        return source if dataset.path is None else dataset.path

    def base(self, version: Any, relation: str = "fine-tune") -> None:  # noqa: ANN401 - a Version of the SDK
        """Record the version that the model starts from: `fine-tune`, `merge` or `distillation`."""
        self._inputs.append(describe_base(str(version.reference), version.digest, relation))

    def output(self, path: str | os.PathLike[str]) -> Path:
        """Record a file or directory that the run wrote, by digest.

        Raises:
            FileUnusable: it does not exist.
        """
        target = Path(path)
        for source in collect(target):
            place = target / source.path if target.is_dir() else target
            with place.open("rb") as file:
                digest = Digest(hashlib.file_digest(file, "sha256").hexdigest())
            self._outputs.append({"path": _relative(place), "digest": str(digest)})
        return target

    def save(self, model: object, directory: str | os.PathLike[str]) -> Path:
        """Save the model in a format that is safe to load, and record it. Raises like `save_model`."""
        return self.output(save_model(model, Path(directory)))

    def absorb(self, recorded: Recorded, *, surroundings: bool = True) -> None:
        """Add the record of a run inside this one."""
        inner = Provenance(recorded.provenance)
        self.params = {**inner.parameters, **self.params}
        seed = inner.internal.get("seed")
        if self.seed is None and isinstance(seed, int):
            self.seed = seed
        definition: Any = recorded.provenance["buildDefinition"]
        self._inputs += [
            one for one in definition.get("resolvedDependencies", []) if "gitCommit" not in one["digest"]
        ]
        outputs: Any = inner.internal.get("outputs", [])
        self._outputs += outputs
        self._kept += [one for one in recorded.kept if one.name not in {"diff", "lock"}]
        if surroundings:
            lock = next((one.read().decode() for one in recorded.kept if one.name == "lock"), "")
            packages: Any = inner.internal.get("packages", {})
            platform: Any = inner.internal.get("platform", {})
            self._found = Surroundings(
                platform=platform,
                packages=tuple(Package(name=name, version=version) for name, version in packages.items()),
                lock=lock,
            )

    def surround(self, platform: JsonObject, packages: Sequence[Package]) -> None:
        """Record the environment of the run, if it is not that of this process."""
        lock = write_lock(packages, find_hashes(self._root()))
        self._found = Surroundings(platform=platform, packages=tuple(packages), lock=lock)

    def provenance(self) -> JsonObject:
        """Write the record as SLSA provenance v1 (slsa.dev/spec/v1.0/provenance)."""
        return self.record().provenance

    def record(self) -> Recorded:
        """Return the record: the provenance, and the kept files."""
        self._look()
        self._describe_tables()
        surroundings = self._found or self._survey()
        secrets = find_secrets(self._environment)
        kept = [*self._kept, *self._keep_code(secrets)]
        if surroundings.lock:
            kept.append(Kept.of("lock", surroundings.lock.encode(), "text/plain"))
        checkout = self._checkout
        code = [] if checkout is None else [_describe_code(checkout.description)]
        variables = read_variables(self._environment, self._variables)
        provenance: JsonObject = {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "parameters": hide_in_values(self.params, secrets),
                    "command": list(hide_in_command(self._command, secrets)),
                },
                "internalParameters": {
                    "seed": self.seed,
                    "git": None if checkout is None else checkout.description,
                    "platform": surroundings.platform,
                    "container": describe_container(self._environment),
                    "packages": describe_packages(surroundings.packages),
                    "variables": hide_in_values(variables, secrets),
                    "outputs": self._outputs,
                    "resources": self._used,
                    **({} if self.exit_code is None else {"exit_code": self.exit_code}),
                },
                "resolvedDependencies": [*self._inputs, *code],
            },
            "runDetails": {
                "builder": {"id": _BUILDER},
                "metadata": {
                    "invocationId": self.id,
                    "startedOn": self._started or write_time(self._clock()),
                    "finishedOn": self._finished or write_time(self._clock()),
                },
                "byproducts": [one.resource() for one in kept],
            },
        }
        return Recorded(provenance=provenance, kept=tuple(kept))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the record to a file for `muniment push --run FILE`."""
        Path(path).write_bytes(write_run(self.record()))

    def _look(self) -> None:
        if not self._looked:
            self._looked = True
            self._checkout = capture_git(Path.cwd(), find_secrets(self._environment))

    def _survey(self) -> Surroundings:
        packages = list_packages()
        if all(package.name != "muniment" for package in packages):
            # This package may be on the path without being installed.
            packages = sorted([*packages, Package(name="muniment", version=__version__, local=True)])
        lock = write_lock(packages, find_hashes(self._root()))
        return Surroundings(platform=describe_platform(), packages=tuple(packages), lock=lock)

    def _root(self) -> Path:
        directory = "" if self._checkout is None else str(self._checkout.description.get("directory") or "")
        return Path.cwd().parents[len(Path(directory).parts) - 1] if directory else Path.cwd()

    def _keep_code(self, secrets: frozenset[str]) -> list[Kept]:
        """Keep the diff of a dirty checkout and the cells of a notebook, unless they contain a secret."""
        kept = []
        if self._checkout is not None and self._checkout.diff:
            kept.append(Kept.of("diff", self._checkout.diff, "text/x-diff"))
        if self._checkout is None:
            kept += self._keep_scripts(secrets)
        cells = read_cells()
        if cells and not holds_secret(cells, secrets):
            kept.append(Kept.of("cells", cells.encode(), "text/x-python"))
        return kept

    def _keep_scripts(self, secrets: frozenset[str]) -> list[Kept]:
        """Keep the scripts of the command that no commit has."""
        kept = []
        for word in self._command[1:]:
            path = Path(word)
            if path.suffix != ".py" or not path.is_file() or path.stat().st_size > _MAX_SCRIPT_BYTES:
                continue
            content = path.read_bytes()
            if not holds_secret(content.decode(errors="replace"), secrets):
                kept.append(Kept.of(f"{SCRIPT}{_relative(path)}", content, "text/x-python"))
        return kept

    def _describe_tables(self) -> None:
        """Describe Parquet files, now that the run may have loaded a library for them."""
        for dataset in self._read:
            if dataset.path is not None and "rows" not in dataset.annotations:
                described = replace(
                    dataset, annotations={**dataset.annotations, **describe_parquet(dataset.path)}
                )
                self._inputs[self._inputs.index(dataset.resource())] = described.resource()
        self._read.clear()


def run(
    params: Mapping[str, Json] | None = None, *, seed: int | None = None, variables: Sequence[str] = ()
) -> Run:
    """Record a training: parameters, seed, data, code, environment, platform, resources and times."""
    return Run(params, seed=seed, variables=variables)


def describe_base(reference: str, digest: Digest, relation: str) -> JsonObject:
    """Describe a version that a model was made from."""
    return {
        "name": reference,
        "uri": f"{VERSION_URI}{reference}",
        "digest": {"sha256": digest.hex},
        "annotations": {"kind": "model", "relation": relation},
    }


def _describe_code(git: JsonObject) -> JsonObject:
    uri = f"git+{git['remote']}" if git["remote"] else "git"
    return {"name": "code", "uri": uri, "digest": {"gitCommit": git["commit"]}}


def _plant(seed: int) -> None:
    random.seed(seed)
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        numpy.random.seed(seed)
    if torch is not None:
        torch.manual_seed(seed)


def _measure() -> JsonObject:
    """Measure the resources that this process and its finished children used."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    # Linux reports KiB, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"cpu_s": round(seconds, 3), "peak_memory_bytes": max(own.ru_maxrss, others.ru_maxrss) * unit}


def _relative(path: Path) -> str:
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        # A path outside the project would reveal details of this machine.
        return path.name
