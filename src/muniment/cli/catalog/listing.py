"""`muniment list`, `identify`, `history` and `diff`."""

import sys
from collections.abc import Sequence

import click

from muniment.cli.completing import NAME, REFERENCE
from muniment.cli.drawing import draw_table
from muniment.cli.gates.standing import find_standing
from muniment.cli.session import connect
from muniment.cli.terminal import NO, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, output_option
from muniment.client.sdk.registry import Registry
from muniment.client.versions.comparing import Difference
from muniment.client.versions.identifying import Match
from muniment.core.canonical import Json
from muniment.core.records import VersionRecord
from muniment.core.verbs.gates import Move

_limit = click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="The most rows."
)


@click.command("list")
@click.argument("query", type=NAME, default="")
@_limit
@output_option
@at_option
@json_option
@click.pass_obj
def list_(terminal: Terminal, query: str, *, limit: int, output: str | None, at: str | None) -> None:
    """List models, the versions of a model, or search results.

    Without QUERY, list all models. With the beginning of a name, list the models that match; with a whole
    name, list its versions. With a condition, list the versions that meet it: 'metric.auc > 0.9 and
    param.depth = 6 order by created' (docs/reference/search.md). Models of a namespace and versions are
    listed whole, which is proven; namespaces and search results are found, and there may be more.
    """
    with connect(terminal) as registry:
        answer_view(terminal, registry.overview(query, limit=limit, at=at), output=output)


@click.command()
@click.argument("name", type=NAME)
@_limit
@output_option
@at_option
@json_option
@click.pass_obj
def log(terminal: Terminal, name: str, *, limit: int, output: str | None, at: str | None) -> None:
    """Show the versions of a model, newest first.

    For each version: its message, author, commit and headline metric, and the aliases that point at it.
    """
    with connect(terminal) as registry:
        answer_view(terminal, registry.log(name, limit=limit, at=at), output=output)


@click.command()
@click.argument("what", metavar="PATH|DIGEST")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The most versions to print."
)
@json_option
@click.pass_obj
def identify(terminal: Terminal, what: str, *, limit: int) -> None:
    """Find the versions that a file belongs to.

    Takes a file, a directory or a digest (sha256:...). Each match is proven by the log, but there may be
    more. Exit 0 if every file is known, 1 if one is not.
    """
    with connect(terminal) as registry:
        identified = registry.identify(what, limit=limit)
        versions = [match.version.record for match in identified.matches]
        standing = _find_standing(registry, versions)
    if identified.matches and not terminal.as_json:
        rows = [
            (str(match.version), word, _describe_match(match), match.version.record.published)
            for match, word in zip(identified.matches, standing, strict=True)
        ]
        draw_table(("version", "", "has", "published"), rows, alarming=[bool(word) for word in standing])
    matches = [
        {**match.version.record.values(), "files": dict(match.files), "whole": match.whole}
        for match in identified.matches
    ]
    terminal.answer_found(
        {"matches": matches, "unknown": list(identified.unknown)},
        [f"no version is found that has {path}" for path in identified.unknown],
    )
    if identified.unknown:
        sys.exit(NO)


@click.command()
@click.argument("reference", type=REFERENCE, metavar="NAME[@ALIAS]")
@at_option
@json_option
@click.pass_obj
def history(terminal: Terminal, reference: str, at: str | None) -> None:
    """Show the moves of an alias.

    With a model's name alone, show the moves of all its aliases: who moved what, when and why.
    """
    name, _, alias = reference.partition("@")
    with connect(terminal) as registry:
        moves = registry.history(name, alias or None, at=at)
        rows = [_describe_move(registry, move) for move in moves]
    emergencies = [bool(move.record.emergency) for move in moves]
    if terminal.as_json:
        terminal.answer([{**move.record.values(), "text": move.reason} for move in moves], [])
        return
    terminal.note_none(moves, f"no alias of {name} has moved: muniment promote {name} ALIAS points one at it")
    if moves:
        draw_table(("time", "alias", "from", "to", "by", "why", "entry"), rows, alarming=emergencies)


@click.command()
@click.argument("before", type=REFERENCE)
@click.argument("after", type=REFERENCE)
@click.option(
    "--norms", is_flag=True, help="Measure how much each changed tensor changed; reads the tensors."
)
@json_option
@click.pass_obj
def diff(terminal: Terminal, before: str, after: str, *, norms: bool) -> None:
    """Show what changed between two versions.

    Compares files, tensors, training, metrics, cards and signers.
    """
    with connect(terminal) as registry:
        comparison = registry.diff(before, after, norms=norms)
    if terminal.as_json:
        differences = [_describe_difference(one) for one in comparison.differences]
        not_compared: list[Json] = [
            {"what": one.what, "versions": list(one.versions), "sections": list(one.sections)}
            for one in comparison.unrecorded
        ]
        same: list[Json] = list(comparison.same)
        terminal.answer({"differences": differences, "same": same, "unrecorded": not_compared}, [])
        return
    rows = [
        (one.section, one.name, _brief(one.before), _brief(one.after), _describe_change(one))
        for one in comparison.differences
    ]
    if rows:
        draw_table(("section", "what", before, after, "change"), rows)
    lines = [f"the same in both: {', '.join(comparison.same) or 'nothing'}"]
    terminal.answer(None, [*lines, *map(str, comparison.unrecorded)])


def _describe_match(match: Match) -> str:
    if match.whole:
        return "all its files"
    path, *more = match.files.values()
    return f"{path} and {len(more)} more" if more else path


def _find_standing(registry: Registry, versions: Sequence[VersionRecord]) -> list[str]:
    return find_standing(registry, [f"{version.name}@{version.number}" for version in versions])


def _describe_move(registry: Registry, move: Move) -> tuple[object, ...]:
    record = move.record
    actor = registry.people.get(record.actor).name or record.actor
    before = "" if record.previous is None else f"@{record.previous}"
    why = f"EMERGENCY: {move.reason or '(erased)'}" if record.emergency else move.reason
    after = "(removed)" if record.number is None else f"@{record.number}"
    return record.moved, record.alias, before, after, actor, why, record.index


def _describe_difference(one: Difference) -> Json:
    return {
        "section": one.section,
        "name": one.name,
        "before": one.before,
        "after": one.after,
        "kind": one.kind,
        "delta": one.delta,
        "real": one.real,
        "norm": one.norm,
    }


def _brief(value: Json) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    text = " ".join(str(value).split())
    most = 19 if text.startswith("sha256:") else 60
    return f"{text[:most]}…" if len(text) > most else text


def _describe_change(one: Difference) -> str:
    """Describe a change: its kind or, for a number, its size, and whether it exceeds the intervals."""
    parts = [one.kind if one.delta is None else f"{one.delta:+.4g}"]
    if one.real is not None:
        parts.append("real" if one.real else "within the intervals")
    if one.norm is not None:
        parts.append(f"relative norm {one.norm:.3g}")
    return ", ".join(parts)
