"""What bytes are: the versions that they belong to, and the files that no version is found to have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muniment.core.records import VersionRecord
from muniment.views.values import Pairs, Time, name_people
from muniment.views.view import Column, Mark, Row, Section, Table, Tone, View, Vouched


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A version that has some of the bytes.

    Attributes:
        files: their paths in the version, by where they were looked at; "" is its manifest.
        whole: whether these are all files of the version.
        standing: what nobody should overlook about it.
    """

    record: VersionRecord
    files: Mapping[str, str]
    whole: bool
    standing: str = ""


def view_identified(
    what: str, matches: Sequence[Matched], unknown: Sequence[str], names: Mapping[str, str], now: str
) -> View:
    """Show the versions that bytes belong to, those with most of them and the newest first."""
    columns = (
        Column("reference", "version"),
        Column("standing", "", is_drawn=any(one.standing for one in matches)),
        Column("has", "has"),
        Column("author", "author"),
        Column("published", "age"),
        Column("files", "files", is_drawn=False),
        Column("whole", "whole", is_drawn=False),
        Column("name", "model", is_drawn=False),
        Column("number", "number", is_drawn=False),
        Column("digest", "digest", in_full=True),
    )
    left = tuple(Row(cells=(path,), vouched=Vouched(Mark.FOUND), tone=Tone.BAD) for path in unknown)
    return View(
        kind="identified",
        title=what,
        now=now,
        found=True,
        sections=(
            Section(
                key="matches",
                title="Versions",
                blocks=(
                    Table(
                        key="matches",
                        columns=columns,
                        rows=tuple(_view_matched(one, names) for one in matches),
                    ),
                ),
            ),
            Section(
                key="unknown",
                title="Unknown",
                note="no version is found that has these: muniment push PATH NAMESPACE/MODEL publishes them",
                blocks=(Table(key="unknown", columns=(Column("path", "path"),), rows=left),),
            ),
        ),
        next=tuple(f"muniment show {_name(one)}" for one in matches[:1]),
    )


def _view_matched(one: Matched, names: Mapping[str, str]) -> Row:
    record = one.record
    return Row(
        cells=(
            _name(one),
            one.standing or None,
            _describe(one),
            name_people(names, record.author),
            Time(record.published),
            Pairs(tuple(one.files.items())),
            one.whole,
            record.name,
            record.number,
            record.revision,
        ),
        # That it has the bytes was seen in its manifest.
        vouched=Vouched(Mark.CHECKED, record.index),
        tone=Tone.BAD if one.standing else Tone.PLAIN,
    )


def _name(one: Matched) -> str:
    return f"{one.record.name}@{one.record.number}"


def _describe(one: Matched) -> str:
    if one.whole:
        return "all its files"
    path, *more = one.files.values()
    return f"{path} and {len(more)} more" if more else path
