"""Measure an evaluation of millions of rows, as another process, beside scikit-learn over the same file.

MUNIMENT_BENCH_ROWS sets the number of rows.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from measure import Row, compare_children, median

_ROWS = int(os.environ.get("MUNIMENT_BENCH_ROWS", "5000000"))
_RUNS = 2

_OURS = """
import sys
from pathlib import Path
from muniment.evaluation.files import Columns, evaluate_file
columns = Columns(target=("y",), prediction=("p",), score=("s",), groups=("sex",))
assert evaluate_file(Path(sys.argv[1]), "classification", columns)["n"] == int(sys.argv[2])
"""
_THEIRS = """
import sys
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, classification_report, roc_auc_score
table = pd.read_parquet(sys.argv[1])
for part in (table, *(group for _, group in table.groupby("sex"))):
    classification_report(part["y"], part["p"], output_dict=True)
    roc_auc_score(part["y"], part["s"])
    average_precision_score(part["y"], part["s"])
    brier_score_loss(part["y"], part["s"])
assert len(table) == int(sys.argv[2])
"""


def run(directory: Path) -> list[Row]:
    """Evaluate a Parquet file of binary labels, scores and groups."""
    path = directory / "rows.parquet"
    _write(path)
    commands = [[sys.executable, "-c", script, str(path), str(_ROWS)] for script in (_OURS, _THEIRS)]
    ours, theirs = compare_children(commands[0], commands[1], _RUNS)
    wall_s, peak_mb = (median([getattr(one, name) for one in ours]) for name in ("wall_s", "peak_mb"))
    what = f"evaluate {_ROWS:,} rows with scores and groups"
    slower = median([a.wall_s / b.wall_s for a, b in zip(ours, theirs, strict=True)])
    smaller = median([a.peak_mb / b.peak_mb for a, b in zip(ours, theirs, strict=True)])
    return [
        Row(f"{what}, times scikit-learn's time", f"{slower:.1f} ({wall_s:.0f} s)", "", None),
        Row(f"{what}, times scikit-learn's memory", f"{smaller:.2f} ({peak_mb:.0f} MB)", "< 1", smaller < 1),
    ]


def _write(path: Path) -> None:
    random = np.random.default_rng(0)
    true = (random.random(_ROWS) < 0.02).astype(np.int64)
    scores = 1 / (1 + np.exp(-random.normal(true * 2.0 - 4.0, 1.0)))
    table = {"y": true, "p": (scores > 0.2).astype(np.int64), "s": scores}
    pd.DataFrame({**table, "sex": random.choice(["f", "m"], _ROWS)}).to_parquet(path)
