"""Evidence: what is computed is what others compute, and what cannot be computed is refused."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import auc, f1_score, precision_score, recall_score, roc_auc_score

from muniment.core.attestations import EVALUATION
from muniment.core.canonical import Json
from muniment.core.digests import Digest
from muniment.core.errors import InvalidEvidence
from muniment.core.evidence import Evidence
from muniment.evaluation.classification import evaluate_classification
from muniment.evaluation.robustness import sweep_noise
from muniment.signing.schemas import check_predicate

DATASET: dict[str, Json] = {"name": "holdout", "digest": str(Digest.of(b"holdout"))}
RANDOM = np.random.default_rng(1)
TRUE = RANDOM.integers(0, 2, 200).tolist()
SCORE = np.clip(np.array(TRUE) * 0.3 + RANDOM.random(200) * 0.7, 0, 1).tolist()
PRED = [int(score > 0.5) for score in SCORE]


def evaluate(
    true: Sequence[object] = TRUE,
    pred: Sequence[object] = PRED,
    score: Sequence[float] | None = SCORE,
    *,
    positive: object = None,
    groups: dict[str, Sequence[object]] | None = None,
) -> Evidence:
    predicate = evaluate_classification(
        true,
        pred,
        score,
        groups=groups or {},
        positive=positive,
        dataset=DATASET,
        time="2026-01-01T00:00:00Z",
    )
    check_predicate(EVALUATION, json.loads(json.dumps(predicate, allow_nan=False)))
    return Evidence(predicate)


def plain(evidence: Evidence) -> Any:  # noqa: ANN401 - a JSON document to look into
    return json.loads(json.dumps(evidence.predicate))


def value(evidence: Evidence, name: str) -> float:
    metric = evidence.find_metric(name)
    assert metric is not None
    return metric.value


def test_the_metrics_are_those_of_scikit_learn() -> None:
    """Accuracy, precision, recall, F1 and AUC of the positive label, each computed again."""
    evidence = evaluate()
    assert value(evidence, "accuracy") == np.mean(np.array(TRUE) == np.array(PRED))
    for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        assert value(evidence, name) == score(TRUE, PRED)
    assert value(evidence, "roc_auc") == roc_auc_score(TRUE, SCORE)


def test_the_stated_numbers_follow_from_the_stated_counts_and_curves() -> None:
    """Whoever reads the evidence can compute AUC, precision, recall and calibration again."""
    evidence = evaluate()
    curve = plain(evidence)["roc_curve"]
    assert value(evidence, "roc_auc") == pytest.approx(auc(curve["x"], curve["y"]))
    (_, false_positive), (false_negative, true_positive) = plain(evidence)["confusion_matrix"]["counts"]
    assert value(evidence, "precision") == true_positive / (true_positive + false_positive)
    assert value(evidence, "recall") == true_positive / (true_positive + false_negative)
    bins = plain(evidence)["calibration"]["bins"]
    assert sum(one["n"] for one in bins) == 200
    assert sum(one["positives"] for one in bins) == sum(TRUE)


def test_intervals_hold_their_value_and_are_the_same_each_time() -> None:
    """The bootstrap has a fixed seed and says its method."""
    one, two = evaluate(), evaluate()
    for name in ("roc_auc", "accuracy"):
        metric = one.find_metric(name)
        assert metric is not None
        assert metric == two.find_metric(name)
        assert metric.low is not None
        assert metric.high is not None
        assert 0 < metric.low < metric.value < metric.high < 1
        assert metric.high - metric.low < 0.3


def test_groups_have_counts_of_their_own() -> None:
    """Each value of each column is measured over its rows."""
    sex = ["f" if n % 3 else "m" for n in range(200)]
    evidence = evaluate(groups={"sex": sex, "site": [1] * 200})
    groups = {(group.column, group.value): group for group in evidence.groups()}
    assert set(groups) == {("sex", "f"), ("sex", "m"), ("site", "1")}
    women = [n for n in range(200) if n % 3]
    assert groups["sex", "f"].n == len(women)
    recalls = evidence.find_group_metrics("recall", "sex")
    assert recalls["sex=f"] == recall_score([TRUE[n] for n in women], [PRED[n] for n in women])


def test_a_group_without_positives_has_no_recall() -> None:
    """What cannot be computed is null with a reason, not zero."""
    evidence = evaluate([1, 0, 0, 0], [1, 0, 0, 0], None, groups={"g": ["a", "a", "b", "b"]})
    assert evidence.find_group_metrics("recall") == {"g=a": 1.0, "g=b": None}
    other = next(group for group in evidence.groups() if group.value == "b")
    assert other.metrics["recall"] == {"value": None, "why": "nothing is positive"}


def test_labels_are_text_and_the_positive_one_can_be_named() -> None:
    """1, 1.0 and "1" are one label; the last label is positive unless another is named."""
    numbers = evaluate([0, 1, 1, 0], [0.0, 1.0, 0.0, 0.0], [0.1, 0.9, 0.4, 0.2])
    assert plain(numbers)["confusion_matrix"]["labels"] == ["0", "1"]
    words = evaluate(["ill", "well", "ill"], ["ill", "well", "well"], [0.9, 0.2, 0.4], positive="ill")
    assert value(words, "recall") == 0.5
    assert value(words, "roc_auc") == 1.0


def test_many_labels_are_averaged() -> None:
    """A multiclass model has macro averages and a matrix of all its labels."""
    evidence = evaluate(["a", "b", "c", "a"], ["a", "b", "a", "a"], None)
    assert plain(evidence)["confusion_matrix"]["counts"] == [[2, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert value(evidence, "accuracy") == 0.75
    assert evidence.find_metric("roc_auc") is None


@pytest.mark.parametrize(
    ("true", "pred", "score", "reason"),
    [
        ([], [], None, "no row"),
        ([0, 1], [0], None, "2 labels and 1 predictions"),
        ([0, 1], [0, 1], [0.5], "scores of shape"),
        ([0, 1], [0, 1], [0.5, float("nan")], "not a probability"),
        ([0, 1], [0, 1], [0.5, float("inf")], "not a probability"),
        ([0, 1], [0, 1], [0.5, 1.5], "not a probability"),
        ([1, 1], [1, 1], [0.5, 0.6], "same true label"),
        ([0, 1, 2], [0, 1, 2], [0.1, 0.2, 0.3], "two labels"),
        ([0.0, float("nan")], [0, 1], None, "not a finite"),
        ([[0], [1]], [0, 1], None, "shape"),
    ],
)
def test_predictions_that_make_no_evidence_are_refused(
    true: list[object], pred: list[object], score: list[float] | None, reason: str
) -> None:
    """Lengths, classes and scores are checked, and the refusal says what is wrong."""
    with pytest.raises(InvalidEvidence, match=reason):
        evaluate(true, pred, score)
    with pytest.raises(InvalidEvidence, match="no row has the positive label"):
        evaluate([0, 1], [0, 1], None, positive="ill")
    with pytest.raises(InvalidEvidence, match="1 sex"):
        evaluate([0, 1], [0, 1], None, groups={"sex": ["f"]})


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_any_labels_make_evidence_of_the_schema(rows: list[tuple[bool, bool]]) -> None:
    """However few or one-sided the rows are."""
    evidence = evaluate([int(t) for t, _ in rows], [int(p) for _, p in rows], None)
    assert value(evidence, "accuracy") == np.mean([t == p for t, p in rows])


def test_noise_makes_a_model_worse() -> None:
    """Severity 0 changes nothing; each severity has its counts and the same noise, scaled."""
    features = np.array([[float(n)] for n in range(100)])
    labels = ["high" if n >= 50 else "low" for n in range(100)]

    def predict(rows: NDArray[np.float64]) -> list[str]:
        return ["high" if row[0] >= 50 else "low" for row in rows]

    steps: Any = sweep_noise(predict, features, labels, severities=(0.0, 0.5, 3.0))
    accuracies = [step["metrics"]["accuracy"]["value"] for step in steps]
    assert accuracies[0] == 1.0
    assert accuracies[0] > accuracies[1] > accuracies[2]
    assert steps == sweep_noise(predict, features, labels, severities=(0.0, 0.5, 3.0))
    assert sum(sum(row) for row in steps[2]["counts"]) == 100
