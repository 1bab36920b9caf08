"""Import evaluations: results of MLflow, and both forms of the Hugging Face Hub.

They have numbers without counts, so each metric is marked as given.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import Json, object_in, objects_in
from muniment.core.errors import InvalidEvidence

_REMEDY: Final = (
    "give numbers by name, as MLflow writes them, or model-index or .eval_results of the Hugging Face Hub"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Imported metrics with their task, dataset and split, as far as stated."""

    task: str
    dataset: str
    split: str
    metrics: Mapping[str, Json]


def read_results(document: Json) -> list[Imported]:
    """Read results in any known form.

    * `{"metrics": {name: number}}` or `{name: number}`, as in `mlflow.evaluate(...).metrics`
    * a model card's metadata with `model-index` (huggingface.co/docs/hub/model-cards)
    * the list of an `.eval_results/*.yaml` file

    Raises:
        InvalidEvidence: it has another form, or no number.
    """
    if isinstance(document, Mapping) and "model-index" in document:
        imported = list(_read_model_index(document["model-index"]))
    elif isinstance(document, list):
        imported = list(_read_eval_results(document))
    elif isinstance(document, Mapping):
        metrics = document.get("metrics", document)
        imported = [Imported(task="other", dataset="", split="", metrics=_numbers(metrics))]
    else:
        imported = []
    if not any(one.metrics for one in imported):
        raise InvalidEvidence(reason="the results have no metrics in a known form", remedy=_REMEDY)
    return imported


def _read_model_index(index: Json) -> Iterator[Imported]:
    for model in objects_in(index):
        for result in objects_in(model.get("results")):
            task, dataset = object_in(result.get("task")), object_in(result.get("dataset"))
            metrics: dict[str, Json] = {}
            for metric in objects_in(result.get("metrics")):
                metrics |= _numbers({str(metric.get("type") or metric.get("name")): metric.get("value")})
            yield Imported(
                task=str(task.get("type", "other")),
                dataset=str(dataset.get("type") or dataset.get("name") or ""),
                split=str(dataset.get("split") or ""),
                metrics=metrics,
            )


def _read_eval_results(entries: Sequence[Json]) -> Iterator[Imported]:
    for entry in objects_in(entries):
        dataset = object_in(entry.get("dataset"))
        task = str(dataset.get("task_id") or "other")
        yield Imported(
            task=task,
            dataset=str(dataset.get("id") or ""),
            split="",
            metrics=_numbers({task if task != "other" else "score": entry.get("value")}),
        )


def _numbers(metrics: Json) -> dict[str, Json]:
    return {
        name: float(value)
        for name, value in object_in(metrics).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
