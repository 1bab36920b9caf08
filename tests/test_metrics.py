"""Metrics against other libraries, over odd input: the same numbers, from arrays, CSV and Parquet alike."""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    max_error,
    mean_absolute_error,
    mean_squared_error,
    median_absolute_error,
    ndcg_score,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
)

from muniment.core.claims.recomputation import find_contradictions
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.classification import evaluate_classification
from muniment.evaluation.files import Columns, evaluate_file
from muniment.evaluation.ranking import evaluate_ranking
from muniment.evaluation.regression import evaluate_regression

Cells = Sequence[Any]
Codes = NDArray[np.int64]

# How labels may come: for each code, a cell; and what makes a column of cells.
AS_TEXT = [f"class {code}" for code in range(12)]
FORMS: dict[str, tuple[Cells, Callable[[list[Any]], Any]]] = {
    "int": (range(12), list),
    "float": ([float(code) for code in range(12)], list),
    "text of numbers": ([str(code) for code in range(12)], list),
    "text of floats": ([f"{code}.0" for code in range(12)], list),
    "decimal": ([Decimal(code) for code in range(12)], list),
    "numpy": (range(12), lambda cells: np.array(cells, np.int16)),
    "numpy float32": (range(12), lambda cells: np.array(cells, np.float32)),
    "nullable": (range(12), lambda cells: pd.array(cells, dtype="Int64")),
    "categorical": (range(12), lambda cells: pd.Categorical(cells, categories=range(20))),
    "objects": ([float(code) for code in range(12)], lambda cells: np.array(cells, object)),
    "bool": ([False, True], list),
    "nullable bool": ([False, True], lambda cells: pd.array(cells, dtype="boolean")),
    "text of truths": (["false", "true"], list),
}
WORDS: dict[str, tuple[Cells, Callable[[list[Any]], Any]]] = {
    "text": (AS_TEXT, list),
    "strings": (AS_TEXT, lambda cells: pd.array(cells, dtype="string")),
    "categories": (AS_TEXT, lambda cells: pd.Categorical(cells, categories=[*AS_TEXT, "unused"])),
}
HAVE_MISSING = {"int", "text of numbers", "nullable", "categorical", "objects", "nullable bool", *WORDS}


@dataclass(frozen=True)
class Rows:
    """Predictions: the codes of labels, and how they are written."""

    true: Codes
    predicted: Codes
    scores: NDArray[np.float64]
    sex: list[str | None]
    forms: tuple[str, str]
    missing: NDArray[np.bool_]

    @property
    def kept(self) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = ~self.missing & np.array([one is not None for one in self.sex])
        return kept

    @property
    def classes(self) -> int:
        return len({*self.true[self.kept].tolist(), *self.predicted[self.kept].tolist()})

    def columns(self) -> dict[str, Any]:
        """Write the columns."""
        written = {}
        for name, codes, form in (("y", self.true, self.forms[0]), ("p", self.predicted, self.forms[1])):
            cells, make = {**FORMS, **WORDS}[form]
            column = [cells[code] for code in codes]
            if name == "y" and self.missing.any():
                column = [None if lacks else cell for lacks, cell in zip(self.missing, column, strict=True)]
            written[name] = make(column)
        return written


