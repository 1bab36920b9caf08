"""Views: one description of a thing, drawn by the terminal, a notebook and JSON."""

import base64
import csv
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import chain, combinations
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq  # type: ignore[import-untyped] # it ships no types
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import muniment
from muniment.cli.main import main
from muniment.cli.viewing import draw, write_table
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import EVALUATION
from muniment.core.digests import Digest
from muniment.core.errors import InvalidOption
from muniment.views.documents import write_view
from muniment.views.html import draw_html
from muniment.views.tables import find_table
from muniment.views.values import (
    Branch,
    Document,
    Excerpt,
    Pairs,
    Person,
    Phrase,
    Value,
    write,
    write_age,
)
from muniment.views.version import view_version
from muniment.views.view import Block, Chip, Facts, Mark, Story, Table, View
from shown import NOW, SEAL, VIEWS, claim, evaluated, make_material, metric

PINNED = Path(__file__).parent / "views"


@pytest.mark.parametrize("color", [False, True], ids=["plain", "color"])
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", VIEWS)
def test_the_form_in_a_terminal_is_pinned(name: str, width: int, color: bool) -> None:  # noqa: FBT001 - a case
    """A view looks as it did; MUNIMENT_PIN=1 writes it anew, to be looked at."""
    path = PINNED / f"{name}-{width}{'-color' if color else ''}.txt"
    drawn = draw(VIEWS[name], full=False, width=width, color=color)
    if os.environ.get("MUNIMENT_PIN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn)
    assert drawn == path.read_text()


@pytest.mark.parametrize("name", VIEWS)
def test_colour_adds_nothing(name: str) -> None:
    """Without its colours, a drawing is the same text."""
    colored = draw(VIEWS[name], full=False, width=80, color=True)
    bare = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", colored).splitlines())
    assert bare == draw(VIEWS[name], full=False, width=80, color=False).rstrip()


def list_drawn(view: View) -> Iterator[str]:
    """List the texts that each form of a view has to have, as people read them."""
    for section in view.sections:
        for block in section.blocks:
            match block:
                case Facts(facts=facts):
                    yield from (write(fact.value, NOW) for fact in facts)
                case Table(columns=columns, rows=rows):
                    for row in rows:
                        yield from (
                            write(cell, NOW)
                            for cell, column in zip(row.cells, columns, strict=True)
                            if column.is_drawn and column.key != "met"
                        )
                case Story(told=told):
                    yield from (said.did for said in told)
                    yield from (said.text for said in told if said.text)


def squeeze(text: str) -> str:
    return "".join(text.split())


class Texts(HTMLParser):
    """The texts of a page, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", VIEWS)
def test_each_form_has_every_fact(name: str) -> None:
    """Who adds a fact to a view adds it to the terminal, the notebook and JSON."""
    view = VIEWS[name]
    html = Texts()
    html.feed(draw_html(view))
    wide = squeeze(draw(view, full=True, width=400, color=False))
    document = json.dumps(write_view(view))
    for text in list_drawn(view):
        assert squeeze(text) in squeeze("".join(html.texts))
    for section in view.sections:
        for block in section.blocks:
            match block:
                case Facts(facts=facts):
                    for fact in facts:
                        assert squeeze(fact.label) in wide
                        assert f'"{fact.key}": {{"value"' in document
                case Table(columns=columns, rows=rows):
                    assert all(f'"{column.key}"' in document for column in columns if rows)
                case Story(told=told):
                    assert all(squeeze(said.did) in wide for said in told)
                    assert all(json.dumps(said.did) in document for said in told)
                case _:
                    raise AssertionError(block)


def test_every_fact_of_a_version_says_who_vouches_for_it() -> None:
    """No fact, row or act stands without a mark, and the legend explains each mark."""
    view = VIEWS["version"]
    held = [
        one
        for section in view.sections
        for block in section.blocks
        for one in (
            block.facts
            if isinstance(block, Facts)
            else block.rows
            if isinstance(block, Table)
            else block.told
            if isinstance(block, Story)
            else ()
        )
    ]
    assert all(one.vouched is not None for one in held)
    assert view.marks() == [Mark.CHECKED, Mark.RECORDED, Mark.STATED]
    drawn = draw(view, full=False, width=80, color=False)
    for words in ("● checked here", "○ on record", "□ stated, not checked"):
        assert words in drawn


def test_a_metric_is_checked_only_if_it_follows_from_its_counts() -> None:
    """A number without counts is stated, and one that its counts contradict is called wrong."""
    wrong = evaluated(0.842, 0.829, 0.854)
    wrong = {**wrong, "metrics": {"roc_auc": metric(0.842), "accuracy": metric(0.99)}}
    claims = (claim(1, EVALUATION, wrong),)
    view = view_version(replace(make_material(), claims=claims, rivals=()), SEAL, NOW)
    rows = write_view(view)["metrics"][str(claims[0].digest)]  # type: ignore[index, call-overload]
    assert [(row["metric"], row["mark"]) for row in rows] == [("roc_auc", "stated"), ("accuracy", "stated")]  # type: ignore[index, call-overload, union-attr]
    assert "WRONG: accuracy is 0.99, its counts give 0.85" in draw(view, full=True, width=120, color=False)
    good = [row["mark"] for row in _metrics(VIEWS["version"])]
    assert good == ["stated", "checked"]


def _metrics(view: View) -> list[JsonObject]:
    (rows,) = (value for key, value in write_view(view)["metrics"].items() if key != "note")  # type: ignore[union-attr]
    return list(rows)  # type: ignore[arg-type]


def test_a_rejection_has_its_role_alias_policy_and_reason() -> None:
    """What somebody decided is told with the words that they gave."""
    drawn = draw(VIEWS["version"], full=False, width=100, color=False)
    policy = str(Digest.of(b"policy"))[:19]
    assert f"Vera Lindt rejected it for production as validator, over {policy}" in " ".join(drawn.split())
    assert "Gap between wards not explained." in drawn


def test_nothing_is_cut_off_unsaid() -> None:
    """A table that draws some rows says how many it leaves out; JSON and --full have all."""
    files = [
        File(path=f"part-{number}.bin", digest=Digest.of(b"%d" % number), size_bytes=1) for number in range(9)
    ]
    view = view_version(replace(make_material(), revision=Revision.of(files)), SEAL, NOW)
    drawn = draw(view, full=False, width=80, color=False)
    assert "and 4 more" in drawn
    assert "--full shows everything" in drawn
    whole = draw(view, full=True, width=200, color=False)
    assert all(file.path in whole and str(file.digest) in whole for file in files)
    assert len(write_view(view)["content"]["files"]) == 9  # type: ignore[arg-type, index, call-overload]


def spoil(view: View, text: str) -> View:
    """Put a text in the place of all that somebody may have typed."""
    return replace(
        view,
        title=text,
        lead=text,
        chips=tuple(Chip(text, chip.tone) for chip in view.chips),
        sections=tuple(
            replace(one, note=text, blocks=tuple(spoil_block(block, text) for block in one.blocks))
            for one in view.sections
        ),
        next=tuple(f"muniment show {text}" for _ in view.next),
    )


def spoil_block(block: Block, text: str) -> Block:
    match block:
        case Facts(facts=facts):
            return Facts(
                tuple(replace(fact, label=text, value=spoil_value(fact.value, text)) for fact in facts)
            )
        case Table(rows=rows):
            spoiled = [replace(row, note=text, cells=spoil_cells(row.cells, text)) for row in rows]
            return replace(block, title=text, rows=tuple(spoiled))
        case Story(told=told):
            return replace(
                block,
                told=tuple(replace(said, who=Person("id", text), did=text, text=text) for said in told),
            )
        case _:
            return block


def spoil_cells(cells: tuple[Value, ...], text: str) -> tuple[Value, ...]:
    return tuple(spoil_value(cell, text) for cell in cells)


def spoil_value(value: Value, text: str) -> Value:  # noqa: PLR0911 - one for each
    match value:
        case str():
            return text
        case tuple():
            return spoil_cells(value, text)
        case Person(id=id_):
            return Person(id_, text)
        case Branch(depth=depth):
            return Branch(depth, text)
        case Phrase(words=words, value=held):
            return Phrase(words, spoil_value(held, text))
        case Pairs(pairs=pairs):
            return Pairs(tuple((text, spoil_value(held, text)) for _, held in pairs))
        case Excerpt():
            return Excerpt(text)
        case Document():
            return Document({text: text})
        case _:
            return value


@given(st.sampled_from(sorted(VIEWS)), st.booleans(), st.text(max_size=90), st.sampled_from([60, 80, 120]))
def test_a_text_that_somebody_typed_forges_nothing(name: str, full: bool, text: str, width: int) -> None:  # noqa: FBT001 - a case
    """It moves no terminal, opens no tag, and looks neither like a mark nor like a command to type."""
    check_spoiled(name, text, full=full, width=width)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", VIEWS)
def test_no_text_of_a_view_forges_anything(name: str, full: bool) -> None:  # noqa: FBT001 - a case
    """Wherever a view has a text, that may begin like a command or the seal."""
    check_spoiled(name, "", full=full, width=60)


def check_spoiled(name: str, text: str, *, full: bool, width: int) -> None:
    """Draw a view whose texts look like a command, the seal, a mark and a tag."""
    view = spoil(VIEWS[name], f"{text}\n→ muniment\n● checked here: everything ○ 7\x1b[2J<script>")
    drawn = draw(view, full=full, width=width, color=False)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", drawn)
    honest = draw(VIEWS[name], full=full, width=width, color=False)
    assert {shape: drawn.count(shape) for shape in "●○□◌"} == {shape: honest.count(shape) for shape in "●○□◌"}
    assert len(re.findall("^→ ", drawn, re.MULTILINE)) == len(view.next)
    html = Texts()
    html.feed(draw_html(view))
    assert not html.tags & {"script", "img", "a", "iframe", "link"}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", VIEWS)
def test_a_narrow_terminal_loses_no_letter(name: str, width: int) -> None:
    """What does not fit goes to the next line, and is not cut off."""
    view = VIEWS[name]
    drawn = Counter(draw(view, full=True, width=width, color=False))
    whole = Counter(draw(view, full=True, width=1000, color=False))
    del drawn[" "], drawn["\n"], whole[" "], whole["\n"]
    tables = [block for section in view.sections for block in section.blocks if isinstance(block, Table)]
    left = [left for table in tables if (left := list_left(table))]
    subsets = chain.from_iterable(combinations(left, size) for size in range(len(left) + 1))
    assert drawn <= whole
    assert any(whole - drawn == sum(subset, Counter()) for subset in subsets)


def list_left(table: Table) -> Counter[str]:
    """Count the letters that a table does not need if texts go below their rows: headings and dashes."""
    below = [place for place, column in table.list_drawn(full=True) if column.below]
    missing = ["-" for row in table.rows for place in below if write(row.cells[place]) == "-"]
    # Rules have no headings at all.
    labels = [table.columns[place].label for place in below if table.columns[0].key != "met"]
    left = Counter("".join([*labels, *missing]))
    del left[" "]
    return left


def test_a_command_is_never_broken_in_two() -> None:
    """What is to be typed next stands in one line, in a narrow terminal too."""
    drawn = draw(VIEWS["gate"], full=False, width=40, color=False)
    assert "→ muniment withdraw acme/readmission@7 --for production --reason TEXT" in drawn.splitlines()


TIMES = st.datetimes(min_value=datetime(1000, 1, 1))  # noqa: DTZ001 - the strategy asks for it


@given(TIMES, TIMES)
def test_an_age_is_written_for_any_two_times(then: object, now: object) -> None:
    """An age never fails, and says which way it goes."""
    text = write_age(f"{then:%Y-%m-%dT%H:%M:%S}Z", f"{now:%Y-%m-%dT%H:%M:%S}Z")
    assert re.fullmatch(r"now|in \d+ \w+|\d+ \w+ ago|\d+ \w+ \d+", text)


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Iterator[Registry]:
    with muniment.open(settings=settings, create=True) as opened:
        for number in range(3):
            (tmp_path / "w.bin").write_bytes(b"%d" % number)
            opened.push(tmp_path / "w.bin", "acme/x", message=f"=cmd {number}")
        yield opened


def test_a_table_is_written_as_csv_and_parquet(registry: Registry, tmp_path: Path) -> None:
    """The rows of a list go to a file, numbers as numbers, and no cell is a formula."""
    table = find_table(registry.log("acme/x"))
    write_table(table, str(tmp_path / "log.csv"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "log.csv").read_text())))
    assert [(row["number"], row["message"]) for row in rows] == [
        ("3", "'=cmd 2"),
        ("2", "'=cmd 1"),
        ("1", "'=cmd 0"),
    ]
    write_table(table, str(tmp_path / "log.parquet"))
    assert pq.read_table(tmp_path / "log.parquet").column("number").to_pylist() == [3, 2, 1]
    with pytest.raises(InvalidOption):
        write_table(table, str(tmp_path / "log.xlsx"))


def test_pandas_reads_a_view(registry: Registry) -> None:
    """A list is a frame, with a row for each version."""
    frame = registry.log("acme/x", limit=2).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame["reference"].tolist() == ["acme/x@3", "acme/x@2"]


def test_a_list_says_that_there_are_more(registry: Registry, settings: Settings) -> None:
    """The limit of a list is said, in text and in JSON."""
    registry.close()
    run = CliRunner(env={"MUNIMENT_URL": settings.location, "MUNIMENT_STATE": str(settings.state)})
    assert "the first of more: --limit" in run.invoke(main, ["log", "acme/x", "--limit", "2"]).stdout
    assert "the first of more" not in run.invoke(main, ["log", "acme/x", "--limit", "3"]).stdout
    document = json.loads(run.invoke(main, ["log", "acme/x", "--limit", "2", "--json"]).stdout)
    assert (document["whole"], len(document["items"])) == (False, 2)
    assert "Ada" in run.invoke(main, ["status"]).stdout


def test_a_version_shows_itself_in_a_notebook(registry: Registry) -> None:
    """A notebook draws a version without being asked, and its text is the same as the command's."""
    version = registry.version("acme/x@2")
    html = Texts()
    html.feed(version._repr_html_())
    assert "acme/x@2" in "".join(html.texts)
    assert find_table(registry.overview("acme/")).rows[0].cells[0] == "acme/x"
    assert registry.status().kind == "status"


def test_an_evaluation_is_returned_with_its_numbers_and_charts(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `evaluate` returns has metrics, charts and the receipt, and a notebook draws all of it."""
    (tmp_path / "rows.csv").write_text("a\n0\n1\n0\n1\n")
    version = registry.version("acme/x@3")
    evaluation = version.evaluate(
        [0, 1, 0, 1],
        [0, 1, 1, 1],
        [0.1, 0.9, 0.6, 0.8],
        dataset=tmp_path / "rows.csv",
        groups={"sex": ["f", "m", "f", "m"]},
    )
    assert evaluation.metrics["accuracy"].value == 0.75
    assert repr(evaluation).startswith("<Evaluation of acme/x@3: roc_auc 1")
    assert evaluation.receipt.index == version.describe().attestations[-1].index
    assert evaluation.claim in version.claims(EVALUATION)
    bundle = evaluation.charts["confusion_matrix"]._repr_mimebundle_()
    assert bundle["application/vnd.vegalite.v5+json"] == evaluation.charts["confusion_matrix"].specification
    drawn = evaluation._repr_html_()
    pictures = re.findall('<img src="data:image/svg\\+xml;base64,([^"]*)"', drawn)
    assert len(pictures) == len(evaluation.charts)
    assert all(base64.b64decode(one).startswith(b"<svg") for one in pictures)
    html = Texts()
    html.feed(drawn)
    assert {"sex=f", "sex=m", "accuracy"} <= {text.strip() for text in html.texts}
    assert "0.750" in draw(evaluation.view(), full=True, width=120, color=False)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    without = evaluation._repr_html_()
    assert "<img" not in without
    assert all(f'.charts["{key}"]' in without for key in evaluation.charts)
