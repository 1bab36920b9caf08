"""`muniment evaluate`, `muniment report`, `muniment leaderboard` and `muniment attest`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import click
import yaml

from muniment.cli.completing import NAME, REFERENCE
from muniment.cli.session import answer_receipt, connect, describe_receipt, describe_unchanged, warn
from muniment.cli.terminal import FilePath, Terminal, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.claims.evaluating import evaluation_module, measure_drift
from muniment.client.reports.cards import split_front_matter
from muniment.client.reports.evaluations import FORMS, save_report, write_report
from muniment.client.versions.evaluation import Evaluation
from muniment.client.versions.version import Version
from muniment.core import canonical
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import kind_of, name_predicate_type
from muniment.core.errors import FileUnusable, InvalidOption
from muniment.views.documents import write_view

_MAX_PREDICATE_BYTES = 16 << 20
_TASKS = ("classification", "regression", "multilabel", "ranking", "text", "drift")


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--data", type=FilePath(exists=True), help="A CSV or Parquet file with the predictions.")
@click.option("--task", type=click.Choice(_TASKS), help="The task [by the values: classes or amounts].")
@click.option("--target", metavar="COLUMN[,...]", default="", help="The column with the true label.")
@click.option("--prediction", metavar="COLUMN[,...]", default="", help="The column with the prediction.")
@click.option("--model", "by_model", is_flag=True, help="Load the model and predict the rows with it.")
@click.option(
    "--score",
    metavar="COLUMN[,...]",
    default="",
    help="The column with the score of the positive label, or those of all labels (p_0,p_1,p_2 or 'p_*').",
)
@click.option("--positive", metavar="LABEL", help="The positive label [1 or True, beside 0 or False].")
@click.option("--classes", metavar="LABEL,...", help="The labels, in the order of the columns of scores.")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "drop"]),
    default="refuse",
    show_default=True,
    help="What becomes of rows that miss a value.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Take only rows that meet this, such as 'age >= 65' or site=north.",
)
@click.option(
    "--query",
    metavar="COLUMN",
    default="query",
    help="The column with the query that an item was ranked for [query].",
)
@click.option(
    "--judge", "judges", multiple=True, metavar="COLUMN", help="A column with the scores of a judge."
)
@click.option("--reference-data", type=FilePath(exists=True), help="The data to measure drift from.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="COLUMN[,...]",
    help="Measure each value of this column separately.",
)
@click.option(
    "--min-group-size",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="The smallest group that counts.",
)
@click.option("--split", default="", help="The split of the dataset, such as test or holdout.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME=NUMBER", help="A metric that you computed yourself."
)
@click.option("--unit", default="", help="The unit of the target of a regression.")
@click.option(
    "--from",
    "results",
    type=FilePath(exists=True),
    help="Read results from evaluation/v1 or MLflow JSON, a Hugging Face card or .eval_results.",
)
@json_option
@click.pass_obj
def evaluate(
    terminal: Terminal,
    /,
    reference: str,
    *,
    data: Path | None,
    results: Path | None,
    **options: Any,  # noqa: ANN401 - what click has read
) -> None:
    """Compute evaluation evidence from predictions and sign it."""
    document = None if results is None else _read_document(results)
    if _is_evaluation(document):
        with connect(terminal) as registry:
            version = registry.version(reference)
            _answer(terminal, version.record_evidence(document))
        return
    if data is None:
        raise InvalidOption(option="--data", reason="is missing: name the file with the rows")
    # What is in a file is measured before anybody is asked for anything.
    measured = None if results or options["by_model"] else _measure(data, options)
    with connect(terminal) as registry:
        version = registry.version(reference)
        if document is not None:
            recorded = _record_results(version, document, data)
        elif measured is None:
            recorded = _evaluate_model(version, data, options)
        else:
            recorded = version.record_evaluation(
                measured, dataset=data, split=str(options["split"]), metrics=_read_metrics(options)
            )
        _answer(terminal, recorded)


def _answer(terminal: Terminal, recorded: Evaluation) -> None:
    view = recorded.view()
    if terminal.as_json:
        terminal.answer({**describe_receipt(recorded.receipt), "evaluation": write_view(view)}, [])
        return
    receipt = recorded.receipt
    line = f"evidence recorded for {recorded.version} (entry {receipt.index})"
    terminal.answer(None, [line, *describe_unchanged(receipt)])
    answer_view(terminal, view)


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--format", "form", type=click.Choice(FORMS), default="markdown", show_default=True)
@click.option("-o", "--output", type=FilePath(), help="The directory to write to.")
@json_option
@click.pass_obj
def report(terminal: Terminal, reference: str, *, form: str, output: Path | None) -> None:
    """Write the evaluations of a version as a report."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        if output is not None:
            paths = [str(path) for path in save_report(version, form, output)]
            terminal.answer({"files": paths}, paths)
            return
        if form == "png":
            raise InvalidOption(
                option="--output", reason="is missing: PNG files are not written to the terminal"
            )
        files = [(name, content.decode()) for name, content in write_report(version, form)]
    terminal.answer_text(dict(files), "\n".join(content for _, content in files))


