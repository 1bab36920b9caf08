"""Entries of the log, as people read them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.cli.viewing import draw
from muniment.client.audit.entries import show_entry
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import NotShown
from muniment.core.names import ModelName
from muniment.core.people.roles import Role
from muniment.signing.keys import Identity
from muniment.testing.backends import OpenAs, add_person, publish
from muniment.views.view import Mark, Table, View


def list_marks(view: View) -> Iterator[Mark]:
    """List who vouches for the subjects of an entry."""
    for section in view.sections:
        for block in section.blocks:
            if section.key == "subjects" and isinstance(block, Table):
                yield from (row.vouched.mark for row in block.rows if row.vouched)


def test_who_may_not_read_a_namespace_is_shown_none_of_its_entries(
    open_as: OpenAs, owner: Identity, tmp_path: Path
) -> None:
    """Entries of other namespaces are not shown; of the others, each is proven with its subjects."""
    backend = open_as(owner)
    for namespace in ("acme", "beta"):
        publish(backend, owner, b"a", name=ModelName(namespace, "x"))
    bea = open_as(add_person(backend, "Bea", Role.READER, namespace="beta"))
    trusted = TrustedBackend(bea, DirectoryMemory(tmp_path, "here"), "here")
    shown: dict[str, set[Mark]] = {}
    hidden = 0
    for index in range(trusted.meet().size):
        try:
            view = show_entry(trusted, index)
        except NotShown:
            hidden += 1
        else:
            shown[view.lead] = {*list_marks(view)}
    assert hidden, "there are entries that Bea may not read"
    assert not [lead for lead in shown if "acme/x" in lead]
    assert shown["beta/x@1 was published"] == {Mark.CHECKED}
    assert shown["Bea is reader in beta"] == {Mark.CHECKED}


@pytest.fixture
def called(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Give the entry of a version, in the registry that commands use."""
    with muniment.open(settings=settings, create=True) as registry:
        version = registry.push(model, "acme/x", message="a secret plan")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    return version.record.index


def test_an_entry_says_what_happened_and_has_its_members(called: int) -> None:
    """`entry` prints a sentence, who did it and the subjects; with --full, and as JSON, also the members."""
    short = CliRunner().invoke(main, ["entry", str(called)]).stdout
    assert f"Entry {called}\n  acme/x@1 was published\n" in short
    assert "by     Ada" in short
    assert "→ muniment show acme/x@1" in short
    assert "size_bytes" not in short
    full = CliRunner().invoke(main, ["entry", str(called), "--full"]).stdout
    assert "size_bytes" in full
    document = json.loads(CliRunner().invoke(main, ["entry", str(called), "--json"]).stdout)
    assert (document["index"]["value"], document["members"]["number"]["value"]) == (called, 1)
    assert "secret" not in short + full + json.dumps(document), "the log has the digest of the message alone"
    missing = CliRunner().invoke(main, ["entry", "9999"])
    assert (missing.exit_code, "not_shown" in missing.stderr) == (3, True)


def test_every_entry_can_be_drawn(called: int, settings: Settings) -> None:
    """Each entry of a registry has a view, from the first one on."""
    with muniment.open(settings=settings) as registry:
        drawn = [
            draw(registry.view_entry(index), full=True, width=80, color=False) for index in range(called + 1)
        ]
    assert drawn[0].startswith("Entry 0\n  the registry was created, with the log")
