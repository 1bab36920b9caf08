"""Write results as `evaluation/v1`, with their data, tool and time."""

import math
from collections.abc import Mapping
from importlib import metadata
from typing import Final

from muniment import __version__
from muniment.core.canonical import Json, JsonObject
from muniment.core.errors import InvalidEvidence

_LIBRARIES: Final = ("fairlearn", "numpy", "sacrebleu", "scikit-learn", "scipy")
_DIRECTIONS: Final = frozenset({"higher", "lower"})


def write_evaluation(  # noqa: PLR0913 - the members besides the numbers
    results: JsonObject,
    *,
    dataset: JsonObject,
    time: str,
    code: JsonObject | None = None,
    procedure: JsonObject | None = None,
    metrics: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Complete the results of a function of `muniment.evaluation`.

    `metrics` are external numbers by name: a number, or `{"value", "direction", "unit", "interval"}`. They
    are marked as given, because no counts prove them.

    Raises:
        InvalidEvidence: such a metric is not a finite number, or has the name of a computed one.
    """
    computed = results.get("metrics")
    known = dict(computed) if isinstance(computed, Mapping) else {}
    given = {name: read_given(name, value) for name, value in (metrics or {}).items()}
    taken = sorted(known.keys() & given.keys())
    if taken:
        raise InvalidEvidence(reason=f"{taken[0]} is already computed: use another name")
    return {
        **results,
        "dataset": dict(dataset),
        "tool": {"name": "muniment", "version": __version__, "libraries": _list_libraries()},
        "time": time,
        **({"code": dict(code)} if code else {}),
        **({"procedure": dict(procedure)} if procedure else {}),
        "metrics": {**known, **given},
    }


def read_given(name: str, value: Json) -> JsonObject:
    """Read an external metric. Raises like `write_evaluation`."""
    stated = dict(value) if isinstance(value, Mapping) else {"value": value}
    number = stated.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise InvalidEvidence(reason=f"{name} is not a finite number")
    if stated.get("direction", "higher") not in _DIRECTIONS:
        raise InvalidEvidence(reason=f"the direction of {name} must be higher or lower")
    unknown = set(stated) - {"value", "direction", "unit", "interval"}
    if unknown:
        raise InvalidEvidence(reason=f"{name} has an unknown member {min(unknown)!r}")
    return {**stated, "source": "given"}


def _list_libraries() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
