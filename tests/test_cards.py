"""Cards: both forms are read, and what is written is read back the same."""

from typing import Any

from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from muniment.client.cards import read_card, write_card, write_hub_card
from muniment.core.cards import LISTS, SECTIONS, Card

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
    """In our form."""
    assert read_card(write_card(card)) == card


def test_a_card_of_the_hub_is_read() -> None:
    """Its metadata and the headings of its template; its own library reads what we write."""
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
