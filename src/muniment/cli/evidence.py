"""`muniment evaluate` and `muniment attest`."""

import csv
from pathlib import Path

import click

from muniment.cli.session import connect, describe_receipt
from muniment.cli.terminal import Terminal, json_option
from muniment.core import canonical
from muniment.core.errors import InvalidEvidence
from muniment.core.evidence import Evidence

_MAX_PREDICATE_BYTES = 16 << 20


@click.command()
@click.argument("reference")
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="A CSV file.")
@click.option("--target", required=True, metavar="COLUMN", help="The true label.")
@click.option("--prediction", required=True, metavar="COLUMN", help="The predicted label.")
@click.option("--score", metavar="COLUMN", help="The probability of the positive label.")
@click.option("--positive", metavar="LABEL", help="The positive label [the last one].")
@click.option("--group", "groups", multiple=True, metavar="COLUMN", help="Measure each value of it apart.")
@json_option
@click.pass_obj
def evaluate(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    reference: str,
    *,
    data: Path,
    target: str,
    prediction: str,
    score: str | None,
    positive: str | None,
    groups: tuple[str, ...],
) -> None:
    """Compute classification evidence from the predictions in a CSV file, sign and record it."""
    wanted = [target, prediction, *groups, *([score] if score else [])]
    table = _read_columns(data, wanted)
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.evaluate(
            table[target],
            table[prediction],
            _read_numbers(table[score], score) if score else None,
            dataset=data,
            groups={column: table[column] for column in groups},
            positive=positive,
        )
        evidence = version.evidence()[-1]
    terminal.answer(
        describe_receipt(receipt), [f"evidence recorded for {version}", *describe_metrics(evidence)]
    )


@click.command()
@click.argument("reference")
@click.option("--type", "predicate_type", required=True, metavar="URI", help="The predicate type.")
@click.option(
    "--file", type=click.Path(exists=True, path_type=Path), required=True, help="The predicate, JSON."
)
@json_option
@click.pass_obj
def attest(terminal: Terminal, reference: str, predicate_type: str, file: Path) -> None:
    """Sign and record any claim about REFERENCE."""
    with file.open("rb") as stream:
        predicate = canonical.decode(stream.read(_MAX_PREDICATE_BYTES))
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.attest(predicate_type, predicate)
    terminal.answer(
        describe_receipt(receipt), [f"recorded for {version} as entry {receipt.index} of the log"]
    )


def describe_metrics(evidence: Evidence) -> list[str]:
    """Say each metric in a line, with its interval."""
    lines = []
    for name in sorted(evidence.metrics):
        metric = evidence.find_metric(name)
        if metric is None:
            lines.append(f"  {name:10} not a number")
        elif metric.low is None or metric.high is None:
            lines.append(f"  {name:10} {metric.value:.4f}")
        else:
            lines.append(f"  {name:10} {metric.value:.4f}  [{metric.low:.4f}, {metric.high:.4f}]")
    return lines


def _read_columns(path: Path, columns: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {column: [] for column in columns}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise InvalidEvidence(reason=f"{path.name} has no column {missing[0]!r}")
        for row in reader:
            for column in columns:
                # A short row has None in its missing cells.
                found[column].append(row[column] or "")
    return found


def _read_numbers(cells: list[str], column: str) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError as error:
        raise InvalidEvidence(reason=f"column {column!r}: {error}") from error
