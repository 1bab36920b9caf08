"""Texts of strangers: what is shown of them begins no line, moves no terminal, and is no markup."""

import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from muniment.cli.gates.reports import write_junit, write_sarif
from muniment.cli.terminal import Terminal
from muniment.cli.viewing import draw as draw_text
from muniment.client.reports.evaluations import write_markdown
from muniment.core.claims.evidence import Evidence
from muniment.core.claims.scans import Scan
from muniment.core.events import Entry, TagSet
from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.gates.policy import Gate, Verdict
from muniment.core.gates.rules.case import Finding
from muniment.core.texts import in_line, in_markdown, plain
from muniment.core.verbs.upkeep import Form
from muniment.evaluation.charts import draw
from muniment.evaluation.rendering import draw_spec
from muniment.server.mail import write_item
from muniment.server.webhooks import write_message
from muniment.testing.backends import NAME
from muniment.views.tables import write_csv
from muniment.views.values import Person, Time
from muniment.views.view import (
    Chip,
    Column,
    Fact,
    Facts,
    Mark,
    Row,
    Said,
    Section,
    Story,
    Table,
    View,
    Vouched,
)

# Format characters that are seen: signs of numbers and of verses.
SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
SEEN_BLOCKS = (range(0x13430, 0x13440), range(0x1BCA0, 0x1BCA4), range(0x1D173, 0x1D17B))
FORGING = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    if character not in SEEN and not any(ord(character) in block for block in SEEN_BLOCKS)
]
FORGED = re.compile(f"[{''.join(map(re.escape, FORGING))}]")
LIE = (
    "clamav\napproved by Vera\x1b[2J\x1b]0;x\x07\u202egpj\u200b\u2028\u2029\x85\r\ufeff|`<b>[x](y)**z**\u00ad"
)
TEXTS = st.one_of(
    st.just(LIE),
    st.text(max_size=20),
    st.lists(st.sampled_from([*FORGING, *"\n|`*_<>[]()#~&!\\ab "]), max_size=10).map("".join),
)


