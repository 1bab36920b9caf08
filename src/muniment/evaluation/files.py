"""Evaluate files: recorded predictions, or rows for a model to predict.

Classifiers are evaluated piece by piece, in constant memory.
"""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from muniment.core.canonical import Json, JsonObject
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.classification import classify
from muniment.evaluation.conditions import Condition, keep_rows, list_columns_of, read_conditions
from muniment.evaluation.drift import compare_datasets
from muniment.evaluation.labels import Cells, find_missing, name_labels, read_column
from muniment.evaluation.multilabel import evaluate_multilabel
from muniment.evaluation.predictions import Piece, Pieces, join_names
from muniment.evaluation.ranking import evaluate_ranking
from muniment.evaluation.reading import Missing, Values, read_numbers, read_score_columns
from muniment.evaluation.regression import evaluate_regression
from muniment.evaluation.tables import count_rows, list_columns, read_pieces, read_whole
from muniment.evaluation.tasks import Choice, choose_task
from muniment.evaluation.text import evaluate_text

Results = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The roles of columns in a table.

    Attributes:
        target: the true label, value or text; several for multilabel data.
        prediction: the prediction; as many as `target`.
        score: the score of the positive label, or that of each label; `p_*` is all columns like that.
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


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of a table that meet all conditions."""

    path: Path
    conditions: tuple[Condition, ...] = ()

    def pieces(
        self, columns: Sequence[str], *, text: bool = True, texts: Sequence[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Read columns, piece by piece. Raises as `read_pieces`.

        What is only compared stays text, so that 01 is not 1.
        """
        asked = list_columns_of(self.conditions)
        compared = [*texts, *(name for name in asked if name not in columns)]
        for piece in read_pieces(self.path, [*columns, *asked], text=text, texts=compared):
            yield keep_rows(piece, self.conditions)

    def whole(self, columns: Sequence[str], *, text: bool = False, texts: Sequence[str] = ()) -> pd.DataFrame:
        """Read columns that fit in memory. Raises as `read_pieces`."""
        return pd.concat([*self.pieces(columns, text=text, texts=texts)], ignore_index=True)


def evaluate_file(  # noqa: PLR0913 - the inputs of an evaluation
    path: Path,
    task: str,
    columns: Columns,
    *,
    positive: str | None = None,
    classes: Sequence[str] | None = None,
    unit: str = "",
    min_group_size: int = 1,
    missing: Missing | str = Missing.REFUSE,
    where: Sequence[str] = (),
) -> Results:
    """Evaluate the predictions in a table, in the rows that meet all conditions of `where`.

    Raises:
        InvalidEvidence: a column is missing or not named, or its values are invalid.
    """
    source = Source(path, read_conditions(where))
    if task == "classification":
        results = classify(
            _read_predictions(source, columns),
            positive=positive,
            classes=classes,
            min_group_size=min_group_size,
            missing=missing,
        )
    elif task == "regression":
        results = _measure_amounts(source, columns, unit, min_group_size, missing)
    elif task in _MEASURE:
        results = _MEASURE[task](source, columns, missing)
    else:
        tasks = ", ".join(["classification", "regression", *_MEASURE])
        raise InvalidEvidence(reason=f"unknown task {task!r}", remedy=f"name one of {tasks}")
    return _bind(results, source, ",".join(columns.target))


def _measure_amounts(
    source: Source, columns: Columns, unit: str, min_group_size: int, missing: Missing | str
) -> Results:
    target, prediction = _one(columns.target, "target"), _one(columns.prediction, "prediction")
    plain = [name for name in _plain(columns.groups) if name not in {target, prediction}]
    table = source.whole([target, prediction, *plain], texts=plain)
    return evaluate_regression(
        table[target],
        table[prediction],
        groups=_join_groups(table, columns.groups),
        unit=unit,
        min_group_size=min_group_size,
        missing=missing,
    )


def _measure_many_labels(source: Source, columns: Columns, missing: Missing | str) -> Results:
    table = source.whole([*columns.target, *columns.prediction, *columns.score])
    true, predicted = (table[list(names)].to_numpy() for names in (columns.target, columns.prediction))
    scores = table[list(columns.score)].to_numpy() if columns.score else None
    return evaluate_multilabel(true, predicted, scores, labels=columns.target, missing=missing)


def _measure_ranking(source: Source, columns: Columns, missing: Missing | str) -> Results:
    query, target = columns.query or "query", _one(columns.target, "target")
    score = _one(columns.score, "score")
    table = source.whole([query, target, score])
    return evaluate_ranking(table[query].to_numpy(), table[target], table[score], missing=missing)


def _measure_text(source: Source, columns: Columns, missing: Missing | str) -> Results:
    # An empty text is a text.
    del missing
    target, prediction = _one(columns.target, "target"), _one(columns.prediction, "prediction")
    table = source.whole([target, prediction, *columns.judges], text=True)
    judges = {name: read_numbers(table[name], name, (len(table),)).tolist() for name in columns.judges}
    return evaluate_text(table[prediction].tolist(), table[target].tolist(), judges=judges)


_MEASURE: Final = {
    "multilabel": _measure_many_labels,
    "ranking": _measure_ranking,
    "text": _measure_text,
}


def _bind(results: Results, source: Source, target: str) -> Results:
    """Say of which rows of the file results are."""
    rows, digest = results["rows"], results["target"]
    assert isinstance(rows, Mapping)  # noqa: S101 - as each task writes them
    assert isinstance(digest, Mapping)  # noqa: S101 - likewise
    met: Results = {"there": count_rows(source.path), "where": [str(one) for one in source.conditions]}
    bound = {**rows, **(met if source.conditions else {}), "checked": True}
    return {**results, "rows": bound, "target": {**digest, "column": target}}