@st.composite
def predictions(draw: st.DrawFn) -> Rows:
    """Draw predictions of any size, number of classes, imbalance, scale and form."""
    n = draw(st.integers(1, 40))
    classes = draw(st.sampled_from([1, 2, 2, 2, 3, 5, 12]))
    rare = draw(st.sampled_from([0.0, 0.0, 0.9, 0.99]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    true = np.where(random.random(n) < rare, 0, random.integers(0, classes, n))
    right = random.random(n) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    predicted = np.where(right, true, random.integers(0, classes, n))
    forms = st.sampled_from([*WORDS]) if draw(st.booleans()) else st.sampled_from([*FORMS])
    pair = draw(forms), draw(forms)
    assume(classes <= 2 or all(len({**FORMS, **WORDS}[form][0]) > 2 for form in pair))
    scores = random.random(n) + (true == 1) * draw(st.sampled_from([0.0, 0.5, 5.0]))
    digits = draw(st.sampled_from([0, 1, 15]))
    scale = draw(st.sampled_from([1.0, 1e-6, 1e9]))
    missing = (random.random(n) < draw(st.sampled_from([0.0, 0.2]))) & (pair[0] in HAVE_MISSING)
    sex = random.choice(["f", "m", "x"], n).tolist()
    if draw(st.booleans()):
        sex[0] = None
    rows = Rows(true, predicted, np.round(scores, digits) * scale, sex, pair, missing)
    assume(rows.kept.any())
    return rows


def named(score: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Columns:
    """Give the roles of the columns."""
    return Columns(target=("y",), prediction=("p",), score=score, groups=groups)


def evaluate_everywhere(rows: Rows, positive: object) -> list[dict[str, Any]]:
    """Evaluate rows as arrays, as CSV and as Parquet."""
    columns = rows.columns()
    scores = rows.scores if rows.classes <= 2 else None
    options: dict[str, Any] = {"positive": positive, "missing": "drop"}
    arrays: Any = evaluate_classification(
        columns["y"], columns["p"], scores, groups={"sex": rows.sex}, **options
    )
    table = pd.DataFrame({**columns, "s": rows.scores, "sex": rows.sex})
    roles = named(("s",) if scores is not None else (), ("sex",))
    found = [arrays]
    with tempfile.TemporaryDirectory() as name:
        table.to_csv(Path(name) / "rows.csv", index=False)
        found.append(evaluate_file(Path(name) / "rows.csv", "classification", roles, **options))
        if not any("objects" in form or "decimal" in form for form in rows.forms):
            table.to_parquet(Path(name) / "rows.parquet")
            found.append(evaluate_file(Path(name) / "rows.parquet", "classification", roles, **options))
    return found


def expect(rows: Rows, some: NDArray[np.bool_]) -> dict[str, float | None]:
    """Compute what scikit-learn says of some rows."""
    true, predicted, scores = rows.true[some], rows.predicted[some], rows.scores[some]
    binary = rows.classes <= 2
    labels = sorted({*true.tolist(), *predicted.tolist()})
    averaged: dict[str, Any] = (
        {"labels": [1], "average": "macro"} if binary else {"labels": labels, "average": "macro"}
    )
    expected: dict[str, float | None] = {
        "accuracy": accuracy_score(true, predicted),
        "balanced_accuracy": balanced_accuracy_score(true, predicted)
        if len({*true.tolist()}) > 1
        else float(np.mean(true == predicted)),
    }
    undefined = math.nan if binary else 0
    for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        found = float(score(true, predicted, zero_division=undefined, **averaged))
        expected[name] = None if math.isnan(found) else found
    if binary:
        both = len({*true.tolist()}) > 1
        expected["roc_auc"] = float(roc_auc_score(true, scores)) if both else None
        expected["average_precision"] = float(average_precision_score(true, scores)) if both else None
        if both:
            ranks = mannwhitneyu(scores[true == 1], scores[true != 1]).statistic
            area = ranks / ((true == 1).sum() * (true != 1).sum())
            assert area == pytest.approx(expected["roc_auc"], abs=1e-9)
        if ((scores >= 0) & (scores <= 1)).all():
            expected["brier"] = float(brier_score_loss(true, scores, pos_label=1))
    return expected


def check(metrics: Mapping[str, Any], expected: Mapping[str, float | None]) -> None:
    """Check that numbers are as expected, or within what they state as their bound."""
    for name, truth in expected.items():
        found = metrics[name]["value"]
        if truth is None:
            assert found is None, name
        else:
            assert found == pytest.approx(truth, rel=1e-9, abs=1e-9 + metrics[name].get("bound", 0.0)), name


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@given(predictions())
def test_a_classifier_is_measured_as_scikit_learn_does(rows: Rows) -> None:
    """Labels of all types, ties, imbalance, groups and missing values: the same numbers from every form."""
    assume(not rows.classes <= 2 or {*rows.true.tolist(), *rows.predicted.tolist()} <= {0, 1})
    positive = {**FORMS, **WORDS}[rows.forms[0]][0][1] if rows.classes <= 2 else None
    for found in evaluate_everywhere(rows, positive):
        assert found["n"] == int(rows.kept.sum())
        assert found["rows"]["there"] == len(rows.true)
        check(found["metrics"], expect(rows, rows.kept))
        for group in found["groups"]:
            some = rows.kept & np.array([one == group["value"] for one in rows.sex])
            assert group["n"] == int(some.sum())
            check(group["metrics"], expect(rows, some))
        assert find_contradictions(found) == []
        if rows.classes <= 2:
            check_gaps(rows, found)


def check_gaps(rows: Rows, found: Mapping[str, Any]) -> None:
    """Check gaps against fairlearn."""
    kept = rows.kept
    frame = MetricFrame(
        metrics={"positive_rate": selection_rate, "recall": true_positive_rate},
        y_true=(rows.true[kept] == 1).astype(int),
        y_pred=(rows.predicted[kept] == 1).astype(int),
        sensitive_features=[one for one in rows.sex if one is not None]
        if not rows.missing.any()
        else [one for one, keep in zip(rows.sex, kept, strict=True) if keep],
    ).difference(method="between_groups")
    for gap in found.get("gaps", []):
        if gap["metric"] in frame.index:
            assert gap["value"] == pytest.approx(frame[gap["metric"]], abs=1e-9)
            assert gap["interval"]["low"] <= gap["value"] <= gap["interval"]["high"]


@settings(max_examples=5)
@given(st.integers(0, 2**32), st.sampled_from([0.5, 0.01, 1e-4]), st.sampled_from([6e-5, 1.0, 1e12]))
def test_very_many_scores_are_within_their_bounds(seed: int, rare: float, scale: float) -> None:
    """Over 60,000 distinct scores of any scale and imbalance, every number is within its stated bound."""
    random = np.random.default_rng(seed)
    true = (random.random(60_000) < rare).astype(int)
    true[:2] = 0, 1
    # Many ties beside many distinct ones.
    scores = np.where(random.random(60_000) < 0.2, 0.5, random.normal(true * 1.5, 1.0)) * scale
    found: Any = evaluate_classification(true, np.zeros(60_000, int), scores)
    metrics = found["metrics"]
    truths = {
        "roc_auc": roc_auc_score(true, scores),
        "average_precision": average_precision_score(true, scores),
    }
    check(metrics, truths)
    assert metrics["roc_auc"]["bound"] < 1e-3
    assert find_contradictions(found) == []


def test_the_columns_of_scores_are_matched_to_the_classes(tmp_path: Path) -> None:
    """Twelve whole numbers stand in numeric order; columns are named after classes, or in a given order."""
    random = np.random.default_rng(0)
    true = np.arange(600) % 12
    scores = np.eye(12)[true] * 0.9 + random.random((600, 12)) * 0.1
    predicted = scores.argmax(axis=1)
    found: Any = evaluate_classification(true, predicted, scores)
    assert found["metrics"]["roc_auc"]["value"] == pytest.approx(
        roc_auc_score(true, scores / scores.sum(axis=1, keepdims=True), multi_class="ovr")
    )
    table = pd.DataFrame({"y": true, "p": predicted} | {f"p_{one}": scores[:, one] for one in range(12)})
    table.to_csv(tmp_path / "rows.csv", index=False)
    by_pattern: Any = evaluate_file(tmp_path / "rows.csv", "classification", named(("p_*",)))
    assert by_pattern["metrics"]["roc_auc"] == found["metrics"]["roc_auc"]
    shuffled = random.permutation(12).tolist()
    by_name: Any = evaluate_file(
        tmp_path / "rows.csv",
        "classification",
        named(tuple(f"p_{one}" for one in shuffled)),
    )
    assert by_name["metrics"]["roc_auc"] == found["metrics"]["roc_auc"]
    ordered: Any = evaluate_classification(true, predicted, scores[:, shuffled], classes=shuffled)
    assert ordered["metrics"]["roc_auc"] == found["metrics"]["roc_auc"]
    with pytest.raises(InvalidEvidence, match="11 columns of scores and 12 labels"):
        evaluate_classification(true, predicted, scores[:, 1:])


FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=60)
@given(st.lists(st.tuples(FINITE, FINITE, st.sampled_from("ab")), min_size=1, max_size=30))
@example([(0.0, 0.0, "a")])
def test_a_regressor_is_measured_as_scikit_learn_does(rows: list[tuple[float, float, str]]) -> None:
    """Errors are those of scikit-learn, over all rows and in groups, from arrays, CSV and Parquet."""
    true, predicted, groups = (list(side) for side in zip(*rows, strict=True))
    table = pd.DataFrame({"y": true, "p": predicted, "g": groups})
    found: list[Any] = [evaluate_regression(true, predicted, groups={"g": groups})]
    with tempfile.TemporaryDirectory() as name:
        table.to_csv(Path(name) / "rows.csv", index=False)
        table.to_parquet(Path(name) / "rows.parquet")
        for form in ("csv", "parquet"):
            path, columns = Path(name) / f"rows.{form}", named(groups=("g",))
            found.append(evaluate_file(path, "regression", columns))
    for one in found:
        parts = [(group, table[table["g"] == group["value"]]) for group in one["groups"]]
        for part, some in [(one, table), *parts]:
            expected: dict[str, float | None] = {
                "mae": mean_absolute_error(some["y"], some["p"]),
                "mse": mean_squared_error(some["y"], some["p"]),
                "median_absolute_error": median_absolute_error(some["y"], some["p"]),
                "max_error": max_error(some["y"], some["p"]),
            }
            if len({*some["y"]}) > 1 and part["metrics"]["r2"]["value"] is not None:
                expected["r2"] = r2_score(some["y"], some["p"])
            check(part["metrics"], expected)
        assert find_contradictions(one) == []


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=2, max_size=6))
def test_ties_of_a_ranking_count_in_every_order(items: list[tuple[int, int]]) -> None:
    """Each number of a ranking is its mean over all orders of items with equal scores."""
    relevance, scores = [one for one, _ in items], [float(one) for _, one in items]
    assume(any(relevance))
    orders = [
        order
        for order in permutations(range(len(items)))
        if all(scores[a] >= scores[b] for a, b in pairwise(order))
    ]
    ranked = [[relevance[place] > 0 for place in order] for order in orders]
    found: Any = evaluate_ranking(["q"] * len(items), relevance, scores)
    expected = {
        "mrr": float(np.mean([1 / (1 + one.index(True)) for one in ranked])),
        "precision@5": float(np.mean([sum(one[:5]) / 5 for one in ranked])),
        "recall@1": float(np.mean([sum(one[:1]) / sum(one) for one in ranked])),
        "ndcg@5": float(ndcg_score([relevance], [scores], k=5)),
    }
    check(found["metrics"], expected)