@click.command()
@click.argument("name", type=NAME)
@click.option("--metric", required=True, help="The metric to rank by.")
@click.option(
    "--dataset", required=True, metavar="NAME|DIGEST", help="The dataset that the metric was measured on."
)
@full_option
@output_option
@json_option
@click.pass_obj
def leaderboard(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, name: str, *, metric: str, dataset: str, full: bool, output: str | None
) -> None:
    """Rank versions by a metric over the same dataset.

    Only evaluations over the very same bytes are compared.
    """
    with connect(terminal) as registry:
        view = registry.view_leaderboard(name, metric, dataset)
    answer_view(terminal, view, full=full, output=output)


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option(
    "--type",
    "predicate_type",
    required=True,
    metavar="KIND|URI",
    help="The kind of the claim, such as change-plan, or its predicate type.",
)
@click.option("--file", type=FilePath(exists=True), required=True, help="The predicate, as JSON.")
@json_option
@click.pass_obj
def attest(terminal: Terminal, reference: str, predicate_type: str, file: Path) -> None:
    """Sign and record a claim of any type.

    A claim of a type that Muniment does not know is kept, and no rule counts it.
    """
    with file.open("rb") as stream:
        predicate = canonical.decode(stream.read(_MAX_PREDICATE_BYTES))
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.attest(predicate_type, predicate)
    lines = [f"recorded for {version} as entry {receipt.index} of the log"]
    if kind_of(name_predicate_type(predicate_type)) == "unknown":
        lines.append(f"no rule counts it: Muniment does not know the type {predicate_type}")
    answer_receipt(terminal, receipt, lines)


def _evaluate_model(version: Version, data: Path, options: Mapping[str, Any]) -> Evaluation:
    return version.evaluate_model(
        data,
        str(options["target"]),
        groups=_tuple(options["groups"]),
        positive=options["positive"],
        missing=options["missing"],
        where=options["where"],
        split=str(options["split"]),
        min_group_size=options["min_group_size"],
    )


def _measure(data: Path, options: Mapping[str, Any]) -> JsonObject:
    files = evaluation_module("files")
    measured: JsonObject
    task = options["task"]
    if task == "drift":
        before = options["reference_data"]
        if not isinstance(before, Path):
            raise InvalidOption(
                option="--reference-data", reason="is missing: name the data to measure drift from"
            )
        return measure_drift(before, data)
    columns = files.Columns(
        target=_names(options["target"]),
        prediction=_names(options["prediction"]),
        score=_names(options["score"]),
        groups=_tuple(options["groups"]),
        query=options["query"],
        judges=_tuple(options["judges"]),
    )
    if task is None:
        choice = files.choose_task_of(data, columns, options["where"])
        task = choice.task
        warn([choice.note] if choice.note else [])
    measured = files.evaluate_file(
        data,
        task,
        columns,
        positive=options["positive"],
        classes=_names(options["classes"] or "") or None,
        missing=options["missing"],
        where=options["where"],
        unit=options["unit"],
        min_group_size=options["min_group_size"],
    )
    return measured


def _is_evaluation(document: Json) -> TypeGuard[dict[str, Json]]:
    """Say whether a document is a whole evaluation/v1, which names its data itself."""
    return isinstance(document, dict) and {"task", "dataset", "metrics"} <= set(document)


def _record_results(version: Version, document: Json, data: Path) -> Evaluation:
    """Record results from elsewhere over a dataset; give the receipt of the last."""
    n = evaluation_module("tables").count_rows(data)
    return [
        version.record_evaluation(
            {"task": one.task, "n": n}, dataset=data, split=one.split, metrics=one.metrics
        )
        for one in evaluation_module("importing").read_results(document)
    ][-1]


def _read_document(path: Path) -> Json:
    if path.stat().st_size > _MAX_PREDICATE_BYTES:
        raise _refuse_results(path, f"it is larger than {_MAX_PREDICATE_BYTES >> 20} MiB")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse_results(path, "it is not UTF-8") from error
    if path.suffix == ".md":
        return split_front_matter(text)[0]
    try:
        document: Json = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refuse_results(path, "it is neither JSON nor YAML") from error
    return document


def _refuse_results(path: Path, reason: str) -> FileUnusable:
    remedy = "see the forms of results in docs/reference/evaluation.md"
    return FileUnusable(path=str(path), reason=reason, remedy=remedy)


def _read_metrics(options: Mapping[str, Any]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for pair in _tuple(options["metrics"]):
        name, separator, text = pair.partition("=")
        try:
            metrics[name] = float(text)
        except ValueError as error:
            raise InvalidOption(option="--metric", reason=f"expected NAME=NUMBER, got {pair!r}") from error
        if not separator:
            raise InvalidOption(option="--metric", reason=f"expected NAME=NUMBER, got {pair!r}")
    return metrics


def _names(value: object) -> tuple[str, ...]:
    return tuple(name for name in str(value).split(",") if name)


def _tuple(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
