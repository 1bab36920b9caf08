"""Owners: who answers for a model, who can set that, and how to search by it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.errors import ModelNotFound, NotPermitted, NotShown
from muniment.core.people.callers import parse_scopes
from muniment.core.people.roles import Role
from muniment.core.verbs.catalog import SetOwner
from muniment.signing.keys import Identity
from muniment.testing import open_memory
from muniment.testing.backends import NAME, add_person, publish


@pytest.fixture
def owned(registry: Registry, model: Path) -> Registry:
    """Give a registry with a model that was Vera's and is Otto's."""
    registry.push(model, "acme/x")
    registry.push(model, "acme/y")
    for name in ("Vera", "Otto"):
        registry.people.add(name)
        registry.set_owner("acme/x", name)
    return registry


def test_the_newest_owner_counts_and_the_others_stay_on_record(owned: Registry) -> None:
    """A model has the newest owner, and each earlier one is listed and proven."""
    vera, otto = (owned.people.get(name).record.id for name in ("Vera", "Otto"))
    assert [record.owner for record in owned.owners("acme/x")] == [vera, otto]
    assert [model.owner for model in owned.models()] == [otto, None]


def test_time_travel_gives_the_owner_of_then(owned: Registry) -> None:
    """A model and a search at an earlier time give the owner at that time."""
    vera = owned.people.get("Vera").record.id
    then = owned.owners("acme/x")[0].set
    assert [model.owner for model in owned.models(at=then)] == [vera, None]
    assert [v.name for v in owned.search("owner = Vera", at=then)] == ["acme/x"]


def test_versions_are_found_by_owner(owned: Registry) -> None:
    """A search matches owners by name, by id and negated, and leaves out models without one."""
    otto = owned.people.get("Otto").record.id
    assert [v.name for v in owned.search("owner = Otto")] == ["acme/x"]
    assert [v.name for v in owned.search(f'owner = "{otto}"')] == ["acme/x"]
    assert list(owned.search("owner = Vera")) == []
    assert [v.name for v in owned.search("not owner = Otto")] == ["acme/y"]


def test_setting_the_present_owner_again_changes_nothing(owned: Registry) -> None:
    """Setting the present owner again answers with the entry that set it."""
    again = owned.set_owner("acme/x", "Otto")
    assert (again.created, again.index) == (False, owned.owners("acme/x")[-1].index)


def test_a_token_to_write_assigns_no_owner() -> None:
    """A token that an admin issued for publishing alone cannot set owners."""
    open_as, owner = open_memory(), Identity.generate()
    backend = open_as(owner)
    publish(backend, owner, b"model")
    backend._caller = replace(backend._caller, scopes=parse_scopes(["write:acme"]))
    with pytest.raises(NotPermitted):
        backend.execute(SetOwner(name=NAME, principal="founder"))


def test_an_unknown_model_or_person_is_refused(owned: Registry) -> None:
    """Setting the owner of an unknown model, or an unknown owner, is refused."""
    with pytest.raises(ModelNotFound):
        owned.set_owner("acme/z", "Otto")
    with pytest.raises(NotShown):
        owned.set_owner("acme/x", "Nobody")
    assert len(owned.owners("acme/x")) == 2


def test_an_admin_or_the_present_owner_sets_the_owner() -> None:
    """An admin and the present owner can set the owner; a contributor cannot."""
    open_as, founder = open_memory(), Identity.generate()
    backend = open_as(founder)
    publish(backend, founder, b"model")
    carl = open_as(add_person(backend, "Carl", Role.CONTRIBUTOR))
    hand_over = SetOwner(name=NAME, principal="founder")
    with pytest.raises(NotPermitted):
        carl.execute(SetOwner(name=NAME, principal="Carl"))
    backend.execute(SetOwner(name=NAME, principal="Carl"))
    assert carl.execute(hand_over).created
    with pytest.raises(NotPermitted):
        carl.execute(SetOwner(name=NAME, principal="Carl"))


def test_what_a_user_sees(owned: Registry, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`owner` sets and lists owners, and `list` and `show` print the owner's name."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    owned.close()
    run = CliRunner()
    assert "Vera owns acme/x" in run.invoke(main, ["owner", "acme/x", "Vera"]).stdout
    listed = json.loads(run.invoke(main, ["owner", "acme/x", "--json"]).stdout)["items"]
    assert [one["owner"]["name"] for one in listed] == ["Vera", "Otto", "Vera"]
    assert run.invoke(main, ["owner", "acme/x"]).stdout.count("present owner") == 1
    assert "Vera" in run.invoke(main, ["list"]).stdout
    assert "owner      Vera" in run.invoke(main, ["show", "acme/x"]).stdout
