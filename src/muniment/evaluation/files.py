"""Evaluate files: recorded predictions, or rows for a model to predict.

Classifiers are evaluated piece by piece, in constant memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from muniment.core.canonical import Json, JsonObject
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.classification import choose_positive, describe_tally, evaluate_multilabel
from muniment.evaluation.drift import compare_datasets
from muniment.evaluation.ranking import evaluate_ranking
from muniment.evaluation.reading import Labels, Numbers, read_labels, read_numbers, read_probabilities
from muniment.evaluation.regression import evaluate_regression
from muniment.evaluation.tables import list_columns, read_pieces, read_whole
from muniment.evaluation.tally import GroupedTally
from muniment.evaluation.text import evaluate_text

Results = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The roles of columns in a table.

    Attributes:
        target: the true label, value or text; several for multilabel data.
        prediction: the prediction; as many as `target`.
        score: the probability of the positive label or, for multilabel data, of each label.
        groups: the columns to group by; `a,b` groups by both together.
        query: the query that an item was ranked for.
        judges: the scores of judges.
    """

    target: tuple[str, ...] = ()
    prediction: tuple[str, ...] = ()
    score: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    query: str = ""
    judges: tuple[str, ...] = ()


def evaluate_file(  # noqa: PLR0913 - the inputs of an evaluation
    path: Path,
    task: str,
    columns: Columns,
    *,
    positive: str | None = None,
    unit: str = "",
    min_group_size: int = 1,
) -> Results:
    """Evaluate the predictions in a table.

    Raises:
        InvalidEvidence: a column is missing or not named, or its values are invalid.
    """
    if task == "classification":
        return _classify(path, columns, positive, min_group_size)
    if task == "regression":
        table = read_whole(path, [*columns.target, *columns.prediction, *_plain(columns.groups)])
        target, prediction = _one(columns.target, "target"), _one(columns.prediction, "prediction")
        return evaluate_regression(
            table[target],
            table[prediction],
            groups=_read_groups(table, columns.groups),
            unit=unit,
            min_group_size=min_group_size,
        )
    if task == "multilabel":
        table = read_whole(path, [*columns.target, *columns.prediction, *columns.score])
        scores = table[list(columns.score)].to_numpy() if columns.score else None
        return evaluate_multilabel(
            table[list(columns.target)].to_numpy(),
            table[list(columns.prediction)].to_numpy(),
            scores,
            labels=columns.target,
        )
    if task == "ranking":
        target, score = _one(columns.target, "target"), _one(columns.score, "score")
        table = read_whole(path, [columns.query or "query", target, score])
        return evaluate_ranking(table[columns.query or "query"].tolist(), table[target], table[score])
    if task == "text":
        target, prediction = _one(columns.target, "target"), _one(columns.prediction, "prediction")
        table = read_whole(path, [target, prediction, *columns.judges], text=True)
        judges = {name: read_numbers(table[name], name, (len(table),)).tolist() for name in columns.judges}
        return evaluate_text(table[prediction].tolist(), table[target].tolist(), judges=judges)
    raise InvalidEvidence(
        reason=f"unknown task {task!r}",
        remedy="name one of classification, regression, multilabel, ranking or text",
    )


def compare_files(reference: Path, current: Path, columns: Sequence[str] = ()) -> Results:
    """Measure the drift between two tables. Raises like `compare_datasets`."""
    sides = [read_whole(path, columns) for path in (reference, current)]
    before, after = ({str(name): table[name].to_numpy() for name in table.columns} for table in sides)
    return compare_datasets(before, after, columns)


