"""An evaluation: its metrics with intervals, its groups, and its charts."""

from collections.abc import Iterator, Mapping

from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import EVALUATION, Attestation
from muniment.core.claims.evidence import Evidence
from muniment.core.counting import count
from muniment.evaluation.charts import draw
from muniment.views.metrics import describe_data, order_metrics, view_metrics
from muniment.views.values import Estimate, Value
from muniment.views.view import Block, Chart, Column, Fact, Facts, Mark, Row, Section, Table, View, Vouched

_MOST_GROUPS = 12


def view_evaluation(reference: str, claim: Attestation, now: str) -> View:
    """Show an evaluation of a version.

    Raises:
        ValueError: the claim is no evaluation.
    """
    if claim.predicate_type != EVALUATION:
        raise ValueError(claim.predicate_type)
    evidence = Evidence(claim.predicate)
    return View(
        kind="evaluation",
        title=f"{evidence.task} of {reference}",
        lead=f"over {describe_data(evidence)}",
        now=now,
        sections=(
            view_metrics([claim], (), (), most=None),
            Section(
                key="rows", title="Which rows", blocks=(Facts(tuple(_list_rows(evidence, claim.index))),)
            ),
            Section(key="by_group", title="By group", blocks=tuple(_view_groups(evidence, claim.index))),
            Section(key="charts", title="Charts", blocks=list_charts(claim.predicate)),
        ),
    )


def list_charts(predicate: JsonObject) -> tuple[Chart, ...]:
    """Draw the charts that an evaluation has the counts for."""
    return tuple(
        Chart(key=name, title=str(chart["title"]), specification=chart)
        for name, chart in draw(predicate).items()
    )


def _view_rows(evidence: Evidence, entry: int) -> Section:
    """Show of which rows it is, what was to be predicted, and what is not defined."""
    return Section(key="rows", title="Which rows", blocks=(Facts(tuple(_list_rows(evidence, entry))),))


def _list_rows(evidence: Evidence, entry: int) -> Iterator[Fact]:
    where, missing = evidence.member("rows", "where"), evidence.member("rows", "missing")
    undefined = [
        f"{name} of {', '.join(map(str, labels))}"
        for name, metric in evidence.metrics.items()
        if isinstance(metric, Mapping) and isinstance(labels := metric.get("undefined"), list)
    ]
    lacking = [f"{n} in {column}" for column, n in missing.items()] if isinstance(missing, Mapping) else []
    facts: dict[str, tuple[object, ...]] = {
        "used": (f"{evidence.n} of {count(evidence.rows_there, 'row')}",),
        "where": tuple(where) if isinstance(where, list) else (),
        "missing": tuple(lacking),
        "reason": (evidence.member("rows", "reason"),),
        "target": (evidence.member("target", "column"),),
        "positive": (evidence.member("confusion_matrix", "positive"),),
        "undefined": tuple(undefined),
    }
    for key, values in facts.items():
        shown = tuple(str(value) for value in values if value)
        if shown:
            yield Fact(key=key, label=key, value=shown, vouched=Vouched(Mark.STATED, entry))


def _view_groups(evidence: Evidence, entry: int) -> list[Block]:
    groups = evidence.groups()
    if not groups:
        return []
    names = [name for name in order_metrics(evidence) if any(name in group.metrics for group in groups)]
    found = {name: evidence.find_group_metrics(name) for name in names}
    rows = tuple(
        Row(
            cells=(f"{group.column}={group.value}", group.n, *_read(found, f"{group.column}={group.value}")),
            vouched=Vouched(Mark.STATED, entry),
        )
        for group in groups
    )
    columns = (
        Column("group", "group"),
        Column("n", "rows", is_number=True),
        *(Column(name, name, is_number=True) for name in names),
    )
    return [Table(key="groups", columns=columns, rows=rows, most=_MOST_GROUPS)]


def _read(found: dict[str, dict[str, float | None]], group: str) -> list[Value]:
    return [by_group.get(group) for by_group in found.values()]


def read_metrics(predicate: JsonObject) -> dict[str, Estimate]:
    """Read the metrics of an evaluation that are numbers, those that matter most first."""
    evidence = Evidence(predicate)
    metrics = {name: evidence.find_metric(name) for name in order_metrics(evidence)}
    return {name: Estimate(one.value, one.low, one.high) for name, one in metrics.items() if one is not None}
