"""Evaluations that no rows can give: each number of honest ones altered, and made-up ones."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION
from muniment.core.claims.evidence import list_contradictions
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation
from muniment.evaluation.classification import evaluate_classification
from muniment.evaluation.multilabel import evaluate_multilabel
from muniment.evaluation.ranking import evaluate_ranking
from muniment.evaluation.regression import evaluate_regression
from muniment.evaluation.statement import write_evaluation
from muniment.signing.schemas import check_predicate

RANDOM = np.random.default_rng(11)
N = 80
SEX = RANDOM.choice(["f", "m"], N).tolist()
DATASET: dict[str, Json] = {"name": "holdout", "digest": str(Digest.of(b"holdout"))}


def write(measured: dict[str, Json]) -> Any:  # noqa: ANN401 - JSON
    predicate = write_evaluation(measured, dataset=DATASET, time="2026-01-01T00:00:00Z")
    return json.loads(json.dumps(predicate))


def binary() -> Any:  # noqa: ANN401 - JSON
    true = RANDOM.integers(0, 2, N)
    scores = np.clip(true * 0.3 + RANDOM.random(N) * 0.7, 0, 1)
    return write(evaluate_classification(true, (scores > 0.5).astype(int), scores, groups={"sex": SEX}))


def multiclass() -> Any:  # noqa: ANN401 - JSON
    true = RANDOM.integers(0, 3, N)
    scores = RANDOM.dirichlet([1, 1, 1], N)
    return write(evaluate_classification(true, scores.argmax(axis=1), scores, groups={"sex": SEX}))


def multilabel() -> Any:  # noqa: ANN401 - JSON
    true, predicted = RANDOM.integers(0, 2, (N, 3)), RANDOM.integers(0, 2, (N, 3))
    return write(evaluate_multilabel(true, predicted, RANDOM.random((N, 3))))


def regression() -> Any:  # noqa: ANN401 - JSON
    true = RANDOM.normal(50, 10, N)
    return write(evaluate_regression(true, true + RANDOM.normal(0, 3, N), groups={"sex": SEX}))


def ranking() -> Any:  # noqa: ANN401 - JSON
    return write(evaluate_ranking([n // 8 for n in range(N)], RANDOM.integers(0, 3, N), RANDOM.random(N)))


HONEST: dict[str, Any] = {
    one.__name__: one() for one in (binary, multiclass, multilabel, regression, ranking)
}
# What counts do not determine: where thresholds and quantiles lie, intervals, and what decides about gaps.
_FREE = {
    *("zero_division", "thresholds", "absolute_quantiles", "interval", "min_group_size"),
    *("low", "high", "severity", "seed", "level", "mean", "queries_without_relevant_items"),
}


def list_numbers(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    if isinstance(document, dict):
        for name, one in document.items():
            if name not in _FREE:
                yield from list_numbers(one, (*path, name))
    elif isinstance(document, list):
        for place, one in enumerate(document):
            yield from list_numbers(one, (*path, place))
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield path


def alter(document: Any, path: tuple[Any, ...], change: float) -> Any:  # noqa: ANN401 - JSON
    altered = copy.deepcopy(document)
    part = altered
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] += change
    return altered


@pytest.mark.parametrize("name", HONEST)
def test_honest_evaluations_contradict_nothing(name: str) -> None:
    """What our functions write is let in."""
    assert list_contradictions(HONEST[name]) == []
    check_predicate(EVALUATION, HONEST[name])


@given(st.sampled_from([*HONEST]), st.data())
def test_no_number_can_be_altered(name: str, data: st.DataObject) -> None:
    """A count, sum or metric that is altered alone contradicts the others."""
    # A row that moves between steps of a curve is one that other scores could have had.
    paths = [
        path for path in list_numbers(HONEST[name]) if "score_counts" not in path or isinstance(path[-1], str)
    ]
    path = data.draw(st.sampled_from(paths))
    change = data.draw(st.sampled_from([1, -1, 7]))
    altered = alter(HONEST[name], path, change)
    if path[0] == "rows":
        # More rows may be there than were used, if it is said why.
        altered = alter(HONEST[name], ("rows", "used"), change)
    assert list_contradictions(altered) != [], path


def changed(**members: Any) -> Callable[[Any], None]:  # noqa: ANN401 - JSON
    return lambda predicate: predicate.update(members)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p["metrics"]["roc_auc"].update(value=0.99, source="given"), "roc_auc is given as 0.99"),
        (lambda p: p["metrics"].update(f2={"value": 0.9}), "f2 has no counts"),
        (lambda p: p["metrics"].update(specificity={"value": 1.5, "source": "given"}), "between 0 and 1"),
        (lambda p: p["metrics"]["accuracy"].update(interval=interval(0.99, 1.0)), "outside of its interval"),
        (lambda p: p["metrics"]["accuracy"].update(interval=tight(p)), "too narrow for 80 rows"),
        (lambda p: p["groups"].pop(), "the groups of sex have"),
        (lambda p: p["groups"][0].update(n=100), "the groups of sex have"),
        (lambda p: p["groups"][0]["confusion_matrix"].update(labels=["no", "1"]), "labels of all rows"),
        (lambda p: p["score_counts"][0]["true_positives"].reverse(), "falls"),
        (lambda p: p["score_counts"][0]["thresholds"].reverse(), "do not fall"),
        (lambda p: p["confusion_matrix"]["labels"].__setitem__(0, "1"), "a label twice"),
        (changed(rows={"there": 111, "used": 80}), "80 of 111 rows were used"),
        (lambda p: p["groups"][0].pop("confusion_matrix"), "has no counts"),
        (lambda p: p["metrics"]["accuracy"].update(direction="lower"), "a direction of its own"),
        (lambda p: p["score_counts"][0].update(label="zzz"), "not one curve for each label"),
        (lambda p: p["score_counts"].append(p["score_counts"][0]), "not one curve for each label"),
        (
            lambda p: p["metrics"]["roc_auc"].update(interval=narrow(p)),
            "the interval of roc_auc is too narrow",
        ),
        (lambda p: p["calibration"]["bins"][-1].update(positives=0), "other positive rows"),
        (lambda p: p.pop("rows"), "of which rows"),
    ],
)
def test_what_is_made_up_is_refused(change: Callable[[Any], None], reason: str) -> None:
    """Evidence by hand in the name of our tool has to keep to what our tool could have written."""
    predicate = copy.deepcopy(HONEST["binary"])
    change(predicate)
    found = [str(one) for one in list_contradictions(predicate)]
    assert any(reason in one for one in found), found
    with pytest.raises(InvalidAttestation, match="the evaluation contradicts itself"):
        check_predicate(EVALUATION, predicate)


def interval(low: float, high: float) -> dict[str, Json]:
    return {"low": low, "high": high, "level": 0.95, "method": "x"}


def narrow(predicate: Any) -> dict[str, Json]:  # noqa: ANN401 - JSON
    value = predicate["metrics"]["roc_auc"]["value"]
    return interval(value - 0.001, value + 0.001)


def tight(predicate: Any) -> dict[str, Json]:  # noqa: ANN401 - JSON
    value = predicate["metrics"]["accuracy"]["value"]
    return interval(value - 0.001, value + 0.001)
