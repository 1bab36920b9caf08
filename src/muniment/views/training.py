"""Where a version comes from: the data, the code and the parameters of its training, as its author says."""

from collections.abc import Mapping
from typing import Final

from muniment.core.canonical import Json, JsonObject, object_in
from muniment.core.claims.attestations import Attestation
from muniment.core.claims.provenance import VERSION_URI, Input, Provenance
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDigest, InvalidTime
from muniment.core.times import read_time
from muniment.views.values import Given, Pairs, Time, Value
from muniment.views.view import Fact, Facts, Mark, Section, Vouched

# Which of the packages that were installed say what a model is made with.
_FRAMEWORKS: Final = (
    *("scikit-learn", "xgboost", "lightgbm", "catboost", "torch", "transformers", "tensorflow", "keras"),
    *("jax", "flax", "onnx", "statsmodels", "prophet", "sentence-transformers", "spacy"),
)
_MOST_PACKAGES: Final = 3
_COMMIT: Final = 12


def view_training(claim: Attestation | None) -> Section:
    """Show what the newest provenance of a version says."""
    facts: list[Fact] = []
    if claim is not None:
        provenance, stated = Provenance(claim.predicate), Vouched(Mark.STATED, claim.index)
        facts = [
            Fact(key=key, label=label, value=value, vouched=stated)
            for key, label, value in _list_facts(provenance)
            if value not in (None, "", ())
        ]
    return Section(
        key="training",
        title="Where from",
        blocks=(Facts(tuple(facts)),),
        aside=True,
        empty="no provenance is on record: muniment push PATH NAME --run FILE records it",
    )


def find_frameworks(provenance: Provenance) -> tuple[str, ...]:
    """List the frameworks among the packages that were installed for the training, with their versions."""
    packages = object_in(provenance.internal.get("packages"))
    return tuple(f"{name} {packages[name]}" for name in _FRAMEWORKS if name in packages)


def find_commit(provenance: Provenance) -> str:
    """Return the commit that the code was at, in short, and whether it had changes; empty without one."""
    git = object_in(provenance.internal.get("git"))
    commit = str(git.get("commit") or "")[:_COMMIT]
    return f"{commit}, with uncommitted changes" if commit and git.get("dirty") else commit


def _list_facts(provenance: Provenance) -> list[tuple[str, str, Value]]:
    inside = provenance.internal
    data = tuple(_name_input(one) for one in provenance.inputs if one.kind != "code")
    made = object_in(object_in(provenance.predicate.get("runDetails")).get("metadata"))
    platform = object_in(inside.get("platform"))
    command = provenance.external.get("command")
    started, finished = str(made.get("startedOn") or ""), str(made.get("finishedOn") or "")
    packages = object_in(inside.get("packages"))
    python = f"Python {platform['python']}, " if platform.get("python") else ""
    return [
        ("data", "data", data),
        ("code", "code", find_commit(provenance) or None),
        ("command", "command", " ".join(map(str, command)) if isinstance(command, list) else None),
        ("parameters", "parameters", _read_parameters(provenance)),
        ("seed", "seed", None if inside.get("seed") is None else Given(inside.get("seed"))),
        ("run", "run", (Time(started), *_write_length(started, finished)) if started else None),
        ("made_with", "made with", find_frameworks(provenance)),
        ("packages", "packages", f"{python}{count(len(packages), 'package')}" if packages else None),
    ]


def _read_parameters(provenance: Provenance) -> Value:
    parameters = tuple((name, Given(value)) for name, value in provenance.parameters.items())
    return Pairs(parameters) if parameters else None


def _write_length(started: str, finished: str) -> tuple[str, ...]:
    """Write how long a run took, if it says so."""
    try:
        spent = read_time(finished) - read_time(started)
    except InvalidTime:
        return ()
    minutes, seconds = divmod(round(spent.total_seconds()), 60)
    return (f"took {minutes} min {seconds} s" if minutes else f"took {seconds} s",)


def _name_input(one: Input) -> str:
    """Name an input: the version that it is, or its name and digest, and its rows."""
    name = one.uri[len(VERSION_URI) :] if _is_version(one.uri) else one.name
    digest = "" if _is_version(one.uri) else f" {_shorten(one.digest)}"
    rows = one.annotations.get("rows")
    size = f", {count(rows, 'row')}" if isinstance(rows, int) and not isinstance(rows, bool) else ""
    return f"{name}{digest}{size}".strip()


def _is_version(uri: str) -> bool:
    return uri.startswith(VERSION_URI) and "@" in uri


def _shorten(digest: str) -> str:
    try:
        return str(Digest.parse(f"sha256:{digest}"))[:19]
    except InvalidDigest:
        return digest[:_COMMIT]


def _plain(value: Json) -> Value:
    """Return a parameter as it can be shown."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(one)}" for name, one in value.items())
    return ", ".join(str(_plain(one)) for one in value)


def compare_training(before: JsonObject, after: JsonObject) -> list[str]:
    """Say in a line each what changed between two trainings: parameters, data, packages, code."""
    old, new = Provenance(before), Provenance(after)
    changes = [
        f"{name} from {_plain(old.parameters.get(name))} to {_plain(new.parameters.get(name))}"
        for name in sorted({*old.parameters, *new.parameters})
        if old.parameters.get(name) != new.parameters.get(name)
    ]
    ours, theirs = (
        {one.name: one.digest for one in side.inputs if one.kind != "code"} for side in (old, new)
    )
    changes += [
        f"data {name} {_describe_change(name in ours, name in theirs)}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    was, now = (object_in(side.internal.get("packages")) for side in (old, new))
    moved = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    if was and now and moved:
        changes += [
            f"{name} from {was.get(name, 'none')} to {now.get(name, 'none')}"
            for name in moved[:_MOST_PACKAGES]
        ]
        if len(moved) > _MOST_PACKAGES:
            changes.append(count(len(moved) - _MOST_PACKAGES, "other package"))
    return changes


def _describe_change(before: bool, after: bool) -> str:  # noqa: FBT001 - the two sides
    return "changed" if before and after else "added" if after else "left out"
