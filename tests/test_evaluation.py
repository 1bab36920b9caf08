"""Evaluations: metrics equal those of other libraries, and invalid input is refused."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.metrics import (
    auc,
    average_precision_score,
    f1_score,
    median_absolute_error,
    ndcg_score,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
)

from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION
from muniment.core.claims.evidence import Evidence
from muniment.core.claims.recomputation import find_contradictions, recompute
from muniment.core.digests import Digest
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.classification import evaluate_classification
from muniment.evaluation.drift import compare_datasets
from muniment.evaluation.fairness import rates_of
from muniment.evaluation.multilabel import evaluate_multilabel
from muniment.evaluation.ranking import evaluate_ranking
from muniment.evaluation.regression import evaluate_regression
from muniment.evaluation.robustness import PERTURBATIONS, sweep
from muniment.evaluation.statement import write_evaluation
from muniment.evaluation.text import evaluate_text
from muniment.signing.schemas import check_predicate

DATASET: dict[str, Json] = {"name": "holdout", "digest": str(Digest.of(b"holdout"))}
RANDOM = np.random.default_rng(1)
TRUE = RANDOM.integers(0, 2, 200).tolist()
SCORE = np.clip(np.array(TRUE) * 0.3 + RANDOM.random(200) * 0.7, 0, 1).tolist()
PRED = [int(score > 0.5) for score in SCORE]


def evaluate(  # noqa: PLR0913 - what an evaluation is made of
    true: Sequence[object] = TRUE,
    pred: Sequence[object] = PRED,
    score: Sequence[float] | None = SCORE,
    *,
    positive: object = None,
    groups: dict[str, Sequence[object]] | None = None,
    min_group_size: int = 1,
) -> Evidence:
    evaluation = evaluate_classification(
        true, pred, score, groups=groups, positive=positive, min_group_size=min_group_size
    )
    return complete(evaluation)


def complete(evaluation: dict[str, Json], **more: Any) -> Evidence:  # noqa: ANN401 - what an evaluation says besides
    """Write a whole evaluation, hold it against its schema, and against its own counts."""
    predicate = write_evaluation(evaluation, dataset=DATASET, time="2026-01-01T00:00:00Z", **more)
    read = json.loads(json.dumps(predicate, allow_nan=False))
    check_predicate(EVALUATION, read)
    assert find_contradictions(read) == []
    underived = {
        name
        for name, metric in read["metrics"].items()
        if name not in recompute(read) and metric.get("source") != "given"
    }
    assert underived == set(), "every computed metric follows from counts"
    return Evidence(read)


def plain(evidence: Evidence) -> Any:  # noqa: ANN401 - a JSON document to look into
    return json.loads(json.dumps(evidence.predicate))


def value(evidence: Evidence, name: str) -> float:
    metric = evidence.find_metric(name)
    assert metric is not None
    return metric.value


def test_the_metrics_are_those_of_scikit_learn() -> None:
    """Accuracy, precision, recall, F1 and AUC equal those of scikit-learn."""
    evidence = evaluate()
    assert value(evidence, "accuracy") == np.mean(np.array(TRUE) == np.array(PRED))
    for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        assert value(evidence, name) == score(TRUE, PRED)
    assert value(evidence, "roc_auc") == pytest.approx(roc_auc_score(TRUE, SCORE))


def test_the_stated_numbers_follow_from_the_stated_counts_and_curves() -> None:
    """AUC, precision, recall and calibration can be recomputed from the evidence alone."""
    evidence = evaluate()
    (curve,) = plain(evidence)["score_counts"]
    rates = [
        [0.0, *(count / curve[total] for count in curve[name])]
        for name, total in (("false_positives", "negatives"), ("true_positives", "positives"))
    ]
    assert value(evidence, "roc_auc") == pytest.approx(auc(*rates))
    (_, false_positive), (false_negative, true_positive) = plain(evidence)["confusion_matrix"]["counts"]
    assert value(evidence, "precision") == true_positive / (true_positive + false_positive)
    assert value(evidence, "recall") == true_positive / (true_positive + false_negative)
    bins = plain(evidence)["calibration"]["bins"]
    assert sum(one["n"] for one in bins) == 200
    assert sum(one["positives"] for one in bins) == sum(TRUE)


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        (lambda p: p["metrics"]["roc_auc"].update(value=0.99), "roc_auc"),
        (lambda p: p["metrics"]["recall"].update(value=None), "recall"),
        (lambda p: p["confusion_matrix"]["counts"][0].reverse(), "accuracy"),
        (lambda p: p["score_counts"][0]["true_positives"].pop(), "roc_auc"),
        (lambda p: p["groups"][0]["metrics"]["accuracy"].update(value=1.0), "sex=f: accuracy"),
        (lambda p: p["gaps"][0].update(value=0.0), "accuracy gap over sex"),
        (lambda p: p["calibration"]["bins"][0].update(n=1), "brier"),
        (lambda p: p.update(confusion_matrix={"labels": [], "counts": []}), "accuracy"),
    ],
)
def test_a_number_that_does_not_follow_is_found(change: Callable[[Any], object], metric: str) -> None:
    """An altered metric or count is reported as a contradiction, and unreadable counts prove nothing."""
    predicate = plain(evaluate(groups={"sex": ["f" if n % 3 else "m" for n in range(200)]}))
    change(predicate)
    assert metric in {one.metric for one in find_contradictions(predicate)}


def test_intervals_hold_their_value_and_are_the_same_each_time() -> None:
    """Bootstrap intervals contain their metric and are identical for each run."""
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
    """Each value of each group column is measured over its own rows."""
    sex = ["f" if n % 3 else "m" for n in range(200)]
    evidence = evaluate(groups={"sex": sex, "site": [1] * 200})
    groups = {(group.column, group.value): group for group in evidence.groups()}
    assert set(groups) == {("sex", "f"), ("sex", "m"), ("site", "1")}
    women = [n for n in range(200) if n % 3]
    assert groups["sex", "f"].n == len(women)
    recalls = evidence.find_group_metrics("recall", "sex")
    assert recalls["sex=f"] == recall_score([TRUE[n] for n in women], [PRED[n] for n in women])


def test_a_group_without_positives_has_no_recall() -> None:
    """A metric that cannot be computed is null with a reason, not zero."""
    evidence = evaluate([1, 0, 0, 0], [1, 0, 0, 0], None, groups={"g": ["a", "a", "b", "b"]})
    assert evidence.find_group_metrics("recall") == {"g=a": 1.0, "g=b": None}
    other = next(group for group in evidence.groups() if group.value == "b")
    assert other.metrics["recall"] == {"value": None, "why": "nothing is positive"}
    assert "recall" not in {gap["metric"] for gap in plain(evidence)["gaps"]}


def test_labels_are_text_and_the_positive_one_can_be_named() -> None:
    """1, 1.0 and "1" are one label, and which one is positive is named where it is not plain."""
    numbers = evaluate([0, 1, 1, 0], [0.0, 1.0, 0.0, 0.0], [0.1, 0.9, 0.4, 0.2])
    assert plain(numbers)["confusion_matrix"]["labels"] == ["0", "1"]
    words = evaluate(["ill", "well", "ill"], ["ill", "well", "well"], [0.9, 0.2, 0.4], positive="ill")
    assert value(words, "recall") == 0.5
    assert value(words, "roc_auc") == 1.0


def test_many_labels_are_averaged() -> None:
    """A multiclass evaluation has macro averages and a matrix of all labels."""
    evidence = evaluate(["a", "b", "c", "a"], ["a", "b", "a", "a"], None)
    assert value(evidence, "precision") == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert plain(evidence)["metrics"]["precision"] | {"value": 0} == {
        "value": 0,
        "zero_division": 0,
        "undefined": ["c"],
    }
    assert plain(evidence)["confusion_matrix"]["counts"] == [[2, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert value(evidence, "accuracy") == 0.75
    assert evidence.find_metric("roc_auc") is None


@pytest.mark.parametrize(
    ("true", "pred", "score", "reason"),
    [
        ([], [], None, "no row"),
        ([0, 1], [0], None, "predictions: expected 2 entries, got 1"),
        ([0, 1], [0, 1], [0.5], "scores of shape"),
        ([0, 1], [0, 1], [0.5, float("nan")], "1 row of 2 misses a value: 1 in scores"),
        ([0, 1], [0, 1], [0.5, float("inf")], "not finite"),
        ([0, 1, 2], [0, 1, 2], [0.1, 0.2, 0.3], "two labels"),
        ([0.0, float("nan")], [0, 1], None, "1 row of 2 misses a value: 1 in labels"),
        ([0.0, float("inf")], [0, 1], None, "not finite"),
        (["a", "b"], ["a", "b"], None, "not plain which label is positive"),
        ([1, 2], [1, 2], None, "not plain which label is positive"),
        (["1.1", "1.10"], ["1.1", "1.1"], None, "written in two ways"),
        (["a", "b"], [0, 1], None, "nothing in common"),
        (list(range(2000)), list(range(2000)), None, "more than 1000 labels"),
        ([[0], [1]], [0, 1], None, "shape"),
    ],
)
def test_predictions_that_make_no_evidence_are_refused(
    true: list[object], pred: list[object], score: list[float] | None, reason: str
) -> None:
    """Predictions with wrong lengths, classes or scores are refused with the reason."""
    with pytest.raises(InvalidEvidence, match=reason):
        evaluate(true, pred, score)
    with pytest.raises(InvalidEvidence, match="no row has the positive label"):
        evaluate([0, 1], [0, 1], None, positive="ill")
    with pytest.raises(InvalidEvidence, match="sex: expected 2 entries, got 1"):
        evaluate([0, 1], [0, 1], None, groups={"sex": ["f"]})


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_any_labels_make_evidence_of_the_schema(rows: list[tuple[bool, bool]]) -> None:
    """Any labels make evidence that is valid by the schema, however few or one-sided they are."""
    evidence = evaluate([int(t) for t, _ in rows], [int(p) for _, p in rows], None)
    assert value(evidence, "accuracy") == np.mean([t == p for t, p in rows])


def test_perturbations_make_a_model_worse() -> None:
    """Severity 0 changes nothing, and higher severities scale one disturbance and have their own counts."""
    features = np.array([[float(n)] for n in range(100)])
    labels = ["high" if n >= 50 else "low" for n in range(100)]

    def predict(rows: NDArray[np.float64]) -> list[str]:
        return ["high" if row[0] >= 50 else "low" for row in rows]

    steps: Any = sweep(predict, features, labels, severities=(0.0, 0.5, 3.0), positive="high")
    accuracies = [step["metrics"]["accuracy"]["value"] for step in steps]
    assert accuracies[0] == 1.0
    assert accuracies[0] > accuracies[1] > accuracies[2]
    assert steps == sweep(predict, features, labels, severities=(0.0, 0.5, 3.0), positive="high")
    assert sum(map(sum, steps[2]["confusion_matrix"]["counts"])) == 100
    every = sweep(predict, features, labels, perturbations=PERTURBATIONS, positive="high")
    assert len({step["perturbation"] for step in every}) == 3
    evaluation = evaluate_classification(labels, predict(features), positive="high")
    assert complete({**evaluation, "robustness": list(every)}).n == 100


def test_scores_of_many_labels_are_averaged_over_them() -> None:
    """The multiclass AUC is the one-against-all average of scikit-learn."""
    random = np.random.default_rng(2)
    true, scores = random.integers(0, 3, 300), random.dirichlet([1, 1, 1], 300)
    evidence = complete(evaluate_classification(true.tolist(), scores.argmax(axis=1).tolist(), scores))
    assert evidence.task == "multiclass-classification"
    assert value(evidence, "roc_auc") == pytest.approx(roc_auc_score(true, scores, multi_class="ovr"))
    assert [curve["label"] for curve in plain(evidence)["score_counts"]] == ["0", "1", "2"]
    named = evaluate_classification(
        ["a", "c"], ["a", "c"], np.array([[0.9, 0.0, 0.1], [0.0, 0.0, 1.0]]), classes=["a", "b", "c"]
    )
    assert complete(named).metrics["roc_auc"] == {"value": None, "why": "a label has only one class"}


def test_several_labels_a_row_are_counted_apart() -> None:
    """Multilabel evidence has macro and micro averages, exact matches and the Hamming loss."""
    random = np.random.default_rng(3)
    true, pred = random.integers(0, 2, (100, 3)), random.integers(0, 2, (100, 3))
    evidence = complete(evaluate_multilabel(true, pred, random.random((100, 3)), labels=["x", "y", "z"]))
    assert value(evidence, "f1_macro") == f1_score(true, pred, average="macro")
    assert value(evidence, "exact_match") == np.mean((true == pred).all(axis=1))
    for wrong in (pred[:, :2], pred * 2, pred[0]):
        with pytest.raises(InvalidEvidence):
            evaluate_multilabel(true, wrong)


def test_a_regressor_has_errors_by_decile() -> None:
    """Error measures equal those of scikit-learn and follow from the sums of the residuals."""
    random = np.random.default_rng(4)
    true = random.normal(50, 10, 500)
    pred = true + random.normal(0, 3, 500)
    evidence = complete(evaluate_regression(true, pred, unit="mg/dl", groups={"g": ["a", "b"] * 250}))
    assert value(evidence, "r2") == pytest.approx(r2_score(true, pred))
    assert value(evidence, "median_absolute_error") == pytest.approx(median_absolute_error(true, pred))
    mae = evidence.find_metric("mae")
    assert mae is not None
    assert mae.unit == "mg/dl"
    assert mae.low is not None
    assert mae.low < mae.value
    assert evidence.is_lower_better("mae")
    assert len(plain(evidence)["residuals"]["deciles"]) == 10
    assert {gap["metric"] for gap in plain(evidence)["gaps"]} == {"mae"}
    constant = complete(evaluate_regression([1.0, 1.0], [1.0, 2.0]))
    assert constant.find_metric("r2") is None
    for wrong in ([1.0], [1.0, float("nan")], ["x", "y"]):
        with pytest.raises(InvalidEvidence):
            evaluate_regression([1.0, 2.0], wrong)


def test_a_ranking_is_measured_by_query() -> None:
    """NDCG equals that of scikit-learn, and precision, recall and MRR equal a count by hand."""
    evidence = complete(evaluate_ranking(list("aaabbbc"), [0, 1, 1, 1, 0, 0, 0], [3, 2, 1, 3, 2, 1, 1]))
    ranked = [[0, 1, 1], [1, 0, 0]]
    ideal = [ndcg_score([one], [[3, 2, 1]], k=5) for one in ranked]
    assert value(evidence, "ndcg@5") == pytest.approx(np.mean(ideal))
    assert value(evidence, "mrr") == (1 / 2 + 1) / 2
    assert value(evidence, "precision@1") == 0.5
    assert value(evidence, "recall@5") == 1.0
    assert plain(evidence)["ranking"]["queries_without_relevant_items"] == 1
    with pytest.raises(InvalidEvidence, match="no query"):
        evaluate_ranking(["a"], [0], [1])


@pytest.mark.parametrize(
    ("outputs", "references"),
    [
        (["the cat sat on a mat", "hello"], ["the cat sat on the mat", "hello"]),
        (["a b c d e f", "x y z w"], ["a b c d", "x y z w v"]),
        (["nothing in common here"], ["completely different words entirely"]),
        (["one"], ["two words"]),
        ([""], ["a b"]),
    ],
)
def test_generated_text_is_measured_by_sacrebleu(outputs: list[str], references: list[str]) -> None:
    """BLEU and chrF equal those of sacreBLEU and follow from its counts; no text is kept."""
    evidence = complete(evaluate_text(outputs, references, judges={"panel": [0.5] * len(outputs)}))
    assert value(evidence, "bleu") == pytest.approx(sacrebleu.corpus_bleu(outputs, [references]).score)
    assert value(evidence, "chrf") == pytest.approx(sacrebleu.corpus_chrf(outputs, [references]).score)
    assert value(evidence, "judge.panel") == 0.5
    assert "cat" not in json.dumps(plain(evidence))


def test_drift_is_measured_column_by_column() -> None:
    """PSI and KS are computed per column over shared bins, and are 0 for the same data."""
    random = np.random.default_rng(5)
    before: dict[str, Any] = {"age": random.normal(50, 10, 500), "site": random.choice(["x", "y"], 500)}
    after: dict[str, Any] = {"age": np.append(random.normal(60, 10, 400), np.nan), "site": ["z"] * 401}
    evidence = complete(compare_datasets(before, after))
    assert value(evidence, "psi.age") > 0.25
    assert value(evidence, "psi.site") > 0.25
    known = after["age"][:-1]
    assert value(evidence, "ks.age") == pytest.approx(ks_2samp(before["age"], known).statistic)
    columns = plain(evidence)["drift"]["columns"]
    assert columns[0]["current_counts"][-1] == 1
    same = complete(compare_datasets(before, before, ["age"]))
    assert value(same, "psi.age") == 0
    with pytest.raises(InvalidEvidence, match="not in both"):
        compare_datasets(before, after, ["sex"])


def test_gaps_leave_small_groups_out_and_say_so() -> None:
    """Small groups are left out of gaps by name, and the interval is that of the difference."""
    evidence = evaluate(groups={"sex": ["x", *(["f", "m"] * 100)[:199]]}, min_group_size=10)
    gaps = {gap["metric"]: gap for gap in plain(evidence)["gaps"]}
    recall = gaps["recall"]
    assert recall["left_out"] == ["x"]
    assert set(recall["between"]) == {"f", "m"}
    assert recall["interval"]["low"] <= recall["value"] <= recall["interval"]["high"]
    rates = rates_of(plain(evidence), "sex")
    recalls = evidence.find_group_metrics("recall", "sex")
    assert rates.loc["f", "true_positive_rate"] == pytest.approx(recalls["sex=f"])


def test_numbers_of_ones_own_are_kept_and_marked() -> None:
    """Given metrics keep direction and unit, are marked as given, and cannot replace computed ones."""
    evaluation = evaluate_classification([0, 1], [0, 1])
    latency = {"value": 12.5, "direction": "lower", "unit": "ms"}
    evidence = complete(evaluation, metrics={"p99": latency, "size_mb": 3})
    assert evidence.metrics["p99"] == {**latency, "source": "given"}
    assert (evidence.is_lower_better("p99"), evidence.is_lower_better("accuracy")) == (True, False)
    for wrong in ({"accuracy": 1.0}, {"x": float("nan")}, {"x": "1"}, {"x": {"value": 1, "direction": "up"}}):
        with pytest.raises(InvalidEvidence):
            complete(evaluation, metrics=wrong)


def test_many_scores_share_steps_and_it_says_how_far_that_can_move_a_number() -> None:
    """Over very many scores, the areas are within their stated bounds, whatever the scale of the scores."""
    random = np.random.default_rng(6)
    true = (random.random(50_000) < 0.01).astype(int)
    scores = (true * 0.6 + random.random(50_000)) * 3e-5
    evidence = complete(evaluate_classification(true.tolist(), [0] * 50_000, scores))
    (curve,) = plain(evidence)["score_counts"]
    assert len(curve["thresholds"]) <= 10_000
    for name, truth in (
        ("roc_auc", roc_auc_score(true, scores)),
        ("average_precision", average_precision_score(true, scores)),
    ):
        metric = plain(evidence)["metrics"][name]
        assert abs(metric["value"] - truth) <= metric["bound"] < 0.01
