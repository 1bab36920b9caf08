"""Evaluate a version: measured here, written as evidence, signed and recorded by the caller."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muniment.capture.datasets import Dataset, read_dataset
from muniment.capture.git import describe_git
from muniment.core.canonical import Json, JsonObject
from muniment.core.extras import load_extra

DataSource = str | os.PathLike[str] | Dataset


def evaluation_module(name: str) -> Any:  # noqa: ANN401 - a module of the extra, loaded when it is needed
    """Load a module of `muniment.evaluation`.

    Raises:
        MissingExtra: the `evaluation` extra is not installed.
    """
    return load_extra(f"muniment.evaluation.{name}", "scikit-learn")


def complete(  # noqa: PLR0913 - what an evaluation states
    measured: JsonObject,
    dataset: DataSource,
    *,
    time: str,
    split: str = "",
    metrics: Mapping[str, Json] | None = None,
    procedure: JsonObject | None = None,
) -> JsonObject:
    """Say over which data, by which tool and code, and when something was found. Raises as `read_dataset`."""
    source = dataset if isinstance(dataset, Dataset) else read_dataset(Path(dataset).name, Path(dataset))
    git = describe_git(Path.cwd())
    code = (
        None if git is None else {"uri": f"git+{git['remote'] or ''}", "digest": {"gitCommit": git["commit"]}}
    )
    predicate: JsonObject = evaluation_module("statement").write_evaluation(
        measured,
        dataset={
            "name": source.name,
            "digest": str(source.digest),
            **({"split": split} if split else {}),
        },
        time=time,
        code=code,
        procedure=procedure,
        metrics=metrics,
    )
    return predicate


def measure_drift(reference: Path, data: Path) -> JsonObject:
    """Say how far the columns of a table are from those of another, named by its digest.

    Raises:
        InvalidEvidence: they have no column in common, or are no tables.
    """
    before = read_dataset(reference.name, reference)
    compared = evaluation_module("files").compare_files(reference, data)
    drift = {**compared["drift"], "reference": {"name": before.name, "digest": str(before.digest)}}
    return {**compared, "drift": drift}
