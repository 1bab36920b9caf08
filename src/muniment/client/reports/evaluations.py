"""Reports of evidence: for reading (Markdown), for other tools (JSON, Vega-Lite), as pictures (SVG, PNG)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from muniment.client.reports.cards import write_hub_card
from muniment.client.versions.version import Version
from muniment.core.claims.attestations import CARD, EVALUATION, Attestation
from muniment.core.claims.cards import Card
from muniment.core.claims.evidence import Evidence, Metric
from muniment.core.counting import count
from muniment.core.errors import InvalidOption
from muniment.core.texts import in_markdown, plain
from muniment.evaluation.charts import draw
from muniment.evaluation.rendering import draw_spec

FORMS: Final = ("markdown", "json", "vega", "svg", "png", "huggingface")


def write_report(version: Version, form: str) -> Iterator[tuple[str, bytes]]:
    """Write the evaluations of a version, newest last; give each file's name and content.

    Raises:
        InvalidOption: there is no such form.
        MissingExtra: it needs a package that is not installed.
    """
    if form not in _WRITERS:
        raise InvalidOption(option="--format", reason=f"is one of {', '.join(FORMS)}")
    yield from _WRITERS[form](version)


def save_report(version: Version, form: str, directory: Path) -> list[Path]:
    """Write a report into a directory. Raises as `write_report`."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in write_report(version, form):
        path = directory / name
        path.write_bytes(content)
        paths.append(path)
    return paths


def write_markdown(title: str, evidence: Sequence[Evidence]) -> str:
    """Write evaluations as Markdown: a table of metrics, of groups and gaps, and of perturbations."""
    lines = [f"# {in_markdown(title)}"]
    for one in evidence:
        tool = one.predicate["tool"]
        time = one.predicate["time"]
        measured = f"{tool['name']} {tool['version']}" if isinstance(tool, Mapping) else ""
        lines += [
            "",
            f"## {in_markdown(one.task)} on {in_markdown(one.dataset_name or 'data')}",
            "",
            f"{count(one.n, 'row')} of {in_markdown(f'{one.dataset}, measured with {measured} at {time}')}.",
            "",
            *_table(("metric", "value", "interval"), _metric_rows(one)),
        ]
        groups = [
            (f"{group.column}={group.value}", str(group.n), *_brief(group.metrics)) for group in one.groups()
        ]
        if groups:
            names = [name for name in _BRIEF if name in one.groups()[0].metrics]
            lines += ["", *_table(("group", "rows", *names), groups)]
        lines += list(_gap_lines(one))
    return "\n".join(lines) + "\n"


def _markdown(version: Version) -> Iterator[tuple[str, bytes]]:
    yield "evaluation.md", write_markdown(str(version), version.evidence()).encode()


def _json(version: Version) -> Iterator[tuple[str, bytes]]:
    for name, claim in _evaluations(version):
        yield f"{name}.json", json.dumps(claim.predicate, ensure_ascii=False, indent=1).encode()


def _vega(version: Version) -> Iterator[tuple[str, bytes]]:
    for name, claim in _evaluations(version):
        for chart, spec in draw(claim.predicate).items():
            yield f"{name}-{chart}.vl.json", json.dumps(spec, ensure_ascii=False).encode()


def _pictures(form: str) -> Callable[[Version], Iterator[tuple[str, bytes]]]:
    def write(version: Version) -> Iterator[tuple[str, bytes]]:
        for name, claim in _evaluations(version):
            for chart, spec in draw(claim.predicate).items():
                yield f"{name}-{chart}.{form}", draw_spec(spec, form)

    return write


def _hub(version: Version) -> Iterator[tuple[str, bytes]]:
    cards = version.claims(CARD)
    card = Card.read(cards[-1].predicate) if cards else Card()
    name = version.reference.name.model
    yield "README.md", plain(write_hub_card(card, name, version.evidence())).encode()


def _evaluations(version: Version) -> list[tuple[str, Attestation]]:
    """Name each evaluation by the start of its digest."""
    return [(f"evaluation-{claim.digest.hex[:12]}", claim) for claim in version.claims(EVALUATION)]


_WRITERS: Final[Mapping[str, Callable[[Version], Iterator[tuple[str, bytes]]]]] = {
    "markdown": _markdown,
    "json": _json,
    "vega": _vega,
    "svg": _pictures("svg"),
    "png": _pictures("png"),
    "huggingface": _hub,
}
_BRIEF: Final = ("accuracy", "precision", "recall", "positive_rate", "roc_auc", "mae", "rmse", "r2")


def _metric_rows(evidence: Evidence) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name in sorted(evidence.metrics):
        metric = evidence.find_metric(name)
        rows.append((name, "undefined" if metric is None else _value(metric), _interval(metric)))
    return rows


def _value(metric: Metric) -> str:
    return f"{metric.value:.4f} {metric.unit}".rstrip()


def _interval(metric: Metric | None) -> str:
    if metric is None or metric.low is None or metric.high is None:
        return ""
    return f"{metric.low:.4f} to {metric.high:.4f}"


def _brief(metrics: Mapping[str, object]) -> list[str]:
    shown = [metrics[name] for name in _BRIEF if name in metrics]
    values = [one.get("value") if isinstance(one, Mapping) else None for one in shown]
    return ["" if value is None else f"{value:.4f}" for value in values]


def _gap_lines(evidence: Evidence) -> Iterator[str]:
    gaps = evidence.predicate.get("gaps")
    rows = [
        (
            str(gap["metric"]),
            str(gap["column"]),
            f"{gap['value']:.4f}",
            " and ".join(map(str, gap["between"])),
            ", ".join(map(str, gap["left_out"])),
        )
        for gap in (gaps if isinstance(gaps, list) else [])
        if isinstance(gap, Mapping)
    ]
    if rows:
        yield ""
        yield from _table(("gap", "over", "size", "between", "too small to count"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [*map(_row, [columns, *rows])]
    return [lines[0], _row(["---"] * len(columns)), *lines[1:]]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(in_markdown, cells))} |"
