"""The shape of a view: a heading, and sections with facts, tables and what people said.

Each fact says who vouches for it (`Mark`). Who draws a view shows every mark by its shape and word, so that
it can be read without colour, and says how many rows it leaves out.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

from muniment.core.canonical import JsonObject
from muniment.core.extras import load_extra
from muniment.views.values import Person, Time, Value


class Mark(StrEnum):
    """Who vouches for a fact."""

    # Bytes, digests, proofs and sums that this client verified.
    CHECKED = "checked"
    # An entry of the log by a named person, which is proven.
    RECORDED = "recorded"
    # The word of its signer.
    STATED = "stated"
    # Each is proven, and there may be more.
    FOUND = "found"


# What each mark means, in a legend.
MEANINGS: Final = {
    Mark.CHECKED: "checked here",
    Mark.RECORDED: "on record",
    Mark.STATED: "stated, not checked",
    Mark.FOUND: "found, may not be all",
}


class Tone(StrEnum):
    """What something means for its reader. Never said by colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Vouched(NamedTuple):
    """Who vouches for something, and the entry of the log that says so."""

    mark: Mark
    entry: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A named value. `key` is its name in JSON."""

    key: str
    label: str
    value: Value
    vouched: Vouched | None = None
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of facts."""

    facts: tuple[Fact, ...]


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        key: its name in JSON.
        is_drawn: whether it is drawn at all; `in_full` only where everything is.
        below: whether it holds sentences, which go below the row where there is little room.
    """

    key: str
    label: str
    is_number: bool = False
    is_drawn: bool = True
    in_full: bool = False
    below: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table, with a value for each column.

    Attributes:
        note: what to know of it beside the columns, such as the command that would help.
    """

    cells: tuple[Value, ...]
    vouched: Vouched | None = None
    tone: Tone = Tone.PLAIN
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        key: its name in JSON, which has all rows.
        most: how many rows are drawn (None: all).
        more: what is said of the others: `and 3 more`.
    """

    key: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    most: int | None = None
    more: str = "more"

    def list_drawn(self, *, full: bool) -> list[tuple[int, Column]]:
        """List the columns that are drawn, with their places."""
        shown = [column.is_drawn and (full or not column.in_full) for column in self.columns]
        return [(place, column) for place, column in enumerate(self.columns) if shown[place]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody did, when, and the words that they gave with it; None if those were erased."""

    who: Person
    did: str
    time: Time
    text: str | None = None
    vouched: Vouched
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What people did, newest first. `key` is its name in JSON, which has all; `most` are drawn."""

    key: str
    told: tuple[Said, ...]
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, as a Vega-Lite specification."""

    key: str
    title: str
    specification: JsonObject

    def _repr_mimebundle_(self, **_options: object) -> dict[str, object]:
        """Have a notebook draw it."""
        return {"application/vnd.vegalite.v5+json": self.specification, "text/plain": self.title}


Block: TypeAlias = Facts | Table | Story | Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a view.

    Attributes:
        key: its name in JSON.
        note: what it is about, beside the title.
        aside: whether it goes beside the others, where there is room.
        in_full: whether it is drawn only where everything is.
        empty: what is said if it has nothing, with what to do about it.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    note: str = ""
    empty: str = ""
    aside: bool = False
    in_full: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no block holds anything."""
        return not any(_is_filled(block) for block in self.blocks)


class Chip(NamedTuple):
    """A word or two about the whole thing: an alias, a status."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What was checked, as of which state of the log, and what was not.

    Attributes:
        checked: what was, in words.
        left: what was not, with the command that does.
        size: how many entries the log had.
        time: when that state of the log was signed (RFC 3339).
    """

    checked: tuple[str, ...]
    left: tuple[str, ...]
    size: int
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view of a thing.

    Attributes:
        kind: what it is of: version, model, gate.
        title: the name of the thing.
        lead: a sentence or two about it.
        facts: what the title and the chips say, for JSON.
        found: whether there may be more than it shows.
        whole: whether it has all that was found, and not only as many rows as were asked for.
        next: commands that its reader may want now.
        now: when it was made (RFC 3339); ages are seen from there.
    """

    kind: str
    title: str
    now: str
    lead: str = ""
    facts: tuple[Fact, ...] = ()
    chips: tuple[Chip, ...] = ()
    seal: Seal | None = None
    sections: tuple[Section, ...] = ()
    found: bool = False
    whole: bool = True
    next: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        drawn = importlib.import_module("muniment.views.html").draw_html(self)
        return str(drawn)

    def to_frame(self) -> Any:  # noqa: ANN401 - pandas is not a dependency
        """Return the main table as a pandas DataFrame.

        Raises:
            MissingExtra: pandas is not installed.
            LookupError: the view has no table.
        """
        tables = importlib.import_module("muniment.views.tables")
        rows = list(tables.list_rows(tables.find_table(self)))
        return load_extra("pandas", "pandas").DataFrame(rows)

    def marks(self) -> list[Mark]:
        """List the marks that it bears, in the order of their definition."""
        borne = {vouched.mark for section in self.sections for vouched in _list_vouched(section)}
        return [mark for mark in Mark if mark in borne]


def _is_filled(block: Block) -> bool:
    match block:
        case Facts(facts=held) | Table(rows=held) | Story(told=held):
            return bool(held)
        case Chart():
            return True


def _list_vouched(section: Section) -> Iterator[Vouched]:
    for block in section.blocks:
        match block:
            case Facts(facts=held) | Table(rows=held) | Story(told=held):
                yield from (one.vouched for one in held if one.vouched is not None)
            case Chart():
                pass
