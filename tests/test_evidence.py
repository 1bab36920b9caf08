"""Evidence on record: verified, judged by gates, ranked, reported, and imported."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.reports.evaluations import FORMS, write_report
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import Json
from muniment.core.claims.attestations import CARD, EVALUATION
from muniment.core.errors import (
    CardNotFound,
    EvaluationNotFound,
    EvidenceInconsistent,
    InvalidAttestation,
    InvalidCard,
    InvalidEvidence,
    InvalidPolicy,
)
from muniment.core.gates.policy import Policy
from muniment.evaluation.charts import draw
from muniment.evaluation.files import Columns, evaluate_file, evaluate_model
from muniment.evaluation.importing import read_results
from muniment.evaluation.rendering import draw_spec

CARD_TEXT = """\
---
licence: Apache-2.0
contacts: [Ada]
tags: [tabular]
---
# Readmission

Predicts who comes back.

## Intended use

Rank patients for a call.

```
## not a heading
```

### Details

More.

## Limitations

Trained on one hospital.
"""


@pytest.fixture
def version(registry: Registry, model: Path) -> Version:
    """Give a version to evaluate."""
    return registry.push(model, "acme/x")


def rows(path: Path, n: int = 60, seed: int = 1) -> Path:
    """Write predictions of n rows."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 2, n)
    score = np.clip(true * 0.4 + random.random(n) * 0.6, 0, 1)
    sex = random.choice(["f", "m"], n)
    pd.DataFrame(
        {
            "y": true,
            "p": (score > 0.5).astype(int),
            "s": score,
            "sex": sex,
            "site": random.choice(["1", "2"], n),
        }
    ).to_csv(path, index=False)
    return path


def evaluate(version: Version, data: Path) -> None:
    table = pd.read_csv(data)
    version.evaluate(
        table["y"].tolist(),
        table["p"].tolist(),
        table["s"],
        dataset=data,
        groups={"sex": table["sex"].tolist()},
    )


def let_in_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let in evidence that contradicts itself, as another registry may have done."""
    monkeypatch.setattr("muniment.signing.schemas.list_contradictions", lambda _: [])


def test_verify_computes_the_metrics_again(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stated AUC that does not follow from its curve is refused; where it was let in, `verify` fails."""
    evaluate(version, rows(tmp_path / "holdout.csv"))
    assert all(check.passed for check in version.verify())
    lie: Any = json.loads(json.dumps(version.evidence()[-1].predicate))
    lie["metrics"]["roc_auc"]["value"] = 0.999
    with pytest.raises(InvalidAttestation, match=r"contradicts itself: roc_auc is 0\.999, its counts give"):
        version.attest(EVALUATION, lie)
    let_in_everything(monkeypatch)
    version.attest(EVALUATION, lie)
    (failed,) = (check for check in version.verify() if not check.passed)
    assert isinstance(failed.error, EvidenceInconsistent)
    assert failed.error.contradictions[0].startswith("roc_auc is 0.999, its counts give ")