def evaluate_model(  # noqa: PLR0913 - the inputs of an evaluation
    model: Any,  # noqa: ANN401 - any estimator
    path: Path,
    target: str,
    *,
    features: Sequence[str] = (),
    groups: Sequence[str] = (),
    positive: object = None,
    min_group_size: int = 1,
) -> tuple[Results, JsonObject]:
    """Evaluate a scikit-learn estimator on a table; return the results and the procedure.

    `features` defaults to those that the estimator was fitted with, or all columns but the target.

    Raises:
        InvalidEvidence: a column is missing, or the predictions are invalid.
    """
    wanted = list(features) or _features_of(model, path, target)
    read = [*wanted, target, *_plain(groups)]
    if is_classifier(model):
        chosen = choose_positive([str(one) for one in read_labels(model.classes_, "classes")], positive)
        tally = GroupedTally()
        for piece in read_pieces(path, read, text=False):
            predicted, scores = _predict(model, _input(model, piece, wanted), chosen)
            true = read_labels(piece[target].to_numpy(), target)
            tally.add(true, predicted, scores, _group(piece, groups))
        results = describe_tally(_checked(tally), chosen, min_group_size=min_group_size)
    else:
        chosen = None
        table = read_whole(path, read)
        results = evaluate_regression(
            table[target],
            model.predict(_input(model, table, wanted)),
            groups=_read_groups(table, groups),
            min_group_size=min_group_size,
        )
    positive_member = {"positive": chosen} if chosen else {}
    return results, {"target": target, "features": list(wanted), "groups": list(groups), **positive_member}


def _classify(path: Path, columns: Columns, positive: str | None, min_group_size: int) -> Results:
    target, prediction = _one(columns.target, "target"), _one(columns.prediction, "prediction")
    score = columns.score[0] if columns.score else None
    labels: set[str] = set()
    for piece in read_pieces(path, [target, prediction]):
        labels |= {*read_labels(piece[target].to_numpy()), *read_labels(piece[prediction].to_numpy())}
    chosen = choose_positive(sorted(map(str, labels)), positive)
    if score is not None and chosen is None:
        raise InvalidEvidence(reason="a column of scores needs exactly two labels")
    tally = GroupedTally()
    read = [target, prediction, *_plain(columns.groups), *([score] if score else [])]
    for piece in read_pieces(path, read):
        true, predicted = (read_labels(piece[one].to_numpy(), one) for one in (target, prediction))
        scores: dict[str, Numbers] = {}
        if score is not None and chosen is not None:
            scores[chosen] = read_probabilities(piece[score].to_numpy(), f"column {score!r}", true.shape)
        tally.add(true, predicted, scores, _group(piece, columns.groups))
    return describe_tally(_checked(tally), chosen, min_group_size=min_group_size)


def _checked(tally: GroupedTally) -> GroupedTally:
    if not tally.whole.n:
        raise InvalidEvidence(reason="the data has no rows")
    return tally


def _features_of(model: object, path: Path, target: str) -> list[str]:
    fitted = getattr(model, "feature_names_in_", None)
    return [name for name in list_columns(path) if name != target] if fitted is None else list(fitted)


def _input(model: object, table: pd.DataFrame, features: Sequence[str]) -> object:
    rows = table[list(features)]
    return rows if hasattr(model, "feature_names_in_") else rows.to_numpy()


def _predict(model: Any, rows: object, positive: str | None) -> tuple[Labels, Mapping[str, Numbers]]:  # noqa: ANN401 - as above
    predicted = read_labels(np.asarray(model.predict(rows)), "predictions")
    if not hasattr(model, "predict_proba"):
        return predicted, {}
    names = [str(one) for one in read_labels(model.classes_, "classes")]
    scores = read_probabilities(model.predict_proba(rows), "scores", (len(predicted), len(names)))
    wanted = [positive] if positive else names
    return predicted, {name: scores[:, names.index(name)] for name in wanted}


def _group(table: pd.DataFrame, groups: Sequence[str]) -> dict[str, Labels]:
    return {name: read_labels(values, name) for name, values in _read_groups(table, groups).items()}


def _read_groups(table: pd.DataFrame, groups: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each grouping; values of several columns are joined by commas."""
    return {
        group: list(map(",".join, zip(*(table[name].astype(str) for name in group.split(",")), strict=True)))
        for group in groups
    }


def _plain(groups: Sequence[str]) -> list[str]:
    return [name for group in groups for name in group.split(",")]


def _one(names: Sequence[str], what: str) -> str:
    if len(names) != 1:
        raise InvalidEvidence(reason=f"name exactly one column of {what}")
    return names[0]
