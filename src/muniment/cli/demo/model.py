"""The model of the demo: a classifier of tumours, trained on data from scikit-learn."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import muniment
from muniment.capture.run import Run

POSITIVE: Final = "malignant"
_TEXTURE: Final = "mean texture"
_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a CSV file: features (n, 30), labels (n,), and groups by cell texture (n,)."""

    features: NDArray[np.float64]
    labels: list[str]
    texture: list[str]


def write_data(directory: Path) -> tuple[Path, Path, Path]:
    """Write CSV files: a few training rows, more training rows, and the holdout."""
    source = load_breast_cancer()
    names = [*source.feature_names]
    labels = [str(source.target_names[t]) for t in source.target]
    split = train_test_split(source.data, labels, test_size=0.35, random_state=_SEED, stratify=labels)
    features, holdout, truth, holdout_truth = split
    some = len(truth) * 2 // 3
    return (
        _write(directory / "train.csv", names, features[:some], truth[:some]),
        _write(directory / "train-more.csv", names, features, truth),
        _write(directory / "holdout.csv", names, holdout, holdout_truth),
    )


def _write(path: Path, names: list[str], rows: NDArray[np.float64], labels: list[str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "diagnosis"])
        writer.writerows([*row, label] for row, label in zip(rows.tolist(), labels, strict=True))
    return path


def read_data(path: Path) -> Table:
    """Read rows; the group is coarse or fine, relative to the median texture of the file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "diagnosis"]
    features = np.array([[float(row[name]) for name in names] for row in rows])
    column = features[:, names.index(_TEXTURE)]
    texture = ["coarse" if value > np.median(column) else "fine" for value in column]
    return Table(features, [row["diagnosis"] for row in rows], texture)


def train(train_csv: Path, directory: Path, *, strength: float) -> tuple[Run, Pipeline]:
    """Train a regularised logistic regression inside a run, which records its inputs."""
    with muniment.run(params={"C": strength, "max_iter": 1000}, seed=_SEED) as run:
        table = read_data(run.dataset("tumours-train", train_csv))
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        model.fit(table.features, table.labels)
        run.save(model, directory)
    return run, model


def positive_score(model: Pipeline, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of the positive label, shape (n,)."""
    scores: NDArray[np.float64] = model.predict_proba(features)[:, list(model.classes_).index(POSITIVE)]
    return scores
