"""Models: a list of them, and the log of the versions of one, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muniment.core.records import ModelRecord, VersionRecord
from muniment.views.listing import view_list
from muniment.views.values import Headline, Size, Time, name_people
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSummary:
    """What a list says of a version.

    Attributes:
        message: the message that it was published with; None if there is none or it was erased.
        commit: the commit of its code, in short; empty if none is on record.
        headline: the metric that people look at first, as its newest evaluation states it.
        standing: what nobody should overlook, in a word or two.
    """

    record: VersionRecord
    message: str | None = None
    aliases: tuple[str, ...] = ()
    commit: str = ""
    headline: Headline | None = None
    standing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What a list says of a model.

    Attributes:
        owner: the principal who answers for it.
        aliases: the numbers that its aliases point at.
        newest: its newest version.
        description: what it is, as the newest card says; else the message of its newest version.
    """

    record: ModelRecord
    owner: str | None
    aliases: Mapping[str, int]
    newest: VersionSummary
    description: str


def view_models(  # noqa: PLR0913 - what it shows, and how whole it is
    prefix: str,
    models: Sequence[ModelSummary],
    names: Mapping[str, str],
    now: str,
    *,
    found: bool,
    rest: bool,
) -> View:
    """Show the models whose names start with a prefix; `rest` says that there are more than these."""
    mark = Mark.FOUND if found else Mark.RECORDED
    # What was only found may be less than there is.
    empty = "no model is found: muniment push PATH NAMESPACE/MODEL publishes one"
    if not found:
        empty = f"no model has a name that starts with {prefix}: muniment list shows all"
    columns = (
        Column("name", "model"),
        Column("kind", "kind", is_drawn=any(model.record.kind != "model" for model in models)),
        Column("latest", "latest", is_number=True),
        Column("aliases", "aliases"),
        Column("owner", "owner"),
        Column("headline", "metric (stated)"),
        Column("published", "age"),
        Column("description", "description", below=True),
    )
    return view_list(
        "models",
        "Models",
        columns,
        [_view_model(model, names, mark) for model in models],
        now,
        note=_say_rest(rest=rest),
        found=found,
        whole=not rest,
        empty=empty,
    )


def view_versions(  # noqa: PLR0913 - what it shows, and how whole it is
    title: str,
    versions: Sequence[VersionSummary],
    names: Mapping[str, str],
    now: str,
    *,
    found: bool = False,
    rest: bool = False,
) -> View:
    """Show versions, in the order that they come in; `rest` says that there are more."""
    mark = Mark.FOUND if found else Mark.RECORDED
    several = len({version.record.name for version in versions}) > 1 or found
    columns = (
        Column("reference", "version", is_drawn=several),
        Column("name", "model", is_drawn=False),
        Column("number", "version", is_number=True, is_drawn=not several),
        Column("aliases", "aliases"),
        Column("standing", "", is_drawn=any(version.standing for version in versions)),
        Column("headline", "metric (stated)"),
        Column("author", "author"),
        Column("published", "age"),
        Column("commit", "commit", in_full=True, is_drawn=any(version.commit for version in versions)),
        Column("size", "size", is_number=True, in_full=True),
        Column("digest", "digest", in_full=True),
        Column("message", "message", below=True),
    )
    return view_list(
        "versions",
        title,
        columns,
        [_view_version(version, names, mark) for version in versions],
        now,
        heading="Versions",
        note=_say_rest(rest=rest),
        found=found,
        whole=not rest,
        empty="no version meets it: docs/reference/search.md has the conditions",
    )


def _view_model(model: ModelSummary, names: Mapping[str, str], mark: Mark) -> Row:
    record, newest = model.record, model.newest
    return Row(
        cells=(
            record.name,
            record.kind,
            record.latest,
            tuple(f"{alias} @{number}" for alias, number in sorted(model.aliases.items())),
            None if model.owner is None else name_people(names, model.owner),
            newest.headline,
            Time(newest.record.published),
            model.description or None,
        ),
        vouched=Vouched(mark, record.index),
        tone=Tone.WARN if newest.standing else Tone.PLAIN,
        note=f"{record.name}@{record.latest}: {newest.standing}" if newest.standing else "",
    )


def _view_version(version: VersionSummary, names: Mapping[str, str], mark: Mark) -> Row:
    record = version.record
    return Row(
        cells=(
            f"{record.name}@{record.number}",
            record.name,
            record.number,
            version.aliases,
            version.standing or None,
            version.headline,
            name_people(names, record.author),
            Time(record.published),
            version.commit or None,
            Size(record.size_bytes),
            record.revision,
            version.message,
        ),
        vouched=Vouched(mark, record.index),
        tone=Tone.BAD if version.standing else Tone.PLAIN,
    )


def _say_rest(*, rest: bool) -> str:
    return "the first of more: --limit shows them" if rest else ""