def choose_task_of(path: Path, columns: Columns, where: Sequence[str] = ()) -> Choice:
    """Choose between classification and regression by the columns of a table. Raises as `evaluate_file`."""
    if columns.score:
        return Choice("classification")
    names = [_one(columns.target, "target"), _one(columns.prediction, "prediction")]
    pieces = Source(path, read_conditions(where)).pieces(names)
    return choose_task(cells for piece in pieces for cells in (piece[names[0]], piece[names[1]]))


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
    missing: Missing | str = Missing.REFUSE,
    where: Sequence[str] = (),
) -> tuple[Results, JsonObject]:
    """Evaluate a scikit-learn estimator on a table; return the results and the procedure.

    Only rows that meet all conditions of `where` are taken.

    `features` defaults to those that the estimator was fitted with, or all columns but the target.

    Raises:
        InvalidEvidence: a column is missing, or the predictions are invalid.
    """
    source = Source(path, read_conditions(where))
    wanted = list(features) or _features_of(model, path, target)
    read = list(dict.fromkeys([*wanted, target, *_plain(groups)]))
    texts = [name for name in read if name not in wanted and (name != target or is_classifier(model))]
    if is_classifier(model):
        known = getattr(model, "classes_", None)

        def predict_all() -> Iterator[Piece]:
            for piece in source.pieces(read, text=False, texts=texts):
                yield _predict(model, _input(model, piece, wanted), piece, target, groups)

        def read_labels() -> Iterator[Piece]:
            for piece in source.pieces([target, *_plain(groups)], text=False, texts=texts):
                yield Piece(true=piece[target], predicted=piece[target], groups=_group(piece, groups))

        results = classify(
            predict_all,
            first=predict_all if known is None else read_labels,
            positive=positive,
            classes=None if known is None else list(known),
            unseen=known is not None,
            min_group_size=min_group_size,
            missing=missing,
        )
    else:
        table = source.whole(read, texts=texts)
        results = evaluate_regression(
            table[target],
            model.predict(_input(model, table, wanted)),
            groups=_join_groups(table, groups),
            min_group_size=min_group_size,
            missing=missing,
        )
    matrix = results.get("confusion_matrix")
    chosen = matrix.get("positive") if isinstance(matrix, Mapping) else None
    positive_member = {"positive": chosen} if chosen else {}
    procedure = {"target": target, "features": list(wanted), "groups": list(groups), **positive_member}
    return _bind(results, source, target), procedure


def _read_predictions(source: Source, columns: Columns) -> Pieces:
    """Give what reads recorded predictions, piece by piece."""
    target, prediction = _one(columns.target, "target"), _one(columns.prediction, "prediction")
    scores = _find_scores(source.path, columns.score)
    read = [target, prediction, *_plain(columns.groups), *scores]

    def read_all() -> Iterator[Piece]:
        for piece in source.pieces(read):
            yield Piece(
                true=piece[target],
                predicted=piece[prediction],
                scores={name: piece[name] for name in scores},
                groups=_group(piece, columns.groups),
            )

    return read_all


def _find_scores(path: Path, names: Sequence[str]) -> list[str]:
    """List the columns of scores: those that are named, and those that match a pattern such as `p_*`."""
    known = list_columns(path)
    found = [
        column
        for name in names
        for column in (fnmatch.filter(known, name) if name not in known and "*" in name else [name])
    ]
    if names and not found:
        raise InvalidEvidence(reason=f"{path.name} has no column like {', '.join(names)}")
    return found


def _features_of(model: object, path: Path, target: str) -> list[str]:
    fitted = getattr(model, "feature_names_in_", None)
    return [name for name in list_columns(path) if name != target] if fitted is None else list(fitted)


def _input(model: object, table: pd.DataFrame, features: Sequence[str]) -> object:
    rows = table[list(features)]
    return rows if hasattr(model, "feature_names_in_") else rows.to_numpy()


def _predict(
    model: Any,  # noqa: ANN401 - as above
    rows: object,
    piece: pd.DataFrame,
    target: str,
    groups: Sequence[str],
) -> Piece:
    scores = model.predict_proba(rows) if hasattr(model, "predict_proba") else None
    return Piece(
        true=piece[target],
        predicted=read_column(np.asarray(model.predict(rows)), "predictions"),
        scores={} if scores is None else read_score_columns(scores, len(piece)),
        groups=_group(piece, groups),
    )


def _group(table: pd.DataFrame, groups: Sequence[str]) -> dict[str, list[Cells]]:
    """Give the columns of each grouping; `a,b` groups by both together."""
    return {group: [table[name] for name in group.split(",")] for group in groups}


def _join_groups(table: pd.DataFrame, groups: Sequence[str]) -> dict[str, Values]:
    """Give the values of each grouping; those of several columns are joined, and missing if one is."""
    return {group: _join([table[name] for name in group.split(",")]) for group in groups}


def _join(parts: Sequence[Cells]) -> Values:
    if len(parts) == 1:
        return parts[0].to_numpy()
    missing = np.any([find_missing(cells) for cells in parts], axis=0)
    named = [[*map(name_labels(cells.dropna()).name_of, cells)] for cells in parts]
    return [None if lacks else join_names(row) for lacks, *row in zip(missing, *named, strict=True)]


def _plain(groups: Sequence[str]) -> list[str]:
    return [name for group in groups for name in group.split(",")]


def _one(names: Sequence[str], what: str) -> str:
    if len(names) != 1:
        raise InvalidEvidence(reason=f"name exactly one column of {what}")
    return names[0]
