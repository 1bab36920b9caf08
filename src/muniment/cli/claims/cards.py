"""`muniment card`: write, show and export model cards."""

import json
from pathlib import Path

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import FilePath, Terminal, json_option
from muniment.client.reports.cards import read_card, write_card
from muniment.client.reports.croissant import check_files, read_croissant, write_croissant
from muniment.client.reports.evaluations import write_report
from muniment.core import canonical
from muniment.core.errors import InvalidCard

_FORMS = ("muniment", "huggingface", "croissant")


@click.group()
def card() -> None:
    """Write, show and export model cards."""


@card.command("set")
@click.argument("reference", type=REFERENCE)
@click.argument("file", type=FilePath(exists=True, dir_okay=False))
@json_option
@click.pass_obj
def set_(terminal: Terminal, reference: str, file: Path) -> None:
    """Sign and record a model card.

    FILE is Markdown with front matter, as Muniment or the Hugging Face Hub writes it, or a Croissant
    description (.json) of a dataset, whose files must be those of the version. Older cards stay on record.
    """
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidCard(reason="it is not UTF-8") from error
    with connect(terminal) as registry:
        version = registry.version(reference)
        if file.suffix == ".json":
            document = canonical.decode(text.encode())
            check_files(document, version)
            parsed = read_croissant(document)
        else:
            parsed = read_card(text)
        receipt = version.set_card(parsed)
    answer_receipt(terminal, receipt, [f"card of {version} recorded as entry {receipt.index} of the log"])


@card.command("show")
@click.argument("reference", type=REFERENCE)
@click.option("--format", "form", type=click.Choice(_FORMS), default="muniment", show_default=True)
@json_option
@click.pass_obj
def show(terminal: Terminal, reference: str, *, form: str) -> None:
    """Show the newest card of a version."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        if form == "croissant":
            described = write_croissant(version)
            terminal.answer_text(described, json.dumps(described, ensure_ascii=False, indent=2))
            return
        newest = version.card()
        if form == "huggingface":
            text = dict(write_report(version, form))["README.md"].decode()
        else:
            text = write_card(newest)
    terminal.answer_text(json.loads(json.dumps(newest.predicate())), text.rstrip("\n"))