@pytest.mark.parametrize("first", [0, 1])
def test_a_constant_score_ranks_nothing(first: int) -> None:
    """The order of the rows says nothing about a ranking."""
    relevance = [int(place == first * 9) for place in range(10)]
    found: Any = evaluate_ranking(["q"] * 10, relevance, [0.5] * 10)
    assert found["metrics"]["mrr"]["value"] == pytest.approx(sum(1 / rank for rank in range(1, 11)) / 10)


@pytest.mark.parametrize(
    ("labels", "columns", "positive"),
    [
        (["ill", "ill_severe"], ["p_ill_severe", "p_ill"], "ill"),
        ([1, 10], ["p_10", "p_1"], 10),
        (["a", "b"], ["a", "b"], "b"),
    ],
)
def test_columns_of_scores_are_matched_by_name(labels: list[Any], columns: list[str], positive: Any) -> None:  # noqa: ANN401 - any label
    """Also where the name of one label begins that of another."""
    true = labels * 20
    ends = {column: column.removeprefix("p_") for column in columns}
    scores = pd.DataFrame(
        {name: [0.9 if str(one) == ends[name] else 0.1 for one in true] for name in columns}
    )
    found: Any = evaluate_classification(true, true, scores, positive=positive)
    assert found["metrics"]["roc_auc"]["value"] == 1.0


