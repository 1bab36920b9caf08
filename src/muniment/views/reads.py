"""The record of reads: who was given bytes of which version, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from muniment.core.naming import put_names
from muniment.core.reads import Read
from muniment.core.verbs.bytes import ReadsSetting
from muniment.views.listing import view_list
from muniment.views.values import Person, Time, Value, name_people, read_text, write_minute
from muniment.views.view import Column, Fact, Facts, Mark, Row, Section, Tone, View, Vouched


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRead:
    """A read and its day; `entry` is that of its batch, None while it is in none."""

    namespace: str
    day: str
    read: Read
    entry: int | None = None


def view_reads(  # noqa: PLR0913, PLR0917 - what it is made from
    title: str,
    namespace: str,
    settings: Sequence[ReadsSetting],
    reads: Sequence[RecordedRead],
    names: Mapping[str, str],
    now: str,
) -> View:
    """Show reads of a namespace, a model or a version, and when a record was kept."""
    columns = (
        Column("day", "day"),
        Column("principal", "who"),
        Column("version", "version"),
        Column("files", "files", is_number=True),
        Column("manifests", "manifest", is_number=True),
        Column("first", "first", in_full=True),
        Column("last", "last", in_full=True),
    )
    is_on = bool(settings) and bool(settings[-1].record.recording)
    off = f"{namespace} keeps no record of reads now: muniment audit reads on {namespace} --reason TEXT"
    listed = view_list(
        "reads",
        title,
        columns,
        [_view_read(one, names) for one in reads],
        now,
        heading="Reads",
        lead="" if is_on else off,
        note="requests that were answered, by day; a pending read is in no batch yet, and not proven",
        empty="no reads are on record of these days",
        commands=[f"muniment audit reads flush {namespace}" for one in reads if one.entry is None],
    )
    kept = Section(
        key="record",
        title="Record",
        blocks=(Facts(tuple(_view_setting(one, names) for one in settings)),),
    )
    return replace(listed, sections=(*([kept] if settings else []), *listed.sections))


def view_reads_settings(
    namespace: str, settings: Sequence[ReadsSetting], names: Mapping[str, str], now: str
) -> View:
    """Show when a record of the reads in a namespace was turned on and off."""
    columns = (
        Column("set", "age"),
        Column("recording", "record"),
        Column("actor", "by"),
        Column("reason", "why", below=True),
    )
    rows = [
        Row(
            cells=(
                Time(one.record.set),
                "on" if one.record.recording else "off",
                name_people(names, one.record.actor),
                read_text(one.record.reason, one.reason),
            ),
            vouched=Vouched(Mark.RECORDED, one.record.index),
        )
        for one in settings
    ]
    empty = f"{namespace} has never kept a record of reads"
    title = f"The record of reads of {namespace}"
    return view_list("reads-settings", title, columns, rows, now, heading="Record", empty=empty)


def _view_setting(setting: ReadsSetting, names: Mapping[str, str]) -> Fact:
    record = setting.record
    reason = read_text(record.reason, setting.reason)
    who = put_names(record.actor, names)
    said = f"{'on' if record.recording else 'off'} since {write_minute(record.set)}, by {who}: {reason}"
    return Fact(
        key=f"setting-{record.index}",
        label="record",
        value=said,
        vouched=Vouched(Mark.RECORDED, record.index),
    )


def _view_read(one: RecordedRead, names: Mapping[str, str]) -> Row:
    read = one.read
    who: Value = name_people(names, read.principal) if read.principal else Person("", "nobody with a key")
    is_pending = one.entry is None
    return Row(
        cells=(
            one.day,
            who,
            read.version,
            read.files,
            read.manifests,
            Time(read.first),
            Time(read.last),
        ),
        vouched=Vouched(Mark.FOUND) if is_pending else Vouched(Mark.RECORDED, one.entry),
        tone=Tone.WARN if is_pending else Tone.PLAIN,
        note="pending" if is_pending else "",
    )
