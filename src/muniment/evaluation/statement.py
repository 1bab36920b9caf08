"""Put what was measured into the form of `evaluation/v1`: over which data, by which tool, when."""

import math
from collections.abc import Mapping
from importlib import metadata
from typing import Final

from muniment import __version__
from muniment.core.canonical import Json, JsonObject
from muniment.core.errors import InvalidEvidence

_LIBRARIES: Final = ("fairlearn", "numpy", "sacrebleu", "scikit-learn", "scipy")
_DIRECTIONS: Final = frozenset({"higher", "lower"})


def write_evaluation(  # noqa: PLR0913 - what an evaluation says besides its numbers
    results: JsonObject,
    *,
    dataset: JsonObject,
    time: str,
    code: JsonObject | None = None,
    procedure: JsonObject | None = None,
    metrics: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Complete what one of the functions of `muniment.evaluation` results.

    `metrics` are numbers from elsewhere, by name: a number, or `{"value", "direction", "unit", "interval"}`.
    They are marked as given: no counts are there to check them by.

    Raises:
        InvalidEvidence: such a metric is no finite number, or goes by the name of a computed one.
    """
    computed = results.get("metrics")
    known = dict(computed) if isinstance(computed, Mapping) else {}
    given = {name: read_given(name, value) for name, value in (metrics or {}).items()}
    taken = sorted(known.keys() & given.keys())
    if taken:
        raise InvalidEvidence(reason=f"{taken[0]} is computed here: call yours by another name")
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
    """Read a metric that somebody brings. Raises like `write_evaluation`."""
    stated = dict(value) if isinstance(value, Mapping) else {"value": value}
    number = stated.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise InvalidEvidence(reason=f"{name} is not a finite number")
    if stated.get("direction", "higher") not in _DIRECTIONS:
        raise InvalidEvidence(reason=f"the direction of {name} is higher or lower")
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
