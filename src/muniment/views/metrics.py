"""How good a version is: its metrics, with their intervals, against the versions that aliases hold."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from muniment.core.claims.attestations import Attestation
from muniment.core.claims.evidence import Evidence, Metric, newest_per_dataset
from muniment.core.claims.recomputation import recompute
from muniment.core.counting import count
from muniment.views.values import Change, Estimate, Headline, Value
from muniment.views.view import Block, Column, Mark, Row, Section, Table, Tone, Vouched

# What people look at first, where there is no policy that says so.
_FIRST: Final = (
    *("roc_auc", "f1", "recall", "precision", "accuracy", "macro_f1", "brier", "ece"),
    *("rmse", "mae", "r2", "exact_match", "rouge_l", "bleu", "ndcg"),
)
_MOST: Final = 5
# A number may be off by less, and nobody would see it.
_SHOWN_BOUND: Final = 1e-4


class Rival(NamedTuple):
    """A version that an alias holds, to compare with: `production @5`, and the claims about it."""

    label: str
    claims: Sequence[Attestation]


def view_metrics(
    claims: Sequence[Attestation], rivals: Sequence[Rival], first: Sequence[str], *, most: int | None = _MOST
) -> Section:
    """Show the newest evaluation over each dataset; `first` are the metrics that policies ask for."""
    newest = newest_per_dataset(tuple(claims))
    against = {rival.label: [one for _, one in newest_per_dataset(tuple(rival.claims))] for rival in rivals}
    tables = [_view_evaluation(claim, evidence, against, first, most) for claim, evidence in newest]
    return Section(
        key="metrics",
        title="How good",
        note=describe_data(newest[0][1]) if len(newest) == 1 else "",
        blocks=tuple(tables),
        empty="nothing is measured: muniment evaluate --help",
    )


def find_headline(claims: Sequence[Attestation], first: Sequence[str] = ()) -> Headline | None:
    """Find the metric that people look at first, in the newest evaluation that has one."""
    for _, evidence in reversed(newest_per_dataset(tuple(claims))):
        for name in order_metrics(evidence, first):
            metric = evidence.find_metric(name)
            if metric is not None:
                return Headline(name, _estimate(metric))
    return None


def order_metrics(evidence: Evidence, first: Sequence[str] = ()) -> list[str]:
    """Order the names of the metrics: those that matter most first, then by name."""
    ranks = {name: rank for rank, name in enumerate([*first, *_FIRST])}
    return sorted(evidence.metrics, key=lambda name: (ranks.get(name, len(ranks)), name))


def describe_data(evidence: Evidence) -> str:
    """Name the data of an evaluation, and its number of rows."""
    rows = count(evidence.n, "row")
    if evidence.is_subset:
        rows = f"ONLY {evidence.n} of {count(evidence.rows_there, 'row')}"
    return f"{evidence.dataset_name or evidence.dataset[:19]}, {rows}"


def _view_evaluation(
    claim: Attestation,
    evidence: Evidence,
    against: Mapping[str, Sequence[Evidence]],
    first: Sequence[str],
    most: int | None,
) -> Block:
    same = {
        label: one for label, found in against.items() for one in found if not evidence.find_difference(one)
    }
    faults = {fault.about: fault for fault in evidence.find_contradictions()}
    # What no counts can be proves no metric.
    all_wrong = next((fault for about, fault in faults.items() if about not in evidence.metrics), None)
    known = recompute(evidence.predicate)
    rows = []
    for name in order_metrics(evidence, first):
        metric = evidence.find_metric(name)
        if metric is None:
            continue
        fault = faults.get(name, all_wrong)
        mark = Mark.CHECKED if name in known and fault is None else Mark.STATED
        rows.append(
            Row(
                cells=(name, *_write_metric(metric), *_compare(name, metric, same)),
                vouched=Vouched(mark, claim.index),
                tone=Tone.PLAIN if fault is None else Tone.BAD,
                note="" if fault is None else f"WRONG: {fault}",
            )
        )
    columns = (
        Column("metric", "metric"),
        Column("value", "this version", is_number=True),
        Column("interval", "interval (stated)"),
        *(
            column
            for label in same
            for column in (
                Column(label, label, is_number=True),
                Column(f"than {label}", "difference"),
            )
        ),
    )
    return Table(
        key=str(claim.digest),
        title=describe_data(evidence),
        columns=columns,
        rows=tuple(rows),
        most=most,
    )


def _write_metric(metric: Metric) -> tuple[Value, Value]:
    interval = "" if metric.low is None or metric.high is None else f"{metric.low:.3f} to {metric.high:.3f}"
    if metric.bound > _SHOWN_BOUND:
        interval = f"{interval} (within {metric.bound:.1g})".strip()
    return metric.value, interval or None


def _compare(name: str, metric: Metric, same: Mapping[str, Evidence]) -> list[Value]:
    cells: list[Value] = []
    for other in same.values():
        theirs = other.find_metric(name)
        cells.append(None if theirs is None else theirs.value)
        cells.append(
            None if theirs is None else Change(metric.value - theirs.value, metric.is_apart_from(theirs))
        )
    return cells


def _estimate(metric: Metric) -> Estimate:
    return Estimate(metric.value, metric.low, metric.high)