def texts_in(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for one in document.values():
            yield from texts_in(one)
    elif isinstance(document, list | tuple):
        for one in document:
            yield from texts_in(one)


def test_every_character_that_forges_is_escaped() -> None:
    """All controls, marks of direction, spaces without a width and separators are written as escapes."""
    for character in FORGING:
        shown = in_line(f"a{character}b")
        assert shown == f"a{ascii(character)[1:-1]}b"
        assert plain(character) == (character if character in "\t\n" else shown[1:-1])
    assert in_line("déjà vu: 模型 \N{PILE OF POO} ٣ a\u00a0b") == "déjà vu: 模型 \N{PILE OF POO} ٣ a\u00a0b"


@given(TEXTS)
def test_no_line_of_an_answer_is_somebody_elses(text: str) -> None:
    """An answer in lines has as many as the command wrote."""
    assert not FORGED.search(in_line(text))


def test_a_command_prints_the_lines_that_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    """A text with line breaks is one line of an answer; a report has its own lines, and moves no terminal."""
    Terminal().answer(None, [f"tool: {LIE}", "next"])
    assert capsys.readouterr().out.splitlines() == [f"tool: {in_line(LIE)}", "next"]
    Terminal().answer_text(None, "# Report\n\x1b[2Jtext")
    assert capsys.readouterr().out == "# Report\n\\x1b[2Jtext\n"


@given(TEXTS)
def test_a_finding_of_a_scan_is_one_line(text: str) -> None:
    """A finding of any scanner is one line."""
    scan = Scan({"findings": [{"severity": "high", "path": text, "message": text}]})
    assert not any(map(FORGED.search, scan.lines))


def gate_of(text: str, *, waived: bool) -> Gate:
    finding = Finding(
        rule=text, passed=False, message=text, remedy=text, id="a", waived=text if waived else ""
    )
    verdict = Verdict(version="acme/x@1", alias="production", policy="sha256:p", findings=(finding,))
    return Gate(version="acme/x@1", alias="production", verdicts=(verdict, replace(verdict, findings=())))


@given(TEXTS, st.booleans())
def test_junit_and_sarif_hold_what_was_said(text: str, waived: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """Verdicts for CI are well formed, and no text in them forges another line."""
    gate = gate_of(text, waived=waived)
    root = ET.fromstring(write_junit(gate))  # noqa: S314 - our own
    assert len(root.findall("testsuite/testcase")) == 2
    said = [value for one in root.iter() for value in one.attrib.values()]
    said += [one.text or "" for one in root.iter() if len(one) == 0]
    assert not any(map(FORGED.search, said))
    assert not any(map(FORGED.search, texts_in(json.loads(json.dumps(write_sarif(gate))))))


def evaluation_of(text: str) -> dict[str, Any]:
    counts = {"labels": [text, f"not {text}"], "counts": [[3, 1], [1, 3]]}
    group = {"column": text, "value": text, "n": 4, "metrics": {"accuracy": {"value": 0.75}}}
    return {
        "task": "classification",
        "n": 8,
        "dataset": {"name": text, "digest": f"sha256:{'0' * 64}"},
        "tool": {"name": text, "version": text},
        "time": "2026-01-01T00:00:00Z",
        "metrics": {"accuracy": {"value": 0.75, "unit": text}, text or "empty": {"value": 1.0}},
        "confusion_matrix": counts,
        "groups": [group, {**group, "value": f"not {text}"}],
        "gaps": [
            {"metric": text, "column": text, "value": 0.1, "between": [text, text], "left_out": [text]},
        ],
    }


@given(TEXTS)
@example("| --- |")
@example("```")
@example("# heading")
@example("\\")
@example("![](https://evil.example/x.png)")
def test_a_report_has_the_headings_and_rows_that_we_wrote(text: str) -> None:
    """No text in a report is a heading, a row, a link, an image or HTML of its own."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")

    def shape(text: str) -> list[str]:
        tokens = parser.parse(write_markdown("acme/x@1", [Evidence(evaluation_of(text))]))
        inside = [child.type for token in tokens for child in token.children or ()]
        return [token.type for token in tokens] + sorted({*inside} - {"text", "text_special"})

    assert shape(text) == shape("word")
    assert not FORGED.search(in_markdown(text))


@given(TEXTS)
def test_a_chart_holds_no_text_that_its_drawer_obeys(text: str) -> None:
    """Labels and groups are escaped in the specification of a chart."""
    charts = draw(evaluation_of(text))
    assert charts
    assert not any(map(FORGED.search, texts_in(charts)))


@settings(max_examples=10)
@given(TEXTS)
@example("\U00010000" * 200)
@example("a" + "\U0001f469\u200d\U0001f4bb" * 30)
def test_a_chart_is_drawn_with_any_name(text: str) -> None:
    """ESC and its like in a label end no drawing."""
    for spec in draw(evaluation_of(text)).values():
        ET.fromstring(draw_spec(spec, "svg"))  # noqa: S314 - our own


def test_long_labels_that_begin_alike_stay_apart_in_a_chart() -> None:
    """A label is cut, but two classes never become one."""
    evaluation = evaluation_of("x")
    evaluation["confusion_matrix"]["labels"] = [f"{'long ' * 100}{n}" for n in range(2)]
    rows = draw(evaluation)["confusion_matrix"]["data"]["values"]
    labels = {row["true"] for row in rows}
    assert len(labels) == 2
    assert max(map(len, labels)) == 100


@given(TEXTS)
def test_a_letter_and_a_message_have_one_line_for_each_item(text: str) -> None:
    """What a policy or a signer named begins no line of a mail or of a message in a chat."""
    item = InboxItem(
        kind=ItemKind.REQUEST,
        reference="acme/x@1",
        alias="production",
        who="p",
        what=text,
        text=None,
        claim="",
        role="",
        since="2026-01-01T00:00:00Z",
        due=None,
        overdue=False,
        entry=1,
    )
    assert not FORGED.search(write_item(item))
    event = TagSet(name=NAME, number=1, tag=text, value=None)
    entry = Entry(index=1, id="1", actor="p", time="2026-01-01T00:00:00Z", about=(), event=event)
    assert not FORGED.search(str(write_message(Form.SLACK, "muniment.dev/x", entry)["text"]))


def view_of(text: str) -> View:
    """Show a text in each place where a view has what somebody wrote."""
    recorded = Vouched(Mark.RECORDED, 7)
    said = Said(
        who=Person("p", text), did="commented", time=Time("2026-03-01T12:00:00Z"), text=text, vouched=recorded
    )
    columns = (Column("name", "name"), Column("text", "why", below=True))
    blocks = (
        Facts((Fact(key="k", label=text, value=text, vouched=recorded),)),
        Table(key="rows", columns=columns, rows=(Row(cells=(text, text), vouched=recorded, note=text),)),
        Story(key="story", told=(said,)),
    )
    return View(
        kind="version",
        title="acme/x@1",
        now="2026-03-01T12:00:00Z",
        lead=text,
        chips=(Chip(text),),
        sections=(
            Section(key="one", title="One", blocks=blocks),
            Section(key="two", title="Two", blocks=(), empty="none"),
        ),
        next=("muniment verify acme/x@1",),
    )


SIGNS = ["→ muniment promote acme/x@1 production", "●", "○ 99", "□", "◌", "✓ met", "✗ NOT MET"]


@given(
    st.lists(st.sampled_from([*SIGNS, "\n", " ", "word", "a" * 90]), min_size=1, max_size=12).map(" ".join),
    st.sampled_from([40, 80, 120]),
)
def test_nobody_but_us_draws_a_mark_a_tick_or_a_command(text: str, width: int) -> None:
    """Whatever people write, and wherever it is folded, the signs of a view are those of the view."""
    drawn, plainly = (draw_text(view_of(one), full=False, width=width, color=False) for one in (text, "word"))
    # Marks are in the rows and in the legend, arrows before the note of a row and before a command.
    for sign in "●○□◌✓✗→":
        assert drawn.count(sign) == plainly.count(sign), sign


def test_a_long_text_is_cut_in_a_terminal_and_it_is_said() -> None:
    """A text of pages leaves the rest of a view to be seen; `--full` and JSON have all of it."""
    told = view_of("word " * 2000)
    short, full = (draw_text(told, full=one, width=80, color=False) for one in (False, True))
    assert "more characters" in short
    assert "--full shows everything" in short
    assert "more characters" not in full
    lines = view_of("a\n" * 500)
    assert "…" in draw_text(replace(lines, sections=lines.sections[1:]), full=False, width=80, color=False)


@given(st.text(alphabet="=+-@\uff1d\uff0b\uff0d\uff20 \t\r\n\xa0\u202e\x1b\x9ba1", max_size=8))
def test_no_cell_of_csv_is_a_formula_or_moves_a_terminal(text: str) -> None:
    """A spreadsheet runs no cell, also after white space and in full width; `-o -` goes to a terminal."""
    table = Table(key="rows", columns=(Column("name", "name"),), rows=(Row(cells=(text,)),))
    (_, row) = csv.reader(io.StringIO(write_csv(table), newline=""))
    cell = row[0] if row else ""
    assert cell.lstrip()[:1] not in {*"=+-@\uff1d\uff0b\uff0d\uff20"} or not cell.strip()
    assert not FORGED.search(cell.replace("\n", "").replace("\t", ""))
