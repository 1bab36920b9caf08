"""Evidence: read the numbers of an evaluation attestation.

The predicate `https://muniment.dev/evaluation/v1` holds raw counts and curves beside the metrics;
its JSON Schema is `muniment/signing/schemas/evaluation-v1.json`. A metric that could not be
computed is null with a reason, so that silence is never taken for a pass.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import EVALUATION, Attestation
from muniment.core.claims.consistency import OWN_TOOL, Fault, find_faults
from muniment.core.claims.recomputation import find_contradictions
from muniment.core.counting import count

DRIFT: Final = "drift"

# For these metrics lower is better; for all others higher is better.
_LOWER: Final = frozenset(
    {
        "brier", "ece", "hamming_loss", "log_loss", "mae", "mape", "max_error", "mean_error",
        "median_absolute_error", "mse", "perplexity", "rmse", "train_test_overlap", "wer",
    }
)  # fmt: skip
_LOWER_PREFIXES: Final = ("psi.", "ks.", "total_variation.", "latency", "energy", "size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number: its value, and its confidence interval if one was computed.

    `bound` is how far the value can be from that over all scores, where several scores share a step.
    """

    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    bound: float = 0.0

    def is_apart_from(self, other: "Metric") -> bool | None:
        """Return whether the intervals are disjoint, which is stricter than a difference other than 0.

        None if one has no interval.
        """
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return None
        return self.high < other.low or other.high < self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The metrics over the rows of one group."""

    column: str
    value: str
    n: int
    metrics: JsonObject


@dataclass(frozen=True, slots=True)
class Evidence:
    """A view of one evaluation predicate."""

    predicate: JsonObject

    def __repr__(self) -> str:
        """Name the task, the dataset, and how many metrics there are."""
        over = self.dataset_name or f"{self.dataset:.19}"
        return f"<Evidence {self.task} over {over}, {count(len(self.metrics), 'metric')}>"

    @property
    def dataset(self) -> str:
        """The digest of the dataset."""
        dataset = self.predicate.get("dataset")
        return str(dataset.get("digest")) if isinstance(dataset, Mapping) else ""

    @property
    def dataset_name(self) -> str:
        """The name of the dataset, with its split; empty if it has none."""
        dataset = self.predicate.get("dataset")
        named = dataset if isinstance(dataset, Mapping) else {}
        return ":".join(str(named[key]) for key in ("name", "split") if named.get(key))

    @property
    def dataset_names(self) -> frozenset[str]:
        """All names of the dataset: its digest, and its name with and without the split."""
        return frozenset({self.dataset, self.dataset_name, self.dataset_name.partition(":")[0]})

    @property
    def task(self) -> str:
        """The task: binary-classification, regression, drift and so on."""
        return str(self.predicate.get("task", ""))

    @property
    def n(self) -> int:
        """The number of rows."""
        return _count(self.predicate.get("n"))

    def find_contradictions(self) -> list[Fault]:
        """List what does not follow from the counts beside it, and what no counts can be."""
        return list_contradictions(self.predicate)

    @property
    def rows_there(self) -> int:
        """The number of rows of the dataset; that of the rows used, if nothing is said."""
        rows = self.predicate.get("rows")
        return _count(rows.get("there")) if isinstance(rows, Mapping) else self.n

    @property
    def is_subset(self) -> bool:
        """Whether some rows of the dataset were not used."""
        return self.n < self.rows_there or bool(self.member("rows", "reason"))

    def find_difference(self, other: "Evidence") -> str:
        """Say why its numbers cannot be compared with those of another; empty if they can."""
        if self.dataset != other.dataset:
            return "another dataset"
        if self.task != other.task:
            return "another task"
        if self.member("target", "digest") != other.member("target", "digest") or self.n != other.n:
            return "other rows of the dataset, or another target"
        if self.member("confusion_matrix", "positive") != other.member("confusion_matrix", "positive"):
            return "another positive label"
        return ""

    def member(self, part: str, name: str) -> Json:
        """Look up a member of a part, such as the digest of the target; None if there is none."""
        document = self.predicate.get(part)
        return document.get(name) if isinstance(document, Mapping) else None

    @property
    def is_foreign(self) -> bool:
        """Whether another tool than ours measured it."""
        tool = self.predicate.get("tool")
        return not isinstance(tool, Mapping) or tool.get("name") != OWN_TOOL

    def is_stated(self, name: str) -> bool:
        """Return whether only its signer says so of a metric. What has no counts is marked as given."""
        metrics = [self.metrics.get(name), *(group.metrics.get(name) for group in self.groups())]
        given = [one for one in metrics if isinstance(one, Mapping) and one.get("source") == "given"]
        return self.is_foreign or bool(given)

    def is_over(self, dataset: str) -> bool:
        """Return whether it is over a dataset, by its digest or, if that is none, by one of its names."""
        is_digest = dataset.startswith("sha256:")
        return dataset == self.dataset if is_digest else dataset in self.dataset_names - {self.dataset}

    def is_lower_better(self, name: str) -> bool:
        """Return whether lower is better for a metric: by its own direction, or by its name."""
        if name in _LOWER or name.startswith(_LOWER_PREFIXES):
            return True
        metric = self.metrics.get(name)
        given = isinstance(metric, Mapping) and metric.get("source") == "given"
        return given and isinstance(metric, Mapping) and metric.get("direction") == "lower"

    @property
    def metrics(self) -> JsonObject:
        """The metrics by name."""
        metrics = self.predicate.get("metrics")
        return metrics if isinstance(metrics, Mapping) else {}

    def find_metric(self, name: str) -> Metric | None:
        """Look a metric up over all rows; None if it is missing or not a finite number."""
        return _read_metric(self.metrics.get(name))

    def groups(self, column: str = "") -> list[Group]:
        """List the groups, of one column or of all."""
        groups = self.predicate.get("groups")
        return [
            Group(
                column=str(group["column"]),
                value=str(group["value"]),
                n=_count(group["n"]),
                metrics=metrics,
            )
            for group in (groups if isinstance(groups, list) else [])
            if isinstance(group, Mapping)
            and isinstance(metrics := group["metrics"], Mapping)
            and column in {"", group["column"]}
        ]

    def find_group_metrics(self, name: str, column: str = "") -> dict[str, float | None]:
        """Look a metric up in each group, as `column=value`; None where it is not a number."""
        values: dict[str, float | None] = {}
        for group in self.groups(column):
            metric = _read_metric(group.metrics.get(name))
            values[f"{group.column}={group.value}"] = metric.value if metric else None
        return values


def list_contradictions(predicate: JsonObject) -> list[Fault]:
    """List what in an evaluation contradicts itself."""
    return [
        *(Fault(one.metric, str(one)) for one in find_contradictions(predicate)),
        *find_faults(predicate),
    ]


def newest_per_dataset(attestations: tuple[Attestation, ...]) -> list[tuple[Attestation, Evidence]]:
    """Pick the newest evaluation of each dataset; drift counts separately."""
    newest: dict[tuple[str, bool], tuple[Attestation, Evidence]] = {}
    for attestation in sorted(attestations, key=lambda attestation: attestation.index):
        if attestation.predicate_type == EVALUATION:
            evidence = Evidence(attestation.predicate)
            newest[evidence.dataset, evidence.task == DRIFT] = (attestation, evidence)
    return list(newest.values())


def _read_metric(document: Json) -> Metric | None:
    if not isinstance(document, Mapping):
        return None
    value = _finite(document.get("value"))
    if value is None:
        return None
    interval = document.get("interval")
    bounds = interval if isinstance(interval, Mapping) else {}
    return Metric(
        value=value,
        low=_finite(bounds.get("low")),
        high=_finite(bounds.get("high")),
        unit=str(document.get("unit", "")),
        bound=_finite(document.get("bound")) or 0.0,
    )


def _count(value: Json) -> int:
    # JSON may write a whole number as 5.0.
    return int(_finite(value) or 0)


def _finite(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
