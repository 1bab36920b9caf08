"""Drift: the distance between the columns of two datasets, from counts in shared bins."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from muniment.core.canonical import Json
from muniment.core.claims.recomputation import recompute
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.intervals import metric
from muniment.evaluation.reading import Values

_BINS: Final = 10
_MAX_CATEGORIES: Final = 50
_OTHERS: Final = "(others)"
Column: TypeAlias = "pd.Series[Any]"


def compare_datasets(
    reference: Mapping[str, Values],
    current: Mapping[str, Values],
    columns: Sequence[str] = (),
) -> dict[str, Json]:
    """Compare the columns of two datasets by name, by default all common ones.

    Numbers are counted in deciles of the reference, other values one by one, missing values in a separate
    bin. PSI is the population stability index, KS the Kolmogorov-Smirnov statistic.

    Raises:
        InvalidEvidence: a column is missing or has no rows.
    """
    wanted = list(columns) or [name for name in reference if name in current]
    for name in wanted:
        if name not in reference or name not in current:
            raise InvalidEvidence(reason=f"column {name!r} is not in both datasets")
    if not wanted:
        raise InvalidEvidence(reason="the datasets have no column in common")
    pairs: dict[str, tuple[Column, Column]] = {
        name: (pd.Series(np.asarray(reference[name])), pd.Series(np.asarray(current[name])))
        for name in wanted
    }
    for name, (before, after) in pairs.items():
        if before.empty or after.empty:
            raise InvalidEvidence(reason=f"column {name!r} has no rows")
    counted = [_count(name, *pair) for name, pair in pairs.items()]
    # One place defines how the numbers follow from the counts.
    counts: dict[str, Json] = {"drift": {"columns": list(counted)}}
    metrics = {name: metric(value) for name, value in recompute(counts).items()}
    for name, (before, after) in pairs.items():
        if _is_numeric(before) and _is_numeric(after):
            test = ks_2samp(before.dropna(), after.dropna())
            metrics[f"ks.{name}"] = {**metric(float(test.statistic)), "source": "given"}
    n = len(next(iter(pairs.values()))[1])
    return {"task": "drift", "n": n, **counts, "metrics": metrics}


def _count(name: str, before: Column, after: Column) -> dict[str, Json]:
    if _is_numeric(before) and _is_numeric(after):
        known = before.dropna().to_numpy("float64")
        edges = (
            np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known) else np.empty(0)
        )
        counts = [_bin(side.to_numpy("float64"), edges) for side in (before, after)]
        return {
            "name": name,
            "kind": "numeric",
            # A bin lies between two edges; the last bin counts missing values.
            "edges": edges.tolist(),
            "reference_counts": counts[0],
            "current_counts": counts[1],
        }
    sides = [side.astype("object").where(side.notna(), "(missing)").astype(str) for side in (before, after)]
    labels = sides[0].value_counts().index[:_MAX_CATEGORIES].tolist()
    named = [side.where(side.isin(labels), _OTHERS).value_counts() for side in sides]
    bins = [*labels, _OTHERS]
    return {
        "name": name,
        "kind": "categorical",
        "labels": bins,
        "reference_counts": [int(named[0].get(label, 0)) for label in bins],
        "current_counts": [int(named[1].get(label, 0)) for label in bins],
    }


def _bin(values: NDArray[Any], edges: NDArray[Any]) -> list[int]:
    known = values[~np.isnan(values)]
    inside = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return [*inside.tolist(), int(np.isnan(values).sum())]


def _is_numeric(column: Column) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
