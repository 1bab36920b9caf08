"""Evaluate a version: measured here, written as evidence, signed and recorded by the caller."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muniment.capture.datasets import Dataset, read_dataset
from muniment.capture.git import describe_git
from muniment.core.canonical import Json, JsonObject
from muniment.core.extras import load_extra
from muniment.core.warnings import UnclearTask

DataSource = str | os.PathLike[str] | Dataset


def evaluation_module(name: str) -> Any:  # noqa: ANN401 - a module of the extra, loaded when it is needed
    """Load a module of `muniment.evaluation`.

    Raises:
        MissingExtra: the `evaluation` extra is not installed.
    """
    return load_extra(f"muniment.evaluation.{name}", "scikit-learn")


def measure(
    y_true: object,
    y_pred: object,
    y_score: object,
    *,
    task: str | None,
    classifying: Mapping[str, object],
    **common: object,
) -> JsonObject:
    """Measure predictions, as a task or as what they look like; warn the caller of the caller if unclear.

    `classifying` are options of a classification, `common` those of either task.
    """
    if task is None and y_score is None and all(one is None for one in classifying.values()):
        read = evaluation_module("labels").read_column
        columns = (read(y_true, "labels"), read(y_pred, "predictions"))
        choice = evaluation_module("tasks").choose_task(columns)
        task = choice.task
        if choice.note:
            warnings.warn(choice.note, UnclearTask, stacklevel=3)
    measured: JsonObject
    if task == "regression":
        measured = evaluation_module("regression").evaluate_regression(y_true, y_pred, **common)
    else:
        measured = evaluation_module("classification").evaluate_classification(
            y_true, y_pred, y_score, **classifying, **common
        )
    return measured


def bind(  # noqa: PLR0913 - what says which rows
    measured: JsonObject,
    dataset: DataSource,
    y_true: object,
    *,
    target: str = "",
    where: Sequence[str] = (),
    reason: str = "",
) -> JsonObject:
    """Say of which rows of a dataset measurements are. Raises as `bind_rows`."""
    if isinstance(dataset, Dataset):
        return measured
    bound: JsonObject = evaluation_module("binding").bind_rows(
        measured, Path(dataset), y_true, target=target, where=where, reason=reason
    )
    return bound


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