def test_a_gate_does_not_believe_evidence_that_contradicts_itself(
    registry: Registry, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate fails on evidence that contradicts itself, however good its metric is."""
    rule: Json = {"rule": "threshold", "metric": "accuracy", "op": ">=", "value": 0.1}
    registry.policies.set("acme/x", "production", {"rules": [rule]}, reason="agreed")
    evaluate(version, rows(tmp_path / "holdout.csv"))
    assert version.check("production").passed
    lie: Any = json.loads(json.dumps(version.evidence()[-1].predicate))
    lie["metrics"]["accuracy"]["value"] = 1.0
    let_in_everything(monkeypatch)
    version.attest(EVALUATION, lie)
    verdict = version.check("production")
    assert not verdict.passed
    assert "contradicts itself: accuracy is 1" in verdict.failures[0]


def test_a_leaderboard_ranks_over_the_same_bytes_only(registry: Registry, tmp_path: Path) -> None:
    """A leaderboard ranks versions over one dataset and gives the reason for each that it leaves out."""
    holdout, other = rows(tmp_path / "holdout.csv"), tmp_path / "other"
    other.mkdir()
    versions = []
    for number in range(5):
        (tmp_path / "weights.bin").write_bytes(bytes([number]))
        versions.append(registry.push(tmp_path / "weights.bin", "acme/x"))
    evaluate(versions[0], holdout)
    versions[1].record_evaluation({"task": "other", "n": 60}, dataset=holdout, metrics={"roc_auc": 0.5})
    evaluate(versions[2], rows(other / "holdout.csv", seed=2))
    versions[3].record_evaluation({"task": "other", "n": 60}, dataset=holdout, metrics={"mae": 0.5})
    evaluate(versions[0], holdout)
    board = registry.leaderboard("acme/x", "roc_auc", "holdout.csv")
    assert [(row.version, row.place) for row in board.rows[:1]] == [("acme/x@1", 1)]
    assert {row.version: row.why for row in board.rows[1:]} == {
        "acme/x@2": "it cannot be compared: another task",
        "acme/x@3": "its holdout.csv has other bytes",
        "acme/x@4": "roc_auc was not measured",
        "acme/x@5": "it was never evaluated",
    }
    lower = registry.leaderboard("acme/x", "mae", board.dataset)
    assert (lower.lower_is_better, lower.rows[0].version) == (True, "acme/x@4")
    with pytest.raises(EvaluationNotFound, match="no version has an evaluation"):
        registry.leaderboard("acme/x", "roc_auc", "nothing")


@pytest.mark.parametrize("form", FORMS)
def test_reports_have_every_form(version: Version, tmp_path: Path, form: str) -> None:
    """Reports render as text, documents, chart specifications and pictures."""
    evaluate(version, rows(tmp_path / "holdout.csv"))
    version.set_card(muniment.read_card(CARD_TEXT))
    files = dict(write_report(version, form))
    assert files
    first = next(iter(files.values()))
    starts = {"svg": b"<svg", "png": b"\x89PNG", "markdown": b"# acme/x@1", "huggingface": b"---\nlicense"}
    assert first.startswith(starts.get(form, b"{"))
    if form == "huggingface":
        card: Any = ModelCard(first.decode())
        (result, *_) = card.data.eval_results or []
        assert (card.data.license, result.dataset_name) == ("apache-2.0", "holdout.csv")
        assert card.data.model_name == "x"


def test_every_chart_can_be_drawn(version: Version, tmp_path: Path) -> None:
    """vl-convert accepts each chart specification."""
    evaluate(version, rows(tmp_path / "holdout.csv"))
    charts = draw(version.evidence()[-1].predicate)
    expected = {"confusion_matrix", "roc", "precision_recall", "lift", "thresholds", "calibration", "groups"}
    assert set(charts) == expected
    for chart in charts.values():
        assert b"</svg>" in draw_spec(chart, "svg")


@pytest.mark.parametrize(
    ("document", "metrics"),
    [
        ({"metrics": {"accuracy_score": 0.9, "note": "x"}}, {"accuracy_score": 0.9}),
        ({"roc_auc": 0.8, "loss": float("nan")}, {"roc_auc": 0.8}),
        (
            {"model-index": [{"name": "m", "results": [
                {"task": {"type": "text-classification"}, "dataset": {"type": "glue", "split": "test"},
                 "metrics": [{"type": "accuracy", "value": 0.7}]}]}]},
            {"accuracy": 0.7},
        ),
        ([{"dataset": {"id": "cais/hle", "task_id": "hle"}, "value": 20.9}], {"hle": 20.9}),
    ],
)  # fmt: skip
def test_results_from_elsewhere_are_given(
    version: Version, tmp_path: Path, document: Json, metrics: dict[str, float]
) -> None:
    """Results of MLflow, model-index and .eval_results are imported and marked as given."""
    (results,) = read_results(document)
    assert results.metrics == metrics
    data = rows(tmp_path / "holdout.csv")
    version.record_evaluation({"task": results.task, "n": 60}, dataset=data, metrics=results.metrics)
    name = next(iter(metrics))
    assert version.evidence()[-1].metrics[name] == {"value": metrics[name], "source": "given"}


@pytest.mark.parametrize("document", [{}, [], "x", None, {"model-index": 3}, {"metrics": {"a": "b"}}])
def test_what_holds_no_result_is_refused(document: Json) -> None:
    """A file without a result is refused."""
    with pytest.raises(InvalidEvidence, match="no metric"):
        read_results(document)


def rounded(document: Any) -> Any:  # noqa: ANN401 - JSON
    """Round numbers: sums in another order differ in their last digits."""
    if isinstance(document, float):
        return float(f"{document:.12g}")
    if isinstance(document, dict):
        return {name: rounded(one) for name, one in document.items()}
    return [rounded(one) for one in document] if isinstance(document, list) else document


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_are_read_in_pieces(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a file in pieces gives the same evidence as reading it whole, also for pairs of groups."""
    path = rows(tmp_path / "rows.csv", n=500)
    if suffix == "parquet":
        pd.read_csv(path, dtype={"site": str}).to_parquet(tmp_path / "rows.parquet")
        path = tmp_path / "rows.parquet"
    columns = Columns(target=("y",), prediction=("p",), score=("s",), groups=("sex", "sex,site"))
    whole: Any = evaluate_file(path, "classification", columns)
    monkeypatch.setattr("muniment.evaluation.tables.ROWS", 7)
    pieces = evaluate_file(path, "classification", columns)
    assert rounded(whole) == rounded(pieces)
    assert [g["value"] for g in whole["groups"] if g["column"] == "sex,site"] == ["f,1", "f,2", "m,1", "m,2"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"x,y\n1,2\n", "no column 'p'"),
        ("a.csv", b"", "cannot be read as a table"),
        ("a.csv", b"y,p\n1,1,1,1\n2,2,2,2,2\n", "cannot be read as a table"),
        ("a.csv", b"y,p\n1,1,1\n2,2,1\n", "cannot be read as a table"),
        ("a.csv", b"y,p\n", "no row"),
        ("a.csv", b"y,p\n\xff\xfe,1\n", "cannot be read as a table"),
        ("a.parquet", b"y,p\n1,1\n", "cannot be read as a table"),
        ("a.parquet", b"PAR1 and no more", "cannot be read as a table"),
        ("a.csv", b"PAR1\x00\x00", "cannot be read as a table"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """A file with wrong columns or no rows, or a broken Parquet file, is refused."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidEvidence, match=reason):
        evaluate_file(tmp_path / name, "classification", Columns(target=("y",), prediction=("p",)))


MEASURE = """
import resource, sys
from pathlib import Path
from muniment.evaluation.files import Columns, evaluate_file
columns = Columns(target=("y",), prediction=("p",), score=("s",))
for path in sys.argv[1:]:
    rows = evaluate_file(Path(path), "classification", columns)["n"]
    print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


@pytest.mark.slow
def test_millions_of_rows_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    """Twenty-five times as many rows take less than 40 MiB more memory."""
    few, many = rows(tmp_path / "few.csv", n=100_000), tmp_path / "many.csv"
    header, _, lines = few.read_bytes().partition(b"\n")
    many.write_bytes(header + b"\n" + lines * 25)
    command = [sys.executable, "-c", MEASURE, str(few), str(many)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = [tuple(map(int, line.split())) for line in result.stdout.splitlines()]
    assert [count for count, _ in measured] == [100_000, 2_500_000]
    # The columns alone, as numbers, would take 57 MiB.
    assert measured[1][1] < measured[0][1] + 40


TABLES: dict[str, tuple[Callable[..., Any], Any]] = {
    "breast_cancer": (load_breast_cancer, LogisticRegression(solver="newton-cholesky")),
    "wine": (load_wine, LogisticRegression(solver="newton-cholesky")),
    "digits": (load_digits, LogisticRegression(max_iter=5000)),
    "diabetes": (load_diabetes, LinearRegression()),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_model_predicts_the_rows_itself(registry: Registry, tmp_path: Path, name: str) -> None:
    """A verified model is evaluated as scikit-learn would do it, and how it was done is recorded."""
    load, estimator = TABLES[name]
    frame = load(as_frame=True).frame
    train, test = frame[::2], frame[1::2]
    test.to_csv(tmp_path / "holdout.csv", index=False)
    features = [column for column in frame if column != "target"]
    fitted = estimator.fit(train[features], train["target"])
    run = muniment.Run()
    run.save(fitted, tmp_path / "model")
    version = registry.push(tmp_path / "model", f"real/{name.replace('_', '-')}")
    version.evaluate_model(tmp_path / "holdout.csv", "target", split="test")
    (evidence,) = version.evidence()
    metric = evidence.find_metric("r2" if name == "diabetes" else "roc_auc")
    assert metric is not None
    if name == "diabetes":
        assert metric.value == pytest.approx(fitted.score(test[features], test["target"]))
    else:
        proba = fitted.predict_proba(test[features])
        scores = proba[:, 1] if name == "breast_cancer" else proba
        assert metric.value == pytest.approx(roc_auc_score(test["target"], scores, multi_class="ovr"))
    procedure: Any = evidence.predicate["procedure"]
    assert (procedure["target"], procedure["features"]) == ("target", features)
    assert evidence.dataset_name == "holdout.csv:test"
    assert all(check.passed for check in version.verify())


def test_an_unknown_label_at_test_time_is_counted(tmp_path: Path) -> None:
    """A true label that the model never predicts gets a row of the confusion matrix."""
    table = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": ["a", "a", "b", "b"]})
    fitted = LogisticRegression().fit(table[["x"]], table["y"])
    table.loc[3, "y"] = "new"
    table.to_csv(tmp_path / "t.csv", index=False)
    evaluation: Any = evaluate_model(fitted, tmp_path / "t.csv", "y")[0]
    assert evaluation["confusion_matrix"]["labels"] == ["a", "b", "new"]


def test_a_card_is_an_attestation_and_the_old_one_stays(version: Version) -> None:
    """The newest card counts, and older ones stay on record as written."""
    with pytest.raises(CardNotFound):
        version.card()
    version.set_card(muniment.read_card(CARD_TEXT))
    card = version.card()
    assert (card.title, card.licence, card.contacts) == ("Readmission", "Apache-2.0", ("Ada",))
    assert card.intended_use == "Rank patients for a call.\n\n```\n## not a heading\n```"
    assert card.limitations == "Trained on one hospital."
    assert card.others == {"Summary": "Predicts who comes back.", "Details": "More."}
    version.set_card(muniment.read_card(CARD_TEXT.replace("one hospital", "two hospitals")))
    assert version.card().limitations == "Trained on two hospitals."
    assert len(version.claims(CARD)) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\na: [\n---\n", "not YAML"),
        ("---\n- a\n---\n# x", "not an object"),
        ("---\na: 1\n", "no end"),
        ("", "nothing in it"),
        ("x" * 2_000_001, "characters"),
    ],
)
def test_cards_that_cannot_be_read_are_refused(version: Version, text: str, reason: str) -> None:
    """A card that cannot be read is refused with a reason and not recorded."""
    with pytest.raises(InvalidCard, match=reason):
        muniment.read_card(text)
    with pytest.raises(InvalidAttestation):
        version.attest(CARD, {"licence": 3})


def test_a_policy_can_ask_for_fields_of_a_card(registry: Registry, version: Version) -> None:
    """A required field has to be in the newest card; older cards do not fill its gaps."""
    rule: Json = {"rule": "card", "required": ["intended_use", "limitations", "licence", "contacts"]}
    registry.policies.set("acme/x", "production", {"rules": [rule]}, reason="agreed")
    assert "there is no card" in version.check("production").failures[0]
    version.set_card(muniment.read_card(CARD_TEXT))
    assert version.check("production").passed
    version.set_card(
        muniment.read_card("---\nlicence: MIT\ncontacts: [' ']\n---\n# x\n## Limitations\nmany\n")
    )
    assert "lacks intended_use, contacts" in version.check("production").failures[0]
    with pytest.raises(InvalidPolicy, match="not a field of a card"):
        Policy.read({"rules": [{"rule": "card", "required": ["charm"]}]})


def test_the_commands_evaluate_rank_and_report(
    registry: Registry, model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands evaluate every task from columns, import results, rank versions and write reports."""
    registry.push(model, "acme/x")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(1)
    table = pd.read_csv(rows(tmp_path / "rows.csv"))
    table["v"], table["w"] = random.random(60), random.random(60)
    table["query"], table["judge"] = [n % 6 for n in range(60)], 4.5
    table["truth"], table["output"] = "a b c d", ["a b c d", "a b c"] * 30
    table.to_csv("rows.csv", index=False)
    (tmp_path / "other").mkdir()
    table.assign(v=table["v"] + 1).to_csv("other/rows.csv", index=False)

    def run(*words: str, exits: int = 0) -> str:
        result = CliRunner().invoke(main, list(words))
        assert result.exit_code == exits, (words, result.output, result.stderr)
        return result.output + result.stderr

    common = ("evaluate", "acme/x@1", "--data", "rows.csv")
    tasks = {
        "binary-classification": (
            "--target",
            "y",
            "--prediction",
            "p",
            "--score",
            "s",
            "--metric",
            "p99=12.5",
        ),
        "regression": ("--task", "regression", "--target", "v", "--prediction", "w", "--unit", "kg"),
        "multilabel-classification": ("--task", "multilabel", "--target", "y,p", "--prediction", "p,y"),
        "ranking": ("--task", "ranking", "--target", "y", "--score", "s"),
        "text-generation": (
            "--task",
            "text",
            "--target",
            "truth",
            "--prediction",
            "output",
            "--judge",
            "judge",
        ),
        "drift": ("--task", "drift", "--reference-data", "other/rows.csv"),
    }
    version = registry.version("acme/x@1")
    for task, words in tasks.items():
        run(*common, *words)
        evidence = version.evidence()[-1]
        assert (evidence.task, evidence.find_contradictions()) == (task, [])
    (tmp_path / "results.json").write_text('{"metrics": {"loss": 1e-05}}')
    run(*common, "--from", "results.json")
    assert version.evidence()[-1].metrics["loss"] == {"value": 1e-05, "source": "given"}
    (tmp_path / "card.md").write_text(
        "---\nmodel-index: [{name: x, results: [{metrics: [{type: f1, value: 0.5}]}]}]\n---\n"
    )
    run(*common, "--from", "card.md", "--data", "rows.csv")
    whole = json.loads(json.dumps(version.evidence()[0].predicate))
    (tmp_path / "whole.json").write_text(json.dumps({**whole, "time": "2026-02-02T00:00:00Z"}))
    run("evaluate", "acme/x@1", "--from", "whole.json")
    assert "invalid_option" in run("evaluate", "acme/x@1", "--target", "y", exits=2)
    (tmp_path / "bad.json").write_bytes(b"\xff")
    assert "not UTF-8" in run(*common, "--from", "bad.json", exits=2)
    (tmp_path / "bad.json").write_text("[" * 100_000)
    assert "neither JSON nor YAML" in run(*common, "--from", "bad.json", exits=2)
    assert "acme/x@1" in run("leaderboard", "acme/x", "--metric", "roc_auc", "--dataset", "rows.csv")
    run("report", "acme/x@1", "--format", "svg", "-o", "charts")
    assert len(list((tmp_path / "charts").glob("*.svg"))) > 10
    assert "# acme/x@1" in run("report", "acme/x@1")
    assert "--output" in run("report", "acme/x@1", "--format", "png", exits=2)
    assert all(check.passed for check in version.verify())