def test_labels_that_look_alike_stay_apart() -> None:
    """Long whole numbers, masked cells and joined groups are not confused."""
    large = [10**35 + 1, 10**35 + 2, 5]
    found: Any = evaluate_classification(large * 3, [large[1], large[0], 5] * 3)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(1 / 3)
    masked: Any = np.ma.array([1, 0, 1, 1], mask=[False, False, True, True])
    dropped: Any = evaluate_classification(masked, [1, 1, 1, 1], missing="drop")
    assert (dropped["n"], dropped["metrics"]["accuracy"]["value"]) == (2, 0.5)
    with pytest.raises(InvalidEvidence, match="the columns of scores are for"):
        evaluate_classification(["a", "b", "c"], ["a", "b", "c"], np.eye(3)[:, :2], classes=["a", "b"])
    with pytest.raises(InvalidEvidence, match="truths and numbers beside text"):
        evaluate_classification(["True", "False", "unk"], [1, 0, "unk"])
    with pytest.raises(InvalidEvidence, match="other cells than numbers and texts"):
        evaluate_classification(pd.Series([[1], [2]]), [1, 2])


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: evaluate_regression([1e200, 2e200], [1e200, 1e200]), "too large to square"),
        (lambda: evaluate_regression([10**400, 1], [1, 1]), "predictions|values"),
        (lambda: evaluate_classification([1, 0], [1, 0], [2**60, 1]), "whole numbers beyond"),
        (lambda: evaluate_classification([1, 0], [1, 0], missing="ignore"), "refused or dropped"),
        (lambda: evaluate_regression(pd.to_datetime(["2026-01-01"]), [1.0]), "times or complex numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused(call: Callable[[], object], reason: str) -> None:
    """Numbers that doubles do not hold, and options that do not exist, are no internal errors."""
    with pytest.raises(InvalidEvidence, match=reason):
        call()


def test_codes_with_leading_zeros_stay_texts(tmp_path: Path) -> None:
    """A code of a group, or of a condition, is not the number that it looks like."""
    table = pd.DataFrame({"y": [1.0, 2.0, 3.0], "p": [1.0, 2.0, 4.0], "zip": ["01", "1", "01"]})
    table.to_csv(tmp_path / "rows.csv", index=False)
    found: Any = evaluate_file(tmp_path / "rows.csv", "regression", named(groups=("zip",)))
    assert {group["value"]: group["n"] for group in found["groups"]} == {"01": 2, "1": 1}
    some: Any = evaluate_file(tmp_path / "rows.csv", "regression", named(), where=["zip != 01"])
    assert some["n"] == 1
