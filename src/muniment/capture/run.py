"""A run: what is recorded while a model is trained, and its provenance afterwards.

with muniment.run(params={"depth": 6}, seed=7) as run:
    table = run.dataset("patients", "train.csv")
    model = fit(table)
    run.save(model, "model/")
"""

import json
import os
import random
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import uuid_utils

from muniment.capture.datasets import Dataset, read_dataset
from muniment.capture.environment import command_line, describe_git, describe_platform, list_packages
from muniment.capture.saving import save_model
from muniment.core.canonical import Json, JsonObject
from muniment.core.times import write_time

BUILD_TYPE: Final = "https://muniment.dev/training/v1"
_BUILDER: Final = "https://muniment.dev/sdk"


class Run:
    """One training. Use it as a context manager; `provenance` is complete afterwards."""

    def __init__(
        self,
        params: Mapping[str, Json] | None = None,
        *,
        seed: int | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare a run. `seed` is set for `random`, and for numpy if it is loaded."""
        self.params = dict(params or {})
        self.seed = seed
        self.id = str(uuid_utils.uuid7())
        self._clock = clock
        self._datasets: list[Dataset] = []
        self._started = self._finished = ""

    def __enter__(self) -> Self:
        """Start the clock and set the seed."""
        if self.seed is not None:
            random.seed(self.seed)
            numpy = sys.modules.get("numpy")
            if numpy is not None:
                numpy.random.seed(self.seed)
        self._started = write_time(self._clock())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the clock."""
        self._finished = write_time(self._clock())

    def dataset(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Record a file that the run reads, by digest, and give its path.

        Raises:
            NotAFile: it is not there.
        """
        found = Path(path)
        self._datasets.append(read_dataset(name, found))
        return found

    def save(self, model: object, directory: str | os.PathLike[str]) -> Path:
        """Write the model in a format that is safe to load. Raises as `save_model`."""
        return save_model(model, Path(directory))

    def provenance(self) -> JsonObject:
        """Write what was recorded as SLSA provenance v1 (slsa.dev/spec/v1.0/provenance)."""
        git = describe_git(Path.cwd())
        code = [] if git is None else [_describe_code(git)]
        datasets = [dataset.resource() for dataset in self._datasets]
        return {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"parameters": self.params},
                "internalParameters": {
                    "seed": self.seed,
                    "git": git,
                    "platform": describe_platform(),
                    "packages": list_packages(),
                    "command": command_line(),
                },
                "resolvedDependencies": [*datasets, *code],
            },
            "runDetails": {
                "builder": {"id": _BUILDER},
                "metadata": {
                    "invocationId": self.id,
                    "startedOn": self._started,
                    "finishedOn": self._finished,
                },
            },
        }

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the provenance to a file, for `muniment push --run FILE`."""
        Path(path).write_text(json.dumps(self.provenance(), indent=2) + "\n")


def run(params: Mapping[str, Json] | None = None, *, seed: int | None = None) -> Run:
    """Record a training: parameters, seed, data, git state, packages, platform and times."""
    return Run(params, seed=seed)


def _describe_code(git: JsonObject) -> JsonObject:
    uri = f"git+{git['remote']}" if git["remote"] else "git"
    return {"name": "code", "uri": uri, "digest": {"gitCommit": git["commit"]}}
