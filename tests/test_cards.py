"""Cards: both forms are read, and what is written is read back the same."""

import json
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.reports.cards import read_card, write_card, write_hub_card
from muniment.client.reports.croissant import CONFORMS, check_files, read_croissant, write_croissant
from muniment.client.sdk.registry import Registry
from muniment.core.claims.cards import LISTS, SECTIONS, Card
from muniment.core.errors import DigestMismatch, InvalidCard

WORDS = st.text(alphabet="abc éü:#-'\"", max_size=20).map(lambda text: f"x{text}x")
CARDS = st.builds(
    Card,
    title=WORDS,
    licence=WORDS,
    **{name: st.one_of(st.just(""), WORDS) for name in SECTIONS},
    **{name: st.lists(WORDS, max_size=3).map(tuple) for name in LISTS},
)


@given(CARDS)
def test_what_is_written_is_read_back(card: Card) -> None:
    """A card in our form is read back as it was written."""
    assert read_card(write_card(card)) == card


def test_contacts_below_a_heading_are_contacts() -> None:
    """They may stand in the front matter or as lines below a heading of either form."""
    text = "---\ncontacts: [ml@acme.example]\n---\n# X\n## Contacts\n- Ada Brandt\n\nward-7@acme.example\n"
    card = read_card(text)
    assert card.contacts == ("ml@acme.example", "Ada Brandt", "ward-7@acme.example")
    assert read_card(write_hub_card(card, "x")).contacts == card.contacts


def test_a_card_of_the_hub_is_read() -> None:
    """The metadata and headings of a Hub card are read, and the Hub's library reads what we write."""
    text = """---
license: mit
language: [en, de]
base_model: acme/base
datasets: acme/data
tags:
- tabular
---
# Model Card for X
## Uses
### Direct Use
Ranking.
### Out-of-Scope Use
Diagnosis.
## Bias, Risks, and Limitations
Small data.
## Citation
None.
"""
    card = read_card(text)
    assert (card.intended_use, card.out_of_scope_use) == ("Ranking.", "Diagnosis.")
    assert (card.limitations, card.others) == ("Small data.", {"Citation": "None."})
    assert (card.base_models, card.languages) == (("acme/base",), ("en", "de"))
    written: Any = ModelCard(write_hub_card(card, "x"))
    assert (written.data.license, written.data.language, written.data.base_model) == (
        "mit",
        ["en", "de"],
        ["acme/base"],
    )
    assert "## Direct Use\n\nRanking." in written.text
    assert read_card(str(written)).limitations == "Small data."


@pytest.mark.foreign
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # what it calls in rdflib
def test_a_dataset_is_described_as_croissant(registry: Registry, tmp_path: Path) -> None:
    """The Croissant library accepts our description and reads the rows of the files by it."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "rows.csv").write_text("name,age,score\nAda,36,0.5\nAlan,41,1.5\n")
    (data / "notes.txt").write_text("x")
    version = registry.push(data, "data/people", kind="dataset")
    card = Card(title="people", licence="CC-BY-4.0", contacts=("ACME",), others={"Summary": "Some people."})
    version.set_card(card)
    document = write_croissant(version)
    (data / "croissant.json").write_text(json.dumps(document))
    described = mlcroissant.Dataset(str(data / "croissant.json"))
    assert described.metadata.name == "people"
    rows = list(described.records("rows_csv"))
    assert [row["rows_csv/age"] for row in rows] == [36, 41]
    read = read_croissant(document)
    assert (read.title, read.licence, read.contacts) == ("people", "CC-BY-4.0", ("ACME",))
    assert read.others["Summary"] == "Some people."
    assert document["conformsTo"] == CONFORMS
    check_files(document, version)
    (data / "rows.csv").write_text("other")
    with pytest.raises(DigestMismatch):
        check_files(document, registry.push(data, "data/people"))
    for wrong in ({}, {"@type": "sc:Person", "name": "x"}, {"@type": "sc:Dataset"}):
        with pytest.raises(InvalidCard):
            read_croissant(wrong)


def test_the_command_takes_and_gives_every_form(
    registry: Registry, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`card` reads Markdown and Croissant, and writes Markdown, the Hub's form and Croissant."""
    (tmp_path / "rows.csv").write_text("x\n1\n")
    registry.push(tmp_path / "rows.csv", "data/x", kind="dataset")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(*arguments: str, exits: int = 0) -> str:
        result = CliRunner().invoke(main, ["card", *arguments])
        assert result.exit_code == exits, result.output
        return result.output

    assert "card_not_found" in run("show", "data/x@1", exits=4)
    croissant = json.loads(run("show", "data/x@1", "--format", "croissant"))
    (tmp_path / "c.json").write_text(json.dumps({**croissant, "license": "MIT"}))
    run("set", "data/x@1", str(tmp_path / "c.json"))
    assert "licence: MIT" in run("show", "data/x@1")
    assert "license: mit" in run("show", "data/x@1", "--format", "huggingface")
    (tmp_path / "c.md").write_bytes(b"\xff")
    assert "not UTF-8" in run("set", "data/x@1", str(tmp_path / "c.md"), exits=2)
